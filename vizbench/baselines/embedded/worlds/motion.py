"""Draw worlds in which things move: shifts, bounces, gravity, rays, walkers, mirrors and turns."""

from __future__ import annotations

import numpy as np

from vizbench.baselines.embedded.worlds.random_draws import Draw
from vizbench.baselines.embedded.worlds.scene import HEADINGS, Boards, Scene, moved


def speckle(draw: Draw, n: int, h: int, w: int, colours: int) -> Boards:
    """Draw boards with scattered cells of the codes 1 … colours."""
    ink = draw.uniform(n, h, w) < draw.between(0.1, 0.5)
    return (ink * (1 + draw.below(colours, n, h, w))).astype(np.uint8)


def shift(draw: Draw, n: int, h: int, w: int) -> Scene:
    """Move everything by up to two cells. What leaves the board is lost, or comes in on the other side.

    The move is never one cell along an axis, which is the elementary rule 170 or its mirror image.
    """
    dy, dx, wrap = draw.one(5) - 2, draw.one(5) - 2, draw.chance(0.5)
    while abs(dy) + abs(dx) == 1:
        dy, dx = draw.one(5) - 2, draw.one(5) - 2
    board = speckle(draw, n, h, w, 1 + draw.one(3))
    target = np.roll(board, (dy, dx), (1, 2)) if wrap else moved(board, dy, dx)
    return Scene(board, np.asarray(target, np.uint8), ((dy + 2, 5), (dx + 2, 5), (int(wrap), 2)))


def bounce(draw: Draw, n: int, h: int, w: int) -> Scene:
    """Move one ball per board a few cells in the law's direction. It bounces off the edge."""
    dy, dx, steps = draw.one(3) - 1, draw.one(3) - 1, 1 + draw.one(4)
    row, column = draw.below(h, n), draw.below(w, n)
    question, target = np.zeros((n, h, w), np.uint8), np.zeros((n, h, w), np.uint8)
    each = np.arange(n)
    question[each, row, column] = 1
    vy, vx = np.full(n, dy), np.full(n, dx)
    for _ in range(steps):
        vy = np.where((row + vy < 0) | (row + vy >= h), -vy, vy)
        vx = np.where((column + vx < 0) | (column + vx >= w), -vx, vx)
        row, column = row + vy, column + vx
    target[each, row, column] = 1
    return Scene(question, target, ((dy + 1, 3), (dx + 1, 3), (steps - 1, 4)))


def gravity(draw: Draw, n: int, h: int, w: int) -> Scene:
    """Let every cell fall to one side. Cells pile up in their order."""
    side = draw.one(4)
    board = speckle(draw, n, h, w, 1 + draw.one(3))
    turned = np.rot90(board, side, (1, 2))
    order = np.argsort(turned != 0, axis=1, kind="stable")
    target = np.rot90(np.take_along_axis(turned, order, 1), -side, (1, 2))
    return Scene(board, np.ascontiguousarray(target), ((side, 4),))


def rays(draw: Draw, n: int, h: int, w: int) -> Scene:
    """Light the cells from every lamp (code 2) in one direction, up to a wall (code 1) or the edge.

    Some laws light the opposite direction too.
    """
    side, both = draw.one(4), draw.chance(0.3)
    board = (draw.uniform(n, h, w) < 0.15).astype(np.uint8)
    board[draw.uniform(n, h, w) < 0.06] = 2
    target = board.copy()
    directions = (HEADINGS[side], HEADINGS[(side + 2) % 4]) if both else (HEADINGS[side],)
    for dy, dx in directions:
        light = board == 2
        for _ in range(max(h, w)):
            light = np.asarray(moved(light, dy, dx), np.bool_) & (board != 1)
            target[light & (board == 0)] = 2
    return Scene(board, target, ((side, 4), (int(both), 2)))


def walker(draw: Draw, n: int, h: int, w: int) -> Scene:
    """Move a walker (codes 2 + heading) some steps. It leaves a trace of code 6.

    If a wall or the edge stops it, it turns right, or left, by the law.
    """
    turn, steps = (1, 3)[draw.one(2)], 1 + draw.one(5)
    board = (draw.uniform(n, h, w) < 0.2).astype(np.uint8)
    row, column, heading = draw.below(h, n), draw.below(w, n), draw.below(4, n)
    each, moves = np.arange(n), np.array(HEADINGS)
    board[each, row, column] = 0
    question, target = board.copy(), board.copy()
    question[each, row, column] = 2 + heading
    for _ in range(steps):
        target[each, row, column] = 6
        y, x = row + moves[heading, 0], column + moves[heading, 1]
        inside = (y >= 0) & (y < h) & (x >= 0) & (x < w)
        free = inside & (board[each, np.clip(y, 0, h - 1), np.clip(x, 0, w - 1)] == 0)
        row, column = np.where(free, y, row), np.where(free, x, column)
        heading = np.where(free, heading, (heading + turn) % 4)
    target[each, row, column] = 2 + heading
    return Scene(question, target, ((turn // 2, 2), (steps - 1, 5)))


def mirror(draw: Draw, n: int, h: int, w: int) -> Scene:
    """Mirror or turn the board. Square boards are also transposed and turned by a quarter."""
    kind = draw.one(6 if h == w else 3)
    board = speckle(draw, n, h, w, 1 + draw.one(3))
    target = (
        board[:, ::-1],
        board[:, :, ::-1],
        board[:, ::-1, ::-1],
        board.swapaxes(1, 2),
        np.rot90(board, 1, (1, 2)),
        np.rot90(board, 3, (1, 2)),
    )[kind]
    return Scene(board, np.ascontiguousarray(target), ((kind, 6),))
