"""Measuring a plan: cell by cell, each into a directory of its own, in this process or in several."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

from vizbench import sources
from vizbench.errors import UserError
from vizbench.harness import team
from vizbench.harness.asking import Asking, context_of, missing, sentence
from vizbench.harness.cell import (
    Event,
    LoadData,
    Outcome,
    Place,
    Teller,
    data_of,
    measure,
    planned,
    refuse_change,
    write_error,
)
from vizbench.harness.channel import channel_for
from vizbench.harness.jobs import check_jobs, measure_all
from vizbench.harness.model import CheckedModel, Model, Progress
from vizbench.harness.plan import Plan
from vizbench.harness.plugin import load_model

Ref: TypeAlias = tuple[str, str]
"""A model and a checkpoint, by their names."""


def run(
    plan: Plan,
    out: Path,
    report: Callable[[Event], None] | None = None,
    kin: Callable[[str], str] | None = None,
    jobs: int = 1,
) -> list[Outcome]:
    """Measure every cell of `plan` under `out`; what is there is kept, what is missing is added.

    report: told of every step; kin: task -> "near: …" or "far: …", for the tables; jobs: processes, each with a model
    of its own. A cell fails alone, by its model or its data; error.txt in its directory says why. UserError: a changed
    plan, saying what changed, a model that cannot be built, or that refuses the examples of all its cells, each before
    anything is written; a plan without any data; a cell in use by another process; a disk that refuses. After Ctrl-C
    or a kill the same call goes on.
    """
    check_jobs(jobs)
    team.check(jobs, team.size())
    report = report or _silent
    cells = plan.cells()
    places = [
        Place(cell, out / cell.directory, plan.limit, kin(cell.task) if kin else None, number, len(cells))
        for number, cell in enumerate(cells, 1)
    ]
    for place in places:
        refuse_change(place.directory, planned(place.cell))
    open_places = [place for place in places if missing(place.directory, place.cell, place.limit) != []]
    models = {ref: load_model(*ref) for ref in dict.fromkeys(map(_ref, open_places))}  # in the cells' order
    load = lru_cache(maxsize=64)(sources.load)
    refused = _refused(open_places, models, load)
    for place in places:
        if place.position in refused:
            _fail(place, refused[place.position], report)
    able = [place for place in places if place.position not in refused]
    if jobs > 1:
        models.clear()  # they could be built; each process builds its own
        measured = measure_all(able, jobs, report)
    else:

        def built(name: str, checkpoint: str) -> Model[Any]:
            while next(iter(models)) != (name, checkpoint):  # cells come model by model
                models.pop(next(iter(models)))
                gc.collect()  # a large one may fit only where the one before is gone
            return models[name, checkpoint]

        measured = [measure(place, load, built, report) for place in able]
    lost = [(place, outcome.error or "") for place, outcome in zip(able, measured, strict=True) if not outcome.data]
    if len(lost) == len(measured):
        raise UserError(lost[0][1])
    for place, error in lost:
        _fail(place, error, report)
    outcomes = dict(zip((place.position for place in able), measured, strict=True))
    return [
        outcomes.get(place.position) or Outcome(place.cell, place.directory, refused[place.position])
        for place in places
    ]


def _fail(place: Place, error: str, report: Callable[[Event], None]) -> None:
    """Write down and tell why a cell was not begun."""
    write_error(place.directory, place.cell, error)
    Teller(report, place)("failed", message=error)


def _refused(places: list[Place], models: Mapping[Ref, Model[Any]], load: LoadData) -> dict[int, str]:
    """Why models refuse the examples of these cells, by the cell's position; nothing is written or loaded for it.
    UserError where a model refuses all that it could be shown: it fits this plan no more than one that cannot be built.
    """
    found: dict[int, str] = {}
    shown: dict[Ref, list[int]] = {}
    for place in places:
        model = models[_ref(place)]
        asking = _data(place, load) if isinstance(model, CheckedModel) else None
        if isinstance(model, CheckedModel) and asking:
            shown.setdefault(_ref(place), []).append(place.position)
            error = _refusal(model, asking)
            found |= {place.position: error} if error else {}
    for positions in shown.values():
        if found.keys() >= set(positions):
            raise UserError(found[positions[0]])
    return found


def _data(place: Place, load: LoadData) -> Asking | None:
    """A cell's data, None where it cannot be had: that is told when the cell is measured."""
    try:
        return data_of(place.cell, load)
    except Exception:  # of a file, of a space that is too small, of a room
        return None


def _refusal(model: CheckedModel[Any], asking: Asking) -> str | None:
    """Why a model refuses the examples of a cell."""
    try:
        channel = channel_for(model, asking.judge, asking.shown, [instance.question for instance in asking.test])
        model.check(channel.examples(asking.shown), context_of(asking, _silent))
    except Exception as error:  # a model's code may fail in any way
        return sentence("checking its examples", error)
    return None


def _ref(place: Place) -> Ref:
    """The cell's model and checkpoint."""
    return place.cell.model, place.cell.checkpoint


def _silent(said: Event | Progress) -> None:
    del said
