"""Describe the part of a run that `eval --shard i/n` makes, and put the parts together again."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, final

import msgspec
from msgspec import Meta

from vizbench._util.files import disk_errors, read_bounded, write_atomically
from vizbench._util.text import plural
from vizbench.engines.shard import MAX_PARTS, NAME, Part, in_order
from vizbench.errors import UserError
from vizbench.formats.folder import replace_folder
from vizbench.harness.plan.plan import Trial
from vizbench.harness.records.records import read_trial, read_unstarted

FILES: Final = ("run.json", "questions.jsonl", "sessions.jsonl", "records.jsonl", "error.txt", "trial.json")
"""The files of a trial."""

_MAX_BYTES: Final = 8 << 20


@final
class RunPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="run", tag_field="kind"):
    """One part of a run."""

    part: Annotated[int, Meta(ge=0, lt=MAX_PARTS)]
    """Its number, from 0."""
    parts: Annotated[int, Meta(ge=2, le=MAX_PARTS)]
    """The number of parts."""
    plan: Annotated[str, Meta(max_length=64)]
    """Digest of all trials of the plan."""
    limit: int | None
    """Questions after which each trial stops. None: it asks all."""
    trials: list[str]
    """The directories of all trials of the plan, in order."""


@final
class _Kind(msgspec.Struct, frozen=True):
    """What every description of a part holds."""

    kind: str


def is_run(folder: Path) -> bool:
    """Return whether a folder holds a part of a run. False if it holds one of a data set, or none."""
    try:
        data = read_bounded(folder / NAME, "description", _MAX_BYTES)
        return msgspec.json.decode(data, type=_Kind).kind == "run"
    except (UserError, ValueError, RecursionError):
        return False


def describe(part: Part, trials: Sequence[Trial], limit: int | None) -> RunPart | None:
    """Return the description of a part of a plan. None for the whole."""
    if part.is_whole:
        return None
    digest = hashlib.sha256(msgspec.json.encode(trials)).hexdigest()
    return RunPart(part.index, part.count, digest, limit, [trial.directory for trial in trials])


def refuse_other_part(out: Path, part: RunPart | None) -> None:
    """Raise UserError if the folder of a run holds another part, or a part where the whole is to go."""
    if not (out / NAME).is_file():
        return
    present = load(out)
    if part is None:
        raise UserError(
            f"{out} holds part {present.part}/{present.parts} of a run: add --shard {present.part}/"
            f"{present.parts}, or give another --out"
        )
    # The limit may change, as in any run.
    if msgspec.structs.replace(present, limit=part.limit) != part:
        raise UserError(
            f"{out} holds part {present.part}/{present.parts} of a run, of another plan or number: "
            "give a folder of its own to every part"
        )


def save(out: Path, part: RunPart) -> None:
    """Write the description of a part into its folder."""
    with disk_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    write_atomically(out / NAME, msgspec.json.format(msgspec.json.encode(part)) + b"\n")


def load(folder: Path) -> RunPart:
    """Read the description of a part. Raises UserError if there is none, or it is malformed."""
    path = folder / NAME
    if not path.is_file():
        raise UserError(f"{folder} holds no {NAME}: give the folders that `vizbench eval --shard` wrote")
    data = read_bounded(path, "description", _MAX_BYTES)
    try:
        part = msgspec.json.decode(data, type=RunPart)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is malformed ({error}): remove it, and give the command again") from None
    names = part.trials
    is_plain = all(name not in ("", ".", "..") and Path(name).name == name for name in names)
    if part.part >= part.parts or not is_plain or len(set(names)) != len(names):
        raise UserError(f"{path} is malformed (its values are not allowed): give the command again")
    return part


def merge(folders: Sequence[Path], out: Path) -> int:
    """Put the parts of a run together in the folder `out`, and return the number of trials.

    Raises UserError, with nothing written, if a part is missing, doubled, unfinished, damaged or of another
    plan.
    """
    parts = _in_order(folders)
    head = parts[0][1]
    sources: list[Path] = []
    for number, name in enumerate(head.trials):
        folder, part = parts[number % head.parts]
        _check_trial(folder / name, part)
        sources.append(folder / name)
    with replace_folder(out, overwrite=False) as new:
        for source in sources:
            (new / source.name).mkdir()
            for file in FILES:
                if (source / file).is_file():
                    shutil.copyfile(source / file, new / source.name / file)
    return len(sources)


def _in_order(folders: Sequence[Path]) -> list[tuple[Path, RunPart]]:
    """Read the parts, and return them in order. Raises UserError if they are not those of one run."""
    read = [(folder, load(folder)) for folder in folders]
    first = read[0][1]
    for folder, part in read:
        if (part.plan, part.parts, part.limit) != (first.plan, first.parts, first.limit):
            raise UserError(
                f"{folders[0]} and {folder} are parts of different plans: give the parts of one run"
            )
    return in_order(read)


def _check_trial(directory: Path, part: RunPart) -> None:
    """Raise UserError if a trial is damaged, or lacks answers for another reason than that it failed."""
    again = f"give the command of part {part.part}/{part.parts} again"
    if not (directory / "run.json").is_file():
        if not read_unstarted([directory]):
            raise UserError(f"{directory} is missing: {again}")
        return
    result = read_trial(directory)
    if result.header.trial.directory != directory.name:
        raise UserError(f"{directory} holds the records of another trial: remove it, and {again}")
    questions = len(result.questions) if part.limit is None else min(part.limit, len(result.questions))
    lacking = questions * result.header.trial.attempts - len(result.records)
    if lacking > 0 and not result.error:
        raise UserError(f"{directory} lacks {plural(lacking, 'answer')}: {again}")
