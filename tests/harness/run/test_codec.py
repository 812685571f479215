"""Test codecs: what each modality is given, and what comes back as a grid or as a reason."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vizbench as vb
from vizbench.errors import UserError
from vizbench.formats.lookup import verifier_of
from vizbench.harness.run.codec import FrameCodec, GridCodec, ImageCodec, Lazy, TextCodec, codec_for
from vizbench.model import FrameSpec, Model, Prompted, TextSpec
from vizbench.types import Answer, DecodeFailure, Instance, Look

ARC = verifier_of("arc-json:nowhere.json")


def instance(question, target):
    grids = np.full(question, 1, np.uint8), np.full(target, 2, np.uint8)
    return Instance("arc-json:x", None, 0, "train", 0, *grids, grids[1][None])


def seeing(spec=None, modality="frames"):
    """Return a model of that modality, which is never called."""
    body = {"modality": modality, "frames": spec or FrameSpec(count=3), "adapt": None, "predict": None}
    return cast("Model[Any]", type("Seeing", (Model,), body)())


def read(codec, prediction):
    decoded = codec.decode(prediction)
    assert isinstance(decoded, Answer), decoded
    return decoded.grid


def test_lazy_makes_on_access_and_slices_stay_lazy():
    made = []
    lazy = Lazy(range(5), lambda n: made.append(n) or n * n)
    part = lazy[1:4]
    assert made == []
    assert (len(part), part[-1], list(part)) == (3, 9, [1, 4, 9])
    assert made == [3, 1, 2, 3]
    with pytest.raises(IndexError):
        part[3]


@pytest.mark.parametrize("cell", [None, 1, 4])
@pytest.mark.parametrize("task", ["life/conway", "maze/9", "sudoku/mini"])
def test_frames_of_one_shape_are_read_where_they_lie(task, cell):
    train = vb.load(task).train.head(3)
    model = seeing(FrameSpec(count=5, cell=cell))
    codec = codec_for(model, verifier_of(task), train, [train[0].question])
    example = codec.examples(train)[1]
    assert example.target.shape[0] == 5
    assert np.array_equal(example.target[0], example.question)
    if cell is not None:
        assert example.question.shape == (
            train[1].question.shape[0] * cell,
            train[1].question.shape[1] * cell,
            3,
        )
    assert np.array_equal(read(codec, example.target), train[1].target)
    assert np.array_equal(read(codec, example.target[-1:]), train[1].target)


@pytest.mark.parametrize("cell", [None, 6])
def test_frames_of_many_shapes_share_a_board_and_sizes_are_found(cell):
    train = [instance((3, 3), (9, 2)), instance((2, 5), (1, 1))]
    model = seeing(FrameSpec(count=3, cell=cell))
    codec = codec_for(model, ARC, train, [np.zeros((4, 12), np.uint8)])
    sizes = {codec.question(i.question).shape for i in train} | {
        codec.example(i.question, i.target).target.shape[1:] for i in train
    }
    assert len(sizes) == 1
    if cell is not None:
        assert sizes == {(9 * cell, 12 * cell, 3)}
    for one in train:
        assert np.array_equal(read(codec, codec.example(one.question, one.target).target), one.target)


def test_a_target_larger_than_anything_seen_is_no_help_to_the_board():
    """The size of a test target must not influence what a model sees."""
    train = [instance((3, 3), (3, 3)), instance((5, 7), (2, 2))]
    small = codec_for(seeing(FrameSpec(cell=4)), ARC, train, [])
    assert {small.question(one.question).shape for one in train} == {(20, 28, 3)}
    train = [instance((3, 3), (3, 3))]
    codec = codec_for(seeing(), ARC, train, [np.zeros((3, 3), np.uint8)])
    assert codec.question(train[0].question).shape == (400, 400, 3)
    assert read(codec, codec.example(train[0].question, train[0].target).target).shape == (3, 3)


def test_on_a_canvas_cells_have_the_size_of_their_own_grid():
    train = [instance((3, 3), (9, 2)), instance((2, 5), (1, 1))]
    codec = codec_for(seeing(), ARC, train, [np.zeros((4, 4), np.uint8)])
    for one in train:
        example = codec.example(one.question, one.target)
        assert np.array_equal(example.question, vb.render(one.question, ARC.look))
        assert np.array_equal(example.target[0], example.question)
        assert np.array_equal(example.target[-1], vb.render(one.target, ARC.look))
    larger = np.arange(240, dtype=np.uint8).reshape(12, 20) % 10  # than anything that was shown
    assert np.array_equal(read(codec, vb.render(larger, ARC.look)[None]), larger)


@pytest.mark.parametrize("layout", ["json", "rows"])
def test_text_goes_there_and_back(layout):
    codec = TextCodec(TextSpec(layout))
    grid = np.array([[0, 3], [9, 1], [2, 2]], np.uint8)
    example = codec.example(grid, grid[::-1])
    assert example.question == vb.to_text(grid, layout)
    assert np.array_equal(read(codec, example.target), grid[::-1])


def test_pictures_are_asked_and_texts_are_read():
    train = [instance((3, 3), (9, 2)), instance((2, 5), (1, 1))]
    codec = codec_for(seeing(FrameSpec(cell=4), "image"), ARC, train, [])
    for one in train:
        example = codec.example(one.question, one.target)
        assert np.array_equal(example.question, vb.render(one.question, Look(ARC.look.palette, cell=4)))
        assert example.target == vb.to_text(one.target)
        assert np.array_equal(read(codec, example.target), one.target)
    look = codec_for(seeing(FrameSpec(), "image"), ARC, train, []).question(train[0].question)
    assert np.array_equal(look, vb.render(train[0].question, ARC.look))


def test_pictures_and_texts_are_asked_together():
    train = [instance((3, 3), (9, 2))]
    both, image, text = (
        codec_for(seeing(FrameSpec(), kind), ARC, train, []) for kind in ("both", "image", "text")
    )
    example = both.example(train[0].question, train[0].target)
    picture, words = example.question
    assert np.array_equal(picture, image.question(train[0].question))
    assert words == text.question(train[0].question)
    assert np.array_equal(read(both, example.target), train[0].target)
    assert isinstance(both.decode(picture), DecodeFailure)


def test_grids_are_copies():
    question = np.zeros((2, 2), np.uint8)
    codec = GridCodec(2)
    codec.questions([instance((2, 2), (2, 2))])[0][:] = 1
    codec.question(question)[:] = 1
    codec.example(question, question).target[:] = 1
    assert not question.any()


LOOK = Look("binary", cell=4)
FRAMES = FrameCodec(LOOK, FrameSpec(), {(2, 2)})
IMAGES = ImageCodec(LOOK, FrameSpec(), TextSpec())


@pytest.mark.parametrize(
    ("codec", "bad"),
    [
        (GridCodec(2), None),
        (GridCodec(2), "[[0]]"),
        (GridCodec(2), np.zeros((2, 2, 2), np.uint8)),
        (GridCodec(2), np.full((2, 2), 2, np.uint8)),
        (GridCodec(2), np.zeros((2, 2), np.float32)),
        (GridCodec(2), [[0], [0, 1]]),
        (FRAMES, None),
        (FRAMES, [[0]]),
        (FRAMES, np.zeros((8, 8, 3), np.uint8)),  # a picture, not a clip
        (FRAMES, np.zeros((0, 8, 8, 3), np.uint8)),
        (FRAMES, np.zeros((1, 0, 8, 3), np.uint8)),
        (FRAMES, np.zeros((1, 8, 8, 4), np.uint8)),
        (FRAMES, np.zeros((1, 8, 8, 3), np.float32)),
        (FRAMES, np.zeros((1, 8, 8, 3), object)),
        (FRAMES, np.zeros((1, 5000, 1, 3), np.uint8)),
        (IMAGES, None),
        (IMAGES, np.zeros((8, 8, 3), np.uint8)),
        (IMAGES, "no grid"),
        (TextCodec(TextSpec()), 3),
        (TextCodec(TextSpec()), np.zeros((2, 2), np.uint8)),
        (TextCodec(TextSpec()), ""),
    ],
)
def test_what_is_not_of_the_modality_is_a_failure_with_a_reason(codec, bad):
    failure = codec.decode(bad)
    assert isinstance(failure, DecodeFailure)
    assert failure.reason


@given(st.one_of(st.text(), st.binary(), st.lists(st.lists(st.integers()))))
def test_no_answer_raises(bad):
    for codec in (GridCodec(2), FRAMES, IMAGES, TextCodec(TextSpec())):
        codec.decode(bad)


def test_an_unknown_modality_is_refused():
    model = seeing(modality="smell")
    with pytest.raises(UserError, match="grid, frames, text, image or both"):
        codec_for(model, ARC, [instance((1, 1), (1, 1))], [])


# Prompts


def reading(modality, layout: Any = "json"):
    """Return a model of that modality that reads prompts. It is never called."""
    body = {
        "modality": modality,
        "text": TextSpec(layout),
        "reads_prompts": True,
        "adapt": None,
        "predict": None,
    }
    return cast("Model[Any]", type("Reading", (Model,), body)())


@pytest.mark.parametrize(("modality", "reader"), [("text", "text"), ("both", "text"), ("image", "vision")])
def test_prompted_questions_are_the_plain_ones_with_the_prompt_of_their_instance(modality, reader):
    data = vb.load("life/conway")
    train, test = data.train.head(3), data.test.head(5)
    grids = [row.question for row in test]
    plain = codec_for(reading(modality), data.verifier, train, grids)
    codec = codec_for(reading(modality), data.verifier, train, grids, prompt="task")
    for asked, question, row in zip(codec.questions(test), plain.questions(test), test, strict=True):
        assert isinstance(asked, Prompted)
        assert asked.prompt == vb.prompt(row, reader, style=None)
        assert str(asked.question) == str(question)
    for shown, example, row in zip(codec.examples(train), plain.examples(train), train, strict=True):
        assert isinstance(shown.question, Prompted)
        assert shown.question.prompt == vb.prompt(row, reader, style=None)
        assert (str(shown.question.question), shown.target) == (str(example.question), example.target)


def test_who_cannot_read_a_prompt_is_refused():
    for model, words in (
        (seeing(modality="text"), "Seeing reads no prompt: leave --prompt task out"),
        (seeing(), "Seeing reads no prompt"),
        (reading("text", "rows"), "reads its grids as digits"),
    ):
        with pytest.raises(UserError, match=words):
            codec_for(model, verifier_of("life/conway"), [], [], prompt="task")


def test_a_prompt_with_processes_asks_for_states():
    data = vb.load("life/conway?steps=2")
    row = data.test[0]
    codec = codec_for(
        reading("text"), data.verifier, [], [row.question], prompt="task", supervision="process"
    )
    assert codec.prompt is not None
    assert codec.prompt(row) == vb.prompt(row, style=None, process=True)
    assert "one state per line" in codec.prompt(row)
