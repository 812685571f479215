"""Write a split to disk.

A shard is made only from its own rows, so any number of workers gives the same bytes.
"""

from __future__ import annotations

import hashlib
import importlib
import math
import shutil
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import final

from vizbench._util.background import run_in_background, stop_if_abandoned
from vizbench._util.numbers import is_whole
from vizbench.dataset.columns import Key, Kind
from vizbench.dataset.splits import Rows, Split
from vizbench.engines.engine import Engine
from vizbench.engines.local import local_engine
from vizbench.engines.schedule import each, results
from vizbench.engines.shard import WHOLE, Part
from vizbench.errors import UserError, unknown
from vizbench.formats import manifest as manifests
from vizbench.formats import parts
from vizbench.formats.carried import Receiver, carried
from vizbench.formats.digests import BLOCK_ROWS, BlockDigests
from vizbench.formats.folder import replace_folder
from vizbench.formats.format_base import Chunk, Format, Place
from vizbench.formats.manifest import (
    FORMATS,
    MAX_CLIP,
    MAX_DATASET,
    PROMPTS,
    FormatName,
    Frames,
    Manifest,
    PromptName,
    Settings,
    Shard,
)
from vizbench.formats.row_prompts import RowPrompts
from vizbench.renderers.looks import LOOKS, LookName

SHARD_ROWS = 5_000
"""Rows per shard: the paper's largest number of shots is one file."""

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


def write(
    split: Split,
    n: int,
    out: Path | str,
    format: FormatName = "jsonl",
    overwrite: bool = False,
    workers: int = 1,
    steps: bool = True,
    prompt: PromptName = "text",
    look: LookName = "paper",
    packed: bool = False,
    progress: Callable[[int], object] | None = None,
    engine: Engine | None = None,
    part: Part = WHOLE,
    pictures: bool = False,
    frames: Frames | None = None,
) -> Manifest:
    """Write the first n rows of a split to the folder `out`, which appears in whole or not at all.

    n: 1 … MAX_DATASET. workers: 1 … MAX_WORKERS processes; starting one costs about a second of work.
    overwrite: replace the data set that is there at the start; if something else is there at the end, it
    stays and the rows are not kept. steps: keep the trajectories, which for a maze are a hundred times the
    rest. prompt: who reads the rows' prompts, see `vizbench.prompt`; "none" leaves them out. look: how
    pictures and clips are drawn, see `vizbench.render`. packed: of Parquet only, write grids as bytes with
    their shapes and not as nested lists. pictures: of Parquet only, add columns of pictures. frames: of video
    only, frames of each clip, 2 … 1024, or "states" for the question and a frame per state; None: 9.
    progress: called with the number of rows that are written, after each shard. engine: runs the work
    elsewhere, in place of `workers`; it does not change the bytes. part: the shards to write; `merge` puts
    the parts together.

    Raises UserError, with nothing written, if an argument cannot be served or the rows do not fit the disk.
    Ctrl-C ends the writing at once.
    """
    settings = Settings(format, steps, prompt, look, packed, pictures, frames)
    return write_splits([(split, n)], out, settings, overwrite, workers, progress, engine, part)[0]


def write_splits(
    splits: Sequence[tuple[Split, int]],
    out: Path | str,
    settings: Settings,
    overwrite: bool = False,
    workers: int = 1,
    progress: Callable[[int], object] | None = None,
    engine: Engine | None = None,
    part: Part = WHOLE,
) -> list[Manifest]:
    """Write the first rows of several splits to one folder with one manifest. See `write`.

    splits: train, test or both, with the number of rows of each. Returns the manifest of each.
    """
    for _, n in splits:
        _check_count("n", n, MAX_DATASET)
    _check_count("workers", workers, MAX_WORKERS)
    chosen = _format_of(settings)
    _check_splits(splits, part)

    # Too few rows are reported before a folder is made. A split that knows its count has its rows in memory.
    # Of any other only the first row is generated, which costs almost nothing.
    block = math.gcd(BLOCK_ROWS, SHARD_ROWS)  # a shard is of whole blocks
    tasks: list[_Task] = []
    for split, n in splits:
        run_in_background(partial(split.rows, 0, 1 if split.count is None else n))
        kinds = run_in_background(split.kinds)
        tasks.append(_Task(split, n, chosen, kinds, settings, block))
    with replace_folder(Path(out), overwrite) as folder:
        # The estimate comes first: a disk may be too small for what takes hours to write.
        largest = max(tasks, key=lambda task: task.n)
        if largest.n > _SAMPLE:
            total = sum(rows_of(part, task.n) for task in tasks)
            run_in_background(lambda: _check_space(largest.job(folder, 0, _SAMPLE), total))

        # Shards come back in order, whichever process wrote them.
        counts = [len(task.firsts(part)) for task in tasks]
        jobs = chain.from_iterable(task.jobs(folder, part) for task in tasks)
        engine = engine or local_engine(max(1, min(workers, sum(counts))))
        kept = parts.DigestFile(folder)
        collect = _Collector(None if part.is_whole else kept, progress)
        with closing(_written(engine, jobs)) as written:
            made = [collect(task, islice(written, count)) for task, count in zip(tasks, counts, strict=True)]
        if part.is_whole:
            manifests.save(made, folder)
        else:
            parts.save(part, made[0], kept, folder)
    return made


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
    block: int

    def firsts(self, part: Part) -> Sequence[int]:
        """Return the first row of each shard."""
        return part.of(range(0, self.n, SHARD_ROWS))

    def jobs(self, folder: Path, part: Part) -> Iterator[_Job]:
        """Yield the shards to be written."""
        for first in self.firsts(part):
            yield self.job(folder, first, min(SHARD_ROWS, self.n - first))

    def job(self, folder: Path, first: int, rows: int) -> _Job:
        """Return the shard that begins with row `first`."""
        place = Place(folder, self.split.name, first // SHARD_ROWS, first, rows, self.settings.look)
        steps, prompt = self.settings.steps, self.settings.prompt
        return _Job(place, self.format, self.split.rows(first, rows), self.kinds, steps, prompt, self.block)


@final
class _Collector:
    """Makes manifests of shards that are written."""

    def __init__(self, kept: parts.DigestFile | None, progress: Callable[[int], object] | None) -> None:
        """kept: gets the digests of all blocks; None if they are not kept. progress: see `write`."""
        self._kept = kept
        self._progress = progress
        self._rows = 0

    def __call__(self, task: _Task, written: Iterator[tuple[Shard, bytes]]) -> Manifest:
        """Return the manifest of a split, whose shards come in order."""
        content = hashlib.sha256()
        shards: list[Shard] = []
        for shard, digests in written:
            shards.append(shard)
            content.update(digests)
            self._rows += shard.rows
            if self._progress is not None:
                self._progress(self._rows)
            if self._kept is not None:
                self._kept.add(digests)
        digest = content.hexdigest()
        return manifests.new(task.split.spec, task.settings, task.n, task.block, digest, shards)


def rows_of(part: Part, n: int) -> int:
    """Return the number of rows in a part of a data set with n rows."""
    return sum(min(SHARD_ROWS, n - first) for first in part.of(range(0, n, SHARD_ROWS)))


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


def _written(engine: Engine, jobs: Iterator[_Job]) -> Generator[tuple[Shard, bytes]]:
    """Return the records of the shards in order, each after its files are in the folder."""
    if engine.shares_files:
        return results(engine, each(_write_shard), jobs)
    receiver = Receiver()
    unit = partial(carried, _write_shard)
    return receiver.checked(results(engine, unit, receiver.noted(jobs), receiver.watch))


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
    _write_shard(sample)
    used = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    for path in list(folder.iterdir()):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
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
