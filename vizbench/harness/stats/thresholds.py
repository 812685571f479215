"""Find the number of shots at which a curve reaches a share of right answers.

The curve is made monotone first, by isotonic regression weighted by the answers, because more shots do no
harm. Between measured numbers of shots it is read by straight lines over log n, and from 0 shots to the next
number by a straight line over n. It is never extrapolated: a
curve that reaches the share at its smallest number of shots needs "at most" that many, and one that never
reaches it needs "more than" its largest. `first_reached` is the paper's convention: the smallest measured
number of shots whose share is at least .90.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from vizbench.harness.stats.bootstrap import LEVEL, Floats

TARGET: Final = 0.9
"""The share of right answers that counts as learned."""

_CLOSE: Final = 1e-9
"""Tolerance, so that .9 as 180/200 equals the mean of .9 and .9."""


@final
@dataclass(frozen=True, slots=True)
class Span:
    """A number that is known to be between two bounds."""

    low: float | None
    """The lower bound. None if there is none."""
    high: float | None
    """The upper bound. None if there is none."""

    @property
    def point(self) -> float | None:
        """The number, if both bounds are equal."""
        return self.low if self.low == self.high else None

    def text(self, digits: int = 3) -> str:
        """Return it as a table shows it: 27, ≤ 3, > 5,000, 18 to 40, or any if nothing is known."""
        if self.low is None:
            return "any" if self.high is None else f"≤ {_short(self.high, digits)}"
        if self.high is None:
            return f"> {_short(self.low, digits)}"
        low, high = _short(self.low, digits), _short(self.high, digits)
        return low if low == high else f"{low} to {high}"


UNKNOWN: Final = Span(None, None)
"""A number without bounds."""


def isotonic(values: Floats, weights: Floats) -> Floats:
    """Return the nearest curves that never fall, `(n, columns)`, by weighted least squares.

    Uses the max-min formula (Barlow et al. 1972).

    values: `(n, columns)`.
    weights: `(columns,)`, over 0.
    """
    columns = values.shape[1]
    best = np.full(values.shape, -np.inf)
    for first in range(columns):
        mass = np.cumsum(weights[first:])
        means = np.cumsum(values[:, first:] * weights[first:], axis=1) / mass
        lowest = np.minimum.accumulate(means[:, ::-1], axis=1)[:, ::-1]
        best[:, first:] = np.maximum(best[:, first:], lowest)
    return best


def reached(shots: Sequence[int], values: Floats, weights: Floats, target: float) -> tuple[Floats, Floats]:
    """Return the bounds, `(n,)` each, of the number of shots at which each curve reaches `target`.

    They are equal between measured numbers of shots. They are 0 and the smallest number if a curve reaches
    the target from the start, and the largest number and infinity if it never does.

    shots: the measured numbers, rising.
    values: `(n, columns)`.
    weights: `(columns,)`, over 0.
    """
    curves = isotonic(values, weights)
    enough = curves >= target - _CLOSE
    at = enough.argmax(axis=1)
    rows, before = np.arange(len(curves)), np.maximum(at - 1, 0)
    low, high = curves[rows, before], curves[rows, at]
    share = np.clip(np.divide(target - low, high - low, out=np.ones_like(low), where=high > low), 0, 1)
    n = np.asarray(shots, np.float64)
    # Clipped, because 1729 * (2014 / 1729) is over 2014.
    start_of = np.maximum(n, 1)[before]
    inside = np.clip(start_of * (n[at] / start_of) ** share, n[before], n[at])
    inside = np.where(n[before] == 0, n[at] * share, inside)
    never, start = ~enough.any(axis=1), enough[:, 0]
    lows = np.where(never, n[-1], np.where(start, 0.0, inside))
    highs = np.where(never, np.inf, np.where(start, n[0], inside))
    return lows, highs


def first_reached(shots: Sequence[int], values: Sequence[float | None], target: float = TARGET) -> int | None:
    """Return the smallest measured number of shots whose share is at least `target`, as the paper does.

    None if there is none.
    """
    for n, share in zip(shots, values, strict=True):
        if share is not None and share >= target - _CLOSE:
            return n
    return None


def span(low: float, high: float) -> Span:
    """Return bounds as a span. 0 and infinity become open ends, but 0 shots are known if both are 0."""
    if low == high == 0:
        return Span(0.0, 0.0)
    return Span(None if low <= 0 else low, None if high == np.inf else high)


def interval(lows: Floats, highs: Floats) -> Span:
    """Return the percentile interval of draws that are themselves bounds.

    It holds for every value that the open ends may stand for.
    """
    tail = (1 - LEVEL) / 2
    # "inverted_cdf" returns one of the draws, never a mean of a number and infinity.
    low = np.quantile(lows, tail, method="inverted_cdf")
    high = np.quantile(highs, 1 - tail, method="inverted_cdf")
    return span(float(low), float(high))


def _short(value: float, digits: int) -> str:
    return f"{value:,.0f}" if value >= 10 ** (digits - 1) else f"{value:.{digits}g}"
