"""Size of a report and seconds until it can be used: `python -m benchmarks.page` (needs Chromium and
Playwright).

33 tasks at 11 budgets, two made-up models and the trivial baselines, 200 questions each: 2,904 cells, 580,800
answers. A page counts as open when its table is filled and the first question is drawn. Targets: under 3 s,
and 100 ms until a filter, a sort or the next question shows."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

BUDGETS = (3, 5, 10, 30, 50, 100, 300, 500, 1000, 3000, 5000)
QUESTIONS, ROUNDS = 200, 4
MODELS = ("video", "text", "copy", "blank", "majority", "random", "nearest", "solver")
SECONDS = """async () => {
  const timed = async act => {
    const start = performance.now();
    await act();
    document.body.offsetHeight; // lays the page out
    return performance.now() - start;
  };
  const filter = await timed(() => { $("filter").value = "life"; $("filter").dispatchEvent(new Event("input")); });
  const sort = await timed(() => document.querySelectorAll("#results-table thead button")[5].click());
  return [filter, sort, await timed(() => go(1))].map(Math.round);
}"""


def main() -> None:
    """Print what it takes to write the report, its size, and what it takes to open and use it."""
    from vizbench.harness.plan.suites import SUITES
    from vizbench.harness.report.report import render_report
    from vizbench.task import tasks

    known = tasks()
    wanted = [task for task in SUITES["paper"] if task in known]
    wanted = [*wanted, *(task for task in known if task not in wanted)][:33]
    cells = [cell for task in wanted for cell in _cells(task)]
    clock = time.process_time()
    text = render_report(cells)
    spent = time.process_time() - clock
    print(
        f"{len(wanted)} tasks, {len(cells):,} cells: {len(text.encode()) / 1e6:.1f} MB, {spent:.1f} s of CPU to write"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        path.write_text(text)
        _open(path)


def _open(path: Path) -> None:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for _ in range(ROUNDS):
            page = browser.new_page()
            clock = time.perf_counter()
            page.goto(f"file://{path}")
            page.wait_for_selector("#viewer[data-shown]", state="attached")
            opened = time.perf_counter() - clock
            filtered, sorted_, stepped = page.evaluate(SECONDS)
            load = os.getloadavg()[0]
            print(
                f"open {opened:.2f} s, filter {filtered} ms, sort {sorted_} ms, next {stepped} ms (load {load:.1f})"
            )
            page.close()
        browser.close()


def _cells(task: str) -> list[Any]:
    """Cells as they would be read back. Models learn along a made-up curve; their errors are scattered
    cells."""
    import vizbench as vb
    from vizbench.formats.registry import verifier_and_params
    from vizbench.formats.rows import Row
    from vizbench.harness.plan.plan import Trial
    from vizbench.harness.records.records import DataInfo, Header, Record, TaskInfo, TrialResult
    from vizbench.task import params_json

    verifier, params = verifier_and_params(task)
    asked = vb.load(task, seed=0).test.head(QUESTIONS)
    rows = [
        Row(i.id, task, 0, "test", i.index, i.question.tolist(), i.target.tolist(), [], {}) for i in asked
    ]
    info = TaskInfo(
        verifier.version, msgspec.json.decode(msgspec.json.encode(params_json(params))), verifier.look.palette
    )
    random = np.random.default_rng(0)
    cells: list[Any] = []
    for model in MODELS:
        for level, shots in enumerate(BUDGETS):
            records: list[Record] = []
            for k, instance in enumerate(asked):
                grid: Any = _answer(model, level, k, asked, verifier.codes, random)
                cells_right = (
                    float((grid == instance.target).mean()) if grid.shape == instance.target.shape else 0.0
                )
                exact = cells_right == 1.0
                reason = (
                    "" if exact else f"{round((1 - cells_right) * grid.size)} of {grid.size} cells differ"
                )
                records.append(
                    Record(instance.id, 0, exact, exact, cells_right, reason, {}, grid.tolist(), False, 0.02)
                )
            cell = Trial(task, model, "none", shots, 0, QUESTIONS, 1)
            head = Header(1, cell, info, DataInfo("", shots, QUESTIONS), None, None, "", {})
            cells.append(TrialResult(Path("nowhere"), head, rows, [], records, ""))
    return cells


def _answer(model: str, level: int, k: int, asked: Any, codes: int, random: Any) -> Any:
    target = asked[k].target
    fixed = {
        "copy": asked[k].question,
        "blank": np.zeros_like(target),
        "majority": asked[0].target,
        "nearest": asked[(k * 7 + level) % len(asked)].target,
        "solver": target,
    }
    if model in fixed:
        return fixed[model]
    if model == "random":
        return np.random.default_rng(k).integers(0, codes, target.shape, np.uint8)
    if random.random() < level / len(BUDGETS):
        return target
    wrong = random.random(target.shape) < 0.08
    return (target + wrong) % codes


if __name__ == "__main__":
    main()
