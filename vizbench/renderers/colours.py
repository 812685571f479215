"""Find which palette colour each cell of a picture shows, even if all its colours were changed alike.

Cells are compared with the palette as it is. If a cell's colour is then too near to a second palette
colour, the palette is changed as cameras, codecs and models do: other hue, brightness, contrast,
saturation, gamma, and a common cast. The change that explains all colours of the picture best is used.
If another change explains them about as well and reads a cell differently, there is no clear reading.
"""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import numpy.typing as npt

from vizbench.renderers.colours_kernels import cluster_means
from vizbench.renderers.palettes import palette, with_outside

Levels = npt.NDArray[np.float64]
"""Colours in levels 0 … 255, `(..., 3)`."""

SURE: Final = 0.3
"""Margin at which the plain palette clearly reads the only colour of a picture."""

CLEAR: Final = 0.5
"""Margin of all colours at which the plain palette is one of the readings of a picture."""

EXACT: Final = 15.0
"""Levels by which the colours of a picture may miss the plain palette."""

FAR: Final = 30.0
"""Levels by which the colours of a picture may miss a changed palette: root of the mean square."""

RIVAL: Final = 6.0
"""Levels by which the second reading of a picture must miss it by more than the first."""

_BIN: Final = 24.0
"""Levels within which cells count as one colour."""

_LUMA: Final = np.array([0.299, 0.587, 0.114])


def _casts() -> list[Levels]:
    """Return the levels that a cast may add to the three channels."""
    directions = [cast for cast in itertools.product((-1.0, 0.0, 1.0), repeat=3) if any(cast)]
    return [np.array(cast) * levels for cast in directions for levels in (12, 24)]


_CASTS: Final = _casts()


def assign(means: Levels, colours: Levels) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
    """Return the nearest colour `(n,)` of each mean `(n, 3)`, and its margin over the second, 0 … 1."""
    apart = np.sqrt(((means[:, None] - colours[None]) ** 2).sum(axis=2))
    codes = apart.argmin(axis=1)
    if apart.shape[1] > 1:
        two = np.partition(apart, 1, axis=1)[:, :2]
    else:  # there is no second colour
        two = np.stack([apart[:, 0], apart[:, 0] + 255], 1)
    return codes.astype(np.uint8), (two[:, 1] - two[:, 0]) / np.maximum(two.sum(axis=1), 1e-9)


def fit_colours(means: Levels, outside: Levels | None, name: str) -> list[Levels]:
    """Return the changed palettes `(k + 1, 3)` that explain the picture, the best first.

    means `(n, 3)`: colours of the cells; outside `(3,)`: the colour of margins and lines, None if there are
    none; name: the palette. The outside colour is the last of each palette. If there is one palette, the
    reading is clear. If there are several, they read a cell differently. If there is none, no change
    explains the colours.
    """
    # The palette as it is, if the picture shows its colours.
    plain = with_outside(name).astype(np.float64)
    shown = clusters(means)
    near = np.sqrt(((shown[:, None] - plain[None, :-1]) ** 2).sum(axis=2).min(axis=1))
    if near.max() <= EXACT and (outside is None or np.linalg.norm(outside - plain[-1]) <= FAR):
        return [plain]
    if len(shown) == 1:  # a change cannot be found from one colour
        return [plain] if assign(shown, plain[:-1])[1].min() >= SURE else []

    # The cost of each change: how far it misses the colours, and how large it is.
    changed = _changes(name)  # (t, k + 1, 3)
    apart = np.sqrt(((shown[None, :, None] - changed[:, None, :-1]) ** 2).sum(axis=3))  # (t, clusters, k)
    misses = apart.min(axis=2) ** 2
    if outside is not None:
        misses = np.concatenate([misses, ((outside - changed[:, -1]) ** 2).sum(axis=1)[:, None]], axis=1)
    cost = np.sqrt(misses.mean(axis=1)) + _penalties(name)
    order = np.argsort(cost, kind="stable")
    if cost[order[0]] > FAR:
        return []

    # Every reading that costs about as little as the best.
    readings = apart.argmin(axis=2)
    as_is = assign(shown, plain[:-1])
    clear = as_is[1].min() >= CLEAR and (as_is[0] != readings[order[0]]).any()
    # If the plain palette is clear, but a change explains the colours better and reads others, both count.
    kept: list[Levels] = [plain] if clear else []
    seen: set[bytes] = set()
    for t in order:
        if cost[t] > cost[order[0]] + RIVAL:
            break
        if (reading := readings[t].tobytes()) not in seen:
            seen.add(reading)
            kept.append(changed[t])
    return kept


def clusters(means: Levels) -> Levels:
    """Return the different colours among the means `(n, 3)`, at most 64.

    Each is the mean of the colours within `_BIN` levels of one of them.
    """
    return cluster_means(np.ascontiguousarray(means), _BIN, 64)


@functools.lru_cache(maxsize=32)
def _changes(name: str) -> Levels:
    """Return the palette `(k + 1, 3)` under every change, `(t, k + 1, 3)`; the first one is unchanged."""
    colours = with_outside(name).astype(np.float64)
    changed = [filter_.apply(colours) for filter_ in _filters()]
    changed += [np.clip(colours + cast, 0, 255) for cast in _CASTS]
    return np.stack(changed)


@functools.lru_cache(maxsize=32)
def _penalties(name: str) -> npt.NDArray[np.float64]:
    """Return the cost of each change in levels, so that of two good explanations the smaller change wins."""
    palette(name)
    costs = [filter_.cost() for filter_ in _filters()]
    return np.array(costs + [4.0] * len(_CASTS))


@final
@dataclass(frozen=True, slots=True)
class _Filter:
    """Change all colours in one way."""

    hue: float = 0.0
    """Degrees by which the hue turns."""
    around: bool = False
    """Whether the hue turns around luma."""
    saturation: float = 1.0
    """Factor of the distance from grey."""
    contrast: float = 1.0
    """Factor of the distance from middle grey."""
    gamma: float = 1.0
    """Exponent of the levels."""
    gain: float = 1.0
    """Factor of the levels."""

    def cost(self) -> float:
        factors = (self.saturation, self.contrast, self.gamma, self.gain)
        return 0.1 * abs(self.hue) + 4 * sum(abs(math.log(factor)) for factor in factors)

    def apply(self, colours: Levels) -> Levels:
        out = colours
        if self.hue:
            out = _turned_luma(out, self.hue) if self.around else _turned_hsv(out, self.hue)
        luma = (out @ _LUMA)[:, None]
        out = luma + (out - luma) * self.saturation
        out = 128 + (out - 128) * self.contrast
        out = 255 * (np.clip(out, 0, 255) / 255) ** self.gamma
        return np.clip(out * self.gain, 0, 255)


@functools.lru_cache(maxsize=1)
def _filters() -> list[_Filter]:
    """Return all changes except casts. The first one changes nothing."""
    gains = (1.0, 0.2, 0.26, 0.34, 0.45, 0.52, 0.6, 0.7, 0.8, 0.88, 0.94, 1.07, 1.15, 1.3, 1.5)
    hues = [float(hue) for hue in range(-45, 46, 5) if hue]
    filters = [_Filter(gain=gain) for gain in gains]
    for gain in gains:
        filters += [_Filter(hue, around, gain=gain) for hue in hues for around in (False, True)]
        filters += [_Filter(saturation=s, gain=gain) for s in (0.4, 0.5, 0.6, 0.7, 0.85, 1.2, 1.5)]
        filters += [_Filter(contrast=c, gain=gain) for c in (0.4, 0.5, 0.6, 0.7, 0.8, 0.87, 0.93, 1.2, 1.5)]
        filters += [_Filter(gamma=g, gain=gain) for g in (0.45, 0.6, 0.75, 0.9, 1.2, 1.5, 1.8, 2.2)]
    return filters


def _turned_luma(colours: Levels, degrees: float) -> Levels:
    """Turn the chroma at the same luma, as video filters do."""
    luma = colours @ _LUMA
    u, v = (colours[:, 2] - luma) * 0.492, (colours[:, 0] - luma) * 0.877
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    u, v = u * cos - v * sin, u * sin + v * cos
    red, blue = luma + v / 0.877, luma + u / 0.492
    green = (luma - 0.299 * red - 0.114 * blue) / 0.587
    return np.clip(np.stack([red, green, blue], axis=1), 0, 255)


def _turned_hsv(colours: Levels, degrees: float) -> Levels:
    """Turn the hue on the colour circle, as picture editors do."""
    import colorsys

    turned: list[tuple[float, float, float]] = []
    for colour in colours:
        h, s, v = colorsys.rgb_to_hsv(*(colour / 255))
        turned.append(colorsys.hsv_to_rgb((h + degrees / 360) % 1.0, s, v))
    return np.array(turned) * 255
