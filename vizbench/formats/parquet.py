"""Write and read Parquet: plain columns that `datasets`, pandas and polars load as they are.

Grids are nested lists of uint8. Fixed-size binary packs 100,000 8x8 grids five times faster, but leaves the
reader to guess shape and type. meta is JSON text, because its keys differ between tasks.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow ships no types.

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, final

import msgspec
import numpy as np
import numpy.typing as npt

from vizbench._util.files import open_regular
from vizbench.errors import UserError
from vizbench.formats import parquet_pages
from vizbench.formats.format_base import Entry, Format, Place
from vizbench.formats.parquet_pages import Column, Group
from vizbench.formats.rows import Row
from vizbench.types import Grid

_GROUP = 512
"""Rows per row group."""

_GROUP_CELLS = 1 << 26
"""Cells of all grids of a row group, which is held in memory when it is written. No row may have more."""

_READ_CELLS = 1 << 22
"""Cells that are read at a time, unless one row has more."""

_READ_TEXT = 1 << 26
"""Bytes of text that are read at a time, unless one row has more."""

_PAGE = 1 << 28
"""Bytes of the largest page of cells, unpacked."""

_TEXT = 1 << 24
"""Bytes of the largest page of text, unpacked."""

_PLAIN = ("id", "task", "seed", "split", "index")
_GRIDS = ("question", "target", "steps")


@final
class Parquet(Format):
    """Files such as `train-00000.parquet`, compressed with zstd."""

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
            raise UserError(f"{path} is not a Parquet data set ({reason}): generate it again") from None


def _rows(path: Path, rows: int) -> Iterator[Row]:
    """Yield the rows of a file. rows: how many the manifest says."""
    import pyarrow.parquet as pq

    with open_regular(path, "shard") as file:
        sizes = [_batch_size(path, group) for group in parquet_pages.groups(file)]
        with pq.ParquetFile(file) as parquet:
            if not parquet.schema_arrow.equals(_schema()):
                raise UserError(f"{path} has other columns than a vizbench data set: generate it again")
            if parquet.metadata.num_rows != rows:
                raise UserError(
                    f"{path} holds {parquet.metadata.num_rows:,} rows and the manifest says {rows:,}"
                )
            for number, size in enumerate(sizes):
                for batch in parquet.iter_batches(size, [number]):
                    for row in batch.to_pylist():
                        yield msgspec.convert({**row, "meta": msgspec.json.decode(row["meta"])}, Row)


def _batch_size(path: Path, group: Group) -> int:
    """Return how many rows of a group are read at a time.

    Raises UserError if the group is larger than any that vizbench writes.
    """
    cells = sum(column.values for column in group.columns)
    has_size = 1 <= group.rows <= _GROUP and cells <= _GROUP_CELLS + group.rows * len(group.columns)
    if not has_size or not all(_is_small(column, group.rows) for column in group.columns):
        raise UserError(f"{path} has row groups larger than those of a vizbench data set: generate it again")
    text = max((column.dictionary for column in group.columns if column.name not in _GRIDS), default=0)
    rows_by_cells = group.rows * _READ_CELLS // max(1, cells)
    rows_by_text = _READ_TEXT // max(1, text)
    return max(1, min(group.rows, rows_by_cells, rows_by_text))


def _is_small(column: Column, rows: int) -> bool:
    """Return whether a column of a group with `rows` rows is no larger than any that vizbench writes."""
    if column.name in _GRIDS:
        return column.largest <= _PAGE and column.values <= rows + _GROUP_CELLS
    return column.largest <= _TEXT and column.values <= rows


def _groups(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Yield the entries in groups of at most _GROUP rows and _GROUP_CELLS cells."""
    group: list[Entry] = []
    held = 0
    for entry in entries:
        cells = _cells(entry)
        if cells > _GROUP_CELLS:
            raise UserError(
                f"row {entry.instance.index} has {cells:,} cells and a row of Parquet holds at most "
                f"{_GROUP_CELLS:,}: leave the steps out, or choose smaller grids"
            )
        if group and (len(group) == _GROUP or held + cells > _GROUP_CELLS):
            yield group
            group, held = [], 0
        group.append(entry)
        held += cells
    if group:
        yield group


def _cells(entry: Entry) -> int:
    """Return the cells of all grids of a row."""
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
    """Return a group as an Arrow table."""
    import pyarrow as pa

    rows = [entry.instance for entry in group]
    trajectories = [list(entry.instance.steps) if entry.steps else [] for entry in group]
    states = list(chain.from_iterable(trajectories))
    lengths = _offsets([len(trajectory) for trajectory in trajectories])
    metas = [msgspec.json.encode(row.meta).decode() for row in rows]
    schema = _schema()
    columns = {
        name: pa.array([getattr(row, name) for row in rows], schema.field(name).type) for name in _PLAIN
    }
    columns["question"] = _lists([row.question for row in rows])
    columns["target"] = _lists([row.target for row in rows])
    columns["steps"] = pa.ListArray.from_arrays(lengths, _lists(states))
    columns["meta"] = pa.array(metas, pa.string())
    return pa.table(columns, schema=schema)


def _lists(grids: list[Grid]) -> Any:
    """Return grids of any shapes as one Arrow array of lists of lists, without a Python object per cell."""
    import pyarrow as pa

    cells = np.concatenate([grid.ravel() for grid in grids]) if grids else np.empty(0, np.uint8)
    widths = [grid.shape[1] for grid in grids for _ in range(grid.shape[0])]
    lines = pa.ListArray.from_arrays(_offsets(widths), pa.array(cells, pa.uint8()))
    return pa.ListArray.from_arrays(_offsets([grid.shape[0] for grid in grids]), lines)


def _offsets(lengths: list[int]) -> npt.NDArray[np.int32]:
    """Return where each list begins, and where the last one ends."""
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int32)


FORMAT = Parquet()
