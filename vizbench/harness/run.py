"""Measuring a plan: cell by cell, each into a directory of its own, in this process or in several."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from vizbench import sources
from vizbench.errors import UserError
from vizbench.harness import team
from vizbench.harness.asking import missing
from vizbench.harness.cell import Event, Outcome, Place, Teller, measure, planned, refuse_change, write_error
from vizbench.harness.jobs import check_jobs, measure_all
from vizbench.harness.model import Model
from vizbench.harness.plan import Plan
from vizbench.harness.plugin import load_model


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
    plan, saying what changed, or a model that cannot be built, both before anything is written; a plan without any
    data; a cell in use by another process; a disk that refuses. After Ctrl-C or a kill the same call goes on.
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
    models = _models(places)
    if jobs > 1:
        models.clear()  # they could be built; each process builds its own
        outcomes = measure_all(places, jobs, report)
    else:
        load = lru_cache(maxsize=64)(sources.load)

        def built(name: str, checkpoint: str) -> Model[Any]:
            return models[name, checkpoint]

        outcomes = [measure(place, load, built, report) for place in places]
    lost = [(place, outcome.error or "") for place, outcome in zip(places, outcomes, strict=True) if not outcome.data]
    if len(lost) == len(outcomes):
        raise UserError(lost[0][1])
    for place, error in lost:
        write_error(place.directory, place.cell, error)
        Teller(report, place)("failed", message=error)
    return outcomes


def _models(places: list[Place]) -> dict[tuple[str, str], Model[Any]]:
    """The models of the cells that lack answers."""
    refs = dict.fromkeys(
        (p.cell.model, p.cell.checkpoint) for p in places if missing(p.directory, p.cell, p.limit) != []
    )
    return {ref: load_model(*ref) for ref in refs}


def _silent(event: Event) -> None:
    del event
