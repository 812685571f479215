"""Test scenes and things on small grids, against what the eye sees."""

from __future__ import annotations

import numpy as np
import pytest

from vizbench.generators.arc.scene import (
    Scene,
    box_of,
    drop,
    full_lines,
    holder,
    is_window,
    keep,
    parted,
    present_exactly_if,
)
from vizbench.types import Grid


def grid(*rows: str) -> Grid:
    return np.array([[int(cell) for cell in row.replace(".", "0")] for row in rows], np.uint8)


@pytest.mark.parametrize(
    ("rows", "hollow", "bar"),
    [
        (("111", "1.1", "111"), True, False),
        (("1111", "1..1", "1111"), True, False),
        (("111", "121", "111"), True, False),  # what fills it is another thing
        (("111", "111", "111"), False, False),
        (("11.", "1.1", "111"), False, False),
        (("1.1", "111", "111"), False, False),  # as many cells as an outline
        (("11", "11"), False, False),
        (("1",), False, False),
        (("11",), False, True),
        (("1", "1", "1"), False, True),
        (("1.", ".1"), False, False),
    ],
)
def test_outlines_and_bars(rows: tuple[str, ...], hollow: bool, bar: bool):
    thing = Scene(grid(*rows)).of(1)[0]
    assert (thing.hollow, thing.bar) == (hollow, bar)


def test_a_thing_spans_rows_and_columns():
    thing = Scene(grid("....", ".22.", "....")).shapes[0]
    assert (thing.span(0), thing.span(1)) == ((1, 2), (1, 3))


def test_things_are_kept_dropped_and_seen_to_stand():
    scene = Scene(grid("11.2", "1..2", "...."))
    one, two = scene.shapes
    assert np.array_equal(keep(scene, [one]), grid("11..", "1...", "...."))
    assert np.array_equal(drop(scene, [one]), grid("...2", "...2", "...."))
    assert np.array_equal(keep(scene, []), np.zeros((3, 4))) and np.array_equal(drop(scene, []), scene.grid)
    assert present_exactly_if(keep(scene, [one]), one, True) and present_exactly_if(
        keep(scene, [one]), two, False
    )
    half = grid("1...", "1...", "....")
    assert not present_exactly_if(half, one, True) and not present_exactly_if(half, one, False)


def test_the_box_of_a_mask():
    assert box_of(grid("....", "..1.", ".1..") != 0) == (slice(1, 3), slice(1, 3))
    assert box_of(np.ones((1, 1), np.bool_)) == (slice(0, 1), slice(0, 1))


def test_what_holds_a_hole():
    scene = Scene(grid("2.333", "..3.3", "..333", ".111.", "11.1.", "1..1.", "1111."))
    assert [holder(scene, hole).colour for hole in scene.holes] == [3, 1]


def test_windows_show_a_thing_and_what_lies_around_it():
    scene = Scene(grid("12.", "1..", "11."))
    assert is_window(scene, scene.of(1), grid("12", "1.", "11"))
    assert not is_window(scene, scene.of(1), grid("1.", "1.", "11"))
    assert not is_window(scene, scene.of(2), grid("12", "1.", "11"))
    assert not is_window(scene, (), grid("2"))


def test_lines_run_from_edge_to_edge_in_one_colour():
    assert full_lines(grid("1.23", "1.24", "1.23")) == [0, 2]
    assert full_lines(grid("1.23", "1.24", "1.23").T) == []
    assert full_lines(grid("5")) == [0]


@pytest.mark.parametrize(
    ("rows", "parts"),
    [
        (("1.53.", "..53."), (("1.", ".."), ("3.", "3."))),
        (("1.5.", "..5."), None),  # no middle
        (("1.53.", "..63."), None),
        (("1..3.", "...3."), None),
        (("5", "5"), None),  # nothing beside it
    ],
)
def test_a_line_parts_a_grid(rows: tuple[str, ...], parts: tuple[tuple[str, ...], tuple[str, ...]] | None):
    halves = parted(grid(*rows))
    assert (halves is None) == (parts is None)
    if halves and parts:
        for half, expected in zip(halves, parts, strict=True):
            assert np.array_equal(half, grid(*expected))
