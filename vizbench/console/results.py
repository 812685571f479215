"""Print the results of runs as tables, what the tables lack, and a few answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from vizbench._util.text import escape_control, plural
from vizbench.console.pictures import print_pictures
from vizbench.console.streams import print_line, print_note
from vizbench.console.tables import draw, print_table

if TYPE_CHECKING:  # importing these would double the time of `vizbench --help`
    from rich.table import Table

    from vizbench.harness.plan.plan import Plan
    from vizbench.harness.records.records import TrialResult
    from vizbench.harness.run.trial import Outcome
    from vizbench.harness.stats.incomplete import IncompleteTrial
    from vizbench.harness.stats.metrics import Summary
    from vizbench.harness.stats.model_key import ModelKey

MAX_PICTURES: Final = 3
"""The most instances that `eval` draws in the terminal. The report has them all."""

MAX_REASONS: Final = 20
"""The most reasons that are printed one by one. The rest are counted."""


def print_results(rows: Sequence[Summary], asked: Sequence[str]) -> None:
    """Print one table per task. The models in `asked` are bold, and the trivial baselines are beside them."""
    from vizbench.harness.stats.metrics import leaks

    for task, origin in dict.fromkeys((row.task, row.origin) for row in rows):
        of_task = [row for row in rows if (row.task, row.origin) == (task, origin)]
        _print_task(of_task, asked)

    # The notes below the tables.
    leaky: list[str] = []
    for task, row in leaks(rows).items():
        leaky.append(f"{task} ({row.model} {row.valid:.1%} valid, n {row.n:,})")
    if leaky:
        print_line()
        print_line(f"leaky: a trivial baseline solves {', '.join(leaky)}")
    print_line()
    print_line("near, far: whether the embedded models were pretrained on a similar task")
    if any((row.pretraining_overlap or "").startswith("inside") for row in rows):
        print_line("inside: they were, or may have been, pretrained on the rule of the task itself")


def _print_task(rows: Sequence[Summary], asked: Sequence[str]) -> None:
    """Print the heading of a task, the known errors of its data, and its table."""
    first = rows[0]
    overlap = (first.pretraining_overlap or "near or far unknown").partition(":")[0]
    print_line()
    print_line(f"{first.task}{', ' if first.origin else ''}{first.origin} ({overlap})")
    for flaw in first.flagged:
        print_line(f"flagged: {flaw}")
    attempts = sorted({row.attempts for row in rows if row.attempts > 1})
    if attempts:
        print_line("exact, valid: of first attempts; @k: one of k answers, unbiased")
    draw(_table_of_task(rows, attempts, asked))


def _table_of_task(rows: Sequence[Summary], attempts: Sequence[int], asked: Sequence[str]) -> Table:
    """Return the table of one task. attempts: the numbers of answers per question above 1."""
    from rich.table import Table
    from rich.text import Text

    from vizbench.harness.report.curves import model_of

    at_k = [f"{metric}@{k}" for metric in ("exact", "valid") for k in attempts]
    cells = [] if attempts else ["cells"]  # 80 columns do not hold both. The report has both
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("model", overflow="fold", min_width=8)
    for title in ("shots", "n", "exact [95% interval]", "valid", *cells, *at_k, "adapted in"):
        table.add_column(title, justify="right", no_wrap=True)
    names = _names_of_models(rows)
    for row in sorted(rows, key=lambda row: row.shots):
        table.add_row(
            Text(names[model_of(row)]),
            *_figures(row, attempts),
            style="bold" if row.model in asked else None,
        )
    return table


def _figures(row: Summary, attempts: Sequence[int]) -> list[str]:
    """Return the figures of a row, in the order of the columns."""
    figures = [
        str(row.shots),
        str(row.n),
        f"{row.exact:.3f} [{row.exact_low:.3f}, {row.exact_high:.3f}]",
        f"{row.valid:.3f}",
    ]
    if not attempts:
        figures.append(f"{row.cells:.3f}")
    for shares in (row.exact_at, row.valid_at):
        for k in attempts:
            figures.append(f"{shares[k]:.3f}" if k in shares else "")
    figures.append(f"{row.seconds:.0f} s" if row.seconds >= 0.5 else "")
    return figures


def _names_of_models(rows: Sequence[Summary]) -> dict[ModelKey, str]:
    """Return the name of each model of a table: name and checkpoint, or a longer label if two are alike."""
    from vizbench.harness.report.curves import label_of, model_of

    names: dict[ModelKey, str] = {}
    for row in rows:
        is_default = row.checkpoint in ("none", "default")
        names[model_of(row)] = escape_control(row.model if is_default else f"{row.model} {row.checkpoint}")
    count = Counter(names.values())
    return {model: name if count[name] == 1 else label_of(model) for model, name in names.items()}


def print_fewer_questions(trials: Sequence[TrialResult]) -> None:
    """Report tasks that have fewer test questions than the plan asks for. The model answers all of them."""
    headers = [trial.header for trial in trials]
    short = [header for header in headers if header.data.questions < header.trial.n_test]
    if not short:
        return
    tasks = len({header.trial.task for header in short})
    counts = sorted({header.data.questions for header in short})
    number = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    print_note(
        f"{plural(tasks, 'task has', 'tasks have')} fewer test questions than the "
        f"{short[0].trial.n_test:,} asked for: {number}, all of which were used"
    )


def print_flagged(trials: Sequence[TrialResult]) -> None:
    """Name the measured tasks whose data has known errors. They count in the figures."""
    from vizbench.harness.stats.metrics import flaws

    rows: list[tuple[str, str]] = []
    for trial in trials:
        for flaw in flaws([trial]):
            rows.append((trial.header.trial.task, flaw))
    rows = list(dict.fromkeys(rows))
    if rows:
        tasks = len({task for task, _ in rows})
        print_line(
            f"flagged: {plural(tasks, 'task')} with a known error in the data, included in these figures"
        )
        print_table(("task", "what is wrong"), rows)


def print_dropped(known: Mapping[str, Sequence[str]]) -> None:
    """Name the tasks that the plan drops because their data has known errors."""
    for task, flaws in known.items():
        print_note(f"dropped as flagged: {task}: {'; '.join(flaws)}")


def print_shots_left_out(plan: Plan) -> None:
    """Name the baselines that are left out at 0 shots."""
    from vizbench.harness.plan.plan import NEED_EXAMPLES

    if 0 in plan.shots:
        print_note(f"0 shots: {' and '.join(NEED_EXAMPLES)} are left out, because they answer from examples")


def print_left_out(outcomes: Sequence[Outcome]) -> None:
    """Report and count the tasks that could not be read, with the reason."""
    reasons = {outcome.trial.task: outcome.error or "" for outcome in outcomes if not outcome.data}
    if not reasons:
        return
    for reason in list(dict.fromkeys(reasons.values()))[:MAX_REASONS]:
        print_note(f"left out: {reason}")
    tasks = len({outcome.trial.task for outcome in outcomes})
    print_note(f"left out: {len(reasons):,} of {plural(tasks, 'task')}; the error.txt of each trial says why")


def print_incomplete(trials: Sequence[IncompleteTrial]) -> None:
    """Name at most MAX_REASONS trials that lack answers, each with its error, and count them all."""
    for trial in trials[:MAX_REASONS]:
        print_note(f"incomplete: {trial.who()}: {trial.state()}")
    if trials:
        count = plural(len(trials), "trial")
        print_note(f"incomplete: {count} in all; the same `vizbench eval` continues them")


def print_answers(trials: Sequence[TrialResult]) -> None:
    """Print at most MAX_PICTURES questions with their targets and answers."""
    import numpy as np

    from vizbench.formats.lookup import verifier_of

    # Of each task and model, the trial with the most shots.
    last = {(trial.header.trial.task, trial.header.trial.model): trial for trial in trials}
    shown = list(last.values())[:MAX_PICTURES]
    for trial in shown:
        questions = {question.id: question for question in trial.questions}
        for record in trial.records[: MAX_PICTURES // len(shown)]:
            question = questions[record.id]
            verdict = "exact" if record.exact else record.reason or "valid"
            print_line()
            print_line(f"{record.id}  {trial.header.trial.model}: {verdict}")
            answer = None if record.answer is None else np.array(record.answer, np.uint8)
            grids = {
                "question": np.array(question.question, np.uint8),
                "target": np.array(question.target, np.uint8),
                "answer": answer,
            }
            print_pictures(grids, verifier_of(record.id.partition("#")[0]).look)
    print_line()
