"""Generate Connect Four positions: find player 1's drop. The 6x7 board and the canvas are the paper's.

Codes: 0 empty, 1 and 2 the players' disks; row 0 is the top. Player 1 began and is to move.

In win-in-1, the drop completes four in a row. In block, it stops the only drop with which player 2 would win
next. In win-in-2, it leaves player 2 no reply that keeps player 1 from winning with the next drop. Every drop
that does so is right. The stored one is the leftmost. The process of win-in-2 continues after the answer with
a drop of player 2, and one of player 1 that wins.

Positions come from random games. Players win if they can, and drop anywhere otherwise. Positions should cover
all phases of a game and all directions. So a smallest number of disks (8, 10 … 28, evenly) is drawn first,
and one of the four directions for the line that is completed or stopped. Games are played until a position
has both. In block and win-in-2, player 1 has no drop that wins at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2
from typing import Final, final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench.errors import UserError
from vizbench.kernels.rng import rng_below, rng_from, rng_seed
from vizbench.task.bases import MoveTask
from vizbench.task.contract import GameContinuation, Metric
from vizbench.types import Batch, CheckResult, Grid, Grids, Keys, Look

ROWS: Final = 6
COLUMNS: Final = 7
WIN: Final = 0
BLOCK: Final = 1
FORCE: Final = 2

_BOTTOM: Final = sum(1 << 7 * column for column in range(COLUMNS))
_BOARD: Final = _BOTTOM * ((1 << ROWS) - 1)
_COLUMN: Final = (1 << 7) - 1
_STEPS: Final = (1, 7, 8, 6)

EMPTY, MINE, THEIRS = 0, 1, 2

_GOALS: Final = {"win": WIN, "block": BLOCK, "force": FORCE}
_FEWEST: Final = 8  # disks; with 6 or fewer there are too few different positions
_SPREAD: Final = 11  # 8, 10 … 28; up to 32 would cost 3 times as much
_BITS: Final = np.int64(1) << np.add.outer(np.arange(ROWS)[::-1], 7 * np.arange(COLUMNS))
_FAULTS: Final = {
    "win": "does not win",
    "block": "does not stop player 2 from winning with the next drop",
    "force": "lets player 2 win, or keep player 1 from winning with the next drop",
}


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of a Connect Four question."""

    goal: str = "win"
    """win, block or force (a win with the drop after this one)."""

    def __post_init__(self) -> None:
        if self.goal not in _GOALS:
            raise UserError(f"goal={self.goal[:40]!r} is none of {', '.join(_GOALS)}: try win")


VARIANTS = {"win-in-1": Params(), "block": Params(goal="block"), "win-in-2": Params(goal="force")}


# Connect Four on bit boards: the cell of column c, r rows from the bottom, is bit 7 c + r; bit 7 c + 6 is 0.
#
# Neighbours are 1 (up), 7 (right), 8 (right and up) or 6 (right and down) bits apart. The spare bit on top of
# a column keeps lines from continuing over an edge into the next column. A set of cells is one word. `mine`
# and `theirs` are the disks of players 1 and 2. Player 1 is to move.


@jit
def free_cells(filled):
    """Return the cells that a drop can reach: the lowest free one of each column."""
    return (filled + _BOTTOM) & _BOARD


@jit
def completing(disks, step):
    """Return the cells that complete four in a row along `step` with three of the disks, free or not."""
    up1, up2, up3 = disks >> step, disks >> 2 * step, disks >> 3 * step
    down1, down2, down3 = disks << step, disks << 2 * step, disks << 3 * step
    outer = (up1 & up2 & up3) | (down1 & down2 & down3)
    return (outer | (up1 & down1 & (up2 | down2))) & _BOARD


@jit
def winning(disks):
    """Return the cells that complete four in a row in any direction."""
    return completing(disks, 1) | completing(disks, 7) | completing(disks, 8) | completing(disks, 6)


@jit
def has_four(disks):
    """Return whether four of the disks are in a row."""
    for step in _STEPS:
        pairs = disks & (disks >> step)
        if pairs & (pairs >> 2 * step):
            return True
    return False


@jit
def is_position(mine, theirs):
    """Return whether player 1 may be to move: equally many disks, none in the air, no four in a row."""
    filled = mine | theirs
    more, left = mine, theirs
    while more and left:
        more &= more - 1
        left &= left - 1
    if more or left or mine & theirs or ((filled & ~_BOTTOM) >> 1) & ~filled:
        return False
    return not (has_four(mine) or has_four(theirs))


@jit
def _loses(mine, theirs):
    """Return whether player 2, to move, can neither win nor stop player 1 from winning with the next drop."""
    replies = free_cells(mine | theirs)
    if replies == 0 or winning(theirs) & replies:
        return False
    wins = winning(mine)
    rest = replies
    while rest:
        reply = rest & -rest
        rest ^= reply
        if ((replies ^ reply) | (reply << 1)) & wins == 0:
            return False
    return True


@jit
def right_drops(mine, theirs, goal):
    """Return the right drops of player 1.

    - WIN: complete four.
    - BLOCK: player 2 could win with the next drop, and no longer can.
    - FORCE: win with this drop, or with the next one after any reply of player 2.
    """
    free = free_cells(mine | theirs)
    right = winning(mine) & free
    threats = winning(theirs)
    if goal == WIN:
        return right
    if goal == BLOCK and threats & free == 0:
        return 0
    rest = free & ~right
    while rest:
        drop = rest & -rest
        rest ^= drop
        if goal == BLOCK:
            good = threats & free_cells(mine | theirs | drop) == 0
        else:
            good = _loses(mine | drop, theirs)
        if good:
            right |= drop
    return right


@jit
def random_drop(rng, filled):
    """Draw a column that is not full. Return its free cell. There must be such a column."""
    free = free_cells(filled)
    while True:
        drop = free & (_COLUMN << 7 * rng_below(rng, COLUMNS))
        if drop:
            return drop


@jit
def _asks(mine, theirs, goal, step):
    """Return whether the position is a question.

    For WIN and BLOCK, the line to complete or stop is along `step`.
    """
    free = free_cells(mine | theirs)
    if goal == WIN:
        return completing(mine, step) & free != 0
    if winning(mine) & free:
        return False
    if goal == FORCE:
        return right_drops(mine, theirs, FORCE) != 0
    threat = winning(theirs) & free
    is_single = threat != 0 and threat & (threat - 1) == 0
    return is_single and completing(theirs, step) & threat != 0 and winning(theirs) & (threat << 1) == 0


@jit
def _seek(rng, goal, step, least):
    """Play random games up to a position that is a question and has at least `least` disks.

    Returns both players' disks.
    """
    while True:
        mine = theirs = 0
        for disks in range(0, ROWS * COLUMNS, 2):
            if disks >= least and _asks(mine, theirs, goal, step):
                return mine, theirs
            if winning(mine) & free_cells(mine | theirs):
                break
            mine |= random_drop(rng, mine | theirs)
            if winning(theirs) & free_cells(mine | theirs):
                break
            theirs |= random_drop(rng, mine | theirs)


@jit
def _draw(mine, theirs, grid):
    """Fill `grid` (6, 7) uint8."""
    for r in range(ROWS):
        for c in range(COLUMNS):
            bit = 7 * c + ROWS - 1 - r
            grid[r, c] = (mine >> bit & 1) + 2 * (theirs >> bit & 1)


@jit
def _make(keys, goal, question, target):
    """Make one position per key. question, target: `(n, 6, 7)` uint8."""
    rng = np.empty(4, np.uint64)
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        step = (1, 7, 8, 6)[rng_below(rng, 4)]
        least = _FEWEST + 2 * rng_below(rng, _SPREAD)
        mine, theirs = _seek(rng, goal, step, least)
        right = right_drops(mine, theirs, goal)
        _draw(mine, theirs, question[i])
        _draw(mine | (right & -right), theirs, target[i])


def _disks(board: Grid) -> tuple[int, int]:
    """Return player 1's disks and player 2's as bits."""
    return int(_BITS[board == MINE].sum()), int(_BITS[board == THEIRS].sum())


def _position(question: Grid) -> tuple[int, int] | None:
    """Return both players' disks as bits, or None if player 1 cannot be to move in the grid."""
    if question.shape != (ROWS, COLUMNS) or question.max() > THEIRS:
        return None
    mine, theirs = _disks(question)
    return (mine, theirs) if is_position(mine, theirs) else None


def _drop_fault(before: Grid, after: Grid, player: int) -> str:
    """Return why `after` is not `before` with one more drop of the player; "" if it is."""
    changed = np.argwhere(after != before)
    if len(changed) == 0:
        return "no disk was dropped"
    for r, c in changed:
        if before[r, c] != EMPTY:
            deed = "taken away" if after[r, c] == EMPTY else "recoloured"
            return f"the disk at row {r}, column {c} was {deed}"
    if len(changed) > 1:
        return f"{len(changed)} disks were dropped, but a step drops one"
    r, c = (int(v) for v in changed[0])
    if after[r, c] != player:
        return f"the disk dropped in column {c} is player {after[r, c]}'s"
    if r + 1 < len(before) and before[r + 1, c] == EMPTY:
        return f"the disk at row {r}, column {c} floats above an empty cell"
    return ""


@final
class _UpToWin(GameContinuation):
    """Check the states after a drop that forces a win: player 2 drops anywhere, and player 1 wins.

    With other goals, no state follows.
    """

    def check_step(self, params: Params, trajectory: Sequence[Grid], after: Grid) -> CheckResult:
        if params.goal != "force" or has_four(_disks(trajectory[-1])[0]):
            return CheckResult(False, "a state follows after the end of the process")
        player = (MINE, THEIRS)[1 - len(trajectory) % 2]
        fault = _drop_fault(trajectory[-1], after, player)
        if not fault and player == MINE and not has_four(_disks(after)[0]):
            fault = f"the drop in column {np.argwhere(after != trajectory[-1])[0, 1]} does not win"
        return CheckResult(not fault, fault)

    def check_end(self, params: Params, trajectory: Sequence[Grid]) -> CheckResult:
        over = params.goal != "force" or has_four(_disks(trajectory[-1])[0])
        fault = (
            "" if over else f"the process stops at state {len(trajectory) - 1}, and player 1 has not won yet"
        )
        return CheckResult(not fault, fault)


@final
class Connect4(MoveTask[Params]):
    """Find the right drop in Connect Four."""

    family = "connect4"
    version = 3
    summary = "Drop player 1's disk so that it wins, blocks or forces a win in Connect Four."
    look = Look("connect4", canvas=240, margin=8)
    codes = 3
    one_move = True
    metric = Metric.JACCARD
    min_distance = 0.25  # the paper's, as a share of the disks: see `features`
    continuation = _UpToWin()
    variants = VARIANTS

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        question = np.empty((len(keys), ROWS, COLUMNS), np.uint8)
        target = np.empty_like(question)
        _make(keys, _GOALS[params.goal], question, target)
        return Batch(question, target)

    def steps(self, params: Params, question: Grid, target: Grid) -> Grids:
        """Return the board after the drop, and in win-in-2 also after a reply and the win.

        If a reply stops a win, such a reply is taken. Of several drops, the leftmost is taken.
        """
        mine, theirs = _disks(target)
        states = [target]
        for code in (THEIRS, MINE) if params.goal == "force" and not has_four(mine) else ():
            free = free_cells(mine | theirs)
            drops = winning(mine) & free or free
            drop = drops & -drops
            mine, theirs = (mine | drop, theirs) if code == MINE else (mine, theirs | drop)
            states.append(np.where(drop == _BITS, np.uint8(code), states[-1]))
        return np.stack(states)

    def features(self, params: Params, batch: Batch) -> npt.NDArray[np.uint8]:
        """Return the cells of each player's disks in the question, `(n, 84)`.

        The distance of two boards is the share of disks that they do not have in common. As a share of all 42
        cells, boards with few disks would be near to all others. With a pool of 5000, only boards of 24 disks
        or more passed (one in eight), so test rows were later in the game than train rows. By disks, 97-99%
        pass.
        """
        disks = [(batch.question == code).reshape(len(batch), -1) for code in (MINE, THEIRS)]
        return np.concatenate(disks, axis=1).astype(np.uint8)

    def difficulty(self, params: Params, question: Grid, target: Grid) -> Mapping[str, float]:
        """Return `score`, x / (x + 16) with x = plies log2(legal / right) + disks / 8, and its parts.

        - plies: drops to look ahead, including the answer.
        - legal: drops that are allowed.
        - right: drops that are right answers.
        - disks: disks on the board.
        """
        mine, theirs = _disks(question)
        goal = _GOALS[params.goal]
        legal = int(free_cells(mine | theirs)).bit_count()
        right = int(right_drops(mine, theirs, goal)).bit_count()
        plies = goal + 1
        disks = (mine | theirs).bit_count()
        work = plies * log2(legal / right) + disks / 8
        return {
            "score": work / (work + 16),
            "plies": float(plies),
            "legal": float(legal),
            "right": float(right),
            "disks": float(disks),
        }

    def moves(self, params: Params, state: Grid) -> list[Grid]:
        """Return the boards after a drop of player 1, the leftmost column first."""
        position = _position(state)
        free = free_cells(position[0] | position[1]) if position else 0
        drops = [1 << bit for bit in range(7 * COLUMNS) if free >> bit & 1]
        return [np.where(drop == _BITS, np.uint8(MINE), state) for drop in drops]

    def move_fault(self, params: Params, before: Grid, after: Grid) -> str:
        if _position(before) is None:
            return "player 1 cannot be to move in the question, so no answer is right"
        return _drop_fault(before, after, MINE)

    def goal_fault(self, params: Params, question: Grid, answer: Grid) -> str:
        """Return why the drop is not right; "" if it is."""
        drop = answer != question
        if int(_BITS[drop][0]) & right_drops(*_disks(question), _GOALS[params.goal]):
            return ""
        return f"the drop in column {np.argwhere(drop)[0, 1]} {_FAULTS[params.goal]}"

    def solve(self, params: Params, question: Grid) -> Grid | None:
        """Return the board after the leftmost right drop. Bit boards take 8 µs, the base's search 200 µs."""
        position = _position(question)
        right = right_drops(*position, _GOALS[params.goal]) if position else 0
        if not right:
            return None
        answer = question.copy()
        answer[(right & -right) == _BITS] = MINE
        return answer

    def guess(self, params: Params, question: Grid, key: int) -> Grid | None:
        """Return the board after a drop in any column that is not full. Returns None if none is possible."""
        position = _position(question)
        if position is None or not free_cells(position[0] | position[1]):
            return None
        answer = question.copy()
        answer[random_drop(rng_from(key), position[0] | position[1]) == _BITS] = MINE
        return answer


TASK = Connect4()
