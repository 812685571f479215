"""Rewrite the generated blocks of README.md.

    python scripts/readme.py

It prints nothing. The table of tasks comes from the registry, the results from docs/embedded.md. A block is
the text between `<!-- begin NAME -->` and `<!-- end NAME -->`. A test fails if a block is out of date.
"""

from __future__ import annotations

from pathlib import Path

from vizbench.task import families

ROOT = Path(__file__).resolve().parent.parent


def tasks_table() -> str:
    """Return the table of task families: what is asked, and the variants, the default first."""
    rows = ["| family | what is asked | variants |", "|---|---|---|"]
    for family, task in families().items():
        variants = ", ".join(f"`{name}`" for name in task.variants)
        rows.append(f"| `{family}` | {task.summary} | {variants} |")
    return "\n".join(rows)


def block(text: str, name: str) -> str:
    """Return the text between the markers of a block."""
    return _parts(text, name)[1].strip()


def fill(text: str, name: str, content: str) -> str:
    """Return the text with one block replaced."""
    head, _, tail = _parts(text, name)
    return f"{head}{content}\n{tail}"


def _parts(text: str, name: str) -> tuple[str, str, str]:
    """Return the text up to and with the begin marker, the block, and the text from the end marker on."""
    begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
    if begin not in text or end not in text.partition(begin)[2]:
        raise SystemExit(f"there is no block {begin.strip()} … {end}: add both markers")
    head, _, rest = text.partition(begin)
    body, _, tail = rest.partition(end)
    return head + begin, body, end + tail


def updated(text: str) -> str:
    """Return the README with current blocks."""
    embedded = (ROOT / "docs" / "embedded.md").read_text(encoding="utf-8")
    text = fill(text, "tasks", tasks_table())
    return fill(text, "results", block(embedded, "results"))


if __name__ == "__main__":
    readme = ROOT / "README.md"
    readme.write_text(updated(readme.read_text(encoding="utf-8")), encoding="utf-8")
