"""At which budget a curve reaches a share of right answers.

The curve is made monotone first (isotonic regression, weighted by the answers: more examples do not harm),
then read by straight lines over log n between measured budgets. It is never continued beyond them: a curve
that is there at its smallest budget needs "at most" that many, one that never gets there "more than" its
largest. The paper's own way, the smallest measured budget whose share is at least .90, stands beside it
(`first_reached`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from vizbench.harness.stats.bootstrap import LEVEL, Floats

TARGET: Final = 0.9
"""The share of right answers that counts as learned."""

_CLOSE: Final = 1e-9  # .9 as 180/200 and as the mean of .9 and .9 shall be the same


@final
@dataclass(frozen=True, slots=True)
class Span:
    """A number known to lie from `low` to `high`, None where that side is open; a point where they are
    equal."""

    low: float | None
    high: float | None

    @property
    def point(self) -> float | None:
        """The number, where it is known."""
        return self.low if self.low == self.high else None

    def text(self, digits: int = 3) -> str:
        """As a table shows it: 27, ≤ 3, > 5,000, 18 to 40, or any where nothing is known."""
        if self.low is None:
            return "any" if self.high is None else f"≤ {_short(self.high, digits)}"
        if self.high is None:
            return f"> {_short(self.low, digits)}"
        low, high = _short(self.low, digits), _short(self.high, digits)
        return low if low == high else f"{low} to {high}"


UNKNOWN: Final = Span(None, None)
"""A number of which nothing is known."""


def isotonic(values: Floats, weights: Floats) -> Floats:
    """The nearest curves that never fall, `(n, columns)`, by weighted least squares: the max-min formula
    (Barlow et al. 1972). values: `(n, columns)`; weights: `(columns,)`, over 0."""
    columns = values.shape[1]
    best = np.full(values.shape, -np.inf)
    for first in range(columns):
        mass = np.cumsum(weights[first:])
        means = np.cumsum(values[:, first:] * weights[first:], axis=1) / mass
        lowest = np.minimum.accumulate(means[:, ::-1], axis=1)[:, ::-1]
        best[:, first:] = np.maximum(best[:, first:], lowest)
    return best


def reached(budgets: Sequence[int], values: Floats, weights: Floats, target: float) -> tuple[Floats, Floats]:
    """The bounds `(n,)` each of the budget at which each curve reaches `target`: equal between measured
    budgets, 0 and the smallest where it is there from the start, the largest and infinity where it never
    is."""
    curves = isotonic(values, weights)
    there = curves >= target - _CLOSE
    at = there.argmax(axis=1)
    rows, before = np.arange(len(curves)), np.maximum(at - 1, 0)
    low, high = curves[rows, before], curves[rows, at]
    share = np.clip(np.divide(target - low, high - low, out=np.ones_like(low), where=high > low), 0, 1)
    n = np.asarray(budgets, np.float64)
    inside = np.clip(
        n[before] * (n[at] / n[before]) ** share, n[before], n[at]
    )  # 1729 * (2014 / 1729) is over 2014
    never, start = ~there.any(axis=1), there[:, 0]
    lows = np.where(never, n[-1], np.where(start, 0.0, inside))
    highs = np.where(never, np.inf, np.where(start, n[0], inside))
    return lows, highs


def first_reached(
    budgets: Sequence[int], values: Sequence[float | None], target: float = TARGET
) -> int | None:
    """The smallest measured budget whose share is at least `target`, as the paper reads its tables; None:
    none is."""
    pairs = zip(budgets, values, strict=True)
    return next((n for n, share in pairs if share is not None and share >= target - _CLOSE), None)


def span(low: float, high: float) -> Span:
    """Bounds as a span: 0 and infinity are open ends."""
    return Span(None if low <= 0 else low, None if high == np.inf else high)


def interval(lows: Floats, highs: Floats) -> Span:
    """The percentile interval of draws that are themselves bounds: it holds whatever the open ends may
    hide."""
    tail = (1 - LEVEL) / 2
    low = np.quantile(
        lows, tail, method="inverted_cdf"
    )  # takes one of the draws: no mean of a number and infinity
    high = np.quantile(highs, 1 - tail, method="inverted_cdf")
    return span(float(low), float(high))


def _short(value: float, digits: int) -> str:
    return f"{value:,.0f}" if value >= 10 ** (digits - 1) else f"{value:.{digits}g}"
