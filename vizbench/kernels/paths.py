"""Find, draw and check paths from a start to a goal, for mazes and navigation.

Codes: 0 wall, 1 open, 2 start, 3 goal, 4 path. Moves go to the 4 neighbours. Start and goal keep their codes.
The cells strictly between them are marked. A grid from a file may lack a start or a goal, or hold several.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench._util.text import plural
from vizbench.kernels.bfs import bfs_distances
from vizbench.kernels.rng import rng_below, rng_from
from vizbench.types import CheckResult, Grid

WALL: Final = 0
OPEN: Final = 1
START: Final = 2
GOAL: Final = 3
PATH: Final = 4

_NAMES = ("wall", "open cell", "start", "goal", "marked cell")


def path_distances(walkable: npt.NDArray[np.bool_], question: Grid) -> tuple[npt.NDArray[np.int32], int]:
    """Return the moves from the start to each cell, `(h, w)`, and to the goal.

    Moves lead over walkable cells, start and goal. A cell that is not reached has -1.
    """
    start, goal = question == START, question == GOAL
    distance: npt.NDArray[np.int32] = bfs_distances(
        np.ascontiguousarray(walkable | start | goal), np.ascontiguousarray(start)
    )
    return distance, int(distance[goal][:1].max(initial=-1))


@jit
def _descend(distance, r, c, cells):
    """Fill `cells` (k, 2) backwards, from the goal at r, c: each is one move nearer to the start."""
    h, w = distance.shape
    for at in range(cells.shape[0] - 1, -1, -1):
        for k in range(4):
            y = r + (k == 0) - (k == 1)
            x = c + (k == 2) - (k == 3)
            if 0 <= y < h and 0 <= x < w and distance[y, x] == at + 1:
                r, c = y, x
                break
        cells[at, 0], cells[at, 1] = r, c


def shortest_path(walkable: npt.NDArray[np.bool_], question: Grid) -> npt.NDArray[np.int64]:
    """Return the cells of a shortest path, in order, `(k, 2)`. It is empty if there is no path.

    The path leads over walkable cells. Start and goal are left out.
    """
    distance, length = path_distances(walkable, question)
    cells = np.empty((max(length - 1, 0), 2), np.int64)
    if len(cells):
        _descend(distance, *np.argwhere(question == GOAL)[0], cells)
    return cells


def marked_shortest_path(question: Grid) -> Grid | None:
    """Return the question with a shortest path marked, or None if the goal cannot be reached."""
    if path_distances(question == OPEN, question)[1] < 0:
        return None
    answer = question.copy()
    answer[tuple(shortest_path(question == OPEN, question).T)] = PATH
    return answer


@jit
def _beside(board, r, c, code, other):
    """Return how many of the 4 neighbours of a cell have one of the two codes."""
    h, w = board.shape
    count = 0
    for k in range(4):
        y = r + (k == 0) - (k == 1)
        x = c + (k == 2) - (k == 3)
        if 0 <= y < h and 0 <= x < w and (board[y, x] == code or board[y, x] == other):
            count += 1
    return count


@jit
def _wander(rng, board, r, c):
    """Mark a random walk from the start at r, c, until it is beside the goal or cannot continue.

    Each next cell is open and touches only the end of the path. All such cells are equally likely.
    """
    h, w = board.shape
    while _beside(board, r, c, GOAL, GOAL) == 0:
        choices, row, column = 0, r, c
        for k in range(4):
            y = r + (k == 0) - (k == 1)
            x = c + (k == 2) - (k == 3)
            if 0 <= y < h and 0 <= x < w and board[y, x] == OPEN and _beside(board, y, x, START, PATH) == 1:
                choices += 1
                if rng_below(rng, choices) == 0:
                    row, column = y, x
        if choices == 0:
            return
        r, c = row, column
        board[r, c] = PATH


def guessed_path(question: Grid, key: int) -> Grid | None:
    """Return the question with a random walk marked. Returns None unless there is one start and one goal."""
    ends = [np.argwhere(question == code) for code in (START, GOAL)]
    if any(len(cells) != 1 for cells in ends):
        return None
    answer = question.copy()
    _wander(rng_from(key), answer, *(int(v) for v in ends[0][0]))
    return answer


def check_path(question: Grid, answer: Grid) -> CheckResult:
    """Check that the marked cells are one unbranched path from start to goal, of any length.

    Every other cell must be unchanged. `figures` of the result holds:

    - psr: 1 if marked open cells join start and goal, with or without stray cells.
    - rpl, only for valid paths: the length divided by that of a shortest path.
    """
    path = (answer == PATH) & (question == OPEN)
    _, walked = path_distances(path, question)
    psr = float(walked >= 0)
    spoiled = np.argwhere((answer != question) & ~path)
    if len(spoiled):
        cell = _cell(question, (int(spoiled[0, 0]), int(spoiled[0, 1])))
        return CheckResult(False, f"the {cell} was changed", {"psr": psr})
    if not psr:
        return CheckResult(False, "the marked cells do not join start and goal", {"psr": psr})
    # A shortest path over the marked cells that needs all of them has no branch, no loop and no stray cell.
    stray = int(path.sum()) + 1 - walked
    if stray:
        stray_cells = plural(stray, "marked cell is", "marked cells are")
        return CheckResult(False, f"{stray_cells} off the path from start to goal", {"psr": psr})
    _, shortest = path_distances(question == OPEN, question)
    return CheckResult(True, "", {"psr": psr, "rpl": walked / shortest})


def growth_fault(question: Grid, before: Grid, after: Grid, cell: tuple[int, int]) -> str:
    """Return why the path must not grow by this cell, "" if it may.

    One open cell must be marked. It must touch the end of the path, and no other cell of the path.
    """
    if before[cell] != OPEN or after[cell] != PATH:
        return f"the {_cell(before, cell)} was changed to {_name(int(after[cell]))}"
    marked = (before == PATH) & (question == OPEN)
    distance, walked = path_distances(marked, question)
    if walked >= 0:
        return "a cell was marked after the path had reached the goal"
    near = np.array(cell) + np.array(((1, 0), (-1, 0), (0, 1), (0, -1)))
    near = near[((near >= 0) & (near < question.shape)).all(axis=1)]
    near = near[(marked | (question == START))[near[:, 0], near[:, 1]]]
    if not (distance[near[:, 0], near[:, 1]] == distance.max()).any():
        return f"the {_cell(before, cell)} does not continue the path from its end"
    if len(near) > 1:
        return f"the {_cell(before, cell)} touches the path a second time"
    return ""


def _cell(board: Grid, at: tuple[int, int]) -> str:
    return f"{_name(int(board[at]))} at row {at[0]}, column {at[1]}"


def _name(code: int) -> str:
    return _NAMES[code] if code < len(_NAMES) else "cell"
