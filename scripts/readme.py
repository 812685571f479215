"""Fill the generated blocks of README.md: the list of tasks, the results, and the example task.

    python -m scripts.readme

A block is the text between `<!-- begin NAME -->` and `<!-- end NAME -->`. The test suite fails if a block is
out of date.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Final

from vizbench.task.contract import Reasoning
from vizbench.task.registry import families

ROOT: Final = Path(__file__).resolve().parent.parent


def tasks_list() -> str:
    """Return the names of all families, one item per kind of reasoning."""
    items: list[str] = []
    for kind in Reasoning:
        names = ", ".join(f"`{name}`" for name, task in families().items() if task.reasoning is kind)
        line = f"- {kind.title.capitalize()}: {names}"
        wrapped = textwrap.fill(
            line, 120, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False
        )
        items.append(wrapped)
    return "\n".join(items)


def results_table() -> str:
    """Return the results at 30 shots, from the table of docs/embedded.md, which has 300 shots too."""
    table = block((ROOT / "docs" / "embedded.md").read_text(encoding="utf-8"), "results")
    rows: list[str] = []
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        rows.append(f"|{'|'.join(cells[:6])}|")
    return "\n".join(rows)


def own_task() -> str:
    """Return the example task as a block of Python."""
    source = (ROOT / "examples" / "own_task.py").read_text(encoding="utf-8")
    return f"```python\n# own_task.py\n{source}```"


def block(text: str, name: str) -> str:
    """Return the content of a block."""
    return _parts(text, name)[1].strip()


def fill(text: str, name: str, content: str) -> str:
    """Return the text with one block replaced."""
    head, _, tail = _parts(text, name)
    return f"{head}{content}\n{tail}"


def _parts(text: str, name: str) -> tuple[str, str, str]:
    """Return three parts: up to a block's begin marker, the block, and the end marker with the rest."""
    begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
    head, opening, rest = text.partition(begin)
    body, closing, tail = rest.partition(end)
    if not opening or not closing:
        raise SystemExit(f"no block {begin.strip()} … {end}")
    return head + begin, body, end + tail


def updated(text: str) -> str:
    """Return the README with every block up to date."""
    blocks = {"tasks": tasks_list(), "results": results_table(), "own task": own_task()}
    for name, content in blocks.items():
        text = fill(text, name, content)
    return text


if __name__ == "__main__":
    readme = ROOT / "README.md"
    readme.write_text(updated(readme.read_text(encoding="utf-8")), encoding="utf-8")
