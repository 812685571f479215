"""Test that answers of an outside model become a run with the figures of their score, or are refused."""

from __future__ import annotations

import csv
import io
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import vizbench as vb
from tests.support.commands import Run, refused
from vizbench.errors import UserError
from vizbench.formats import Settings, read, write
from vizbench.formats.manifest import FORMATS, FormatName
from vizbench.harness.plan.plan import Plan
from vizbench.harness.records.records import read_header, read_runs, read_trial
from vizbench.harness.report.viewer import payload
from vizbench.harness.run.run import run as measure
from vizbench.harness.score import import_answers
from vizbench.harness.score.import_answers import import_score_sheet
from vizbench.harness.score.score import score_rows, summarize
from vizbench.harness.stats.compare import differences
from vizbench.harness.stats.metrics import summaries
from vizbench.renderers.pictures import save_png
from vizbench.renderers.video import process, write_video

N = 6
TASK = "life/conway?steps=3"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "life"
    write(vb.load(TASK).test, N, folder)
    return folder


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a run of our own on the same questions."""
    out = tmp_path_factory.mktemp("ours")
    measure(Plan(models=("nearest",), tasks=(TASK,), shots=(3,), n_test=N), out)
    return out


def answers(data: Path, path: Path, right: int = 4) -> Path:
    """Write answers: the first rows right, one wrong, one without a grid, none to the last."""
    lines = []
    for k, row in enumerate(list(read(data))[:-1]):
        answer = row.target.tolist() if k < right else (1 - row.target).tolist() if k == right else "no idea"
        lines.append(json.dumps({"id": row.id, "answer": answer}) + "\n")
    path.write_text("".join(lines))
    return path


def test_a_kept_run_has_the_figures_of_its_score(data: Path, tmp_path: Path) -> None:
    sheet = score_rows(answers(data, tmp_path / "a.jsonl", right=3), data)
    kept = read_trial(import_score_sheet(sheet, tmp_path / "out", "sora", None))
    figures = summarize(sheet).score
    [row] = summaries([kept])
    assert kept.complete
    assert (row.n, row.exact, row.valid, row.cells) == (
        figures.rows,
        figures.exact,
        figures.valid,
        pytest.approx(figures.cells),
    )
    assert (row.exact_low, row.valid_high) == (figures.exact_low, figures.valid_high)
    assert (
        row.undecodable * row.n == figures.undecodable == figures.missing == 1
    )  # a missing answer is no unreadable one
    assert [one.undecodable for one in kept.records][-2:] == [True, False]
    assert [one.reason for one in kept.records][-2:] == [
        summarize(sheet).verdicts[kept.questions[4].id].reason, "there is no answer",
    ]  # fmt: skip
    assert kept.records[3].answer == (1 - list(read(data))[3].target).tolist()
    assert (row.model, row.shots, row.seeds) == ("sora", 0, (0,))


def test_the_frames_of_a_video_are_kept_as_its_trajectory(data: Path, tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    look = vb.load(TASK).verifier.look
    rows = list(read(data))
    for row in rows[:-1]:
        frames = process(row.question, row.steps if row.index else row.steps[-1:], look)
        write_video(tmp_path / "clips" / f"{row.index}.mkv", frames)
    kept = read_trial(
        import_score_sheet(score_rows(tmp_path / "clips", data), tmp_path / "out", "sora", None)
    )
    by_id = {one.id: one for one in kept.records}
    assert len(rows[1].steps) == 3
    for row in rows[1:-1]:
        shown = [row.question, *row.steps]
        expected = [a.tolist() for a, b in pairwise(shown) if not np.array_equal(a, b)]
        assert list(by_id[row.id].trajectory) == expected
        assert by_id[row.id].exact
    assert by_id[rows[-1].id].trajectory == ()  # not answered
    assert payload([kept]).index["trials"][0]["count"] == N


def test_a_picture_has_no_trajectory(data: Path, tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    for row in read(data):
        save_png(tmp_path / "pictures" / f"{row.index}.png", row.target, vb.load(TASK).verifier.look)
    sheet = score_rows(tmp_path / "pictures", data)
    assert {row.trajectory for row in sheet.rows} == {()}
    assert all(row.verdict.exact for row in sheet.rows)


def test_its_questions_and_digest_are_those_of_a_plan(data: Path, ours: Path, tmp_path: Path) -> None:
    sheet = score_rows(answers(data, tmp_path / "a.jsonl"), data)
    kept = read_trial(import_score_sheet(sheet, tmp_path / "out", "sora", 3))
    theirs = next(trial for trial in read_runs([ours]) if trial.header.trial.model == "nearest")
    assert (kept.header.data, kept.header.task) == (theirs.header.data, theirs.header.task)
    assert list(kept.questions) == list(theirs.questions)
    [difference] = differences([kept, theirs])
    assert difference.n == N


@pytest.mark.parametrize(
    ("seed", "count", "words"),
    [
        (0, N - 1, "asked 6 questions of .*, seed 0, and the data set holds 5 of them"),
        (1, N, "asked 6 questions of .*, seed 0, and the data set holds seed 1"),
    ],
)
def test_other_questions_than_the_folder_asked_are_refused(
    ours: Path, tmp_path: Path, seed: int, count: int, words: str
) -> None:
    write(vb.load(TASK, seed).test, count, tmp_path / "d")
    sheet = score_rows(answers(tmp_path / "d", tmp_path / "a.jsonl"), tmp_path / "d")
    before = sorted(ours.rglob("*"))
    with pytest.raises(UserError, match=words):
        import_score_sheet(sheet, ours, "sora", None)
    assert sorted(ours.rglob("*")) == before
    import_score_sheet(sheet, tmp_path / "own", "sora", None)  # an empty folder holds nothing to mix with


def test_rows_of_another_pool_are_kept_with_it_and_not_mixed(tmp_path: Path) -> None:
    """The leakage filter chose them against fewer train rows, so another pool has other test rows."""
    sheets = {}
    for pool in (3, 5000):
        write(vb.load("sudoku/mini", pool=pool).test, 20, tmp_path / f"d{pool}")
        sheets[pool] = score_rows(
            answers(tmp_path / f"d{pool}", tmp_path / f"a{pool}.jsonl"), tmp_path / f"d{pool}"
        )
    place = import_score_sheet(sheets[3], tmp_path / "out", "sora", None)
    assert read_header(place).trial.pool == 3
    with pytest.raises(UserError, match="and the data set holds others"):
        import_score_sheet(sheets[5000], tmp_path / "out", "veo", None)


def test_a_changed_file_of_questions_is_refused(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    sheet = score_rows(answers(data, tmp_path / "a.jsonl"), data)
    path = import_score_sheet(sheet, out, "sora", None) / "questions.jsonl"
    text = path.read_text()
    path.write_text(text.replace("[[0", "[[1", 1) if "[[0" in text else text.replace("[[1", "[[0", 1))
    with pytest.raises(UserError, match="and the data set holds others"):
        import_score_sheet(sheet, out, "veo", None)


def test_the_same_answers_again_change_nothing_and_others_are_refused(data: Path, tmp_path: Path) -> None:
    sheet = score_rows(answers(data, tmp_path / "a.jsonl"), data)
    place = import_score_sheet(sheet, tmp_path / "out", "sora", 10)
    before = {path: path.stat().st_mtime_ns for path in place.iterdir() if path.name != "lock"}
    assert import_score_sheet(sheet, tmp_path / "out", "sora", 10) == place
    assert {path: path.stat().st_mtime_ns for path in before} == before
    other = score_rows(answers(data, tmp_path / "b.jsonl", right=1), data)
    with pytest.raises(UserError, match="holds other answers of sora: give another --name"):
        import_score_sheet(other, tmp_path / "out", "sora", 10)
    assert import_score_sheet(other, tmp_path / "out", "sora", 100) != place
    assert import_score_sheet(other, tmp_path / "out", "veo", 10) != place


def test_a_write_that_is_cut_short_leaves_no_run(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet, whole = score_rows(answers(data, tmp_path / "a.jsonl"), data), import_answers.write_atomically

    def cut(path: Path, content: bytes) -> None:
        if path.name == "run.json":
            raise KeyboardInterrupt
        whole(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(import_answers, "write_atomically", cut)
        with pytest.raises(KeyboardInterrupt):
            import_score_sheet(sheet, tmp_path / "out", "sora", None)
    with pytest.raises(UserError, match="holds no run"):
        read_runs([tmp_path / "out"])
    assert read_trial(import_score_sheet(sheet, tmp_path / "out", "sora", None)).complete


def test_arc_answers_use_their_own_demonstrations(tmp_path: Path) -> None:
    pairs = [{"input": [[1, 2]], "output": [[3, 1, 4]]}, {"input": [[0]], "output": [[8]]}]
    (tmp_path / "t.json").write_text(json.dumps({"train": pairs, "test": pairs}))
    task = f"arc-json:{tmp_path}/t.json"
    write(vb.load(task).test, 2, tmp_path / "d")
    measure(Plan(tasks=(task,), models=("copy",)), tmp_path / "out")
    sheet = score_rows(answers(tmp_path / "d", tmp_path / "a.jsonl"), tmp_path / "d")
    with pytest.raises(UserError, match="bring their own examples"):
        import_score_sheet(sheet, tmp_path / "out", "sora", 2)
    kept = read_trial(import_score_sheet(sheet, tmp_path / "out", "sora", None))
    assert {trial.header.data.digest for trial in read_runs([tmp_path / "out"])} == {kept.header.data.digest}
    assert kept.header.data.shots == 2


@pytest.mark.parametrize("name", ["copy", "solver", "", "a\nb", "x" * 81, "mine.py:Model"])
def test_names_that_are_none_are_refused(data: Path, tmp_path: Path, name: str) -> None:
    sheet = score_rows(answers(data, tmp_path / "a.jsonl"), data)
    with pytest.raises(UserError, match="is no name for an outside model"):
        import_score_sheet(sheet, tmp_path / "out", name, None)
    assert not (tmp_path / "out").exists()


def test_what_no_plan_would_ask_is_refused(data: Path, tmp_path: Path) -> None:
    write(vb.load(TASK).train, 3, tmp_path / "train")
    train = score_rows(answers(tmp_path / "train", tmp_path / "t.jsonl"), tmp_path / "train")
    with pytest.raises(UserError, match="train rows, which no run asks"):
        import_score_sheet(train, tmp_path / "out", "sora", None)
    file = answers(data, tmp_path / "a.jsonl")
    with pytest.raises(UserError, match="no processes"):
        import_score_sheet(score_rows(file, data, process=True), tmp_path / "out", "sora", None)
    for shots in (-1, 5001):
        with pytest.raises(UserError, match="is outside 0 … 5000"):
            import_score_sheet(score_rows(file, data), tmp_path / "out", "sora", shots)


def test_the_command_puts_an_outside_model_beside_ours(run: Run, data: Path, tmp_path: Path) -> None:
    run("eval", "--model", "nearest", "--task", TASK, "--shots", 3, "--n-test", N, "--out", "r")
    answers(data, tmp_path / "a.jsonl")
    done = run("score", "a.jsonl", "--dataset", data, "--out", "r", "--name", "sora", "--shots", 3)
    assert done.code == 0, done
    assert "vizbench report r --html report.html" in done.out
    assert run("report", "r", "--html", "p.html", "--csv", "t.csv").code == 0
    rows = list(csv.DictReader(io.StringIO((tmp_path / "t.csv").read_text(encoding="utf-8"))))
    assert {row["model"] for row in rows} >= {"sora", "nearest", "solver"}
    assert {(row["n"], row["shots"]) for row in rows} == {(str(N), "3")}
    assert "sora" in (tmp_path / "p.html").read_text(encoding="utf-8")
    for half in (("--out", "r"), ("--name", "x"), ("--shots", 3)):
        assert "together" in refused(run("score", "a.jsonl", "--dataset", data, *half))


@pytest.mark.parametrize("kind", FORMATS)
def test_a_data_set_is_no_answers(tmp_path: Path, kind: FormatName) -> None:
    folder = tmp_path / "d"
    write(vb.load("life/conway").test, 2, folder, Settings(kind))
    with pytest.raises(UserError, match=r"is a data set and holds no model's answers \(its target folder"):
        score_rows(folder, folder)
    parts = [folder / "test", *(folder / "test").glob("*")] if (folder / "test").is_dir() else []
    parts += folder.glob("test-*")
    assert len(parts) == {"png": 4, "video": 3}.get(kind, 1)
    for part in parts:
        with pytest.raises(
            UserError, match=r"is a part of the data set .* and holds no model's answers: give"
        ):
            score_rows(part, folder)
    (folder / "mine").mkdir()  # pictures of a model inside the data set are read
    for row in read(folder):
        save_png(folder / "mine" / f"{row.index}.png", row.target, "binary")
    assert summarize(score_rows(folder / "mine", folder)).score.exact == 1.0
