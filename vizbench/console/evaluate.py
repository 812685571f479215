"""What `vizbench eval` does with a plan: foretell it, or measure it and print what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from vizbench.baselines.embedded.worlds import kin
from vizbench.console import arc_tables, output
from vizbench.console.progress import Bars
from vizbench.distributed import env
from vizbench.errors import UserError
from vizbench.harness.plan.plan import TRIVIAL, Plan
from vizbench.harness.records.records import CellRun, read_lost, read_runs
from vizbench.harness.report.report import write_report
from vizbench.harness.run.estimate import forecast
from vizbench.harness.run.run import run
from vizbench.harness.run.workers import check_jobs
from vizbench.harness.stats.arc import concepts, solved
from vizbench.harness.stats.incomplete import gaps
from vizbench.harness.stats.metrics import summaries


def foretell(plan: Plan, folder: Path, jobs: int, json: bool) -> None:
    """Print what the plan will take."""
    check_jobs(jobs)
    if env.size() > 1:
        raise UserError("--dry-run tells the time of one process: leave out what launches several")
    found = forecast(plan, folder)
    output.dropped(plan.dropped())
    if json:
        output.out_json({"cells": found, "jobs": jobs, "out": str(folder)})
    else:
        output.forecast(found, jobs, folder)


def measure(plan: Plan, folder: Path, jobs: int, json: bool) -> None:
    """Measure the plan, write its report and print its tables. Exit 1 where a cell failed."""
    with Bars() as bars:
        outcomes = run(plan, folder, bars.show, kin, jobs)
    report = folder / "report.html"
    begun = [outcome.directory for outcome in outcomes if outcome.begun]
    cells: list[CellRun] = []
    if begun:
        runs = read_runs([folder])  # those of other plans in the same folder too
        write_report(runs, read_lost([folder]), report)
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
            output.results(summaries(cells), plan.names)
        else:
            arc_tables.table(plan.protocol_name, cells, plan.names)
        output.answers([cell for cell in cells if cell.header.cell.model in plan.names])
        if begun:
            output.out(f"report: {report}")
    if plan.protocol_name is None:
        output.fewer(cells)
    output.dropped(plan.dropped())
    output.left_out(outcomes)
    for name, error in ((o.directory.name, o.error) for o in outcomes if o.error and o.data):
        output.note(f"failed: {name}: {error} (all of it in {folder / name / 'error.txt'})")
    output.unfinished([gap for gap in gaps(cells, ()) if not gap.error])
    if failed:
        raise typer.Exit(1)
