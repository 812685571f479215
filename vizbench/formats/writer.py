"""Write a split to disk.

A shard is made only from its own rows, so any number of workers gives the same bytes.
"""

from __future__ import annotations

import hashlib
import importlib
import math
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, final

import msgspec

from vizbench._util.background import run_in_background, stop_if_abandoned
from vizbench._util.numbers import is_whole
from vizbench.dataset.columns import Key, Kind
from vizbench.dataset.splits import Rows, Split
from vizbench.engines.engine import Engine
from vizbench.engines.local import local_engine
from vizbench.engines.schedule import each, results
from vizbench.engines.shard import WHOLE, Part
from vizbench.errors import UserError, unknown
from vizbench.formats import journal, parts
from vizbench.formats import manifest as manifests
from vizbench.formats.carried import Receiver, carried
from vizbench.formats.digests import BLOCK_ROWS, BlockDigests
from vizbench.formats.draft import TRIAL
from vizbench.formats.draft_of import draft_of
from vizbench.formats.format_base import Chunk, Format, Place
from vizbench.formats.journal import Finished
from vizbench.formats.manifest import (
    FORMATS,
    MAX_CLIP,
    MAX_DATASET,
    PROMPTS,
    Manifest,
    PromptName,
    Settings,
    Shard,
)
from vizbench.formats.row_prompts import RowPrompts
from vizbench.renderers.looks import LOOKS

SHARD_ROWS = 5_000
"""Rows per shard: the paper's largest number of shots is one file."""

LARGE = 100_000
"""From this many rows on, shards of formats with `large_shards` have more rows. Each shard takes time."""

MAX_WORKERS = 256
"""Processes that may write one data set."""

_SAMPLE = 20
"""Rows that are written first, to estimate the size of all."""


def format_named(name: str) -> Format:
    """Return the format of that name. It is imported only now, because each needs its own library."""
    if name not in FORMATS:
        raise unknown("format", name, FORMATS)
    return importlib.import_module(f"vizbench.formats.{name}").FORMAT


def _format_of(settings: Settings) -> Format:
    """Return the format that writes as the settings say. Raises UserError if they contradict each other."""
    # Names of which there are a few.
    chosen = format_named(settings.format)
    if settings.prompt not in PROMPTS:
        raise unknown("prompt", settings.prompt, PROMPTS)
    if settings.look not in LOOKS:
        raise unknown("look", settings.look, LOOKS)

    # What only one format has.
    if settings.packed and settings.format != "parquet":
        raise UserError(
            f"{settings.format} has no packed grids: choose --format parquet, or leave --packed out"
        )
    if settings.pictures and settings.format != "parquet":
        raise UserError(
            f"{settings.format} has no columns for pictures: choose --format parquet, or leave --pictures out"
        )
    if settings.frames is not None:
        _check_frames(settings)
    if settings.format == "parquet":
        chosen = importlib.import_module("vizbench.formats.parquet").Parquet(
            settings.packed, settings.pictures
        )
    if settings.format == "video" and settings.frames is not None:
        from vizbench.formats.video import Video

        chosen = Video(settings.frames)
    if settings.look != "paper" and not chosen.draws:
        raise UserError(
            f"format {settings.format} holds no pictures, so look {settings.look} would change nothing: "
            "choose png, webdataset or video, Parquet with --pictures, or leave look out"
        )
    return chosen


def _check_frames(settings: Settings) -> None:
    """Raise UserError if the frames of clips cannot be written."""
    frames = settings.frames
    if settings.format != "video":
        raise UserError(f"{settings.format} has no clips: choose --format video, or leave --frames out")
    if frames != "states" and not is_whole(frames, 2, MAX_CLIP):
        raise UserError(
            f'frames={str(frames)[:40]} is not in 2 … {MAX_CLIP:,}: choose a number there, or "states" for '
            "the question and a frame per state"
        )
    if frames == "states" and not settings.steps:
        raise UserError(
            "--frames states shows the states, and --no-steps leaves them out: leave one of the two out"
        )


@final
@dataclass(frozen=True, slots=True, eq=False)
class Execution:
    """How the writing runs. It does not change the bytes."""

    overwrite: bool = False
    """Replace the data set that is there at the start. Anything else that is there at the end stays."""
    workers: int = 1
    """Shards at a time, 1 … MAX_WORKERS, in threads, or in processes if one takes long."""
    progress: Callable[[int], object] | None = None
    """Called with the number of rows that are written, after each shard."""
    engine: Engine | None = None
    """Runs the work elsewhere, in place of `workers`."""
    part: Part = WHOLE
    """The shards to write. `merge` puts the parts together."""
    resumed: Callable[[int, int], object] | None = None
    """Called once with the numbers of shards and rows that an interrupted call had finished, if any."""


_PLAIN: Final = Settings()
_HERE: Final = Execution()


def write(
    split: Split, n: int, out: Path | str, settings: Settings = _PLAIN, execution: Execution = _HERE
) -> Manifest:
    """Write the first n rows of a split to `out`, which becomes a data set in whole or not at all.

    n: 1 … MAX_DATASET. out: a folder, or the URL of one in an object store. If the call is interrupted, the
    shards that it has finished stay, and the same call continues from them.

    Raises UserError if an argument cannot be served, if the rows do not fit the disk, or if another call has
    left shards of `out`. Ctrl-C ends the writing at once.
    """
    return write_splits([(split, n)], out, settings, execution)[0]


def write_splits(
    splits: Sequence[tuple[Split, int]],
    out: Path | str,
    settings: Settings = _PLAIN,
    execution: Execution = _HERE,
) -> list[Manifest]:
    """Write the first rows of several splits to one folder with one manifest. See `write`.

    splits: train, test or both, with the number of rows of each. Returns the manifest of each.
    """
    part, progress = execution.part, execution.progress
    for _, n in splits:
        _check_count("n", n, MAX_DATASET)
    _check_count("workers", execution.workers, MAX_WORKERS)
    chosen = _format_of(settings)
    _check_splits(splits, part)

    # Too few rows are reported before a folder is made. A split that knows its count has its rows in memory.
    # Of any other only the first row is generated, which costs almost nothing.
    tasks = [run_in_background(partial(_task_of, split, n, chosen, settings)) for split, n in splits]
    command = journal.command([task.base for task in tasks], max(task.size for task in tasks), part)
    with draft_of(out, execution.overwrite, command) as draft:
        # What an interrupted call has finished is read again, to be compared with its digests.
        places = [(task, place) for task in tasks for place in task.places(draft.folder, part)]
        records = run_in_background(lambda: draft.kept(chosen, [place for _, place in places]))
        missing = [(task, place) for task, place in places if place.stem not in records]
        done = sum(record.rows for record in records.values())
        if records and execution.resumed is not None:
            execution.resumed(len(records), done)

        # The estimate comes first: a disk may be too small for what takes hours to write.
        largest = max(tasks, key=lambda task: task.n)
        if largest.n > _SAMPLE and missing and draft.is_local:
            sample = Place(draft.folder / TRIAL, largest.split.name, 0, 0, _SAMPLE, settings.look)
            rows = sum(place.rows for _, place in missing)
            run_in_background(lambda: _check_space(largest.job(sample), rows))

        def ended(number: int, made: tuple[Shard, bytes]) -> None:
            nonlocal done
            place = missing[number][1]
            record = Finished(place.stem, made[0].rows, made[0].sha256, made[1])
            draft.add(chosen, place, record)
            records[record.stem] = record
            done += record.rows
            if progress is not None:
                progress(done)

        engine = execution.engine or local_engine(max(1, min(execution.workers, len(missing))))
        jobs = (task.job(place) for task, place in missing)
        _make(engine, _fresh(jobs, bool(draft.recorded)), ended)
        return _save(tasks, records, part, draft.folder)


def _check_splits(splits: Sequence[tuple[Split, int]], part: Part) -> None:
    """Raise UserError if splits cannot be in one folder."""
    names = [split.name for split, _ in splits]
    if not names or len(set(names)) < len(names):
        raise UserError(
            f"the splits {','.join(names)} are not different ones: give train, test, or train,test"
        )
    if len(names) > 1 and not part.is_whole:
        raise UserError(
            "--shard divides the rows of one split: leave --splits out, and give --split train, then "
            "--split test"
        )


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """The rows of one split to be written."""

    split: Split
    n: int
    format: Format
    kinds: Mapping[Key, Kind]
    settings: Settings
    size: int
    base: Manifest
    """The manifest without shards and digest."""

    def places(self, folder: Path, part: Part) -> Iterator[Place]:
        """Yield the places of the shards of a part."""
        for first in part.of(range(0, self.n, self.size)):
            rows = min(self.size, self.n - first)
            yield Place(folder, self.split.name, first // self.size, first, rows, self.settings.look)

    def job(self, place: Place) -> _Job:
        """Return the shard at a place."""
        rows = self.split.rows(place.first, place.rows)
        steps, prompt = self.settings.steps, self.settings.prompt
        return _Job(place, self.format, rows, self.kinds, steps, prompt, self.base.block)


def _task_of(split: Split, n: int, format: Format, settings: Settings) -> _Task:
    """Return the rows of a split to be written. Raises UserError if there are too few."""
    split.rows(0, 1 if split.count is None else n)
    size = shard_rows(n, format)
    block = math.gcd(BLOCK_ROWS, size)  # a shard is of whole blocks
    base = manifests.new(split.spec, settings, n, block, "", [])
    return _Task(split, n, format, split.kinds(), settings, size, base)


def _fresh(jobs: Iterator[_Job], resumed: bool) -> Iterator[_Job]:
    """Yield the jobs, after deleting what an interrupted call has written of their shards."""
    for job in jobs:
        if resumed:
            for name in job.format.files(job.place):
                (job.place.folder / name).unlink(missing_ok=True)
        yield job


def _save(
    tasks: Sequence[_Task], records: Mapping[str, Finished], part: Part, folder: Path
) -> list[Manifest]:
    """Write the manifests of all splits, or the description of a part, into the folder."""
    made: list[Manifest] = []
    digests = parts.DigestFile(folder)
    for task in tasks:
        content = hashlib.sha256()
        shards: list[Shard] = []
        for place in task.places(folder, part):
            record = records[place.stem]
            content.update(record.blocks)
            shards.append(Shard(record.rows, record.sha256))
            if not part.is_whole:
                digests.add(record.blocks)
        made.append(msgspec.structs.replace(task.base, digest=content.hexdigest(), shards=shards))
    if part.is_whole:
        manifests.save(made, folder)
    else:
        parts.save(part, made[0], digests, folder)
    return made


def shard_rows(n: int, format: Format) -> int:
    """Return the rows of each shard but the last, in a data set with n rows."""
    return SHARD_ROWS * (format.large_shards if n >= LARGE else 1)


def rows_of(part: Part, n: int, format: Format) -> int:
    """Return the number of rows in a part of a data set with n rows."""
    size = shard_rows(n, format)
    return sum(min(size, n - first) for first in part.of(range(0, n, size)))


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """One shard to be written."""

    place: Place
    format: Format
    rows: Rows
    kinds: Mapping[Key, Kind]
    steps: bool
    prompt: PromptName
    block: int


def _make(engine: Engine, jobs: Iterator[_Job], ended: Callable[[int, tuple[Shard, bytes]], None]) -> None:
    """Make all shards. ended: called for each, when its files are in the folder."""
    if engine.shares_files:
        made = results(engine, each(_write_shard), jobs, ended=ended)
    else:
        receiver = Receiver(ended)
        unit = partial(carried, _write_shard)
        made = results(engine, unit, receiver.noted(jobs), receiver.watch, ended=receiver.ended)
    with closing(made):
        for _ in made:
            pass


def _write_shard(job: _Job) -> tuple[Shard, bytes]:
    """Write one shard. Returns its record and the digests of its blocks, 32 bytes each."""
    digests, prompts_of = BlockDigests(job.block), RowPrompts(job.prompt, job.place.look)

    def chunks() -> Iterator[Chunk]:
        for columns in job.rows.chunks(job.steps):
            stop_if_abandoned()
            chunk = Chunk(columns, tuple(prompts_of(part) for part in columns.parts))
            digests.add(columns, chunk.prompts)
            yield chunk

    written = job.format.write(job.place, chunks(), job.kinds)
    return Shard(job.place.rows, written), digests.finish()


def _check_space(sample: _Job, n: int) -> None:
    """Write a few rows, delete them, and raise UserError if n of them would not fit the disk."""
    folder = sample.place.folder
    folder.mkdir()
    _write_shard(sample)
    used = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    shutil.rmtree(folder)
    folder = folder.parent
    needed, free = used * n // sample.place.rows, shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(
            f"{n:,} rows need about {needed / 1e9:,.3f} GB and the disk has {free / 1e9:,.3f} GB free: "
            f"ask for at most {free * sample.place.rows // used:,} rows, leave the steps out, or write "
            "elsewhere"
        )


def _check_count(what: str, value: int, most: int) -> None:
    if not is_whole(value, 1, most):
        raise UserError(f"{what}={str(value)[:40]} is not in 1 … {most:,}: choose a whole number there")
