"""Measuring a plan: cell by cell, each into a directory of its own."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast, final

import msgspec

from vizbench import sources
from vizbench.dataset import Dataset, Split
from vizbench.errors import UserError
from vizbench.formats.rows import encode
from vizbench.harness.asking import Asking, ModelFault, answer_all, missing
from vizbench.harness.model import Model, Progress
from vizbench.harness.plan import Cell, Plan
from vizbench.harness.plugin import load_model
from vizbench.harness.provenance import data_digest, environment, now
from vizbench.harness.records import FORMAT, DataInfo, Header, TaskInfo, read_header
from vizbench.harness.storage import disk_errors, locked, write_whole
from vizbench.task import params_json
from vizbench.types import Instance, Json

Kind: TypeAlias = Literal["start", "skip", "adapt", "predict", "done", "failed"]


@final
@dataclass(frozen=True, slots=True)
class Event:
    """What happens in a run, for whoever shows it.

    position: the cell's number, from 1, of `cells`. done, total: steps (adapt) or questions (predict); loss: the
    latest, where the model tells it; message: why the cell failed.
    """

    kind: Kind
    cell: Cell
    position: int
    cells: int
    done: int = 0
    total: int = 0
    loss: float | None = None
    message: str = ""


@final
@dataclass(frozen=True, slots=True)
class Outcome:
    """How a cell ended. error: None where it was measured, else why the model failed (error.txt has all of it)."""

    cell: Cell
    directory: Path
    error: str | None


def run(
    plan: Plan, out: Path, report: Callable[[Event], None] | None = None, kin: Callable[[str], str] | None = None
) -> list[Outcome]:
    """Measure every cell of `plan` under `out`; what is there is kept, what is missing is added.

    report: told of every step; kin: task -> "near: …" or "far: …", for the tables. A model that fails,
    fails its cell alone. UserError: a changed plan, saying what changed, or a model that cannot be built, both before
    anything is written; a cell in use by another process; a disk that refuses. After Ctrl-C or a kill the same call
    goes on.
    """
    cells = plan.cells()
    places = [_Place(cell, out / cell.directory, plan.limit) for cell in cells]
    for place in places:
        _refuse_change(place.directory, {"cell": place.cell})
    refs = dict.fromkeys(
        (p.cell.model, p.cell.checkpoint) for p in places if missing(p.directory, p.cell, p.limit) != []
    )
    models = {ref: load_model(*ref) for ref in refs}
    load = lru_cache(maxsize=64)(sources.load)
    outcomes: list[Outcome] = []
    for number, place in enumerate(places, 1):
        cell = place.cell
        tell = _Teller(report or _silent, cell, number, len(places))
        asking = _asking(cell, load(cell.task, cell.seed))
        model = models.get((cell.model, cell.checkpoint))
        outcomes.append(_measure(place, asking, model, kin(cell.task) if kin else None, tell))
    return outcomes


@final
@dataclass(frozen=True, slots=True)
class _Place:
    """A cell, where it goes, and after how many questions it stops."""

    cell: Cell
    directory: Path
    limit: int | None


@final
@dataclass(frozen=True, slots=True)
class _Teller:
    """Makes the events of one cell."""

    report: Callable[[Event], None]
    cell: Cell
    position: int
    cells: int

    def __call__(self, kind: Kind, at: Progress | None = None, message: str = "") -> None:
        done, total, loss = (0, 0, None) if at is None else (at.done, at.total, at.loss)
        self.report(Event(kind, self.cell, self.position, self.cells, done, total, loss, message))


def _silent(event: Event) -> None:
    del event


def _measure(place: _Place, asking: Asking, model: Model[Any] | None, kin: str | None, tell: _Teller) -> Outcome:
    """Bring one cell as far as it goes. model: None where no question is open."""
    cell, directory = place.cell, place.directory
    header = _header(cell, asking, model, kin)
    _refuse_change(directory, {"cell": cell, "task": header.task, "data": header.data} | _weights(header))
    if model is None or missing(directory, cell, place.limit) == []:
        tell("skip")
        return Outcome(cell, directory, None)
    tell("start")
    with disk_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
    with locked(directory):
        if not (directory / "run.json").exists():
            rows = b"".join(encode(instance, steps=False) + b"\n" for instance in asking.test)
            write_whole(directory / "questions.jsonl", rows)
            write_whole(directory / "run.json", msgspec.json.format(msgspec.json.encode(header)) + b"\n")
        error = directory / "error.txt"
        try:
            answer_all(directory, asking, model, missing(directory, cell, place.limit), tell)
        except ModelFault as fault:
            story = [str(fault).replace("\n", " "), "\n\n", *traceback.format_exception(fault)]
            write_whole(error, "".join(story).encode("utf-8", "replace"))
            tell("failed", message=str(fault))
            return Outcome(cell, directory, str(fault))
        error.unlink(missing_ok=True)
    tell("done")
    return Outcome(cell, directory, None)


def _asking(cell: Cell, dataset: Dataset) -> Asking:
    """The cell's data. UserError where there are not enough examples."""
    train = dataset.train.count if cell.shots is None else cell.shots
    return Asking(cell, dataset.judge, dataset.params, _head(dataset.train, train), _head(dataset.test, cell.n_test))


def _head(split: Split, n: int | None) -> tuple[Instance, ...]:
    """The first n rows, or all that a file has."""
    if split.count is not None:
        n = split.count if n is None else min(n, split.count)
    if not n:
        raise UserError(
            f"{split.recipe.task[:120]} has no {split.name} rows whose answer is known: choose another task"
        )
    return split.head(n)


def _header(cell: Cell, asking: Asking, model: Model[Any] | None, kin: str | None) -> Header:
    digest = data_digest([*asking.train, *asking.test])
    task = TaskInfo(sources.version_of(asking.judge), _json(asking.params), asking.judge.look.palette)
    data = DataInfo(digest, len(asking.train), len(asking.test))
    return Header(FORMAT, cell, task, data, model.weights if model else None, kin, now(), environment())


def _json(params: Any) -> Json:
    """Parameters as they read after a way through JSON, so that they compare equal."""
    return msgspec.json.decode(msgspec.json.encode(params_json(params)))


def _weights(header: Header) -> dict[str, Any]:
    return {"weights": header.weights} if header.weights else {}


def _refuse_change(directory: Path, wanted: Mapping[str, Any]) -> None:
    """UserError where the directory holds a cell that differs in these parts of its header; says in what."""
    if not (directory / "run.json").exists():
        return
    old = _flat(msgspec.to_builtins(read_header(directory)))
    new = _flat(msgspec.to_builtins(wanted))
    changed = [
        f"{key.removeprefix('cell.')} was {old.get(key)}, is {value}"
        for key, value in new.items()
        if old.get(key) != value
    ]
    if changed:
        raise UserError(
            f"{directory} was measured by another plan ({'; '.join(changed)}): give that plan again, or another --out"
        )


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    """Nested objects as one, the keys joined by dots."""
    if not isinstance(value, dict):
        return {name: value}
    inner = cast("dict[str, Any]", value)
    dot = "." if name else ""
    return {path: leaf for key, item in inner.items() for path, leaf in _flat(item, f"{name}{dot}{key}").items()}
