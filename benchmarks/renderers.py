"""Measure pictures per second of processor time on one thread, beside plain NumPy and Pillow.

    python benchmarks/renderers.py [--old FOLDER]

Prints a line per operation: pictures per second, and the goal if there is one. The pictures are 8x8 grids of
272x272 pixels, the paper's canvas of Life. The best of several passes over one batch counts.

--old: a folder with the package of an older version, for example a checkout of version 0.1. Pictures of
unknown size are then read in both, in turns, and the ratios are printed.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pictures
from PIL import ImageDraw

from vizbench.renderers.decode import decode, decode_batch
from vizbench.renderers.frames import index_palette, render_batch, render_indices
from vizbench.renderers.palettes import palette
from vizbench.renderers.pictures import save_png
from vizbench.renderers.video import clip, write_video
from vizbench.types import Grids, Image, Look

LOOK = Look("binary", cell=32, margin=8)
ARC = Look("arc", canvas=400, line=2)


OLD = """
import sys, time
import numpy as np
from vizbench.renderers.decode import decode
from vizbench.types import Look

pictures, look = np.load(sys.argv[1]), Look("arc", canvas=400, line=2)
best = 0.0
for turn in range(4):
    start = time.process_time()
    for picture in pictures:
        decode(picture, look)
    best = max(best, len(pictures) / (time.process_time() - start))
print(best)
"""
"""Reads pictures of unknown size. The first pass compiles."""


def unknown_sizes(pictures: list[Image], folder: Path) -> float:
    """Return pictures of unknown size per second of processor time, read by the package in a folder."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "pictures.npy"
        np.save(path, np.stack(pictures))
        environment = {**os.environ, "PYTHONPATH": str(folder)}
        command = [sys.executable, "-c", OLD, str(path)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, cwd=place)
    return float(done.stdout)


def compared(name: str, pictures: list[Image], folder: Path) -> str:
    """Return a line with the speeds of this version and the one in a folder: the best of two turns each."""
    here, old = 0.0, 0.0
    for _ in range(2):
        here = max(here, unknown_sizes(pictures, Path(__file__).parents[1]))
        old = max(old, unknown_sizes(pictures, folder))
    return f"{name:36s} {here:12,.0f} /s  {old:,.0f} /s before, ratio {here / old:.1f}"


def as_jpeg(picture: Image) -> Image:
    """Return the picture after JPEG of quality 30."""
    file = io.BytesIO()
    Pictures.fromarray(picture).save(file, "JPEG", quality=30)
    return np.asarray(Pictures.open(file))


def read_all(pictures: Iterable[Image]) -> None:
    """Read pictures of unknown size."""
    for picture in pictures:
        decode(picture, ARC)


def rate(work: Callable[[], object], pictures: int, seconds: float = 1.0) -> float:
    """Return pictures per second of processor time.

    The fastest pass within `seconds` counts, after one to warm up.
    """
    work()
    best, spent = np.inf, 0.0
    while spent < seconds:
        start = time.process_time()
        work()
        took = time.process_time() - start
        best, spent = min(best, took), spent + took
    return pictures / best


def numpy_indices(grids: Grids) -> None:
    kron: Any = np.kron  # only partly typed
    for grid in grids:
        np.pad(kron(grid, np.ones((32, 32), np.uint8)), 8, constant_values=2)


def numpy_rgb(grids: Grids) -> None:
    colours = index_palette(LOOK)
    for grid in grids:
        np.take(colours, np.pad(grid.repeat(32, axis=0).repeat(32, axis=1), 8, constant_values=2), axis=0)


def numpy_decode(pictures: list[Image]) -> None:
    colours = palette("binary").astype(np.float32)
    for picture in pictures:
        squares = picture[8:264, 8:264].reshape(8, 32, 8, 32, 3)
        cells = squares[:, 8:24, :, 8:24].mean(axis=(1, 3), dtype=np.float32)
        ((cells[:, :, None] - colours) ** 2).sum(axis=3).argmin(axis=2)


def pillow_rgb(grids: Grids) -> None:
    names: list[tuple[int, ...]] = [tuple(colour) for colour in index_palette(LOOK).tolist()]
    rows: list[list[list[int]]] = grids.tolist()
    for grid in rows:
        picture = Pictures.new("RGB", (272, 272), names[-1])
        draw = ImageDraw.Draw(picture)
        for i, row in enumerate(grid):
            for j, code in enumerate(row):
                draw.rectangle((8 + 32 * j, 8 + 32 * i, 39 + 32 * j, 39 + 32 * i), fill=names[code])


def png(grids: Grids) -> None:
    for grid in grids:
        save_png(io.BytesIO(), grid, LOOK)


def rgb_png(pictures: list[Image]) -> None:
    for picture in pictures:
        Pictures.fromarray(picture).save(io.BytesIO(), "PNG")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--old", type=Path)
    old: Path | None = parser.parse_args().old

    # Slow variants get fewer grids than the kernels.
    grids = np.random.Generator(np.random.PCG64(0)).integers(0, 2, (500, 8, 8)).astype(np.uint8)
    arc = np.random.Generator(np.random.PCG64(1)).integers(0, 10, (20, 14, 17)).astype(np.uint8)
    few = grids[:100]
    pictures = render_batch(few, LOOK)
    arc_pictures = render_batch(arc, ARC)
    jpegs = [as_jpeg(picture) for picture in arc_pictures]

    # Measure drawing, reading and encoding. The last column is the goal of this project.
    rows: list[tuple[str, float, str]] = [
        ("palette indices, kernel", rate(lambda: render_indices(grids, LOOK), len(grids)), "goal 50,000"),
        ("palette indices, numpy kron", rate(lambda: numpy_indices(few), len(few)), ""),
        ("RGB, kernel", rate(lambda: render_batch(grids, LOOK), len(grids)), "goal 4,000"),
        ("RGB, numpy repeat and take", rate(lambda: numpy_rgb(few), len(few)), ""),
        ("RGB, Pillow rectangles", rate(lambda: pillow_rgb(few), len(few)), ""),
        (
            "decode, kernel over a batch",
            rate(lambda: decode_batch(pictures, LOOK, (8, 8)), len(few)),
            "goal 10,000",
        ),
        ("decode, one by one", rate(lambda: [decode(p, LOOK, (8, 8)) for p in pictures], len(few)), ""),
        ("decode, numpy means", rate(lambda: numpy_decode(list(pictures)), len(few)), ""),
        (
            "decode, size inferred, 400 px ARC",
            rate(lambda: read_all(arc_pictures), len(arc)),
            "goal 300",
        ),
        (
            "decode, size inferred, JPEG 30",
            rate(lambda: read_all(jpegs), len(arc)),
            "",
        ),
        ("PNG in palette mode", rate(lambda: png(few), len(few)), ""),
        ("PNG in RGB from pictures, Pillow", rate(lambda: rgb_png(list(pictures)), len(few)), ""),
    ]
    # Clips are written to files only.
    with tempfile.TemporaryDirectory() as folder:
        frames, path = clip(grids[0], grids[1], LOOK), Path(folder) / "a.mp4"
        rows.append(("clips of 9 frames, lossless mp4", rate(lambda: write_video(path, frames), 1), ""))

    for name, speed, goal in rows:
        print(f"{name:36s} {speed:12,.0f} /s  {goal}")
    if old is not None:
        print(compared("unknown size, as drawn", list(arc_pictures), old.resolve()))
        print(compared("unknown size, JPEG 30", jpegs, old.resolve()))


if __name__ == "__main__":
    main()
