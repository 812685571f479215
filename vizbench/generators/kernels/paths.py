"""Ways over a board from a start to a goal: found, drawn step by step, judged. Mazes and navigation share them.

Codes: 0 wall, 1 open, 2 start, 3 goal, 4 path. Moves go to the 4 neighbours; start and goal keep their codes, the cells
strictly between them are marked. A board from a file may lack a start or a goal, or hold several.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from vizbench.generators.kernels.flood import flood
from vizbench.types import Grid, Grids, Ruling

WALL: Final = 0
OPEN: Final = 1
START: Final = 2
GOAL: Final = 3
PATH: Final = 4

_NAMES = ("wall", "open cell", "start", "goal", "marked cell")
_DOWN_UP_RIGHT_LEFT = ((1, 0), (-1, 0), (0, 1), (0, -1))


def moves(walkable: npt.NDArray[np.bool_], question: Grid) -> tuple[npt.NDArray[np.int32], int]:
    """Distances `(h, w)` from the start over walkable cells, start and goal, and the goal's; -1 where not reached."""
    start, goal = question == START, question == GOAL
    distance: npt.NDArray[np.int32] = flood(np.ascontiguousarray(walkable | start | goal), np.ascontiguousarray(start))
    return distance, int(distance[goal][:1].max(initial=-1))


def way(walkable: npt.NDArray[np.bool_], question: Grid) -> list[tuple[int, int]]:
    """A shortest way over walkable cells, in order, without start and goal; empty where there is none."""
    distance, left = moves(walkable, question)
    cells: list[tuple[int, int]] = []
    here = np.argwhere(question == GOAL)[:1]
    while left > 1:
        left -= 1
        near = _beside(here, question.shape)
        here = near[distance[near[:, 0], near[:, 1]] == left][:1]
        cells.append((int(here[0, 0]), int(here[0, 1])))
    return cells[::-1]


def shortest_way(question: Grid) -> Grid | None:
    """The question with a shortest way marked; None where the goal cannot be reached."""
    if moves(question == OPEN, question)[1] < 0:
        return None
    answer = question.copy()
    for r, c in way(question == OPEN, question):
        answer[r, c] = PATH
    return answer


def growing(question: Grid, target: Grid) -> Grids:
    """The target's way, one cell more a state, from the start on: `(k, h, w)`."""
    rows, columns = np.array(way(target == PATH, question)).T
    states = np.repeat(question[None], len(rows), axis=0)
    for k in range(len(rows)):
        states[k:, rows[k], columns[k]] = PATH
    return states


def check_way(question: Grid, answer: Grid) -> Ruling:
    """Every other cell kept, and the marked cells are one unbranched way from start to goal, of any length.

    parts: psr is 1 when marked open cells join start and goal, strays or not; rpl, for such ways only, is the way's
    length over the shortest one's.
    """
    path = (answer == PATH) & (question == OPEN)
    _, walked = moves(path, question)
    psr = float(walked >= 0)
    spoiled = np.argwhere((answer != question) & ~path)
    if len(spoiled):
        return Ruling(False, f"the {_cell(question, spoiled[0])} was changed", {"psr": psr})
    if not psr:
        return Ruling(False, "the marked cells do not join start and goal", {"psr": psr})
    # A shortest way over the marked cells that needs all of them has no branch, no loop and no stray cell.
    stray = int(path.sum()) + 1 - walked
    if stray:
        return Ruling(False, f"{stray} marked cells lie off the way from start to goal", {"psr": psr})
    _, shortest = moves(question == OPEN, question)
    return Ruling(True, "", {"psr": psr, "rpl": walked / shortest})


def check_growth(question: Grid, before: Grid, after: Grid) -> Ruling:
    """One open cell more is marked, which goes on from the way's end and touches the way nowhere else."""
    changed = np.argwhere(before != after)
    if len(changed) != 1:
        return Ruling(False, f"{len(changed)} cells changed where one is marked a step")
    r, c = changed[0]
    if before[r, c] != OPEN or after[r, c] != PATH:
        return Ruling(False, f"the {_cell(before, changed[0])} was changed to {_NAMES[after[r, c]]}")
    marked = (before == PATH) & (question == OPEN)
    distance, walked = moves(marked, question)
    if walked >= 0:
        return Ruling(False, "a cell was marked after the way had reached the goal")
    near = _beside(changed, question.shape)
    near = near[(marked | (question == START))[near[:, 0], near[:, 1]]]
    if not (distance[near[:, 0], near[:, 1]] == distance.max()).any():
        return Ruling(False, f"the {_cell(before, changed[0])} does not go on from the way's end")
    if len(near) > 1:
        return Ruling(False, f"the {_cell(before, changed[0])} touches the way a second time")
    return Ruling(True, "")


def _beside(cell: npt.NDArray[np.intp], shape: tuple[int, ...]) -> npt.NDArray[np.intp]:
    """The neighbours `(k, 2)` on the board of a cell `(1, 2)`."""
    near = cell + np.array(_DOWN_UP_RIGHT_LEFT)
    return near[((near >= 0) & (near < shape)).all(axis=1)]


def _cell(board: Grid, at: npt.NDArray[np.intp]) -> str:
    r, c = (int(v) for v in at)
    return f"{_NAMES[board[r, c]]} at row {r}, column {c}"
