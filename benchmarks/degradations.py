"""Measure how pictures of answers are read after what services, codecs and models do to frames.

    python -m benchmarks.degradations [ROWS]
    python -m benchmarks.degradations --looks [ROWS] [--log FILE]

Each task's first test rows (3 by default) are drawn with the task's look: the right answer, near misses with
one cell changed, and the question. Each drawing is degraded, read as `vizbench score` reads it, and verified.

Prints a Markdown table with a line per degradation and one for all:

- wrong cells: share of wrong cells in the grids that were returned
- misread: share of returned grids that differ from the drawn one
- right lost: share of right answers that were read as wrong, or not at all
- wrong won: number of wrong answers that were read as right, which must be 0
- abstained: share of pictures for which no grid was returned

With --looks, the right answers and near misses of each task are drawn in every look of `renderers.looks` and
read after the codecs and distortions of LOOK_CASES. False valid is then "wrong won", as a count of all near
misses. Each look has a column with "right lost / abstained". A right answer has up to five near misses, see
`near_misses`. 3 rows give over 10,000.

--log: a file of JSON lines, one per task and line of the table. A stopped run continues from it. Each
near miss that was read as right is printed with all that is needed to draw it again.
"""

from __future__ import annotations

import argparse
import functools
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, final

import numpy as np
import numpy.typing as npt
from PIL import Image as Pictures
from PIL import ImageFilter

import vizbench as vb
from vizbench.formats.lookup import verifier_of
from vizbench.renderers.frames import render
from vizbench.renderers.looks import LOOKS, look_of
from vizbench.renderers.palettes import palette
from vizbench.task.registry import families
from vizbench.types import DecodeFailure, Grid, Image, Instance, Look, SplitName

TASKS: Final = (
    "maze/9", "maze/base", "maze/41", "navigation/shortest-path", "life/conway", "langton/3", "eca/110",
    "fill/small", "sudoku/easy", "sudoku/mini", "connect4/win-in-1", "hanoi/3", "hitori/6", "chess/mate-in-1",
    "arc/copy",
)  # fmt: skip
"""One task per look and kind of board."""

SMALLER: Final = (
    "maze/9", "langton/3", "eca/110", "fill/small", "sudoku/mini", "hanoi/3", "arc/copy",
)  # fmt: skip
"""Tasks that represent their families in the table of looks, in place of the default."""

Degrade = Callable[[Image, "Subject"], Image]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What is drawn."""

    grid: Grid
    """The grid."""
    look: Look
    """The look in which it is drawn."""
    seed: int
    """Seed of random degradations."""

    @property
    def pixels(self) -> int:
        """Side of a cell in pixels."""
        from vizbench.renderers.layout import layout

        return layout(self.look, (self.grid.shape[0], self.grid.shape[1])).cell

    def random(self) -> np.random.Generator:
        """Return the generator of random degradations."""
        return np.random.Generator(np.random.PCG64(self.seed))


def resized(picture: Image, height: float, width: float) -> Image:
    size = max(1, round(width)), max(1, round(height))
    return np.asarray(Pictures.fromarray(picture).resize(size, Pictures.Resampling.BICUBIC))


def scaled(picture: Image, y: float, x: float) -> Image:
    return resized(picture, picture.shape[0] * y, picture.shape[1] * x)


def canvas(picture: Image, height: int, width: int, fill: str) -> Image:
    """Return a background of that size: a colour, a gradient, or the picture itself, blurred."""
    if fill == "gradient":
        ramp = np.linspace(20, 230, width)[None, :, None] * np.array([0.3, 0.6, 1.0])
        return np.broadcast_to(ramp, (height, width, 3)).astype(np.uint8).copy()
    if fill == "blurred":
        large = Pictures.fromarray(resized(picture, height, width))
        return np.array(large.filter(ImageFilter.GaussianBlur(max(height, width) / 30)))
    colours = {"black": (0, 0, 0), "white": (255, 255, 255), "grey": (128, 128, 128), "navy": (16, 24, 96)}
    return np.full((height, width, 3), colours[fill], np.uint8)


def placed(picture: Image, height: int, width: int, top: int, left: int, fill: str) -> Image:
    """Place the picture in a frame. What does not fit is cut off."""
    frame = canvas(picture, height, width, fill)
    y0, x0 = max(top, 0), max(left, 0)
    y1, x1 = min(top + picture.shape[0], height), min(left + picture.shape[1], width)
    frame[y0:y1, x0:x1] = picture[y0 - top : y1 - top, x0 - left : x1 - left]
    return frame


def boxed(picture: Image, height: int, width: int, fill: str, share: float = 1.0, at: float = 0.5) -> Image:
    """Place the picture as large as it fits, times `share`. at: 0.5 is the centre, 0 the top left."""
    scale = share * min(height / picture.shape[0], width / picture.shape[1])
    small = scaled(picture, scale, scale)
    top, left = round((height - small.shape[0]) * at), round((width - small.shape[1]) * at)
    return placed(small, height, width, top, left, fill)


def padded(picture: Image, fill: str, at: float) -> Image:
    """Pad to the next larger multiples of 32. at: 0 pads right and below, 0.5 on all sides."""
    height, width = ((side // 32 + 1) * 32 for side in picture.shape[:2])
    top, left = int((height - picture.shape[0]) * at), int((width - picture.shape[1]) * at)
    if fill == "replicated":
        sides = ((top, height - picture.shape[0] - top), (left, width - picture.shape[1] - left), (0, 0))
        return np.pad(picture, sides, mode="edge")
    return placed(picture, height, width, top, left, fill)


def cropped(picture: Image, at: float) -> Image:
    """Cut to the next smaller multiples of 32."""
    height, width = (max(32, side // 32 * 32) for side in picture.shape[:2])
    top, left = int((picture.shape[0] - height) * at), int((picture.shape[1] - width) * at)
    return np.ascontiguousarray(picture[top : top + height, left : left + width])


def shifted(picture: Image, subject: Subject, share: float, fill: str) -> Image:
    by = round(subject.pixels * share)
    if fill == "replicated":
        wide = np.pad(picture, ((by, 0), (by, 0), (0, 0)), mode="edge")
        return np.ascontiguousarray(wide[: picture.shape[0], : picture.shape[1]])
    return placed(picture, picture.shape[0], picture.shape[1], by, by, fill)


def jpeg(picture: Image, quality: int) -> Image:
    file = io.BytesIO()
    Pictures.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Pictures.open(file).convert("RGB"))


def noisy(picture: Image, subject: Subject, sigma: float) -> Image:
    noise = subject.random().normal(0, sigma, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def blurred(picture: Image, radius: float) -> Image:
    return np.asarray(Pictures.fromarray(picture).filter(ImageFilter.GaussianBlur(radius)))


def h264(picture: Image, crf: int) -> Image:
    """Encode six equal frames with the codec of most services, and return the last. Sides become even."""
    import av

    library: Any = av
    even = picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2]
    file = io.BytesIO()
    with library.open(file, "w", format="mp4") as container:
        stream = container.add_stream(
            "libx264", rate=Fraction(8), options={"crf": str(crf), "preset": "veryfast"}
        )
        stream.height, stream.width, stream.pix_fmt = *even.shape[:2], "yuv420p"
        for _ in range(6):
            frame = library.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    file.seek(0)
    with library.open(file) as container:
        *_, last = container.decode(video=0)
        return last.to_ndarray(format="rgb24")


def webp(picture: Image, quality: int) -> Image:
    file = io.BytesIO()
    Pictures.fromarray(picture).save(file, "WEBP", quality=quality)
    return np.asarray(Pictures.open(file).convert("RGB"))


def hue(picture: Image, degrees: float) -> Image:
    hsv = np.array(Pictures.fromarray(picture).convert("HSV"))
    hsv[:, :, 0] = (hsv[:, :, 0].astype(int) + round(degrees / 360 * 256)) % 256
    return np.asarray(Pictures.fromarray(hsv, "HSV").convert("RGB"))


def levels(picture: Image, change: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]) -> Image:
    return np.clip(np.rint(change(picture.astype(np.float64))), 0, 255).astype(np.uint8)


def saturated(values: npt.NDArray[np.float64], factor: float) -> npt.NDArray[np.float64]:
    luma = (values @ np.array([0.299, 0.587, 0.114]))[:, :, None]
    return luma + (values - luma) * factor


DEGRADATIONS: Final[dict[str, Degrade]] = {
    "none": lambda p, _: p,
    "JPEG quality 10": lambda p, _: jpeg(p, 10),
    "H.264 crf 45": lambda p, _: h264(p, 45),
    "noise 25": lambda p, s: noisy(p, s, 25),
    "blur 2 px": lambda p, _: blurred(p, 2),
    "scaled by 0.6": lambda p, _: scaled(p, 0.6, 0.6),
    "scaled by 1.7": lambda p, _: scaled(p, 1.7, 1.7),
    "480x480, stretched": lambda p, _: resized(p, 480, 480),
    "1280x720, black bars": lambda p, _: boxed(p, 720, 1280, "black"),
    "1280x720, white bars": lambda p, _: boxed(p, 720, 1280, "white"),
    "1280x720, grey bars": lambda p, _: boxed(p, 720, 1280, "grey"),
    "1280x720, navy bars": lambda p, _: boxed(p, 720, 1280, "navy"),
    "1280x720, gradient": lambda p, _: boxed(p, 720, 1280, "gradient"),
    "1280x720, blurred fill": lambda p, _: boxed(p, 720, 1280, "blurred"),
    "1280x720, black, not centred": lambda p, _: boxed(p, 720, 1280, "black", at=0.3),
    "1280x720, black bars, H.264 crf 35": lambda p, _: h264(boxed(p, 720, 1280, "black"), 35),
    "854x480, black bars": lambda p, _: boxed(p, 480, 854, "black"),
    "854x480, white bars, JPEG 30": lambda p, _: jpeg(boxed(p, 480, 854, "white"), 30),
    "480x854, black bars": lambda p, _: boxed(p, 854, 480, "black"),
    "480x480, black bars": lambda p, _: boxed(p, 480, 480, "black"),
    "1280x720, 80% of it, white": lambda p, _: boxed(p, 720, 1280, "white", share=0.8),
    "padded right and below, black": lambda p, _: padded(p, "black", 0),
    "padded right and below, white": lambda p, _: padded(p, "white", 0),
    "padded around, black": lambda p, _: padded(p, "black", 0.5),
    "padded around, replicated": lambda p, _: padded(p, "replicated", 0.5),
    "cut around to multiples of 32": lambda p, _: cropped(p, 0.5),
    "cut right and below to multiples of 32": lambda p, _: cropped(p, 0),
    "shifted by half a cell, black": lambda p, s: shifted(p, s, 0.5, "black"),
    "shifted by half a cell, replicated": lambda p, s: shifted(p, s, 0.5, "replicated"),
    "shifted by a quarter cell": lambda p, s: shifted(p, s, 0.25, "black"),
    "stretched by 1.04, black bars": lambda p, _: boxed(scaled(p, 1.0, 1.04), 720, 1280, "black"),
    "hue +30": lambda p, _: hue(p, 30),
    "hue -30": lambda p, _: hue(p, -30),
    "brightness 0.6": lambda p, _: levels(p, lambda v: v * 0.6),
    "contrast 0.6": lambda p, _: levels(p, lambda v: 128 + (v - 128) * 0.6),
    "gamma 1.6": lambda p, _: levels(p, lambda v: 255 * (v / 255) ** 1.6),
    "gamma 0.65": lambda p, _: levels(p, lambda v: 255 * (v / 255) ** 0.65),
    "saturation 0.5": lambda p, _: levels(p, lambda v: saturated(v, 0.5)),
    "1280x720, black bars, hue +30": lambda p, _: hue(boxed(p, 720, 1280, "black"), 30),
    "1280x720, black bars, brightness 0.6": lambda p, _: levels(
        boxed(p, 720, 1280, "black"), lambda v: v * 0.6
    ),
}


SIZES: Final[tuple[Degrade, ...]] = (
    lambda p, _: p,
    lambda p, _: scaled(p, 0.5, 0.5),
    lambda p, _: scaled(p, 0.75, 0.75),
    lambda p, _: scaled(p, 1.5, 1.5),
    lambda p, _: boxed(p, 480, 480, "black"),
    lambda p, _: boxed(p, 720, 1280, "black"),
)
"""How services change the size of a frame."""

CODECS: Final[tuple[Degrade, ...]] = (
    lambda p, _: h264(p, 18),
    lambda p, _: h264(p, 28),
    lambda p, _: h264(p, 35),
    lambda p, _: jpeg(p, 30),
    lambda p, _: jpeg(p, 80),
    lambda p, _: webp(p, 50),
)
"""How frames are stored."""


def sized_and_coded(picture: Image, subject: Subject, between: Degrade) -> Image:
    """Change the size, then do what is `between`, then encode. The subject's seed decides size and codec."""
    choices = np.random.Generator(np.random.PCG64((subject.seed, 1)))
    size, codec = SIZES[choices.integers(len(SIZES))], CODECS[choices.integers(len(CODECS))]
    return codec(between(size(picture, subject), subject), subject)


def shifted_blurred_noisy(picture: Image, subject: Subject) -> Image:
    """Shift the board, change its size, blur it, add noise, and encode. Size and codec are random."""
    moved = shifted(picture, subject, 0.25, "black")
    return sized_and_coded(moved, subject, lambda p, s: noisy(blurred(p, 1), s, 10))


LOOK_CASES: Final[dict[str, Degrade]] = {
    "none": lambda p, _: p,
    "H.264 crf 18": lambda p, _: h264(p, 18),
    "H.264 crf 28": lambda p, _: h264(p, 28),
    "H.264 crf 35": lambda p, _: h264(p, 35),
    "JPEG quality 30": lambda p, _: jpeg(p, 30),
    "JPEG quality 80": lambda p, _: jpeg(p, 80),
    "WebP quality 50": lambda p, _: webp(p, 50),
    "scaled by 0.5": lambda p, _: scaled(p, 0.5, 0.5),
    "scaled by 0.75": lambda p, _: scaled(p, 0.75, 0.75),
    "scaled by 1.5": lambda p, _: scaled(p, 1.5, 1.5),
    "480x480, black bars": lambda p, _: boxed(p, 480, 480, "black"),
    "1280x720, black bars": lambda p, _: boxed(p, 720, 1280, "black"),
    "480x480, black bars, H.264 crf 28": lambda p, _: h264(boxed(p, 480, 480, "black"), 28),
    "1280x720, black bars, H.264 crf 28": lambda p, _: h264(boxed(p, 720, 1280, "black"), 28),
    "scaled by 0.75, JPEG quality 30": lambda p, _: jpeg(scaled(p, 0.75, 0.75), 30),
    "blur 1.5 px": lambda p, _: blurred(p, 1.5),
    "noise 15": lambda p, s: noisy(p, s, 15),
    "shifted by a quarter cell": lambda p, s: shifted(p, s, 0.25, "black"),
    "random size and codec": lambda p, s: sized_and_coded(p, s, lambda q, _: q),
    "random size and codec, blur 1.5 px": lambda p, s: sized_and_coded(p, s, lambda q, _: blurred(q, 1.5)),
    "random size and codec, noise 15": lambda p, s: sized_and_coded(p, s, lambda q, _: noisy(q, s, 15)),
    "shift, random size, blur, noise and codec": shifted_blurred_noisy,
}
"""What is done to the pictures of every look. The random ones draw from SIZES and CODECS for each picture."""


@final
@dataclass(slots=True)
class Tally:
    """Counts of one degradation."""

    pictures: int = 0
    """Pictures drawn."""
    right: int = 0
    """Pictures of right answers."""
    cells: int = 0
    """Cells of the returned grids."""
    wrong_cells: int = 0
    """Wrong cells among them."""
    misread: int = 0
    """Returned grids that differ from the drawn one."""
    right_lost: int = 0
    """Right answers read as wrong, or not at all."""
    wrong_won: int = 0
    """Wrong answers read as right."""
    abstained: int = 0
    """Pictures for which no grid was returned."""

    def __add__(self, other: Tally) -> Tally:
        names = self.__slots__
        return Tally(*(getattr(self, name) + getattr(other, name) for name in names))


def drawn(instance: Instance, seed: int) -> Iterator[tuple[Grid, bool]]:
    """Yield answers with their validity: the target, the question, and two near misses."""
    yield instance.target, True
    verifier = verifier_of(instance)
    random = np.random.Generator(np.random.PCG64(seed))
    others = [instance.question]
    others += [_recoded(instance.target, verifier.codes, random) for _ in range(2)]
    for other in others:
        yield other, verifier.verify(instance, other).valid


def answer_and_near_misses(instance: Instance, look: Look) -> Iterator[tuple[Grid, bool]]:
    """Yield the target and the near misses, with their validity."""
    yield instance.target, True
    verifier = verifier_of(instance)
    for near in near_misses(instance, look):
        if not np.array_equal(near, instance.target):
            yield near, verifier.verify(instance, near).valid


def near_misses(instance: Instance, look: Look) -> Iterator[Grid]:
    """Yield the target with one change each, at a random place.

    They are: a cell in the code whose colour is nearest, a cell in another code, two neighbours exchanged, a
    cell as in the question, and the whole board moved by a cell. The last is what a wrong place would show.
    """
    target, codes = instance.target, verifier_of(instance).codes
    random = np.random.Generator(np.random.PCG64(instance.index))
    yield _faintly_recoded(target, codes, look, random)
    yield _recoded(target, codes, random)
    yield from _exchanged(target, random)
    yield from _undone(target, instance.question, random)
    yield np.roll(target, int(random.choice([-1, 1])), axis=int(random.integers(2)))


def _recoded(target: Grid, codes: int, random: np.random.Generator) -> Grid:
    """Return the target with another code in a cell."""
    near: Grid = target.copy()
    at: Any = (random.integers(near.shape[0]), random.integers(near.shape[1]))
    near[at] = (int(near[at]) + 1 + int(random.integers(codes - 1))) % codes
    return near


def _faintly_recoded(target: Grid, codes: int, look: Look, random: np.random.Generator) -> Grid:
    """Return the target with a cell in the code whose colour is nearest to its own."""
    near: Grid = target.copy()
    at: Any = (random.integers(near.shape[0]), random.integers(near.shape[1]))
    colours = palette(look.palette).astype(np.float64)[:codes]
    apart = np.linalg.norm(colours - colours[near[at]], axis=1)
    apart[near[at]] = np.inf
    near[at] = int(apart.argmin())
    return near


def _exchanged(target: Grid, random: np.random.Generator) -> Iterator[Grid]:
    """Yield the target with two different neighbours in a row exchanged, if there are any."""
    places = np.argwhere(target[:, 1:] != target[:, :-1])
    if len(places):
        i, j = places[random.integers(len(places))]
        near: Grid = target.copy()
        near[i, j], near[i, j + 1] = target[i, j + 1], target[i, j]
        yield near


def _undone(target: Grid, question: Grid, random: np.random.Generator) -> Iterator[Grid]:
    """Yield the target with a cell as in the question, if they differ in one and have the same shape."""
    places = np.argwhere(target != question) if target.shape == question.shape else np.empty((0, 2), int)
    if len(places):
        i, j = places[random.integers(len(places))]
        near: Grid = target.copy()
        near[i, j] = question[i, j]
        yield near


def read(picture: Image, instance: Instance, look: Look) -> Any:
    """Read a picture as `vizbench score` does."""
    if verifier_of(instance).resizes:
        return vb.decode(picture, look)
    return vb.decode(picture, look, instance.question.shape, question=instance.question)


Drawings = Callable[[Instance, Look], Iterator[tuple[Grid, bool]]]
"""Yields grids to draw in a look, with their validity."""


def tally(
    task: str,
    degrade: Degrade,
    rows: int,
    look: str = "paper",
    split: SplitName = "test",
    drawings: Drawings | None = None,
) -> Tally:
    """Return the counts of a task's first rows under a degradation, in a look."""
    total = Tally()
    for instance in _instances(task, rows, split):
        shown = look_of(verifier_of(instance), look, instance)
        grids = drawings(instance, shown) if drawings else drawn(instance, instance.index)
        for number, (grid, valid) in enumerate(grids):
            subject = Subject(grid, shown, 10 * instance.index + number)
            answer = read(degrade(render(grid, shown), subject), instance, shown)
            one = _counted(instance, grid, valid, answer)
            if one.wrong_won:
                print(f"read as right: {instance.id} {look} {subject.seed} {grid.tolist()}", flush=True)
            total += one
    return total


@functools.lru_cache(maxsize=64)
def _instances(task: str, rows: int, split: SplitName) -> list[Instance]:
    data = vb.load(task, seed=0)
    return list((data.test if split == "test" else data.train).head(rows))


def _counted(instance: Instance, grid: Grid, valid: bool, answer: Any) -> Tally:
    """Return the counts of one picture. grid, valid: what was drawn. answer: what was read."""
    one = Tally(pictures=1, right=int(valid))
    if isinstance(answer, DecodeFailure):
        one.abstained, one.right_lost = 1, int(valid)
        return one
    one.cells = grid.size
    same_shape = answer.grid.shape == grid.shape
    one.wrong_cells = int((answer.grid != grid).sum()) if same_shape else grid.size
    one.misread = int(one.wrong_cells > 0)
    read_as_valid = verifier_of(instance).verify(instance, answer.grid).valid
    one.right_lost, one.wrong_won = int(valid and not read_as_valid), int(read_as_valid and not valid)
    return one


def row(name: str, one: Tally) -> str:
    """Return the counts as a line of the table."""
    wrong = one.wrong_cells / one.cells if one.cells else 0.0
    misread = one.misread / max(one.pictures - one.abstained, 1)
    lost = one.right_lost / max(one.right, 1)
    abstained = one.abstained / one.pictures
    return f"| {name} | {wrong:.2%} | {misread:.1%} | {lost:.1%} | {one.wrong_won} | {abstained:.1%} |"


def look_tasks() -> list[str]:
    """Return one task per family, for the table of looks."""
    chosen = {name.partition("/")[0]: name for name in SMALLER}
    return [chosen.get(name, f"{name}/{next(iter(family.variants))}") for name, family in families().items()]


def look_tally(task: str, degrade: Degrade, rows: int, look: str) -> Tally:
    """Return the counts of a task's first train rows, which are made faster, in a look."""
    return tally(task, degrade, rows, look, "train", answer_and_near_misses)


def look_row(name: str, looks: Sequence[Tally]) -> str:
    """Return the counts of a distortion, one per look, as a line of the table."""
    whole = functools.reduce(Tally.__add__, looks)
    wrong = whole.wrong_cells / whole.cells if whole.cells else 0.0
    false_valid = f"{whole.wrong_won} of {whole.pictures - whole.right:,}"
    line = f"| {name} | {wrong:.3%} | {false_valid} |"
    for one in (*looks, whole):
        lost, abstained = one.right_lost / max(one.right, 1), one.abstained / one.pictures
        line += f" {lost:.1%} / {abstained:.1%} |"
    return line


def look_table(rows: int, log: Path | None) -> None:
    """Print the table of looks."""
    print(f"| distortion | wrong cells | false valid | {' | '.join(LOOKS)} | all |")
    print("|---|---|---|" + "---|" * (len(LOOKS) + 1))
    wholes = [Tally() for _ in LOOKS]
    for name in LOOK_CASES:
        tallies = [_logged(look, name, rows, log) for look in LOOKS]
        wholes = [whole + one for whole, one in zip(wholes, tallies, strict=True)]
        print(look_row(name, tallies), flush=True)
    print(look_row("all", wholes))


def _logged(look: str, name: str, rows: int, log: Path | None) -> Tally:
    """Return the counts of a line of the table. Those of each task are in the log, or are appended to it."""
    known: dict[tuple[Any, ...], Tally] = {}
    for line in log.read_text().splitlines() if log and log.exists() else []:
        entry = json.loads(line)
        known[tuple(entry["key"])] = Tally(**entry["tally"])
    total = Tally()
    for task in look_tasks():
        key = (look, name, rows, task)
        one = known.get(key)
        if one is None:
            one = look_tally(task, LOOK_CASES[name], rows, look)
            if log:
                with log.open("a") as file:
                    file.write(json.dumps({"key": key, "tally": asdict(one)}) + "\n")
        total += one
    return total


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", nargs="?", type=int, default=3)
    parser.add_argument("--looks", action="store_true")
    parser.add_argument("--log", type=Path)
    given = parser.parse_args()
    if given.looks:
        look_table(given.rows, given.log)
    else:
        degradation_table(given.rows)


def degradation_table(rows: int) -> None:
    """Print the table of degradations, in the tasks' own looks."""
    print("| degradation | wrong cells | misread | right lost | wrong won | abstained |")
    print("|---|---|---|---|---|---|")
    whole = Tally()
    for name, degrade in DEGRADATIONS.items():
        total = functools.reduce(Tally.__add__, (tally(task, degrade, rows) for task in TASKS))
        whole += total
        print(row(name, total), flush=True)
    print(row("all", whole))


if __name__ == "__main__":
    main()
