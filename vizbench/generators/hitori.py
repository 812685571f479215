"""Generate Hitori: shade cells so that no row or column repeats a digit.

Shaded cells do not touch, and the others are connected. Codes of the question: the digits 1 … size. Codes of
the answer: 0 unshaded, 1 shaded.

Every question has exactly one solution, proven by search when it is made. First a shading is drawn to which
no cell can be added (otherwise there would be two solutions). Then the unshaded cells get digits. Then each
shaded cell gets the digit of an unshaded cell in its row or column. 6 of 10 boards have one solution. The
others are dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench.errors import UserError, unknown
from vizbench.kernels.bfs import bfs_distances
from vizbench.kernels.rng import rng_below, rng_from, rng_seed, rng_shuffle
from vizbench.kernels.sudoku_search import random_bit
from vizbench.task.bases import AnswerTask
from vizbench.types import Batch, CheckResult, Grid, Grids, Keys, Look

_ROW = np.uint64(8)
_ONE = np.uint64(1)
_NONE = np.uint64(0)
_NOT_FIRST = np.uint64(0xFEFEFEFEFEFEFEFE)  # columns 1 … 7
_NOT_LAST = np.uint64(0x7F7F7F7F7F7F7F7F)  # columns 0 … 6

# A de Bruijn word: the top six bits of its product with 2^k give k.
_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
_PLACE = np.empty(64, np.int64)
_PLACE[[(0x03F79D71B4CB0A89 << k & 0xFFFFFFFFFFFFFFFF) >> 58 for k in range(64)]] = np.arange(64)

_STUCK = 64
# Rounds of looking one step ahead that decide all cells, least and most; stuck counts as 64. Of 6x6 questions
# 32% are easy, 55% medium and 13% hard; of 5x5 54%, 38% and 8%; of 8x8 8%, 63% and 29%.
_LEVELS = {"any": (0, _STUCK), "easy": (1, 2), "medium": (3, 3), "hard": (4, _STUCK)}

_COUNT = np.array([k.bit_count() for k in range(256)], np.int64)


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of a Hitori."""

    size: int = 5
    """Cells per side, 4 … 8."""
    level: str = "any"
    """any, easy, medium or hard: the rounds of looking one step ahead that decide all cells, see _LEVELS."""

    def __post_init__(self) -> None:
        if not 4 <= self.size <= 8:
            raise UserError(f"size={self.size} is outside 4 … 8: boards are held in 64 bits, try 5")
        if self.level not in _LEVELS:
            raise unknown("level of hitori", self.level[:40], _LEVELS)


VARIANTS = {
    "5": Params(),
    "6": Params(size=6),
    "8": Params(size=8),
    "easy": Params(size=6, level="easy"),
    "medium": Params(size=6, level="medium"),
    "hard": Params(size=6, level="hard"),
}


# Search in Hitori boards up to 8x8, held in 64-bit words: cell (r, c) is bit 8 r + c.
#
# A position is two words: the cells known to be shaded and those known to be spared. `mates[k]` are the cells
# that hold cell k's digit in its row or column.


def whole(size: int) -> np.uint64:
    """Return the word of all cells of a board with sides 1 … 8."""
    return np.uint64(sum(1 << 8 * r + c for r in range(size) for c in range(size)))


@jit
def bit(cell):
    """Return the word of one cell."""
    return _ONE << np.uint64(cell)


@jit
def lowest(cells):
    """Return the first cell of a word that has one."""
    return _PLACE[((cells & (~cells + _ONE)) * _BRUIJN) >> np.uint64(58)]


@jit
def beside(cells, board):
    """Return the neighbours of cells by side."""
    return (
        (cells << _ROW) | (cells >> _ROW) | ((cells << _ONE) & _NOT_FIRST) | ((cells >> _ONE) & _NOT_LAST)
    ) & board


@jit
def joined(start, free, board):
    """Return the free cells that are connected by sides to `start`, a word of free cells."""
    before = _NONE
    while start != before:
        before = start
        start |= beside(start, board) & free
    return start


@jit
def find_mates(digits, size, mates):
    """Fill `mates` (64,) uint64 from `digits` (64,) uint8, rows of 8 with `size` cells that count."""
    for r in range(size):
        for c in range(size):
            cell = 8 * r + c
            mates[cell] = _NONE
            for k in range(size):
                if k != c and digits[8 * r + k] == digits[cell]:
                    mates[cell] |= bit(8 * r + k)
                if k != r and digits[8 * k + c] == digits[cell]:
                    mates[cell] |= bit(8 * k + c)


@jit
def follow(shaded, spared, done, mates, board):
    """Return what follows at once from a position: whether no rule is broken, shaded cells, spared cells.

    Neighbours of shaded cells are spared. Then mates of spared cells are shaded. Then cells that shading cuts
    off from the spared ones are shaded. done: spared cells whose mates are shaded already.
    """
    spared |= beside(shaded, board)
    todo = spared & ~done
    while todo:
        shaded |= mates[lowest(todo)]
        todo &= todo - _ONE
    if shaded & (spared | beside(shaded, board)):
        return False, shaded, spared
    if spared:
        free = board & ~shaded
        cut = free & ~joined(spared & (~spared + _ONE), free, board)
        if cut & spared:
            return False, shaded, spared
        shaded |= cut
    return True, shaded, spared


@jit
def settle(shaded, spared, mates, board):
    """Repeat `follow` until nothing follows. Return the same."""
    done = _NONE
    while True:
        before, old = shaded, spared
        fits, shaded, spared = follow(shaded, spared, done, mates, board)
        if not fits or (shaded == before and spared == old):
            return fits, shaded, spared
        done = spared


@jit
def _contested(shaded, spared, mates, board):
    """Return the first undecided cell with a mate that is not shaded; -1 if there is none."""
    todo = board & ~shaded & ~spared
    while todo:
        cell = lowest(todo)
        if mates[cell] & ~shaded:
            return cell
        todo &= todo - _ONE
    return -1


@jit
def search(mates, board, solutions):
    """Write shadings that solve a board to `solutions` (k,) uint64. Return their number, and the guesses.

    Undecided cells without a contested mate are left unshaded. So every solution contains a written one, and
    may shade more cells. A board has one solution if one is written, and if no more cells can be shaded in
    it.
    """
    stack = np.empty((65, 2), np.uint64)
    stack[0] = _NONE
    top, count, guesses = 1, 0, 0
    while top > 0 and count < solutions.shape[0]:
        top -= 1
        fits, shaded, spared = settle(stack[top, 0], stack[top, 1], mates, board)
        if fits:
            cell = _contested(shaded, spared, mates, board)
            if cell < 0:
                solutions[count] = shaded
                count += 1
            else:
                guesses += 1
                stack[top, 0], stack[top, 1] = shaded, spared | bit(cell)
                stack[top + 1, 0], stack[top + 1, 1] = shaded | bit(cell), spared
                top += 2
    return count, guesses


@jit
def look_ahead(mates, board):
    """Decide cells in rounds, on a board with a solution. Return rounds, cells tried, and undecided cells.

    In a round, each undecided cell is tried shaded and unshaded. If one of them breaks a rule at once, the
    cell is the other.
    """
    shaded, spared = _NONE, _NONE
    rounds, tried = 0, 0
    while True:
        # One round over the undecided cells.
        must, may_not = _NONE, _NONE
        todo = board & ~shaded & ~spared
        while todo:
            cell = todo & (~todo + _ONE)
            if not follow(shaded | cell, spared, _NONE, mates, board)[0]:
                may_not |= cell
            elif not follow(shaded, spared | cell, _NONE, mates, board)[0]:
                must |= cell
            tried += 1
            todo &= todo - _ONE
        if not must | may_not:
            break
        shaded |= must
        spared |= may_not
        rounds += 1

    # Count the undecided cells.
    left = 0
    todo = board & ~shaded & ~spared
    while todo:
        left += 1
        todo &= todo - _ONE
    return rounds, tried, left


@jit
def _shade(rng, order, board):
    """Shade cells in random order if they touch no shaded cell and cut nothing off, until none can be added.

    order: `(n,)`, the cells.
    """
    rng_shuffle(rng, order, order.shape[0])
    shaded = _NONE
    for k in range(order.shape[0]):
        cell = bit(order[k])
        around = beside(cell, board)
        if not around & shaded:
            free = board & ~shaded & ~cell
            if joined(around & (~around + _ONE), free, board) == free:
                shaded |= cell
    return shaded


@jit
def _fill_unshaded(rng, left, size, digits):
    """Write random digits to the cells of `left`, always next at a cell with the fewest choices.

    Returns False at a dead end.
    """
    rows = np.full(8, (1 << size) - 1)
    columns = rows.copy()
    while left:
        # Draw one of the cells with the fewest choices.
        fewest, at, ties = 99, 0, 0
        todo = left
        while todo:
            cell = lowest(todo)
            choices = _COUNT[rows[cell // 8] & columns[cell % 8]]
            if choices < fewest:
                fewest, at, ties = choices, cell, 1
            elif choices == fewest:
                ties += 1
                if rng_below(rng, ties) == 0:
                    at = cell
            todo &= todo - _ONE
        if fewest == 0:
            return False

        # Draw its digit.
        choice = random_bit(rng, rows[at // 8] & columns[at % 8])
        digits[at] = _COUNT[choice - 1] + 1
        rows[at // 8] &= ~choice
        columns[at % 8] &= ~choice
        left &= ~bit(at)
    return True


@jit
def _fill_shaded(rng, shaded, size, digits):
    """Give each shaded cell the digit of an unshaded one in its row or column, all equally likely."""
    todo = shaded
    while todo:
        cell = lowest(todo)
        other = cell
        while bit(other) & shaded:
            k = rng_below(rng, 2 * size)
            other = cell // 8 * 8 + k if k < size else (k - size) * 8 + cell % 8
        digits[cell] = digits[other]
        todo &= todo - _ONE


@jit
def _suits(mates, board, least, most, solutions):
    """Return whether a board has one solution and its level."""
    if search(mates, board, solutions)[0] != 1:
        return False
    if least == 0:  # any level
        return True
    rounds, _, left = look_ahead(mates, board)
    return least <= (_STUCK if left else rounds) <= most


@jit
def _make(keys, size, board, least, most, question, target):
    """Make one question per key. question, target: `(n, size, size)` uint8."""
    rng = np.empty(4, np.uint64)
    digits = np.zeros(64, np.uint8)
    mates = np.zeros(64, np.uint64)
    solutions = np.empty(2, np.uint64)
    order = np.empty(size * size, np.int64)
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        for k in range(size * size):
            order[k] = k // size * 8 + k % size
        # Draw shadings and digits until the board suits.
        while True:
            shaded = _shade(rng, order, board)
            while not _fill_unshaded(rng, board & ~shaded, size, digits):
                pass
            _fill_shaded(rng, shaded, size, digits)
            find_mates(digits, size, mates)
            if _suits(mates, board, least, most, solutions):
                break

        # Write the grids.
        for r in range(size):
            for c in range(size):
                question[i, r, c] = digits[8 * r + c]
                target[i, r, c] = (shaded & bit(8 * r + c)) != _NONE


def _mates(question: Grid) -> npt.NDArray[np.uint64]:
    """Return the mates of each cell: the cells with its digit in its row or column, `(64,)`."""
    size = len(question)
    digits = np.zeros((8, 8), np.uint8)
    digits[:size, :size] = question
    mates = np.zeros(64, np.uint64)
    find_mates(digits.ravel(), size, mates)
    return mates


def _grid(shaded: np.uint64, size: int) -> Grid:
    """Return a set of cells as an answer, `(size, size)`."""
    rows, columns = np.divmod(np.arange(size * size, dtype=np.uint64), np.uint64(size))
    return (shaded >> (rows * np.uint64(8) + columns) & _ONE).astype(np.uint8).reshape(size, size)


def _shape_fault(shaded: npt.NDArray[np.bool_]) -> str:
    """Return what is wrong with the places of the shaded cells `(h, w)`; "" if nothing is."""
    for dr, dc in ((0, 1), (1, 0)):
        h, w = shaded.shape
        touching = np.argwhere(shaded[: h - dr, : w - dc] & shaded[dr:, dc:])
        if len(touching):
            r, c = (int(v) for v in touching[0])
            other = f"row {r + dr}, column {c + dc}"
            return f"the shaded cells at row {r}, column {c} and {other} are side by side"
    first = np.zeros_like(shaded)
    first.flat[np.argmin(shaded)] = True
    cut = int((~shaded).sum()) - int((bfs_distances(~shaded, first) >= 0).sum())
    return f"{cut} unshaded cells are cut off from the first" if cut else ""


@final
class Hitori(AnswerTask[Params]):
    """Shade a Hitori that has one solution."""

    family = "hitori"
    version = 2
    summary = (
        "Shade cells so that no line repeats a digit, no shaded cells touch and the others are connected."
    )
    look = Look("hitori", cell=32, margin=8)
    codes = 9
    step_text = "a step shades one"
    # The paper's, between questions. With a pool of 5000, every candidate of 5x5 and more passes.
    min_distance = 0.3
    variants = VARIANTS

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        question = np.empty((len(keys), params.size, params.size), np.uint8)
        target = np.empty_like(question)
        _make(keys, params.size, whole(params.size), *_LEVELS[params.level], question, target)
        return Batch(question, target)

    def canvas(self, params: Params, question: Grids) -> Grids:
        """Return boards without shaded cells."""
        return np.zeros_like(question)

    def difficulty(self, params: Params, question: Grid, target: Grid) -> Mapping[str, float]:
        """Return `score`, x / (x + 100) with x = tried + 8 (guesses + left), and what it is made of.

        - rounds: how often all undecided cells are tried, shaded and unshaded, looking one step ahead.
        - tried: cells that are tried, over all rounds.
        - left: cells that stay undecided.
        - guesses: guesses of a search that does not look ahead, but follows each decision to its end.
        - shaded: shaded cells.
        """
        mates, board = _mates(question), whole(params.size)
        rounds, tried, left = look_ahead(mates, board)
        _, guesses = search(mates, board, np.empty(2, np.uint64))
        work = tried + 8 * (guesses + left)
        return {
            "score": work / (work + 100),
            "rounds": float(rounds),
            "tried": float(tried),
            "left": float(left),
            "guesses": float(guesses),
            "shaded": float((target == 1).sum()),
        }

    def check(self, params: Params, question: Grid, answer: Grid) -> CheckResult:
        """Check that no line repeats an unshaded digit, no shaded cells touch, and others are connected."""
        if answer.shape != question.shape:
            return CheckResult(False, "the answer does not have the shape of the question")
        strange = np.argwhere(answer > 1)
        if len(strange):
            r, c = (int(v) for v in strange[0])
            return CheckResult(
                False, f"the cell at row {r}, column {c} is neither 0, unshaded, nor 1, shaded"
            )
        shaded = answer == 1
        for digit in range(self.codes):
            held = (question == digit) & ~shaded
            for kind, axis in (("row", 1), ("column", 0)):
                lines = np.flatnonzero(held.sum(axis=axis) > 1)
                if len(lines):
                    return CheckResult(
                        False, f"{kind} {lines[0]} holds the digit {digit} unshaded more than once"
                    )
        fault = _shape_fault(shaded)
        return CheckResult(not fault, fault)

    def cell_fault(
        self, params: Params, question: Grid, before: Grid, after: Grid, cell: tuple[int, int]
    ) -> str:
        """Return why this cell must not be shaded: it touches a shaded cell or cuts others off."""
        r, c = cell
        if after[cell] == 0:
            return f"the shaded cell at row {r}, column {c} was changed back"
        if after[cell] != 1:
            return f"the cell at row {r}, column {c} is neither 0, unshaded, nor 1, shaded"
        return _shape_fault(after == 1)

    def solve(self, params: Params, question: Grid) -> Grid | None:
        """Return the first solution of a search. Returns None if there is none, or for another size."""
        size = params.size
        if question.shape != (size, size):
            return None
        solutions = np.zeros(1, np.uint64)
        count, _ = search(_mates(question), whole(size), solutions)
        return _grid(solutions[0], size) if count else None

    def guess(self, params: Params, question: Grid, key: int) -> Grid | None:
        """Return a random shading to which no cell can be added; None for another size."""
        size = params.size
        if question.shape != (size, size):
            return None
        cells = np.arange(size * size)
        return _grid(_shade(rng_from(key), cells // size * 8 + cells % size, whole(size)), size)


TASK = Hitori()
