"""Pack pieces into a region: an exact cover, searched at the cell or piece with the fewest places.

A piece fits into a square of 3x3. It is a mask of 9 bits, one per cell of the square in reading order. A
region is a mask of the cells of a field in reading order, at most 62. A place is where a piece fits in the
region.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Final, NamedTuple, final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit

Ints = npt.NDArray[np.int64]

GAVE_UP: Final = -1
"""The count of a search that reached its limit."""

MOVES: Final = {"slide": (1, 1), "turn": (4, 1), "flip": (4, 2)}
"""How many quarter turns and how many sides of a piece are allowed."""

_FORMS = 8
_SQUARE = 9


@final
class Shapes(NamedTuple):
    """Hold the pieces under one kind of moves."""

    pieces: Ints
    """The connected pieces of 3 to 5 cells, each in the top left corner of its square, `(m,)`."""
    kinds: Ints
    """The least mask that moves make of each mask, `(512,)`. Masks of one kind are the same piece."""
    forms: Ints
    """The different masks that moves make of each mask, `(512, 8)`, and zeros after them."""


def _cells(mask: int) -> list[tuple[int, int]]:
    return [(k // 3, k % 3) for k in range(_SQUARE) if mask >> k & 1]


def _mask(cells: list[tuple[int, int]]) -> int:
    """Return the mask of cells, moved to the top left."""
    top = min((r for r, _ in cells), default=0)
    left = min((c for _, c in cells), default=0)
    return sum(1 << ((r - top) * 3 + c - left) for r, c in cells)


def _moved(mask: int, moves: str) -> Iterator[int]:
    """Yield what moves make of a mask."""
    turns, sides = MOVES[moves]
    cells = _cells(mask)
    for _ in range(sides):
        for _ in range(turns):
            yield _mask(cells)
            cells = [(c, 2 - r) for r, c in cells]
        cells = [(r, 2 - c) for r, c in cells]


def _is_connected(mask: int) -> bool:
    cells = set(_cells(mask))
    waiting = [cells.pop()]
    while waiting:
        r, c = waiting.pop()
        beside = cells & {(r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)}
        cells -= beside
        waiting += beside
    return not cells


@functools.cache
def shapes_of(moves: str) -> Shapes:
    """Return the pieces under a kind of moves, one of MOVES."""
    forms = np.zeros((1 << _SQUARE, _FORMS), np.int64)
    kinds = np.zeros(1 << _SQUARE, np.int64)
    pieces: list[int] = []
    for mask in range(1, 1 << _SQUARE):
        different = sorted(set(_moved(mask, moves)))
        forms[mask, : len(different)] = different
        kinds[mask] = different[0]
        if mask == _mask(_cells(mask)) and 3 <= mask.bit_count() <= 5 and _is_connected(mask):
            pieces.append(mask)
    return Shapes(np.array(pieces, np.int64), kinds, forms)


@final
class Packing(NamedTuple):
    """Hold the places of pieces, and what a search for a cover writes while it works."""

    masks: Ints
    """The cells of the field that each place covers, as bits, `(places,)`."""
    cells: Ints
    """The same as numbers, `(places, 9)`."""
    sizes: Ints
    """How many cells each place covers."""
    owners: Ints
    """The piece of each place."""
    active: Ints
    """The places that are left at each depth, `(pieces + 1, places)`."""
    counts: Ints
    """How many places are left at each depth."""
    uncovered: Ints
    """The cells that are not covered at each depth, as bits."""
    used: Ints
    """The pieces that have a place at each depth, as bits."""
    columns: Ints
    """What is decided at each depth: a cell, or the number of cells plus a piece."""
    cursors: Ints
    """The next place that is tried at each depth."""
    taken: Ints
    """The place that is tried at each depth."""
    uses: Ints
    """Scratch: how many places each cell and each piece has."""
    solution: Ints
    """The cells of each piece in the first solution, as bits, `(pieces,)`."""


def new_packing(height: int, width: int, pieces: int) -> Packing:
    """Return room for the places of so many pieces in a field."""
    places, depths = pieces * _FORMS * height * width, pieces + 1
    masks, sizes, owners = (np.zeros(places, np.int64) for _ in range(3))
    counts, uncovered, used, columns, cursors, taken = (np.zeros(depths, np.int64) for _ in range(6))
    return Packing(
        masks,
        np.zeros((places, _SQUARE), np.int64),
        sizes,
        owners,
        np.zeros((depths, places), np.int64),
        counts,
        uncovered,
        used,
        columns,
        cursors,
        taken,
        np.zeros(height * width + pieces, np.int64),
        np.zeros(pieces, np.int64),
    )


@jit
def _list_form(packing, form, owner, height, width, count):
    """Add the places of one form of a piece to `count` others. Return how many there are then."""
    # Each octal digit of a form is a row of its square, the last digit the top row. The bit 1 is at the left.
    tall = 1 + (form >= 0o10) + (form >= 0o100)
    wide = 1
    if form & 0o444:
        wide = 3
    elif form & 0o222:
        wide = 2
    spread = 0
    for k in range(9):
        spread |= (form >> k & 1) << (k // 3 * width + k % 3)
    for r in range(height - tall + 1):
        for c in range(width - wide + 1):
            base = r * width + c
            mask = spread << base
            if mask & ~packing.uncovered[0]:
                continue
            size = 0
            for k in range(9):
                if form >> k & 1:
                    packing.cells[count, size] = base + k // 3 * width + k % 3
                    size += 1
            packing.masks[count], packing.sizes[count], packing.owners[count] = mask, size, owner
            packing.active[0, count] = count
            count += 1
    return count


@jit
def list_places(packing, region, pieces, forms, height, width):
    """List where each piece fits in a region, and return the number of these places."""
    count = 0
    packing.uncovered[0], packing.used[0] = region, 0
    for owner in range(pieces.shape[0]):
        for k in range(forms.shape[1]):
            form = forms[pieces[owner], k]
            if form:
                count = _list_form(packing, form, owner, height, width, count)
    packing.counts[0] = count
    return count


@jit
def _choose(packing, depth):
    """Return the cell or piece with the fewest places, and their number."""
    uses, pieces = packing.uses, packing.solution.shape[0]
    cells = uses.shape[0] - pieces
    uses[:] = 0
    for k in range(packing.counts[depth]):
        place = packing.active[depth, k]
        uses[cells + packing.owners[place]] += 1
        for j in range(packing.sizes[place]):
            uses[packing.cells[place, j]] += 1
    chosen, fewest = -1, np.int64(1) << 60
    for column in range(cells + pieces):
        if column < cells:
            is_due = packing.uncovered[depth] >> column & 1
        else:
            is_due = ~packing.used[depth] >> (column - cells) & 1
        if is_due and uses[column] < fewest:
            chosen, fewest = column, uses[column]
    return chosen, fewest


@jit
def _next_place(packing, depth):
    """Return the next place to try at a depth; -1 if there is none."""
    column = packing.columns[depth]
    cells = packing.uses.shape[0] - packing.solution.shape[0]
    while packing.cursors[depth] < packing.counts[depth]:
        place = packing.active[depth, packing.cursors[depth]]
        packing.cursors[depth] += 1
        if column >= cells:
            suits = packing.owners[place] == column - cells
        else:
            suits = packing.masks[place] >> column & 1 == 1
        if suits:
            return place
    return -1


@jit
def _take(packing, depth, place):
    """Take a place, and write the places that are left to the next depth."""
    mask, owner, count = packing.masks[place], packing.owners[place], 0
    for k in range(packing.counts[depth]):
        other = packing.active[depth, k]
        if packing.masks[other] & mask == 0 and packing.owners[other] != owner:
            packing.active[depth + 1, count] = other
            count += 1
    packing.counts[depth + 1] = count
    packing.uncovered[depth + 1] = packing.uncovered[depth] & ~mask
    packing.used[depth + 1] = packing.used[depth] | np.int64(1) << owner
    packing.taken[depth] = place


@jit
def _open(packing, depth):
    """Choose what is decided at a depth. Return whether it has a place."""
    packing.columns[depth], fewest = _choose(packing, depth)
    packing.cursors[depth] = 0
    return fewest > 0


@jit
def _keep(packing):
    for depth in range(packing.solution.shape[0]):
        place = packing.taken[depth]
        packing.solution[packing.owners[place]] = packing.masks[place]


@jit
def search_covers(packing, limit):
    """Count the ways to cover the region with all pieces, at most 2. Return the count and the places tried.

    The places must be listed. The count is GAVE_UP if more than `limit` places would be tried. The first
    solution is left in `packing.solution`.
    """
    solved, tried, last = 0, 0, packing.solution.shape[0] - 1
    depth = 0 if _open(packing, 0) else -1
    while depth >= 0 and solved < 2:
        place = _next_place(packing, depth)
        if place < 0:
            depth -= 1
            continue
        if tried == limit:
            return GAVE_UP, tried
        tried += 1
        _take(packing, depth, place)
        if depth < last:
            if _open(packing, depth + 1):
                depth += 1
        elif packing.uncovered[depth + 1] == 0:
            if solved == 0:
                _keep(packing)
            solved += 1
    return solved, tried


@jit
def order_pieces(packing, solution, ranks):
    """Write when each piece is placed if the cell or piece with the fewest places is always next.

    The places must be listed. solution: the cells of each piece, as bits. ranks: `(pieces,)`, 0 the first.
    Returns how many pieces had one place only. Pieces that have no such place come last, with one rank.
    """
    pieces = packing.solution.shape[0]
    cells = packing.uses.shape[0] - pieces
    ranks[:] = pieces - 1
    forced = 0
    for depth in range(pieces):
        column, fewest = _choose(packing, depth)
        chosen = -1
        for k in range(packing.counts[depth]):
            place = packing.active[depth, k]
            owner = packing.owners[place]
            suits = owner == column - cells or (column < cells and packing.masks[place] >> column & 1)
            if suits and packing.masks[place] == solution[owner]:
                chosen = place
        if chosen < 0:
            return forced
        forced += fewest == 1
        ranks[packing.owners[chosen]] = depth
        _take(packing, depth, chosen)
    return forced
