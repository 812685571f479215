"""Test that every look of every family is read back exactly, and rightly or not at all after damage."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import vizbench as vb
from benchmarks.degradations import LOOK_CASES, Subject, Tally, look_tally, look_tasks
from vizbench.errors import UserError
from vizbench.formats.lookup import verifier_of
from vizbench.renderers.decode import decode, decode_batch
from vizbench.renderers.erase_glyphs import without_glyphs
from vizbench.renderers.frames import index_palette, render, render_batch, render_indices
from vizbench.renderers.glyphs import GLYPHS, INK, masks
from vizbench.renderers.looks import LOOKS, look_of
from vizbench.renderers.palettes import palette, separation, with_outside
from vizbench.types import Answer, Look

CASES = ("H.264 crf 35", "scaled by 0.75")
DECODED = 3
"""Instances that are drawn and read per family and look. `benchmarks.degradations --looks` reads more."""


@functools.cache
def instances(task, count):
    train = vb.load(task, seed=0).train
    return train.head(min(count, train.count or count))  # an episode has fewer


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("task", look_tasks())
def test_every_look_is_read_back_exactly(task, look):
    for instance in instances(task, DECODED):
        verifier = verifier_of(instance)
        shown = look_of(verifier, look, instance)
        for grid in (instance.question, instance.target):
            shape = None if verifier.resizes else (grid.shape[0], grid.shape[1])
            decoded = decode(render(grid, shown), shown, shape)
            assert isinstance(decoded, Answer), (instance.id, decoded)
            assert np.array_equal(decoded.grid, grid)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", CASES)
def test_damaged_looks_are_read_rightly_or_not_at_all(name, look):
    tasks = ("maze/9", "sudoku/mini")
    total = functools.reduce(Tally.__add__, (look_tally(task, LOOK_CASES[name], 1, look) for task in tasks))
    assert (total.misread, total.wrong_won) == (0, 0)
    assert total.abstained <= total.pictures // 5


def test_a_margin_is_no_row_of_cells():
    """The pieces float a row above the ground. A row further up, they would be a right answer."""
    instance = vb.load("connect4/win-in-1", seed=0).train[0]
    floating = np.roll(instance.target, -1, axis=0)
    look = look_of(verifier_of(instance), "glyphs", instance)
    picture = LOOK_CASES["1280x720, black bars"](render(floating, look), Subject(floating, look, 5))
    decoded = decode(picture, look, (6, 7), question=instance.question)
    assert isinstance(decoded, Answer)
    assert np.array_equal(decoded.grid, floating)


def test_the_paper_look_is_the_tasks_own():
    instance = instances("maze/9", 1)[0]
    verifier = verifier_of(instance)
    assert look_of(verifier, "paper", instance) is verifier.look
    assert np.array_equal(vb.render(instance, look="paper"), vb.render(instance))
    assert vb.render(instance, look="glyphs").shape != vb.render(instance).shape


def test_a_shuffled_look_depends_on_the_id_only():
    rows = instances("life/conway", 20)
    verifier = verifier_of(rows[0])
    looks = [look_of(verifier, "shuffled", row) for row in rows]
    assert looks == [look_of(verifier, "shuffled", row) for row in rows]
    assert len({look.palette for look in looks}) > 15
    assert len({look.cell for look in looks}) > 5
    assert all(separation(with_outside(look.palette)) >= 127 for look in looks)


def test_an_unknown_look_is_named():
    with pytest.raises(UserError, match="glyph"):
        look_of(verifier_of(instances("maze/9", 1)[0]), "glyhps")
    with pytest.raises(UserError, match="chess"):
        render(np.zeros((2, 2), np.uint8), Look("binary", glyphs="ches"))


@pytest.mark.parametrize("text", ["ffffff", "ffffff|000000", "fffff0 | 00000g", "FFFFFF | 000000", ""])
def test_a_palette_that_is_written_wrongly_is_refused(text):
    with pytest.raises(UserError):
        palette(text)


def test_a_palette_can_be_written_out():
    assert palette("ffffff 0000ff | 808080").tolist() == [[255, 255, 255], [0, 0, 255]]
    assert with_outside("ffffff 0000ff | 808080")[-1].tolist() == [128, 128, 128]


@pytest.mark.parametrize("name", GLYPHS)
def test_glyphs_have_a_code_each_and_no_thick_strokes(name):
    assert len(GLYPHS[name]) == len(palette(name))
    for cell in (24, 32, 56):
        for mask in masks(name, cell):
            assert mask.mean() <= 0.35
            picture = np.full((cell + 64, cell + 64, 3), 200, np.uint8)
            picture[32:-32, 32:-32][mask] = INK
            assert (without_glyphs(picture, cell) == 200).all()


def test_a_look_with_glyphs_has_one_ink():
    look = Look("sudoku", cell=32, glyphs="sudoku")
    grid = np.arange(9, dtype=np.uint8).reshape(3, 3)
    colours = index_palette(look)
    assert colours[-1].tolist() == list(INK)
    assert np.array_equal(colours[render_indices(grid[None], look)[0]], render(grid, look))
    assert (render(grid, look)[:32, :32] == colours[0]).all()


def test_an_answer_to_hitori_has_no_digits():
    look = Look("hitori", cell=32, glyphs="hitori")
    shaded, digits = np.array([[0, 1]], np.uint8), np.array([[1, 2]], np.uint8)
    assert len(np.unique(render(shaded, look).reshape(-1, 3), axis=0)) == 2
    assert len(np.unique(render(digits, look).reshape(-1, 3), axis=0)) == 3


def test_batches_of_glyphs_are_read():
    look = look_of(verifier_of(instances("sudoku/mini", 1)[0]), "glyphs")
    grids = np.stack([row.target for row in instances("sudoku/mini", 4)])
    assert np.array_equal(decode_batch(render_batch(grids, look), look, (4, 4)), grids)


@pytest.mark.parametrize(("task", "box"), [("sudoku/mini", 2), ("sudoku/easy", 3)])
@pytest.mark.parametrize("look", ["glyphs", "human"])
def test_the_boxes_of_a_sudoku_are_outlined(task, box, look):
    instance = instances(task, 1)[0]
    drawn = look_of(verifier_of(instance), look, instance)
    picture = render(instance.question, drawn)
    dark = (picture == INK).all(axis=2).all(axis=0)  # whole columns, but for the margins
    assert not dark.any()
    inside = picture[drawn.margin : -drawn.margin]
    lines = np.flatnonzero((inside == INK).all(axis=2).all(axis=0))
    side = drawn.cell + drawn.line
    starts = [drawn.margin + k * box * side - drawn.line for k in range(box + 1)]
    assert lines.tolist() == [start + k for start in starts for k in range(drawn.line)]


def test_every_other_square_of_a_chess_board_is_dotted():
    look = Look("chess", cell=32, glyphs="chess")
    picture = render(np.zeros((8, 8), np.uint8), look)
    ink = (picture == INK).all(axis=2).reshape(8, 32, 8, 32).any(axis=(1, 3))
    assert np.array_equal(ink, np.indices((8, 8)).sum(axis=0) % 2 == 1)
    assert ink[7, 0]  # a1 is dark
