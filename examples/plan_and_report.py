"""Measure a plan and write its report, from Python.

    python examples/plan_and_report.py OUT

A second call continues from what is in OUT.
"""

from __future__ import annotations

import sys
from pathlib import Path

from vizbench.harness.plan.plan import Plan
from vizbench.harness.records.records import read_runs
from vizbench.harness.report.report import write_report
from vizbench.harness.run.run import run
from vizbench.harness.stats.metrics import summaries

if len(sys.argv) != 2:
    sys.exit("give the folder for the run: python examples/plan_and_report.py OUT")
out = Path(sys.argv[1])
plan = Plan(models=("nearest",), tasks=("life/conway", "maze/9"), shots=(3, 30), n_test=20)

run(plan, out)
trials = read_runs([out])
for row in summaries(trials):
    interval = f"[{row.exact_low:.2f}, {row.exact_high:.2f}]"
    shares = f"{row.exact:.2f} exact {interval}, {row.valid:.2f} valid"
    print(f"{row.task:12} {row.model:9} {row.shots:3} shots: {shares}")

write_report(trials, [], out / "report.html")
print(f"report: {out / 'report.html'}")
