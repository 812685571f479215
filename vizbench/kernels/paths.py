"""Find, draw, check and measure paths from a start to a goal, for mazes and navigation.

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
from vizbench.types import CheckResult, Grid, Grids

WALL: Final = 0
OPEN: Final = 1
START: Final = 2
GOAL: Final = 3
PATH: Final = 4

LEGEND: Final = ("wall", "open cell", "start", "goal", "path cell")
"""What the codes mean to a reader of a prompt."""

PATH_PARTS: Final = {
    "path": "the share of a shortest path's cells that are marked, for the shortest path with the most of "
    "them, minus a cell's share for each changed cell off that path, at least 0; for an unbranched path that "
    "is too long, the length of a shortest path divided by its own",
    "precise": "the share of the changed cells that are marked on that path, squared",
}
"""What `path_parts` measures."""

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


# Searches run on boards with a border of one cell, flat: a step is then one addition, and never leaves the
# board. `free`, `distance` and `queue` are scratch of this size.


@jit
def _scratch(question):
    """Return steps to the 4 neighbours on a board with a border, then `free`, `distance` and `queue`."""
    wide = question.shape[-1] + 2
    cells = (question.shape[-2] + 2) * wide
    step = np.array([wide, -wide, 1, -1], np.int64)
    return step, np.zeros(cells, np.bool_), np.empty(cells, np.int32), np.empty(cells, np.int32)


@jit
def _lay(question, grid, code, free, queue):
    """Set which cells a path may use: start, goal, and the open cells that have this code in `grid` (h, w).

    The starts are put in the queue. Returns their number, and the place of the first goal or -1.
    """
    h, w = question.shape
    starts, goal = 0, -1
    for r in range(h):
        for c in range(w):
            at = (r + 1) * (w + 2) + c + 1
            kind = question[r, c]
            free[at] = kind in (START, GOAL) or (kind == OPEN and grid[r, c] == code)
            if kind == START:
                queue[starts] = at
                starts += 1
            elif kind == GOAL and goal < 0:
                goal = at
    return starts, goal


@jit
def _moves(question, grid, code, step, free, distance, queue):
    """Search from the starts to the first goal. Return its place and the moves to it; -1 if there are none.

    The path is as in `_lay`. All cells nearer than the goal have their distance afterwards.
    """
    tail, goal = _lay(question, grid, code, free, queue)
    if goal < 0:
        return goal, -1
    distance[:] = -1
    for k in range(tail):
        distance[queue[k]] = 0
    head = 0
    while head < tail and distance[goal] < 0:
        cell = queue[head]
        head += 1
        for k in range(4):
            near = cell + step[k]
            if free[near] and distance[near] < 0:
                distance[near] = distance[cell] + 1
                queue[tail] = near
                tail += 1
    return goal, np.int64(distance[goal])


@jit
def _number(question, grid, code, moments):
    """Number the cells of a shortest path per row from 0, the first after the start. Other cells have -1.

    question, grid: `(n, h, w)`; the path leads over open cells that have this code in `grid`.
    """
    step, free, distance, queue = _scratch(question)
    wide = question.shape[2] + 2
    moments[:] = -1
    for i in range(question.shape[0]):
        cell, walked = _moves(question[i], grid[i], code, step, free, distance, queue)
        for moment in range(walked - 2, -1, -1):
            for k in range(4):
                near = cell + step[k]
                if distance[near] == moment + 1:
                    cell = near
                    break
            moments[i, cell // wide - 1, cell % wide - 1] = moment


def path_moments(question: Grids, target: Grids) -> npt.NDArray[np.int32]:
    """Return the place on a shortest marked path of each cell, `(n, h, w)` from 0; -1 if it is not on it.

    The first cell after the start has 0. Start and goal have -1.
    """
    moments = np.empty(question.shape, np.int32)
    _number(question, target, PATH, moments)
    return moments


def marked_shortest_path(question: Grid) -> Grid | None:
    """Return the question with a shortest path marked, or None if the goal cannot be reached."""
    if path_distances(question == OPEN, question)[1] < 0:
        return None
    moments = np.empty((1, *question.shape), np.int32)
    _number(question[None], question[None], OPEN, moments)
    return np.where(moments[0] >= 0, np.uint8(PATH), question)


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


@jit
def _trace(question, answer, step, free, distance, queue):
    """Return the first cell changed against the rules, flat, or -1; changed and marked cells; and moves.

    question, answer: `(h, w)`. Only open cells may be changed, and only to be marked. The moves lead from the
    start to the goal over marked cells, -1 if they do not join them. Without a branch, a loop or a stray
    cell, they are one more than the marked cells.
    """
    h, w = question.shape
    spoiled, changed, marked = -1, 0, 0
    for r in range(h):
        for c in range(w):
            if answer[r, c] != question[r, c]:
                changed += 1
                if question[r, c] == OPEN and answer[r, c] == PATH:
                    marked += 1
                elif spoiled < 0:
                    spoiled = r * w + c
    _, walked = _moves(question, answer, PATH, step, free, distance, queue)
    return spoiled, changed, marked, walked


@jit
def _check(question, answer):
    """Return the first spoiled cell, the marked cells, the moves over them, and the fewest moves."""
    step, free, distance, queue = _scratch(question)
    spoiled, _, marked, walked = _trace(question, answer, step, free, distance, queue)
    _, fewest = _moves(question, question, OPEN, step, free, distance, queue)
    return spoiled, marked, walked, fewest


@jit
def _check_all(question, answer, detours, valid):
    """Write which answers are an unbranched path; without `detours`, only shortest paths are valid."""
    step, free, distance, queue = _scratch(question)
    for i in range(question.shape[0]):
        _, changed, marked, walked = _trace(question[i], answer[i], step, free, distance, queue)
        valid[i] = walked >= 0 and changed == marked and walked == marked + 1
        if valid[i] and not detours:
            _, fewest = _moves(question[i], question[i], OPEN, step, free, distance, queue)
            valid[i] = walked == fewest


def check_path(question: Grid, answer: Grid) -> CheckResult:
    """Check that the marked cells are one unbranched path from start to goal, of any length.

    Every other cell must be unchanged. `figures` of the result holds:

    - psr: 1 if marked open cells join start and goal, with or without stray cells.
    - rpl, only for valid paths: the length divided by that of a shortest path.
    """
    spoiled, marked, walked, fewest = _check(question, answer)
    psr = float(walked >= 0)
    if spoiled >= 0:
        cell = _cell(question, divmod(spoiled, question.shape[1]))
        return CheckResult(False, f"the {cell} was changed", {"psr": psr})
    if not psr:
        return CheckResult(False, "the marked cells do not join start and goal", {"psr": psr})
    # A shortest path over the marked cells that needs all of them has no branch, no loop and no stray cell.
    stray = marked + 1 - walked
    if stray:
        stray_cells = plural(stray, "marked cell is", "marked cells are")
        return CheckResult(False, f"{stray_cells} off the path from start to goal", {"psr": psr})
    return CheckResult(True, "", {"psr": psr, "rpl": float(walked / fewest)})


def check_paths(question: Grids, answer: Grids, detours: bool) -> npt.NDArray[np.bool_]:
    """Return which answers `(n, h, w)` are one unbranched path from start to goal, see `check_path`.

    detours: whether the path may be longer than a shortest one.
    """
    valid = np.empty(len(question), np.bool_)
    _check_all(question, answer, detours, valid)
    return valid


@jit
def _most_marked(goal, marked, step, free, distance, queue, most):
    """Return the most marked cells that are on one shortest path, from the distances of `_moves`.

    marked: which cells are marked, with a border. most: scratch of this size. It becomes the most marked
    cells between a cell and the goal.
    """
    most[:] = -1
    most[goal] = 0
    queue[0] = goal
    head, tail, best = 0, 1, 0
    while head < tail:
        cell = queue[head]
        head += 1
        if distance[cell] == 0:
            best = max(best, most[cell])
        for k in range(4):
            near = cell + step[k]
            if free[near] and distance[cell] > 0 and distance[near] == distance[cell] - 1:
                if most[near] < 0:
                    queue[tail] = near
                    tail += 1
                most[near] = max(most[near], most[cell] + (marked[near] and distance[near] > 0))
    return np.int64(best)


@jit
def _measure(question, answer, path, precise):
    """Write the parts of each answer, see `path_parts`."""
    step, free, distance, queue = _scratch(question)
    marked, most = np.zeros_like(free), np.empty_like(distance)
    for i in range(question.shape[0]):
        path[i], precise[i] = 0.0, 0.0
        _, changed, marks, walked = _trace(question[i], answer[i], step, marked, distance, queue)
        goal, fewest = _moves(question[i], question[i], OPEN, step, free, distance, queue)
        if fewest < 2 or changed == 0:
            continue
        if walked >= 0 and changed == marks and walked == marks + 1:
            path[i], precise[i] = fewest / walked, 1.0
            continue
        right = min(changed, _most_marked(goal, marked, step, free, distance, queue, most))
        path[i] = max(0, 2 * right - changed) / (fewest - 1)
        precise[i] = (right / changed) ** 2


def path_parts(question: Grids, answer: Grids) -> dict[str, npt.NDArray[np.float64]]:
    """Return `PATH_PARTS` of each answer, `(n,)`. They are 0 if start and goal are not joined or touch."""
    path, precise = np.empty(len(question)), np.empty(len(question))
    _measure(question, answer, path, precise)
    return {"path": path, "precise": precise}


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
