"""Define the records that a run leaves on disk. Reports and figures are rebuilt from these only.

run.json        Header: the trial, its task and data, the machine
questions.jsonl formats.rows.Row: the test instances without their steps
sessions.jsonl  Session: one line per adaptation of the model
records.jsonl   Record: one line per prediction
error.txt       why the trial failed last: one sentence, then the traceback
trial.json      plan.Trial, if the trial failed before there was a run.json
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar, final

import msgspec
from msgspec import Meta

from vizbench._util.files import read_bounded, read_lines
from vizbench._util.paths import visible_files
from vizbench._util.text import plural
from vizbench.errors import UserError
from vizbench.formats.rows import Nested, Row
from vizbench.harness.plan.plan import Trial
from vizbench.types import Json

FORMAT: Final = 3
"""The version of these files. It is raised if one of them changes its meaning."""

MAX_TRAJECTORY: Final = 63
"""The most states before an answer that a record keeps: 64 with the answer."""

MAX_TRAJECTORY_CELLS: Final = 1 << 16
"""The most cells that these states have in all."""

_MAX_LINE: Final = 8 << 20
"""Bytes of the longest line of a log: a 1024x1024 answer has 4 MB."""

R = TypeVar("R", bound=msgspec.Struct)

Share = Annotated[float, Meta(ge=0, le=1)]
"""A number in 0..1."""


@final
class TaskInfo(msgspec.Struct, frozen=True):
    """The task of a trial."""

    version: int
    """Version of the task family."""
    params: Json
    """Its parameters."""
    palette: str
    """Name of the palette that draws it."""


@final
class DataInfo(msgspec.Struct, frozen=True):
    """The data of a trial."""

    digest: str
    """Digest of all training and test grids, in order."""
    shots: int
    """Number of training examples."""
    questions: int
    """Number of test questions."""


@final
class ProcessInfo(msgspec.Struct, frozen=True):
    """How a model is shown processes."""

    mapping: str
    """Which state each frame of a clip shows, or that each line of a text is a state."""
    answer: Literal["first", "last"]
    """Which state after the question is the answer: the last, or in a game the first."""
    frames: int | None = None
    """Frames of a clip. None for text."""
    left_out: int = 0
    """Training examples with more states than frames, so that states are left out."""


@final
class Header(msgspec.Struct, frozen=True):
    """Hold what identifies a trial.

    A run continues only if all fields but `created`, `environment` and `pretraining_overlap` stay the same.
    """

    format: int
    """FORMAT when the run was written."""
    trial: Trial
    """The trial as the plan describes it."""
    task: TaskInfo
    """Its task."""
    data: DataInfo
    """Its data."""
    weights: str | None
    """Digest of the checkpoint, if the model reports one. For `api`: the address and settings."""
    pretraining_overlap: str | None
    """How close the task is to the pretraining of the embedded models: near or far, if known."""
    created: str
    """When the run began, in UTC."""
    environment: dict[str, str]
    """Versions and machine."""
    code: str | None = None
    """Digest of the file that the model comes from. None for a built-in family."""
    task_code: str | None = None
    """Digest of the Python file that the task comes from; None for other tasks. It must stay the same,
    too.
    """
    first_prompt: str | None = None
    """The prompt of the first question, as the model reads it. None without prompts. Further questions have
    one of three wordings, drawn by their ids.
    """
    process: ProcessInfo | None = None
    """How the model is shown processes. None if it is shown targets."""


@final
class Session(msgspec.Struct, frozen=True):
    """One adaptation of the model."""

    started: str
    """When it began, in UTC."""
    seconds: float
    """How long it took."""
    figures: dict[str, float | None]
    """What the model reported, such as steps and loss."""
    environment: dict[str, str]
    """Versions and machine."""


@final
class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One prediction with its verdict."""

    id: str
    """Id of the question."""
    attempt: Annotated[int, Meta(ge=0)]
    """Number of the attempt, from 0."""
    valid: bool
    """Whether the answer obeys the rules."""
    exact: bool
    """Whether the answer equals the target."""
    cells: Share
    """Share of cells that equal those of the target."""
    reason: str
    """Why the answer is wrong, or why there is none."""
    parts: dict[str, float | None]
    """How far the answer got, each 0..1, see `vizbench.Verdict`."""
    answer: Nested | None
    """The answer. None if it could not be decoded, or if an outside model gave none."""
    undecodable: bool
    """Whether there was an answer that could not be decoded."""
    seconds: Annotated[float, Meta(ge=0)]
    """The model's time for this answer."""
    trajectory: Annotated[tuple[Nested, ...], Meta(max_length=MAX_TRAJECTORY)] = ()
    """The other states that a clip or a text shows, in the answer's shape (`codec.Reading`).

    They are before the answer. If a game is shown as a process, they are after it (`ProcessInfo.answer`).
    """
    figures: dict[str, float | None] = {}
    """Measures that the verifier adds, such as `psr`."""


@final
@dataclass(frozen=True, slots=True)
class TrialResult:
    """A trial as read from its directory."""

    directory: Path
    """The directory."""
    header: Header
    """What the trial is."""
    questions: Sequence[Row]
    """All questions that are to be asked."""
    sessions: Sequence[Session]
    """The adaptations of the model."""
    records: Sequence[Record]
    """The predictions so far."""
    error: str
    """Why the model failed. "" if it did not."""

    @property
    def complete(self) -> bool:
        """Whether every question has all its answers."""
        return len(self.records) == len(self.questions) * self.header.trial.attempts

    @property
    def is_corpus(self) -> bool:
        """Whether the data is an ARC file or an episode, so that the task's name does not determine it."""
        return self.header.trial.shots is None


@final
@dataclass(frozen=True, slots=True)
class UnstartedTrial:
    """A trial that failed before its first question: it had no data, or its process died too early."""

    directory: Path
    """Where its error is."""
    trial: Trial
    """The trial."""
    error: str
    """Why it failed, in one line."""


def read_header(directory: Path) -> Header:
    """Read run.json. Raises UserError if it is damaged or of another format."""
    path = directory / "run.json"
    try:
        header = msgspec.json.decode(read_bounded(path, "run file", 1 << 20), type=Header)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path} is no run file ({error}): remove {directory} to measure this trial again"
        ) from None
    if header.format != FORMAT:
        raise UserError(
            f"{path} has format {header.format} and this vizbench reads {FORMAT}: measure into another --out"
        )
    return header


def read_log(path: Path, kind: type[R]) -> tuple[list[R], int]:
    """Read a log, and return its lines and their size in bytes. A missing file has no lines.

    A last line that a killed run cut short is left out. Raises UserError with the line's number if any other
    line is damaged.
    """
    records: list[R] = []
    good = 0
    if not path.exists():
        return records, good
    decoder = msgspec.json.Decoder(kind)
    first_field = kind.__struct_encode_fields__[0]
    for number, end, line in read_lines(path, "log", _MAX_LINE):
        try:
            records.append(decoder.decode(line))
        except (ValueError, RecursionError) as error:
            if _cut_short(line, first_field):
                break  # it has no line end, so it is the last one
            raise UserError(
                f"line {number} of {path} is corrupt ({error}): nothing was changed; "
                f"fix or remove that line, or remove {path.parent} to measure it again"
            ) from None
        good = end
    return records, good


def _cut_short(line: bytes, first_field: str) -> bool:
    """Return whether a line is the beginning of a record, as after a kill, or zeros, as after a power cut."""
    if line.endswith(b"\n"):
        return False
    start = f'{{"{first_field}":'.encode()
    written = line.rstrip(b"\0")
    if not written.startswith(start[: len(written)]):
        return False
    try:
        msgspec.json.decode(written)
    except (ValueError, RecursionError):
        return True
    return False  # a whole value, but not a record


def read_records(directory: Path, trial: Trial, ids: Iterable[str]) -> tuple[list[Record], int]:
    """Read the records of a trial in the order of writing, and return them and their size in bytes.

    Raises UserError if a record is there twice, or answers a question or attempt that was not asked.
    """
    path = directory / "records.jsonl"
    records, size = read_log(path, Record)
    known = set(ids)
    seen: set[tuple[str, int]] = set()
    for number, record in enumerate(records, 1):
        key = record.id, record.attempt
        if record.id not in known or record.attempt >= trial.attempts or key in seen:
            fault = "is there twice" if key in seen else "was not asked"
            raise UserError(
                f"line {number} of {path} is corrupt ({record.id[:80]!r}, attempt {record.attempt} {fault}): "
                f"fix it, or remove {directory} to measure it again"
            )
        seen.add(key)
    return records, size


def read_trial(directory: Path) -> TrialResult:
    """Read and check everything in a trial's directory."""
    header = read_header(directory)
    questions, _ = read_log(directory / "questions.jsonl", Row)
    if len(questions) != header.data.questions:
        path = directory / "questions.jsonl"
        raise UserError(
            f"{path} has {len(questions):,} of {plural(header.data.questions, 'question')}: "
            f"remove {directory}"
        )
    for question in questions:
        _check_rectangle(directory, question.id, question.question, question.target)
    sessions, _ = read_log(directory / "sessions.jsonl", Session)
    records, _ = read_records(directory, header.trial, [question.id for question in questions])
    for record in records:
        if record.answer is not None:
            _check_rectangle(directory, record.id, record.answer)
        _check_rectangle(directory, record.id, *record.trajectory)
        _check_trajectory(directory, record)
    return TrialResult(directory, header, questions, sessions, records, read_error(directory))


def read_error(directory: Path) -> str:
    """Return why the trial failed last, in one line. "" if it did not fail."""
    path = directory / "error.txt"
    text = read_bounded(path, "error file", 1 << 20).decode("utf-8", "replace") if path.exists() else ""
    return text.partition("\n")[0]


def below(top: Path, name: str) -> list[Path]:
    """Return the files of this name in or below a folder, sorted by path.

    Hidden folders are skipped, because they hold copies.
    """
    return sorted(path for path in visible_files(top) if path.name == name)


def read_unstarted(paths: Sequence[Path]) -> list[UnstartedTrial]:
    """Read every trial in or below these directories that failed before there was a run, sorted by path."""
    unstarted: dict[Path, UnstartedTrial] = {}
    for path in (file for top in paths for file in below(top, "trial.json")):
        directory = path.parent
        if (directory / "run.json").exists():
            continue
        try:
            trial = msgspec.json.decode(read_bounded(path, "trial file", 1 << 20), type=Trial)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise UserError(f"{path} is no trial file ({error}): remove {directory}") from None
        unstarted[directory.resolve()] = UnstartedTrial(directory, trial, read_error(directory))
    return list(unstarted.values())


def read_runs(paths: Sequence[Path]) -> list[TrialResult]:
    """Read every trial in or below these directories, sorted by path.

    Raises UserError if a path holds none.
    """
    results: dict[Path, TrialResult] = {}
    for path in paths:
        directories = [header.parent for header in below(path, "run.json")]
        if not directories:
            raise UserError(f"{path} holds no run: give the --out of a `vizbench eval`")
        results.update((directory.resolve(), read_trial(directory)) for directory in directories)
    return list(results.values())


def _check_rectangle(directory: Path, name: str, *grids: list[list[int]]) -> None:
    for rows in grids:
        if len({len(row) for row in rows}) != 1:
            raise UserError(f"{directory} is corrupt (a grid of {name[:80]!r} is no rectangle): remove it")


def _check_trajectory(directory: Path, record: Record) -> None:
    """Raise UserError if the states before an answer have another shape than it, or too many cells."""
    if not record.trajectory:
        return
    sizes = [_size(state) for state in record.trajectory]
    if record.answer is None or set(sizes) != {_size(record.answer)}:
        fault = "has another shape than the answer"
    elif sum(height * width for height, width in sizes) > MAX_TRAJECTORY_CELLS:
        fault = f"has over {MAX_TRAJECTORY_CELLS:,} cells"
    else:
        return
    raise UserError(
        f"{directory} is corrupt (the trajectory of the answer to {record.id[:80]!r} {fault}): remove it"
    )


def _size(rows: list[list[int]]) -> tuple[int, int]:
    return len(rows), len(rows[0])
