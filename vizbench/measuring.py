"""What `vizbench eval` does with a plan: foretell it, or measure it and print the tables."""

from __future__ import annotations

from pathlib import Path

from vizbench import console
from vizbench.harness.plan import Plan


def foretell(plan: Plan, folder: Path, jobs: int, json: bool) -> None:
    """Print what the plan will take."""
    from vizbench.harness.forecast import forecast
    from vizbench.harness.jobs import check_jobs

    check_jobs(jobs)
    found = forecast(plan, folder)
    if json:
        console.out_json({"cells": found, "jobs": jobs, "out": str(folder)})
    else:
        console.forecast(found, jobs, folder)


def measure(plan: Plan, folder: Path, jobs: int, json: bool) -> bool:
    """Measure the plan, write its report and print its tables. Says whether every cell was measured."""
    from vizbench.baselines.worlds import kin
    from vizbench.harness.metrics import summaries
    from vizbench.harness.records import read_cell
    from vizbench.harness.report import write_report
    from vizbench.harness.run import run

    try:
        with console.Bars() as bars:
            outcomes = run(plan, folder, bars.show, kin, jobs)
    except KeyboardInterrupt:
        console.note(f"stopped; the same command again goes on from what is in {folder}")
        raise
    report = folder / "report.html"
    begun = [outcome.directory for outcome in outcomes if outcome.begun]
    if begun:
        write_report(begun, report)
    cells = [read_cell(directory) for directory in begun]
    failed = {outcome.directory.name: outcome.error for outcome in outcomes if outcome.error}
    if json:
        console.out_json({"results": summaries(cells), "failed": failed, "out": str(folder), "report": str(report)})
    else:
        console.results(summaries(cells), plan.models)
        console.answers([cell for cell in cells if cell.header.cell.model in plan.models])
        console.out(f"report: {report}")
    console.fewer(cells)
    for name, error in failed.items():
        console.note(f"failed: {name}: {error} (all of it in {folder / name / 'error.txt'})")
    return not failed
