"""Compute 95% intervals of shares: over questions, over seeds, and of means of shares."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, TypeAlias

Z95: Final = 1.959963984540054
"""The 97.5% point of the normal distribution."""

_T975: Final = (12.706204736, 4.302652730, 3.182446305, 2.776445105)
"""The 97.5% points of Student's t with 1 … 4 degrees of freedom."""

UNTRAINED: Final = ("copy", "blank", "random", "solver")
"""Baselines that learn nothing from examples, so that their answers of one seed are independent."""

Counts: TypeAlias = Sequence[tuple[int, int]]
"""(hits, answers) of each seed."""


def wilson(hits: float, n: float) -> tuple[float, float]:
    """Return the 95% interval of Wilson (1927) for a share of `hits` in `n`, within 0..1.

    Raises ValueError unless 0 <= hits <= n and n > 0.
    """
    if not 0 <= hits <= n or n <= 0:
        raise ValueError(f"{hits} of {n} is no share")
    p, z = hits / n, Z95
    centre = p + z * z / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # At the ends rounding would leave 1e-17.
    low = 0.0 if hits == 0 else (centre - half) / scale
    high = 1.0 if hits == n else (centre + half) / scale
    return low, high


def seed_interval(counts: Counts, repeated: bool = False, effect: float = 1.0) -> tuple[float, float]:
    """Return the 95% interval of a share that is pooled over seeds.

    Each seed is a cluster, because its answers share one training run.

    counts: (hits, answers) per seed.
    repeated: whether every seed was asked the same questions, as on a corpus.
    effect: how many times as many questions are needed as independent ones (`clusters.design_effect`), if
        repeated.

    Raises ValueError if there is no seed, or a seed without an answer.

    One seed: Wilson's interval, which is about other questions and the same training run.
    Several: Wilson's interval for the effective number of independent answers, n / design effect (Kish 1965,
    section 8.2), with the variance of the seeds' shares, times (z / t)^2 with seeds - 1 degrees of freedom
    (Korn and Graubard 1998). This number is at most 4 n, which gives half of Wilson's width, since three
    seeds may agree by chance. It is at most n if the seeds agree to the digit, if one has less than half as
    many answers as another, or if all answers are alike. It is at most the number of different questions.

    Coverage over 40,000 trials of 3 seeds with 200 questions, shares of seeds beta-distributed around p with
    this standard deviation (2 seeds: 94-99%, and 78 in the upper corner; 5 and 10 seeds: as below, within 2):

              0      .02    .05    .1
    p = .05   96.8   95.8   94.5   81.2
    p = .5    96.1   95.7   95.2   95.2
    p = .9    96.2   95.4   95.0   93.8

    In the corner with 81.2 most seeds are near 0 and few near .4, which three seeds seldom show: in 10% of
    trials all 600 answers are wrong. Every remedy that was tried reports that 0 in 600 may be 5%. A
    beta-binomial posterior with a flat prior on the logarithm of the seeds' correlation has 96 there, but 91
    in place of 95.2, and 99.5 in the first column. A least correlation of .01 has 81, and 99.9. A variance
    shrunk to the binomial's has 71 and 98.

    Wilson's interval over the pooled answers has 95, 78 … 92 and 20 … 49 in the columns 0, .02 and .1. The t
    interval of the seeds' shares has 68 and 88 in place of 81.2 and 93.8, and 74 and 92 on an arc-sine scale.
    If it were never narrower than Wilson's, it would have 98.8 in the first column.
    """
    hits, n, independent = _pooled(counts, repeated, effect)
    share, seeds = hits / n, len(counts)
    # Whole numbers, so that 0 means that the seeds agree exactly.
    spread = sum((right * n - of * hits) ** 2 for right, of in counts)
    if not spread:
        return wilson(hits * independent / n, independent)
    variance = spread / n**4 * seeds / (seeds - 1)
    sizes = [of for _, of in counts]
    even = 2 * min(sizes) >= max(sizes)
    most = independent if repeated or not even else 4 * n
    size = min(share * (1 - share) / variance * (Z95 / student(seeds - 1)) ** 2, most)
    return wilson(share * size, size)


def interval_of(
    model: str, counts: Counts, repeated: bool = False, effect: float = 1.0
) -> tuple[float, float]:
    """Return the 95% interval of a model's share. The arguments are those of `seed_interval`.

    The UNTRAINED have no clusters: theirs is Wilson's interval over all answers, or over the number of
    different questions if these are repeated.
    """
    if model not in UNTRAINED:
        return seed_interval(counts, repeated, effect)
    hits, n, independent = _pooled(counts, repeated, effect)
    return wilson(hits * independent / n, independent)


def mean_interval(shares: Sequence[tuple[float, float, float]]) -> tuple[float, float, float]:
    """Return the mean of independent shares, given as (share, low, high), with its 95% interval.

    The distances to the limits of each share are added by squares (MOVER, Zou and Donner 2008). Unlike a
    bootstrap, this gives more than a point if all shares are 0. Raises ValueError if there is no share.
    """
    if not shares:
        raise ValueError("a mean over nothing")
    centre = math.fsum(share for share, _, _ in shares) / len(shares)
    below = math.sqrt(math.fsum((share - low) ** 2 for share, low, _ in shares)) / len(shares)
    above = math.sqrt(math.fsum((high - share) ** 2 for share, _, high in shares)) / len(shares)
    return centre, centre - below, centre + above


def student(freedom: int) -> float:
    """Return the 97.5% point of Student's t, to 0.02%.

    By a table up to 4, then by the expansion around the normal's (Abramowitz and Stegun 1964, 26.7.5).

    freedom: degrees of freedom, 1 or more.
    """
    if freedom <= len(_T975):
        return _T975[freedom - 1]
    z, v = Z95, freedom
    first, second = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    fourth = (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92_160
    return z + first / v + second / v**2 + third / v**3 + fourth / v**4


def _pooled(counts: Counts, repeated: bool, effect: float) -> tuple[int, int, float]:
    """Return hits, answers, and the number of independent answers that would show as much."""
    sizes = [of for _, of in counts]
    if min(sizes, default=0) < 1:
        raise ValueError("a share of a seed without answers")
    n = sum(sizes)
    hits = sum(right for right, _ in counts)
    return hits, n, max(sizes) / effect if repeated else n
