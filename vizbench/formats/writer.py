"""Write a split to disk.

A shard is made only from its own rows, so any number of workers gives the same bytes.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import math
import shutil
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
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
) -> Manifest:
    """Write the first n rows of a split to the folder `out`, which appears in whole or not at all.

    n: 1 … MAX_DATASET. workers: 1 … MAX_WORKERS shards at a time, in threads, or in processes if one takes
    long. overwrite: replace the data set that is there at the start; if something else is there at the end,
    it stays and the rows are not kept. steps: keep the trajectories, which for a maze are a hundred times the
    rest. prompt: who reads the rows' prompts, see `vizbench.prompt`; "none" leaves them out. look: how the
    pictures of format png are drawn, see `vizbench.render`. packed: of Parquet only, write grids as bytes
    with their shapes and not as nested lists. progress: called with the number of rows that are written,
    after each shard. engine: runs the work elsewhere, in place of `workers`; it does not change the bytes.
    part: the shards to write; `merge` puts the parts together.

    Raises UserError, with nothing written, if an argument cannot be served or the rows do not fit the disk.
    Ctrl-C ends the writing at once.
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
    with replace_folder(Path(out), overwrite) as folder:

        def job(first: int, rows: int) -> _Job:
            place = Place(folder, split.name, first // size, first, rows, look)
            return _Job(place, chosen, split.rows(first, rows), kinds, steps, prompt, block)

        # The estimate comes first: a disk may be too small for what takes hours to write.
        firsts = part.of(range(0, n, size))
        if n > _SAMPLE:
            run_in_background(lambda: _check_space(job(0, _SAMPLE), rows_of(part, n, chosen)))

        # Shards come back in order, whichever process wrote them.
        content = hashlib.sha256()
        shards: list[Shard] = []
        kept = parts.DigestFile(folder)
        jobs = (job(first, min(size, n - first)) for first in firsts)
        engine = engine or local_engine(max(1, min(workers, len(firsts))))
        with closing(_written(engine, jobs)) as written:
            for shard, digests in written:
                shards.append(shard)
                content.update(digests)
                if progress is not None:
                    progress(sum(written_shard.rows for written_shard in shards))
                if not part.is_whole:
                    kept.add(digests)
        made = manifests.new(split.spec, format, n, steps, prompt, block, content.hexdigest(), shards, look)
        if part.is_whole:
            manifests.save(made, folder)
        else:
            parts.save(part, made, kept, folder)
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


def _written(engine: Engine, jobs: Iterator[_Job]) -> Generator[tuple[Shard, bytes]]:
    """Return the records of the shards in order, each after its files are in the folder."""
    if engine.shares_files:
        return results(engine, each(_write_shard), jobs)
    receiver = Receiver()
    unit = functools.partial(carried, _write_shard)
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
