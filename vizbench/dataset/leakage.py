"""Keep train and test apart by a hash of each question, and by a filter of candidates.

Candidates 0, 1, 2 … of a split are pure functions of (family, version, params, seed, split, number). A split
drops candidates whose question belongs to the other side (`is_test`) and those whose question occurred
before. Test also drops candidates whose features are closer to the train pool than the task's `min_distance`.
Whether a candidate is accepted depends only on earlier candidates. So rows nest (the first 3 are the head of
the first 5), and every order of access gives the same rows.

The side is a hash of the question. It does not depend on the seed, the index, the split's size or the
parameters. So no question of any train split is in any test split of the same task family, however many rows
each has.

A fifth of all questions is test. With a smaller share, test rows of slow tasks take longer: n rows take n /
share candidates. With a larger share, small spaces leave fewer questions for training. `benchmarks/sides.py`
measures both.
"""

from __future__ import annotations

import math
import os
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any, Final, final

import numpy as np
import numpy.typing as npt

from vizbench._util.background import stop_if_abandoned
from vizbench._util.block_size import BlockSize
from vizbench._util.text import plural
from vizbench.dataset.pool_cache import SLOW, FilteredPool, read_pool, write_pool
from vizbench.dataset.seen import RisingNumbers, SeenDigests
from vizbench.errors import UserError
from vizbench.kernels.pairwise_distance import far_enough
from vizbench.kernels.unseen_rows import row_digests
from vizbench.seeds import instance_stream, keys, keys_at, splitmix64
from vizbench.task.contract import DistributionShift, Metric, Task
from vizbench.task.registry import TaskSpec, params_json
from vizbench.types import Batch, Keys, SplitName

Numbers = npt.NDArray[np.int64]

SHARE: Final = 5
"""One question in this many is test."""

_SALT: Final = np.uint64(0x7465_7374_2073_6964)
"""The bytes "test sid". The table of seen questions uses the digests without it."""

DRY = 65_536
"""Candidates without a new row after which the space counts as used up.

For test, SHARE times as many are tried, because few of them are test.
"""

_BLOCK_CANDIDATES = 16_384
_BLOCK_CELLS = 1 << 24


def is_test(questions: npt.NDArray[Any], share: int = SHARE) -> npt.NDArray[np.bool_]:
    """Return which questions belong to test, `(n,)`: one in `share`.

    questions: `(n, d)` uint8, n >= 1, one row of bytes per question.
    """
    return _is_test(_digests(questions), share)


def _digests(questions: npt.NDArray[Any]) -> npt.NDArray[np.uint64]:
    """Return a digest of each question, `(n,)`."""
    rows = np.ascontiguousarray(questions, np.uint8)
    return row_digests(rows.reshape(len(rows), -1))


def _is_test(digests: npt.NDArray[np.uint64], share: int = SHARE) -> npt.NDArray[np.bool_]:
    """Return which questions with these digests `(n,)` belong to test."""
    return splitmix64(digests ^ _SALT) < np.uint64((1 << 64) // share)


def make_candidates(spec: TaskSpec, split: SplitName, key: Keys) -> Batch:
    """Return the split's candidates with these keys `(n,)`, without any filter."""
    params = spec.params
    if split == "train" and isinstance(params, DistributionShift):
        params = params.for_train()
    return spec.task.generate_batch(params, key)


def candidate_batches(
    spec: TaskSpec, split: SplitName, origin: int, numbers: Numbers, most: int = _BLOCK_CANDIDATES
) -> Iterator[Batch]:
    """Yield the candidates with these numbers `(n,)`, in batches of a fraction of a second each.

    most: the largest batch.
    """
    block_size, start = BlockSize(most), 0
    while start < len(numbers):
        block = numbers[start : start + block_size.size]
        with block_size.measure(len(block)):
            batch = make_candidates(spec, split, keys_at(origin, block))
        yield batch
        start += len(block)


@final
class LeakageFilter:
    """Accept the candidates of one split in order, as many as are asked for, and remember them.

    It may be used from several threads.
    """

    def __init__(
        self,
        spec: TaskSpec,
        seed: int,
        split: SplitName,
        away_from: LeakageFilter | None = None,
        pool: int = 0,
    ) -> None:
        _LIVE.add(self)
        self._spec = spec
        self._seed = seed
        self._split: SplitName = split
        self._away_from = away_from
        self._pool = pool
        task = spec.task
        self.origin = instance_stream(task.family, task.version, params_json(spec.params), seed, split)
        self._lock = threading.RLock()
        self._forget()

    def _forget(self) -> None:
        """Start again from candidate 0."""
        self._seen = SeenDigests()
        self._pool_features: npt.NDArray[np.uint8] | None = None
        self._numbers = RisingNumbers()
        self._tried = 0
        self._dry = False
        self._block_size = BlockSize(_BLOCK_CANDIDATES)
        # The block of candidates that was filtered last, the places of its rows in it, and the number of the
        # first of them. They are often asked for next.
        self._latest_batch: Batch | None = None
        self._latest_places = np.empty(0, np.int64)
        self._latest_first = 0

    def recover(self) -> None:
        """Start again in a forked process if another thread was filtering. It exists only in the parent."""
        if self._lock.acquire(blocking=False):
            self._lock.release()
        else:
            self._lock = threading.RLock()
            self._forget()

    def numbers(self, start: int, count: int) -> Numbers:
        """Return candidate numbers of rows start … start+count-1. Raises UserError if there are fewer."""
        with self._lock:
            self._extend(start + count)
            if self._count < start + count:
                raise self._used_up()
            return self._numbers.between(start, start + count)

    def available(self, count: int) -> int:
        """Return `count`, or the number of all rows if that is smaller."""
        with self._lock:
            self._extend(count)
            return min(self._count, count)

    def batch(self, start: int, count: int) -> Batch:
        """Return rows start … start+count-1 as arrays."""
        with self._lock:
            numbers = self.numbers(start, count)
            at = start - self._latest_first
            if self._latest_batch is not None and 0 <= at <= at + count <= len(self._latest_places):
                return _take(self._latest_batch, self._latest_places[at : at + count])
        if count == 0:
            return make_candidates(self._spec, self._split, keys_at(self.origin, numbers))
        return join(list(candidate_batches(self._spec, self._split, self.origin, numbers)))

    def batches(self, start: int, count: int) -> Iterator[Batch]:
        """Yield rows start … start+count-1 in batches of a fraction of a second each."""
        return candidate_batches(self._spec, self._split, self.origin, self.numbers(start, count))

    @property
    def _count(self) -> int:
        """The number of rows."""
        return len(self._numbers)

    def _extend(self, count: int) -> None:
        """Filter blocks of candidates until there are `count` rows, or the space is used up."""
        while self._count < count and not self._dry:
            stop_if_abandoned()
            rate = (self._count + 1) / (self._tried + 1)
            size = min(max(math.ceil((count - self._count) / rate), 64), self._block_size.size)
            if self._latest_batch is not None:
                size = max(1, min(size, _BLOCK_CELLS // math.prod(self._latest_batch.question.shape[1:])))
            try:
                with self._block_size.measure(size):
                    self._filter(size)
            except BaseException:
                # After Ctrl-C in a notebook, some questions may be marked as seen without being rows.
                self._forget()
                raise

    def _filter(self, size: int) -> None:
        """Filter the next `size` candidates.

        A run of DRY candidates without a new row ends at the same place for all block sizes.
        """
        batch = make_candidates(self._spec, self._split, keys(self.origin, self._tried, size))
        accepted = self._accept(batch)
        ends = np.concatenate(([self._numbers.last], self._tried + accepted, [self._tried + size]))
        too_far = np.diff(ends) > self._patience
        self._dry = bool(too_far.any())
        if self._dry:
            accepted = accepted[: int(np.argmax(too_far))]
        self._latest_batch, self._latest_places, self._latest_first = batch, accepted, self._count
        self._numbers.append(self._tried + accepted)
        self._tried += size

    @property
    def _patience(self) -> int:
        return DRY * SHARE if self._split == "test" else DRY

    def _accept(self, batch: Batch) -> Numbers:
        """Return the places of the candidates that become rows, rising."""
        task, params = self._spec.task, self._spec.params
        questions = _digests(batch.question)
        # Questions that are the same only if their cells are have digests already.
        own = type(task).identity is Task[Any].identity
        test = _is_test(questions if own else _digests(task.identity(params, batch)))
        here = np.flatnonzero(test if self._split == "test" else ~test)
        if len(here) and self._away_from is not None and self._pool_features is None:
            self._pool_features = self._features_of_pool(self._away_from, batch)
        fresh = here[self._seen.add(questions[here])]
        if self._pool_features is None or not len(self._pool_features) or not len(fresh):
            return fresh
        features = task.features(params, _take(batch, fresh))
        far: npt.NDArray[np.bool_] = far_enough(
            features, self._pool_features, task.min_distance, task.metric is Metric.JACCARD
        )
        return fresh[far]

    def _features_of_pool(self, train: LeakageFilter, batch: Batch) -> npt.NDArray[np.uint8]:
        """Return the features of the train pool, `(m, d)`, from the disk if they are there.

        batch: candidates of this split, of which the features are as wide.
        """
        task, params = self._spec.task, self._spec.params
        if self._pool == 0:
            return np.empty((0, 0), np.uint8)
        kept = read_pool(self._spec, self._seed, self._pool)
        if kept is not None and kept.features.shape[1] == task.features(params, _take(batch, [0])).shape[1]:
            train.go_on_from(kept)
            return kept.features
        start = time.perf_counter()
        rows = train.available(self._pool)
        parts = [task.features(params, each) for each in train.batches(0, rows)]
        features = np.concatenate(parts) if parts else np.empty((0, 0), np.uint8)
        if time.perf_counter() - start > SLOW:
            write_pool(self._spec, self._seed, self._pool, train.filtered(features))
        return features

    def filtered(self, features: npt.NDArray[np.uint8]) -> FilteredPool:
        """Return what this filter has accepted so far. features: those of its first rows, `(m, d)`."""
        with self._lock:
            numbers = self._numbers.between(0, self._count)
            return FilteredPool(numbers, self._seen.values(), self._tried, self._dry, features)

    def go_on_from(self, kept: FilteredPool) -> None:
        """Take over what an equal filter has accepted. Does nothing if this filter has come as far."""
        with self._lock:
            if self._tried >= kept.tried:
                return
            self._forget()
            self._seen.add(kept.seen)
            self._numbers.append(kept.numbers)
            self._tried, self._dry = kept.tried, kept.dry

    def _used_up(self) -> UserError:
        """Return the error for a request of too many rows."""
        name, rows = self._spec.name, plural(self._count, f"{self._split} row")
        tried = f"the last {self._patience:,} of {self._tried:,} candidates brought no new one"
        message = f"{name} has {rows}, fewer than were asked for: {tried}"
        if self._away_from is None or self._pool == 0:
            return UserError(f"{message}: ask for at most {self._count:,}, or choose other parameters")
        pool, distance = self._away_from.available(self._pool), self._spec.task.min_distance
        questions = plural(pool, "question")
        advice = f"ask for at most {self._count:,}, choose a pool below {pool:,}"
        if self._count == 0:
            advice = f"choose a pool below {pool:,}"
        kept = (
            f"not among the {questions}"
            if distance == 0
            else f"at least {distance:g} away from the {questions}"
        )
        return UserError(
            f"{message}, and {self._count / self._tried:.3%} are test, new and {kept} of the train pool: "
            f"{advice}, or choose other parameters"
        )


def join(batches: list[Batch]) -> Batch:
    """Join batches of one task and split, at least one."""
    if len(batches) == 1:
        return batches[0]
    question = np.concatenate([batch.question for batch in batches])
    target = np.concatenate([batch.target for batch in batches])
    facts = {name: np.concatenate([batch.facts[name] for batch in batches]) for name in batches[0].facts}
    sizes = [batch.sizes for batch in batches if batch.sizes is not None]
    return Batch(question, target, facts, np.concatenate(sizes) if sizes else None)


_LIVE: weakref.WeakSet[LeakageFilter] = weakref.WeakSet()


def _recover_all() -> None:
    for each in list(_LIVE):
        each.recover()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_recover_all)


def _take(batch: Batch, rows: npt.NDArray[Any] | list[int]) -> Batch:
    facts = {name: fact[rows] for name, fact in batch.facts.items()}
    sizes = None if batch.sizes is None else batch.sizes[rows]
    return Batch(batch.question[rows], batch.target[rows], facts, sizes)
