"""Test that pictures are compressed without loss, into the same bytes everywhere."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pictures

from vizbench.renderers.png_bytes import encode_pngs

SIDES = st.integers(1, 40)


@st.composite
def pictures(draw: st.DrawFn) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Return pictures of cells of any size, some of single pixels, with their palette."""
    colours = draw(st.sampled_from([1, 2, 3, 4, 5, 16, 17, 256]))
    random = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    cells = random.integers(0, colours, (2, draw(SIDES), draw(SIDES))).astype(np.uint8)
    if draw(st.booleans()):  # lines that were there before
        cells = cells[:, np.sort(random.integers(0, min(3, cells.shape[1]), cells.shape[1]))]
    height, width = draw(st.sampled_from([(1, 1), (2, 1), (7, 9), (1, 130), (300, 1)]))
    indices = cells.repeat(height, axis=1).repeat(width, axis=2)
    return indices[:, :, :5000], random.integers(0, 256, (colours, 3)).astype(np.uint8)


@settings(max_examples=60, deadline=None)
@given(pictures())
def test_what_is_written_is_read_back(
    drawn: tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]],
) -> None:
    indices, palette = drawn
    for file, picture in zip(encode_pngs(indices, palette), indices, strict=True):
        with Pictures.open(io.BytesIO(file)) as read:
            read.load()  # checks all sums
            assert read.mode == "P"
            assert np.array_equal(np.asarray(read), picture)
            assert np.array_equal(np.asarray(read.convert("RGB")), palette[picture])


def test_the_bytes_are_the_same_everywhere() -> None:
    indices = (np.arange(90 * 70).reshape(1, 90, 70) // 9 % 11).astype(np.uint8)
    palette = np.arange(33, dtype=np.uint8).reshape(11, 3)
    (file,) = encode_pngs(indices, palette)
    assert hashlib.sha256(file).hexdigest()[:16] == "f77e0a03d64f67d5"
