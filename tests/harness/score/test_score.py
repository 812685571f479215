"""Test that saved answers are matched by name, checked as in a run, and counted in full."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest

import vizbench as vb
from tests.support.commands import Run, refused
from vizbench.errors import UserError
from vizbench.formats import read, write
from vizbench.formats.lookup import verifier_of
from vizbench.harness.run.trajectories import states_after_question
from vizbench.harness.score.score import score, score_rows, summarize
from vizbench.renderers.pictures import save_png
from vizbench.renderers.video import clip, process, write_video
from vizbench.task.registry import spec

N = 6


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "life"
    write(vb.load("life/conway?steps=3").test, N, folder)
    return folder


def rows(data):
    return list(read(data))


def write_lines(path, pairs):
    path.write_text("".join(json.dumps({"id": name, "answer": answer}) + "\n" for name, answer in pairs))
    return path


def test_lines_are_checked_as_grids_or_texts(data, tmp_path):
    a, b, c, d, *_ = rows(data)
    wrong = 1 - c.target
    near = d.target.copy()
    near[0, 0] ^= 1
    file = write_lines(
        tmp_path / "a.jsonl",
        [
            (a.id, a.target.tolist()),
            (b.id, f"Answer: {vb.to_text(b.target)}"),
            (c.id, wrong.tolist()),
            (d.id, near.tolist()),
            (a.id, wrong.tolist()),
            (a.id + "0", a.target.tolist()),
            ("life/conway#0-test-1", b.target.tolist()),
        ],
    )
    result = score(file, data)
    assert [verdict.valid for verdict in result.verdicts.values()] == [True, True, False, False, False, False]
    summary = result.score
    assert (summary.kind, summary.rows, summary.answered, summary.missing) == ("lines", N, 4, 2)
    assert (summary.duplicates, summary.unknown, summary.undecodable) == (1, 2, 0)
    assert summary.strangers == [a.id + "0", "life/conway#0-test-1"]
    assert (summary.valid, summary.exact) == (2 / N, 2 / N)
    assert summary.valid_low < summary.valid < summary.valid_high
    assert result.verdicts[d.id] == vb.verify(d, near)


def test_what_holds_no_grid_is_wrong_and_keeps_its_reason(data, tmp_path):
    names = [row.id for row in rows(data)]
    answers = [None, "no grid", [[[1]]], [[0, 300]], {"a": 1}, [["x"]]]
    result = score(write_lines(tmp_path / "a.jsonl", zip(names, answers, strict=True)), data)
    assert (result.score.answered, result.score.valid, result.score.undecodable) == (N, 0.0, N)
    assert all(verdict.reason for verdict in result.verdicts.values())


def test_a_file_without_a_line_that_can_be_read_is_refused_with_its_reason(data, tmp_path):
    (tmp_path / "a.jsonl").write_text('# by hand\n{"answer": 3}\n')
    with pytest.raises(UserError, match=r"line 1 of .* is no answer \(.*\), and no other line is one"):
        score(tmp_path / "a.jsonl", data)


@pytest.mark.parametrize("size", [1.0, 0.5, 1.7])
def test_pictures_of_any_size_are_read_by_the_number_in_their_name(data, tmp_path, size):
    from PIL import Image

    names = ("0", "0001", "row_2", "0-test-3", quote(rows(data)[4].id, safe=""), "life_05_seed3")
    for name, row in zip(names, rows(data), strict=True):
        save_png(tmp_path / f"{name}.png", row.target, verifier_of(row).look)
        with Image.open(tmp_path / f"{name}.png") as picture:
            small = picture.convert("RGB").resize([round(side * size) for side in picture.size])
        small.save(tmp_path / f"{name}.png")
    save_png(tmp_path / "7.png", rows(data)[0].target, "binary")
    save_png(tmp_path / "1-test-3.png", rows(data)[3].target, "binary")
    (tmp_path / "notes.txt").write_text("not an answer")
    result = score(tmp_path, data)
    assert (result.score.kind, result.score.exact, result.score.missing) == ("pictures", 1.0, 0)
    assert (result.score.unknown, result.score.strangers, result.score.duplicates) == (
        2,
        ["1-test-3", "7"],
        0,
    )


def test_a_broken_picture_is_a_wrong_answer(data, tmp_path):
    (tmp_path / "0.png").write_bytes(b"\x89PNG nothing")
    (tmp_path / "1.png").symlink_to("/dev/zero")
    result = score(tmp_path, data)
    assert (result.score.answered, result.score.undecodable, result.score.valid) == (2, 2, 0.0)


def test_the_last_frame_of_a_video_is_the_answer(data, tmp_path):
    for row in rows(data):
        frames = clip(row.question, row.target, verifier_of(row).look, 4, "linear")
        write_video(tmp_path / f"{row.index}.mp4", frames if row.index else frames[::-1])
    result = score(tmp_path, data)
    assert (result.score.kind, result.score.exact) == ("videos", (N - 1) / N)


def test_every_frame_of_a_trajectory_is_checked(data, tmp_path):
    look = verifier_of("life/conway").look
    whole = {row.index: process(row.question, row.steps, look) for row in rows(data)}
    write_video(tmp_path / "0.mp4", whole[0])
    write_video(tmp_path / "1.mp4", np.repeat(whole[1], 3, axis=0))  # each state is held for three frames
    write_video(tmp_path / "2.mp4", whole[2][1:])  # without the question
    write_video(tmp_path / "3.mp4", whole[3][[0, 2, 3]])  # a step is left out
    write_video(tmp_path / "4.mp4", whole[4][[0, 3]])  # only the answer
    other = whole[5].copy()
    other[1] = 255 - other[1]
    write_video(tmp_path / "5.mp4", other)
    result = score(tmp_path, data, process=True)
    assert [verdict.valid for verdict in result.verdicts.values()] == [True, True, True, False, False, False]
    assert score(tmp_path, data).score.exact == 1.0
    reasons = [verdict.reason for verdict in result.verdicts.values()]
    assert "step 1: " in reasons[3]
    assert "step 1: " in reasons[5]
    assert "step 1: " in reasons[5]


def test_a_trajectory_in_lines_is_a_list_of_grids(data, tmp_path):
    a, b, c, *_ = rows(data)
    file = write_lines(
        tmp_path / "a.jsonl",
        [(a.id, a.steps.tolist()), (b.id, b.steps[::-1].tolist()), (c.id, vb.to_text(c.target))],
    )
    result = score(file, data, process=True)
    assert [verdict.valid for verdict in result.verdicts.values()][:3] == [True, False, False]
    assert result.score.undecodable == 1


def test_one_grid_as_a_process_is_explained(run: Run, data, tmp_path):
    lines = [(row.id, row.target.tolist()) for row in rows(data)]
    write_lines(tmp_path / "a.jsonl", lines)
    done = run("score", "a.jsonl", "--dataset", data, "--process", "--json")
    result = json.loads(done.out)
    assert result["score"]["undecodable"] == 0
    for verdict in result["verdicts"].values():
        assert not verdict["valid"]
        assert verdict["reason"] == (
            "the answer is one grid, but a process is a list of grids, one per state: list them, or leave "
            "--process out"
        )


def test_a_game_is_checked_up_to_its_end_and_its_answer_is_the_first_move(tmp_path):
    write(vb.load("connect4/win-in-2").test, 4, tmp_path / "data")
    whole, short, lost, held = rows(tmp_path / "data")
    answers = [(whole.id, whole.steps.tolist()), (short.id, short.steps[:1].tolist())]
    answers += [
        (lost.id, [lost.question.tolist(), *lost.steps.tolist()]),
        (held.id, held.steps[[0, 2]].tolist()),
    ]
    result = score(write_lines(tmp_path / "a.jsonl", answers), tmp_path / "data", process=True)
    assert [verdict.exact for verdict in result.verdicts.values()] == [True, False, False, False]
    assert "player 1 has not won yet" in result.verdicts[short.id].reason
    (tmp_path / "clips").mkdir()
    for row in (whole, short, lost, held):
        frames = process(row.question, row.steps, verifier_of(row).look)
        write_video(tmp_path / "clips" / f"{row.index}.mp4", np.repeat(frames, 1 + row.index, axis=0))
    assert score(tmp_path / "clips", tmp_path / "data", process=True).score.exact == 1.0


def test_a_still_board_may_be_held_for_any_time():
    block = np.zeros((8, 8), np.uint8)
    block[2:4, 2:4] = 1
    blinker = np.zeros((8, 8), np.uint8)
    blinker[2, 2:5] = 1
    row = vb.load("life/conway?steps=3").test[0]
    task = spec(row.task).task
    for start in (block, blinker):
        steps = task.steps(row.params, start, start)
        still = vb.Instance(row.task, row.params, 0, "test", 0, start, steps[-1], steps)
        first, second, third = steps
        held = [start] * 5 + [first] * 2 + [second] + [third] * 4
        for frames in ([start, *steps], held, list(steps)):
            assert vb.verify_steps(still, states_after_question(task, still, frames)).valid
        assert vb.verify_steps(still, states_after_question(task, still, [start, start, third])).valid is (
            start is block
        )


def test_vmevalkit_folders_are_read_by_task_and_run(data, tmp_path):
    look = verifier_of("life/conway").look
    for row in rows(data)[1:]:
        place = tmp_path / "luma" / "life_task" / f"life_{row.index:04d}" / "run_1"
        for part in ("video", "question"):
            (place / part).mkdir(parents=True)
        save_png(place / "question" / "first_frame.png", row.question, look)
        write_video(place / "video" / "generated_video.mp4", clip(row.question, row.target, look, 3))
    again = tmp_path / "luma" / "life_task" / "life_0002" / "run_0" / "video"
    again.mkdir(parents=True)
    write_video(again / "x.mp4", clip(rows(data)[2].question, 1 - rows(data)[2].target, look, 3))
    result = score(tmp_path, data)
    assert (result.score.kind, result.score.answered, result.score.missing, result.score.duplicates) == (
        "vmevalkit",
        N - 1,
        1,
        1,
    )
    assert [verdict.exact for verdict in result.verdicts.values()] == [False, True, False, True, True, True]


def test_the_last_of_a_rows_pictures_is_its_answer_and_all_are_its_trajectory(data, tmp_path):
    look = verifier_of("life/conway").look
    for row in rows(data)[:5]:
        (tmp_path / f"{row.index:05d}").mkdir()
        for number, state in enumerate([row.question, *row.steps], 8):
            save_png(tmp_path / f"{row.index:05d}" / f"{number}.png", state, look)
    (tmp_path / "00001" / "10.png").write_bytes(b"broken")  # amid the trajectory
    (tmp_path / "00002" / "11.png").write_bytes(b"broken")  # the answer
    (tmp_path / "00003" / "9.png").unlink()  # a step is left out
    for name in ("._8.png", "._11.png", "12.txt"):
        (tmp_path / "00004" / name).write_bytes(b"no picture")
    (tmp_path / "00005").mkdir()
    save_png(tmp_path / "00005" / "1.png", rows(data)[5].target, look)  # the answer without its trajectory
    sheet = score_rows(tmp_path, data)
    result = summarize(sheet)
    assert (result.score.kind, result.score.answered, result.score.missing) == ("sequences", 6, 0)
    assert [verdict.exact for verdict in result.verdicts.values()] == [True, True, False, True, True, True]
    whole = rows(data)[0]
    shown = [whole.question, *whole.steps]
    changing = [a.tolist() for a, b in pairwise(shown) if not np.array_equal(a, b)]
    assert [state.tolist() for state in sheet.rows[0].trajectory] == changing
    result = score(tmp_path, data, process=True)
    assert [verdict.valid for verdict in result.verdicts.values()] == [True, False, False, False, True, False]
    reasons = [verdict.reason for verdict in result.verdicts.values()]
    assert (
        reasons[1].startswith("10.png: ") and reasons[2].startswith("11.png: ") and "step 1: " in reasons[3]
    )
    assert result.score.undecodable == 2


def test_the_trajectory_that_pictures_show_fits_a_record(data, tmp_path, monkeypatch):
    row = rows(data)[0]
    for number, state in enumerate([row.question, *row.steps]):
        (tmp_path / "row_0").mkdir(exist_ok=True)
        save_png(tmp_path / "row_0" / f"{number}.png", state, verifier_of("life/conway").look)
    assert len(score_rows(tmp_path, data).rows[0].trajectory) > 1
    for cells, most in ((row.question.size, 1), (1, 0)):
        monkeypatch.setattr("vizbench.harness.score.score.MAX_TRAJECTORY_CELLS", cells)
        assert len(score_rows(tmp_path, data).rows[0].trajectory) <= most


def test_pictures_that_cannot_be_read_before_the_answer_cost_nothing(data, tmp_path):
    for row in rows(data)[:2]:
        folder = tmp_path / f"{row.index:05d}"
        folder.mkdir()
        (folder / "1.png").write_bytes(b"broken")
        save_png(folder / "2.png", row.target, verifier_of("life/conway").look)
    sheet = score_rows(tmp_path, data)
    assert [row.verdict.exact for row in sheet.rows[:2]] == [True, True]
    assert sheet.rows[0].trajectory == ()


def test_broken_lines_cost_no_other_row(data, tmp_path):
    a, b, *_ = rows(data)
    good = json.dumps({"id": a.id, "answer": a.target.tolist()})
    lines = ["[[0, 1]]", good, "torn {", json.dumps({"id": b.id, "prediction": b.target.tolist()})]
    (tmp_path / "a.jsonl").write_text("\n".join(lines), "utf-8-sig")
    for whole in (False, True):
        figures = score(tmp_path / "a.jsonl", data, process=whole).score
        assert (figures.answered, figures.missing, figures.broken, figures.keyless) == (1, N - 1, 2, 1)
        assert [fault.partition(":")[0] for fault in figures.faults] == ["line 1", "line 3", "line 4"]
    write_lines(tmp_path / "b.jsonl", [(a.id, [[float("nan")]]), (b.id, b.steps.tolist())])
    verdicts = score(tmp_path / "b.jsonl", data, process=True).verdicts
    assert (verdicts[a.id].reason, verdicts[b.id].valid) == (
        "the answer holds NaN, which is no whole number",
        True,
    )
    with pytest.raises(UserError, match="none to a row"):
        score(write_lines(tmp_path / "c.jsonl", [("0", a.target.tolist())]), data)


def test_folders_that_say_nothing_clear_are_refused(data, tmp_path):
    with pytest.raises(UserError, match="neither pictures nor videos"):
        score(tmp_path, data)
    (tmp_path / "0.png").write_bytes(b"")
    with pytest.raises(UserError, match="a picture is no process"):
        score(tmp_path, data, process=True)
    (tmp_path / "0.mp4").write_bytes(b"")
    with pytest.raises(UserError, match="holds pictures and videos"):
        score(tmp_path, data)
    with pytest.raises(UserError, match="holds no manifest"):
        score(tmp_path, tmp_path)
    with pytest.raises(UserError, match="cannot be opened"):
        score(tmp_path / "gone.jsonl", data)


def test_arc_answers_of_any_shape_are_found_in_pictures(tmp_path):
    pairs = [{"input": [[1, 2]], "output": [[3, 1, 4], [1, 5, 9]]}, {"input": [[0]], "output": [[8]]}]
    (tmp_path / "t.json").write_text(json.dumps({"train": pairs, "test": pairs}))
    write(vb.load(f"arc-json:{tmp_path}/t.json").test, 2, tmp_path / "data")
    (tmp_path / "answers").mkdir()
    for row in read(tmp_path / "data"):
        save_png(tmp_path / "answers" / f"{row.index}.png", row.target, verifier_of(row).look)
    assert score(tmp_path / "answers", tmp_path / "data").score.exact == 1.0
    with pytest.raises(UserError, match="leave --process out"):
        score(tmp_path / "answers", tmp_path / "data", process=True)


def test_answers_to_rules_of_ours_are_found_in_pictures_whatever_their_size(tmp_path):
    write(vb.load("arc/count?rule=count-objects").test, 4, tmp_path / "data")
    (tmp_path / "answers").mkdir()
    for row in read(tmp_path / "data"):
        assert row.question.shape != row.target.shape
        save_png(tmp_path / "answers" / f"{row.index}.png", row.target, verifier_of(row).look)
    assert score(tmp_path / "answers", tmp_path / "data").score.exact == 1.0


def test_the_command_reports_what_does_not_count(run: Run, tmp_path: Path) -> None:
    run("generate", "--task", "life/conway", "--n", 3, "--split", "test", "--out", "d")
    row = next(read(tmp_path / "d"))
    write_lines(tmp_path / "a.jsonl", [(row.id, row.target.tolist()), (row.id, [[1]]), ("else", [[1]])])
    done = run("score", "a.jsonl", "--dataset", "d")
    assert done.code == 0
    assert "3 rows, 1 answered by lines, 2 missing" in done.out
    assert "0.3333 [" in done.out
    for part in (
        "2 rows without an answer",
        "1 further answer to a row",
        "1 answer to no row of the data set, skipped: 'else'",
    ):
        assert part in done.err
    with (tmp_path / "a.jsonl").open("a") as file:
        file.write("torn \x1b[31m\n" * 7 + json.dumps({"id": row.id, "output \x1b": 1}))
    done = run("score", "a.jsonl", "--dataset", "d")
    assert done.code == 0
    assert "7 lines that cannot be read, skipped" in done.err
    assert '1 line without the key "answer", counted as no answer' in done.err
    assert done.err.count(": line ") + done.err.count("  line ") == 5 and "and 3 more" in done.err
    assert "\x1b" not in done.err
    assert run("verify", "d", "a.jsonl") == done
    result = json.loads(run("score", "a.jsonl", "--dataset", "d", "--json").out)
    assert result["score"]["exact"] == pytest.approx(1 / 3)
    assert result["verdicts"][row.id]["valid"] is True
    assert "holds no manifest" in refused(run("score", "a.jsonl", "--dataset", "."))


def test_verify_takes_every_option_of_score(run: Run, data: Path, tmp_path: Path) -> None:
    write_lines(tmp_path / "a.jsonl", [(row.id, row.steps.tolist()) for row in rows(data)[:3]])
    for options in ((), ("--process",), ("--process", "--json")):
        assert run("verify", data, "a.jsonl", *options) == run(
            "score", "a.jsonl", "--dataset", data, *options
        )
    write_lines(tmp_path / "b.jsonl", [(row.id, row.target.tolist()) for row in rows(data)[:3]])
    kept = run("verify", data, "b.jsonl", "--out", "runs", "--name", "sora", "--shots", 3)
    assert kept.code == 0 and "vizbench report runs --html report.html" in kept.out
    for half in (("--out", "r"), ("--name", "x"), ("--shots", 3)):
        assert "together" in refused(run("verify", data, "b.jsonl", *half))
