"""What a run leaves on disk, as typed records: the report and every figure are rebuilt from these alone.

run.json        Header: the cell, its task and data, the machine
questions.jsonl formats.rows.Row: the test instances, without their steps
sessions.jsonl  Session: one line each time a model was adapted
records.jsonl   Record: one line a prediction
error.txt       why the cell failed last: one sentence, then the traceback
cell.json       the plan's Cell, where it failed before there was a run.json
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, TypeVar, final

import msgspec
from msgspec import Meta

from vizbench._util.files import read_lines
from vizbench._util.paths import visible_files
from vizbench._util.text import plural
from vizbench.errors import UserError
from vizbench.formats.files import read_bounded
from vizbench.formats.rows import Nested, Row
from vizbench.harness.plan.plan import Trial
from vizbench.types import Json

FORMAT: Final = 2
"""Rises when a file of a run changes its meaning."""

MAX_TRAJECTORY: Final = 63
"""States on the way to an answer that a record keeps: 64 with the answer."""

MAX_TRAJECTORY_CELLS: Final = 1 << 16
"""Cells that these states have together."""

R = TypeVar("R", bound=msgspec.Struct)

Share = Annotated[float, Meta(ge=0, le=1)]


@final
class TaskInfo(msgspec.Struct, frozen=True):
    """The task that was asked: its room's version and parameters, and the palette that draws it."""

    version: int
    params: Json
    palette: str


@final
class DataInfo(msgspec.Struct, frozen=True):
    """The data that was used. digest: of all training and test grids, in order; examples, questions: how
    many."""

    digest: str
    examples: int
    questions: int


@final
class Header(msgspec.Struct, frozen=True):
    """What a cell is. weights: digest of the checkpoint where the model tells it, for `api` the endpoint's
    address and settings; pretraining_overlap: near or far, where known; code: digest of the file that the
    model comes from, None for a family of ours.

    `format` … `weights`, and `code`, must stay the same for a run to go on; the rest is told for the record.
    """

    format: int
    trial: Trial
    task: TaskInfo
    data: DataInfo
    weights: str | None
    pretraining_overlap: str | None
    created: str
    environment: dict[str, str]
    code: str | None = None
    task_code: str | None = None
    """Digest of the Python file that the task comes from; None for other tasks. It must stay the same, too."""


@final
class Session(msgspec.Struct, frozen=True):
    """One adaptation of the model: where, how long, and what the model said of it."""

    started: str
    seconds: float
    figures: dict[str, float | None]
    environment: dict[str, str]


@final
class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One prediction, judged. id: the question's; attempt: from 0; answer: None where nothing could be
    decoded, which `undecodable` says too, or where an outside model gave none; seconds: the model's share of
    time; way: the states before the answer, in its shape, where a clip shows them (`FrameCodec.trajectory`);
    the rest as in `Verdict`.

    The way is left out of the line where there is none, as it is in runs of before.
    """

    id: str
    attempt: Annotated[int, Meta(ge=0)]
    valid: bool
    exact: bool
    cells: Share
    reason: str
    parts: dict[str, float | None]
    answer: Nested | None
    undecodable: bool
    seconds: Annotated[float, Meta(ge=0)]
    trajectory: Annotated[tuple[Nested, ...], Meta(max_length=MAX_TRAJECTORY)] = ()


@final
@dataclass(frozen=True, slots=True)
class TrialResult:
    """A cell read back from its directory. questions: all that are to be asked; records: those answered so
    far; error: why the model failed, "" where none did."""

    directory: Path
    header: Header
    questions: Sequence[Row]
    sessions: Sequence[Session]
    records: Sequence[Record]
    error: str

    @property
    def complete(self) -> bool:
        """Whether every question has all its answers."""
        return len(self.records) == len(self.questions) * self.header.trial.attempts


@final
@dataclass(frozen=True, slots=True)
class UnstartedTrial:
    """A cell that failed before it could be asked anything: its data could not be had, or its process was
    ended while it was made. error: why, in one line."""

    directory: Path
    trial: Trial
    error: str


def read_header(directory: Path) -> Header:
    """The cell's run.json, or a UserError that names the file and the fault."""
    path = directory / "run.json"
    try:
        header = msgspec.json.decode(read_bounded(path, "run file", 1 << 20), type=Header)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path} is no run file ({error}): remove {directory} to measure this cell anew"
        ) from None
    if header.format != FORMAT:
        raise UserError(
            f"{path} has format {header.format} and this vizbench reads {FORMAT}: measure into another --out"
        )
    return header


def read_log(path: Path, kind: type[R]) -> tuple[list[R], int]:
    """Return a log's lines, and the bytes they take. No file: no lines.

    A last line that a killed run cut short is left out. UserError for any other line that is not ours, with
    its number."""
    records: list[R] = []
    good = 0
    if not path.exists():
        return records, good
    decoder = msgspec.json.Decoder(kind)
    first_field = kind.__struct_encode_fields__[0]
    for number, end, line in read_lines(path):
        try:
            records.append(decoder.decode(line))
        except (ValueError, RecursionError) as error:
            if _cut_short(line, first_field):
                break  # it has no line end, so it is the last
            raise UserError(
                f"line {number} of {path} is corrupt ({error}): nothing was changed; mend or remove that line, or "
                f"remove {path.parent} to measure it anew"
            ) from None
        good = end
    return records, good


def _cut_short(line: bytes, first_field: str) -> bool:
    """Return whether a line is the beginning of one of ours, as a kill leaves it, or zeros, as a power cut
    does."""
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
    return False  # a whole value, only not ours


def read_records(directory: Path, cell: Trial, ids: Iterable[str]) -> tuple[list[Record], int]:
    """The cell's records in the order of writing, each of one of these questions and attempts, none twice;
    and the bytes they take."""
    path = directory / "records.jsonl"
    records, size = read_log(path, Record)
    known = set(ids)
    seen: set[tuple[str, int]] = set()
    for number, record in enumerate(records, 1):
        key = record.id, record.attempt
        if record.id not in known or record.attempt >= cell.attempts or key in seen:
            fault = "is there twice" if key in seen else "was not asked"
            raise UserError(
                f"line {number} of {path} is corrupt ({record.id[:80]!r}, attempt {record.attempt} {fault}): "
                f"mend it, or remove {directory} to measure it anew"
            )
        seen.add(key)
    return records, size


def read_trial(directory: Path) -> TrialResult:
    """Everything in a cell's directory, checked."""
    header = read_header(directory)
    questions, _ = read_log(directory / "questions.jsonl", Row)
    if len(questions) != header.data.questions:
        path = directory / "questions.jsonl"
        raise UserError(
            f"{path} has {len(questions):,} of {plural(header.data.questions, 'question')}: remove {directory}"
        )
    for question in questions:
        _check_rectangle(directory, question.id, question.question, question.target)
    sessions, _ = read_log(directory / "sessions.jsonl", Session)
    records, _ = read_records(directory, header.trial, [question.id for question in questions])
    for record in records:
        _check_rectangle(
            directory, record.id, *([] if record.answer is None else [record.answer]), *record.trajectory
        )
        _check_way(directory, record)
    return TrialResult(directory, header, questions, sessions, records, read_error(directory))


def read_error(directory: Path) -> str:
    """Why the cell failed last, in one line; "" where it did not."""
    path = directory / "error.txt"
    text = read_bounded(path, "error file", 1 << 20).decode("utf-8", "replace") if path.exists() else ""
    return text.partition("\n")[0]


def below(top: Path, name: str) -> list[Path]:
    """Return the files of this name in or below a folder, sorted by place. Hidden folders hold copies and no
    runs."""
    return sorted(path for path in visible_files(top) if path.name == name)


def read_unstarted(paths: Sequence[Path]) -> list[UnstartedTrial]:
    """Every cell in or below these directories that failed before there was a run, sorted by place."""
    found: dict[Path, UnstartedTrial] = {}
    for path in (file for top in paths for file in below(top, "cell.json")):
        directory = path.parent
        if (directory / "run.json").exists():
            continue
        try:
            cell = msgspec.json.decode(read_bounded(path, "cell file", 1 << 20), type=Trial)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise UserError(f"{path} is no cell file ({error}): remove {directory}") from None
        found[directory.resolve()] = UnstartedTrial(directory, cell, read_error(directory))
    return list(found.values())


def read_runs(paths: Sequence[Path]) -> list[TrialResult]:
    """Every cell in or below these directories, sorted by place. UserError where a path holds none."""
    cells: dict[Path, TrialResult] = {}
    for path in paths:
        found = [header.parent for header in below(path, "run.json")]
        if not found:
            raise UserError(f"{path} holds no run: give the --out of a `vizbench eval`")
        cells.update((directory.resolve(), read_trial(directory)) for directory in found)
    return list(cells.values())


def _check_rectangle(directory: Path, name: str, *grids: list[list[int]]) -> None:
    for rows in grids:
        if len({len(row) for row in rows}) != 1:
            raise UserError(f"{directory} is corrupt (a grid of {name[:80]!r} is no rectangle): remove it")


def _check_way(directory: Path, record: Record) -> None:
    if not record.trajectory:
        return
    goal = None if record.answer is None else _size(record.answer)
    if any(_size(state) != goal for state in record.trajectory):
        fault = "has another shape than the answer"
    elif (
        len(record.trajectory) * len(record.trajectory[0]) * len(record.trajectory[0][0])
        > MAX_TRAJECTORY_CELLS
    ):
        fault = f"has over {MAX_TRAJECTORY_CELLS:,} cells"
    else:
        return
    raise UserError(
        f"{directory} is corrupt (the way to the answer of {record.id[:80]!r} {fault}): remove it"
    )


def _size(rows: list[list[int]]) -> tuple[int, int]:
    return len(rows), len(rows[0])
