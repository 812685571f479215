"""Data sets: a train and a test split, each row reachable by its position, the same bytes in any order of
access."""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, SupportsIndex, final

import numpy as np

from vizbench.errors import UserError
from vizbench.leakage import LeakageFilter, Numbers, candidate_batches
from vizbench.seeds import check_seed, integer
from vizbench.task import Demonstrations, TaskSpec, Verifier, import_task, params_json, spec
from vizbench.types import POOL, Batch, Grid, Instance, Json, SplitName

MAX_ROWS = 10**8
"""Positions in a split are below this: a sieve that came so far remembers 6 GB."""

MAX_POOL = 1_000_000

_BLOCK = 256  # rows made at a time if rows are asked for one after the other
_DECIMALS = 9  # of difficulty figures: logarithms of C libraries differ in the last bit, and rows must not


@final
@dataclass(frozen=True, slots=True)
class SplitSpec:
    """All that decides a split's bytes. task: canonical name; version: the room's; params: plain JSON."""

    task: str
    version: int
    params: Json
    seed: int
    split: SplitName
    pool: int


class Rows(ABC):
    """A run of a split's rows, not yet made: small, picklable, and free of the split's search for accepted
    rows."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __iter__(self) -> Iterator[Instance]:
        """The rows in order, made as they are asked for."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class GeneratedRows(Rows):
    """Rows first, first+1 … of a generated split. candidates: their candidate numbers `(n,)` int64."""

    spec: TaskSpec
    origin: int
    seed: int
    split: SplitName
    first: int
    candidates: Numbers
    pool: int

    def __len__(self) -> int:
        return len(self.candidates)

    def __iter__(self) -> Iterator[Instance]:
        at = 0
        for batch in candidate_batches(self.spec, self.split, self.origin, self.candidates, _BLOCK):
            facts = {name: fact.tolist() for name, fact in batch.facts.items()}
            for row in range(len(batch)):
                meta = {name: values[row] for name, values in facts.items()}
                meta["candidate"] = int(self.candidates[at + row])
                yield self._instance(self.first + at + row, batch, row, meta)
            at += len(batch)

    def _instance(self, index: int, batch: Batch, row: int, meta: dict[str, Json]) -> Instance:
        task, params = self.spec.task, self.spec.params
        question, target = batch.pair(row)
        figures = task.difficulty(params, question, target)
        meta["difficulty"] = {name: round(float(figure), _DECIMALS) for name, figure in figures.items()}
        steps = task.steps(params, question, target)
        return Instance(
            self.spec.name, params, self.seed, self.split, index, question, target, steps, meta, self.pool
        )


@final
@dataclass(frozen=True, slots=True, eq=False)
class StoredRows(Rows):
    """Rows that were read from a file."""

    instances: tuple[Instance, ...]

    def __len__(self) -> int:
        return len(self.instances)

    def __iter__(self) -> Iterator[Instance]:
        return iter(self.instances)


class Split(ABC):
    """Rows 0, 1, 2 … of one side of a data set. `for instance in split` goes on as long as there are rows."""

    @property
    @abstractmethod
    def spec(self) -> SplitSpec:
        """What the rows are made from."""

    @property
    @abstractmethod
    def count(self) -> int | None:
        """How many rows there are; None: as many as are asked for, up to MAX_ROWS or the size of the task's
        space."""

    @abstractmethod
    def rows(self, start: int, n: int) -> Rows:
        """Rows start … start+n-1, to be made later or elsewhere. UserError where they do not all exist."""

    @abstractmethod
    def batch(self, start: int, n: int) -> Batch:
        """Rows start … start+n-1 as arrays. UserError where they do not all exist, or stored ones differ in
        shape."""

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
        """The first n rows: `head(3)` is the head of `head(5)`."""
        return tuple(self.rows(0, n))

    @final
    def __iter__(self) -> Iterator[Instance]:
        at, end = 0, MAX_ROWS if self.count is None else self.count
        while at < end:
            yield self[at]
            at += 1


@final
class GeneratedSplit(Split):
    """Rows without end, made from the recipe. Finding row i costs the candidates up to it once; then O(1)."""

    def __init__(self, spec: TaskSpec, recipe: SplitSpec, sieve: LeakageFilter) -> None:
        self._spec = spec
        self._recipe = recipe
        self._sieve = sieve

    def __reduce__(self) -> tuple[Callable[..., Split], tuple[Json, ...]]:
        """Pickle the recipe: another process finds the same rows again."""
        recipe = self._recipe
        return _split_again, (recipe.task, recipe.seed, recipe.pool, recipe.split)

    @property
    def spec(self) -> SplitSpec:
        return self._recipe

    @property
    def count(self) -> int | None:
        return None

    def rows(self, start: int, n: int) -> Rows:
        _check_range(self, start, n)
        numbers, recipe = self._sieve.numbers(start, n), self._recipe
        return GeneratedRows(
            self._spec, self._sieve.origin, recipe.seed, recipe.split, start, numbers, recipe.pool
        )

    def batch(self, start: int, n: int) -> Batch:
        _check_range(self, start, n)
        return self._sieve.batch(start, n)


@final
class StoredSplit(Split):
    """Rows that lie in memory. shortage: said when more rows are asked for than there are."""

    def __init__(self, recipe: SplitSpec, instances: tuple[Instance, ...], shortage: str = "") -> None:
        self._recipe = recipe
        self._instances = instances
        self._shortage = shortage

    @property
    def spec(self) -> SplitSpec:
        return self._recipe

    @property
    def count(self) -> int | None:
        return len(self._instances)

    def rows(self, start: int, n: int) -> Rows:
        _check_range(self, start, n, self._shortage)
        return StoredRows(self._instances[start : start + n])

    def batch(self, start: int, n: int) -> Batch:
        rows = tuple(self.rows(start, n))
        shapes = {(i.question.shape, i.target.shape) for i in rows}
        if len(shapes) != 1:
            raise UserError(
                f"rows {start} … {start + n - 1} of {self._recipe.task} {self.name} have {len(shapes)} different "
                "shapes and fit no array: take them one by one, split[i] or split.head(n)"
            )
        return Batch(np.stack([i.question for i in rows]), np.stack([i.target for i in rows]))


@final
@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """A task's rows and its judge. name: canonical, `load(name)` gives the same again; params: the room's
    record; pool: the first train rows that test rows keep away from."""

    name: str
    verifier: Verifier
    params: Any
    seed: int
    pool: int
    train: Split
    test: Split

    def __reduce__(self) -> tuple[Callable[..., Dataset], tuple[Json, ...]]:
        """Pickle the recipe of generated rows, so that both splits share one search again, and stored rows as
        such."""
        if isinstance(self.train, GeneratedSplit):
            return _generated_again, (self.name, self.seed, self.pool)
        return Dataset, (self.name, self.verifier, self.params, self.seed, self.pool, self.train, self.test)


def _generated_again(name: str, seed: int, pool: int) -> Dataset:
    import_task(name)  # in another process: the pickle was made by one that had imported it
    return generated_dataset(spec(name), seed, pool)


def _split_again(name: str, seed: int, pool: int, split: SplitName) -> Split:
    return getattr(_generated_again(name, seed, pool), split)


def generated_dataset(spec: TaskSpec, seed: SupportsIndex, pool: SupportsIndex) -> Dataset:
    """The data set of a task. seed: 0 … 2^63 - 1; pool: 0 … MAX_POOL."""
    seed = check_seed(seed)
    pool = check_pool(pool)
    train = LeakageFilter(spec, seed, "train")
    test = LeakageFilter(spec, seed, "test", train, pool)

    def split(name: SplitName, sieve: LeakageFilter) -> Split:
        recipe = SplitSpec(spec.name, spec.task.version, params_json(spec.params), seed, name, pool)
        return GeneratedSplit(spec, recipe, sieve)

    return Dataset(spec.name, spec.task, spec.params, seed, pool, split("train", train), split("test", test))


def demonstrated_dataset(
    spec: TaskSpec, grids: Demonstrations, seed: SupportsIndex, pool: SupportsIndex
) -> Dataset:
    """The data set of a task that brings its demonstrations, its `train`, and its tests.

    It is the same whatever `seed` and `pool`, which only name the runs made from it.
    """
    seed = check_seed(seed)
    pool = check_pool(pool)
    facts = {**grids.story, "inputs": len(grids.tests)}

    def split(name: SplitName, pairs: tuple[tuple[Grid, Grid], ...]) -> Split:
        rows = tuple(
            Instance(
                spec.name, spec.params, seed, name, i, q, t, t[None], {**facts, "item": f"{name}[{i}]"}, pool
            )
            for i, (q, t) in enumerate(pairs)
        )
        recipe = SplitSpec(spec.name, spec.task.version, params_json(spec.params), seed, name, pool)
        return StoredSplit(
            recipe, rows, ": choose another episode, write many by --format arc, or name a rule of it"
        )

    train, test = split("train", grids.demos), split("test", grids.tests)
    return Dataset(spec.name, spec.task, spec.params, seed, pool, train, test)


def check_pool(pool: SupportsIndex) -> int:
    """The pool as Python's int, if it is an integer in 0 … MAX_POOL."""
    if (value := integer(pool)) is None or not 0 <= value <= MAX_POOL:
        raise UserError(f"pool {pool!r} is not an integer in 0 … {MAX_POOL:,}: the paper's is {POOL}")
    return value


def _check_range(split: Split, start: int, n: int, shortage: str = "") -> None:
    where = f"{split.spec.task} {split.name}"
    asked = f"row {start:,} of {where} was asked for"
    if n != 1:
        asked = f"rows {start:,} … {start + n - 1:,} of {where} were asked for"
    if start < 0 or n < 0:
        raise UserError(f"{asked}: positions count from 0 upwards")
    end = MAX_ROWS if split.count is None else split.count
    if start + n > end:
        raise UserError(f"{asked}: it has {end:,}{shortage}")
