"""Draw worlds of shape and order: growth, floods, symmetry, sorting, and Latin squares with missing cells."""

from __future__ import annotations

import numpy as np

from vizbench.baselines.embedded.worlds.motion import speckle
from vizbench.baselines.embedded.worlds.random_draws import Draw
from vizbench.baselines.embedded.worlds.scene import Boards, Scene, neighbours


def growth(draw: Draw, n: int, h: int, w: int) -> Scene:
    """Grow blots, shrink them or add a rim, over four or eight neighbours."""
    kind, cross = draw.one(3), draw.chance(0.5)
    live = draw.uniform(n, h, w) < draw.between(0.08, 0.2)
    if kind:
        live |= neighbours(live, cross=True) > 0
    board = live.astype(np.uint8)
    touched = neighbours(live, cross=cross)
    if kind == 0:
        target = (live | (touched > 0)).astype(np.uint8)
    elif kind == 1:
        target = (live & (touched == (4 if cross else 8))).astype(np.uint8)
    else:
        target = np.where(live, 1, np.where(touched > 0, 2, 0)).astype(np.uint8)
    return Scene(board, target, ((kind, 3), (int(cross), 2)))


def flood(draw: Draw, n: int, h: int, w: int) -> Scene:
    """Spread water (code 2) from springs through open cells. Walls are code 1.

    It spreads for one, two or four steps, or until it stops.
    """
    steps = (1, 2, 4, h * w)[draw.one(4)]
    board = (draw.uniform(n, h, w) < draw.between(0.25, 0.5)).astype(np.uint8)
    springs = 1 + draw.one(3)
    each = np.arange(n)
    for _ in range(springs):
        board[each, draw.below(h, n), draw.below(w, n)] = 2
    wet = board == 2
    for _ in range(steps):
        grown = wet | ((board == 0) & (neighbours(wet, cross=True) > 0))
        if np.array_equal(grown, wet):
            break
        wet = grown
    knob = {1: 0, 2: 1, 4: 2}.get(steps, 3)
    return Scene(board, np.where(wet, 2, board).astype(np.uint8), ((knob, 4),))


def symmetry(draw: Draw, n: int, h: int, w: int) -> Scene:
    """Complete a symmetric pattern of which one half is missing."""
    side = draw.one(4)
    board = speckle(draw, n, h, w, 1 + draw.one(3))
    flipped = np.rot90(board, side, (1, 2)).copy()
    half = flipped.shape[1] // 2
    flipped[:, flipped.shape[1] - half :] = flipped[:, :half][:, ::-1]
    question = flipped.copy()
    question[:, flipped.shape[1] - half :] = 0
    back = [np.ascontiguousarray(np.rot90(b, -side, (1, 2))) for b in (question, flipped)]
    return Scene(back[0], back[1], ((side, 4),))


def order(draw: Draw, n: int, h: int, w: int) -> Scene:
    """Sort bars, which start from one edge, by length."""
    side, falling = draw.one(4), draw.chance(0.5)
    long, wide = (h, w) if side % 2 == 0 else (w, h)
    lengths = draw.below(long + 1, n, wide)
    sorted_lengths = np.sort(lengths, axis=1)[:, :: -1 if falling else 1]
    level = long - np.arange(long)[None, :, None]
    pair: list[Boards] = []
    for bars in (lengths, sorted_lengths):
        board = (level <= bars[:, None, :]).astype(np.uint8)
        pair.append(np.ascontiguousarray(np.rot90(board, side, (1, 2))))
    return Scene(pair[0], pair[1], ((side, 4), (int(falling), 2)))


def latin(draw: Draw, n: int, h: int, w: int) -> Scene:
    """Complete a Latin square. In 6x6 squares every 2x3 box holds each code once too.

    h must equal w and be at most 7. The stream draws no 4x4 squares, because they contain the solutions of
    mini Sudoku.
    """
    size, boxes = h, h == 6
    squares = np.empty((n, size, size), np.uint8)
    for i in range(n):
        axis = np.arange(size)
        if boxes:
            # Permute rows within bands and bands among each other, and columns and stacks likewise.
            base = (3 * (axis[:, None] % 2) + axis[:, None] // 2 + axis[None, :]) % 6
            lines = np.concatenate([2 * band + draw.permutation(2) for band in draw.permutation(3)])
            columns = np.concatenate([3 * stack + draw.permutation(3) for stack in draw.permutation(2)])
        else:
            base = (axis[:, None] + axis[None, :]) % size
            lines, columns = draw.permutation(size), draw.permutation(size)
        squares[i] = 1 + draw.permutation(size)[base[lines][:, columns]]
    missing = draw.uniform(n, size, size) < draw.between(0.1, 0.45)
    question = np.where(missing, 0, squares).astype(np.uint8)
    return Scene(question, squares, ((size - 3, 4), (int(boxes), 2)))
