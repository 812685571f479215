"""Mix tasks: a weighted list of tasks as one stream of rows, each row the same as in its own task.

Of every block of as many rows as the weights sum to, each task has exactly its weight. The order in a block
is drawn by the seed. So a shorter data set is the beginning of a longer one, and row i costs no search of the
rows before it. The side of a question is decided by the question itself (`leakage.is_test`), so that no test
question of one task is a train question of another.
"""

from __future__ import annotations

import dataclasses
import math
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, SupportsIndex, cast, final

import numpy as np
import numpy.typing as npt

from vizbench._util.files import read_bounded
from vizbench._util.text import text_of
from vizbench.dataset.columns import Columns, Key, Kind, Part, merge
from vizbench.dataset.splits import (
    POOL,
    Dataset,
    Rows,
    Split,
    SplitSpec,
    check_pool,
    check_range,
    generated_dataset,
)
from vizbench.errors import UserError
from vizbench.seeds import check_seed, integer, keys, stream
from vizbench.task.contract import LEVELS
from vizbench.task.registry import TaskSpec, import_task, level_name, params_json, spec
from vizbench.types import Batch, Json

PREFIX: Final = "mixture:"
"""What the canonical name of a mixture begins with."""

VERSION: Final = 1
"""Rises if the order of the tasks of a mixture changes."""

MAX_TASKS: Final = 256
"""The most tasks of a mixture."""

MAX_WEIGHT: Final = 10_000
"""The most rows per block, over all tasks."""

_MAX_TOML: Final = 1 << 20
_ITEM_KEYS: Final = ("task", "weight", "level", "levels")


@final
@dataclass(frozen=True, slots=True)
class Weighted:
    """A task of a mixture."""

    spec: TaskSpec
    """The task with its parameters."""
    weight: int
    """Its rows per block, at least 1."""


@final
@dataclass(frozen=True, slots=True)
class MixtureSpec:
    """What a mixture is made of: at least two tasks, with weights that share no factor."""

    tasks: tuple[Weighted, ...]
    """The tasks in order."""

    @property
    def name(self) -> str:
        """The canonical name: `mixture:maze/base=2,life/conway=1`."""
        return PREFIX + ",".join(f"{_without_commas(each.spec.name)}={each.weight}" for each in self.tasks)

    @property
    def weights(self) -> npt.NDArray[np.int64]:
        """The weights, `(k,)`."""
        return np.array([each.weight for each in self.tasks], np.int64)


def _without_commas(name: str) -> str:
    """Return a task's name with the commas of its parameters escaped."""
    path, question_mark, query = name.partition("?")
    return path + question_mark + query.replace(",", "%2C")


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Order:
    """Which task has which row."""

    weights: npt.NDArray[np.int64]
    """Rows per block of each task, `(k,)`."""
    origin: int
    """The origin of the stream that shuffles blocks."""

    def places(self, start: int, n: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return the tasks of rows start … start+n-1, and the numbers of these rows in their tasks."""
        size = int(self.weights.sum())
        first, last = start // size, -(-(start + n) // size)
        blocks = last - first
        order = keys(self.origin, first * size, blocks * size).reshape(blocks, size)
        shuffled = np.argsort(order, axis=1, kind="stable")
        tasks = np.repeat(np.arange(len(self.weights)), self.weights)[shuffled]  # (blocks, size)
        numbers = np.empty_like(tasks)
        for task, weight in enumerate(self.weights.tolist()):
            mine = tasks == task
            within = np.cumsum(mine, axis=1) - 1
            before = (first + np.arange(blocks))[:, None] * weight
            numbers[mine] = (within + before)[mine]
        here = slice(start - first * size, start - first * size + n)
        return tasks.ravel()[here], numbers.ravel()[here]

    def position(self, task: int, number: int) -> int:
        """Return the row that is number `number` of a task: the inverse of `places`."""
        size = int(self.weights.sum())
        first = number // int(self.weights[task]) * size
        tasks, numbers = self.places(first, size)
        return first + int(np.flatnonzero((tasks == task) & (numbers == number))[0])


@final
@dataclass(frozen=True, slots=True, eq=False)
class MixedRows(Rows):
    """Rows of several tasks, in the order of a mixture."""

    order: npt.NDArray[np.uint8]
    """The position in `parts` of each row's task, `(n,)`."""
    parts: tuple[Rows, ...]
    """The rows of each task that has any here, in order."""

    def __len__(self) -> int:
        return len(self.order)

    def part(self, start: int, stop: int) -> Rows:
        before = np.bincount(self.order[:start], minlength=len(self.parts)).tolist()
        here = np.bincount(self.order[start:stop], minlength=len(self.parts)).tolist()
        parts = [rows.part(first, first + n) for rows, first, n in zip(self.parts, before, here, strict=True)]
        return MixedRows(self.order[start:stop], tuple(parts))

    def columns(self, steps: bool) -> Columns:
        parts: list[Part] = []
        for number, rows in enumerate(self.parts):
            places = np.flatnonzero(self.order == number)
            if len(places):
                made = rows.columns(steps).parts
                parts += [dataclasses.replace(part, places=places[part.places]) for part in made]
        return Columns(tuple(parts))


@final
class MixedSplit(Split):
    """One side of a mixture: the same sides of its tasks, mixed."""

    def __init__(self, blend: MixtureSpec, sides: Sequence[Split]) -> None:
        first = sides[0].spec
        self._sides = tuple(sides)
        params: list[Json] = []
        for each, side in zip(blend.tasks, sides, strict=True):
            made_from = side.spec
            params.append(
                {
                    "task": made_from.task,
                    "weight": each.weight,
                    "version": made_from.version,
                    "params": made_from.params,
                }
            )
        self._spec = SplitSpec(blend.name, VERSION, params, first.seed, first.split, first.pool)
        origin = stream("mixture", VERSION, blend.name, first.seed, first.split)
        self._order = _Order(blend.weights, origin)

    @property
    def spec(self) -> SplitSpec:
        return self._spec

    @property
    def count(self) -> int | None:
        return None

    @property
    def sides(self) -> tuple[SplitSpec, ...]:
        """The same side of each task, in order."""
        return tuple(side.spec for side in self._sides)

    def place(self, index: int) -> tuple[SplitSpec, int]:
        """Return the split of the task that has row `index`, and the row's number in it."""
        return next(self.places(index, 1))

    def places(self, start: int, n: int) -> Iterator[tuple[SplitSpec, int]]:
        """Yield `place` of rows start … start+n-1."""
        sides = self.sides
        tasks, numbers = self._order.places(start, n)
        for task, number in zip(tasks.tolist(), numbers.tolist(), strict=True):
            yield sides[task], number

    def position(self, task: str, number: int) -> int | None:
        """Return the row that is number `number` of a task, or None if the mixture has no such task."""
        names = [side.task for side in self.sides]
        return self._order.position(names.index(task), number) if task in names else None

    def rows(self, start: int, n: int) -> Rows:
        check_range(self, start, n)
        tasks, numbers = self._order.places(start, n)
        here, order = np.unique(tasks, return_inverse=True)
        parts: list[Rows] = []
        present: list[int] = here.tolist()
        for task in present:
            mine = numbers[tasks == task]
            parts.append(self._sides[int(task)].rows(int(mine[0]), len(mine)))
        return MixedRows(order.ravel().astype(np.uint8), tuple(parts))

    def available(self, start: int, n: int) -> int:
        tasks, numbers = self._order.places(start, n)
        for number, side in enumerate(self._sides):
            mine = np.flatnonzero(tasks == number)
            if len(mine):
                first = int(numbers[mine[0]])
                exist = side.available(first, len(mine))
                n = n if exist == len(mine) else min(n, int(mine[exist]))
        return n

    def kinds(self) -> Mapping[Key, Kind]:
        known: dict[Key, Kind] = {}
        for side in self._sides:
            merge(known, side.kinds())
        return known

    def batch(self, start: int, n: int) -> Batch:
        raise UserError(
            f"the rows of {self._spec.task[:120]} are of several tasks and fit no array: take the rows one "
            "by one, or a batch of one task of `mixture.tasks`"
        )


@final
@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """Several tasks as one data set. Each row names its own task, by which `vizbench.verify` checks it."""

    made_from: MixtureSpec
    """The tasks with their weights."""
    tasks: tuple[Dataset, ...]
    """The data set of each task."""
    seed: int
    """The seed, 0 … 2^63 - 1."""
    pool: int
    """How many of the first train rows of each task its test rows keep away from."""
    train: MixedSplit
    """Rows to learn from."""
    test: MixedSplit
    """Rows to be asked."""

    @property
    def name(self) -> str:
        """The canonical name: `mixture(name)` gives the same again."""
        return self.made_from.name


def mixture(
    tasks: str | Path | Sequence[object] | Mapping[str, int],
    seed: SupportsIndex = 0,
    pool: SupportsIndex = POOL,
) -> Mixture:
    """Return a mixture of tasks. Makes no row yet.

    tasks: a text such as "maze=2,sudoku/mini,life"; the path of a TOML file with tables `[[task]]`; or a list
    whose items are names, names with weights ("maze=2" or ("maze", 2)), or mappings with the keys `task`,
    `weight`, and `level` or `levels` ("0-4"), as in the file. Each level has the weight of its item.

    A weight is a whole number of rows, 1 by default. It comes after the parameters: "life?steps=2=3".

    seed: 0 … 2^63 - 1. pool: how many of the first train rows of each task its test rows keep away from.

    Raises UserError for unknown tasks, for fewer than two, for one named twice, and for tasks in files (ARC).
    """
    return _mixture(mixture_spec(tasks), seed, pool)


def recorded_mixture(name: str, seed: SupportsIndex, pool: SupportsIndex) -> Mixture:
    """Return the mixture of a canonical name, which may come from a record. Imports no Python file."""
    return _mixture(mixture_spec(name, imports=False), seed, pool)


def _mixture(blend: MixtureSpec, seed: SupportsIndex, pool: SupportsIndex) -> Mixture:
    seed, pool = check_seed(seed), check_pool(pool)
    datasets = tuple(generated_dataset(each.spec, seed, pool) for each in blend.tasks)
    train = MixedSplit(blend, [data.train for data in datasets])
    test = MixedSplit(blend, [data.test for data in datasets])
    return Mixture(blend, datasets, seed, pool, train, test)


def is_mixture(name: str) -> bool:
    """Return whether a name is the canonical name of a mixture."""
    return name.startswith(PREFIX)


def mixture_spec(
    tasks: str | Path | Sequence[object] | Mapping[str, int], imports: bool = True
) -> MixtureSpec:
    """Return what a mixture is made of, see `mixture`. imports: whether to import Python files it names."""
    weighted: list[Weighted] = []
    for item in _items(tasks):
        weighted += _weighted(item, imports)
    if len(weighted) > MAX_TASKS:
        raise UserError(f"a mixture of {len(weighted)} tasks is over {MAX_TASKS}: leave some out")
    if len(weighted) < 2:
        raise UserError("a mixture has at least two tasks: give maze=2,life or so, or load the one task")
    seen: dict[str, str] = {}
    for each in weighted:
        key = f"{each.spec.task.family} {params_json(each.spec.params)}"
        if key in seen:
            raise UserError(f"{each.spec.name} and {seen[key]} are one task: name it once, with a weight")
        seen[key] = each.spec.name
    factor = math.gcd(*(each.weight for each in weighted))
    blend = MixtureSpec(tuple(Weighted(each.spec, each.weight // factor) for each in weighted))
    if int(blend.weights.sum()) > MAX_WEIGHT:
        raise UserError(
            f"the weights sum to {int(blend.weights.sum()):,}, over {MAX_WEIGHT:,}: give smaller ones in "
            "the same proportions"
        )
    return blend


def _items(tasks: str | Path | Sequence[object] | Mapping[str, int]) -> Sequence[object]:
    """Return the items of a text, a file or a list."""
    if isinstance(tasks, Path):
        return _read_toml(tasks)
    if isinstance(tasks, str):
        names = tasks.removeprefix(PREFIX).split(",")
        if len(names) > 1 and not all(name.strip() for name in names):
            raise UserError(f"{tasks[:80]!r} has an empty name between commas: write e.g. maze=2,life")
        return names
    given = cast("object", tasks)
    if isinstance(given, Mapping):
        return list(cast("Mapping[object, object]", given).items())
    if not isinstance(given, Sequence):
        raise UserError(
            f"a mixture is made of tasks, not of {type(given).__name__}: give a text such as maze=2,life, a "
            "list, or the path of a TOML file"
        )
    return list(cast("Sequence[object]", given))


def _read_toml(path: Path) -> Sequence[object]:
    data = read_bounded(path, "mixture", _MAX_TOML)
    try:
        tables = tomllib.loads(text_of(data))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not TOML ({error}): write one table [[task]] per task") from None
    items = tables.pop("task", None)
    if tables or not isinstance(items, list) or not items:
        raise UserError(f"{path} is not a mixture: write one table [[task]] per task, and nothing else")
    return cast("list[object]", items)


def _weighted(item: object, imports: bool) -> list[Weighted]:
    """Return the tasks of an item: one, or one per level."""
    if isinstance(item, str):
        name, weight = _split_weight(item.strip())
        return [Weighted(_spec(name, imports), _whole(weight, name))]
    pair = cast("Sequence[object]", item) if isinstance(item, tuple | list) else ()
    if len(pair) == 2:
        name, weight = pair
        return [Weighted(_spec(name, imports), _whole(weight, name))]
    if not isinstance(item, Mapping):
        given = str(cast("object", item))
        raise UserError(
            f"{given[:80]!r} is not a task of a mixture: give a name, a name with a weight, or a table "
            f"with the keys {', '.join(_ITEM_KEYS)}"
        )
    return _from_table(cast("Mapping[str, object]", item), imports)


def _from_table(table: Mapping[str, object], imports: bool) -> list[Weighted]:
    unknown_keys = [key for key in table if key not in _ITEM_KEYS]
    if unknown_keys or "task" not in table or {"level", "levels"} <= table.keys():
        raise UserError(
            f"the keys of a task are {', '.join(map(str, table))[:80]}: give `task`, optionally `weight`, "
            "and at most one of `level` and `levels`"
        )
    name, weight = table["task"], _whole(table.get("weight", 1), table["task"])
    if "level" not in table and "levels" not in table:
        return [Weighted(_spec(name, imports), weight)]
    levels = levels_of(table.get("level", table.get("levels")))
    if imports:
        import_task(str(name))
    return [Weighted(_spec(level_name(str(name), level), imports), weight) for level in levels]


def levels_of(value: object) -> list[int]:
    """Return the levels of 3, "3" or "0-4". Raises UserError for anything else."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    match = re.fullmatch(r"([0-9])(?:-([0-9]))?", text) if isinstance(text, str) else None
    if match is None or int(match[2] or match[1]) < int(match[1]):
        raise UserError(
            f"level {str(value)[:40]!r} is neither a level nor a range: give 0 … {LEVELS - 1}, or e.g. 0-4"
        )
    return list(range(int(match[1]), int(match[2] or match[1]) + 1))


def _split_weight(text: str) -> tuple[str, object]:
    """Split "maze=2" and "life?steps=2=3" into name and weight; without a weight it is 1."""
    path, question_mark, query = text.partition("?")
    head, equals, weight = (query if question_mark else path).rpartition("=")
    if not equals or (question_mark and query.count("=") == query.count("&") + 1):
        return text, 1
    return (f"{path}?{head}" if question_mark else head), weight


def _spec(name: object, imports: bool) -> TaskSpec:
    if not isinstance(name, str) or not name:
        raise UserError(f"{str(name)[:80]!r} is not the name of a task: give a text such as maze/9")
    if ":" in name.partition("?")[0] and not name.partition("?")[0].count(".py:"):
        raise UserError(f"{name[:80]} is in a file, whose rows are limited: mixtures are of generated tasks")
    if imports:
        import_task(name)
    named = spec(name)
    if "," in named.name.partition("?")[0]:
        raise UserError(f"{named.name[:120]} has a comma, which separates the tasks of a mixture: rename it")
    if getattr(named.params, "fixed", False):
        raise UserError(f"{named.name} is an episode with few rows: mixtures are of generated tasks")
    return named


def _whole(weight: Any, name: object) -> int:
    if isinstance(weight, str) and re.fullmatch(r"\d{1,9}", weight, re.ASCII):
        weight = int(weight)
    value = None if isinstance(weight, str) else integer(weight)
    if value is None or not 1 <= value <= MAX_WEIGHT:
        raise UserError(
            f"the weight {str(weight)[:40]!r} of {str(name)[:80]} is not in 1 … {MAX_WEIGHT:,}: give a whole "
            "number, the share of its rows"
        )
    return value
