"""Score saved answers of any outside model, without running it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast, final

import msgspec

from vizbench._util.text import escape_non_utf8
from vizbench.dataset.mixture import is_mixture
from vizbench.dataset.splits import SplitSpec
from vizbench.errors import UserError
from vizbench.formats import manifest as manifests
from vizbench.formats.lookup import verifier_of
from vizbench.formats.reader import mixed_split, read
from vizbench.formats.stores import located
from vizbench.harness.records.records import MAX_TRAJECTORY, MAX_TRAJECTORY_CELLS
from vizbench.harness.run.codec import GridCodec, changing
from vizbench.harness.run.trajectories import states_after_question
from vizbench.harness.score import clips
from vizbench.harness.score.predictions import (
    VIDEOS,
    Kind,
    Pictures,
    Predictions,
    SavedAnswer,
    read_predictions,
)
from vizbench.harness.stats import decode_failures
from vizbench.harness.stats.intervals import wilson
from vizbench.harness.stats.metrics import mean
from vizbench.renderers.decode import decode
from vizbench.renderers.looks import LookName, look_of
from vizbench.renderers.pictures import read_png
from vizbench.renderers.text import from_text
from vizbench.task.contract import Task, Verifier
from vizbench.types import Decoded, DecodeFailure, Grid, Instance, Look, SplitName, Verdict

MAX_PICTURES: Final = 1024
"""Pictures of one row that are read as its trajectory."""

MAX_STRANGERS: Final = 5
"""Names of unknown answers that a score lists."""

_MISSING = Verdict(False, False, 0.0, "there is no answer")

_ONE_GRID = Verdict(
    False,
    False,
    0.0,
    "the answer is one grid, but a process is a list of grids, one per state: list them, or leave --process "
    "out",
    {"legal": 0.0},
)


@final
class Score(msgspec.Struct, frozen=True):
    """The figures of saved answers."""

    task: str
    """The task of the data set."""
    kind: Kind
    """How the answers are saved."""
    process: bool
    """Whether every state of the trajectory was checked, or only the last."""
    rows: int
    """Rows of the data set: answered + missing."""
    answered: int
    """Rows with an answer."""
    missing: int
    """Rows without an answer. They count as wrong."""
    undecodable: int
    """Answers that hold no grid. They count as wrong."""
    undecodable_by: dict[str, int]
    """The undecodable answers by kind of reason."""
    unknown: int
    """Answers to rows that the data set lacks."""
    strangers: list[str]
    """The first names of these answers."""
    duplicates: int
    """Answers to a row that already had one. The first counts."""
    broken: int
    """Lines that cannot be read."""
    keyless: int
    """Lines without the key `answer`."""
    faults: list[str]
    """The first of the broken and keyless lines, with their numbers and reasons."""
    valid: float
    """Share of all rows whose answer is valid."""
    valid_low: float
    """Lower end of its 95% Wilson interval."""
    valid_high: float
    """Upper end of its 95% Wilson interval."""
    exact: float
    """Share of all rows whose answer equals the target."""
    exact_low: float
    """Lower end of its 95% Wilson interval."""
    exact_high: float
    """Upper end of its 95% Wilson interval."""
    cells: float
    """Share of cells as in the target, the mean over all rows."""
    tasks: dict[str, TaskScore]
    """The figures of each task of a mixture; empty for one task."""


@final
class TaskScore(msgspec.Struct, frozen=True):
    """The figures of one task of a mixture, with the same meaning as in `Score`."""

    rows: int
    """Rows of the task."""
    valid: float
    """Share of them whose answer is valid."""
    exact: float
    """Share of them whose answer equals the target."""
    cells: float
    """Share of cells as in the target, the mean over them."""


@final
class Scored(msgspec.Struct, frozen=True):
    """A score with the verdicts behind it."""

    score: Score
    """The figures."""
    verdicts: dict[str, Verdict]
    """A verdict for each row by its id, in the data set's order."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class ScoredRow:
    """A row of the data set with the verdict on its answer."""

    instance: Instance
    """The row."""
    verdict: Verdict
    """The verdict on its answer; that of a wrong answer if there is none."""
    grid: Grid | None
    """The answer. None if no grid could be read, or if every state was checked."""
    trajectory: tuple[Grid, ...] = ()
    """The states that the frames or pictures before the last show."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class ScoreSheet:
    """Every row of a data set with the verdict on its answer."""

    spec: SplitSpec
    """What the data set holds."""
    process: bool
    """Whether every state of the trajectory was checked, or only the last."""
    predictions: Predictions
    """The answers as they were saved."""
    rows: tuple[ScoredRow, ...]
    """All rows, in the data set's order."""
    undecodable: int
    """Answers that hold no grid."""
    undecodable_by: dict[str, int]
    """The undecodable answers by kind of reason."""
    look: LookName
    """How the data set is drawn. Answers in pictures are read in it."""


def score(
    predictions: Path, dataset: Path | str, process: bool = False, split: SplitName | None = None
) -> Scored:
    """Return the score of the answers in `predictions`, see `score_rows`."""
    return summarize(score_rows(predictions, dataset, process, split))


def score_rows(
    predictions: Path, dataset: Path | str, process: bool = False, split: SplitName | None = None
) -> ScoreSheet:
    """Check the answers in `predictions` to the data set at `dataset`, a folder or a URL.

    predictions: a file of JSON Lines or a folder, see `read_predictions`. The last frame of a video and the
    last of several pictures are the answer.
    process: check every state, by the task's rules for moves, in a game up to its end. States are the frames
    of a video, the pictures of a row, or the grids of a list in a line.
    split: which one was answered; may be None if the data set has only one.

    A file that cannot be read is a wrong answer with a reason. Raises UserError for what `read_predictions`
    and `formats.read` refuse, and if answers of this task or kind can hold no trajectory.
    """
    # The rules, and the answers as they are saved.
    place = located(dataset)
    manifest = manifests.load(place, split)
    mixed = mixed_split(place, manifest)
    tasks = [manifest.spec.task] if mixed is None else [side.task for side in mixed.sides]
    verifiers = {name: verifier_of(name) for name in tasks}
    if process:
        _refuse_without_moves(verifiers)
    saved = read_predictions(predictions, manifest.spec, manifest.rows, mixed)
    if process and saved.kind == "pictures":
        raise UserError(f"{predictions} holds pictures, and a picture is no process: leave --process out")

    # Check row by row. What holds no grid is a wrong answer.
    rows: list[ScoredRow] = []
    failures: list[str] = []
    for instance in read(place, split):
        if instance.id not in saved.answers:
            rows.append(ScoredRow(instance, _MISSING, None))
            continue
        answer, verifier = saved.answers[instance.id], verifiers[instance.task]
        look = look_of(verifier, manifest.look, instance)
        if process:
            scored = _score_trajectory(cast("Task[Any]", verifier), instance, answer, look)
        else:
            scored = _score_answer(verifier, instance, answer, look)
        if isinstance(scored, DecodeFailure):
            failures.append(scored.reason)
            verdict = Verdict(False, False, 0.0, escape_non_utf8(scored.reason))
            scored = ScoredRow(instance, verdict, None)
        rows.append(scored)
    kinds = decode_failures.by_kind(failures)
    return ScoreSheet(manifest.spec, process, saved, tuple(rows), len(failures), kinds, manifest.look)


def summarize(sheet: ScoreSheet) -> Scored:
    """Return the figures of a sheet, and its verdicts by row."""
    # Shares are over all rows, so that a missing answer counts as wrong.
    saved = sheet.predictions
    verdicts = {row.instance.id: row.verdict for row in sheet.rows}
    rows, answered = len(verdicts), len(saved.answers)
    valid = sum(verdict.valid for verdict in verdicts.values())
    exact = sum(verdict.exact for verdict in verdicts.values())
    (valid_low, valid_high), (exact_low, exact_high) = wilson(valid, rows), wilson(exact, rows)
    figures = Score(
        task=sheet.spec.task,
        kind=saved.kind,
        process=sheet.process,
        rows=rows,
        answered=answered,
        missing=rows - answered,
        undecodable=sheet.undecodable,
        undecodable_by=sheet.undecodable_by,
        unknown=len(saved.strangers),
        strangers=saved.strangers[:MAX_STRANGERS],
        duplicates=saved.duplicates,
        broken=saved.faults.broken,
        keyless=saved.faults.keyless,
        faults=saved.faults.shown,
        valid=valid / rows,
        valid_low=valid_low,
        valid_high=valid_high,
        exact=exact / rows,
        exact_low=exact_low,
        exact_high=exact_high,
        cells=mean(verdict.cells for verdict in verdicts.values()),
        tasks=_by_task(sheet) if is_mixture(sheet.spec.task) else {},
    )
    return Scored(figures, verdicts)


def _by_task(sheet: ScoreSheet) -> dict[str, TaskScore]:
    """Return the figures of each task, by its name in alphabetical order."""
    verdicts: dict[str, list[Verdict]] = {}
    for row in sheet.rows:
        verdicts.setdefault(row.instance.task, []).append(row.verdict)
    figures: dict[str, TaskScore] = {}
    for task, own in sorted(verdicts.items()):
        valid, exact = (mean(float(verdict.valid) for verdict in own), mean(float(v.exact) for v in own))
        figures[task] = TaskScore(len(own), valid, exact, mean(verdict.cells for verdict in own))
    return figures


def _refuse_without_moves(verifiers: Mapping[str, Verifier]) -> None:
    for name, verifier in verifiers.items():
        if not isinstance(verifier, Task):
            raise UserError(f"{name[:80]} has no rules for the steps to an answer: leave --process out")


def _score_answer(
    verifier: Verifier, row: Instance, answer: SavedAnswer, look: Look
) -> ScoredRow | DecodeFailure:
    """Check only the answer, not the states before it."""
    if isinstance(answer, DecodeFailure):
        return answer
    if isinstance(answer, Pictures):
        return _score_last_picture(verifier, row, answer.files, look)
    if isinstance(answer, Path) and _is_video(answer):
        return _score_last_frame(verifier, row, answer, look)
    if isinstance(answer, Path):
        decoded = _decode(verifier, row, answer, look)
    elif isinstance(answer, str):
        decoded = from_text(answer, shape=verifier.answer_shape(row.question))
    else:
        decoded = GridCodec(verifier.codes).decode(answer)
    if isinstance(decoded, DecodeFailure):
        return decoded
    return ScoredRow(row, verifier.verify(row, decoded.grid), decoded.grid)


def _score_last_frame(verifier: Verifier, row: Instance, path: Path, look: Look) -> ScoredRow | DecodeFailure:
    """Check the last frame of a video. Its states are the trajectory."""
    read_clip = clips.last_state(path, verifier, row, look)
    if isinstance(read_clip, DecodeFailure):
        return read_clip
    grid, trajectory = read_clip
    return ScoredRow(row, verifier.verify(row, grid), grid, tuple(trajectory))


def _score_last_picture(
    verifier: Verifier, row: Instance, pictures: tuple[Path, ...], look: Look
) -> ScoredRow | DecodeFailure:
    """Check the last picture of a row. The earlier ones that can be read are its trajectory."""
    last = _score_answer(verifier, row, pictures[-1], look)
    if isinstance(last, DecodeFailure) or last.grid is None or last.grid.shape != row.question.shape:
        return last
    most = min(MAX_TRAJECTORY, MAX_TRAJECTORY_CELLS // last.grid.size)
    if not most:
        return last
    earlier: list[Grid] = []
    for picture in pictures[:-1][-most:]:
        decoded = _decode(verifier, row, picture, look)
        if not isinstance(decoded, DecodeFailure) and decoded.grid.shape == last.grid.shape:
            earlier.append(decoded.grid)
    return ScoredRow(row, last.verdict, last.grid, tuple(changing(earlier, last.grid)))


def _score_trajectory(
    task: Task[Any], row: Instance, answer: SavedAnswer, look: Look
) -> ScoredRow | DecodeFailure:
    """Check every state of an answer."""
    if isinstance(answer, DecodeFailure):
        return answer
    if isinstance(answer, Pictures):
        return _score_states_in_pictures(task, row, answer.files, look)
    if isinstance(answer, str):
        return DecodeFailure("the answer is a text, and a process is a list of grids")
    if _is_one_grid(answer):
        return ScoredRow(row, _ONE_GRID, None)
    if not isinstance(answer, Path):
        return ScoredRow(row, task.verify_steps(row, answer), None)
    if not _is_video(answer):
        return _score_states_in_pictures(task, row, (answer,), look)
    grids = clips.all_states(answer, task, row, look)
    if isinstance(grids, DecodeFailure):
        return grids
    return ScoredRow(row, task.verify_steps(row, states_after_question(task, row, grids)), None)


def _is_one_grid(answer: object) -> bool:
    """Return whether JSON holds a list of rows of numbers. A process is a list of such lists."""
    if not isinstance(answer, list) or not answer:
        return False
    for row in cast("list[object]", answer):
        if not isinstance(row, list) or not row or isinstance(row[0], list):
            return False
    return True


def _score_states_in_pictures(
    task: Task[Any], row: Instance, pictures: tuple[Path, ...], look: Look
) -> ScoredRow | DecodeFailure:
    """Check pictures as states. A picture like the one before holds its state."""
    if len(pictures) > MAX_PICTURES:
        return DecodeFailure(f"the answer has {len(pictures):,} pictures: {MAX_PICTURES:,} are read")
    grids: list[Grid] = []
    for picture in pictures:
        decoded = _decode(task, row, picture, look)
        if isinstance(decoded, DecodeFailure):
            return DecodeFailure(f"{picture.name}: {decoded.reason}")
        grids.append(decoded.grid)
    return ScoredRow(row, task.verify_steps(row, states_after_question(task, row, grids)), None)


def _decode(verifier: Verifier, row: Instance, path: Path, look: Look) -> Decoded:
    """Read a picture in the shape of the question, or in the shape that the picture shows if it is free."""
    try:
        picture = read_png(path)
    except UserError as error:
        return clips.unreadable(path, error)
    shape = verifier.answer_shape(row.question)
    question = None if shape is None else row.question
    return decode(picture, look, shape, question=question)


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in VIDEOS
