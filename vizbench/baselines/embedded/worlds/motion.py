"""Worlds in which things move: shifts, bounces, gravity, rays to walls, walkers along walls, mirrors and
turns."""

from __future__ import annotations

import numpy as np

from vizbench.baselines.embedded.worlds.draw import Draw
from vizbench.baselines.embedded.worlds.scene import HEADINGS, Boards, Scene, moved


def speckle(draw: Draw, n: int, h: int, w: int, colours: int) -> Boards:
    """Boards with scattered cells in codes 1 … colours."""
    ink = draw.uniform(n, h, w) < draw.between(0.1, 0.5)
    return (ink * (1 + draw.below(colours, n, h, w))).astype(np.uint8)


def shift(draw: Draw, n: int, h: int, w: int) -> Scene:
    """Everything moves by up to two cells; what leaves is lost or comes in again.

    Never by one cell along an axis: on rows or columns that is the elementary rule 170, or its mirror image.
    """
    dy, dx, wrap = draw.one(5) - 2, draw.one(5) - 2, draw.chance(0.5)
    while abs(dy) + abs(dx) == 1:
        dy, dx = draw.one(5) - 2, draw.one(5) - 2
    board = speckle(draw, n, h, w, 1 + draw.one(3))
    target = np.roll(board, (dy, dx), (1, 2)) if wrap else moved(board, dy, dx)
    return Scene(board, np.asarray(target, np.uint8), ((dy + 2, 5), (dx + 2, 5), (int(wrap), 2)))


def bounce(draw: Draw, n: int, h: int, w: int) -> Scene:
    """One ball on each board moves a few cells along the law's direction and is thrown back by the edge."""
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
    """Every cell falls to one side and piles up in order."""
    side = draw.one(4)
    board = speckle(draw, n, h, w, 1 + draw.one(3))
    turned = np.rot90(board, side, (1, 2))
    order = np.argsort(turned != 0, axis=1, kind="stable")
    target = np.rot90(np.take_along_axis(turned, order, 1), -side, (1, 2))
    return Scene(board, np.ascontiguousarray(target), ((side, 4),))


def rays(draw: Draw, n: int, h: int, w: int) -> Scene:
    """Every lamp (code 2) lights the cells in one direction until a wall (code 1) or the edge."""
    side, both = draw.one(4), draw.chance(0.3)
    board = (draw.uniform(n, h, w) < 0.15).astype(np.uint8)
    board[draw.uniform(n, h, w) < 0.06] = 2
    target = board.copy()
    for dy, dx in (HEADINGS[side], HEADINGS[(side + 2) % 4])[: 2 if both else 1]:
        light = board == 2
        for _ in range(max(h, w)):
            light = np.asarray(moved(light, dy, dx), np.bool_) & (board != 1)
            target[light & (board == 0)] = 2
    return Scene(board, target, ((side, 4), (int(both), 2)))


def walker(draw: Draw, n: int, h: int, w: int) -> Scene:
    """A walker (codes 2 + heading) goes some steps, turning right (or left) where a wall or the edge stops
    it, and leaves a trace (code 6)."""
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
    """The board is mirrored or turned; square boards also over a corner and by quarters."""
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
