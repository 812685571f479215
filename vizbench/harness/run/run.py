"""Measuring a plan: cell by cell, each into a directory of its own, in this process or in several."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from vizbench import loading
from vizbench.distributed import env
from vizbench.errors import UserError
from vizbench.harness.plan.plan import Plan
from vizbench.harness.run.model_cache import ModelCache
from vizbench.harness.run.predict import ModelFaultError, checked, missing_answers
from vizbench.harness.run.trial import (
    Event,
    Job,
    Outcome,
    Reporter,
    planned,
    refuse_change,
    run_trial,
    trial_data,
    write_error,
)
from vizbench.harness.run.workers import check_jobs, run_all
from vizbench.model import CheckedModel, Model, ModelRef, load_model


def run(
    plan: Plan,
    out: Path,
    report: Callable[[Event], None] | None = None,
    pretraining_overlap: Callable[[str], str | None] | None = None,
    jobs: int = 1,
) -> list[Outcome]:
    """Measure every cell of `plan` under `out`; what is there is kept, what is missing is added.

    report: told of every step; pretraining_overlap: task -> "near: …", "far: …" or None, for the tables;
    jobs: processes, each with a model of its own. A cell fails alone, by its model or its data; error.txt in
    its directory says why. UserError: a changed plan, saying what changed, a model that cannot be built, or
    that refuses all its cells, each before anything is written; a plan without any data; a cell in use by
    another process; a disk that refuses. After Ctrl-C or a kill the same call goes on."""
    check_jobs(jobs)
    env.check(jobs, env.size())
    report = report or _silent
    cells = plan.trials()
    places = [
        Job(
            cell,
            out / cell.directory,
            plan.limit,
            pretraining_overlap(cell.task) if pretraining_overlap else None,
            number,
            len(cells),
        )
        for number, cell in enumerate(cells, 1)
    ]
    for place in places:
        refuse_change(place.directory, planned(place.trial))
    models = _models(places)
    if jobs > 1:
        del models  # they could be built; each process builds its own
        outcomes = run_all(places, jobs, report)
    else:
        load, stage = lru_cache(maxsize=64)(loading.load), ModelCache(models)
        del models  # the stage lets them go one by one
        outcomes = [run_trial(place, load, stage, report) for place in places]
    lost = [
        (place, outcome.error or "")
        for place, outcome in zip(places, outcomes, strict=True)
        if not outcome.data
    ]
    if len(lost) == len(outcomes):
        raise UserError(lost[0][1])
    for place, error in lost:
        write_error(place.directory, place.trial, error)
        Reporter(report, place)("failed", message=error)
    return outcomes


def _models(places: list[Job]) -> dict[ModelRef, Model[Any]]:
    """The models of the cells that lack answers. UserError for one that cannot be built, or refuses all its
    cells."""
    refs = dict.fromkeys(_ref(p) for p in places if missing_answers(p.directory, p.trial, p.limit) != [])
    models = {ref: load_model(ref.name, ref.checkpoint) for ref in refs}
    for ref, model in models.items():
        if isinstance(model, CheckedModel):
            _refuse_misfit(model, [place for place in places if _ref(place) == ref])
    return models


def _refuse_misfit(model: CheckedModel[Any], places: list[Job]) -> None:
    """UserError where a model refuses what every one of its cells would show it: it serves the plan no more
    than one that cannot be built. The first cell that it takes, or has done, is enough; the others may fail
    alone."""
    misfit: UserError | None = None
    for place in places:
        cell = place.trial
        if missing_answers(place.directory, cell, place.limit) == []:
            return
        try:
            asking = trial_data(cell, loading.load)
        except (
            Exception
        ):  # of a file, of a space that is too small, of a room: told when the cell is measured
            continue
        try:
            checked(asking, model)
            return
        except ModelFaultError as error:
            if not isinstance(error.__cause__, UserError):
                return  # its code is broken: each cell leaves the traceback
            shots = "" if cell.shots is None else f" at n = {cell.shots:,}"
            misfit = misfit or UserError(f"{cell.model} cannot adapt to {cell.task}{shots}: {error}")
    if misfit:
        raise misfit


def _ref(place: Job) -> ModelRef:
    return ModelRef(place.trial.model, place.trial.checkpoint)


def _silent(event: Event) -> None:
    del event
