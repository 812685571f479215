"""Run a plan: trial by trial, each in a directory of its own, in this process or in several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, final

from vizbench import loading
from vizbench.distributed import env
from vizbench.engines.engine import Engine
from vizbench.engines.schedule import each, results
from vizbench.engines.shard import WHOLE, Part
from vizbench.errors import UserError
from vizbench.harness.plan.plan import TRIVIAL, Plan, Trial
from vizbench.harness.records import parts
from vizbench.harness.run.codec import check_shows_process, require_eyes, require_reader
from vizbench.harness.run.model_cache import ModelCache
from vizbench.harness.run.predict import ModelFaultError, checked, missing_answers
from vizbench.harness.run.remote import needs_of, run_remotely
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
    engine: Engine | None = None,
    part: Part = WHOLE,
) -> list[Outcome]:
    """Run every trial of `plan` under `out`. Existing answers are kept, missing ones are added.

    If one trial fails because of its model or its data, the others continue. `error.txt` in its directory
    says why. After Ctrl-C or a kill the same call continues, on the same engine or on another.

    report: called at every step.
    pretraining_overlap: task -> "near: …", "far: …" or None, for the tables.
    jobs: number of processes, each with a model of its own.
    engine: runs the trials elsewhere, in place of `jobs`. Only this process writes.
    part: the trials to run. `records.parts.merge` puts the parts together.

    Raises UserError before anything is written if the plan differs from the one under `out`, or if a model
    cannot be built or refuses all its trials. Also raises UserError if no task has data, if another process
    uses a trial's directory, or if the disk cannot be written.
    """
    check_jobs(jobs)
    env.check_jobs(jobs, env.world_size())
    report = report or _silent

    # Refuse what cannot run, before anything is written.
    description = parts.describe(part, plan.trials(), plan.limit)
    parts.refuse_other_part(out, description)
    queue = part.of(_jobs(plan, out, pretraining_overlap))
    for job in queue:
        refuse_change(job.directory, planned(job.trial))
    checks = _checks(queue)
    models = _models(checks, engine)
    plan.check_questions([trial for check in checks for trial in check.trials])  # last: it may take minutes

    # Run the trials.
    if description is not None:
        parts.save(out, description)
    if engine is not None:
        outcomes = run_remotely(queue, engine, report)
    elif jobs > 1:
        del models  # this only showed that they can be built: each process builds its own
        outcomes = run_all(queue, jobs, report)
    else:
        load, model_cache = lru_cache(maxsize=64)(loading.load), ModelCache(models)
        del models  # the cache drops them one by one
        outcomes = [run_trial(job, load, model_cache, report) for job in queue]

    # Report the trials without data. They are an error of the plan if there are no others.
    without_data = [pair for pair in zip(queue, outcomes, strict=True) if not pair[1].data]
    if part.is_whole and len(without_data) == len(outcomes):
        raise UserError(outcomes[0].error or "")
    for job, outcome in without_data:
        write_error(job.directory, job.trial, outcome.error or "")
        Reporter(report, job)("failed", message=outcome.error or "")
    return outcomes


def _jobs(plan: Plan, out: Path, pretraining_overlap: Callable[[str], str | None] | None) -> list[Job]:
    """Return the trials of a plan as jobs, numbered from 1."""
    trials = plan.trials()
    jobs: list[Job] = []
    for number, trial in enumerate(trials, 1):
        overlap = pretraining_overlap(trial.task) if pretraining_overlap else None
        jobs.append(Job(trial, out / trial.directory, plan.limit, overlap, number, len(trials)))
    return jobs


@final
@dataclass(frozen=True, slots=True)
class _Check:
    """A model to build, and the trials that it is for."""

    ref: ModelRef
    """The model."""
    trials: tuple[Trial, ...]
    """Its trials that lack answers."""
    is_used: bool
    """Whether it has completed a trial."""


def _models(checks: Sequence[_Check], engine: Engine | None) -> dict[ModelRef, Model[Any]]:
    """Build models where they will run. Returns those built here.

    Raises UserError if a model cannot be built, cannot read the prompt, sees no pictures if a look is
    asked, or refuses all its trials.
    """
    here = [check for check in checks if engine is None or check.ref.name in TRIVIAL]
    models = {check.ref: _built(check) for check in here}
    if engine is not None:
        elsewhere = iter([check for check in checks if check not in here])
        for _ in results(
            engine, each(_build_there), elsewhere, needs=lambda check: needs_of(check.trials[0])
        ):
            pass
    return models


def _checks(jobs: Sequence[Job]) -> list[_Check]:
    """Return the models of the trials that lack answers, each once."""
    incomplete: dict[ModelRef, list[Trial]] = {}
    used: set[ModelRef] = set()
    for job in jobs:
        if missing_answers(job.directory, job.trial, job.limit) == []:
            used.add(_ref(job))
        else:
            incomplete.setdefault(_ref(job), []).append(job.trial)
    return [_Check(ref, tuple(trials), ref in used) for ref, trials in incomplete.items()]


def _build_there(check: _Check) -> None:
    _built(check)


def _built(check: _Check) -> Model[Any]:
    """Build a model. Raises UserError if it cannot be built, or does not fit its trials."""
    ref = check.ref
    model = load_model(ref.name, ref.checkpoint)
    if any(trial.prompt == "task" for trial in check.trials):
        require_reader(model, f"{ref.name[:80]}={ref.checkpoint[:80]}")
    if any(trial.supervision == "process" for trial in check.trials):
        _refuse_without_process(ref, model)
    if any(trial.look != "paper" for trial in check.trials):
        require_eyes(model, f"{ref.name[:80]}={ref.checkpoint[:80]}")
    if isinstance(model, CheckedModel) and not check.is_used:
        _refuse_misfit(model, check.trials)
    return model


def _refuse_without_process(ref: ModelRef, model: Model[Any]) -> None:
    """Raise UserError if a model cannot show a process."""
    try:
        check_shows_process(model)
    except UserError as error:
        raise UserError(f"{ref.name}={ref.checkpoint} cannot be shown processes: {error}") from None


def _refuse_misfit(model: CheckedModel[Any], trials: Sequence[Trial]) -> None:
    """Raise UserError if a model refuses the examples of every one of its trials.

    Such a model is of no more use to the plan than one that cannot be built. One trial that it accepts is
    enough; the others then fail one by one.
    """
    misfit: UserError | None = None
    for trial in trials:
        try:
            data = trial_data(trial, loading.load)
        except Exception:  # no data: reported when the trial is run
            continue
        try:
            checked(data, model)
            return
        except ModelFaultError as error:
            if not isinstance(error.__cause__, UserError):
                return  # the model's code is broken: each trial keeps the traceback
            shots = "" if trial.shots is None else f" at n = {trial.shots:,}"
            misfit = misfit or UserError(f"{trial.model} cannot adapt to {trial.task}{shots}: {error}")
    if misfit:
        raise misfit


def _ref(job: Job) -> ModelRef:
    return ModelRef(job.trial.model, job.trial.checkpoint)


def _silent(event: Event) -> None:
    del event
