"""Measure the size of a report and how fast it opens and reacts.

    python -m benchmarks.page

Needs Chromium and Playwright. The report has 33 tasks with 11 numbers of shots, two made-up models and the
trivial baselines, and 200 questions each: 2,904 trials, 580,800 answers.

Prints the CPU seconds to write the report, its size, and in four lines the seconds to open it and the
milliseconds until a filter, a sort and the next question show. The report counts as open when its table is
filled and the first question is drawn. Goals: below 3 s, and below 100 ms.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

SHOTS = (3, 5, 10, 30, 50, 100, 300, 500, 1000, 3000, 5000)
QUESTIONS, ROUNDS = 200, 4
MODELS = ("video", "text", "copy", "blank", "majority", "random", "nearest", "solver")
MEASURE = """async () => {
  const timed = async act => {
    const start = performance.now();
    await act();
    document.body.offsetHeight; // lays the page out
    return performance.now() - start;
  };
  const filter = await timed(() => {
    $("filter").value = "life";
    $("filter").dispatchEvent(new Event("input"));
  });
  const sort = await timed(() => document.querySelectorAll("#results-table thead button")[5].click());
  return [filter, sort, await timed(() => go(1))].map(Math.round);
}"""


def main() -> None:
    """Write the report, then open it."""
    from vizbench.harness.plan.suites import SUITES
    from vizbench.harness.report.report import render_report
    from vizbench.task.registry import tasks

    known = tasks()
    paper = [task for task in SUITES["paper"] if task in known]
    chosen = [*paper, *(task for task in known if task not in paper)][:33]
    trials = [trial for task in chosen for trial in _trials(task)]
    clock = time.process_time()
    text = render_report(trials)
    spent = time.process_time() - clock
    size = len(text.encode()) / 1e6
    print(f"{len(chosen)} tasks, {len(trials):,} trials: {size:.1f} MB, {spent:.1f} s of CPU to write")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        path.write_text(text)
        _open(path)


def _open(path: Path) -> None:
    """Open the report several times, and print how long each action takes."""
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
            filtered, sorted_, stepped = page.evaluate(MEASURE)
            actions = f"filter {filtered} ms, sort {sorted_} ms, next {stepped} ms"
            print(f"open {opened:.2f} s, {actions} (load {os.getloadavg()[0]:.1f})")
            page.close()
        browser.close()


def _trials(task: str) -> list[Any]:
    """Return results as they would be read back from disk.

    The models learn along a made-up curve, and their errors are scattered over the grid.
    """
    import vizbench as vb
    from vizbench.formats.lookup import verifier_and_params
    from vizbench.formats.rows import Row
    from vizbench.harness.plan.plan import Trial
    from vizbench.harness.records.records import DataInfo, Header, Record, TaskInfo, TrialResult
    from vizbench.task.registry import params_json

    # What all trials of the task share.
    verifier, params = verifier_and_params(task)
    instances = vb.load(task, seed=0).test.head(QUESTIONS)
    rows = [
        Row(i.id, task, 0, "test", i.index, i.question.tolist(), i.target.tolist(), [], {}) for i in instances
    ]
    plain_params = msgspec.json.decode(msgspec.json.encode(params_json(params)))
    info = TaskInfo(verifier.version, plain_params, verifier.look.palette)

    random = np.random.default_rng(0)
    trials: list[Any] = []
    for model in MODELS:
        for level, shots in enumerate(SHOTS):
            records: list[Record] = []
            for k, instance in enumerate(instances):
                grid: Any = _answer(model, level, k, instances, verifier.codes, random)
                same_shape = grid.shape == instance.target.shape
                share = float((grid == instance.target).mean()) if same_shape else 0.0
                exact = share == 1.0
                reason = "" if exact else f"{round((1 - share) * grid.size)} of {grid.size} cells differ"
                records.append(
                    Record(instance.id, 0, exact, exact, share, reason, {}, grid.tolist(), False, 0.02)
                )
            trial = Trial(task, model, "none", shots, 0, QUESTIONS, 1)
            header = Header(1, trial, info, DataInfo("", shots, QUESTIONS), None, None, "", {})
            trials.append(TrialResult(Path("nowhere"), header, rows, [], records, ""))
    return trials


def _answer(model: str, level: int, k: int, instances: Any, codes: int, random: Any) -> Any:
    """Return the answer of a model to question k. level: how far along its curve it is."""
    target = instances[k].target
    fixed = {
        "copy": instances[k].question,
        "blank": np.zeros_like(target),
        "majority": instances[0].target,
        "nearest": instances[(k * 7 + level) % len(instances)].target,
        "solver": target,
    }
    if model in fixed:
        return fixed[model]
    if model == "random":
        return np.random.default_rng(k).integers(0, codes, target.shape, np.uint8)
    if random.random() < level / len(SHOTS):
        return target
    wrong = random.random(target.shape) < 0.08
    return (target + wrong) % codes


if __name__ == "__main__":
    main()
