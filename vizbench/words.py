"""Numbers in sentences, and the words of others."""

from __future__ import annotations


def plural(n: int, one: str, many: str = "") -> str:
    """A number with its noun: `1 cell`, `2 cells`, `1,000 cells`. many: the plural, where it is not `one` and an s."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def plain(text: str) -> str:
    """One line for a terminal: what it would obey, or cannot show, is escaped. Names come from others' files."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def is_text(name: str) -> bool:
    """Whether a name can be written as UTF-8: that of a file, or an argument, may be any bytes."""
    return name.isascii() or not any("\ud800" <= c <= "\udfff" for c in name)
