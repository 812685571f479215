"""Which candidates of a generated split become rows.

Candidates 0, 1, 2 … of a split are pure functions of (family, version, params, seed, split, number). Train drops those
whose question came before; test also drops those whose question is in the train pool, or whose features lie closer to
it than the task's `min_distance`. Whether a candidate is accepted depends on earlier candidates only, so rows nest
(the first 3 are the head of the first 5) and come out the same in any order of access.
"""

from __future__ import annotations

import math
import threading
from typing import Any, final

import numpy as np
import numpy.typing as npt

from vizbench.errors import UserError
from vizbench.generators.kernels.distance import far_enough
from vizbench.generators.kernels.distinct import add_new, digests
from vizbench.seeds import instance_stream, keys, keys_at
from vizbench.task import Metric, TaskSpec, Transfer, params_json
from vizbench.types import Batch, Grids, Keys, SplitName
from vizbench.words import plural

Numbers = npt.NDArray[np.int64]

DRY = 65_536
"""So many candidates in a row without a new row, and the space counts as used up."""

_BLOCK_CANDIDATES = 16_384
_BLOCK_CELLS = 1 << 24


def make(spec: TaskSpec, split: SplitName, key: Keys) -> Batch:
    """The split's candidates with these keys `(n,)`, without any filter."""
    params = spec.params
    if split == "train" and isinstance(params, Transfer):
        params = params.for_train()
    return spec.task.generate_batch(params, key)


@final
class Sieve:
    """The accepted candidates of one split, found in order as far as asked for and remembered. Safe over threads.

    away_from, pool: the train sieve and how many of its first rows a test sieve keeps away from.
    """

    def __init__(
        self, spec: TaskSpec, seed: int, split: SplitName, away_from: Sieve | None = None, pool: int = 0
    ) -> None:
        self._spec = spec
        self._split: SplitName = split
        self._away_from = away_from
        self._pool = pool
        task = spec.task
        self.origin = instance_stream(task.family, task.version, params_json(spec.params), seed, split)
        self._lock = threading.RLock()
        self._table = np.zeros(1024, np.uint64)
        self._used = 0
        self._pool_features: npt.NDArray[np.uint8] | None = None
        self._numbers: Numbers = np.empty(0, np.int64)
        self._found = 0
        self._tried = 0
        self._dry = False
        self._latest = (0, 0)  # rows of the block sieved last, [first, end): most are asked for right after
        self._latest_batch: Batch | None = None

    def numbers(self, start: int, count: int) -> Numbers:
        """Candidate numbers of rows start … start+count-1, `(count,)`. UserError if there are not so many."""
        with self._lock:
            self._extend(start + count)
            if self._found < start + count:
                raise self._used_up(start + count)
            return self._numbers[start : start + count].copy()

    def available(self, count: int) -> int:
        """`count`, or how many rows there are in all if that is fewer."""
        with self._lock:
            self._extend(count)
            return min(self._found, count)

    def batch(self, start: int, count: int) -> Batch:
        """Rows start … start+count-1 as arrays."""
        with self._lock:
            numbers = self.numbers(start, count)
            first, end = self._latest
            if self._latest_batch is not None and first <= start and start + count <= end:
                return _take(self._latest_batch, np.arange(start - first, start - first + count))
        return make(self._spec, self._split, keys_at(self.origin, numbers))

    def _extend(self, count: int) -> None:
        """Sieve blocks of candidates until `count` rows are found, or the space is used up."""
        while self._found < count and not self._dry:
            rate = (self._found + 1) / (self._tried + 1)
            size = min(max(math.ceil((count - self._found) / rate), 64), _BLOCK_CANDIDATES)
            if self._latest_batch is not None:
                size = max(1, min(size, _BLOCK_CELLS // math.prod(self._latest_batch.question.shape[1:])))
            else:  # how large a row is shows with the first block
                size = min(size, 8192)
            self._sieve(size)

    def _sieve(self, size: int) -> None:
        """Judge the next `size` candidates. A gap of DRY is found at its exact place, whatever the blocks' sizes."""
        batch = make(self._spec, self._split, keys(self.origin, self._tried, size))
        accepted = self._tried + np.flatnonzero(self._accept(batch))
        last = self._numbers[self._found - 1] if self._found else -1
        gaps = np.diff(np.concatenate(([last], accepted, [self._tried + size]))) > DRY
        self._dry = bool(gaps.any())
        if self._dry:
            accepted = accepted[: int(np.argmax(gaps))]
        self._latest = (self._found, self._found + len(accepted))
        self._latest_batch = _take(batch, accepted - self._tried)
        self._append(accepted)
        self._tried += size

    def _accept(self, batch: Batch) -> npt.NDArray[np.bool_]:
        if self._away_from is not None and self._pool_features is None:
            self._pool_features = self._meet_pool(self._away_from)
        keep = self._new(batch.question)
        fresh = np.flatnonzero(keep)
        if self._pool_features is not None and len(self._pool_features) and len(fresh):
            task = self._spec.task
            features = task.features(self._spec.params, _take(batch, fresh))
            far: npt.NDArray[np.bool_] = far_enough(
                features, self._pool_features, task.min_distance, task.metric is Metric.JACCARD
            )
            keep[fresh] = far
        return keep

    def _meet_pool(self, train: Sieve) -> npt.NDArray[np.uint8]:
        """Mark the pool's questions as seen; returns its features `(m, d)`."""
        rows = train.available(self._pool)
        if rows == 0:
            return np.empty((0, 0), np.uint8)
        pool = train.batch(0, rows)
        self._new(pool.question)
        return self._spec.task.features(self._spec.params, pool)

    def _new(self, questions: Grids) -> npt.NDArray[np.bool_]:
        """Which questions `(n, h, w)` were not seen before, `(n,)`; they are from now on."""
        flat = np.ascontiguousarray(questions).reshape(len(questions), -1)
        if 2 * (self._used + len(flat)) > len(self._table):
            old = self._table[self._table != 0]
            self._table = np.zeros(1 << (4 * (self._used + len(flat))).bit_length(), np.uint64)
            add_new(self._table, old)
        new: npt.NDArray[np.bool_] = add_new(self._table, digests(flat))
        self._used += int(new.sum())
        return new

    def _append(self, accepted: Numbers) -> None:
        end = self._found + len(accepted)
        if end > len(self._numbers):
            grown = np.empty(max(end, 2 * len(self._numbers)), np.int64)
            grown[: self._found] = self._numbers[: self._found]
            self._numbers = grown
        self._numbers[self._found : end] = accepted
        self._found = end

    def _used_up(self, count: int) -> UserError:
        name, found, tried = self._spec.name, self._found, self._tried
        wanted = plural(count, "row was asked", "rows were asked")
        if self._away_from is None:
            return UserError(
                f"{name} has {plural(found, 'different question')} where {wanted} (the last {DRY:,} of "
                f"{tried:,} candidates brought no new one): ask for at most {found:,}, or for other parameters"
            )
        pool = plural(self._away_from.available(self._pool), "question")
        return UserError(
            f"{name} has {plural(found, 'test row')} where {wanted}: {found / tried:.3%} of {tried:,} candidates "
            f"are new and at least {self._spec.task.min_distance:g} from the {pool} of "
            f"the train pool, and the last {DRY:,} brought none: ask for fewer rows, a pool below "
            f"{self._pool:,}, or other parameters"
        )


def _take(batch: Batch, rows: npt.NDArray[Any]) -> Batch:
    facts = {name: fact[rows] for name, fact in batch.facts.items()}
    sizes = None if batch.sizes is None else batch.sizes[rows]
    return Batch(batch.question[rows], batch.target[rows], facts, sizes)
