"""Numbers in sentences."""

from __future__ import annotations


def plural(n: int, one: str, many: str = "") -> str:
    """A number with its noun: `1 cell`, `2 cells`, `1,000 cells`. many: the plural, where it is not `one` and an s."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"
