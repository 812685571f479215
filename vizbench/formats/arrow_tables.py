"""Make Arrow tables from columns, and rows from tables, for Parquet."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow ships no types.

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast, final

import msgspec
import numpy as np
import numpy.typing as npt

from vizbench.dataset.columns import Column, Key, Kind, Order, Part, encoded, plain_meta
from vizbench.formats import spans
from vizbench.formats.format_base import Chunk
from vizbench.formats.pictures import SIDES, pngs_of
from vizbench.formats.row_prompts import Prompts
from vizbench.formats.spans import Spans
from vizbench.kernels.numbering import number_by_appearance
from vizbench.renderers.looks import LookName
from vizbench.types import Grids, Json, Trajectories, id_parts

GRIDS: Final = ("question", "target", "steps")
"""The columns of grids. Packed ones have a column of shapes each."""

SHAPE: Final = "_shape"
"""How the name of a column of shapes ends."""

IMAGES: Final = tuple(f"{side}_image" for side in SIDES)
"""The columns of pictures, if there are any."""

MORE: Final = "meta_json"
"""The column for keys of `meta` that fit no typed column, as one JSON object."""

SHARED: Final = ("task", "split", "prompt")
"""Columns of few different texts."""


@final
class Tables:
    """Makes tables whose columns depend on the data set only, and whose bytes on the rows only.

    Texts that many rows share are numbers at first. `finished` puts the texts in the order in which the rows
    of one table need them, however the rows were cut into chunks.
    """

    def __init__(self, kinds: Mapping[Key, Kind], packed: bool, look: LookName | None = None) -> None:
        """kinds: what `meta` holds in the whole data set. packed: grids as bytes, with their shapes.

        look: how pictures are drawn; None for no pictures.
        """
        self._packed = packed
        self._look: LookName | None = look
        self._typed, self._odd = _by_top(kinds)
        self._texts: dict[str, int] = {}

    def table(self, chunk: Chunk) -> Any:
        """Return a chunk as a table, in the order of its rows."""
        import pyarrow as pa

        parts = list(zip(chunk.columns.parts, chunk.prompts, strict=True))
        tables = [pa.table(self._columns(part, prompts)) for part, prompts in parts]
        if len(tables) == 1:
            return tables[0]
        order = np.argsort(np.concatenate([part.places for part, _ in parts]), kind="stable")
        return pa.concat_tables(tables).take(order)

    def finished(self, tables: Sequence[Any]) -> Any:
        """Return the rows of several tables as one, ready to be written."""
        import pyarrow as pa

        table = pa.concat_tables(tables).combine_chunks()
        texts = pa.array(self._texts, pa.string())
        for name in SHARED:
            numbers = np.full(len(texts), -1, np.int32)
            codes = number_by_appearance(table.column(name).to_numpy(), numbers, 0)
            order = np.argsort(numbers, kind="stable")[np.count_nonzero(numbers < 0) :]
            column = pa.DictionaryArray.from_arrays(codes, texts.take(order))
            table = table.set_column(table.schema.get_field_index(name), name, column)
        # Only figures of `meta` may be missing. Parquet writes columns without nulls faster.
        # `datasets` knows pictures only if they may be missing.
        fields = [field.with_nullable(field.name in IMAGES) for field in table.schema]
        return pa.Table.from_arrays(table.columns, schema=pa.schema(fields))

    @property
    def figures(self) -> dict[str, Kind]:
        """The typed columns of `meta` by their paths, except paths that two columns share."""
        made: dict[str, Kind] = {}
        for below in self._typed.values():
            made |= {".".join(("meta", *key)): kind for key, kind in below.items() if "." not in "".join(key)}
        return made

    def _columns(self, part: Part, prompts: Prompts) -> dict[str, Any]:
        import pyarrow as pa

        n = len(part)
        before, after = (text.encode() for text in id_parts(part.task, part.seed, part.split, part.pool))
        columns = {
            "id": _strings(spans.numbered(before, part.index, after)),
            "task": self._shared([part.task], np.zeros(n, np.int64)),
            "seed": pa.array(np.full(n, part.seed)),
            "split": self._shared([part.split], np.zeros(n, np.int64)),
            "index": pa.array(part.index),
            "prompt": self._shared(prompts.texts, prompts.codes),
        }
        steps = part.steps or Trajectories(part.target[:0], np.zeros(n + 1, np.int64))
        columns |= _packed(part, steps) if self._packed else _nested(part, steps)
        if self._look is not None:
            columns |= _pictures(part, self._look)
        if self._typed:
            columns["meta"] = self._meta(part)
        if self._odd:
            columns[MORE] = self._more(part)
        return columns

    def _shared(self, texts: Sequence[str], codes: Order) -> Any:
        import pyarrow as pa

        numbers = [self._texts.setdefault(text, len(self._texts)) for text in texts]
        return pa.array(np.array(numbers, np.int32)[codes])

    def _meta(self, part: Part) -> Any:
        """Return the keys that have a typed column as a struct. Those that a row does not have are null."""
        import pyarrow as pa

        made: dict[str, Any] = {}
        for top, below in self._typed.items():
            fields = {key: _values(part.meta.get(key), kind, len(part)) for key, kind in below.items()}
            if (top,) in fields:
                made[top] = fields[top,]
            else:
                mask = pa.array(np.full(len(part), all(key not in part.meta for key in below)))
                names = [key[1] for key in fields]
                made[top] = pa.StructArray.from_arrays(list(fields.values()), names, mask=mask)
        return pa.StructArray.from_arrays(list(made.values()), list(made))

    def _more(self, part: Part) -> Any:
        """Return the other keys of each row as JSON. They are rare: no generated row has one."""
        import pyarrow as pa

        meta = {key: column for key, column in part.meta.items() if key[0] in self._odd}
        return pa.array([encoded(row) for row in plain_meta(meta, len(part))], pa.string())


def _by_top(kinds: Mapping[Key, Kind]) -> tuple[dict[str, dict[Key, Kind]], set[str]]:
    """Return the keys with a typed column by their first part, and the first parts of all others."""
    tops: dict[str, dict[Key, Kind]] = {}
    for key, kind in kinds.items():
        tops.setdefault(key[0], {})[key] = kind
    odd = {top for top, keys in tops.items() if "json" in keys.values() or (len(keys) > 1 and (top,) in keys)}
    return {top: keys for top, keys in tops.items() if top not in odd}, odd


def _values(column: Column | None, kind: Kind, n: int) -> Any:
    import pyarrow as pa

    types = {"bool": pa.bool_(), "int": pa.int64(), "float": pa.float64(), "text": pa.string()}
    return pa.nulls(n, types[kind]) if column is None else pa.array(column.values, types[kind])


def _strings(texts: Spans) -> Any:
    """Return texts that are one after the other as Arrow strings, without an object for each."""
    import pyarrow as pa

    offsets = np.concatenate((texts.starts, texts.ends[-1:])).astype(np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(texts.data)]
    return pa.Array.from_buffers(pa.string(), len(texts), buffers)


def _every(width: int, n: int) -> npt.NDArray[np.int32]:
    """Return where n lists of the same length begin and end, `(n + 1,)`."""
    return np.arange(0, n * width + 1, width, dtype=np.int32) if width else np.zeros(n + 1, np.int32)


def _nested(part: Part, steps: Trajectories) -> dict[str, Any]:
    """Return grids as lists of lists of numbers."""
    import pyarrow as pa

    states = pa.ListArray.from_arrays(steps.starts.astype(np.int32), _lists(steps.states))
    return {"question": _lists(part.question), "target": _lists(part.target), "steps": states}


def _lists(grids: Grids) -> Any:
    import pyarrow as pa

    n, height, width = grids.shape
    cells = pa.array(np.ascontiguousarray(grids).reshape(-1))
    lines = pa.ListArray.from_arrays(_every(width, n * height), cells)
    return pa.ListArray.from_arrays(_every(height, n), lines)


def _packed(part: Part, steps: Trajectories) -> dict[str, Any]:
    """Return grids as bytes, each with its shape."""
    columns: dict[str, Any] = {}
    for name, grids in (("question", part.question), ("target", part.target)):
        columns[name] = _binary(grids, _every(math.prod(grids.shape[1:]), len(part)))
        columns[name + SHAPE] = _shape(len(part), grids.shape[1:])
    sides = steps.states.shape[1:]
    columns["steps"] = _binary(steps.states, (steps.starts * math.prod(sides)).astype(np.int32))
    counts = np.diff(steps.starts).astype(np.int32)
    columns["steps" + SHAPE] = _shape(len(part), sides, counts)
    return columns


def _binary(grids: Grids, offsets: npt.NDArray[np.int32]) -> Any:
    import pyarrow as pa

    cells = pa.py_buffer(np.ascontiguousarray(grids).reshape(-1))
    return pa.Array.from_buffers(pa.binary(), len(offsets) - 1, [None, pa.py_buffer(offsets), cells])


def _shape(n: int, sides: tuple[int, ...], counts: npt.NDArray[np.int32] | None = None) -> Any:
    """Return the shapes of n grids, or of trajectories with so many states. Lists take 4 times as long."""
    import pyarrow as pa

    fields = _shape_fields(counts is not None)
    columns = [pa.array(np.full(n, side, np.int32)) for side in sides]
    if counts is not None:
        columns.insert(0, pa.array(counts))
    return pa.StructArray.from_arrays(columns, fields=fields)


def _shape_fields(counted: bool) -> list[Any]:
    """Return the fields of a shape. counted: whether a trajectory has it."""
    import pyarrow as pa

    names = ("height", "width")
    return [pa.field(name, pa.int32(), nullable=False) for name in (("count", *names) if counted else names)]


def _pictures(part: Part, look: LookName) -> dict[str, Any]:
    """Return the pictures of rows as `datasets` holds them: the bytes of a file, and a path if it has one."""
    import pyarrow as pa

    paths = pa.nulls(len(part), pa.string())
    files = zip(*pngs_of(part, look), strict=True)
    return {
        name: pa.StructArray.from_arrays([pa.array(each, pa.binary()), paths], ["bytes", "path"])
        for name, each in zip(IMAGES, files, strict=True)
    }


# Rows of a table that was read


def is_known(schema: Any) -> bool:
    """Return whether a table has columns that vizbench writes, and no others."""
    import pyarrow as pa

    text, grid = pa.string(), pa.list_(pa.list_(pa.uint8()))
    plain = {"id": text, "task": text, "seed": pa.int64(), "split": text, "index": pa.int64(), "prompt": text}
    nested = {"question": grid, "target": grid, "steps": pa.list_(grid)}
    shapes = {name + SHAPE: pa.struct(_shape_fields(name == "steps")) for name in GRIDS}
    packed = dict.fromkeys(GRIDS, pa.binary()) | shapes
    kinds = {field.name: field.type for field in schema}
    meta, more = kinds.pop("meta", None), kinds.pop(MORE, text)
    if IMAGES[0] in kinds:
        image = pa.struct({"bytes": pa.binary(), "path": text})
        plain |= dict.fromkeys(IMAGES, image)
    return (
        len(set(schema.names)) == len(schema.names)
        and kinds in ({**plain, **nested}, {**plain, **packed})
        and (meta is None or (pa.types.is_struct(meta) and _is_figure(meta, 2)))
        and more == text
    )


def _is_figure(kind: Any, depth: int) -> bool:
    """Return whether a type is one that a part of `meta` may have."""
    import pyarrow as pa

    if pa.types.is_struct(kind):
        return depth > 0 and all(_is_figure(field.type, depth - 1) for field in kind)
    return kind in (pa.bool_(), pa.int64(), pa.float64(), pa.string())


def plain_row(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of a table with its grids as nested lists and its `meta` in one."""
    plain = {key: value for key, value in row.items() if key != MORE and not key.endswith(SHAPE)}
    for name in GRIDS:
        if name + SHAPE in row:
            plain[name] = _unpacked(row[name], row[name + SHAPE])
    meta = {key: _present(value) for key, value in (row.get("meta") or {}).items() if value is not None}
    more = cast("object", msgspec.json.decode(row.get(MORE) or "{}"))
    if not isinstance(more, dict):
        raise ValueError(f"its column {MORE} holds no objects")
    return {**plain, "meta": {**meta, **more}}


def _present(value: Json) -> Json:
    """Return a value without what is null in it."""
    if not isinstance(value, dict):
        return value
    return {key: each for key, each in cast("dict[str, Json]", value).items() if each is not None}


def _unpacked(cells: bytes, shape: dict[str, int]) -> list[Any]:
    sides = tuple(shape.values())
    if min(sides) < 0:
        raise ValueError("a grid has no shape")
    return np.frombuffer(cells, np.uint8).reshape(sides).tolist()
