"""List the trials that lack answers: what each lacks and why, for the page, the terminal and a CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import msgspec

from vizbench._util.files import write_atomically
from vizbench._util.text import plural
from vizbench.harness.plan.plan import Trial
from vizbench.harness.records.labels import model_label, model_marks, spreadsheet_text, task_label
from vizbench.harness.records.records import TrialResult, UnstartedTrial
from vizbench.harness.stats.metrics import distinct

_COLUMNS = (
    "task", "model", "checkpoint", "training", "shots", "seed", "attempts", "answers", "asked", "error",
    "folder",
)  # fmt: skip


@final
@dataclass(frozen=True, slots=True)
class IncompleteTrial:
    """A trial with fewer answers than were asked for."""

    directory: Path
    """Where its records are."""
    trial: Trial
    """The trial."""
    shots: int | None
    """Number of training examples. None if it depends on data that could not be made."""
    answers: int
    """Answers given."""
    asked: int | None
    """Answers asked for. None if it depends on data that could not be made."""
    error: str
    """Why the trial failed. "" if it only stopped."""
    mark: str = ""
    """What keeps its model apart from others of the same label in this list."""

    def who(self) -> str:
        """Return the trial in words."""
        trial = self.trial
        parts = [
            task_label(trial.task),
            model_label(trial.model, trial.checkpoint, trial.training, self.mark),
        ]
        if self.shots is not None:
            parts.append(plural(self.shots, "shot"))
        return ", ".join([*parts, f"seed {trial.seed}"])

    def state(self) -> str:
        """Return what it has, and why it has no more."""
        have = "not begun" if self.asked is None else f"{self.answers:,} of {plural(self.asked, 'answer')}"
        return f"{have}; {self.error}" if self.error else have


def incomplete_trials(
    runs: Sequence[TrialResult], unstarted: Sequence[UnstartedTrial]
) -> list[IncompleteTrial]:
    """Return the trials that lack answers: those that have begun, then those that could not begin.

    A trial that another folder holds complete is not incomplete.
    """
    begun = distinct(runs)
    incomplete = [_begun(run) for run in begun if not run.complete]
    known = {_without_questions(run.header.trial) for run in begun}
    latest = {_without_questions(one.trial): one for one in unstarted}
    incomplete += [_unstarted(one) for trial, one in latest.items() if trial not in known]
    everyone = [run.header.trial for run in begun] + [one.trial for one in incomplete]
    marks = model_marks((trial.model, trial.checkpoint, trial.training) for trial in everyone)
    marked: list[IncompleteTrial] = []
    for one in incomplete:
        mark = marks[one.trial.model, one.trial.checkpoint, one.trial.training]
        marked.append(replace(one, mark=mark))
    return marked


def write_incomplete(incomplete: Sequence[IncompleteTrial], path: Path) -> None:
    """Write the trials as CSV, one row per trial. `shots` and `asked` are empty if they are not known."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    for one in incomplete:
        trial = one.trial
        texts = trial.task, trial.model, trial.checkpoint, trial.training
        numbers = one.shots, trial.seed, trial.attempts, one.answers, one.asked
        ends = one.error, str(one.directory)
        writer.writerow([*map(spreadsheet_text, texts), *numbers, *map(spreadsheet_text, ends)])
    write_atomically(path, out.getvalue().encode("utf-8", "replace"))


def _begun(run: TrialResult) -> IncompleteTrial:
    header = run.header
    asked = len(run.questions) * header.trial.attempts
    return IncompleteTrial(run.directory, header.trial, header.data.shots, len(run.records), asked, run.error)


def _unstarted(one: UnstartedTrial) -> IncompleteTrial:
    return IncompleteTrial(one.directory, one.trial, one.trial.shots, 0, None, one.error)


def _without_questions(trial: Trial) -> Trial:
    """Return the trial without the number of questions, which two plans may choose differently."""
    return msgspec.structs.replace(trial, n_test=0)
