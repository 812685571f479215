"""Test that ARC tasks drawn on the paper's canvas are read back, with their size found in the picture."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest

from tests.support.concept_arc import AT_HAND, CORPUS
from vizbench import loading
from vizbench.formats.arc import task_files
from vizbench.harness.run.codec import codec_for
from vizbench.model import FrameSpec, Model
from vizbench.renderers.decode import decode
from vizbench.renderers.frames import render
from vizbench.types import Answer, Instance

# docs/arc.md reports on all. A search among 900 sizes takes 30 ms, so only some of the package are read here.
EVERY = 25
SOME = [name for corpus in ("arc-agi-1", "arc-agi-2") for name in loading.expand(corpus)[::EVERY]]


def rows_of(name: str) -> tuple[list[Instance], list[Instance]]:
    data = loading.load(name)
    return list(data.train.head(data.train.count or 0)), list(data.test.head(data.test.count or 0))


def check_targets(name: str) -> None:
    train, test = rows_of(name)
    for row in [*train, *test]:
        decoded = decode(render(row.target, task_files.VERIFIER.look), task_files.VERIFIER.look)
        assert isinstance(decoded, Answer), row.id
        assert np.array_equal(decoded.grid, row.target), row.id


@AT_HAND
@pytest.mark.parametrize("concept", sorted(path.name for path in CORPUS.glob("*") if path.is_dir()))
def test_every_target_of_concept_arc_is_read_without_its_size(concept: str) -> None:
    for name in loading.expand(f"arc-json:{CORPUS / concept}"):
        check_targets(name)


@pytest.mark.parametrize("name", SOME)
def test_targets_of_the_package_are_read_without_their_sizes(name: str) -> None:
    check_targets(name)


def out_of_reach(name: str, cell: int | None) -> list[str]:
    """Return the test inputs whose target no model of frames can answer, even if drawn correctly."""
    train, test = rows_of(name)
    body = {"modality": "frames", "frames": FrameSpec(count=2, cell=cell), "adapt": None, "predict": None}
    model = cast("Model[Any]", type("Seeing", (Model,), body)())
    codec = codec_for(model, task_files.VERIFIER, train, [row.question for row in test])
    largest = [max(row.question.shape[k] for row in [*train, *test]) for k in (0, 1)]
    largest = [max(largest[k], *(row.target.shape[k] for row in train)) for k in (0, 1)]
    lost: list[str] = []
    for row in test:
        if cell is not None and (row.target.shape[0] > largest[0] or row.target.shape[1] > largest[1]):
            lost.append(row.id.rpartition("/")[2])
            continue
        decoded = codec.decode(codec.example(row.question, row.target).target)
        assert isinstance(decoded, Answer) and np.array_equal(decoded.grid, row.target), row.id
    return lost


@AT_HAND
def test_which_answers_do_not_fit_the_board_of_fixed_cells() -> None:
    names = loading.expand(f"arc-json:{CORPUS}")
    assert [lost for name in names for lost in out_of_reach(name, 1)] == [
        "Copy1.json#0-test-2",
        "Count5.json#0-test-2",
    ]


@AT_HAND
@pytest.mark.parametrize("task", ["Copy/Copy1", "Count/Count5", "ExtractObjects/ExtractObjects3"])
def test_on_the_canvas_every_answer_fits(task: str) -> None:
    assert out_of_reach(f"arc-json:{CORPUS}/{task}.json", None) == []
