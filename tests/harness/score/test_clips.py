"""Test that clips are streamed, read between bars, and counted by reason if they cannot be read."""

from __future__ import annotations

import numpy as np
import pytest

import vizbench as vb
from benchmarks.degradations import boxed
from vizbench.formats.lookup import verifier_of
from vizbench.harness.score import clips, score
from vizbench.renderers.video import process, write_video
from vizbench.types import DecodeFailure

LIFE = vb.load("life/conway", seed=0).test
MAZE = vb.load("maze/9", seed=0).test


def barred(video, height=240, width=426, fill="black"):
    return np.stack([boxed(frame, height, width, fill) for frame in video])


def film(row, *grids):
    return process(row.question, np.stack(grids), verifier_of(row).look)


def test_a_clip_between_bars_is_read_with_its_trajectory(tmp_path):
    row = MAZE[0]
    half = row.question.copy()
    path = np.argwhere(row.question != row.target)
    for y, x in path[: len(path) // 2]:
        half[y, x] = row.target[y, x]
    write_video(tmp_path / "0.mp4", barred(film(row, row.question, half, row.target, row.target)))
    result = clips.last_state(tmp_path / "0.mp4", verifier_of(row), row, verifier_of(row).look)
    assert not isinstance(result, DecodeFailure)
    assert np.array_equal(result[0], row.target)
    assert [state.tolist() for state in result[1]] == [row.question.tolist(), half.tolist()]


def test_a_long_clip_keeps_a_bounded_trajectory(tmp_path):
    """The last of many frames counts, and the trajectory is spread over all of them."""
    row = LIFE[0]
    grids = [row.question, row.target] * 650
    write_video(tmp_path / "0.mkv", film(row, *grids)[:, ::8, ::8])
    result = clips.last_state(tmp_path / "0.mkv", verifier_of(row), row, verifier_of(row).look)
    assert not isinstance(result, DecodeFailure)
    assert np.array_equal(result[0], row.target)
    assert len(result[1]) <= 63


def test_a_fade_between_two_states_is_no_state(tmp_path):
    row = LIFE[1]
    first, last = film(row, row.target)
    fade = ((first.astype(int) + last) // 2).astype(np.uint8)
    write_video(tmp_path / "0.mp4", np.stack([first, first, fade, last, last]))
    result = clips.all_states(tmp_path / "0.mp4", verifier_of(row), row, verifier_of(row).look)
    assert not isinstance(result, DecodeFailure)
    assert {grid.tobytes() for grid in result} == {row.question.tobytes(), row.target.tobytes()}
    write_video(tmp_path / "1.mp4", np.stack([first, last, fade]))
    assert isinstance(
        clips.all_states(tmp_path / "1.mp4", verifier_of(row), row, verifier_of(row).look), DecodeFailure
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    from typer.testing import CliRunner

    from vizbench.cli import app

    folder = tmp_path_factory.mktemp("clips") / "data"
    arguments = [
        "generate",
        "--task",
        "maze/9",
        "--n",
        "6",
        "--split",
        "test",
        "--format",
        "png",
        "--out",
        str(folder),
    ]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    return folder


def test_what_cannot_be_read_is_counted_by_reason(data, tmp_path):
    noise = np.random.Generator(np.random.PCG64(0)).integers(0, 256, (2, 144, 144, 3)).astype(np.uint8)
    for number in range(5):
        row = MAZE[number]
        write_video(tmp_path / f"{number}.mp4", noise if number < 2 else barred(film(row, row.target)))
    (tmp_path / "3.mp4").write_bytes((tmp_path / "3.mp4").read_bytes()[:-200])
    (tmp_path / "5.mp4").write_bytes(b"no clip")
    result = score.score(tmp_path, data).score
    assert (result.valid, result.undecodable) == (2 / 6, 4)
    abstained = {
        reason: count for reason, count in result.undecodable_by.items() if reason.startswith("abstained: ")
    }
    assert sum(abstained.values()) == 2
    assert sorted(result.undecodable_by.items() - abstained.items()) == [
        ("the file ends before its end: frames are missing", 1),
        ("the file is neither mp4 nor Matroska/WebM: other videos are not read", 1),
    ]
