"""Draw, solve and check packing puzzles on grids, see `generators.polyomino_packing`.

A grid has the field with the region in its top left corner, and each piece in a slot of 3x3 cells. slots:
`(pieces, 2)`, the top left cell of each slot.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from vizbench._util.jit import jit
from vizbench.kernels.constraints import value_of
from vizbench.kernels.packing import list_places, order_pieces, search_covers
from vizbench.kernels.rng import rng_below, rng_seed
from vizbench.kernels.sudoku_search import random_bit

OPEN: Final = 12
"""The code of a cell of the region that no piece covers. Piece k has the code k, from 1."""

_TRIES = 30  # random pieces and cells for each piece, before the board is dropped
_LIMIT = 20_000  # places tried for a question that may be dropped


# Read grids


@jit
def _region(grid, height, width):
    """Return the open cells of the field of a grid, as bits."""
    region = np.int64(0)
    for r in range(height):
        for c in range(width):
            if grid[r, c] == OPEN:
                region |= np.int64(1) << (r * width + c)
    return region


@jit
def _shown(grid, slot, number):
    """Return the mask of a piece that is shown in a slot."""
    mask = 0
    for k in range(9):
        if grid[slot[0] + k // 3, slot[1] + k % 3] == number:
            mask |= 1 << k
    return mask


@jit
def _packed(question, answer, height, width, number):
    """Return the mask of a piece in the region of an answer; 0 if it has no cell or is too large."""
    top, left, bottom, right = height, width, -1, -1
    for r in range(height):
        for c in range(width):
            if question[r, c] == OPEN and answer[r, c] == number:
                top, left, bottom, right = min(top, r), min(left, c), max(bottom, r), max(right, c)
    if bottom < 0 or bottom - top > 2 or right - left > 2:
        return 0
    mask = 0
    for r in range(top, bottom + 1):
        for c in range(left, right + 1):
            if question[r, c] == OPEN and answer[r, c] == number:
                mask |= 1 << (3 * (r - top) + c - left)
    return mask


@jit
def is_same(question, answer, height, width, slot, number, kinds):
    """Return whether a piece in the region is the one that the question shows."""
    shown = kinds[_shown(question, slot, number)]
    return shown != 0 and kinds[_packed(question, answer, height, width, number)] == shown


# Generate


@jit
def _edge_of(board, edge):
    """List the free cells beside filled ones, or all cells of an empty board. Return how many they are."""
    height, width = board.shape
    count, is_empty = 0, board.max() == 0
    for r in range(height):
        for c in range(width):
            is_beside = is_empty
            for k in range(4):
                y, x = r + (k == 1) - (k == 0), c + (k == 3) - (k == 2)
                if 0 <= y < height and 0 <= x < width:
                    is_beside |= board[y, x] > 0
            if board[r, c] == 0 and is_beside:
                edge[count] = r * width + c
                count += 1
    return count


@jit
def _fits(board, piece, top, left):
    """Return whether a piece is on free cells of a board."""
    height, width = board.shape
    for k in range(9):
        r, c = top + k // 3, left + k % 3
        if piece >> k & 1 and (not (0 <= r < height and 0 <= c < width) or board[r, c] != 0):
            return False
    return True


@jit
def _attach(rng, board, edge, shapes, chosen, number):
    """Put a random new piece on a random cell of the edge of a board. Return whether it has a place.

    chosen: the kinds of the pieces, in the order of their numbers, from 1.
    """
    count = _edge_of(board, edge)
    for _ in range(_TRIES if count > 0 else 0):
        cell = edge[rng_below(rng, count)]
        piece = shapes.pieces[rng_below(rng, shapes.pieces.shape[0])]
        k = value_of(random_bit(rng, piece))
        top, left = cell // board.shape[1] - k // 3, cell % board.shape[1] - k % 3
        if shapes.kinds[piece] in chosen[: number - 1] or not _fits(board, piece, top, left):
            continue
        for j in range(9):
            if piece >> j & 1:
                board[top + j // 3, left + j % 3] = number
        chosen[number - 1] = shapes.kinds[piece]
        return True
    return False


@jit
def _pack(rng, board, edge, shapes, chosen):
    """Put random pieces side by side on a board. Return whether all have a place."""
    board[:] = 0
    number = 1
    while number <= chosen.shape[0] and _attach(rng, board, edge, shapes, chosen, number):
        number += 1
    return number > chosen.shape[0]


@jit
def _show(board, chosen, slots, question, target):
    """Write the question and the target of a board. The pieces are numbered in the order of their kinds."""
    order = np.argsort(chosen)
    question[:] = 0
    target[:] = 0
    for k in range(order.shape[0]):
        number, kind = k + 1, chosen[order[k]]
        for j in range(9):
            if kind >> j & 1:
                question[slots[k, 0] + j // 3, slots[k, 1] + j % 3] = number
                target[slots[k, 0] + j // 3, slots[k, 1] + j % 3] = number
        for r in range(board.shape[0]):
            for c in range(board.shape[1]):
                if board[r, c] == order[k] + 1:
                    question[r, c], target[r, c] = OPEN, number


@jit
def _list(packing, question, slots, shapes, board, pieces):
    """List the places of the pieces of a question, and return how many they are."""
    height, width = board.shape
    for k in range(pieces.shape[0]):
        pieces[k] = _shown(question, slots[k], k + 1)
    return list_places(packing, _region(question, height, width), pieces, shapes.forms, height, width)


@jit
def make_all(keys, slots, shapes, packing, board, question, target):
    """Make an instance per key. board: scratch of the size of the field."""
    rng = np.empty(4, np.uint64)
    edge = np.empty(board.size, np.int64)
    chosen, pieces = np.empty(slots.shape[0], np.int64), np.empty(slots.shape[0], np.int64)
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        while True:
            if not _pack(rng, board, edge, shapes, chosen):
                continue
            _show(board, chosen, slots, question[i], target[i])
            _list(packing, question[i], slots, shapes, board, pieces)
            if search_covers(packing, _LIMIT)[0] == 1:
                break


# Solve and check


@jit
def study_all(question, slots, shapes, packing, board, limit, solutions, ranks, figures):
    """Search for the ways to cover each question, and order the pieces of the first one.

    solutions, ranks: `(n, pieces)`, see `search_covers` and `order_pieces`. figures: `(n, 4)`, the ways, the
    places tried, the places of pieces in the empty region, and the pieces that had one place only.
    """
    pieces = np.empty(slots.shape[0], np.int64)
    for i in range(question.shape[0]):
        figures[i, 2] = _list(packing, question[i], slots, shapes, board, pieces)
        packing.solution[:] = 0
        figures[i, 0], figures[i, 1] = search_covers(packing, limit)
        solutions[i] = packing.solution
        figures[i, 3] = order_pieces(packing, solutions[i], ranks[i])


@jit
def _fault(question, answer, slots, kinds, height, width):
    """Return what is wrong with an answer; -1 if nothing is.

    It is the first wrong cell: one that was changed, or an open one without a piece. If there is none, it is
    the number of cells plus the number of the first piece that differs from the one shown.
    """
    cells = question.size
    for r in range(question.shape[0]):
        for c in range(question.shape[1]):
            if r < height and c < width and question[r, c] == OPEN:
                is_right = 1 <= answer[r, c] <= slots.shape[0]
            else:
                is_right = answer[r, c] == question[r, c]
            if not is_right:
                return r * question.shape[1] + c
    for number in range(1, slots.shape[0] + 1):
        if not is_same(question, answer, height, width, slots[number - 1], number, kinds):
            return cells + number
    return -1


@jit
def find_faults(question, answer, slots, kinds, height, width, faults):
    """Write what is wrong with each answer, see `_fault`."""
    for i in range(question.shape[0]):
        faults[i] = _fault(question[i], answer[i], slots, kinds, height, width)
