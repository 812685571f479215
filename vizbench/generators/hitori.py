"""Generate Hitori: shade cells so that no row or column repeats a digit.

Shaded cells do not touch, and the others are connected. Codes of the question: the digits 1 … size. Codes of
the answer: 0 unshaded, 1 shaded.

Every question has exactly one solution, proven by search when it is made. First a shading is drawn to which
no cell can be added (otherwise there would be two solutions). Then the unshaded cells get digits. Then each
shaded cell gets the digit of an unshaded cell in its row or column. 6 of 10 boards have one solution. The
others are dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench.errors import unknown
from vizbench.kernels.rng import rng_below, rng_from, rng_seed, rng_shuffle
from vizbench.kernels.sudoku_search import random_bit
from vizbench.task.bases import AnswerTask
from vizbench.task.contract import Reasoning
from vizbench.task.ranges import check_ranges
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
_DEPTHS = {"any": (0, _STUCK), "easy": (1, 2), "medium": (3, 3), "hard": (4, _STUCK)}

_COUNT = np.array([k.bit_count() for k in range(256)], np.int64)


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of a Hitori."""

    size: int = 5
    """Cells per side, 4 … 8."""
    depth: str = "any"
    """any, easy, medium or hard: the rounds of looking one step ahead that decide all cells, see _DEPTHS."""

    def __post_init__(self) -> None:
        check_ranges(self, size=(4, 8))
        if self.depth not in _DEPTHS:
            raise unknown("depth of hitori", self.depth[:40], _DEPTHS)


VARIANTS = {
    "5": Params(),
    "6": Params(size=6),
    "8": Params(size=8),
    "easy": Params(size=6, depth="easy"),
    "medium": Params(size=6, depth="medium"),
    "hard": Params(size=6, depth="hard"),
}

LEVELS = (
    Params(size=4, depth="easy"),
    Params(size=4, depth="medium"),
    Params(size=5, depth="easy"),
    Params(size=5, depth="medium"),
    Params(size=6, depth="easy"),
    Params(size=6, depth="medium"),
    Params(size=7, depth="easy"),
    Params(size=7, depth="medium"),
    Params(size=8, depth="medium"),
    Params(size=8, depth="hard"),
)


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
    """Return whether a board has one solution and its depth."""
    if search(mates, board, solutions)[0] != 1:
        return False
    if least == 0:  # any depth
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


@jit
def _find_mates(question, digits, mates):
    """Fill `mates` (64,) from a question `(size, size)`, see `find_mates`. digits: `(64,)` uint8, scratch."""
    size = question.shape[0]
    for r in range(size):
        for c in range(size):
            digits[8 * r + c] = question[r, c]
    find_mates(digits, size, mates)


@jit
def _measure(question, board, figures):
    """Write rounds, tried, left and guesses of each question `(n, size, size)` to `figures` (n, 4)."""
    digits = np.zeros(64, np.uint8)
    mates = np.zeros(64, np.uint64)
    solutions = np.empty(2, np.uint64)
    for i in range(question.shape[0]):
        _find_mates(question[i], digits, mates)
        rounds, tried, left = look_ahead(mates, board)
        figures[i, 0], figures[i, 1], figures[i, 2] = rounds, tried, left
        figures[i, 3] = search(mates, board, solutions)[1]


# What is wrong with an answer.
_RIGHT, _STRANGE, _ROW_REPEATS, _COLUMN_REPEATS, _BESIDE, _BELOW, _CUT = range(7)


@jit
def _group(answer, r, c, seen, queue):
    """Return how many unshaded cells are connected by sides to an unshaded cell, and mark them in `seen`.

    seen: `(h, w)` bool. queue: `(h * w,)` int64, scratch.
    """
    h, w = answer.shape
    seen[r, c] = True
    queue[0] = r * w + c
    head, tail = 0, 1
    while head < tail:
        y, x = queue[head] // w, queue[head] % w
        head += 1
        for k in range(4):
            ny = y + (k == 1) - (k == 0)
            nx = x + (k == 3) - (k == 2)
            if 0 <= ny < h and 0 <= nx < w and answer[ny, nx] == 0 and not seen[ny, nx]:
                seen[ny, nx] = True
                queue[tail] = ny * w + nx
                tail += 1
    return tail


@jit
def _cut_off(answer, seen, queue):
    """Return how many unshaded cells are not connected to the first one. seen, queue: as in `_group`."""
    h, w = answer.shape
    seen[:] = False
    unshaded, joined_to_first = 0, 0
    for r in range(h):
        for c in range(w):
            if answer[r, c] == 0:
                if unshaded == 0:
                    joined_to_first = _group(answer, r, c, seen, queue)
                unshaded += 1
    return unshaded - joined_to_first


@jit
def _shape_fault(answer, seen, queue):
    """Return a fault of the shaded cells' places and two numbers: the cell, or how many cells are cut off.

    seen, queue: as in `_group`.
    """
    h, w = answer.shape
    for r in range(h):
        for c in range(w):
            if answer[r, c] > 1:
                return _STRANGE, r, c
            if answer[r, c] == 1 and c + 1 < w and answer[r, c + 1] == 1:
                return _BESIDE, r, c
            if answer[r, c] == 1 and r + 1 < h and answer[r + 1, c] == 1:
                return _BELOW, r, c
    cut = _cut_off(answer, seen, queue)
    return (_CUT if cut else _RIGHT), cut, 0


@jit
def _repeat_fault(question, answer):
    """Return the kind of line that repeats an unshaded digit, its number and the digit; else `_RIGHT`."""
    h, w = question.shape
    for r in range(h):
        held = 0
        for c in range(w):
            if answer[r, c] == 0:
                digit = np.int64(question[r, c])
                if held >> digit & 1:
                    return _ROW_REPEATS, r, digit
                held |= 1 << digit
    for c in range(w):
        held = 0
        for r in range(h):
            if answer[r, c] == 0:
                digit = np.int64(question[r, c])
                if held >> digit & 1:
                    return _COLUMN_REPEATS, c, digit
                held |= 1 << digit
    return _RIGHT, 0, np.int64(0)


@jit
def _fault(question, answer, seen, queue):
    """Return what is wrong with an answer `(h, w)`, and two numbers that say where."""
    shape = _shape_fault(answer, seen, queue)
    if shape[0] == _STRANGE:
        return shape
    repeat = _repeat_fault(question, answer)
    return repeat if repeat[0] != _RIGHT else shape


@jit
def _check(question, answer, valid):
    """Write which answers `(n, h, w)` are right to `valid` (n,)."""
    seen = np.empty(answer.shape[1:], np.bool_)
    queue = np.empty(seen.size, np.int64)
    for i in range(answer.shape[0]):
        valid[i] = _fault(question[i], answer[i], seen, queue)[0] == _RIGHT


@jit
def _has_shaded_neighbour(answer, r, c):
    """Return whether a neighbour by side is shaded. Any code but 0 counts as shaded."""
    h, w = answer.shape
    for k in range(4):
        y = r + (k == 1) - (k == 0)
        x = c + (k == 3) - (k == 2)
        if 0 <= y < h and 0 <= x < w and answer[y, x] != 0:
            return True
    return False


@jit
def _compare(target, answer, right, apart, connected):
    """Measure how far each answer `(n, h, w)` got. right, apart, connected: `(n,)` float64."""
    n, h, w = answer.shape
    seen = np.empty((h, w), np.bool_)
    queue = np.empty(h * w, np.int64)
    for i in range(n):
        seen[:] = False
        due, won, shaded, lonely, largest = 0, 0, 0, 0, 0
        for r in range(h):
            for c in range(w):
                due += target[i, r, c] == 1
                if answer[i, r, c] != 0:
                    shaded += 1
                    won += 1 if answer[i, r, c] == target[i, r, c] else -1
                    lonely += not _has_shaded_neighbour(answer[i], r, c)
                elif not seen[r, c]:
                    largest = max(largest, _group(answer[i], r, c, seen, queue))
        unshaded = h * w - shaded
        right[i] = max(won, 0) / due if due > 0 else 0.0
        apart[i] = lonely / shaded if shaded > 0 else 1.0
        connected[i] = largest / unshaded if unshaded > 0 else 0.0


def _mates(question: Grid) -> npt.NDArray[np.uint64]:
    """Return the mates of each cell: the cells with its digit in its row or column, `(64,)`."""
    mates = np.zeros(64, np.uint64)
    _find_mates(question, np.zeros(64, np.uint8), mates)
    return mates


def _grid(shaded: np.uint64, size: int) -> Grid:
    """Return a set of cells as an answer, `(size, size)`."""
    rows, columns = np.divmod(np.arange(size * size, dtype=np.uint64), np.uint64(size))
    return (shaded >> (rows * np.uint64(8) + columns) & _ONE).astype(np.uint8).reshape(size, size)


def _reason(fault: tuple[int, int, int]) -> str:
    """Return a fault as a sentence; "" if there is none."""
    kind, a, b = fault
    cell = f"row {a}, column {b}"
    touching = f"the shaded cells at {cell} and"
    return {
        _RIGHT: "",
        _STRANGE: f"the cell at {cell} is neither 0, unshaded, nor 1, shaded",
        _ROW_REPEATS: f"row {a} holds the digit {b} unshaded more than once",
        _COLUMN_REPEATS: f"column {a} holds the digit {b} unshaded more than once",
        _BESIDE: f"{touching} row {a}, column {b + 1} are side by side",
        _BELOW: f"{touching} row {a + 1}, column {b} are side by side",
        _CUT: f"{a} unshaded cells are cut off from the first",
    }[kind]


def _scratch(grid: Grid) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Return what the kernels need to walk over a grid, see `_group`."""
    return np.zeros(grid.shape, np.bool_), np.empty(grid.size, np.int64)


@final
class Hitori(AnswerTask[Params]):
    """Shade a Hitori that has one solution."""

    family = "hitori"
    version = 3
    summary = (
        "Shade cells so that no line repeats a digit, no shaded cells touch and the others are connected."
    )
    reasoning = Reasoning.LOGIC
    look = Look("hitori", cell=32, margin=8)
    codes = 9
    answer_codes = (0, 1)
    legend = (
        "unshaded cell",
        "shaded cell (digit 1 in a question)",
        *(f"digit {digit}" for digit in range(2, 9)),
    )
    parts: ClassVar[Mapping[str, str]] = {
        "right": "the cells that are shaded rightly minus those shaded wrongly, as a share of the cells to "
        "shade, at least 0",
        "apart": "the share of the shaded cells that touch no other by side",
        "connected": "the share of the unshaded cells in their largest connected group",
    }
    step_text = "a step shades one"
    # The paper's, between questions. With a pool of 5000, every candidate of 5x5 and more passes.
    min_distance = 0.3
    variants = VARIANTS
    levels = LEVELS

    def codes_of(self, params: Params, question: Grid) -> Sequence[int]:
        return range(params.size + 1)

    def instructions(self, params: Params) -> tuple[str, str, str]:
        return (
            "Solve this Hitori. Shade cells so that no row and no column holds a digit more than once among "
            "its unshaded cells. A shaded cell must not touch another by a side, and all unshaded cells must "
            "be connected by sides. The answer shows only whether each cell is a shaded cell or an unshaded "
            "cell, without digits.",
            "Choose which cells of this grid of digits to shade. If a digit is left unshaded, it may occur "
            "only once in its row and its column; no two shaded cells may share a side; and every unshaded "
            "cell must be reachable from every other over unshaded cells, by sides. Give a grid of shaded "
            "and unshaded cells instead of the digits.",
            "In each row and each column, shade repeated digits until every digit that is left occurs once. "
            "Two shaded cells are never neighbors by a side, and the unshaded cells form one group that is "
            "connected by sides. Replace each digit by a shaded cell or an unshaded cell.",
        )

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        question = np.empty((len(keys), params.size, params.size), np.uint8)
        target = np.empty_like(question)
        _make(keys, params.size, whole(params.size), *_DEPTHS[params.depth], question, target)
        return Batch(question, target)

    def canvas(self, params: Params, question: Grids) -> Grids:
        """Return boards without shaded cells."""
        return np.zeros_like(question)

    def difficulty_batch(
        self, params: Params, question: Grids, target: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return `score`, x / (x + 100) with x = effort + 8 guesses, and what it is made of.

        - effort: tried + 8 left.
        - rounds: how often all undecided cells are tried, shaded and unshaded, looking one step ahead.
        - tried: cells that are tried, over all rounds.
        - left: cells that stay undecided.
        - guesses: guesses of a search that does not look ahead, but follows each decision to its end.
        - shaded: shaded cells.
        """
        figures = np.empty((len(question), 4))
        _measure(np.ascontiguousarray(question), whole(params.size), figures)
        rounds, tried, left, guesses = np.ascontiguousarray(figures.T)
        effort = tried + 8 * left
        work = effort + 8 * guesses
        return {
            "score": work / (work + 100),
            "effort": effort,
            "rounds": rounds,
            "tried": tried,
            "left": left,
            "guesses": guesses,
            "shaded": (target == 1).sum(axis=(1, 2)).astype(np.float64),
        }

    def check(self, params: Params, question: Grid, answer: Grid) -> CheckResult:
        """Check that no line repeats an unshaded digit, no shaded cells touch, and others are connected."""
        if answer.shape != question.shape:
            return CheckResult(False, "the answer does not have the shape of the question")
        grids = (np.ascontiguousarray(question), np.ascontiguousarray(answer))
        fault = _reason(_fault(*grids, *_scratch(answer)))
        return CheckResult(not fault, fault)

    def check_batch(self, params: Params, question: Grids, answer: Grids) -> npt.NDArray[np.bool_]:
        valid = np.zeros(len(answer), np.bool_)
        if question.shape == answer.shape:
            _check(np.ascontiguousarray(question), np.ascontiguousarray(answer), valid)
        return valid

    def parts_batch(
        self, params: Params, question: Grids, target: Grids, answer: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return how far each answer got, see `parts`."""
        right, apart, connected = (np.empty(len(answer)) for _ in range(3))
        _compare(np.ascontiguousarray(target), np.ascontiguousarray(answer), right, apart, connected)
        return {"right": right, "apart": apart, "connected": connected}

    def cell_fault(
        self, params: Params, question: Grid, before: Grid, after: Grid, cell: tuple[int, int]
    ) -> str:
        """Return why this cell must not be shaded: it touches a shaded cell or cuts others off."""
        r, c = cell
        if after[cell] == 0:
            return f"the shaded cell at row {r}, column {c} was changed back"
        if after[cell] != 1:
            return f"the cell at row {r}, column {c} is neither 0, unshaded, nor 1, shaded"
        shaded = np.ascontiguousarray(after == 1).astype(np.uint8)
        return _reason(_shape_fault(shaded, *_scratch(after)))

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
