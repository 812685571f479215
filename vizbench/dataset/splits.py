"""Make data sets: a train and a test split, the same bytes in any order of access."""

from __future__ import annotations

import dataclasses
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, SupportsIndex, final

import numpy as np

from vizbench._util.block_size import BlockSize
from vizbench.dataset.columns import (
    Columns,
    Key,
    Kind,
    Part,
    columns_of,
    facts_of,
    kinds_of,
)
from vizbench.dataset.leakage import LeakageFilter, Numbers, make_candidates
from vizbench.errors import UserError
from vizbench.seeds import check_seed, integer, keys_at
from vizbench.task.contract import Demonstrations, Verifier
from vizbench.task.registry import TaskSpec, import_task, params_json, spec
from vizbench.types import POOL, Batch, Grid, Instance, Json, SplitName

MAX_ROWS = 10**8
"""Positions in a split are below this number. A filter that has come this far takes 6 GB."""

MAX_POOL = 1_000_000

_CHUNK = 8192
"""The most rows made at a time."""

_FIRST = 128
"""Rows of a shard that are made first, to see how long a row takes."""

_CHUNK_CELLS = 1 << 22
"""Cells of the rows made at a time, as estimated from the rows before, unless one row has more."""


@final
@dataclass(frozen=True, slots=True)
class SplitSpec:
    """Hold everything that decides a split's bytes."""

    task: str
    """The task's canonical name."""
    version: int
    """The task family's version."""
    params: Json
    """The task's parameters as plain JSON."""
    seed: int
    """The seed, 0 … 2^63 - 1."""
    split: SplitName
    """`train` or `test`."""
    pool: int
    """How many of the first train rows test rows keep away from."""


class Rows(ABC):
    """Name rows of a split that are not made yet.

    The object is small and picklable. Making its rows takes no search for accepted ones.
    """

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def part(self, start: int, stop: int) -> Rows:
        """Return rows start … stop-1 of these, counted from 0. They exist."""

    @abstractmethod
    def columns(self, steps: bool) -> Columns:
        """Make all rows at once. steps: whether to keep the trajectories."""

    def __iter__(self) -> Iterator[Instance]:
        """Yield the rows in order, made as they are asked for."""
        for columns in self.chunks(True):
            yield from columns.instances()

    @final
    def chunks(self, steps: bool) -> Iterator[Columns]:
        """Yield the rows in pieces that take a fraction of a second and little memory each."""
        pieces, at = _Pieces(), 0
        while at < len(self):
            columns = pieces.make(self.part(at, at + min(pieces.size, len(self) - at)), steps)
            yield columns
            at += len(columns)


@final
class _Pieces:
    """Choose how many rows are made at a time, by the time and the memory that those before took."""

    def __init__(self, first: int = _FIRST) -> None:
        """first: the size of the first piece."""
        self._by_time = BlockSize(_CHUNK, first)
        self._by_cells = _CHUNK

    @property
    def size(self) -> int:
        """Rows of the next piece at most."""
        return min(self._by_time.size, self._by_cells)

    def make(self, rows: Rows, steps: bool) -> Columns:
        """Make rows."""
        with self._by_time.measure(len(rows)):
            columns = rows.columns(steps)
        self._by_cells = max(1, len(rows) * _CHUNK_CELLS // max(1, columns.cells))
        return columns


@final
@dataclass(frozen=True, slots=True, eq=False)
class GeneratedRows(Rows):
    """Name rows first, first+1 … of a generated split."""

    spec: TaskSpec
    """The task with its parameters."""
    origin: int
    """The origin of the split's keys."""
    seed: int
    """The data set's seed."""
    split: SplitName
    """`train` or `test`."""
    first: int
    """The position of the first row."""
    candidates: Numbers
    """The rows' candidate numbers, `(n,)` int64."""
    pool: int
    """The data set's pool."""

    def __len__(self) -> int:
        return len(self.candidates)

    def part(self, start: int, stop: int) -> Rows:
        candidates = self.candidates[start:stop]
        return dataclasses.replace(self, first=self.first + start, candidates=candidates)

    def columns(self, steps: bool) -> Columns:
        batch = make_candidates(self.spec, self.split, keys_at(self.origin, self.candidates))
        return Columns(tuple(self._part(places, alike, steps) for places, alike in batch.by_sizes()))

    def _part(self, places: Numbers, batch: Batch, steps: bool) -> Part:
        """Return the rows at some places, whose grids have the same shapes."""
        task, params = self.spec.task, self.spec.params
        question, target = batch.question, batch.target
        figures = task.difficulty_batch(params, question, target)
        trajectories = task.steps_batch(params, question, target) if steps else None
        meta = facts_of(batch, self.candidates[places], figures)
        names = (self.spec.name, params, self.seed, self.split, self.pool)
        return Part(*names, places, self.first + places, question, target, trajectories, meta)


@final
@dataclass(frozen=True, slots=True, eq=False)
class StoredRows(Rows):
    """Hold rows that were read from a file."""

    instances: tuple[Instance, ...]
    """The rows in order."""

    def __len__(self) -> int:
        return len(self.instances)

    def __iter__(self) -> Iterator[Instance]:
        return iter(self.instances)

    def part(self, start: int, stop: int) -> Rows:
        return StoredRows(self.instances[start:stop])

    def columns(self, steps: bool) -> Columns:
        return columns_of(self.instances, steps)


class Split(ABC):
    """Give access to rows 0, 1, 2 … of train or test. A loop over a generated split does not end."""

    @property
    @abstractmethod
    def spec(self) -> SplitSpec:
        """What the rows are made from."""

    @property
    @abstractmethod
    def count(self) -> int | None:
        """The number of rows. None: any number, up to MAX_ROWS or the size of the space."""

    @abstractmethod
    def rows(self, start: int, n: int) -> Rows:
        """Return rows start … start+n-1, to be made later or elsewhere.

        Raises UserError if they do not all exist.
        """

    @abstractmethod
    def batch(self, start: int, n: int) -> Batch:
        """Return rows start … start+n-1 as arrays.

        Raises UserError if they do not all exist, or stored ones differ in shape.
        """

    @abstractmethod
    def available(self, start: int, n: int) -> int:
        """Return how many of the rows start … start+n-1 exist."""

    @abstractmethod
    def kinds(self) -> Mapping[Key, Kind]:
        """Return what the columns of `meta` hold, in order."""

    @property
    @final
    def name(self) -> SplitName:
        """`train` or `test`."""
        return self.spec.split

    @final
    def __getitem__(self, index: SupportsIndex) -> Instance:
        return next(iter(self.rows(operator.index(index), 1)))

    @final
    def head(self, n: int) -> tuple[Instance, ...]:
        """Return the first n rows: `head(3)` is the head of `head(5)`."""
        return tuple(self.rows(0, n))

    @final
    def __iter__(self) -> Iterator[Instance]:
        pieces, at = _Pieces(first=1), 0
        while n := self._next(at, pieces.size):
            yield from pieces.make(self.rows(at, n), True).instances()
            at += n

    @final
    def batches(self, n: int) -> Iterator[Batch]:
        """Yield batches of n rows, the last of a finite split smaller. Those of a generated one do not end.

        Raises UserError if rows fit no array, see `batch`.
        """
        if (size := integer(n)) is None or not 1 <= size <= MAX_ROWS:
            raise UserError(f"batches of {str(n)[:40]} rows are not in 1 … {MAX_ROWS:,}: choose e.g. 1024")
        at = 0
        while count := self._next(at, size):
            yield self.batch(at, count)
            at += count

    @final
    def _next(self, at: int, most: int) -> int:
        """Return how many rows from row `at` are given next; 0 at the end of a split."""
        end = MAX_ROWS if self.count is None else self.count
        most = min(most, end - at)
        # If no more rows exist before the end, asking for the next one says why.
        return max(self.available(at, most), 1) if most > 0 else 0


@final
class GeneratedSplit(Split):
    """Make unlimited rows. Reaching row i filters the candidates up to it once. After that it takes O(1)."""

    def __init__(self, task: TaskSpec, spec: SplitSpec, accepted: LeakageFilter) -> None:
        self._task = task
        self._spec = spec
        self._accepted = accepted

    def __reduce__(self) -> tuple[Callable[..., Split], tuple[Json, ...]]:
        """Pickle only what the rows are made from. Another process makes the same rows again."""
        spec = self._spec
        return _split_again, (spec.task, spec.seed, spec.pool, spec.split)

    @property
    def spec(self) -> SplitSpec:
        return self._spec

    @property
    def count(self) -> int | None:
        return None

    def rows(self, start: int, n: int) -> Rows:
        check_range(self, start, n)
        numbers, spec = self._accepted.numbers(start, n), self._spec
        origin = self._accepted.origin
        return GeneratedRows(self._task, origin, spec.seed, spec.split, start, numbers, spec.pool)

    def batch(self, start: int, n: int) -> Batch:
        check_range(self, start, n)
        return dataclasses.replace(self._accepted.batch(start, n), task=self._spec.task)

    def available(self, start: int, n: int) -> int:
        return self._accepted.available(start + n) - start

    def kinds(self) -> Mapping[Key, Kind]:
        numbers, spec = np.zeros(1, np.int64), self._spec
        first = GeneratedRows(self._task, self._accepted.origin, spec.seed, spec.split, 0, numbers, spec.pool)
        return kinds_of([first.columns(False)])


@final
class StoredSplit(Split):
    """Hold rows in memory.

    shortage: text for the error if more rows are asked for than there are.
    """

    def __init__(self, spec: SplitSpec, instances: tuple[Instance, ...], shortage: str = "") -> None:
        self._spec = spec
        self._instances = instances
        self._shortage = shortage

    @property
    def spec(self) -> SplitSpec:
        return self._spec

    @property
    def count(self) -> int | None:
        return len(self._instances)

    def rows(self, start: int, n: int) -> Rows:
        check_range(self, start, n, self._shortage)
        return StoredRows(self._instances[start : start + n])

    def batch(self, start: int, n: int) -> Batch:
        rows = tuple(self.rows(start, n))
        shapes = {(i.question.shape, i.target.shape) for i in rows}
        if len(shapes) != 1:
            raise UserError(
                f"rows {start} … {start + n - 1} of {self._spec.task} {self.name} have {len(shapes)} "
                "different shapes and fit no array: take them one by one, split[i] or split.head(n)"
            )
        question, target = np.stack([i.question for i in rows]), np.stack([i.target for i in rows])
        return Batch(question, target, task=self._spec.task)

    def available(self, start: int, n: int) -> int:
        return max(0, min(n, len(self._instances) - start))

    def kinds(self) -> Mapping[Key, Kind]:
        return kinds_of([columns_of(self._instances, False)])


@final
@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Hold a task's rows and its verifier."""

    name: str
    """The canonical name: `load(name)` gives the same again."""
    verifier: Verifier
    """The task's rules."""
    params: Any
    """The task's record of parameters."""
    seed: int
    """The seed, 0 … 2^63 - 1."""
    pool: int
    """How many of the first train rows test rows keep away from."""
    train: Split
    """Rows to learn from."""
    test: Split
    """Rows to be asked."""

    def __reduce__(self) -> tuple[Callable[..., Dataset], tuple[Json, ...]]:
        """Pickle what generated rows are made from, and stored rows as such.

        Both splits share one search again.
        """
        if isinstance(self.train, GeneratedSplit):
            return _generated_again, (self.name, self.seed, self.pool)
        return Dataset, (self.name, self.verifier, self.params, self.seed, self.pool, self.train, self.test)


def _generated_again(name: str, seed: int, pool: int) -> Dataset:
    import_task(name)  # in another process: the pickle was made by one that had imported it
    return generated_dataset(spec(name), seed, pool)


def _split_again(name: str, seed: int, pool: int, split: SplitName) -> Split:
    return getattr(_generated_again(name, seed, pool), split)


def generated_dataset(spec: TaskSpec, seed: SupportsIndex, pool: SupportsIndex) -> Dataset:
    """Return the data set of a task. seed: 0 … 2^63 - 1; pool: 0 … MAX_POOL."""
    seed = check_seed(seed)
    pool = check_pool(pool)
    train = LeakageFilter(spec, seed, "train")
    test = LeakageFilter(spec, seed, "test", train, pool)

    def split(name: SplitName, accepted: LeakageFilter) -> Split:
        rows = SplitSpec(spec.name, spec.task.version, params_json(spec.params), seed, name, pool)
        return GeneratedSplit(spec, rows, accepted)

    return Dataset(spec.name, spec.task, spec.params, seed, pool, split("train", train), split("test", test))


def demonstrated_dataset(
    spec: TaskSpec, grids: Demonstrations, seed: SupportsIndex, pool: SupportsIndex
) -> Dataset:
    """Return the data set of a task with its own demonstrations, which are its `train`, and its own tests.

    It is the same for any `seed` and `pool`, which appear only in the names of runs.
    """
    seed = check_seed(seed)
    pool = check_pool(pool)
    facts = {**grids.story, "inputs": len(grids.tests)}

    def split(name: SplitName, pairs: tuple[tuple[Grid, Grid], ...]) -> Split:
        rows: list[Instance] = []
        for i, (question, target) in enumerate(pairs):
            meta = {**facts, "item": f"{name}[{i}]"}
            steps = target[None]
            row = Instance(spec.name, spec.params, seed, name, i, question, target, steps, meta, pool)
            rows.append(row)
        made_from = SplitSpec(spec.name, spec.task.version, params_json(spec.params), seed, name, pool)
        shortage = ": choose another episode, write many by --format arc, or name a rule of it"
        return StoredSplit(made_from, tuple(rows), shortage)

    train, test = split("train", grids.demos), split("test", grids.tests)
    return Dataset(spec.name, spec.task, spec.params, seed, pool, train, test)


def check_pool(pool: SupportsIndex) -> int:
    """Return the pool as Python's int. Raises UserError if it is not an integer in 0 … MAX_POOL."""
    if (value := integer(pool)) is None or not 0 <= value <= MAX_POOL:
        raise UserError(f"pool {pool!r} is not an integer in 0 … {MAX_POOL:,}: the paper's is {POOL}")
    return value


def check_range(split: Split, start: int, n: int, shortage: str = "") -> None:
    """Raise UserError if rows start … start+n-1 do not all exist. shortage: added if there are fewer."""
    name = f"{split.spec.task} {split.name}"
    asked = f"row {start:,} of {name} was asked for"
    if n != 1:
        asked = f"rows {start:,} … {start + n - 1:,} of {name} were asked for"
    if start < 0 or n < 0:
        raise UserError(f"{asked}: positions count from 0 upwards")
    end = MAX_ROWS if split.count is None else split.count
    if start + n > end:
        raise UserError(f"{asked}: it has {end:,}{shortage}")
