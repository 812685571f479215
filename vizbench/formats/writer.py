"""Write a split to disk.

A shard is made only from its own rows, so any number of workers gives the same bytes.
"""

from __future__ import annotations

import hashlib
import importlib
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import final

from vizbench._util.background import run_in_background, stop_if_abandoned
from vizbench._util.numbers import is_whole
from vizbench.dataset.splits import Rows, Split
from vizbench.errors import UserError, unknown
from vizbench.formats import manifest as manifests
from vizbench.formats.folder import replace_folder
from vizbench.formats.format_base import Entry, Format, Place
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
from vizbench.formats.rows import row_digest
from vizbench.formats.workers import in_order
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
) -> Manifest:
    """Write the first n rows of a split to the folder `out`, which appears in whole or not at all.

    n: 1 … MAX_DATASET. workers: 1 … MAX_WORKERS processes; starting one costs about a second of work.
    overwrite: replace the data set that is there at the start; if something else is there at the end, it
    stays and the rows are not kept. steps: keep the trajectories, which for a maze are a hundred times the
    rest. prompt: who reads the rows' prompts, see `vizbench.prompt`; "none" leaves them out.
    look: how the pictures of format png are drawn, see `vizbench.render`.

    Raises UserError, with nothing written, if an argument cannot be served or the rows do not fit the disk.
    Ctrl-C ends the writing at once.
    """
    _check_count("n", n, MAX_DATASET)
    _check_count("workers", workers, MAX_WORKERS)
    chosen = format_named(format)
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
    with replace_folder(Path(out), overwrite) as folder:

        def job(first: int, rows: int) -> _Job:
            place = Place(folder, split.name, first // SHARD_ROWS, first, rows, look)
            return _Job(place, chosen, split.rows(first, rows), steps, prompt)

        # The estimate comes first: a disk may be too small for what takes hours to write.
        if n > _SAMPLE:
            run_in_background(lambda: _check_space(job(0, _SAMPLE), n))

        # Shards come back in order, whichever process wrote them.
        content = hashlib.sha256()
        shards: list[Shard] = []
        jobs = (job(first, min(SHARD_ROWS, n - first)) for first in range(0, n, SHARD_ROWS))
        with closing(in_order(_write_shard, jobs, min(workers, -(-n // SHARD_ROWS)))) as written:
            for shard, digests in written:
                shards.append(shard)
                content.update(digests)
        made = manifests.new(split.spec, format, n, steps, prompt, content.hexdigest(), shards, look)
        manifests.save(made, folder)
    return made


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """One shard to be written."""

    place: Place
    format: Format
    rows: Rows
    steps: bool
    prompt: PromptName


def _write_shard(job: _Job) -> tuple[Shard, bytes]:
    """Write one shard. Returns its record and the digests of its rows, 32 bytes each."""
    digests = bytearray()
    prompt_of = RowPrompts(job.prompt, job.place.look)

    def entries() -> Iterator[Entry]:
        for instance in job.rows:
            stop_if_abandoned()
            prompt = prompt_of(instance)
            digests.extend(row_digest(instance, job.steps, prompt))
            yield Entry(instance, job.steps, prompt)

    written = job.format.write(job.place, entries())
    return Shard(job.place.rows, written), bytes(digests)


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
