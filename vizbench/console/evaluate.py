"""Run the plan of `vizbench eval`: estimate its time, or measure it and print the results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from vizbench.baselines.embedded.worlds import pretraining_overlap
from vizbench.console import arc_tables, results, streams
from vizbench.console.estimates import print_estimate
from vizbench.console.progress import ProgressBars
from vizbench.distributed import env
from vizbench.engines.engine import Engine
from vizbench.engines.shard import Part
from vizbench.errors import UserError
from vizbench.harness.plan.plan import TRIVIAL, Plan
from vizbench.harness.records.records import TrialResult, read_runs, read_unstarted
from vizbench.harness.report.report import write_report
from vizbench.harness.run.estimate import estimate
from vizbench.harness.run.run import run
from vizbench.harness.run.trial import Outcome
from vizbench.harness.run.workers import check_jobs
from vizbench.harness.stats.arc import concepts, solved
from vizbench.harness.stats.incomplete import incomplete_trials
from vizbench.harness.stats.metrics import summaries


def dry_run(plan: Plan, folder: Path, jobs: int, json: bool) -> None:
    """Print the trials of a plan and their estimated time. Writes nothing."""
    check_jobs(jobs)
    if env.world_size() > 1:
        raise UserError("--dry-run estimates the time of one process: start it without a launcher")
    estimates = estimate(plan, folder)
    results.print_dropped(plan.dropped())
    results.print_shots_left_out(plan)
    if json:
        streams.print_json({"trials": estimates, "jobs": jobs, "out": str(folder)})
    else:
        print_estimate(estimates, jobs, folder)


def run_and_report(
    plan: Plan, folder: Path, jobs: int, json: bool, engine: Engine | None, part: Part
) -> None:
    """Measure a plan, write its report and print its tables. Exits with 1 if a trial failed."""
    with ProgressBars() as bars:
        outcomes = run(plan, folder, bars.show, pretraining_overlap, jobs, engine, part)
    report = folder / "report.html"
    trials = _write_report(outcomes, folder, report)
    written = report if trials else None
    if json:
        streams.print_json(_summary(plan, trials, outcomes, folder, written))
    else:
        _print_tables(plan, trials, written)
    _print_notes(plan, trials, outcomes, folder)
    if any(outcome.error for outcome in outcomes):
        raise typer.Exit(1)


def _write_report(outcomes: Sequence[Outcome], folder: Path, report: Path) -> list[TrialResult]:
    """Write the page over all runs in the folder, also of other plans.

    Returns the trials of these outcomes.
    """
    begun = [outcome.directory for outcome in outcomes if outcome.begun]
    if not begun:
        return []
    runs = read_runs([folder])
    write_report(runs, read_unstarted([folder]), report)
    by_directory = {run.directory.resolve(): run for run in runs}
    return [by_directory[directory.resolve()] for directory in begun]


def _summary(
    plan: Plan,
    trials: Sequence[TrialResult],
    outcomes: Sequence[Outcome],
    folder: Path,
    report: Path | None,
) -> dict[str, Any]:
    """Return what `--json` prints."""
    failed = {outcome.directory.name: outcome.error for outcome in outcomes if outcome.error}
    summary: dict[str, Any] = {
        "results": summaries(trials),
        "failed": failed,
        "dropped": plan.dropped(),
        "out": str(folder),
        "report": None if report is None else str(report),
    }
    if plan.protocol_name is not None:
        summary["concepts"] = concepts(trials, TRIVIAL)
        summary["solved"] = solved(trials, TRIVIAL)
    return summary


def _print_tables(plan: Plan, trials: Sequence[TrialResult], report: Path | None) -> None:
    if plan.protocol_name is None:
        results.print_results(summaries(trials), plan.names)
    else:
        arc_tables.table(plan.protocol_name, trials, plan.names)
    results.print_answers([trial for trial in trials if trial.header.trial.model in plan.names])
    if report is not None:
        streams.print_line(f"report: {report}")


def _print_notes(
    plan: Plan, trials: Sequence[TrialResult], outcomes: Sequence[Outcome], folder: Path
) -> None:
    """Print what the tables lack, and why."""
    if plan.protocol_name is None:
        results.print_fewer_questions(trials)
    results.print_dropped(plan.dropped())
    results.print_shots_left_out(plan)
    results.print_left_out(outcomes)
    for outcome in outcomes:
        if outcome.error and outcome.data:
            name = outcome.directory.name
            log = folder / name / "error.txt"
            streams.print_note(f"failed: {name}: {outcome.error} (all of it: {log})")
    results.print_incomplete([trial for trial in incomplete_trials(trials, ()) if not trial.error])
