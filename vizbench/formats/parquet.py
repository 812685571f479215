"""Parquet: plain columns that `datasets`, pandas and polars load as they are.

Grids are nested lists of uint8 rather than fixed-size binary, which packs 100,000 8x8 grids five times faster
but leaves the reader to guess shape and type. meta is JSON text, because its keys differ between tasks."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow ships no types.

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, final

import msgspec
import numpy as np
import numpy.typing as npt

from vizbench._util.files import open_regular
from vizbench.errors import UserError
from vizbench.formats import parquet_pages
from vizbench.formats.parquet_pages import Group
from vizbench.formats.rows import Row
from vizbench.formats.shard import Entry, Format, Place
from vizbench.types import Grid

_GROUP = 512
"""Rows per row group."""

_GROUP_CELLS = 1 << 26
"""Cells of all grids of a row group: a group is held in memory when it is written. A row with more is not
written."""

_READ_CELLS = 1 << 22
"""Cells that are read at a time, or one row."""

_READ_TEXT = 1 << 26
"""Bytes of text that are read at a time, or one row."""

_PAGE = 1 << 28
"""Bytes of a page of cells, unpacked."""

_TEXT = 1 << 24
"""Bytes of a page of text, unpacked."""

_GRIDS = ("question", "target", "steps")


@final
class Parquet(Format):
    """`train-00000.parquet`, zstd."""

    name = "parquet"

    def files(self, place: Place) -> Iterable[str]:
        return [f"{place.stem}.parquet"]

    def write(self, place: Place, entries: Iterable[Entry]) -> str:
        import pyarrow.parquet as pq

        path = place.folder / f"{place.stem}.parquet"
        with pq.ParquetWriter(path, _schema(), compression="zstd") as writer:
            for group in _groups(entries):
                writer.write_table(_table(group))
        return self.digest(place)

    def read(self, place: Place) -> Iterator[Row]:
        path = place.folder / f"{place.stem}.parquet"
        try:
            yield from _rows(path, place.rows)
        except UserError:
            raise
        except Exception as error:  # Arrow raises many kinds for broken files, UnicodeDecodeError among them
            reason = str(error).partition("\n")[0][:200]
            raise UserError(f"{path} is no Parquet data set ({reason}): generate it again") from None


def _rows(path: Path, rows: int) -> Iterator[Row]:
    import pyarrow.parquet as pq

    with open_regular(path, "shard") as file:
        sizes = [_batch_size(path, group) for group in parquet_pages.groups(file)]
        with pq.ParquetFile(file) as parquet:
            if not parquet.schema_arrow.equals(_schema()):
                raise UserError(f"{path} has other columns than a vizbench data set: generate it again")
            if parquet.metadata.num_rows != rows:
                raise UserError(
                    f"{path} holds {parquet.metadata.num_rows:,} rows where the manifest says {rows:,}"
                )
            for number, size in enumerate(sizes):
                for batch in parquet.iter_batches(size, [number]):
                    for row in batch.to_pylist():
                        yield msgspec.convert({**row, "meta": msgspec.json.decode(row["meta"])}, Row)


def _batch_size(path: Path, group: Group) -> int:
    """How many rows of a group are read at a time. UserError for a group that no vizbench writes."""
    cells = sum(column.values for column in group.columns)
    is_small = all(
        column.largest <= (_PAGE if column.name in _GRIDS else _TEXT)
        and column.values <= group.rows + (_GROUP_CELLS if column.name in _GRIDS else 0)
        for column in group.columns
    )
    if (
        not 1 <= group.rows <= _GROUP
        or cells > _GROUP_CELLS + group.rows * len(group.columns)
        or not is_small
    ):
        raise UserError(f"{path} has row groups larger than those of a vizbench data set: generate it again")
    text = max((column.dictionary for column in group.columns if column.name not in _GRIDS), default=0)
    return max(1, min(group.rows, group.rows * _READ_CELLS // max(1, cells), _READ_TEXT // max(1, text)))


def _groups(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """The entries in groups of at most _GROUP rows and _GROUP_CELLS cells."""
    group: list[Entry] = []
    held = 0
    for entry in entries:
        cells = _cells(entry)
        if cells > _GROUP_CELLS:
            raise UserError(
                f"row {entry.instance.index} has {cells:,} cells and a row of Parquet holds at most {_GROUP_CELLS:,}: "
                "leave the steps out, or choose smaller boards"
            )
        if group and (len(group) == _GROUP or held + cells > _GROUP_CELLS):
            yield group
            group, held = [], 0
        group.append(entry)
        held += cells
    if group:
        yield group


def _cells(entry: Entry) -> int:
    row = entry.instance
    return row.question.size + row.target.size + (row.steps.size if entry.steps else 0)


def _schema() -> Any:
    import pyarrow as pa

    grid = pa.list_(pa.list_(pa.uint8()))
    columns = {
        "id": pa.string(),
        "task": pa.string(),
        "seed": pa.int64(),
        "split": pa.string(),
        "index": pa.int64(),
    }
    return pa.schema(
        columns | {"question": grid, "target": grid, "steps": pa.list_(grid), "meta": pa.string()}
    )


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
