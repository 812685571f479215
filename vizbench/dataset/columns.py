"""Hold rows as columns: the way from a batch to a file makes no object per row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Literal, TypeAlias, cast, final

import msgspec
import numpy as np
import numpy.typing as npt

from vizbench.kernels.decimals import round_scaled
from vizbench.types import Batch, Grids, Instance, Json, SplitName, Trajectories

DECIMALS: Final = 9
"""Decimals of difficulty figures. Logarithms of C libraries differ in the last bit, but rows must not."""

_SCALE: Final = 1e9
_EXACT: Final = 1e15
"""Billionths below this are exact as a float."""

_DOUBT: Final = 2.0**-50
"""The error of a product is a fraction of this."""

Kind: TypeAlias = Literal["bool", "int", "float", "text", "json"]
"""What a column of `meta` holds. json: anything else, as JSON text."""

Key: TypeAlias = tuple[str, ...]
"""The place of a figure in `meta`: ("candidate",), or ("difficulty", "score")."""

Order: TypeAlias = npt.NDArray[np.int64]

_DTYPES: Final[Mapping[Kind, Any]] = {"bool": np.bool_, "int": np.int64, "float": np.float64}


@final
@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One figure of `meta` for many rows."""

    kind: Kind
    """What it holds."""
    values: npt.NDArray[Any] | list[str]
    """Texts in a list; others in an array `(n,)` of bool, int64 or float64."""

    def plain(self) -> list[Json]:
        """Return the values as plain JSON."""
        if self.kind == "json":
            return [msgspec.json.decode(text) for text in self.values]
        return self.values.tolist() if isinstance(self.values, np.ndarray) else self.values


@final
@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Rows of one task whose grids have the same shapes and whose `meta` has the same keys."""

    task: str
    """The task's canonical name."""
    params: Any
    """The task's record of parameters."""
    seed: int
    """The data set's seed."""
    split: SplitName
    """The split that they are in."""
    pool: int
    """The data set's pool."""
    places: Order
    """The place of each row in `Columns`, rising, `(n,)`."""
    index: Order
    """The number of each row in its split, `(n,)`."""
    question: Grids
    """`(n, h, w)` uint8."""
    target: Grids
    """`(n, h', w')` uint8."""
    steps: Trajectories | None
    """The states after the questions; None if they are left out."""
    meta: Mapping[Key, Column]
    """The figures of `meta`, in order."""

    def __len__(self) -> int:
        return len(self.index)

    @property
    def cells(self) -> int:
        """The cells of all its grids."""
        return self.question.size + self.target.size + (0 if self.steps is None else self.steps.states.size)

    def row(self, place: int) -> Instance:
        """Return the row at a place, without its states and `meta`."""
        names = (self.task, self.params, self.seed, self.split, int(self.index[place]))
        target = self.target[place]
        return Instance(*names, self.question[place], target, target[None], {}, self.pool)

    def instances(self) -> Iterator[Instance]:
        """Yield the rows one by one. If the steps were left out, the target is the only one."""
        names = (self.task, self.params, self.seed, self.split)
        trajectories = self.target[:, None] if self.steps is None else _each(self.steps)
        metas = plain_meta(self.meta, len(self))
        rows = zip(self.index.tolist(), self.question, self.target, trajectories, metas, strict=True)
        for index, question, target, steps, meta in rows:
            yield Instance(*names, index, question, target, steps, meta, self.pool)


def _each(steps: Trajectories) -> Iterator[Grids]:
    bounds = steps.starts.tolist()
    return (steps.states[start:end] for start, end in pairwise(bounds))


def plain_meta(meta: Mapping[Key, Column], n: int) -> Iterator[dict[str, Json]]:
    """Yield `meta` of each of n rows."""
    tops: dict[str, dict[Key, list[Json]]] = {}
    for key, column in meta.items():
        tops.setdefault(key[0], {})[key[1:]] = column.plain()
    if not tops:
        return (dict[str, Json]() for _ in range(n))
    fields = [_nested(below) for below in tops.values()]
    return (dict(zip(tops, row, strict=True)) for row in zip(*fields, strict=True))


def _nested(below: dict[Key, list[Json]]) -> Iterable[Json]:
    """Return the values of one key: as they are, or in a mapping if it has keys below it."""
    if () in below:
        return below[()]
    names = [key[0] for key in below]
    return (dict(zip(names, row, strict=True)) for row in zip(*below.values(), strict=True))


@final
@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Some rows that follow each other, of one or several tasks."""

    parts: tuple[Part, ...]
    """The rows, those of the same task and shapes together."""

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    @property
    def cells(self) -> int:
        """The cells of all grids."""
        return sum(part.cells for part in self.parts)

    def instances(self) -> Iterator[Instance]:
        """Yield the rows one by one, in order."""
        if len(self.parts) == 1:
            yield from self.parts[0].instances()
            return
        rows: list[Iterator[Instance]] = [part.instances() for part in self.parts]
        turn = np.empty(len(self), np.int64)
        for number, part in enumerate(self.parts):
            turn[part.places] = number
        for number in turn.tolist():
            yield next(rows[number])


def facts_of(batch: Batch, numbers: Order, difficulty: Mapping[str, npt.NDArray[Any]]) -> dict[Key, Column]:
    """Return the `meta` of generated rows: the batch's facts, candidate numbers and figures of difficulty."""
    meta: dict[Key, Column] = {(name,): _fact(fact) for name, fact in batch.facts.items()}
    meta[("candidate",)] = Column("int", numbers)
    for name, figures in difficulty.items():
        meta["difficulty", name] = Column("float", rounded(figures))
    return meta


def _fact(fact: npt.NDArray[Any]) -> Column:
    kinds: dict[str, Kind] = {"b": "bool", "i": "int", "u": "int", "f": "float"}
    kind = kinds.get(fact.dtype.kind, "text")
    if kind == "text":
        return Column(kind, cast("list[str]", fact.tolist()))
    return Column(kind, fact.astype(_DTYPES[kind]))


def rounded(figures: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return `round(figure, DECIMALS)` of each figure.

    The product may be rounded to or past a half. So figures near one, and large ones, are left to Python.
    """
    figures = np.ascontiguousarray(figures, np.float64)
    result, unsure = np.empty(len(figures)), np.empty(len(figures), np.bool_)
    if round_scaled(figures, _SCALE, _EXACT, _DOUBT, result, unsure):
        for place in np.flatnonzero(unsure).tolist():
            result[place] = round(float(figures[place]), DECIMALS) + 0.0
    return result


def kinds_of(rows: Iterable[Columns]) -> dict[Key, Kind]:
    """Return what each key of `meta` holds in any of the rows, and "json" if it holds several kinds."""
    known: dict[Key, Kind] = {}
    for columns in rows:
        for part in columns.parts:
            merge(known, {key: column.kind for key, column in part.meta.items()})
    return known


def merge(known: dict[Key, Kind], kinds: Mapping[Key, Kind]) -> None:
    """Add the kinds of more columns to those that are known."""
    for key, kind in kinds.items():
        known[key] = kind if known.get(key, kind) == kind else "json"


# Columns of rows that exist


def columns_of(instances: Sequence[Instance], steps: bool) -> Columns:
    """Return rows as columns. steps: whether to keep the trajectories."""
    flat = [_flat(row.meta) for row in instances]
    groups: dict[tuple[Any, ...], list[int]] = {}
    for place, (row, meta) in enumerate(zip(instances, flat, strict=True)):
        kinds = tuple((key, kind) for key, (kind, _) in meta.items())
        shapes = (row.question.shape, row.target.shape, row.steps.shape[1:] if steps else None)
        key = (row.task, row.seed, row.split, row.pool, shapes, kinds)
        groups.setdefault(key, []).append(place)
    return Columns(tuple(_part(instances, flat, places, steps) for places in groups.values()))


def _part(
    instances: Sequence[Instance], flat: list[dict[Key, tuple[Kind, Json]]], places: list[int], steps: bool
) -> Part:
    """Return the rows at some places, which are alike."""
    rows = [instances[place] for place in places]
    first = rows[0]
    meta: dict[Key, Column] = {}
    for key, (kind, _) in flat[places[0]].items():
        meta[key] = _column(kind, [flat[place][key][1] for place in places])
    trajectories = None
    if steps:
        lengths = [len(row.steps) for row in rows]
        starts = np.cumsum([0, *lengths], dtype=np.int64)
        trajectories = Trajectories(np.concatenate([row.steps for row in rows]), starts)
    names = (first.task, first.params, first.seed, first.split, first.pool)
    index = np.array([row.index for row in rows], np.int64)
    question, target = np.stack([row.question for row in rows]), np.stack([row.target for row in rows])
    return Part(*names, np.array(places, np.int64), index, question, target, trajectories, meta)


def _column(kind: Kind, values: list[Json]) -> Column:
    return Column(kind, np.array(values, _DTYPES[kind]) if kind in _DTYPES else values)


def _flat(meta: Mapping[str, Json]) -> dict[Key, tuple[Kind, Json]]:
    """Return each figure with its kind, one level deep."""
    flat: dict[Key, tuple[Kind, Json]] = {}
    for name, value in meta.items():
        inner = cast("dict[str, Json]", value) if isinstance(value, dict) else {}
        kinds: dict[str, Kind] = {below: _kind(each) for below, each in inner.items()}
        if inner and "json" not in kinds.values():
            for below, kind in kinds.items():
                flat[name, below] = (kind, inner[below])
        else:
            kind = _kind(value)
            flat[(name,)] = (kind, encoded(value) if kind == "json" else value)
    return flat


def _kind(value: Json) -> Kind:
    match value:
        case bool():
            return "bool"
        case int():
            return "int" if -(1 << 63) <= value < 1 << 63 else "json"
        case float():
            return "float"
        case str():
            return "text"
        case _:
            return "json"


def encoded(value: Json) -> str:
    """Return a value as JSON text."""
    return msgspec.json.encode(value).decode()
