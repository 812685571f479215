"""Find a board of known look and shape in a frame that shows more or less than its drawing.

Video services answer with frames that are letterboxed, padded, cropped or scaled. Steps between the pixels of
a frame show the edges of cells. A placement of the board is kept if its lines explain nearly all of
these steps, its cells are even, and its margins have one colour.

Placements that differ by whole cells often explain a frame equally well, because walls and bars may have
the same colour. Then the usual placements win (the whole frame; centred and as large as possible). If the
question is known, the placement that agrees with it wins. If there is no winner, there is no reading.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, final

import numpy as np
import numpy.typing as npt

from vizbench.renderers.colours import Levels, assign, fit_colours
from vizbench.renderers.infer_shape import WORKING_SIZE, Sums, limited
from vizbench.renderers.infer_shape_kernels import sums_of
from vizbench.renderers.layout import Layout, Shape
from vizbench.renderers.locate_kernels import (
    lattice_scores,
    measure,
    near_lattice,
    peaks,
    profile_across,
    profile_down,
    steps_across,
    steps_down,
)
from vizbench.renderers.palettes import with_outside
from vizbench.types import DecodeFailure, Grid, Image

Floats = npt.NDArray[np.float64]
"""An array of float64."""

NOT_FOUND: Final = "abstained: the board was not found in the picture"
SEVERAL: Final = "abstained: the board may be in several places of the picture"
COLOURS: Final = "abstained: the colours of the picture do not show which codes the cells have"

STEP: Final = 30.0
"""Levels of the faintest step that counts as an edge."""

FAINT: Final = 5.0
"""Levels of the faintest step at lines between cells, which are known to be there."""

EXPLAINED: Final = 0.94
"""Share of all steps that the lines of a placement must explain."""

OWN_EXPLAINED: Final = 0.8
"""The same share for a frame with the drawing's proportions that is read as the drawing itself."""

STRAY: Final = 40.0
"""Levels by which a quarter of a cell may differ from the cell."""

UNEVEN: Final = 0.04
"""Share of the cells that may differ by more."""

WIDE: Final = 12.0
"""Pixels from which the colour of a margin is compared with that of the look."""

VISIBLE: Final = 0.45
"""Share of a cell's side that the frame must show."""

SMALLEST: Final = 4.0
"""Pixels of the smallest cell's side in the searched picture."""

ISOTROPIC: Final = 0.06
"""Logarithm of the largest ratio between the scales of the two sides."""

MOST: Final = 200
"""Placements that are compared at most."""

BEYOND: Final = 0.5
"""A cell whose distance from the outside colour is less than this share of that from a code is no cell."""

LEAD: Final = 3.0
"""Standard errors by which one placement must agree with the question better than the next.

It is a sign test over the cells that agree in only one of the two.
"""

KEPT: Final = 0.9
"""Share of the question's given cells that a reading of the colours must show to be preferred."""

LOST: Final = 0.6
"""Share of these cells that any other reading may show at most."""

BORNE_OUT: Final = 0.6
"""Share of the given cells that a board must show if the frame cuts it on one side and it has no margin."""

LEAST_GIVEN: Final = 4
"""Given cells that a question must have to decide between colours."""

_ALL, _FIT, _USUAL, _ANYWHERE = range(4)
"""How usual a placement is: the whole frame, centred and as large as fits, centred or at an edge, other."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """Hold the place and the colours of the cells in a frame."""

    rows: Floats
    """Start and end of each row of cells, `(h, 2)`, in pixels of the frame. They may be outside the frame."""
    columns: Floats
    """Start and end of each column, `(w, 2)`."""
    colours: Levels
    """The colours of the codes, `(k, 3)`."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Spot:
    """Hold a placement in the searched picture."""

    start: tuple[float, float]
    """Pixels above and to the left of the drawing."""
    scale: tuple[float, float]
    """Pixels per pixel of the drawing, along both axes."""
    rank: int
    """How usual it is, from _ALL to _ANYWHERE."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Reading:
    """Hold the cells of a spot, under one reading of the colours."""

    spot: _Spot
    grid: Grid
    colours: Levels
    plain: bool
    """Whether the picture shows several colours of the palette as they are."""


@final
class Searched:
    """Prepare a picture for the search: its sums over rectangles, and its edges along both axes.

    A picture with a side over WORKING_SIZE is averaged down.
    """

    def __init__(self, picture: Image) -> None:
        """picture: `(H, W, 3)` uint8."""
        self.full = picture.shape[0], picture.shape[1]
        self.small = limited(picture, WORKING_SIZE)
        self.sums: Sums = sums_of(self.small)
        self.size = self.small.shape[0], self.small.shape[1]

    @functools.cached_property
    def profiles(self) -> tuple[Floats, Floats]:
        """The strength of clear edges between rows and between columns."""
        return self.edges(STEP)

    def edges(self, step: float) -> tuple[Floats, Floats]:
        """Return the strength of edges between rows and between columns: steps over `step` and noise."""
        down, across = self._steps
        return profile_down(down, -step), profile_across(across, -step)

    @functools.cached_property
    def _steps(self) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int16]]:
        return steps_down(self.small), steps_across(self.small)


def locate(
    seen: Searched, place: Layout, shape: Shape, name: str, question: Grid | None
) -> Placement | DecodeFailure:
    """Return the placement of a drawing laid out as `place`. The top left `shape` of its board is read.

    name: the palette; question: a grid that the board probably resembles, to choose between placements, or
    None.
    """
    # A frame with the drawing's proportions is read as the drawing first.
    whole = _Spot((0.0, 0.0), (seen.size[0] / place.height, seen.size[1] / place.width), _ALL)
    if own_proportions(seen.full, place) and _explained(seen, place, whole, 0.2) >= OWN_EXPLAINED:
        readings = _readings(seen, place, shape, name, whole, lenient=True)
        if readings is not None:
            one = _settled(readings, question)
            return DecodeFailure(COLOURS) if one is None else _chosen(seen, place, shape, [one], question)

    # Any other placement that explains the edges.
    placed: list[_Reading] = []
    unclear, colourless = False, False
    for spot in _spots(seen, place, whole):
        readings = _readings(seen, place, shape, name, spot)
        if readings is None:
            continue
        one = _settled(readings, question)
        if one is not None:
            placed.append(one)
        elif readings and not placed:  # the colours at the most usual place can be read in two ways
            unclear = True
        colourless |= not readings
    if unclear or not placed:
        return DecodeFailure(COLOURS if unclear or colourless else NOT_FOUND)
    return _chosen(seen, place, shape, placed, question)


def read_whole(seen: Searched, place: Layout, shape: Shape, name: str) -> Placement | DecodeFailure:
    """Return the placement of a drawing that fills the picture, if the picture agrees with that."""
    whole = _Spot((0.0, 0.0), (seen.size[0] / place.height, seen.size[1] / place.width), _ALL)
    if _explained(seen, place, whole, 0.1) < OWN_EXPLAINED or not _lines_drawn(seen, place, whole, shape):
        return DecodeFailure(NOT_FOUND)
    readings = _readings(seen, place, shape, name, whole)
    if readings is None or len(readings) != 1:
        return DecodeFailure(NOT_FOUND if readings is None else COLOURS)
    return _chosen(seen, place, shape, readings, None)


def is_moved(grid: Grid, question: Grid) -> bool:
    """Return whether a grid resembles the question clearly better if it is moved by one cell.

    If so, the board is partly outside the frame. Use it only for looks without margins, because margins would
    show the place.
    """
    if grid.shape != question.shape or min(grid.shape) < 3:
        return False
    middle = question[1:-1, 1:-1]
    still = grid[1:-1, 1:-1] == middle
    h, w = middle.shape
    if still.mean() > 0.9:
        return False
    for y, x in ((0, 0), (0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1), (2, 2)):
        moved = grid[y : y + h, x : x + w] == middle
        more, less = int((moved & ~still).sum()), int((still & ~moved).sum())
        if more > less and (more - less) ** 2 >= LEAD**2 * (more + less):
            return True
    return False


def own_proportions(size: tuple[int, int], place: Layout) -> bool:
    """Return whether a frame of that many pixels may be the scaled drawing, to 2.5% or one pixel."""
    scale = (size[0] / place.height + size[1] / place.width) / 2
    return all(
        abs(side * scale - pixels) <= max(1.0, 0.0125 * pixels)
        for side, pixels in zip((place.height, place.width), size, strict=True)
    )


def _spots(seen: Searched, place: Layout, whole: _Spot) -> list[_Spot]:
    """Return the placements that explain the edges, the most usual and largest first."""
    # Starts and scales along each axis. An axis without edges gets the scales of the other.
    rows = _along(seen, place, 0, None)
    columns = _along(seen, place, 1, None if rows is None else rows[:, 1])
    if rows is None:
        rows = _without_edges(seen, place, 0, columns)
    if columns is None:
        columns = _without_edges(seen, place, 1, rows)
    ys, xs = rows.reshape(-1, 2), columns.reshape(-1, 2)

    # Pairs with about the same scale along both axes.
    uneven = np.abs(np.log(ys[:, None, 1] / xs[None, :, 1]))
    spots: list[_Spot] = []
    for i, j in np.argwhere(uneven <= ISOTROPIC)[: 20 * MOST]:
        start, scale = (float(ys[i, 0]), float(xs[j, 0])), (float(ys[i, 1]), float(xs[j, 1]))
        spot = _ranked(seen, place, start, scale)
        if _shows_all(seen, place, spot):
            spots.append(spot)
    if _explained(seen, place, whole, 0.1) >= EXPLAINED:
        spots.append(whole)
    return sorted(spots, key=lambda spot: (spot.rank, -spot.scale[0] * spot.scale[1]))[:MOST]


def _without_edges(seen: Searched, place: Layout, axis: Literal[0, 1], other: Floats | None) -> Floats:
    """Return usual starts and scales `(n, 2)` along an axis without edges. other: those of the other axis."""
    length = (place.height, place.width)[axis]
    scales = _usual_scales(seen, place) if other is None else np.unique(other[:, 1])
    pairs = [(start, scale) for scale in scales for start in _usual_starts(seen.size[axis], length * scale)]
    return np.array(pairs)


def _along(seen: Searched, place: Layout, axis: Literal[0, 1], like: Floats | None) -> Floats | None:
    """Return starts and scales along an axis that explain its edges, `(n, 2)`; None if it has no edges.

    like: scales of the other axis, if they are known. Each returned scale is about equal to one of them.
    """
    profile, size = seen.profiles[axis], seen.size[axis]
    across = seen.size[1 - axis]
    if profile.sum() < 0.02 * across * 255:
        return None

    # The range of scales, in steps of one pixel of the drawing's length.
    cells, length = place.edges(axis, place.board[axis]), (place.height, place.width)[axis]
    visible = cells[-1, 1] - cells[0, 0] - 2 * (1 - VISIBLE) * place.cell
    low, high = SMALLEST / place.cell, (size + 1) / visible if visible > 0 else size / place.cell
    high = min(high, 2.0 * size / place.cell)
    if high < low:
        return np.empty((0, 2))
    lengths = range(math.ceil(low * length), math.floor(high * length) + 1)
    scales = np.array([pixels / length for pixels in lengths])
    if like is not None:
        ratios = np.abs(np.log(like[None] / scales[:, None]))
        scales = scales[ratios.min(axis=1, initial=np.inf) <= ISOTROPIC]

    # The best starts for each scale.
    bases = np.empty(len(scales))
    values = lattice_scores(profile, _lines(place, axis), cells, scales, EXPLAINED, VISIBLE, bases)
    return peaks(values, bases, scales, 4 * MOST)[:, :2]


def _lines(place: Layout, axis: Literal[0, 1]) -> Floats:
    """Return the possible edges of the drawing along an axis: its own ends, and both ends of each cell."""
    cells = place.edges(axis, place.board[axis])
    return np.unique(np.concatenate([[0.0, (place.height, place.width)[axis]], cells.ravel()]))


def _usual_scales(seen: Searched, place: Layout) -> list[float]:
    """Return the scale as drawn, and the largest that fits."""
    zoom = seen.size[0] / seen.full[0]
    return [zoom, min(seen.size[0] / place.height, seen.size[1] / place.width)]


def _usual_starts(size: float, length: float) -> list[float]:
    """Return the starts of a centred drawing, and of one at each end."""
    return [(size - length) / 2, 0.0, size - length]


def _ranked(seen: Searched, place: Layout, start: tuple[float, float], scale: tuple[float, float]) -> _Spot:
    """Return the spot with its rank: how usual the placement is."""
    centred, edge, full = [True, True], [True, True], [True, True]
    for axis, length in enumerate((place.height * scale[0], place.width * scale[1])):
        size = seen.size[axis]
        slack = max(1.5, 0.06 * place.cell * scale[axis])
        centred[axis] = abs(start[axis] - (size - length) / 2) <= slack
        edge[axis] = min(abs(start[axis]), abs(start[axis] + length - size)) <= slack
        full[axis] = centred[axis] and abs(length - size) <= 2 * slack
    if all(full):
        rank = _ALL
    elif all(centred) and any(full):
        rank = _FIT
    elif (centred[0] or edge[0]) and (centred[1] or edge[1]):
        rank = _USUAL
    else:
        rank = _ANYWHERE
    return _Spot(start, scale, rank)


def _shows_all(seen: Searched, place: Layout, spot: _Spot) -> bool:
    """Return whether the frame shows enough of the outer cells."""
    for axis in (0, 1):
        cells = place.edges(axis, place.board[axis]) * spot.scale[axis] + spot.start[axis]
        hidden = (1 - VISIBLE) * place.cell * spot.scale[axis] + 1
        if cells[0, 0] < -hidden or cells[-1, 1] > seen.size[axis] + hidden:
            return False
    return True


def _explained(seen: Searched, place: Layout, spot: _Spot, reach: float) -> float:
    """Return the share of the edges within `reach` cells of the lines, the smaller one of both axes."""
    shares = [1.0]
    for axis in (0, 1):
        profile = seen.profiles[axis]
        total = float(profile.sum())
        if total > 0:
            within = max(1.0, reach * place.cell * spot.scale[axis])
            sums = np.concatenate([[0.0], profile.cumsum()])
            near = near_lattice(sums, spot.start[axis], spot.scale[axis], _lines(place, axis), within)
            shares.append(near / total)
    return min(shares)


def _lines_drawn(seen: Searched, place: Layout, spot: _Spot, shape: Shape) -> bool:
    """Return whether there are edges at nearly all lines between cells, if the look draws lines.

    A lattice that is too fine explains all edges, but has lines without edges.
    """
    if place.line * min(spot.scale) < 1:
        return True
    profiles = seen.edges(FAINT)  # blur leaves little of a line
    for axis in (0, 1):
        if shape[axis] < 2:
            continue
        cells = place.edges(axis, shape[axis]) * spot.scale[axis] + spot.start[axis]
        profile = profiles[axis]
        if not profile.any():
            continue
        gaps = zip(cells[:-1, 1], cells[1:, 0], strict=True)
        lines = [profile[max(int(end) - 2, 0) : int(start) + 3].sum() for end, start in gaps]
        missing = np.array(lines) <= 0.1 * np.median(profile[profile > 0])
        if missing.mean() > 0.2:
            return False
    return True


def _cells(place: Layout, spot: _Spot, shape: Shape) -> tuple[Floats, Floats]:
    """Return start and end of the cells of a spot, in pixels of the searched picture."""
    rows = place.edges(0, shape[0]) * spot.scale[0] + spot.start[0]
    columns = place.edges(1, shape[1]) * spot.scale[1] + spot.start[1]
    return rows, columns


def _readings(
    seen: Searched, place: Layout, shape: Shape, name: str, spot: _Spot, lenient: bool = False
) -> list[_Reading] | None:
    """Return one grid per reading of the colours; None if cells or margins are uneven."""
    means, strays = measure(seen.sums, *_cells(place, spot, shape), 0.5, 0.8)
    if (strays > STRAY).mean() > (0.35 if lenient else UNEVEN):
        return None
    around = _around(seen, place, spot)
    if len(around) and np.ptp(around, axis=0).max() > (120 if lenient else 60):
        return None
    flat = means.reshape(-1, 3)
    outside = around.mean(axis=0) if len(around) and _wide(place, spot) else None
    palettes = fit_colours(flat, outside, name)
    plain = with_outside(name)
    readings: list[_Reading] = []
    for one in palettes:
        if _shows_outside(flat, one):
            continue
        grid = assign(flat, one[:-1])[0].reshape(shape)
        unchanged = bool((one == plain).all() and (grid != grid[0, 0]).any())
        readings.append(_Reading(spot, grid, one[:-1], unchanged))
    return readings


def _shows_outside(cells: Levels, colours: Levels) -> bool:
    """Return whether a cell has the colour of margins, which no code has: it is beyond the board.

    cells: `(n, 3)`; colours: `(k + 1, 3)`, the last is the outside colour.
    """
    apart = np.sqrt(((cells[:, None] - colours[None]) ** 2).sum(axis=2))
    return bool((apart[:, -1] < BEYOND * apart[:, :-1].min(axis=1)).any())


def _wide(place: Layout, spot: _Spot) -> bool:
    """Return whether the margins are so wide that blur does not change their middle."""
    return min(place.top * spot.scale[0], place.left * spot.scale[1]) >= WIDE


def _around(seen: Searched, place: Layout, spot: _Spot) -> Levels:
    """Return the mean colours of the visible margins, `(n, 3)`: of each side that is wide enough."""
    # The strips between the drawing's ends and the board.
    rows, columns = _cells(place, spot, place.board)
    ends = [
        (spot.start[axis], spot.start[axis] + length * spot.scale[axis])
        for axis, length in enumerate((place.height, place.width))
    ]
    top, bottom, left, right = rows[0, 0], rows[-1, 1], columns[0, 0], columns[-1, 1]
    strips = [
        (ends[0][0], top, left, right),
        (bottom, ends[0][1], left, right),
        (top, bottom, ends[1][0], left),
        (top, bottom, right, ends[1][1]),
    ]

    # The parts of them within the picture.
    margins: list[Levels] = []
    for y0, y1, x0, x1 in strips:
        y0, y1, x0, x1 = max(y0, 0), min(y1, seen.size[0]), max(x0, 0), min(x1, seen.size[1])
        if min(y1 - y0, x1 - x0) < 2.5:
            continue
        inset = min(y1 - y0, x1 - x0) / 4
        cells = np.array([[y0 + inset, y1 - inset]]), np.array([[x0 + inset, x1 - inset]])
        margins.append(measure(seen.sums, *cells, 1.0, 1.0)[0][0, 0])
    return np.array(margins)


def _settled(readings: Sequence[_Reading], question: Grid | None) -> _Reading | None:
    """Return the only reading of the colours at a place, or the one that shows the question's cells.

    The question's most frequent code is not compared, because it often means "unknown", and the answer
    replaces it. Returns None if there is no such reading.
    """
    if len(readings) == 1:
        return readings[0]
    if not readings or question is None or question.shape != readings[0].grid.shape:
        return None
    given = question != np.bincount(question.ravel()).argmax()
    if given.sum() < LEAST_GIVEN:
        return None
    shares = [float((one.grid == question)[given].mean()) for one in readings]
    kept = [one for one, share in zip(readings, shares, strict=True) if share >= KEPT]
    return kept[0] if len(kept) == 1 and sorted(shares)[-2] <= LOST else None


def _chosen(
    seen: Searched, place: Layout, shape: Shape, readings: Sequence[_Reading], question: Grid | None
) -> Placement | DecodeFailure:
    """Return the placement if the readings agree, or if their rank or the question decides."""
    # Different grids, the most usual first. Where the palette is seen as it is, no changed one is believed: a
    # board that is moved by a cell may resemble the question if margins are taken for a code.
    grids: dict[bytes, _Reading] = {}
    plain = [reading for reading in readings if reading.plain]
    for reading in plain or readings:
        grids.setdefault(reading.grid.tobytes(), reading)
    several = list(grids.values())
    best = several[0]
    if len(several) > 1:
        if question is not None and question.shape == shape:
            best = _most_alike(several, question)
        elif several[1].spot.rank == best.spot.rank:
            best = None
        if best is None:
            return DecodeFailure(SEVERAL)

    # Without margins, a board that the frame cuts may be a cell further out.
    if place.top == place.left == 0 and _cut(seen, place, best.spot) and not _borne_out(best.grid, question):
        return DecodeFailure(SEVERAL)
    rows, columns = _cells(place, best.spot, shape)
    zoom = seen.full[0] / seen.size[0], seen.full[1] / seen.size[1]
    return Placement(rows * zoom[0], columns * zoom[1], best.colours)


def _cut(seen: Searched, place: Layout, spot: _Spot) -> bool:
    """Return whether the frame cuts the board's outer cells unevenly: it may be a cell further out."""
    if spot.rank < _ANYWHERE:
        return False
    least = 0.05 * place.cell * min(spot.scale)
    rows, columns = _cells(place, spot, place.board)
    hidden = -rows[0, 0], rows[-1, 1] - seen.size[0], -columns[0, 0], columns[-1, 1] - seen.size[1]
    return max(hidden) > least


def _borne_out(grid: Grid, question: Grid | None) -> bool:
    """Return whether the question confirms the place of a grid."""
    if question is None or question.shape != grid.shape or is_moved(grid, question):
        return False
    given = question != np.bincount(question.ravel()).argmax()
    return given.sum() >= LEAST_GIVEN and float((grid == question)[given].mean()) >= BORNE_OUT


def _most_alike(readings: Sequence[_Reading], question: Grid) -> _Reading | None:
    """Return the reading that agrees with the question clearly better than the others.

    If there is none, return the most usual of those that are about as good; None if two of them are as usual.
    """
    alike = [one.grid == question for one in readings]
    given = question != np.bincount(question.ravel()).argmax()
    if given.sum() >= LEAST_GIVEN and not readings[0].plain:
        # Under a changed palette, any code may seem to be the one that means "unknown".
        alike = [cells & given for cells in alike]
    best = max(range(len(readings)), key=lambda i: alike[i].sum())
    near: list[_Reading] = []
    for one, cells in zip(readings, alike, strict=True):
        more, less = int((alike[best] & ~cells).sum()), int((cells & ~alike[best]).sum())
        if (more - less) ** 2 < LEAD**2 * (more + less) or one is readings[best]:
            near.append(one)
    rank = min(one.spot.rank for one in near)
    usual = [one for one in near if one.spot.rank == rank]
    return usual[0] if len(usual) == 1 else None
