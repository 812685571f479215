"""Draw instances in the terminal and as files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from vizbench._util.text import escape_control
from vizbench.console.streams import can_show, print_line
from vizbench.console.tables import draw, print_table, terminal

if TYPE_CHECKING:  # importing numpy would double the time of `vizbench --help`
    from vizbench.types import Grid, Instance, Look

_GAP: Final = 16
"""Pixels between question and target, and between rows, in a saved picture."""


def print_pictures(grids: Mapping[str, Grid | None], look: Look) -> None:
    """Print titled grids side by side: in colours if stdout has them, otherwise as rows of codes."""
    from vizbench.renderers.terminal import side_by_side
    from vizbench.renderers.text import to_text

    if terminal().color_system is not None and can_show("▀"):
        draw(side_by_side(grids, look))
        return
    blocks: list[list[str]] = []
    for title, grid in grids.items():
        lines = ["no grid"] if grid is None else to_text(grid, "rows").splitlines()
        blocks.append([title, *lines])
    widths = [max(map(len, block)) for block in blocks]
    for row in zip_longest(*blocks, fillvalue=""):
        print_line("   ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def print_instance(row: Instance, look: Look) -> None:
    """Print one instance: its id, its prompt, its grids, what their codes mean, and its facts."""
    from rich.text import Text

    from vizbench.formats.lookup import verifier_of
    from vizbench.renderers.prompts import legend_of, prompt_of

    verifier = verifier_of(row)
    print_line(row.id)
    draw(Text(escape_control(prompt_of(verifier, row, "text", None))))
    print_line()
    print_pictures({"question": row.question, "target": row.target}, look)
    print_line()
    legend = [(str(code), colour, meaning) for code, colour, meaning in legend_of(verifier, row, look)]
    print_table(("code", "colour", "meaning"), legend)
    print_line()
    facts = {"steps": len(row.steps), **row.meta}
    print_table(("fact", "value"), [(name, _short(value)) for name, value in facts.items()])


def save_pairs(path: Path, rows: Sequence[Instance], look: Look) -> None:
    """Write a palette-mode PNG with one line per instance: its question beside its target.

    Raises UserError if the file cannot be written.
    """
    import numpy as np
    from PIL import Image

    from vizbench._util.files import atomic_path
    from vizbench.renderers.frames import index_palette, render_indices
    from vizbench.renderers.layout import common_board

    palette = index_palette(look)
    white = len(palette)  # one colour more than the look has, for the space between pictures

    # One line per instance, then all lines at the width of the widest.
    lines: list[Grid] = []
    for row in rows:
        board = common_board(row.question.shape, row.target.shape)
        left, right = (render_indices(grid[None], look, board)[0] for grid in (row.question, row.target))
        gap = np.full((len(left), _GAP), white, np.uint8)
        lines.append(np.concatenate([left, gap, right], axis=1))
    width = max(line.shape[1] for line in lines)
    padded: list[Grid] = []
    for line in lines:
        padded.append(np.pad(line, ((0, _GAP), (0, width - line.shape[1])), constant_values=white))

    picture = Image.fromarray(np.concatenate(padded)[:-_GAP])
    picture.putpalette(palette.tobytes() + b"\xff\xff\xff")
    with atomic_path(path) as part:
        picture.save(part, "PNG")


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name}={_short(item)}" for name, item in cast("dict[str, Any]", value).items())
    return f"{value:.3g}" if isinstance(value, float) else str(value)
