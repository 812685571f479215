"""Rewrite the generated blocks of README.md: the table of tasks from the registry, the results from
docs/embedded.md.

    python scripts/readme.py

A block stands between `<!-- begin NAME -->` and `<!-- end NAME -->`. The test suite fails when a block is out
of date."""

from __future__ import annotations

from pathlib import Path

from vizbench.task import families

ROOT = Path(__file__).resolve().parent.parent


def tasks_table() -> str:
    """One row a family: what is asked, and its variants, the default first."""
    rows = ["| family | what is asked | variants |", "|---|---|---|"]
    for family, task in families().items():
        variants = ", ".join(f"`{name}`" for name in task.variants)
        rows.append(f"| `{family}` | {task.summary} | {variants} |")
    return "\n".join(rows)


def block(text: str, name: str) -> str:
    """What stands between the markers of a block."""
    return _parts(text, name)[1].strip()


def fill(text: str, name: str, content: str) -> str:
    """The text with one block replaced."""
    head, _, tail = _parts(text, name)
    return f"{head}{content}\n{tail}"


def _parts(text: str, name: str) -> tuple[str, str, str]:
    """The text before a block, its begin marker included, the block, and the end marker with what follows."""
    begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
    head, found, rest = text.partition(begin)
    body, ended, tail = rest.partition(end)
    if not found or not ended:
        raise SystemExit(f"no block {begin.strip()} … {end}")
    return head + begin, body, end + tail


def updated(text: str) -> str:
    """The README as it should read."""
    text = fill(text, "tasks", tasks_table())
    return fill(
        text, "results", block((ROOT / "docs" / "embedded.md").read_text(encoding="utf-8"), "results")
    )


if __name__ == "__main__":
    readme = ROOT / "README.md"
    readme.write_text(updated(readme.read_text(encoding="utf-8")), encoding="utf-8")
