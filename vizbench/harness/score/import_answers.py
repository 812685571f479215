"""Keep saved answers of an outside model as a run, so that a report shows them beside other models.

The trial holds the very questions that a plan would ask. They are made again and compared, and a folder that
asked other questions of the task is refused. Nobody can check what an outside model saw in training: the
number of shots is its owner's word.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from vizbench import loading
from vizbench._util.files import disk_errors, write_atomically
from vizbench._util.locks import folder_lock
from vizbench._util.text import plural
from vizbench.dataset.mixture import is_mixture
from vizbench.dataset.splits import POOL
from vizbench.errors import UserError
from vizbench.formats import lookup
from vizbench.formats.rows import Row, encode
from vizbench.harness.plan.plan import TRIVIAL, Trial
from vizbench.harness.records.labels import NONE
from vizbench.harness.records.provenance import data_digest
from vizbench.harness.records.records import Record, below, read_header, read_log, read_trial
from vizbench.harness.run.predict import TrialData, finite
from vizbench.harness.run.trial import header_of, trial_data
from vizbench.harness.score.score import ScoredRow, ScoreSheet
from vizbench.types import Instance

MAX_ROWS: Final = 10_000
"""Questions that a plan may ask in one trial."""

MAX_SHOTS: Final = 5000
"""Shots that a plan may give to one trial."""

MAX_NAME: Final = 80
"""Characters of a model's name."""


def import_score_sheet(sheet: ScoreSheet, out: Path, name: str, shots: int | None) -> Path:
    """Write the scored answers of the model `name` as a trial under `out`, and return its directory.

    shots: how many of the task's train rows, from the first, the model was trained on: 0 … MAX_SHOTS. None
    means as many as an ARC file brings, else 0.

    A row without an answer counts as wrong, as in the score. A trial that holds the same answers already is
    not changed. Raises UserError if the sheet is of trajectories, if no plan would ask its rows, if `out`
    asked other questions of the task, or if the trial holds other answers.
    """
    data = _data_of(_trial(sheet, name, shots))
    if data_digest(data.test) != data_digest(row.instance for row in sheet.rows):
        raise UserError(
            "the data set does not hold the test rows that this vizbench makes of "
            f"{data.trial.task[:120]}: generate it again"
        )
    _refuse_other_questions(out, data)

    directory = out / data.trial.directory
    with disk_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
    records = [_record(row, row.instance.id in sheet.predictions.answers) for row in sheet.rows]
    with folder_lock(directory):
        if (directory / "run.json").exists():
            _refuse_change(directory, data, records)
            return directory
        questions = b"".join(encode(instance, steps=False) + b"\n" for instance in data.test)
        write_atomically(directory / "questions.jsonl", questions)
        lines = b"".join(msgspec.json.encode(record) + b"\n" for record in records)
        write_atomically(directory / "records.jsonl", lines)
        # The header is last, because it makes the folder a run: a process that is killed before leaves none.
        header = header_of(data, None, None)
        write_atomically(directory / "run.json", msgspec.json.format(msgspec.json.encode(header)) + b"\n")
    return directory


def _trial(sheet: ScoreSheet, name: str, shots: int | None) -> Trial:
    """Return the trial that the sheet is. Raises UserError if no plan would have it."""
    # Refuse what no plan asks.
    spec, rows = sheet.spec, len(sheet.rows)
    if sheet.process:
        raise UserError("a run holds answers and no processes: leave --process out, or --out")
    if is_mixture(spec.task):
        raise UserError("a run is of one task and the data set is a mixture: leave --out out")
    if spec.split != "test":
        raise UserError("the data set holds train rows, which no run asks: generate one with --split test")
    if rows > MAX_ROWS:
        raise UserError(
            f"the data set has {rows:,} rows and a run asks {MAX_ROWS:,} at most: generate a smaller one"
        )
    if not _is_model_name(name):
        raise UserError(f"name {name[:80]!r} is no name for an outside model: choose another, e.g. sora-2")

    # Shots are the owner's word. ARC files bring theirs.
    corpus = lookup.is_corpus(spec.task)
    if corpus and shots is not None:
        raise UserError("ARC files bring their own examples: leave --shots out")
    if not 0 <= (shots or 0) <= MAX_SHOTS:
        raise UserError(f"shots {shots} is outside 0 … {MAX_SHOTS}: 0 means none, or not known")
    return Trial(
        spec.task,
        name,
        NONE,
        None if corpus else shots or 0,
        spec.seed,
        rows,
        1,
        pool=POOL if corpus else spec.pool,
        look=sheet.look,
    )


def _is_model_name(name: str) -> bool:
    """Return whether a name can be that of an outside model: no baseline's, and no file of a model."""
    if name in TRIVIAL or name.endswith(".py") or ".py:" in name:
        return False
    return name.isprintable() and 0 < len(name) <= MAX_NAME


def _data_of(trial: Trial) -> TrialData:
    """Return the trial's data as a plan would have it.

    Without shots, which no plan asks for, it holds only the test rows.
    """
    if trial.shots != 0:
        return trial_data(trial, loading.load_recorded)
    data = loading.load_recorded(trial.task, trial.seed, trial.pool)
    return TrialData(trial, data.verifier, data.params, (), (), data.test.head(trial.n_test))


def _refuse_other_questions(out: Path, data: TrialData) -> None:
    """Raise UserError if trials under `out` asked this task, and none of them these questions."""
    trial, fault = data.trial, ""
    questions = [(row.id, row.question.tolist(), row.target.tolist()) for row in data.test]
    for path in below(out, "run.json"):
        header = read_header(path.parent)
        if header.trial.task != trial.task:
            continue
        rows, _ = read_log(path.parent / "questions.jsonl", Row)
        if [(row.id, row.question, row.target) for row in rows] == questions:
            return
        if not fault:  # the first one is reported
            seed, count = header.trial.seed, len(rows)
            asked = f"{out} asked {plural(count, 'question')} of {trial.task[:120]}, seed {seed}"
            fault = f"{asked}, and the data set holds {_difference(seed, count, data.test)}"
    if fault:
        raise UserError(f"{fault}, and figures of other questions cannot be compared: give another --out")


def _difference(seed: int, count: int, test: Sequence[Instance]) -> str:
    """Return what the data set holds in place of `count` questions of a seed."""
    if test[0].seed != seed:
        return f"seed {test[0].seed}"
    return f"{len(test):,} of them" if len(test) != count else "others"


def _record(row: ScoredRow, answered: bool) -> Record:
    """Return a row's record.

    answered: whether there is an answer. A missing one is wrong, but not undecodable.
    """
    verdict = row.verdict
    trajectory = tuple(state.tolist() for state in row.trajectory)
    return Record(
        id=row.instance.id,
        attempt=0,
        valid=bool(verdict.valid),
        exact=bool(verdict.exact),
        cells=float(verdict.cells),
        reason=verdict.reason,
        parts=finite(verdict.parts),
        answer=None if row.grid is None else row.grid.tolist(),
        undecodable=answered and row.grid is None,
        seconds=0.0,
        trajectory=trajectory,
        figures=finite(verdict.figures),
    )


def _refuse_change(directory: Path, data: TrialData, records: Sequence[Record]) -> None:
    """Raise UserError if the trial on disk has other data or other answers."""
    kept = read_trial(directory)
    if kept.header.trial != data.trial or list(kept.records) != list(records):
        raise UserError(
            f"{directory} holds other answers of {data.trial.model}: "
            "give another --name or --out, or remove it"
        )
