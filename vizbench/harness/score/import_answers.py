"""Saved answers of an outside model as a run, so that a report shows it beside models that were run here.

Its cell holds the very questions that a plan would ask: they are made anew and compared, and a folder that
asked others of the task is refused. What an outside model saw in training nobody can check: its examples are
its owner's word."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from vizbench import loading
from vizbench._util.files import disk_errors, folder_lock, write_atomically
from vizbench._util.text import plural
from vizbench.dataset import POOL
from vizbench.errors import UserError
from vizbench.formats import registry
from vizbench.formats.rows import Row, encode
from vizbench.harness.plan.plan import TRIVIAL, Trial
from vizbench.harness.records.labels import NONE
from vizbench.harness.records.provenance import data_digest
from vizbench.harness.records.records import Record, below, read_header, read_log, read_trial
from vizbench.harness.run.predict import TrialData
from vizbench.harness.run.trial import header_of, trial_data
from vizbench.harness.score.score import ScoredRow, ScoreSheet
from vizbench.types import Instance

MOST_ROWS: Final = 10_000
"""As many questions as a plan may ask of a cell."""

MOST_SHOTS: Final = 5000


def import_score_sheet(sheet: ScoreSheet, out: Path, name: str, shots: int | None) -> Path:
    """Write the marked answers of the model `name` as a cell under `out`; its directory.

    shots: the examples that the model was trained on, 0 … MOST_SHOTS, the first of the task's train rows;
    None: as an ARC file brings them, else 0. A row without an answer is a wrong one, as in the score.
    UserError for a process, for rows that no plan would ask, for other questions than `out` asked of the
    task, and where the cell is there with other answers; with the same ones it is left alone."""
    asking = _asking(_cell(sheet, name, shots))
    if data_digest(asking.test) != data_digest(one.row for one in sheet.marked):
        raise UserError(
            f"the data set does not hold the test rows that this vizbench makes of {asking.trial.task[:120]}: generate "
            "it again"
        )
    _refuse_mixing(out, asking)
    directory = out / asking.trial.directory
    with disk_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
    records = [_record(one, one.row.id in sheet.given.answers) for one in sheet.marked]
    with folder_lock(directory):
        if (directory / "run.json").exists():
            _refuse_change(directory, asking, records)
            return directory
        questions = b"".join(encode(instance, steps=False) + b"\n" for instance in asking.test)
        write_atomically(directory / "questions.jsonl", questions)
        write_atomically(
            directory / "records.jsonl", b"".join(msgspec.json.encode(one) + b"\n" for one in records)
        )
        # last, because it makes the folder a run: a process that is killed before leaves none
        header = header_of(asking, None, None)
        write_atomically(directory / "run.json", msgspec.json.format(msgspec.json.encode(header)) + b"\n")
    return directory


def _cell(sheet: ScoreSheet, name: str, shots: int | None) -> Trial:
    recipe, rows = sheet.spec, len(sheet.marked)
    if sheet.process:
        raise UserError("a run holds answers and no processes: leave --process out, or --out")
    if recipe.split != "test":
        raise UserError("the data set holds train rows, which no run asks: generate one with --split test")
    if rows > MOST_ROWS:
        raise UserError(
            f"the data set has {rows:,} rows and a run asks {MOST_ROWS:,} at most: generate a smaller one"
        )
    if (
        name in TRIVIAL
        or name.endswith(".py")
        or ".py:" in name
        or not name.isprintable()
        or not 0 < len(name) <= 80
    ):
        raise UserError(f"name {name[:80]!r} is no name for an outside model: choose another, e.g. sora-2")
    corpus = registry.is_corpus(recipe.task)
    if corpus and shots is not None:
        raise UserError("ARC files bring their own examples: leave --shots out")
    if not 0 <= (shots or 0) <= MOST_SHOTS:
        raise UserError(f"shots {shots} is outside 0 … {MOST_SHOTS}: 0 stands for none, or not known")
    return Trial(
        recipe.task,
        name,
        NONE,
        None if corpus else shots or 0,
        recipe.seed,
        rows,
        1,
        pool=POOL if corpus else recipe.pool,
    )


def _asking(cell: Trial) -> TrialData:
    """The cell's data as a plan would have it; without examples, which no plan asks for, the test rows
    alone."""
    if cell.shots != 0:
        return trial_data(cell, loading.load_recorded)
    data = loading.load_recorded(cell.task, cell.seed, cell.pool)
    return TrialData(cell, data.verifier, data.params, (), (), data.test.head(cell.n_test))


def _refuse_mixing(out: Path, asking: TrialData) -> None:
    """UserError where cells under `out` asked this task, and none of them these questions."""
    cell, fault = asking.trial, ""
    mine = [(instance.id, instance.question.tolist(), instance.target.tolist()) for instance in asking.test]
    for path in below(out, "run.json"):
        header = read_header(path.parent)
        if header.trial.task != cell.task:
            continue
        rows, _ = read_log(path.parent / "questions.jsonl", Row)
        if [(row.id, row.question, row.target) for row in rows] == mine:
            return
        theirs = f"{out} asked {plural(len(rows), 'question')} of {cell.task[:120]}, seed {header.trial.seed}"
        fault = (
            fault or f"{theirs}, and the data set holds {_differs(header.trial.seed, len(rows), asking.test)}"
        )
    if fault:
        raise UserError(
            f"{fault}, and figures of other questions do not stand side by side: give another --out"
        )


def _differs(seed: int, count: int, test: Sequence[Instance]) -> str:
    """What the data set has in place of so many questions of that seed."""
    if test[0].seed != seed:
        return f"seed {test[0].seed}"
    return f"{len(test):,} of them" if len(test) != count else "others"


def _record(one: ScoredRow, given: bool) -> Record:
    """given: whether there was an answer: one that is missing is wrong, and none that could not be read."""
    verdict = one.verdict
    return Record(
        id=one.row.id,
        attempt=0,
        valid=bool(verdict.valid),
        exact=bool(verdict.exact),
        cells=float(verdict.cells),
        reason=verdict.reason,
        parts={name: float(value) for name, value in verdict.parts.items()},
        answer=None if one.grid is None else one.grid.tolist(),
        undecodable=given and one.grid is None,
        seconds=0.0,
        trajectory=tuple(state.tolist() for state in one.trajectory),
    )


def _refuse_change(directory: Path, asking: TrialData, records: Sequence[Record]) -> None:
    """UserError where the cell that is there has other data or other answers."""
    there = read_trial(directory)
    if there.header.trial != asking.trial or list(there.records) != list(records):
        raise UserError(
            f"{directory} holds other answers of {asking.trial.model}: give another --name or --out, or remove it"
        )
