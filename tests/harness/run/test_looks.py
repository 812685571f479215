"""Test that looks reach models that see pictures, and that records, data sets and scores keep them apart."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import vizbench as vb
from tests.support import stubs
from tests.support.small_runs import BATCHER, directory, small_plan
from vizbench.errors import UserError
from vizbench.formats import Settings, read, write
from vizbench.formats.lookup import verifier_of
from vizbench.formats.manifest import load as manifest_of
from vizbench.harness.plan.plan import Plan
from vizbench.harness.records.records import read_runs, read_trial
from vizbench.harness.report import viewer
from vizbench.harness.run.codec import codec_for
from vizbench.harness.run.run import run
from vizbench.harness.score.import_answers import import_score_sheet
from vizbench.harness.score.score import score, score_rows
from vizbench.harness.stats.metrics import summaries
from vizbench.model import FrameSpec, TextSpec
from vizbench.renderers.frames import render
from vizbench.renderers.looks import LOOKS, LookName, look_of
from vizbench.renderers.pictures import read_png
from vizbench.renderers.prompts import Reader
from vizbench.types import Answer

ECHO = f"{stubs.FILE}:Echo"
TASKS = ("sudoku/mini", "chess/mate-in-1", "hitori/5", "arc/copy?episode=3")


def seeing(modality: str = "frames", cell: int | None = None) -> Any:
    return SimpleNamespace(modality=modality, frames=FrameSpec(4, cell), text=TextSpec(), reads_prompts=True)


# Codecs


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("cell", [None, 4])
@pytest.mark.parametrize("name", TASKS)
def test_clips_are_read_in_the_look_in_which_they_are_shown(name: str, cell: int | None, look: LookName):
    rows = vb.load(name).train.head(2)
    codec = codec_for(seeing(cell=cell), verifier_of(name), rows, [rows[0].question], look=look)
    for row, example in zip(rows, codec.examples(rows), strict=True):
        decoded = codec.of(row).decode(example.target)
        assert isinstance(decoded, Answer), decoded
        assert np.array_equal(decoded.grid, row.target)
        assert np.array_equal(codec.questions([row])[0], example.question)


def test_a_shuffled_look_differs_from_question_to_question_and_names_its_colours():
    rows = vb.load("sudoku/mini").train.head(6)
    verifier = verifier_of("sudoku/mini")
    readers: dict[str, Reader] = {"frames": "video", "image": "vision"}
    for modality, reader in readers.items():
        model = seeing(modality)
        codec = codec_for(model, verifier, rows, [rows[0].question], prompt="task", look="shuffled")
        asked = list(codec.questions(rows))
        colours = {tuple(one.question[0, 0].tolist()) for one in asked}
        assert len(colours) > 3
        for one, row in zip(asked, rows, strict=True):
            assert np.array_equal(one.question, vb.render(row, look="shuffled"))
            assert one.prompt == vb.prompt(row, reader, None, "shuffled")


def test_what_sees_no_pictures_has_no_look():
    for modality in ("text", "grid"):
        with pytest.raises(UserError, match="sees no pictures, so a look changes nothing"):
            codec_for(seeing(modality), verifier_of("maze/9"), [], [], look="human")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"look": "humn"}, "did you mean human"),
        ({"models": ()}, "name a model"),
        ({"models": ("copy",)}, "name a model"),
        ({"models": ("qwen3",)}, "qwen3 sees none"),
    ],
)
def test_a_plan_whose_look_changes_nothing_is_refused(fields: dict[str, Any], words: str):
    plan: dict[str, Any] = {"models": ("cogvideox",), "tasks": ("life/conway",), "look": "glyphs"}
    with pytest.raises(UserError, match=words):
        Plan(**(plan | fields)).trials()


def test_a_model_of_a_file_that_sees_no_pictures_is_refused_before_anything_is_written(tmp_path: Path):
    with pytest.raises(UserError, match=r"Batcher.* sees no pictures"):
        run(small_plan(BATCHER, look="glyphs"), tmp_path / "x")
    assert not (tmp_path / "x").exists()


# Runs


def echoed(out: Path, look: str) -> Path:
    plan = small_plan(ECHO, tasks=("sudoku/mini",), n_test=3, pool=20, look=look)
    run(plan, out)
    return directory(out, plan, ECHO)


def test_runs_keep_looks_apart(tmp_path: Path):
    for look in LOOKS:
        trial = read_trial(echoed(tmp_path / look, look))
        head = trial.header.trial
        assert head.look == look
        assert head.training == "the model's own" + ("" if look == "paper" else f", look {look}")
        assert [record.answer for record in trial.records] == [row.question for row in trial.questions]
    trials = read_runs([tmp_path])
    rows = [row for row in summaries(trials) if row.model == ECHO]
    assert {row.look for row in rows} == set(LOOKS)
    assert all(len(row.seeds) == 1 for row in rows)
    assert {trial.header.trial.look for trial in trials if trial.header.trial.model == "copy"} == {"paper"}
    with pytest.raises(UserError, match=r"look was human, is glyphs"):
        echoed(tmp_path / "human", "glyphs")


def test_the_report_draws_as_a_person_reads():
    chess, hitori, sudoku, arc = map(viewer._look, ("chess", "hitori", "sudoku", "arc"))
    assert (len(chess["colours"]), len(chess["glyphs"]), chess["chequered"]) == (13, 13, True)
    assert (hitori["bare"], sudoku["bare"], sudoku["boxes"]) == (2, 0, True)
    assert (len(arc["colours"]), arc["glyphs"]) == (10, [])


# Data sets


@pytest.mark.parametrize("look", ["glyphs", "shuffled", "human"])
def test_pictures_of_a_data_set_are_drawn_and_scored_in_its_look(tmp_path: Path, look: LookName):
    split = vb.load("sudoku/mini", pool=20).test
    folder = tmp_path / "data"
    write(split, 3, folder, Settings("png", prompt="image", look=look))
    assert manifest_of(folder).look == look
    for number, row in enumerate(read(folder)):
        drawn = look_of(vb.verifier_of(row), look, row)
        assert np.array_equal(
            read_png(folder / f"test/question/{number:08d}.png"), render(row.question, drawn)
        )
    lines = [line for file in folder.glob("*.jsonl") for line in file.read_text().splitlines()]
    for line, row in zip(lines, split.head(3), strict=True):
        assert vb.prompt(row, "image", None, look) in line
    answers = Path(shutil.copytree(folder / "test" / "target", tmp_path / "mine"))
    assert score(answers, folder).score.exact == 1
    kept = import_score_sheet(score_rows(answers, folder), tmp_path / "runs", "painter", None)
    assert read_trial(kept).header.trial.look == look


def test_the_look_of_a_data_set_without_pictures_is_refused(tmp_path: Path):
    split = vb.load("sudoku/mini", pool=20).test
    with pytest.raises(UserError, match="jsonl holds no pictures"):
        write(split, 3, tmp_path / "x", Settings(look="human"))
    assert not (tmp_path / "x").exists()
