"""Print tables with rich. Text from files is escaped, and no figure is ever cut."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn

from vizbench._util.text import escape_control
from vizbench.console.streams import print_json, writing

if TYPE_CHECKING:  # importing rich would double the time of `vizbench --help`
    from rich.console import Console, RenderableType
    from rich.table import Table

    from vizbench.model import MemoryEstimate

_DEFAULT_WIDTH: Final = 100
"""Columns of text if stdout is no terminal and `COLUMNS` is not set."""


def terminal(width: int | None = None) -> Console:
    """Return rich's view of stdout: with colours if it is a terminal, plain text otherwise."""
    from rich.console import Console

    class Terminal(Console):
        def on_broken_pipe(self) -> NoReturn:
            raise BrokenPipeError  # `end_with_reader` ends the command; rich would do so with code 1

    if width is None and not sys.stdout.isatty():
        width = shutil.get_terminal_size((_DEFAULT_WIDTH, 24)).columns
    return Terminal(highlight=False, width=width)


def draw(*items: RenderableType) -> None:
    """Print rich's renderables to stdout. If the terminal is too narrow for a table's figures, lines wrap."""
    from rich.table import Table

    console = terminal()
    tables = [item for item in items if isinstance(item, Table)]
    needed = max((_least_width(console, table) for table in tables), default=0)
    if needed > console.width:
        console = terminal(needed)
    with writing():
        if console.is_terminal:
            console.print(*items, sep="\n")
            return
        with console.capture() as capture:  # rich pads its lines with spaces, which files need not hold
            console.print(*items, sep="\n")
        lines = [line.rstrip() for line in capture.get().splitlines()]
        sys.stdout.write("\n".join(lines) + "\n")


def new_table(*header: str) -> Table:
    """Return an empty table without lines around its cells, with columns that may not be wrapped."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in header:
        table.add_column(title, no_wrap=True)
    return table


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print aligned columns under a header. Only the last column is wrapped to the terminal's width."""
    from rich.text import Text

    table = new_table(*header[:-1])
    table.add_column(header[-1], overflow="fold", min_width=24)
    for row in rows:
        table.add_row(*(Text(escape_control(text)) for text in row))
    draw(table)


def print_memory(estimates: Mapping[str, Sequence[MemoryEstimate]], json: bool) -> None:
    """Print estimates of memory by model family, in GB (10^9 bytes)."""
    rows = [(name, row) for name, memories in estimates.items() for row in memories]
    if json:
        records: list[dict[str, Any]] = []
        for name, row in rows:
            records.append(
                {"model": name, "checkpoint": row.checkpoint, "settings": row.settings, "parts": row.parts}
            )
        print_json(records)
        return
    lines: list[tuple[str, str, str, str]] = []
    for name, row in rows:
        total = sum(row.parts.values()) / 1e9
        parts = ", ".join(f"{part} {size / 1e9:.1f}" for part, size in row.parts.items())
        lines.append((name, f"{row.checkpoint}?{row.settings}", f"{total:.1f}", parts))
    print_table(("model", "checkpoint", "GB", "of these"), lines)


def _least_width(console: Console, table: Table) -> int:
    """Return the width that holds every column that may not be wrapped, and the others at their narrowest."""
    from rich.cells import cell_len

    for column in table.columns:
        if column.no_wrap:
            column.min_width = max(cell_len(str(cell)) for cell in (column.header, *column.cells))
    return console.measure(table, options=console.options.update(width=1000)).minimum
