"""Write and read Parquet: plain columns that `datasets`, pandas and polars load as they are.

Grids are nested lists of uint8, or packed: bytes, with their shapes in a column beside them, which are
written twice as fast. `meta` is a struct of numbers and texts. In a mixture, what a task does not have is
null. `pictures` adds the question and the target as PNG.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow ships no types.

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, Final, final

import msgspec
import numpy as np
import numpy.typing as npt

from vizbench._util.files import open_regular
from vizbench.dataset.columns import Key, Kind
from vizbench.errors import UserError
from vizbench.formats import parquet_pages
from vizbench.formats.arrow_tables import GRIDS, IMAGES, SHAPE, SHARED, Tables, is_known, plain_row
from vizbench.formats.format_base import Chunk, Format, Place
from vizbench.formats.parquet_pages import Column, Group
from vizbench.formats.rows import Row

_GROUP = 25_000
"""Rows per row group: each column of a group takes time of its own."""

_SLACK = 16
"""Bytes of a row that a column of packed grids takes apart from its cells."""

_GROUP_CELLS = 1 << 26
"""Cells of all grids of a row group, which is held in memory when it is read. No row may have more."""

_WRITTEN_CELLS = 1 << 24
"""Cells of a row group that is written, unless one row has more."""

_READ_CELLS = 1 << 22
"""Cells that are read at a time, unless one row has more."""

_READ_TEXT = 1 << 26
"""Bytes of text that are read at a time, unless one row has more."""

_PAGE = 1 << 28
"""Bytes of the largest page of cells, unpacked."""

_TEXT = 1 << 24
"""Bytes of the largest page of text, unpacked."""


_FEATURES: Final = json.dumps({"info": {"features": {name: {"_type": "Image"} for name in IMAGES}}})
"""Says to `datasets` which columns are pictures. It finds the types of all others by itself."""


@final
class Parquet(Format):
    """Files such as `train-00000.parquet`, compressed with zstd."""

    name = "parquet"
    large_shards = 5

    def __init__(self, packed: bool = False, pictures: bool = False) -> None:
        """packed: write grids as bytes with their shapes. pictures: also as pictures. All kinds are read."""
        self._packed = packed
        self._pictures = pictures

    @property
    def draws(self) -> bool:
        return self._pictures

    def files(self, place: Place) -> Iterable[str]:
        return [f"{place.stem}.parquet"]

    def write(self, place: Place, chunks: Iterable[Chunk], kinds: Mapping[Key, Kind]) -> str:
        import pyarrow
        import pyarrow.parquet as pq

        path = place.folder / f"{place.stem}.parquet"
        tables = Tables(kinds, self._packed, place.look if self._pictures else None)
        groups = (tables.finished(group) for group in _groups(place, tables, chunks))
        first = next(groups)
        options = _options(tables, self._packed)
        if self._packed:  # the default pool keeps what it has freed, 25 MB; for lists it is a fifth faster
            options["memory_pool"] = pyarrow.system_memory_pool()
        with pq.ParquetWriter(path, first.schema, **options) as writer:
            if self._pictures:
                writer.add_key_value_metadata({"huggingface": _FEATURES})
            for table in chain([first], groups):
                writer.write_table(table, row_group_size=_GROUP)
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


def _options(tables: Tables, packed: bool) -> dict[str, Any]:
    """Return how the columns are written.

    Texts that many rows share are a dictionary. Of other columns, such as ids, it takes twice the time for
    nothing. Integers and cells of lists are differences: a dictionary of cells is a fifth smaller and takes
    1.5 times as long. The bytes of floats are sorted by their place, which takes half the time and is
    smaller. Statistics of cells would take time and say nothing.
    """
    cell = ".list.element.list.element"
    cells = [f"question{cell}", f"target{cell}", f"steps.list.element{cell}"]
    delta, split = "DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"
    encodings = {"index": delta} if packed else dict.fromkeys(["index", *cells], delta)
    encodings |= {path: delta for path, kind in tables.figures.items() if kind == "int"}
    encodings |= {path: split for path, kind in tables.figures.items() if kind == "float"}
    return {
        "compression": "zstd",
        "use_dictionary": [*SHARED, "seed"],
        "column_encoding": encodings,
        "write_statistics": ["index"],
        "store_schema": False,  # else a reader would get a dictionary and no strings
    }


def _rows(path: Path, rows: int) -> Iterator[Row]:
    """Yield the rows of a file. rows: how many the manifest says."""
    import pyarrow.parquet as pq

    with open_regular(path, "shard") as file:
        sizes = [_batch_size(path, group) for group in parquet_pages.groups(file)]
        with pq.ParquetFile(file) as parquet:
            if not is_known(parquet.schema_arrow):
                raise UserError(f"{path} has other columns than a vizbench data set: generate it again")
            if parquet.metadata.num_rows != rows:
                raise UserError(
                    f"{path} holds {parquet.metadata.num_rows:,} rows and the manifest says {rows:,}"
                )
            columns = [name for name in parquet.schema_arrow.names if name not in IMAGES]
            for number, size in enumerate(sizes):
                for batch in parquet.iter_batches(size, [number], columns):
                    for row in batch.to_pylist():
                        yield msgspec.convert(plain_row(row), Row)


def _batch_size(path: Path, group: Group) -> int:
    """Return how many rows of a group are read at a time.

    Raises UserError if the group is larger than any that vizbench writes.
    """
    cells = sum(map(_cells_of, group.columns))
    slack = group.rows * _SLACK * len(group.columns)
    has_size = 1 <= group.rows <= _GROUP and cells <= _GROUP_CELLS + slack
    if not has_size or not all(_is_small(column, group.rows) for column in group.columns):
        raise UserError(f"{path} has row groups larger than those of a vizbench data set: generate it again")
    texts = [column for column in group.columns if column.name not in IMAGES and not _is_nested(column)]
    text = max((column.dictionary for column in texts), default=0)
    rows_by_cells = group.rows * _READ_CELLS // max(1, cells)
    rows_by_text = _READ_TEXT // max(1, text)
    return max(1, min(group.rows, rows_by_cells, rows_by_text))


def _is_nested(column: Column) -> bool:
    return column.name in GRIDS and column.depth > 1


def _cells_of(column: Column) -> int:
    """Return how many cells a column claims to hold: values of nested grids, bytes of packed ones."""
    if column.name not in GRIDS:
        return 0
    return column.values if column.depth > 1 else column.total


def _is_small(column: Column, rows: int) -> bool:
    """Return whether a column of a group with `rows` rows is no larger than any that vizbench writes."""
    if column.name in IMAGES:  # it is not read
        return True
    if _is_nested(column):
        return column.largest <= _PAGE and column.values <= rows + _GROUP_CELLS
    if column.name in GRIDS:
        return column.total <= _GROUP_CELLS + rows * _SLACK and column.values <= rows
    if column.name.endswith(SHAPE):
        return column.largest <= _TEXT and column.values <= 3 * rows
    return column.largest <= _TEXT and column.values <= rows


def _groups(place: Place, tables: Tables, chunks: Iterable[Chunk]) -> Iterator[list[Any]]:
    """Yield tables in groups of at most _GROUP rows, and _WRITTEN_CELLS cells unless one row has more."""
    group: list[Any] = []
    rows, held, at = 0, 0, place.first
    for chunk in chunks:
        table, cells = tables.table(chunk), _cells(chunk)
        if (most := int(cells.max())) > _GROUP_CELLS:
            raise UserError(
                f"row {at + int(cells.argmax())} has {most:,} cells and a row of Parquet holds at most "
                f"{_GROUP_CELLS:,}: leave the steps out, or choose smaller grids"
            )
        at += len(cells)
        start = 0
        while start < len(cells):
            sums = np.cumsum(cells[start : start + _GROUP - rows])
            fitting = int(np.searchsorted(sums, _WRITTEN_CELLS - held, side="right"))
            if not group:
                fitting = max(fitting, 1)
            if fitting:
                group.append(table.slice(start, fitting))
                rows, held, start = rows + fitting, held + int(sums[fitting - 1]), start + fitting
            if start < len(cells) or rows == _GROUP:
                yield group
                group, rows, held = [], 0, 0
    if group:
        yield group


def _cells(chunk: Chunk) -> npt.NDArray[np.int64]:
    """Return the cells of all grids of each row."""
    cells = np.empty(len(chunk.columns), np.int64)
    for part in chunk.columns.parts:
        states = 0 if part.steps is None else np.diff(part.steps.starts) * part.steps.states[:1].size
        cells[part.places] = part.question[0].size + part.target[0].size + states
    return cells


FORMAT = Parquet()
