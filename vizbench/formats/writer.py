"""Write a split to disk.

A shard is made only from its own rows, so any number of workers gives the same bytes.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import math
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import final

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
    MAX_DATASET,
    PROMPTS,
    FormatName,
    Manifest,
    PromptName,
    Shard,
)
from vizbench.formats.row_prompts import RowPrompts
from vizbench.renderers.looks import LOOKS, LookName

SHARD_ROWS = 5_000
"""Rows per shard: the paper's largest number of shots is one file."""

LARGE = 100_000
"""From this many rows on, shards of formats with `large_shards` have more rows. Each shard takes time."""

MAX_WORKERS = 256
"""Processes that may write one data set."""

_SAMPLE = 20
"""Rows that are written first, to estimate the size of all."""


def format_named(name: str, packed: bool = False) -> Format:
    """Return the format of that name. It is imported only now, because each needs its own library."""
    if name not in FORMATS:
        raise unknown("format", name, FORMATS)
    if packed and name != "parquet":
        raise UserError(f"{name} has no packed grids: choose --format parquet, or leave --packed out")
    module = importlib.import_module(f"vizbench.formats.{name}")
    return module.PACKED if packed else module.FORMAT


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
    resumed: Callable[[int, int], object] | None = None,
) -> Manifest:
    """Write the first n rows of a split to `out`, which becomes a data set in whole or not at all.

    out: a folder, or the URL of one in an object store. If the call is interrupted, the shards that it has
    finished stay, and the same call continues from them.

    n: 1 … MAX_DATASET. workers: 1 … MAX_WORKERS shards at a time, in threads, or in processes if one takes
    long. overwrite: replace the data set that is there at the start; if something else is there at the end,
    it stays and the rows are not kept. steps: keep the trajectories, which for a maze are a hundred times the
    rest. prompt: who reads the rows' prompts, see `vizbench.prompt`; "none" leaves them out. look: how the
    pictures of format png are drawn, see `vizbench.render`. packed: of Parquet only, write grids as bytes
    with their shapes and not as nested lists. progress: called with the number of rows that are written,
    after each shard. engine: runs the work elsewhere, in place of `workers`; it does not change the bytes.
    part: the shards to write; `merge` puts the parts together. resumed: called once with the number of shards
    and of rows that an interrupted call had finished, if there are any.

    Raises UserError if an argument cannot be served, if the rows do not fit the disk, or if another call has
    left shards of `out`. Ctrl-C ends the writing at once.
    """
    _check_count("n", n, MAX_DATASET)
    _check_count("workers", workers, MAX_WORKERS)
    chosen = format_named(format, packed)
    if prompt not in PROMPTS:
        raise unknown("prompt", prompt, PROMPTS)
    if look not in LOOKS:
        raise unknown("look", look, LOOKS)
    if look != "paper" and not chosen.draws:
        raise UserError(
            f"format {format} holds no pictures, so look {look} would change nothing: choose format png, or "
            "leave look out"
        )

    # Too few rows are reported before a folder is made. A split that knows its count has its rows in memory.
    # Of any other only the first row is generated, which costs almost nothing.
    run_in_background(lambda: split.rows(0, 1 if split.count is None else n))
    kinds = run_in_background(split.kinds)
    size = shard_rows(n, chosen)
    block = math.gcd(BLOCK_ROWS, size)  # a shard is of whole blocks
    base = manifests.new(split.spec, format, n, steps, prompt, block, "", [], look)
    command = journal.command(base, size, packed, part)
    with draft_of(out, overwrite, command) as draft:
        places = [
            Place(draft.folder, split.name, first // size, first, min(size, n - first), look)
            for first in part.of(range(0, n, size))
        ]

        def job(place: Place) -> _Job:
            return _Job(place, chosen, split.rows(place.first, place.rows), kinds, steps, prompt, block)

        # What an interrupted call has finished is read again, to be compared with its digests.
        records = run_in_background(lambda: draft.kept(chosen, places))
        missing = [place for place in places if place.stem not in records]
        done = sum(record.rows for record in records.values())
        if records and resumed is not None:
            resumed(len(records), done)

        # The estimate comes first: a disk may be too small for what takes hours to write.
        if n > _SAMPLE and missing and draft.is_local:
            sample = Place(draft.folder / TRIAL, split.name, 0, 0, _SAMPLE, look)
            run_in_background(lambda: _check_space(job(sample), sum(place.rows for place in missing)))

        def ended(number: int, made: tuple[Shard, bytes]) -> None:
            nonlocal done
            record = Finished(missing[number].stem, made[0].rows, made[0].sha256, made[1])
            draft.add(chosen, missing[number], record)
            records[record.stem] = record
            done += record.rows
            if progress is not None:
                progress(done)

        engine = engine or local_engine(max(1, min(workers, len(missing))))
        _make(engine, _fresh(map(job, missing), bool(draft.recorded)), ended)
        return _save(base, [records[place.stem] for place in places], part, draft.folder)


def _fresh(jobs: Iterator[_Job], resumed: bool) -> Iterator[_Job]:
    """Yield the jobs, after deleting what an interrupted call has written of their shards."""
    for job in jobs:
        if resumed:
            for name in job.format.files(job.place):
                (job.place.folder / name).unlink(missing_ok=True)
        yield job


def _save(base: Manifest, records: Sequence[Finished], part: Part, folder: Path) -> Manifest:
    """Write the manifest of all shards, or the description of a part, into its folder."""
    content = hashlib.sha256()
    for record in records:
        content.update(record.blocks)
    shards = [Shard(record.rows, record.sha256) for record in records]
    manifest = msgspec.structs.replace(base, digest=content.hexdigest(), shards=shards)
    if part.is_whole:
        manifests.save(manifest, folder)
        return manifest
    digests = parts.DigestFile(folder)
    for record in records:
        digests.add(record.blocks)
    parts.save(part, manifest, digests, folder)
    return manifest


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
        unit = functools.partial(carried, _write_shard)
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
