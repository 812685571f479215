"""Print tables with rich. Text from files is escaped, and figures are never cut off."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn

from vizbench._util.text import escape_control
from vizbench.console.streams import print_json, print_line, writing

if TYPE_CHECKING:  # importing rich would double the time of `vizbench --help`
    from rich.console import Console, RenderableType
    from rich.table import Table

    from vizbench.model import MemoryEstimate

_DEFAULT_WIDTH: Final = 100
"""Columns of text if stdout is not a terminal and `COLUMNS` is not set."""


def terminal(width: int | None = None) -> Console:
    """Return a rich console for stdout: with colours if it is a terminal, plain text otherwise."""
    from rich.console import Console

    class Terminal(Console):
        def on_broken_pipe(self) -> NoReturn:
            raise BrokenPipeError  # `end_with_reader` ends the command; rich would do so with code 1

    if width is None and not sys.stdout.isatty():
        width = shutil.get_terminal_size((_DEFAULT_WIDTH, 24)).columns
    return Terminal(highlight=False, width=width)


def draw(*items: RenderableType) -> None:
    """Print rich's renderables to stdout. If the terminal is too narrow for a table, lines wrap."""
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
    """Return an empty table without borders. The columns of the header are never wrapped."""
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
    """Print estimates of memory by model family and checkpoint, in GB (10^9 bytes)."""
    by_checkpoint: dict[tuple[str, str], list[MemoryEstimate]] = {}
    records: list[dict[str, Any]] = []
    for name, memories in estimates.items():
        for each in memories:
            by_checkpoint.setdefault((name, each.checkpoint), []).append(each)
            records.append(
                {"model": name, "checkpoint": each.checkpoint, "settings": each.settings, "parts": each.parts}
            )
    if json:
        print_json(records)
        return
    for (name, checkpoint), memories in by_checkpoint.items():
        print_line(f"{name}={checkpoint}")
        _print_checkpoint(memories)
        print_line()
    print_line("GB: 10^9 bytes, the sum of the columns after it.")
    print_line("To choose settings: --model 'NAME=CHECKPOINT?backbone=nf4&rows=1'")


def _print_checkpoint(memories: Sequence[MemoryEstimate]) -> None:
    """Print the estimates of one checkpoint: a column per setting and per part of the memory."""
    # Estimates of training have settings KEY=VALUE and become rows of tables. Others are lines of words.
    tables: dict[tuple[str, ...], list[list[str]]] = {}
    for each in memories:
        total = f"{sum(each.parts.values()) / 1e9:.1f}"
        sizes = [f"{size / 1e9:.1f}" for size in each.parts.values()]
        if "=" in each.settings:
            pairs = [setting.partition("=") for setting in each.settings.split("&")]
            header = (*(key for key, _, _ in pairs), "GB", *each.parts)
            tables.setdefault(header, []).append([*(value for _, _, value in pairs), total, *sizes])
        else:
            parts = ", ".join(f"{part} {size}" for part, size in zip(each.parts, sizes, strict=True))
            print_line(f"{each.settings}: {parts} GB")
    for header, rows in tables.items():
        print_table(header, rows)


def _least_width(console: Console, table: Table) -> int:
    """Return the least width of a table: the columns that may not wrap, and the others at their narrowest."""
    from rich.cells import cell_len

    for column in table.columns:
        if column.no_wrap:
            column.min_width = max(cell_len(str(cell)) for cell in (column.header, *column.cells))
    return console.measure(table, options=console.options.update(width=1000)).minimum
