"""Test that grids are read back from drawn and damaged pictures, and that other pictures give a reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.support.damaged_pictures import LOOKS, blurred, compressed, noisy, resized, shifted
from vizbench.errors import UserError
from vizbench.renderers.decode import decode, decode_batch, read_at
from vizbench.renderers.frames import render, render_batch
from vizbench.renderers.layout import layout
from vizbench.renderers.locate import Placement
from vizbench.renderers.palettes import PALETTES, palette, with_outside
from vizbench.types import Answer, DecodeFailure, Look

ARC = LOOKS["arc"]


def generator(seed):
    return np.random.Generator(np.random.PCG64(seed))


def some_grid(name, shape, seed=0):
    return generator(seed).integers(0, len(palette(name)), shape).astype(np.uint8)


def answer(*arguments, **options) -> Answer:
    decoded = decode(*arguments, **options)
    assert isinstance(decoded, Answer), decoded
    return decoded


def grids(codes, most):
    """Draw random grids, and uniform ones whose size only lines or the outside can show."""
    shape = st.tuples(st.integers(1, most), st.integers(1, most))
    return arrays(np.uint8, shape, elements=st.integers(0, codes - 1))


@pytest.mark.parametrize("name", PALETTES)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_what_was_drawn_is_read_known_and_inferred(name, data):
    grid = data.draw(grids(len(palette(name)), 12))
    look = LOOKS[name]
    picture = render(grid, look)
    for decoded in (answer(picture, look), answer(picture, look, grid.shape)):
        assert np.array_equal(decoded.grid, grid)
        assert decoded.confidence.dtype == np.float32
        assert (decoded.confidence == 1).all()


@settings(max_examples=40, deadline=None)
@given(grids(10, 30))
@example(np.zeros((1, 1), np.uint8))
@example(np.full((30, 30), 9, np.uint8))
@example(np.full((29, 30), 5, np.uint8))
@example(np.full((2, 1), 3, np.uint8))
def test_arc_sizes_are_found_for_all_shapes(grid):
    assert np.array_equal(answer(render(grid, ARC), ARC).grid, grid)


@settings(max_examples=20, deadline=None)
@given(grids(10, 9), st.integers(0, 4), st.integers(0, 4))
def test_a_board_is_cut_to_the_grid(grid, below, right):
    board = (grid.shape[0] + below, grid.shape[1] + right)
    for look in (ARC, Look("arc", cell=4), Look("arc", cell=5, margin=3, line=1)):
        picture = render(grid, look, board)
        assert np.array_equal(answer(picture, look, board=board).grid, grid)
        assert np.array_equal(answer(picture, look, grid.shape, board=board).grid, grid)
        if look.canvas is None:  # the picture's size gives the board
            assert np.array_equal(answer(picture, look).grid, grid)


DAMAGE = {
    "blur": lambda picture, cell: blurred(picture, cell / 6),
    "noise": lambda picture, cell: noisy(picture, 1),
    "brighter": lambda picture, cell: shifted(picture, [20, 20, 20]),
    "darker": lambda picture, cell: shifted(picture, [-20, -20, -20]),
    "tinted": lambda picture, cell: shifted(picture, [20, -20, 20]),
    "jpeg": lambda picture, cell: compressed(picture),
    "blur, noise and jpeg": lambda picture, cell: compressed(noisy(blurred(picture, cell / 8), 2, 15.0)),
}


GIVEN_UP = ("lights",)
"""Palettes of which a damaged picture of unknown size may be given up."""


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", PALETTES)
def test_damaged_pictures_are_read(name, damage):
    """Without a known size, a picture may be given up, but it is never read wrongly."""
    look = LOOKS[name]
    given_up = 0
    for seed in range(3):
        grid = some_grid(name, (8, 8), seed)
        picture = DAMAGE[damage](render(grid, look), layout(look, (8, 8)).cell)
        decoded = answer(picture, look, (8, 8))
        assert np.array_equal(decoded.grid, grid)
        assert decoded.confidence.min() > 0.15
        if look.canvas is None:
            unsized = decode(picture, look)
            given_up += isinstance(unsized, DecodeFailure)
            assert isinstance(unsized, DecodeFailure) or np.array_equal(unsized.grid, grid)
    assert given_up <= (2 if name in GIVEN_UP else 0)


@pytest.mark.parametrize("kind", ["random", "uniform", "sparse"])
@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (3, 3), (3, 11), (14, 14), (30, 7), (30, 30)])
def test_arc_sizes_are_found_in_damaged_pictures(shape, kind):
    cells = generator(sum(shape))
    grid = cells.integers(0, 10, shape).astype(np.uint8)
    if kind == "uniform":
        grid[:] = cells.integers(0, 10)
    elif kind == "sparse":
        grid *= cells.random(shape) < 0.1
    picture = render(grid, ARC)
    damaged = [blurred(picture, 1.5), noisy(picture, 3), shifted(picture, [-20, 20, 20]), compressed(picture)]
    for seen in [*damaged, resized(picture, 256, 256), resized(picture, 480, 720)]:
        assert np.array_equal(answer(seen, ARC).grid, grid)


@pytest.mark.parametrize("size", [(256, 256), (480, 720), (64, 64), (33, 57), (1000, 4096)])
def test_pictures_of_other_sizes_are_read_in_proportion(size):
    look = LOOKS["binary"]
    grid = some_grid("binary", (8, 8), 5)
    rows = (np.arange(size[0]) * 272) // size[0]
    columns = (np.arange(size[1]) * 272) // size[1]
    picture = render(grid, look)[rows][:, columns]
    assert np.array_equal(answer(picture, look, (8, 8)).grid, grid)
    assert np.array_equal(answer(picture, look, board=(8, 8)).grid, grid)


@pytest.mark.parametrize("factor", [0.55, 0.9, 1.3, 2.1])
def test_a_scaled_picture_of_a_fixed_look_is_searched(factor):
    look = Look("maze", cell=16, margin=8)
    grid = some_grid("maze", (9, 13), 6)
    picture = render(grid, look)
    seen = resized(picture, round(picture.shape[0] * factor), round(picture.shape[1] * factor))
    assert np.array_equal(answer(seen, look).grid, grid)


def test_confidence_falls_between_two_colours_and_with_spread():
    look = Look("binary", cell=8)
    picture = render(np.array([[0, 1, 0, 0]], np.uint8), look)
    picture[:, 16:24] = 130  # grey: almost as near to black
    picture[::2, 24:] = 200  # stripes
    edges = np.arange(4, dtype=np.float64)[:, None] * 8.0 + np.array([0.0, 8.0])
    colours = palette("binary").astype(np.float64)
    sure = read_at(picture, Placement(edges[:1], edges, colours)).confidence[0]
    assert sure[0] == sure[1] == 1
    assert sure[2] < 0.05
    assert 0.3 < sure[3] < 0.7


def test_a_cell_between_two_colours_is_no_answer():
    picture = render(np.array([[0, 1], [1, 0]], np.uint8), Look("binary", cell=8))
    picture[:8, :8] = 127
    decoded = decode(picture, Look("binary", cell=8), (2, 2))
    assert isinstance(decoded, DecodeFailure)
    assert decoded.reason.startswith("abstained: ")


def test_one_wrong_pixel_does_not_change_a_cell():
    look = LOOKS["binary"]
    picture = render(np.zeros((8, 8), np.uint8), look)
    picture[24, 24] = 0
    assert not answer(picture, look).grid.any()


def test_a_known_shape_reads_what_lies_there_though_the_picture_shows_more():
    look = Look("arc", cell=10)
    grid = some_grid("arc", (4, 4))
    assert np.array_equal(answer(render(grid, look), look, (2, 3), board=(4, 4)).grid, grid[:2, :3])


def test_a_blank_picture_holds_no_grid():
    outside = with_outside("arc")[-1]
    blank = np.ascontiguousarray(np.broadcast_to(outside, (400, 400, 3)))
    for decoded in (decode(blank, Look("arc", cell=100)), decode(blank, ARC, board=(3, 3))):
        assert decoded == DecodeFailure("the picture is blank: every cell has the outside colour")


HOSTILE = {
    "None": None,
    "text": "picture",
    "a number": 3,
    "no pixels": np.zeros((0, 0, 3), np.uint8),
    "no rows": np.zeros((0, 5, 3), np.uint8),
    "grey": np.zeros((8, 8), np.uint8),
    "alpha": np.zeros((8, 8, 4), np.uint8),
    "a clip": np.zeros((2, 8, 8, 3), np.uint8),
    "floats": np.zeros((8, 8, 3), np.float32),
    "NaN": np.full((8, 8, 3), np.nan),
    "objects": np.full((8, 8, 3), None, object),
    "signed": np.zeros((8, 8, 3), np.int64),
    "too wide": np.broadcast_to(np.uint8(0), (1, 4097, 3)),
    "huge": np.broadcast_to(np.uint8(0), (10**9, 10**9, 3)),
    "ragged": [[1, 2], [3]],
}


class Bomb:
    def __array__(self, dtype=None, copy=None):
        raise MemoryError


@pytest.mark.parametrize("image", [*HOSTILE.values(), Bomb()], ids=[*HOSTILE, "raises"])
def test_hostile_pictures_fail_with_a_reason(image):
    for look in (LOOKS["binary"], ARC):
        for shape in (None, (2, 2)):
            decoded = decode(image, look, shape)
            assert isinstance(decoded, DecodeFailure)
            assert decoded.reason


@settings(max_examples=200, deadline=None)
@given(
    arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3))),
    st.sampled_from(list(LOOKS.values())),
)
def test_any_pixels_give_an_answer_or_a_reason(picture, look):
    for shape, board in ((None, None), ((3, 5), None), (None, (4, 4))):
        decoded = decode(picture, look, shape, board)
        if isinstance(decoded, Answer):
            assert decoded.grid.max() < len(palette(look.palette))
            assert ((decoded.confidence >= 0) & (decoded.confidence <= 1)).all()
            assert shape is None or decoded.grid.shape == shape
        else:
            assert decoded.reason


@pytest.mark.parametrize(
    ("look", "shape", "board"),
    [
        ("binary", (0, 3), None),
        ("binary", (2, 2000), None),
        ("binary", (3, 3), (2, 3)),
        ("bin", (3, 3), None),
    ],
)
def test_the_callers_mistakes_are_user_errors(look, shape, board):
    with pytest.raises(UserError):
        decode(np.zeros((48, 48, 3), np.uint8), look, shape, board)


@pytest.mark.parametrize("name", PALETTES)
def test_batches_read_as_single_pictures_do(name):
    look = LOOKS[name]
    several = np.stack([some_grid(name, (5, 7), seed) for seed in range(4)])
    pictures = np.stack([noisy(picture, i) for i, picture in enumerate(render_batch(several, look))])
    decoded = decode_batch(pictures, look, (5, 7))
    assert np.array_equal(decoded, several)
    assert np.array_equal(decoded, [answer(picture, look, (5, 7)).grid for picture in pictures])


def test_a_batch_must_be_pictures():
    wrongs: list[Any] = [
        np.zeros((2, 8, 8), np.uint8),
        np.zeros((2, 8, 8, 3)),
        np.zeros((2, 0, 8, 3), np.uint8),
    ]
    for wrong in wrongs:
        with pytest.raises(UserError, match="not \\(n, H, W, 3\\) uint8"):
            decode_batch(wrong, "binary", (2, 2))


@pytest.mark.parametrize("shape", [(8,), (8, 8, 8), "ab", (8.0, 8), ("8", "8"), (0, 8)])
def test_a_shape_that_is_none_is_refused(shape: Any) -> None:
    picture = render(np.zeros((8, 8), np.uint8), "binary")
    with pytest.raises(UserError):
        decode(picture, "binary", shape)


def test_a_board_of_one_colour_is_read_with_cells_of_one_pixel():
    look = Look("arc", cell=1)
    grid = np.ones((4, 12), np.uint8)
    assert np.array_equal(answer(render(grid, look, (10, 12)), look, (4, 12), (10, 12)).grid, grid)
