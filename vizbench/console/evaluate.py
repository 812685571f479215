"""What `vizbench eval` does with a plan: foretell it, or measure it and print what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from vizbench.baselines.embedded.worlds import pretraining_overlap
from vizbench.console import arc_tables, output
from vizbench.console.progress import ProgressBars
from vizbench.distributed import env
from vizbench.errors import UserError
from vizbench.harness.plan.plan import TRIVIAL, Plan
from vizbench.harness.records.records import TrialResult, read_runs, read_unstarted
from vizbench.harness.report.report import write_report
from vizbench.harness.run.estimate import estimate
from vizbench.harness.run.run import run
from vizbench.harness.run.workers import check_jobs
from vizbench.harness.stats.arc import concepts, solved
from vizbench.harness.stats.incomplete import incomplete_trials
from vizbench.harness.stats.metrics import summaries


def dry_run(plan: Plan, folder: Path, jobs: int, json: bool) -> None:
    """Print what the plan will take."""
    check_jobs(jobs)
    if env.world_size() > 1:
        raise UserError("--dry-run tells the time of one process: leave out what launches several")
    found = estimate(plan, folder)
    output.print_dropped(plan.dropped())
    if json:
        output.out_json({"trials": found, "jobs": jobs, "out": str(folder)})
    else:
        output.print_estimate(found, jobs, folder)


def run_and_report(plan: Plan, folder: Path, jobs: int, json: bool) -> None:
    """Measure the plan, write its report and print its tables. Exit 1 where a cell failed."""
    with ProgressBars() as bars:
        outcomes = run(plan, folder, bars.show, pretraining_overlap, jobs)
    report = folder / "report.html"
    begun = [outcome.directory for outcome in outcomes if outcome.begun]
    cells: list[TrialResult] = []
    if begun:
        runs = read_runs([folder])  # those of other plans in the same folder too
        write_report(runs, read_unstarted([folder]), report)
        there = {run.directory.resolve(): run for run in runs}
        cells = [there[directory.resolve()] for directory in begun]
    failed = {outcome.directory.name: outcome.error for outcome in outcomes if outcome.error}
    if json:
        told: dict[str, Any] = {
            "results": summaries(cells),
            "failed": failed,
            "dropped": plan.dropped(),
            "out": str(folder),
            "report": str(report) if begun else None,
        }
        if plan.protocol_name is not None:
            told |= {"concepts": concepts(cells, TRIVIAL), "solved": solved(cells, TRIVIAL)}
        output.out_json(told)
    else:
        if plan.protocol_name is None:
            output.print_results(summaries(cells), plan.names)
        else:
            arc_tables.table(plan.protocol_name, cells, plan.names)
        output.print_answers([cell for cell in cells if cell.header.trial.model in plan.names])
        if begun:
            output.out(f"report: {report}")
    if plan.protocol_name is None:
        output.print_fewer_examples(cells)
    output.print_dropped(plan.dropped())
    output.print_left_out(outcomes)
    for name, error in ((o.directory.name, o.error) for o in outcomes if o.error and o.data):
        output.note(f"failed: {name}: {error} (all of it in {folder / name / 'error.txt'})")
    output.print_incomplete([gap for gap in incomplete_trials(cells, ()) if not gap.error])
    if failed:
        raise typer.Exit(1)
