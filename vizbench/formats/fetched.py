"""Bring the files of a shard to this machine, if they are in an object store."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from vizbench._util.background import run_in_background
from vizbench.formats.format_base import Format, Place
from vizbench.formats.stores import Store, Where


@contextmanager
def fetched(folder: Where, format: Format, place: Place) -> Generator[Place]:
    """Yield a shard's place on this machine. A shard of a store is here only within the block."""
    if not isinstance(folder, Store):
        yield dataclasses.replace(place, folder=folder)
        return
    with tempfile.TemporaryDirectory(prefix="vizbench-") as local:
        run_in_background(lambda: folder.fetch(format.files(place), Path(local)))
        yield dataclasses.replace(place, folder=Path(local))
