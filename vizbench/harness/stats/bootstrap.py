"""Resampling scores, so that an interval can be put around whatever is computed from shares.

Scores lie as one table a seed: rows are questions, columns are what is compared (budgets, models), so that a
question keeps its answers together. NaN: not answered. What varies decides what is resampled:

one seed        questions (Rubin 1981): the interval speaks of other questions, same training run several
seeds   seeds, as clusters: it speaks of other data and other training runs; but questions in a column in
which
                all seeds have the same share to the digit, because such seeds say nothing of their spread
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]

DRAWS: Final = 4000
"""Resamples an interval. At 2,000 the ends of an interval over three seeds moved by 7% from one origin to
another."""

LEVEL: Final = 0.95


def shares(tables: Sequence[Floats]) -> Floats:
    """The mean of each column over all rows of all seeds, `(columns,)`; NaN where nothing was answered."""
    sums, counts = _totals(tables)
    return _ratio(sums.sum(axis=0), counts.sum(axis=0))


def counts(tables: Sequence[Floats]) -> Floats:
    """How many rows each column has, `(columns,)`."""
    return _totals(tables)[1].sum(axis=0)


def resample(
    tables: Sequence[Floats],
    origin: int,
    draws: int = DRAWS,
    pseudo: Sequence[Sequence[float]] = (),
    weight: float = 1.0,
) -> Floats:
    """Shares as they might have come out, `(draws, columns)`; columns of a draw belong together: of one seed
    all, of several those in which the seeds differ, and, independent of these, those in which they agree.

    tables: `(questions, columns)` a seed, at least one, each column with an answer in one of them; origin: of
    the randomness, 0 … 2^64 - 1; pseudo: rows that are added where questions are resampled; weight: of each
    of these, a question's being 1. NumPy's streams are used: another version of it may move an interval's end
    by its third digit."""
    random = np.random.Generator(np.random.PCG64(origin))
    rows = np.asarray(pseudo, np.float64).reshape(-1, tables[0].shape[1])
    deviations = _by_seed(tables, random, draws) if len(tables) > 1 else np.zeros((1, rows.shape[1]))
    by_question = _by_question([*((table, 1.0) for table in tables), (rows, weight)], random, draws)
    return np.where(deviations.any(axis=0), shares(tables) + deviations, by_question)


def _by_question(weighed: Sequence[tuple[Floats, float]], random: np.random.Generator, draws: int) -> Floats:
    """Each row gets an exponential weight: Rubin's Bayesian bootstrap, which never leaves a row out, as
    Efron's does with rows whole or none. Weights are drawn by the rows' kinds: 200 questions at 11 budgets
    answer in some 60 ways, and the weights of alike rows add up to a gamma variate."""
    width = weighed[0][0].shape[1]
    sums, answered = np.zeros((draws, width)), np.zeros((draws, width))
    for table, weight in weighed:
        kinds, times = np.unique(np.where(np.isnan(table), np.inf, table), axis=0, return_counts=True)
        drawn = random.standard_gamma(weight * times, size=(draws, len(times)))
        there = np.isfinite(kinds)
        sums += drawn @ np.where(there, kinds, 0.0)
        answered += drawn @ there
    return _ratio(sums, answered)


def _by_seed(tables: Sequence[Floats], random: np.random.Generator, draws: int) -> Floats:
    """How far shares stray when the seeds are others, `(draws, columns)`.

    Each seed's distance from the mean gets a normal weight, and the draw is widened as Student's t with seeds
    - 1 degrees of freedom is, so that for one column the interval is the t interval of the seeds' means. Two
    seeds say little of a third, and their interval is wide. Resampling seeds with replacement, and questions
    in them, was the alternative: with three seeds it covered 97% where they do not differ, 90% and 80% where
    their shares have a standard deviation of .03 and .08. Zero in columns in which all seeds agree to the
    digit."""
    sums, answered = _totals(tables)
    k = len(tables)
    weight = answered / np.maximum(answered.sum(axis=0), 1)
    distance = np.where(answered > 0, _ratio(sums, answered) - shares(tables), 0.0)
    size = (answered > 0).sum(axis=0)
    spread = weight * distance * np.sqrt(size / np.maximum(size - 1, 1))
    width = np.sqrt((k - 1) / random.chisquare(k - 1, draws))
    return (random.standard_normal((draws, k)) * width[:, None]) @ spread


def _totals(tables: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Sums of scores and numbers of answers, `(seeds, columns)` each."""
    sums = np.array([np.nansum(table, axis=0) for table in tables])
    return sums, np.array([(~np.isnan(table)).sum(axis=0) for table in tables], np.float64)


def _ratio(sums: Floats, answered: Floats) -> Floats:
    return np.divide(sums, answered, out=np.full(sums.shape, np.nan), where=answered > 0)
