"""Draw the question and the target of rows, for the formats with pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

import numpy as np

from vizbench._util.background import stop_if_abandoned
from vizbench.dataset.columns import Columns, Part
from vizbench.formats.lookup import verifier_of
from vizbench.renderers.frames import index_palette, render_indices
from vizbench.renderers.layout import common_board, layout
from vizbench.renderers.looks import LookName, look_of
from vizbench.renderers.png_bytes import encode_pngs
from vizbench.types import Look

SIDES: Final = ("question", "target")
"""The grids of a row that are drawn, by the names of their files, columns and folders."""

_TOGETHER: Final = 1 << 20
"""Pixels that are drawn at a time, unless one picture has more: they stay in the cache of the processor."""

_Made = TypeVar("_Made")


def pngs(columns: Columns, look: LookName) -> Iterator[tuple[bytes, ...]]:
    """Yield the pictures of each row as PNG files: those of SIDES, in order."""
    return in_order(columns, [pngs_of(part, look) for part in columns.parts])


def pngs_of(part: Part, name: LookName) -> Iterator[tuple[bytes, ...]]:
    """Yield the same of the rows of a part."""
    for look, places in looks_of(part, name):
        colours = index_palette(look)
        for here in batches(part, places, look):
            sides = (part.question[here], part.target[here])
            files = [encode_pngs(render_indices(grids, look), colours) for grids in sides]
            yield from zip(*files, strict=True)


def looks_of(part: Part, name: LookName) -> Iterator[tuple[Look, range]]:
    """Yield looks, each with the places of the rows that are drawn in it, in order."""
    verifier = verifier_of(part.task)
    if name != "shuffled":  # any other look depends on the task and the shapes only
        yield look_of(verifier, name, part.row(0)), range(len(part))
        return
    for place in range(len(part)):
        yield look_of(verifier, name, part.row(place)), range(place, place + 1)


def batches(part: Part, places: range, look: Look) -> Iterator[slice]:
    """Yield the places in batches whose pictures are drawn at once."""
    drawn = layout(look, common_board(part.question.shape, part.target.shape))
    size = max(1, _TOGETHER // (drawn.height * drawn.width))
    for start in range(places.start, places.stop, size):
        stop_if_abandoned()
        yield slice(start, min(start + size, places.stop))


def in_order(columns: Columns, made: Sequence[Iterator[_Made]]) -> Iterator[_Made]:
    """Yield what was made of each row, in the order of the rows.

    made: of each part, what was made of its rows.
    """
    turn = np.empty(len(columns), np.int64)
    for number, part in enumerate(columns.parts):
        turn[part.places] = number
    for number in turn.tolist():
        yield next(made[number])
