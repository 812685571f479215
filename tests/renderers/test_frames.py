"""Test that grids are drawn as a naive renderer draws them, with the paper's sizes and bounded memory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.support.damaged_pictures import LOOKS, naive_render
from vizbench.errors import UserError
from vizbench.renderers.frames import index_palette, render, render_batch, render_indices
from vizbench.renderers.layout import as_look, common_board, layout
from vizbench.renderers.palettes import palette
from vizbench.types import Look

small_looks = st.builds(
    Look,
    palette=st.just("maze"),
    cell=st.integers(1, 5),
    margin=st.integers(0, 3),
    line=st.integers(0, 2),
    canvas=st.none() | st.integers(40, 60),
)


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.integers(0, 4)),
    small_looks,
    st.integers(0, 3),
    st.integers(0, 3),
)
def test_drawings_equal_the_naive_twin(grid, look, below, right):
    board = (grid.shape[0] + below, grid.shape[1] + right)
    expected = naive_render(grid, look, board)
    assert np.array_equal(render(grid, look, board), expected)
    indices = render_indices(np.stack([grid, 4 - grid]), look, board)
    assert np.array_equal(index_palette(look)[indices[0]], expected)
    assert np.array_equal(index_palette(look)[indices[1]], naive_render(4 - grid, look, board))


@pytest.mark.parametrize(
    ("name", "shape", "size"),
    [
        ("binary", (8, 8), (272, 272)),  # the paper's canvases
        ("langton", (8, 8), (128, 128)),
        ("eca", (8, 16), (128, 256)),
        ("maze", (21, 21), (336, 336)),
        ("arc", (3, 30), (400, 400)),
    ],
)
def test_canvases_have_the_papers_sizes(name, shape, size):
    assert render(np.zeros(shape, np.uint8), LOOKS[name]).shape == (*size, 3)


def test_a_palettes_name_is_a_plain_look():
    grid = np.array([[0, 1]], np.uint8)
    assert np.array_equal(render(grid, "eca"), render(grid, Look("eca")))


def test_a_board_shows_its_rest_outside():
    picture = render(np.ones((1, 1), np.uint8), Look("binary", cell=2), board=(2, 3))
    assert picture.shape == (4, 6, 3)
    assert (picture[:2, :2] == 0).all()
    assert (picture[2:] == 128).all()
    assert (picture[:, 2:] == 128).all()


def test_no_grids_give_no_pictures():
    none = np.zeros((0, 2, 2), np.uint8)
    assert render_batch(none, "binary").shape == (0, 32, 32, 3)
    assert render_indices(none, "binary").shape == (0, 32, 32)


def test_strided_grids_are_drawn_as_they_look():
    grid = np.arange(10, dtype=np.uint8).reshape(2, 5)
    assert np.array_equal(render(grid.T, "arc"), render(grid.T.copy(), "arc"))


@pytest.mark.parametrize(
    ("grid", "look", "board", "message"),
    [
        (
            np.full((2, 2), 2, np.uint8),
            "binary",
            None,
            r"cell code 2 has no colour in palette 'binary': it has 0 … 1",
        ),
        (np.zeros((2, 2), np.int64), "binary", None, r"type int64 cannot be drawn: give \(h, w\) uint8"),
        (np.zeros((0, 2), np.uint8), "binary", None, r"0x2 cells cannot be drawn: each side is 1 … 1024"),
        (np.zeros((2, 2), np.uint8), "binary", (1, 2), r"does not fit a board of 1x2"),
        (np.zeros((2, 2), np.uint8), "binary", (2000, 2), r"2000x2 cells cannot be drawn"),
        (np.zeros((300, 2), np.uint8), "binary", None, r"4800x32 px is over 4096"),
        (np.zeros((2, 2), np.uint8), "binry", None, r"did you mean binary"),
        (np.zeros((30, 2), np.uint8), Look("arc", canvas=50, line=1), None, r"do not fit a canvas of 50 px"),
        (np.zeros((2, 2), np.uint8), Look("arc", cell=0), None, r"cell=0 is outside 1 … 1024"),
        (np.zeros((2, 2), np.uint8), Look("arc", line=-1), None, r"line=-1 is outside"),
        (np.zeros((2, 2), np.uint8), Look("arc", canvas=10**6), None, r"canvas=1000000 is outside"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(grid, look, board, message):
    with pytest.raises(UserError, match=message):
        render(grid, look, board)


def test_a_batch_too_large_is_refused_before_it_is_made():
    with pytest.raises(UserError, match="over 4 GiB"):
        render_batch(np.zeros((100_000, 8, 8), np.uint8), LOOKS["binary"])


def test_the_last_code_is_drawn_and_the_next_refused():
    assert (render(np.full((1, 1), 9, np.uint8), "arc") == palette("arc")[9]).all()
    with pytest.raises(UserError):
        render(np.full((1, 1), 10, np.uint8), "arc")


def test_canvas_cells_are_the_largest_that_fit():
    look = Look("arc", canvas=400, line=2)
    for side in range(1, 31):
        place = layout(as_look(look), (side, 1))
        used = side * place.cell + (side - 1) * place.line
        assert used <= 400 < used + side
        assert place.top == (400 - used) // 2


def test_common_board_takes_the_larger_of_each_side():
    assert common_board((2, 9), (5, 3)) == (5, 9)
    assert common_board((2, 9), (7, 5, 3)) == (5, 9)
