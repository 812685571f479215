"""Generate Connect Four positions: find player 1's drop. The 6x7 board and the canvas are the paper's.

Codes: 0 empty, 1 and 2 the players' disks; row 0 is the top. Player 1 began and is to move.

In win-in-1, the drop completes four in a row. In block, it stops the only drop with which player 2 would win
next. In win-in-2, it leaves player 2 no reply that keeps player 1 from winning with the next drop. Every drop
that does so is right. The stored one is the leftmost. The process of win-in-2 continues after the answer with
a drop of player 2, and one of player 1 that wins.

Positions come from random games. Players win if they can, and drop anywhere otherwise. Positions should cover
all phases of a game and all directions. So a smallest number of disks (8, 10 … 28, evenly) is drawn first,
and one of the four directions for the line that is completed or stopped. Games are played until a position
has both. If the parameters fix the number of disks, lines may have any direction. In block and win-in-2,
player 1 has no drop that wins at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench.errors import UserError
from vizbench.kernels.rng import rng_below, rng_from, rng_seed
from vizbench.task.bases import MoveTask
from vizbench.task.contract import GameContinuation, Metric, Reasoning
from vizbench.types import Batch, CheckResult, Grid, Grids, Keys, Look, Trajectories

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
_MOST: Final = 32  # with more, positions with a right drop are rare
_SPREAD: Final = 11  # 8, 10 … 28; up to 32 would cost 3 times as much
_BITS: Final = np.int64(1) << np.add.outer(np.arange(ROWS)[::-1], 7 * np.arange(COLUMNS))
_AIMS: Final = {
    "win": "it completes four in a row",
    "block": "player 2 cannot win with the next drop",
    "force": "player 1 wins at once, or with the drop after any reply of player 2",
}
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
    disks: int = 0
    """Disks on the board, even, 8 … 32. 0: at least a number that is drawn evenly from 8, 10 … 28."""

    def __post_init__(self) -> None:
        if self.goal not in _GOALS:
            raise UserError(f"goal={self.goal[:40]!r} is none of {', '.join(_GOALS)}: try win")
        if self.disks != 0 and (self.disks % 2 or not _FEWEST <= self.disks <= _MOST):
            raise UserError(
                f"disks={self.disks} is not an even number in {_FEWEST} … {_MOST}: choose one, e.g. 16, or 0 "
                "for positions from all of a game"
            )


VARIANTS = {"win-in-1": Params(), "block": Params(goal="block"), "win-in-2": Params(goal="force")}

LEVELS = (
    Params(disks=8),
    Params(disks=12),
    Params(disks=16),
    Params(disks=22),
    Params("block", 10),
    Params("block", 16),
    Params("block", 22),
    Params("force", 10),
    Params("force", 16),
    Params("force", 24),
)


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
def _along(disks, step):
    """Return the cells that complete four in a row along `step`, in any direction if that is 0."""
    return completing(disks, step) if step > 0 else winning(disks)


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

    For WIN and BLOCK, the line to complete or stop is along `step`, in any direction if that is 0.
    """
    free = free_cells(mine | theirs)
    if goal == WIN:
        return _along(mine, step) & free != 0
    if winning(mine) & free:
        return False
    if goal == FORCE:
        return right_drops(mine, theirs, FORCE) != 0
    threat = winning(theirs) & free
    is_single = threat != 0 and threat & (threat - 1) == 0
    return is_single and _along(theirs, step) & threat != 0 and winning(theirs) & (threat << 1) == 0


@jit
def _seek(rng, goal, step, least, most):
    """Play random games up to a position that is a question and has `least` to `most` disks.

    Returns both players' disks.
    """
    while True:
        mine = theirs = 0
        for disks in range(0, most + 1, 2):
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
def _make(keys, goal, disks, question, target):
    """Make one position per key. disks: as in `Params`. question, target: `(n, 6, 7)` uint8."""
    rng = np.empty(4, np.uint64)
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        if disks == 0:
            step = (1, 7, 8, 6)[rng_below(rng, 4)]
            least, most = _FEWEST + 2 * rng_below(rng, _SPREAD), ROWS * COLUMNS - 2
        else:
            step = 0  # with few disks, no diagonal can be completed
            least, most = disks, disks
        mine, theirs = _seek(rng, goal, step, least, most)
        right = right_drops(mine, theirs, goal)
        _draw(mine, theirs, question[i])
        _draw(mine | (right & -right), theirs, target[i])


# Answers on bit boards.


@jit
def _read(board):
    """Return player 1's disks and player 2's on a board (6, 7)."""
    mine = theirs = 0
    for r in range(ROWS):
        for c in range(COLUMNS):
            bit = 1 << 7 * c + ROWS - 1 - r
            if board[r, c] == MINE:
                mine |= bit
            elif board[r, c] == THEIRS:
                theirs |= bit
    return mine, theirs


@jit
def _count(cells):
    """Return how many cells a set has."""
    count = 0
    while cells:
        cells &= cells - 1
        count += 1
    return count


@jit
def _dropped(question, answer, free):
    """Return the only drop of player 1 in an answer, 0 if there is not exactly one, and the other changes.

    free: the cells that a drop can reach.
    """
    drop, drops, changes = 0, 0, 0
    for r in range(ROWS):
        for c in range(COLUMNS):
            bit = 1 << 7 * c + ROWS - 1 - r
            if answer[r, c] == MINE and free & bit:
                drop, drops = bit, drops + 1
            elif answer[r, c] != question[r, c]:
                changes += 1
    return (drop, changes) if drops == 1 else (0, changes)


@jit
def _check_all(question, answer, goal, valid):
    """Write which answers are the question with one right drop, `(n,)` bool."""
    for i in range(question.shape[0]):
        valid[i] = False
        mine, theirs = _read(question[i])
        if is_position(mine, theirs):
            drop, changes = _dropped(question[i], answer[i], free_cells(mine | theirs))
            valid[i] = changes == 0 and drop & right_drops(mine, theirs, goal) != 0


@jit
def _in_line(start, step, own, other):
    """Return how many of four cells from `start` along `step` are own; 0 if one is off or the other's."""
    count = 0
    for k in range(4):
        cell = start << k * step
        if cell & _BOARD == 0 or cell & other:
            return 0
        count += cell & own != 0
    return count


@jit
def _best_line(drop, own, other):
    """Return the most own disks in a line of four that goes through `drop` and holds none of the other's."""
    most = 0
    for step in _STEPS:
        for k in range(4):
            start = drop >> k * step
            # A line that begins off the board may lose its first cells: then it does not reach the drop.
            if start << k * step == drop:
                most = max(most, _in_line(start, step, own, other))
    return most


@jit
def _saving_replies(mine, theirs):
    """Return how many replies win for player 2 or keep player 1 from winning next. -1 if none is possible."""
    replies = free_cells(mine | theirs)
    if replies == 0:
        return -1
    wins, threats, saving, rest = winning(mine), winning(theirs), 0, replies
    while rest:
        reply = rest & -rest
        rest ^= reply
        saving += reply & threats != 0 or ((replies ^ reply) | (reply << 1)) & wins == 0
    return saving


@jit
def _aim(mine, theirs, drop, goal):
    """Return the part `aim` of a drop that is not right."""
    if goal == WIN:
        return (_best_line(drop, mine | drop, theirs) / 4) ** 4
    if goal == BLOCK:
        return (_best_line(drop, theirs | drop, mine) / 4) ** 4
    saving = _saving_replies(mine | drop, theirs)
    return 1 / (1 + saving) ** 2 if saving >= 0 else 0.0


@jit
def _measure(question, answer, goal, kept, aim):
    """Write the parts of each answer, `(n,)` float64."""
    for i in range(question.shape[0]):
        kept[i], aim[i] = 0.0, 0.0
        mine, theirs = _read(question[i])
        if not is_position(mine, theirs):
            continue
        drop, changes = _dropped(question[i], answer[i], free_cells(mine | theirs))
        if drop:
            is_right = drop & right_drops(mine, theirs, goal) != 0
            kept[i] = max(0.0, 1 - changes / 4)  # another board's answer often differs by 2
            aim[i] = 1.0 if is_right else _aim(mine, theirs, drop, goal)


@jit
def _record(target, starts, states):
    """Write the board after the drop, and after a reply and the win if `starts` asks for three states."""
    for i in range(target.shape[0]):
        first = starts[i]
        states[first] = target[i]
        if starts[i + 1] - first > 1:
            mine, theirs = _read(target[i])
            for code in (THEIRS, MINE):
                free = free_cells(mine | theirs)
                drops = winning(mine) & free
                if drops == 0:
                    drops = free
                drop = drops & -drops
                if code == MINE:
                    mine |= drop
                else:
                    theirs |= drop
                first += 1
                states[first] = states[first - 1]
                for r in range(ROWS):
                    for c in range(COLUMNS):
                        if drop >> 7 * c + ROWS - 1 - r & 1:
                            states[first, r, c] = code


@jit
def _won(board, won):
    """Write on which boards player 1 has four in a row, `(n,)` bool."""
    for i in range(board.shape[0]):
        won[i] = has_four(_read(board[i])[0])


@jit
def _figures(question, goal, legal, right, disks):
    """Write the numbers of legal drops, right drops and disks of each question, `(n,)` float64."""
    for i in range(question.shape[0]):
        mine, theirs = _read(question[i])
        legal[i] = _count(free_cells(mine | theirs))
        right[i] = _count(right_drops(mine, theirs, goal))
        disks[i] = _count(mine | theirs)


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
    version = 4
    summary = "Drop player 1's disk so that it wins, blocks or forces a win in Connect Four."
    reasoning = Reasoning.PLANNING
    look = Look("connect4", canvas=240, margin=8)
    codes = 3
    one_move = True
    metric = Metric.JACCARD
    min_distance = 0.25  # the paper's, as a share of the disks: see `features`
    continuation = _UpToWin()
    variants = VARIANTS
    levels = LEVELS
    legend = ("empty cell", "disk of player 1", "disk of player 2")
    parts: ClassVar[Mapping[str, str]] = {
        "kept": "1 minus a quarter of the number of other cells that were changed, at least 0; 0 if there is "
        "not exactly one new disk of player 1 in a cell that a drop can reach",
        "aim": "1 for a right drop; of another, in win-in-1 and block, the fourth power of a quarter of the "
        "disks in the fullest line of four that holds it and else only disks of player 1 (win-in-1) or 2 "
        "(block); in win-in-2, 1 / (1 + s)^2, where s replies win for player 2 or stop player 1 from winning "
        "next",
    }

    def instructions(self, params: Params) -> tuple[str, str, str]:
        aim = _AIMS[params.goal]
        fall = "A disk falls to the lowest empty cell of its column"
        four = "wins with four disks in a row, horizontally, vertically or diagonally"
        return (
            "This is Connect Four: two players drop disks into columns in turn, and a player "
            f"{four}. {fall}. It is the turn of player 1: drop one disk of player 1 so that {aim}. "
            "Change no other cell.",
            f"Add one disk of player 1 so that {aim}. {fall}, and a player {four}. "
            "Keep all other cells as they are.",
            f"Into which column must player 1 drop a disk so that {aim}? {fall}. A player {four}. "
            "Show the grid with this disk, and change nothing else.",
        )

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        question = np.empty((len(keys), ROWS, COLUMNS), np.uint8)
        target = np.empty_like(question)
        _make(keys, _GOALS[params.goal], params.disks, question, target)
        return Batch(question, target)

    def steps(self, params: Params, question: Grid, target: Grid) -> Grids:
        return self.steps_batch(params, question[None], target[None]).states

    def steps_batch(self, params: Params, question: Grids, target: Grids) -> Trajectories:
        """Return the boards after the drop, and in win-in-2 also after a reply and the win.

        If a reply stops a win, such a reply is taken. Of several drops, the leftmost is taken.
        """
        counts = np.ones(len(target), np.int64)
        if params.goal == "force" and target.shape[1:] == (ROWS, COLUMNS):
            won = np.empty(len(target), np.bool_)
            _won(target, won)
            counts[~won] = 3
        starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        states = np.empty((starts[-1], *target.shape[1:]), np.uint8)
        _record(target, starts, states)
        return Trajectories(states, starts)

    def check_batch(self, params: Params, question: Grids, answer: Grids) -> npt.NDArray[np.bool_]:
        valid = np.zeros(len(question), np.bool_)
        if question.shape[1:] == answer.shape[1:] == (ROWS, COLUMNS):
            _check_all(question, answer, _GOALS[params.goal], valid)
        return valid

    def parts_batch(
        self, params: Params, question: Grids, target: Grids, answer: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        kept, aim = np.zeros(len(question)), np.zeros(len(question))
        if question.shape[1:] == answer.shape[1:] == (ROWS, COLUMNS):
            _measure(question, answer, _GOALS[params.goal], kept, aim)
        return {"kept": kept, "aim": aim}

    def features(self, params: Params, batch: Batch) -> npt.NDArray[np.uint8]:
        """Return the cells of each player's disks in the question, `(n, 84)`.

        The distance of two boards is the share of disks that they do not have in common. As a share of all 42
        cells, boards with few disks would be near to all others. With a pool of 5000, only boards of 24 disks
        or more passed (one in eight), so test rows were later in the game than train rows. By disks, 97-99%
        pass.
        """
        disks = [(batch.question == code).reshape(len(batch), -1) for code in (MINE, THEIRS)]
        return np.concatenate(disks, axis=1).astype(np.uint8)

    def difficulty_batch(
        self, params: Params, question: Grids, target: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return `score`, x / (x + 16) with x = plies log2(legal / right) + disks / 8, and its parts.

        - effort: disks times 7^(plies - 1), the most ways to reach the last of the drops.
        - plies: drops to look ahead, including the answer.
        - legal: drops that are allowed.
        - right: drops that are right answers.
        - disks: disks on the board.
        """
        n, goal = len(question), _GOALS[params.goal]
        legal, right, disks = np.empty(n), np.empty(n), np.empty(n)
        _figures(question, goal, legal, right, disks)
        plies = goal + 1
        choice = np.maximum(legal, 1) / np.maximum(right, 1)
        work = plies * np.log2(choice) + disks / 8
        return {
            "score": work / (work + 16),
            "effort": disks * float(COLUMNS**goal),
            "plies": np.full(n, float(plies)),
            "legal": legal,
            "right": right,
            "disks": disks,
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
