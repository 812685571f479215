"""Judging saved answers of any outside model, apart from running one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast, final

import msgspec
import numpy as np

from vizbench._util.text import escape_non_utf8
from vizbench.dataset import SplitSpec
from vizbench.errors import UserError
from vizbench.formats import manifest as manifests
from vizbench.formats.reader import read
from vizbench.formats.registry import verifier_and_params
from vizbench.harness.run.codec import MAX_TRAJECTORY, MAX_TRAJECTORY_CELLS, GridCodec, changing
from vizbench.harness.score import clips
from vizbench.harness.score.predictions import (
    VIDEOS,
    Kind,
    OneAnswer,
    Pictures,
    Predictions,
    read_predictions,
)
from vizbench.harness.stats import decode_failures
from vizbench.harness.stats.intervals import wilson
from vizbench.renderers.decode import decode
from vizbench.renderers.layout import Shape
from vizbench.renderers.pictures import read_png
from vizbench.renderers.text import from_text
from vizbench.task import Task, Verifier
from vizbench.types import Decoded, DecodeFailure, Grid, Instance, Verdict

MAX_PICTURES: Final = 1024
"""Pictures of one row that are read as a process."""

_MISSING = Verdict(False, False, 0.0, "there is no answer")


@final
class Score(msgspec.Struct, frozen=True):
    """What saved answers are worth. valid, exact, cells: means over all rows, missing ones counted as wrong;
    ..._low, ..._high: 95% Wilson intervals.

    kind: how the answers lay; process: whether all states on the way were judged, or the last alone. answered
    + missing = rows; undecodable: of the answered, those that hold no grid; undecodable_by: these by kind of
    reason; unknown: answers to rows that the data set lacks, `strangers` are the first of their names;
    duplicates: answers to a row that had one; broken: lines that cannot be read; keyless: lines without the
    key `answer`; faults: the first of these lines, with the reasons."""

    task: str
    kind: Kind
    process: bool
    rows: int
    answered: int
    missing: int
    undecodable: int
    undecodable_by: dict[str, int]
    unknown: int
    strangers: list[str]
    duplicates: int
    broken: int
    keyless: int
    faults: list[str]
    valid: float
    valid_low: float
    valid_high: float
    exact: float
    exact_low: float
    exact_high: float
    cells: float


@final
class Scored(msgspec.Struct, frozen=True):
    """The score, and a verdict for each row by its id, in the data set's order."""

    score: Score
    verdicts: dict[str, Verdict]


@final
@dataclass(frozen=True, slots=True, eq=False)
class ScoredRow:
    """A row with what was answered. grid: the answer's, None where none could be read, or a process was
    judged; way: of a video, what its frames before the last show (`channel.way_of`)."""

    row: Instance
    verdict: Verdict
    grid: Grid | None
    trajectory: tuple[Grid, ...] = ()


@final
@dataclass(frozen=True, slots=True, eq=False)
class ScoreSheet:
    """Every row of a data set, marked. undecodable: how many answers hold no grid; undecodable_by: these by
    reason."""

    spec: SplitSpec
    process: bool
    given: Predictions
    marked: tuple[ScoredRow, ...]
    undecodable: int
    undecodable_by: dict[str, int]


def score(predictions: Path, dataset: Path, process: bool = False) -> Scored:
    """What the answers in `predictions` to the data set in the folder `dataset` are worth, as `score_rows`
    judges them."""
    return summarize(score_rows(predictions, dataset, process))


def score_rows(predictions: Path, dataset: Path, process: bool = False) -> ScoreSheet:
    """Judge the answers in `predictions` to the data set in the folder `dataset`.

    predictions: a file of JSON Lines or a folder, as `predictions.read_predictions` takes them; of a video
    the last frame is the answer, of several pictures of a row the last one. process: judge every state on the
    way, the frames of a video, the pictures of a row or a list of grids in a line, by the task's rules for
    moves, in a game up to its end. A file that cannot be read is a wrong answer with a reason. UserError for
    what `read_predictions` and `formats.read` refuse, and for a process where there can be none."""
    manifest = manifests.load(dataset)
    verifier, _ = verifier_and_params(manifest.spec.task)
    mover = _mover(verifier, manifest.spec.task) if process else None
    given = read_predictions(predictions, manifest.spec, manifest.rows)
    if process and given.kind == "pictures":
        raise UserError(f"{predictions} holds pictures, and a picture is no process: leave --process out")
    marked: list[ScoredRow] = []
    lost: list[str] = []
    for row in read(dataset):
        if row.id not in given.answers:
            marked.append(ScoredRow(row, _MISSING, None))
            continue
        answer = given.answers[row.id]
        found = _judged(verifier, row, answer) if mover is None else _judged_way(mover, row, answer)
        if isinstance(found, DecodeFailure):
            lost.append(found.reason)
            found = ScoredRow(row, Verdict(False, False, 0.0, escape_non_utf8(found.reason)), None)
        marked.append(found)
    return ScoreSheet(manifest.spec, process, given, tuple(marked), len(lost), decode_failures.by_kind(lost))


def summarize(sheet: ScoreSheet) -> Scored:
    """The sheet's figures, and its verdicts by row."""
    given = sheet.given
    verdicts = {one.row.id: one.verdict for one in sheet.marked}
    rows, answered = len(verdicts), len(given.answers)
    valid, exact = (sum(getattr(v, what) for v in verdicts.values()) for what in ("valid", "exact"))
    (valid_low, valid_high), (exact_low, exact_high) = wilson(valid, rows), wilson(exact, rows)
    summary = Score(
        task=sheet.spec.task,
        kind=given.kind,
        process=sheet.process,
        rows=rows,
        answered=answered,
        missing=rows - answered,
        undecodable=sheet.undecodable,
        undecodable_by=sheet.undecodable_by,
        unknown=len(given.strangers),
        strangers=given.strangers[:5],
        duplicates=given.duplicates,
        broken=given.faults.broken,
        keyless=given.faults.keyless,
        faults=given.faults.shown,
        valid=valid / rows,
        valid_low=valid_low,
        valid_high=valid_high,
        exact=exact / rows,
        exact_low=exact_low,
        exact_high=exact_high,
        cells=float(np.mean([verdict.cells for verdict in verdicts.values()])),
    )
    return Scored(summary, verdicts)


def _mover(verifier: Verifier, task: str) -> Task[Any]:
    if not isinstance(verifier, Task):
        raise UserError(f"{task[:80]} has no rules for the way to an answer: leave --process out")
    return cast("Task[Any]", verifier)


def _judged(verifier: Verifier, row: Instance, answer: OneAnswer) -> ScoredRow | DecodeFailure:
    """The verdict on an answer alone."""
    if isinstance(answer, DecodeFailure):
        return answer
    if isinstance(answer, Pictures):
        return _judged_sequence(verifier, row, answer.files)
    if isinstance(answer, Path) and _is_video(answer):
        seen = clips.last_state(answer, verifier, row)
        if isinstance(seen, DecodeFailure):
            return seen
        return ScoredRow(row, verifier.verify(row, seen[0]), seen[0], tuple(seen[1]))
    if isinstance(answer, Path):
        decoded = _decode(verifier, row, answer)
    elif isinstance(answer, str):
        decoded = from_text(answer, shape=None if verifier.resizes else _shape(row))
    else:
        decoded = GridCodec(verifier.codes).decode(answer)
    if isinstance(decoded, DecodeFailure):
        return decoded
    return ScoredRow(row, verifier.verify(row, decoded.grid), decoded.grid)


def _judged_sequence(
    verifier: Verifier, row: Instance, pictures: tuple[Path, ...]
) -> ScoredRow | DecodeFailure:
    """The verdict on the last picture of a row. The earlier ones are its way, as far as they can be read."""
    last = _judged(verifier, row, pictures[-1])
    if isinstance(last, DecodeFailure) or last.grid is None or last.grid.shape != row.question.shape:
        return last
    states: list[Grid] = []
    most = min(MAX_TRAJECTORY, MAX_TRAJECTORY_CELLS // last.grid.size)
    for picture in pictures[:-1][-most:] if most else ():
        decoded = _decode(verifier, row, picture)
        if not isinstance(decoded, DecodeFailure) and decoded.grid.shape == last.grid.shape:
            states.append(decoded.grid)
    return ScoredRow(row, last.verdict, last.grid, tuple(changing(states, last.grid)))


def _judged_way(task: Task[Any], row: Instance, answer: OneAnswer) -> ScoredRow | DecodeFailure:
    """The verdict on a process."""
    if isinstance(answer, DecodeFailure):
        return answer
    if isinstance(answer, Pictures):
        return _judged_grids(task, row, answer.files)
    if isinstance(answer, str):
        return DecodeFailure("the answer is a text, and a process is a list of grids")
    if not isinstance(answer, Path):
        return ScoredRow(row, task.verify_steps(row, answer), None)
    if not _is_video(answer):
        return _judged_grids(task, row, (answer,))
    grids = clips.all_states(answer, task, row)
    if isinstance(grids, DecodeFailure):
        return grids
    return ScoredRow(row, task.verify_steps(row, states(task, row, grids)), None)


def _judged_grids(task: Task[Any], row: Instance, pictures: tuple[Path, ...]) -> ScoredRow | DecodeFailure:
    """The verdict on a process of pictures, each a state that is held or follows."""
    if len(pictures) > MAX_PICTURES:
        return DecodeFailure(f"the answer has {len(pictures):,} pictures: {MAX_PICTURES:,} are read")
    grids: list[Grid] = []
    for picture in pictures:
        decoded = _decode(task, row, picture)
        if isinstance(decoded, DecodeFailure):
            return DecodeFailure(f"{picture.name}: {decoded.reason}")
        grids.append(decoded.grid)
    return ScoredRow(row, task.verify_steps(row, states(task, row, grids)), None)


def states(task: Task[Any], row: Instance, grids: list[Grid]) -> list[Grid]:
    """The states after the question that the grids of a clip's frames, `(h, w)` each, show.

    A clip may begin with the question. Where it then has as many frames as states are asked for, each is one;
    else equal frames in a row are one state that is held. A held state may also be one that follows itself (a
    still board): it is taken as often as it takes to come to the number that is asked for."""
    asked = task.step_count(row.params, row.question)
    plain = grids[1:] if np.array_equal(grids[0], row.question) else grids
    if len(plain) == asked:
        return plain
    found: list[Grid] = []
    before = row.question
    for grid in plain:
        if not np.array_equal(grid, before):
            found.append(grid)
        before = grid
    lacking = 0 if asked is None else asked - len(found)
    for at, state in enumerate([row.question, *found] if lacking > 0 else []):
        still = (
            int(state.max()) < task.codes and task.check_step(row.params, row.question, state, state).valid
        )
        if still:
            found[at:at] = [state] * lacking
            break
    return found or [grids[-1]]


def _decode(verifier: Verifier, row: Instance, path: Path) -> Decoded:
    """Read a picture where the question is; most answers have its shape, that of ARC's is found in the
    picture."""
    try:
        picture = read_png(path)
    except UserError as error:
        return clips.unreadable(path, error)
    if verifier.resizes:
        return decode(picture, verifier.look)
    return decode(picture, verifier.look, _shape(row), question=row.question)


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in VIDEOS


def _shape(row: Instance) -> Shape:
    return row.question.shape[0], row.question.shape[1]
