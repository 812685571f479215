"""Test that boards in frames of other sizes and colours are read correctly, or not at all."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import vizbench as vb
from benchmarks import degradations
from benchmarks.degradations import DEGRADATIONS, Tally, tally
from vizbench.formats.lookup import verifier_of
from vizbench.harness.stats.decode_failures import MOST, OTHER, by_kind
from vizbench.renderers.frames import render
from vizbench.types import Answer, DecodeFailure, Look

FAST = (
    "none", "1280x720, black bars", "854x480, white bars, JPEG 30", "480x480, black bars",
    "padded right and below, black", "padded around, replicated", "cut around to multiples of 32",
    "shifted by half a cell, black", "hue +30", "brightness 0.6",
)  # fmt: skip
SMALL = (
    "maze/9", "life/conway", "langton/3", "eca/110", "fill/small", "sudoku/mini", "connect4/win-in-1",
    "hanoi/3", "hitori/6",
)  # fmt: skip


@pytest.mark.parametrize("name", FAST)
def test_degraded_answers_are_read_rightly_or_not_at_all(name):
    total = functools.reduce(Tally.__add__, (tally(task, DEGRADATIONS[name], 1) for task in SMALL))
    assert (total.misread, total.wrong_won) == (0, 0)
    assert total.abstained <= (0 if name in ("none", "1280x720, black bars") else total.pictures // 5)


def test_a_canvas_of_unknown_shape_is_found_between_bars():
    for name in ("1280x720, black bars", "854x480, white bars, JPEG 30"):
        total = tally("arc/copy", DEGRADATIONS[name], 1)
        assert (total.misread, total.wrong_won, total.abstained) == (0, 0, 0)


def test_a_picture_that_cannot_have_the_look_is_no_guess():
    instance = vb.load("life/conway", seed=0).test[0]
    look = verifier_of(instance).look
    assert vb.render(instance).shape == (272, 272, 3)
    assert np.array_equal(vb.render(instance), vb.render(instance.question, look))
    decoded = vb.decode(vb.render(instance.question, "binary"), look)
    assert isinstance(decoded, DecodeFailure)
    assert decoded.reason.startswith("abstained")
    with pytest.raises(vb.UserError, match="give the instance"):
        vb.render(instance.question)


def test_bars_of_the_walls_colour_leave_the_place_open_unless_the_question_tells():
    instance = vb.load("maze/9", seed=0).test[0]
    look = verifier_of(instance).look
    picture = degradations.padded(vb.render(instance.target, look), "black", 0)
    alone = vb.decode(picture, look, (9, 9))
    assert isinstance(alone, DecodeFailure)
    assert alone.reason == "abstained: the board may be in several places of the picture"
    decoded = vb.decode(picture, look, (9, 9), question=instance.question)
    assert isinstance(decoded, Answer)
    assert np.array_equal(decoded.grid, instance.target)


@pytest.mark.parametrize("name", ["maze/9", "life/conway", "sudoku/easy", "eca/110", "hitori/6", "arc/copy"])
def test_a_frame_that_fades_to_black_is_read_rightly_or_not_at_all(name):
    for left in (0.25, 0.12, 0.08):
        total = tally(name, lambda picture, _, left=left: (picture * left).astype(np.uint8), 1)
        assert (total.misread, total.wrong_won) == (0, 0)


def test_a_question_beside_the_answer_leaves_open_which_is_meant():
    instance = vb.load("arc/copy", seed=0).test[0]
    look = verifier_of(instance).look
    both = [render(grid, look) for grid in (instance.question, instance.target)]
    for pair in (both, both[::-1]):
        decoded = vb.decode(
            np.concatenate([pair[0], np.full((len(pair[0]), 20, 3), 255, np.uint8), pair[1]], axis=1), look
        )
        assert isinstance(decoded, DecodeFailure)


def test_a_board_of_one_colour_is_read_with_the_noise_of_a_codec():
    look = Look("maze")
    for code in range(3):
        picture = render(np.full((9, 9), code, np.uint8), look)
        for name in ("noise 25", "JPEG quality 10", "H.264 crf 45", "blur 2 px"):
            subject = degradations.Subject(np.full((9, 9), code, np.uint8), look, 0)
            decoded = vb.decode(DEGRADATIONS[name](picture, subject), look, (9, 9))
            assert isinstance(decoded, Answer)
            assert (decoded.grid == code).all()


def test_a_noise_picture_is_no_board():
    noise = np.random.Generator(np.random.PCG64(0)).integers(0, 256, (144, 144, 3)).astype(np.uint8)
    for shape in ((9, 9), None):
        assert isinstance(vb.decode(noise, Look("maze"), shape), DecodeFailure)


def test_reasons_are_counted_by_kind_and_bounded():
    reasons = [f"the file has over {n} frames" for n in range(5)] + ["is 'a'", "is 'b'", *"cdefghij"]
    counts = by_kind(reasons)
    assert counts["the file has over N frames"] == 5
    assert counts["is …"] == 2
    assert len(counts) == MOST + 1
    assert sum(counts.values()) == len(reasons)
    assert OTHER in counts
