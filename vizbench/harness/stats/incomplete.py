"""Cells that lack answers: what each lacks and why, for the page, the terminal and a table of their own."""

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
    "task", "model", "checkpoint", "training", "shots", "seed", "attempts", "answers", "asked", "error", "folder",
)  # fmt: skip


@final
@dataclass(frozen=True, slots=True)
class IncompleteTrial:
    """A cell with fewer answers than were asked for."""

    directory: Path
    trial: Trial
    examples: int | None
    """None if the data was to say how many, and could not be had."""
    answers: int
    """How many were given."""
    asked: int | None
    """How many were asked for; None if nobody can say."""
    error: str
    """Why the cell failed, "" if it only stopped."""
    mark: str = ""
    """What tells its model from others of the same label among the gaps."""

    def who(self) -> str:
        """The cell, in words."""
        cell = self.trial
        shots = [] if self.examples is None else [plural(self.examples, "example")]
        named = task_label(cell.task), model_label(cell.model, cell.checkpoint, cell.training, self.mark)
        return ", ".join([*named, *shots, f"seed {cell.seed}"])

    def state(self) -> str:
        """What it has, and why it has no more."""
        have = "not begun" if self.asked is None else f"{self.answers:,} of {plural(self.asked, 'answer')}"
        return f"{have}; {self.error}" if self.error else have


def incomplete_trials(runs: Sequence[TrialResult], lost: Sequence[UnstartedTrial]) -> list[IncompleteTrial]:
    """The cells that lack answers: those begun, then those that could not begin. What another folder has in
    whole is no gap."""
    begun = distinct(runs)
    there = {_same(run.header.trial) for run in begun}
    never = {_same(one.trial): one for one in lost if _same(one.trial) not in there}
    found = [
        *(
            IncompleteTrial(
                run.directory,
                run.header.trial,
                run.header.data.examples,
                len(run.records),
                len(run.questions) * run.header.trial.attempts,
                run.error,
            )
            for run in begun
            if not run.complete
        ),
        *(
            IncompleteTrial(one.directory, one.trial, one.trial.shots, 0, None, one.error)
            for one in never.values()
        ),
    ]
    everyone = [run.header.trial for run in begun] + [gap.trial for gap in found]
    marks = model_marks((cell.model, cell.checkpoint, cell.training) for cell in everyone)
    return [
        replace(gap, mark=marks[gap.trial.model, gap.trial.checkpoint, gap.trial.training]) for gap in found
    ]


def write_incomplete(found: Sequence[IncompleteTrial], path: Path) -> None:
    """Write them as CSV, a row a cell; `asked` is empty where nobody can tell."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    for gap in found:
        cell = gap.trial
        named = cell.task, cell.model, cell.checkpoint, cell.training
        numbers = gap.examples, cell.seed, cell.attempts, gap.answers, gap.asked
        writer.writerow(
            [
                *map(spreadsheet_text, named),
                *numbers,
                spreadsheet_text(gap.error),
                spreadsheet_text(str(gap.directory)),
            ]
        )
    write_atomically(path, out.getvalue().encode("utf-8", "replace"))


def _same(cell: Trial) -> Trial:
    """What two plans may ask of one cell: how many questions is left out."""
    return msgspec.structs.replace(cell, n_test=0)
