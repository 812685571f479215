"""Parquet: plain columns that `datasets`, pandas and polars load as they are.

Grids are nested lists of uint8 rather than fixed-size binary, which packs 100,000 8x8 grids five times faster but
leaves the reader to guess shape and type. meta is JSON text, because its keys differ between tasks.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow ships no types.

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, final

import msgspec
import numpy as np
import numpy.typing as npt

from vizbench.errors import UserError
from vizbench.formats.files import open_regular
from vizbench.formats.rows import Row
from vizbench.formats.shard import Entry, Format, Place
from vizbench.types import Grid

_GROUP = 512  # rows a row group: what is held in memory at a time


@final
class Parquet(Format):
    """`train-00000.parquet`, zstd."""

    name = "parquet"

    def files(self, place: Place) -> Sequence[str]:
        return [f"{place.stem}.parquet"]

    def write(self, place: Place, entries: Iterable[Entry]) -> str:
        import pyarrow.parquet as pq

        path = place.folder / f"{place.stem}.parquet"
        remaining = iter(entries)
        with pq.ParquetWriter(path, _schema(), compression="zstd") as writer:
            while group := list(itertools.islice(remaining, _GROUP)):
                writer.write_table(_table(group))
        return self.digest(place)

    def read(self, place: Place) -> Iterator[Row]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = place.folder / f"{place.stem}.parquet"
        try:
            with open_regular(path, "shard") as file, pq.ParquetFile(file) as parquet:
                if not parquet.schema_arrow.equals(_schema()):
                    raise UserError(f"{path} has other columns than a vizbench data set: generate it again")
                for batch in parquet.iter_batches(batch_size=_GROUP):
                    for row in batch.to_pylist():
                        yield msgspec.convert({**row, "meta": msgspec.json.decode(row["meta"])}, Row)
        except (pa.ArrowException, OSError, msgspec.MsgspecError, RecursionError, TypeError) as error:
            raise UserError(f"{path} is no Parquet data set ({error}): generate it again") from None


def _schema() -> Any:
    import pyarrow as pa

    grid = pa.list_(pa.list_(pa.uint8()))
    columns = {"id": pa.string(), "task": pa.string(), "seed": pa.int64(), "split": pa.string(), "index": pa.int64()}
    return pa.schema(columns | {"question": grid, "target": grid, "steps": pa.list_(grid), "meta": pa.string()})


def _table(group: list[Entry]) -> Any:
    import pyarrow as pa

    rows = [entry.instance for entry in group]
    ways = [list(entry.instance.steps) if entry.steps else [] for entry in group]
    flat = [step for way in ways for step in way]
    columns = [
        pa.array([row.id for row in rows], pa.string()),
        pa.array([row.task for row in rows], pa.string()),
        pa.array([row.seed for row in rows], pa.int64()),
        pa.array([row.split for row in rows], pa.string()),
        pa.array([row.index for row in rows], pa.int64()),
        _lists([row.question for row in rows]),
        _lists([row.target for row in rows]),
        pa.ListArray.from_arrays(_offsets([len(way) for way in ways]), _lists(flat)),
        pa.array([msgspec.json.encode(row.meta).decode() for row in rows], pa.string()),
    ]
    return pa.Table.from_arrays(columns, schema=_schema())


def _lists(grids: list[Grid]) -> Any:
    """Grids of any shapes as one Arrow array of lists of lists, without a Python object a cell."""
    import pyarrow as pa

    cells = np.concatenate([grid.ravel() for grid in grids]) if grids else np.empty(0, np.uint8)
    widths = [grid.shape[1] for grid in grids for _ in range(grid.shape[0])]
    lines = pa.ListArray.from_arrays(_offsets(widths), pa.array(cells, pa.uint8()))
    return pa.ListArray.from_arrays(_offsets([grid.shape[0] for grid in grids]), lines)


def _offsets(lengths: list[int]) -> npt.NDArray[np.int32]:
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int32)


FORMAT = Parquet()
