"""Test picture files: exact PNGs, hostile files, bounded reading, and writes that replace files safely."""

from __future__ import annotations

import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image as Pictures

from tests.support.damaged_pictures import LOOKS
from vizbench._util.files import atomic_path
from vizbench.errors import UserError
from vizbench.renderers.frames import render
from vizbench.renderers.pictures import read_png, save_png

GRID = np.arange(12, dtype=np.uint8).reshape(3, 4) % 10


@pytest.mark.parametrize("name", ["arc", "sudoku", "langton"])
def test_a_png_is_read_as_it_was_drawn_and_holds_a_palette(tmp_path, name):
    save_png(tmp_path / "a.png", GRID, LOOKS[name], board=(4, 5))
    assert np.array_equal(read_png(tmp_path / "a.png"), render(GRID, LOOKS[name], (4, 5)))
    with Pictures.open(tmp_path / "a.png") as picture:
        assert picture.mode == "P"
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_png_goes_to_an_open_file(tmp_path):
    file = io.BytesIO()
    save_png(file, GRID, LOOKS["arc"])
    (tmp_path / "a.png").write_bytes(file.getvalue())
    assert np.array_equal(read_png(tmp_path / "a.png"), render(GRID, LOOKS["arc"]))


@pytest.mark.parametrize("kind", ["JPEG", "WebP"])
def test_other_kinds_of_picture_are_read(tmp_path, kind):
    Pictures.fromarray(np.full((5, 7, 3), 200, np.uint8)).save(tmp_path / "a.png", kind)
    assert read_png(tmp_path / "a.png").shape == (5, 7, 3)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, body: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(body))
        + chunk(b"IEND", b"")
    )


HOSTILE = {
    "bomb": png(60000, 60000, b"\0" * 1000),
    "too wide": png(4097, 1, b"\0" * 4098),
    "truncated": png(9, 9, b"\0"),
    "cut off": png(9, 9, b"\0" * 90)[:44],
    "empty": b"",
    "text": b"hello",
    "a GIF": b"GIF89a" + b"\0" * 20,
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_hostile_pictures_are_refused_in_one_sentence(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.png"):
        read_png(tmp_path / "a.png")


def test_the_widest_picture_is_read(tmp_path):
    (tmp_path / "a.png").write_bytes(png(4096, 1, b"\0" * 4097))
    assert read_png(tmp_path / "a.png").shape == (1, 4096, 3)


def test_what_is_no_plain_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")  # opening it would hang
    for path in (tmp_path / "pipe.png", tmp_path, tmp_path / "missing.png"):
        with pytest.raises(UserError, match=r"cannot be opened|not a regular file"):
            read_png(path)


def test_a_large_file_is_refused_unread(tmp_path):
    with open(tmp_path / "a.png", "wb") as file:
        file.truncate((64 << 20) + 1)
    with pytest.raises(UserError, match="bytes, the most that is read"):
        read_png(tmp_path / "a.png")


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "a.png"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_path(path) as part:
        part.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_and_the_file_behind_it_is_replaced(tmp_path):
    (tmp_path / "a.png").symlink_to("real.png")
    for text in ("one", "two"):
        with atomic_path(tmp_path / "a.png") as part:
            part.write_text(text)
        assert (tmp_path / "a.png").is_symlink()
        assert (tmp_path / "real.png").read_text() == text


def test_no_device_or_folder_is_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "loop.png").symlink_to("loop.png")
    for name in ("pipe.png", "folder.png", "loop.png"):
        with pytest.raises(UserError, match="cannot be written"):
            save_png(tmp_path / name, GRID, "arc")
    assert (tmp_path / "pipe.png").is_fifo()
    assert len(list(tmp_path.iterdir())) == 3


def test_a_missing_folder_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match="cannot be written"):
        save_png(tmp_path / "no" / "a.png", GRID, "arc")


def test_a_full_disk_is_one_sentence(tmp_path):
    with (
        pytest.raises(UserError, match=r"cannot be written: the disk is full"),
        atomic_path(tmp_path / "a.png"),
    ):
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []
