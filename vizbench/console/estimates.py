"""Print the trials of a plan, their data and their estimated time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vizbench._util.text import plural
from vizbench.console.streams import print_line, print_note
from vizbench.console.tables import print_table

if TYPE_CHECKING:
    from vizbench.harness.plan.plan import Trial
    from vizbench.harness.run.estimate import Estimate

FREE: Final = 0.1
"""Seconds. Trials that take less share one line."""


def print_estimate(estimates: Sequence[Estimate], jobs: int, folder: Path) -> None:
    """Print one line per trial that takes time, one line for all others, then the total time."""
    from vizbench.harness.run.estimate import total

    free = [each for each in estimates if _is_free(each)]
    folded = free if len(free) > 1 else []
    rows: list[tuple[str, str, str, str, str]] = []
    for each in estimates:
        if each not in folded:
            counts = _number(each.shots), _number(each.questions), f"{each.answers:,}"
            rows.append((trial_name(each.trial), *counts, _time(each)))
    if folded:
        rows.append(_folded(folded))
    print_table(("trial", "shots", "questions", "to answer", "time"), rows)

    # The sums below the table.
    incomplete = sum(each.answers > 0 for each in estimates)
    answers = sum(each.answers for each in estimates)
    print_line()
    left = f"{incomplete:,} of them incomplete: {plural(answers, 'answer')} missing"
    print_line(f"{plural(len(estimates), 'trial')} under {folder}, {left}")
    seconds = total(estimates)
    parallel = f", {span(seconds / jobs)} with {jobs} processes" if jobs > 1 else ""
    print_line(f"about {span(seconds)} with one process{parallel}")
    print_line("Times: measured on a few optimizer steps and answers. ~: mean of the model's other tasks")
    unknown = sum(each.seconds is None for each in estimates)
    if unknown:
        print_note(f"the time of {plural(unknown, 'trial')} is not known, and is not in the total")


def _is_free(estimate: Estimate) -> bool:
    return not estimate.problem and estimate.seconds is not None and estimate.seconds < FREE


def _folded(free: Sequence[Estimate]) -> tuple[str, str, str, str, str]:
    """Return one line for all trials that take almost no time: their number, models, data and state."""
    models = ", ".join(dict.fromkeys(each.trial.model for each in free))
    done = sum(each.state == "done" for each in free)
    if done == len(free):
        time = "done"
    else:
        time = f"under {FREE} s each" + (f", {done:,} done" if done else "")
    data = _range(each.shots for each in free), _range(each.questions for each in free)
    answers = f"{sum(each.answers for each in free):,}"
    return f"{plural(len(free), 'trial')} of {models}", *data, answers, time


def _range(values: Iterable[int | None]) -> str:
    """Return the numbers of several trials: one number, or the least and the most."""
    known = sorted({value for value in values if value is not None})
    if not known:
        return "?"
    return " to ".join(f"{value:,}" for value in dict.fromkeys((known[0], known[-1])))


def _time(estimate: Estimate) -> str:
    if estimate.state == "done":
        return "done"
    if estimate.seconds is None:
        return estimate.problem or "not known"
    return ("" if estimate.measured else "~") + span(estimate.seconds)


def _number(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"


def span(seconds: float) -> str:
    """Return a time in the unit that suits it."""
    for unit, length in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} s"


def trial_name(trial: Trial) -> str:
    """Return a trial in one line: model, task, shots, seed. Checkpoints are written as in `--model`."""
    from vizbench.harness.records.labels import NONE
    from vizbench.model import DEFAULT

    model = trial.model if trial.checkpoint in (NONE, DEFAULT) else f"{trial.model}={trial.checkpoint}"
    shots = "" if trial.shots is None else f", {plural(trial.shots, 'shot')}"
    return f"{model} on {trial.task}{shots}" + (f", seed {trial.seed}" if trial.seed else "")
