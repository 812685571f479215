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

With 2 or 3 disks, a puzzle in other colours counts as another question, because there are only 72 or 702
puzzles. So 2 disks, level 0, have 2,160 questions, of which 430 are test.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench._util.text import plural
from vizbench.errors import UserError
from vizbench.generators.hanoi.pictures import (
    BASE,
    BROKEN,
    COLOURS,
    DOUBLE,
    FLOATING,
    MISSING,
    TOO_LARGE,
    WHOLE,
    draw,
    drawn_state,
    empty_picture,
    number,
    reach,
    read_band,
    see,
    stack,
)
from vizbench.generators.hanoi.states import distances, is_right, move, moves_off, pairs_apart, walk
from vizbench.kernels.rng import rng_below, rng_from, rng_seed, rng_shuffle
from vizbench.task.contract import Reasoning, Space, Task
from vizbench.task.ranges import check_ranges
from vizbench.types import Batch, CheckResult, Grid, Grids, Keys, Look, Trajectories

_APART_BY_PEGS = 4  # the smallest number of disks with more pairs of states than the train pool has rows


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of the Towers of Hanoi."""

    disks: int = 3
    """Disks, 2 … 6."""
    steps: int = 1
    """Moves to make, 1 … 2^disks - 1. The maximum is the largest distance of two states."""

    def __post_init__(self) -> None:
        check_ranges(self, disks=(2, COLOURS))
        if not 1 <= self.steps < 1 << self.disks:
            most = (1 << self.disks) - 1
            raise UserError(
                f"steps={self.steps} is not in 1 … {most}, the furthest apart that {self.disks} disks "
                "can be: try 1"
            )


VARIANTS = {
    **{str(disks): Params(disks) for disks in (3, 4, 5)},
    **{
        f"{disks}-steps-{k}": Params(disks, k)
        for disks, k in ((3, 3), (4, 3), (4, 7), (5, 3), (5, 7), (5, 15))
    },
}

LEVELS = (
    Params(2),
    Params(3),
    Params(3, 2),
    Params(3, 3),
    Params(4, 3),
    Params(4, 5),
    Params(5, 5),
    Params(5, 9),
    Params(5, 15),
    Params(6, 24),
)


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


@jit
def _check_all(question, answer, steps, empty, table, colours, valid):
    """Write which answers are right, `(n,)` bool. colours (n,): scratch."""
    for i in range(question.shape[0]):
        start, goal = see(question[i], empty, colours)
        valid[i] = False
        if start >= 0:
            state = reach(question[i], answer[i], empty, colours)
            valid[i] = state >= 0 and is_right(start, goal, state, steps, table)


@jit
def _measure(question, answer, steps, empty, table, colours, drawn, moves):
    """Write the parts of each answer, `(n,)` float64. colours (n,): scratch."""
    picture = np.empty_like(empty)
    for i in range(question.shape[0]):
        drawn[i], moves[i] = 0.0, 0.0
        start, goal = see(question[i], empty, colours)
        if start < 0:
            continue
        state = drawn_state(answer[i], start, colours)
        off = moves_off(start, goal, state, steps, table)
        if off < 0:
            continue
        draw(picture, question[i], empty, state, colours)
        differ = 0
        for r in range(picture.shape[0]):
            for c in range(picture.shape[1]):
                differ += picture[r, c] != answer[i, r, c]
        drawn[i] = max(0.0, 1 - differ / colours.shape[0] ** 2)
        moves[i] = max(0.0, 1 - off / steps)


@jit
def _record(question, target, steps, empty, table, colours, states):
    """Write the pictures after each move to the target's state to `states` (n * steps, h, w).

    Returns the first row whose question or target is no picture of two states, or -1.
    """
    for i in range(question.shape[0]):
        end, _ = see(target[i], empty, colours)
        state, _ = see(question[i], empty, colours)
        if state < 0 or end < 0:
            return i
        for k in range(steps):
            state = walk(state, end, colours.shape[0], 1, table)
            draw(states[i * steps + k], question[i], empty, state, colours)
    return -1


@jit
def _figures(question, steps, empty, table, colours, distance, levels, right):
    """Write the figures of each question, `(n,)` float64.

    Returns the first row that is not a picture of two states, or -1.
    """
    for i in range(question.shape[0]):
        start, goal = see(question[i], empty, colours)
        if start < 0:
            return i
        distance[i], levels[i], right[i] = table[start, goal], 0, 0
        power = 1
        for disk in range(colours.shape[0]):
            if start // power % 3 != goal // power % 3:
                levels[i] = disk + 1
            power *= 3
        for state in range(table.shape[0]):
            right[i] += is_right(start, goal, state, steps, table)
    return -1


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


def _puzzle(params: Params, question: Grid) -> _Puzzle | None:
    """Return the content of a question, or None if it does not show two legal states of the same disks."""
    empty, colours = empty_picture(params.disks), np.empty(params.disks, np.int64)
    if question.shape != empty.shape:
        return None
    start, goal = see(question, empty, colours)
    if start < 0:
        return None
    return _Puzzle(start, goal, colours.tolist(), int(distances(params.disks)[start, goal]))


def _reached(params: Params, puzzle: _Puzzle, question: Grid, picture: Grid) -> int | str:
    """Return the state that a picture shows, or what is wrong. All other cells must equal the question's."""
    disks = params.disks
    first, last = disks + 1, 2 * disks + 1  # of the state's rows
    frame = np.argwhere(picture != question)
    frame = frame[(frame[:, 0] < first) | (frame[:, 0] >= last)]
    if len(frame):
        r, c = (int(v) for v in frame[0])
        return f"the {'base' if question[r, c] == BASE else 'goal'} was changed at row {r}, column {c}"
    pegs, colours = np.empty(disks, np.int64), np.empty(disks, np.int64)
    fault, row, peg, disk = read_band(picture, first, disks, empty_picture(disks)[first], pegs, colours)
    if fault != WHOLE:
        place, bar = f"at row {row} of peg {peg}", plural(2 * disk + 1, "cell")
        return {
            BROKEN: f"there is no whole disk {place}",
            FLOATING: f"the disk {place} floats",
            DOUBLE: f"there are two disks of {bar}",
            TOO_LARGE: f"the disk {place} is on a smaller one",
            MISSING: f"the disk of {bar} is missing",
        }[fault]
    for disk, colour in enumerate(puzzle.colours):
        if colours[disk] != colour:
            return f"the disk of {plural(2 * disk + 1, 'cell')} changed its colour"
    return int(number(pegs))


def _no_picture(disks: int) -> UserError:
    return UserError(f"this is not a picture of two states of {disks} disks: take one that hanoi made")


def _drawn(params: Params, question: Grid, puzzle: _Puzzle, state: int) -> Grid:
    """Return the question with another state."""
    picture = np.empty_like(question)
    draw(picture, question, empty_picture(params.disks), state, np.array(puzzle.colours))
    return picture


@final
class Hanoi(Task[Params]):
    """Make the best moves in the Towers of Hanoi."""

    family = "hanoi"
    version = 3
    summary = "Make the first moves of a shortest plan from one state of the Towers of Hanoi to another."
    reasoning = Reasoning.PLANNING
    look = Look("hanoi", cell=16)
    codes = 10
    # Our choice: one disk of 8 or 10. With 4 disks and a pool of 5000, 46% of the candidates pass.
    min_distance = 0.1
    variants = VARIANTS
    levels = LEVELS
    legend = (
        "ground",
        *(f"disk {letter}" for letter in "ABCDEF"),
        "peg",
        "base",
        "ground of the goal",
    )
    parts: ClassVar[Mapping[str, str]] = {
        "drawn": "1 minus the number of cells that differ from the picture of a legal state, as a share of "
        "the cells of all disks, at least 0; the state is the one with each disk on the peg where the answer "
        "has most of its cells",
        "moves": "1 minus the least number of moves from that state to a right answer, as a share of the "
        "moves asked, at least 0",
    }

    def codes_of(self, params: Params, question: Grid) -> Sequence[int]:
        return sorted({int(code) for code in question.flat})  # each question draws the colors of its disks

    def instructions(self, params: Params) -> tuple[str, str, str]:
        moves, disks = plural(params.steps, "move"), params.disks
        first = "move" if params.steps == 1 else moves
        picture = (
            f"The lower half shows {disks} disks, bars of different widths, on three pegs, and the upper "
            "half shows where they should go."
        )
        rule = "A move takes the top disk of a peg to another peg, but never onto a narrower disk"
        return (
            f"{picture} {rule}. Find a shortest way to the goal, and show the lower half after the first "
            f"{first}. Keep the upper half and the base, and draw each disk centered on its peg.",
            f"This is the Towers of Hanoi. {picture} {rule}. Make the first {first} of a shortest solution "
            "in the lower half, and change nothing else.",
            f"Make the first {first} of a shortest solution that brings the disks of the lower half to the "
            f"goal in the upper half. {rule}. The {disks} disks are bars centered on three pegs, and rest on "
            "the base or on a wider disk. The upper half and the base stay as they are.",
        )

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        disks, empty = params.disks, empty_picture(params.disks)
        question = np.empty((len(keys), *empty.shape), np.uint8)
        target = np.empty_like(question)
        pairs = pairs_apart(disks, params.steps)
        _make(keys, disks, params.steps, pairs, distances(disks), empty, question, target)
        return Batch(question, target)

    def steps(self, params: Params, question: Grid, target: Grid) -> Grids:
        return self.steps_batch(params, question[None], target[None]).states

    def steps_batch(self, params: Params, question: Grids, target: Grids) -> Trajectories:
        """Return the pictures after each move of a shortest plan to the target's state.

        Raises UserError if a question or target is not a picture of two states.
        """
        n, steps, empty = len(question), params.steps, self._shown(params, question)
        states = np.empty((n * steps, *empty.shape), np.uint8)
        table, colours = distances(params.disks), np.empty(params.disks, np.int64)
        if target.shape != question.shape or (
            _record(question, target, steps, empty, table, colours, states) >= 0
        ):
            raise _no_picture(params.disks)
        return Trajectories(states, np.arange(n + 1) * steps)

    @staticmethod
    def _shown(params: Params, question: Grids) -> Grid:
        """Return the picture without disks. Raises UserError if the questions have another shape."""
        empty = empty_picture(params.disks)
        if question.shape[1:] != empty.shape:
            raise _no_picture(params.disks)
        return empty

    def check_batch(self, params: Params, question: Grids, answer: Grids) -> npt.NDArray[np.bool_]:
        valid = np.zeros(len(question), np.bool_)
        empty, table = empty_picture(params.disks), distances(params.disks)
        if question.shape[1:] == answer.shape[1:] == empty.shape:
            colours = np.empty(params.disks, np.int64)
            _check_all(question, answer, params.steps, empty, table, colours, valid)
        return valid

    def parts_batch(
        self, params: Params, question: Grids, target: Grids, answer: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        drawn, moves = np.zeros(len(question)), np.zeros(len(question))
        empty, table = empty_picture(params.disks), distances(params.disks)
        if question.shape[1:] == answer.shape[1:] == empty.shape:
            colours = np.empty(params.disks, np.int64)
            _measure(question, answer, params.steps, empty, table, colours, drawn, moves)
        return {"drawn": drawn, "moves": moves}

    def space(self, params: Params) -> Space:
        """Count all pairs of states that are far enough apart, with all colourings if colours count."""
        pairs = len(pairs_apart(params.disks, params.steps))
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

    def difficulty_batch(
        self, params: Params, question: Grids, target: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return `score`, x / (x + 16) with x = steps + levels + distance / 4, and what it is made of.

        - effort: steps times disks.
        - distance: least moves from start to goal.
        - levels: the number of the largest disk that is not on its peg, smallest 1.
        - right: states that are right answers.

        Raises UserError if a question is not a picture of two states.
        """
        n, empty, table = len(question), self._shown(params, question), distances(params.disks)
        distance, levels, right = np.empty(n), np.empty(n), np.empty(n)
        colours = np.empty(params.disks, np.int64)
        if _figures(question, params.steps, empty, table, colours, distance, levels, right) >= 0:
            raise _no_picture(params.disks)
        work = params.steps + levels + distance / 4
        return {
            "score": work / (work + 16),
            "effort": np.full(n, float(params.steps * params.disks)),
            "distance": distance,
            "levels": levels,
            "right": right,
        }

    def check(self, params: Params, question: Grid, answer: Grid) -> CheckResult:
        """Check that the state is legal, `steps` moves from the start, and `steps` moves nearer to the goal.

        Goal, base and colours must be unchanged.
        """
        puzzle, table = _puzzle(params, question), distances(params.disks)
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
        puzzle, table = _puzzle(params, before), distances(params.disks)
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
        state = walk(puzzle.start, puzzle.goal, params.disks, params.steps, distances(params.disks))
        return _drawn(params, question, puzzle, state)

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
