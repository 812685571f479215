"""Test grids in the terminal: colours, large grids, and grids side by side."""

from __future__ import annotations

import numpy as np
from rich.console import Console

from vizbench.renderers.terminal import grid_text, side_by_side
from vizbench.types import Look


def printed(what, width=80) -> str:
    console = Console(width=width, force_terminal=True, color_system="truecolor", record=True)
    with console.capture() as capture:
        console.print(what)
    return capture.get()


def test_two_rows_share_a_line_in_the_palettes_colours():
    text = grid_text(np.array([[0, 2], [1, 3], [4, 4]], np.uint8), Look("maze"))
    assert text.plain == "▀▀\n▀▀"
    shown = printed(text)
    assert "\x1b[38;2;0;0;0;48;2;255;255;255m▀" in shown  # wall above open
    assert "\x1b[38;2;0;200;0;48;2;230;0;0m▀" in shown  # start above goal
    assert "\x1b[38;2;0;80;255m▀" in shown  # path above nothing


def test_a_code_without_a_colour_is_drawn_outside():
    assert "38;2;128;128;128m▀" in printed(grid_text(np.array([[7]], np.uint8), "binary"))


def test_large_grids_are_cut_and_say_so():
    lines = grid_text(np.zeros((1000, 70), np.uint8), "binary").plain.split("\n")
    assert lines[-1] == "… 1000x70 cells in all"
    assert [len(line) for line in lines[:-1]] == [64] * 32


def test_grids_are_side_by_side_and_wrap():
    grids = {"question": np.zeros((4, 12), np.uint8), "target": np.ones((4, 12), np.uint8), "answer": None}
    wide = printed(side_by_side(grids, "binary")).split("\n")
    assert all(title in wide[0] for title in grids)
    assert "no grid" in wide[1]
    assert (
        sum(
            "question" in line or "target" in line
            for line in printed(side_by_side(grids, "binary"), 16).split("\n")
        )
        == 2
    )
