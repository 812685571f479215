"""Measure how fast data sets with pictures and clips are written, beside loops that only encode them.

    python -m benchmarks.pictures [--rounds N] [--codec]

Prints rows per CPU second on one core. The loop draws nothing: it gets the pixels. For PNG there are two
loops, over Pillow at its default level and at 3, its best trade of size for time, and for clips one over the
same encoder. The ratio is of a whole `write`, which also makes the rows, draws, and takes digests.
Rounds are taken in turns, and the best of each counts.

--codec: instead, microseconds and bytes of a picture by each level of Pillow and by this package, and
milliseconds and bytes of a clip by several settings of x264.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from PIL import Image as Pictures

import vizbench as vb
from vizbench import formats
from vizbench.renderers import video
from vizbench.renderers.frames import index_palette, render_batch, render_indices
from vizbench.renderers.png_bytes import encode_pngs
from vizbench.types import Look, Video

TASKS = ("life/conway", "maze/base")
ROWS = {"png": 2_000, "video": 600}
"""Rows of data sets of pictures, and of clips."""

KINDS = (
    ("webdataset", formats.Settings("webdataset", steps=False), "png"),
    ("parquet --pictures", formats.Settings("parquet", steps=False, pictures=True), "png"),
    ("png", formats.Settings("png", steps=False), "png"),
    ("video", formats.Settings("video", steps=False), "video"),
)

PRESETS: tuple[tuple[str, dict[str, str]], ...] = (
    ("as written", {}),
    ("veryfast", {"preset": "veryfast", "x264-params": "qp=0"}),
    ("superfast", {"preset": "superfast", "x264-params": "qp=0"}),
    ("ultrafast", {"preset": "ultrafast", "x264-params": "qp=0"}),
)


def pillow(picture: npt.NDArray[np.uint8], palette: bytes, level: int) -> bytes:
    """Return a PNG by Pillow."""
    made, file = Pictures.fromarray(picture), io.BytesIO()
    made.putpalette(palette)
    made.save(file, "PNG", compress_level=level)
    return file.getvalue()


def one_png(pictures: npt.NDArray[np.uint8], colours: npt.NDArray[np.uint8]) -> bytes:
    """Return a PNG by this package."""
    return encode_pngs(pictures, colours)[0]


def seconds(work: Callable[[], object]) -> float:
    """Return the CPU seconds of a call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def pairs(task: str, n: int) -> tuple[vb.Batch, Look]:
    """Return the first rows of a task, and how it is drawn."""
    data = vb.load(task)
    return data.train.batch(0, n), data.verifier.look


def picture_loops(task: str, n: int) -> dict[str, Callable[[], object]]:
    """Return loops that encode the pictures of n rows. The pixels are drawn before."""
    batch, look = pairs(task, n)
    palette = index_palette(look).tobytes()
    drawn = [*render_indices(batch.question, look), *render_indices(batch.target, look)]
    return {
        "Pillow, level 6": lambda: [pillow(picture, palette, 6) for picture in drawn],
        "Pillow, level 3": lambda: [pillow(picture, palette, 3) for picture in drawn],
    }


def clip_loops(task: str, n: int) -> dict[str, Callable[[], object]]:
    """Return a loop that encodes the clips of n rows, frame by frame."""
    batch, look = pairs(task, n)
    sides = zip(render_batch(batch.question, look), render_batch(batch.target, look), strict=True)
    clips = [[(start, 1)] * 5 + [(end, 1)] * 4 for start, end in sides]
    return {"the same encoder": lambda: [video.encode_clip(frames) for frames in clips]}


def write(task: str, settings: formats.Settings, n: int) -> None:
    """Write a data set."""
    with tempfile.TemporaryDirectory() as folder:
        formats.write_splits([(vb.load(task).train, n)], Path(folder) / "out", settings)


def compare(rounds: int) -> None:
    """Print the table of data sets."""
    print(f"{'task, format':<32}{'rows/s':>10}   loop{'':<18}{'rows/s':>8}{'ratio':>8}")
    for task in TASKS:
        for name, settings, kind in KINDS:
            n = ROWS[kind]
            loops = (picture_loops if kind == "png" else clip_loops)(task, n)
            write(task, settings, 30)  # compiles the kernels
            best = dict.fromkeys(["", *loops], float("inf"))
            for _ in range(rounds):
                best[""] = min(best[""], seconds(partial(write, task, settings, n)))
                for loop, work in loops.items():
                    best[loop] = min(best[loop], seconds(work))
            for loop in loops:
                text = f"{task + ', ' + name:<32}{n / best['']:>10,.0f}   {loop:<22}"
                print(f"{text}{n / best[loop]:>8,.0f}{best[loop] / best['']:>7.2f}x", flush=True)


def clip_bytes(clip: Video, options: dict[str, str]) -> bytes:
    """Return a clip as H.264 with other options."""
    library: Any = av
    file = io.BytesIO()
    with library.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264rgb", rate=Fraction(8), options=options)
        stream.height, stream.width, stream.pix_fmt = clip.shape[1], clip.shape[2], "rgb24"
        stream.codec_context.thread_count = 1
        for frame in clip:
            container.mux(stream.encode(library.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return file.getvalue()


def timed(name: str, items: list[Any], work: Callable[[Any], bytes]) -> None:
    """Print the time and the bytes of an item."""
    spent = min(seconds(lambda: [work(item) for item in items]) for _ in range(3)) / len(items)
    size = sum(len(work(item)) for item in items) / len(items)
    print(f"  {name:<24}{spent * 1e6:>10,.0f} us{size:>10,.0f} bytes", flush=True)


def codecs() -> None:
    """Print what settings of the encoders cost."""
    for task in TASKS:
        batch, look = pairs(task, 64)
        colours = index_palette(look)
        palette = colours.tobytes()
        drawn = render_indices(batch.question, look)
        print(f"{task}, pictures of {drawn.shape[1]}x{drawn.shape[2]}")
        for level in (1, 3, 6, 9):
            timed(f"Pillow, level {level}", list(drawn), partial(pillow, palette=palette, level=level))
        alone = [drawn[at : at + 1] for at in range(64)]
        timed("this package", alone, partial(one_png, colours=colours))
        sides = zip(batch.question[:12], batch.target[:12], strict=True)
        clips = [video.clip(question, target, look) for question, target in sides]
        print(f"{task}, clips of 9 frames")
        for name, options in PRESETS:
            if not options:
                timed(name, clips, lambda item: video.encode_clip([(frame, 1) for frame in item]))
            else:
                timed(name, clips, partial(clip_bytes, options=options))


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--codec", action="store_true")
    given = parser.parse_args()
    if given.codec:
        codecs()
    else:
        compare(given.rounds)


if __name__ == "__main__":
    main()
