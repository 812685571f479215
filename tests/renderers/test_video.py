"""Test clips: their frames, lossless files, GIFs, bounded reading, and hostile files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image as Pictures

from tests.support.damaged_pictures import LOOKS
from tests.support.videos import read_video
from vizbench.errors import UserError
from vizbench.renderers.frames import render
from vizbench.renderers.video import clip, process, write_gif, write_video
from vizbench.types import Look

LOOK = LOOKS["maze"]
QUESTION = np.array([[0, 1, 2], [3, 4, 0]], np.uint8)
TARGET = np.array([[1, 1, 2], [3, 0, 4]], np.uint8)


def random_clip(shape, seed=0):
    return np.random.Generator(np.random.PCG64(seed)).integers(0, 256, (*shape, 3)).astype(np.uint8)


@pytest.mark.parametrize(("count", "questions"), [(2, 1), (3, 2), (8, 4), (9, 5), (17, 9)])
def test_a_discrete_clip_jumps_once_after_half(count, questions):
    frames = clip(QUESTION, TARGET, LOOK, count)
    assert frames.shape == (count, 32, 48, 3)
    assert (frames[:questions] == render(QUESTION, LOOK)).all()
    assert (frames[questions:] == render(TARGET, LOOK)).all()


@pytest.mark.parametrize("count", [2, 5, 9])
def test_a_linear_clip_blends_in_equal_parts(count):
    frames = clip(QUESTION, TARGET, LOOK, count, "linear")
    first, last = render(QUESTION, LOOK), render(TARGET, LOOK)
    assert np.array_equal(frames[0], first)
    assert np.array_equal(frames[-1], last)
    for i, frame in enumerate(frames):
        share = i / (count - 1)
        assert np.abs(frame - (first * (1 - share) + last * share)).max() <= 0.5


def test_grids_of_two_sizes_share_a_board():
    frames = clip(np.zeros((2, 5), np.uint8), np.ones((4, 3), np.uint8), Look("arc", cell=2), 2)
    assert frames.shape == (2, 8, 10, 3)
    assert np.array_equal(frames[1], render(np.ones((4, 3), np.uint8), Look("arc", cell=2), (4, 5)))


def test_a_process_shows_every_state():
    frames = process(QUESTION, np.stack([QUESTION, TARGET]), LOOK)
    assert len(frames) == 3
    assert np.array_equal(frames[1], frames[0])
    assert np.array_equal(frames[2], render(TARGET, LOOK))


@pytest.mark.parametrize(
    ("count", "motion"), [(1, "discrete"), (0, "linear"), (-3, "linear"), (1025, "discrete"), (9, "x")]
)
def test_clips_out_of_range_are_refused(count, motion):
    with pytest.raises(UserError):
        clip(QUESTION, TARGET, LOOK, count, motion)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("shape", [(9, 48, 80), (3, 17, 31), (1, 1, 1), (2, 2, 400)])
def test_videos_are_lossless_to_the_bit(tmp_path, suffix, shape):
    frames = random_clip(shape)
    write_video(tmp_path / f"a.{suffix}", frames, fps=5)
    assert np.array_equal(read_video(tmp_path / f"a.{suffix}"), frames)
    assert [path.name for path in tmp_path.iterdir()] == [f"a.{suffix}"]


def test_a_gif_of_a_clip_is_exact(tmp_path):
    frames = clip(QUESTION, TARGET, LOOK, 4, "linear")
    write_gif(tmp_path / "a.gif", frames, fps=10)
    picture: Any
    with Pictures.open(tmp_path / "a.gif") as picture:
        assert picture.n_frames == 4
        for i, frame in enumerate(frames):
            picture.seek(i)
            assert np.array_equal(np.asarray(picture.convert("RGB")), frame)
            assert picture.info["duration"] == 100


def test_a_gif_of_many_colours_is_reduced(tmp_path):
    frames = random_clip((2, 40, 40))
    write_gif(tmp_path / "a.gif", frames)
    picture: Any
    with Pictures.open(tmp_path / "a.gif") as picture:
        assert (picture.n_frames, picture.size) == (2, (40, 40))


@pytest.mark.parametrize(
    "wrong", [np.zeros((0, 4, 4, 3), np.uint8), np.zeros((2, 4, 4), np.uint8), np.zeros((2, 4, 4, 3))]
)
def test_what_is_no_clip_is_not_written(tmp_path, wrong):
    for write, name in ((write_video, "a.mp4"), (write_gif, "a.gif")):
        with pytest.raises(UserError, match="is not"):
            write(tmp_path / name, wrong)
    assert list(tmp_path.iterdir()) == []


def test_names_and_speeds_out_of_range_are_refused(tmp_path):
    frames = random_clip((2, 4, 4))
    for name in ("a.avi", "a", "a.gif"):
        with pytest.raises(UserError, match=r"choose \.mp4, \.mkv or \.gif"):
            write_video(tmp_path / name, frames)
    for fps in (0, -1, 101):
        with pytest.raises(UserError, match="fps"):
            write_video(tmp_path / "a.mp4", frames, fps)
    with pytest.raises(UserError, match="cannot be written"):
        write_video(tmp_path / "no" / "a.mp4", frames)


def test_reading_is_bounded(tmp_path):
    write_video(tmp_path / "a.mp4", random_clip((5, 10, 10)))
    assert len(read_video(tmp_path / "a.mp4", max_frames=5, max_pixels=500)) == 5
    for bounds in ({"max_frames": 4}, {"max_pixels": 499}, {"max_pixels": 99}):
        with pytest.raises(UserError, match="read"):
            read_video(tmp_path / "a.mp4", **bounds)


PLAYLIST = b"#EXTM3U\n#EXTINF:1,\nhttp://localhost:1/a.ts\n"
HOSTILE = {
    "empty": b"",
    "text": b"hello, this is no video",
    "a playlist": PLAYLIST,
    "a playlist called mp4": b"\0\0\0\x18ftypisom" + PLAYLIST,
    "a broken mkv": b"\x1a\x45\xdf\xa3" + b"\xff" * 200,
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_hostile_videos_are_refused_in_one_sentence(tmp_path, content):
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.mp4"):
        read_video(tmp_path / "a.mp4")


def test_a_cut_off_video_is_refused_or_read_short(tmp_path):
    write_video(tmp_path / "a.mp4", random_clip((5, 40, 40)))
    whole = (tmp_path / "a.mp4").read_bytes()
    (tmp_path / "b.mp4").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError):
        read_video(tmp_path / "b.mp4")
