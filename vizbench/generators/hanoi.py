"""Generate Towers of Hanoi (Lucas 1883): the best moves from any legal state to any other.

The picture has two bands. The upper one shows the goal on shaded ground, the lower one the present state.
Each has three pegs on a base. A peg has as many levels as there are disks. The k-th smallest disk is a bar of
2 k - 1 cells around its peg. Only its width identifies a disk: colours are drawn again for each question, and
are the same in both bands. Codes: 0 ground, 1 … 6 disks, 7 peg, 8 base, 9 the goal's ground.

Only the top disk of a peg moves, one per move, never onto a smaller one. The answer is the picture after
some moves of a shortest plan to the goal. Start and goal are drawn evenly from all pairs of legal states that
are far enough apart, not from towers only. There may be two shortest plans, because the largest disk that has
to move may move once or twice (Hinz 1992). Both are right. At a choice, the stored plan takes the move that
leaves out the peg furthest to the left.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench._util.text import plural
from vizbench.errors import UserError
from vizbench.kernels.rng import rng_below, rng_from, rng_seed, rng_shuffle
from vizbench.task.contract import Space, Task
from vizbench.types import Batch, CheckResult, Grid, Grids, Keys, Look

GROUND, PEG, BASE, GOAL_GROUND = 0, 7, 8, 9
COLOURS: Final = 6
"""Disks have codes 1 … COLOURS."""

_APART_BY_PEGS = 4  # the smallest number of disks with more pairs of states than the train pool has rows

Table = npt.NDArray[Any]
"""Least moves between any two states, `(3^n, 3^n)` uint8; states are numbers."""


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of the Towers of Hanoi."""

    disks: int = 3
    """Disks, 3 … 6."""
    steps: int = 1
    """Moves to make, 1 … 2^disks - 1. The maximum is the largest distance of two states."""

    def __post_init__(self) -> None:
        if not 3 <= self.disks <= COLOURS:
            raise UserError(f"disks={self.disks} is outside 3 … {COLOURS}: try 3")
        if not 1 <= self.steps < 1 << self.disks:
            most = (1 << self.disks) - 1
            raise UserError(
                f"steps={self.steps} is outside 1 … {most}, the furthest apart that {self.disks} disks "
                "can be: try 1"
            )


VARIANTS = {
    **{str(disks): Params(disks) for disks in (3, 4, 5)},
    **{
        f"{disks}-steps-{k}": Params(disks, k)
        for disks, k in ((3, 3), (4, 3), (4, 7), (5, 3), (5, 7), (5, 15))
    },
}


# The Towers of Hanoi on numbers: the k-th digit of a state, to base 3, is the peg of disk k, 0 the smallest.
# Every number below 3^n is a legal state of n disks, since the disks of a peg can have one order only.


@jit
def move(state, disks, idle):
    """Return the state after the only move between the pegs that are not `idle`; -1 if both are empty."""
    power = 1
    for _ in range(disks):
        peg = state // power % 3
        if peg != idle:
            return state + (3 - idle - 2 * peg) * power
        power *= 3
    return -1


@jit
def walk(state, goal, disks, steps, table):
    """Return the state after `steps` moves of the stored plan to the goal."""
    for _ in range(steps):
        for idle in range(3):
            after = move(state, disks, idle)
            if after >= 0 and table[after, goal] < table[state, goal]:
                state = after
                break
    return state


@jit
def stack(state, colours, band):
    """Draw the disks on `band` (n, 3 (2n - 1)) uint8, empty pegs.

    colours: `(n,)`, the smallest disk first.
    """
    disks = band.shape[0]
    heights = np.zeros(3, np.int64)
    power = 3 ** (disks - 1)
    for k in range(disks - 1, -1, -1):
        peg = state // power % 3
        power //= 3
        row = disks - 1 - heights[peg]
        heights[peg] += 1
        middle = peg * (2 * disks - 1) + disks - 1
        for column in range(middle - k, middle + k + 1):
            band[row, column] = colours[k]


@jit
def _make(keys, disks, steps, pairs, table, empty, question, target):
    """Make one pair of states per key.

    pairs (m,) int32: start + 3^n goal. empty (h, w): the picture without disks.
    """
    rng = np.empty(4, np.uint64)
    colours = np.empty(COLOURS, np.uint8)
    states = table.shape[0]
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        pair = np.int64(pairs[rng_below(rng, pairs.shape[0])])
        start, goal = pair % states, pair // states
        for k in range(COLOURS):
            colours[k] = k + 1
        rng_shuffle(rng, colours, COLOURS)
        question[i] = empty
        stack(goal, colours, question[i, :disks])
        target[i] = question[i]
        stack(start, colours, question[i, disks + 1 : 2 * disks + 1])
        stack(walk(start, goal, disks, steps, table), colours, target[i, disks + 1 : 2 * disks + 1])


@final
@dataclass(frozen=True, slots=True)
class _Puzzle:
    """Hold the content of a question."""

    start: int
    """The present state."""
    goal: int
    """The state to reach."""
    colours: list[int]
    """The disks' codes, smallest first."""
    distance: int
    """Least moves from start to goal."""


@functools.cache
def _distances(disks: int) -> Table:
    """Return the least moves between all states. For 5 disks they take 59 kB and 1 ms.

    They are computed by induction over the largest disk (Hinz 1992). If it is on the same peg in both states,
    it does not move. Otherwise it moves once, or twice over the third peg. In between, the smaller disks form
    a tower on one peg.
    """
    distances = np.zeros((1, 1), np.int64)
    to_tower = np.zeros((1, 3), np.int64)  # least moves from each state to a tower on each peg
    for smaller in range(disks):
        tower = 1 << smaller  # moves of a tower of the smaller disks, and one of the largest
        grown = np.empty((3, len(distances), 3, len(distances)), np.int64)
        towers = np.empty((3, len(distances), 3), np.int64)
        for peg, goal in itertools.product(range(3), repeat=2):
            if peg == goal:
                grown[peg, :, goal] = distances
                towers[peg, :, goal] = to_tower[:, goal]
                continue
            third = 3 - peg - goal
            once = to_tower[:, None, third] + 1 + to_tower[None, :, third]
            twice = to_tower[:, None, goal] + 1 + tower + to_tower[None, :, peg]
            grown[peg, :, goal] = np.minimum(once, twice)
            towers[peg, :, goal] = to_tower[:, third] + tower
        distances = grown.reshape(3 * len(distances), -1)
        to_tower = towers.reshape(-1, 3)
    return distances.astype(np.uint8)


@functools.lru_cache(maxsize=16)
def _pairs(disks: int, steps: int) -> npt.NDArray[np.int32]:
    """Return every pair of states at least `steps` moves apart, `(m,)` as start + 3^n goal."""
    return np.flatnonzero(_distances(disks) >= steps).astype(np.int32)


@functools.cache
def _empty(disks: int) -> Grid:
    """Return the picture without disks, `(2n + 2, 3 (2n - 1))`: pegs on their base, the goal's band above."""
    wide = 2 * disks - 1
    bands = np.full((2, disks + 1, 3 * wide), GROUND, np.uint8)
    bands[0] = GOAL_GROUND
    bands[:, :, disks - 1 :: wide] = PEG
    bands[:, disks] = BASE
    return bands.reshape(-1, 3 * wide)


def _read(picture: Grid, disks: int, band: int) -> tuple[list[int], list[int]] | str:
    """Return peg and colour of each disk of a band, smallest first, or a text that says what is wrong.

    band: 0 the goal's, 1 the state's.
    """
    first, wide = band * (disks + 1), 2 * disks - 1
    pegs, colours = [-1] * disks, [0] * disks
    # Lists, because bars are too short for NumPy: as arrays they took 4 times as long.
    rows: list[list[int]] = picture.tolist()
    bare: list[int] = _empty(disks)[first, :wide].tolist()
    for peg in range(3):
        below = disks  # the size of the disk below, at first that of the base; -1 for an empty level
        for row in range(first + disks - 1, first - 1, -1):
            place = f"at row {row} of peg {peg}"
            bar = rows[row][peg * wide : (peg + 1) * wide]
            if bar == bare:
                below = -1
                continue
            colour = bar[disks - 1]
            size = (bar.count(colour) - 1) // 2
            drawn = [*bare[: disks - 1 - size], *[colour] * (2 * size + 1), *bare[disks + size :]]
            if not 1 <= colour <= COLOURS or bar != drawn:
                return f"there is no whole disk {place}"
            if below < 0:
                return f"the disk {place} floats"
            if pegs[size] >= 0:
                return f"there are two disks of {plural(2 * size + 1, 'cell')}"
            if size > below:
                return f"the disk {place} is on a smaller one"
            pegs[size], colours[size], below = peg, colour, size
    if -1 in pegs:
        return f"the disk of {plural(2 * pegs.index(-1) + 1, 'cell')} is missing"
    return pegs, colours


def _state(pegs: list[int]) -> int:
    return sum(peg * 3**k for k, peg in enumerate(pegs))


def _puzzle(params: Params, question: Grid) -> _Puzzle | None:
    """Return the content of a question, or None if it does not show two legal states of the same disks."""
    empty = _empty(params.disks)
    if question.shape != empty.shape or not np.array_equal(question == BASE, empty == BASE):
        return None
    goal, start = (_read(question, params.disks, band) for band in range(2))
    if isinstance(start, str) or isinstance(goal, str) or start[1] != goal[1]:
        return None
    first, last = _state(start[0]), _state(goal[0])
    return _Puzzle(first, last, start[1], int(_distances(params.disks)[first, last]))


def _reached(params: Params, puzzle: _Puzzle, question: Grid, picture: Grid) -> int | str:
    """Return the state that a picture shows, or what is wrong. All other cells must equal the question's."""
    first, last = params.disks + 1, 2 * params.disks + 1  # of the state's rows
    frame = np.argwhere(picture != question)
    frame = frame[(frame[:, 0] < first) | (frame[:, 0] >= last)]
    if len(frame):
        r, c = (int(v) for v in frame[0])
        return f"the {'base' if question[r, c] == BASE else 'goal'} was changed at row {r}, column {c}"
    read = _read(picture, params.disks, 1)
    if isinstance(read, str):
        return read
    for k, colour in enumerate(puzzle.colours):
        if read[1][k] != colour:
            return f"the disk of {plural(2 * k + 1, 'cell')} changed its colour"
    return _state(read[0])


def _own(params: Params, picture: Grid) -> _Puzzle:
    """Return the content of a picture that was made here. Raises UserError for any other picture."""
    puzzle = _puzzle(params, picture)
    if puzzle is None:
        raise UserError(
            f"this is not a picture of two states of {params.disks} disks: take one that hanoi made"
        )
    return puzzle


def _after(params: Params, question: Grid, puzzle: _Puzzle, end: int, steps: int) -> Grid:
    """Return the question with the state after so many moves of the stored plan from its start to `end`."""
    state: int = walk(puzzle.start, end, params.disks, steps, _distances(params.disks))
    return _drawn(params, question, puzzle, state)


def _drawn(params: Params, question: Grid, puzzle: _Puzzle, state: int) -> Grid:
    """Return the question with another state."""
    disks = params.disks
    picture = question.copy()
    picture[disks + 1 :] = _empty(disks)[disks + 1 :]
    stack(state, np.array(puzzle.colours, np.uint8), picture[disks + 1 : 2 * disks + 1])
    return picture


@final
class Hanoi(Task[Params]):
    """Make the best moves in the Towers of Hanoi."""

    family = "hanoi"
    version = 2
    summary = "Make the first moves of a shortest plan from one state of the Towers of Hanoi to another."
    look = Look("hanoi", cell=16)
    codes = 10
    # Our choice: one disk of 8 or 10. With 4 disks and a pool of 5000, 46% of the candidates pass.
    min_distance = 0.1
    variants = VARIANTS

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        disks, empty = params.disks, _empty(params.disks)
        question = np.empty((len(keys), *empty.shape), np.uint8)
        target = np.empty_like(question)
        pairs = _pairs(disks, params.steps)
        _make(keys, disks, params.steps, pairs, _distances(disks), empty, question, target)
        return Batch(question, target)

    def steps(self, params: Params, question: Grid, target: Grid) -> Grids:
        """Return the picture after each move of a shortest plan to the target's state."""
        puzzle, end = _own(params, question), _own(params, target).start
        return np.stack([_after(params, question, puzzle, end, k + 1) for k in range(params.steps)])

    def space(self, params: Params) -> Space:
        """Count all pairs of states that are far enough apart, with all colourings if colours count."""
        pairs = len(_pairs(params.disks, params.steps))
        colourings = 1 if params.disks >= _APART_BY_PEGS else math.perm(COLOURS, params.disks)
        return Space(pairs * colourings)

    def identity(self, params: Params, batch: Batch) -> npt.NDArray[np.uint8]:
        """Return the pegs, without colours if these do not make another puzzle: see `features`."""
        if params.disks >= _APART_BY_PEGS:
            return self.features(params, batch)
        return super().identity(params, batch)

    def features(self, params: Params, batch: Batch) -> npt.NDArray[np.uint8]:
        """Return the peg of each disk in goal and start, `(n, 2 disks)`, without colours.

        Below 4 disks, colours count too, `(n, 3 disks)`: 3 disks have 702 puzzles, so 5000 train rows would
        leave none for test.
        """
        disks, wide = params.disks, 2 * params.disks - 1
        bands = batch.question.reshape(len(batch), 2, disks + 1, 3, wide)[:, :, :disks]
        middle = disks - 1
        pegs: list[npt.NDArray[Any]] = []
        colours: list[npt.NDArray[Any]] = []
        for k in range(disks):
            bar = bands[..., middle + k]
            lies = (bar >= 1) & (bar <= COLOURS)
            if k + 1 < disks:
                lies &= bands[..., middle + k + 1] != bar
            pegs.append(lies.any(axis=2).argmax(axis=2))  # (n, 2)
            colours.append((bar * lies)[:, 0].max(axis=(1, 2))[:, None])
        rows = pegs if disks >= _APART_BY_PEGS else pegs + colours
        return np.concatenate(rows, axis=1).astype(np.uint8)

    def difficulty(self, params: Params, question: Grid, target: Grid) -> Mapping[str, float]:
        """Return `score`, x / (x + 16) with x = steps + levels + distance / 4, and what it is made of.

        - distance: least moves from start to goal.
        - levels: the number of the largest disk that is not on its peg, smallest 1.
        - right: states that are right answers.
        """
        puzzle, table = _own(params, question), _distances(params.disks)
        start, goal, distance = puzzle.start, puzzle.goal, puzzle.distance
        misplaced = [k for k in range(params.disks) if start // 3**k % 3 != goal // 3**k % 3]
        levels = misplaced[-1] + 1 if misplaced else 0
        right = int(((table[start] == params.steps) & (table[goal] == distance - params.steps)).sum())
        work = params.steps + levels + distance / 4
        return {
            "score": work / (work + 16),
            "distance": float(distance),
            "levels": float(levels),
            "right": float(right),
        }

    def check(self, params: Params, question: Grid, answer: Grid) -> CheckResult:
        """Check that the state is legal, `steps` moves from the start, and `steps` moves nearer to the goal.

        Goal, base and colours must be unchanged.
        """
        puzzle, table = _puzzle(params, question), _distances(params.disks)
        if puzzle is None:
            return CheckResult(False, "the question is not a picture of two states, so no answer is right")
        if puzzle.distance < params.steps:
            return CheckResult(
                False, f"the goal is less than {plural(params.steps, 'move')} away, so no answer is right"
            )
        state = _reached(params, puzzle, question, answer)
        if isinstance(state, str):
            return CheckResult(False, state)
        made, left = int(table[puzzle.start, state]), int(table[state, puzzle.goal])
        if made != params.steps:
            asked = plural(params.steps, "is asked", "are asked")
            return CheckResult(False, f"the state is {plural(made, 'move')} from the start, but {asked}")
        if left != puzzle.distance - params.steps:
            return CheckResult(
                False, f"the goal is still {plural(left, 'move')} away, not {puzzle.distance - params.steps}"
            )
        return CheckResult(True, "")

    def check_step(self, params: Params, question: Grid, before: Grid, after: Grid) -> CheckResult:
        """Check one legal move that leads nearer to the goal."""
        puzzle, table = _puzzle(params, before), _distances(params.disks)
        if puzzle is None:
            return CheckResult(False, "the picture before is not a picture of two states")
        state = _reached(params, puzzle, before, after)
        if isinstance(state, str):
            return CheckResult(False, state)
        made = int(table[puzzle.start, state])
        if made != 1:
            return CheckResult(False, f"this takes {made} moves, not one" if made else "no disk was moved")
        if table[state, puzzle.goal] >= puzzle.distance:
            return CheckResult(False, "the move does not lead nearer to the goal")
        return CheckResult(True, "")

    def step_count(self, params: Params, question: Grid) -> int:
        """Return the number of moves to make."""
        return params.steps

    def solve(self, params: Params, question: Grid) -> Grid | None:
        """Return the picture after the stored plan, or None if the question is invalid or the goal nearer."""
        puzzle = _puzzle(params, question)
        if puzzle is None or puzzle.distance < params.steps:
            return None
        return _after(params, question, puzzle, puzzle.goal, params.steps)

    def guess(self, params: Params, question: Grid, key: int) -> Grid | None:
        """Return the picture after `steps` random legal moves, or None if the question is invalid."""
        puzzle = _puzzle(params, question)
        if puzzle is None:
            return None
        rng, state = rng_from(key), puzzle.start
        for _ in range(params.steps):
            after = [move(state, params.disks, idle) for idle in range(3)]
            legal = [each for each in after if each >= 0]
            state = legal[rng_below(rng, len(legal))]
        return _drawn(params, question, puzzle, state)


TASK = Hanoi()
