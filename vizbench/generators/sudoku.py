"""Generate Sudokus: each row, column and box holds each digit once. Sizes are the paper's.

Codes: 0 empty, 1 … size the digits. Every question has exactly one solution, proven by search when it is
made.

All 288 solutions of 4x4 boards are equally likely. A 9x9 board gets three random boxes on its diagonal, and
then random digits, always next at the cell with the fewest left. It starts again at a contradiction (1 in
11). Each of the 6.7e21 solutions can occur, but they are not equally likely: 4.8% of bands have three boxes
with the same triples, instead of 3.6%. Givens are taken away in random order, each only if the question keeps
its one solution.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench.errors import UserError
from vizbench.kernels.rng import rng_below, rng_from, rng_seed, rng_shuffle
from vizbench.kernels.sudoku_search import (
    find_solutions,
    is_single,
    open_board,
    propagate,
    random_bit,
    read_digits,
    tightest_cell,
    unit_tables,
    write_digit,
    write_last_places,
)
from vizbench.task.bases import AnswerTask
from vizbench.task.contract import Reasoning, Space
from vizbench.types import Batch, CheckResult, Grid, Grids, Keys, Look

MINIMAL = 0
"""The value of `givens` for a minimal question: givens are taken away in random order as long as possible."""

_MINI_GRIDS = 288  # all 4x4 solutions
_APART_BY_CELLS = (8, 9, 10)  # 4x4 questions with so many givens are compared by their cells
_KINDS = ("row", "column", "box")
_GIVENS = {
    2: (4, 15),
    3: (24, 80),
}  # with fewer there are no 4x4 questions, and few orders lead to 9x9 ones: 4% for 22


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of a Sudoku."""

    box: int = 2
    """Cells per side of a box: 2 (4x4 boards) or 3 (9x9)."""
    givens: int = 8
    """Digits shown, 4 … 15 or 24 … 80. 0: a minimal question, from which no given can be taken away."""

    def __post_init__(self) -> None:
        if self.box not in _GIVENS:
            raise UserError(f"box={self.box} is not offered: box=2 gives 4x4 boards, box=3 gives 9x9")
        least, most = _GIVENS[self.box]
        if self.givens != MINIMAL and not least <= self.givens <= most:
            raise UserError(
                f"givens={self.givens} is outside {least} … {most} for box={self.box}: choose there, or 0 "
                "for a minimal question"
            )


VARIANTS = {
    "easy": Params(box=3, givens=40),
    "medium": Params(box=3, givens=32),
    "hard": Params(box=3, givens=26),
    "minimal": Params(box=3, givens=MINIMAL),
    "mini": Params(),  # the paper's: half of the digits
    "mini-easy": Params(givens=10),
    "mini-medium": Params(givens=6),
    "mini-hard": Params(givens=4),
}

LEVELS = (
    Params(givens=13),
    Params(givens=11),
    Params(givens=9),
    Params(givens=7),
    Params(givens=5),
    Params(box=3, givens=60),
    Params(box=3, givens=50),
    Params(box=3, givens=42),
    Params(box=3, givens=34),
    Params(box=3, givens=26),
)


@jit
def _pick(keys, states, solutions, target):
    """Draw `target` (n, size^2) from all `solutions`, and leave each key's generator in `states` (n, 4)."""
    for i in range(keys.shape[0]):
        rng_seed(states[i], keys[i])
        target[i] = solutions[rng_below(states[i], solutions.shape[0])]


@jit
def _grow(rng, box, units, peers, options):
    """Put random digits in the diagonal's boxes, then at the cells with the fewest digits left.

    Returns False at a contradiction.
    """
    size = units.shape[1]
    order = np.arange(size)
    options[:] = (1 << size) - 1
    for k in range(0, size, box + 1):
        rng_shuffle(rng, order, size)
        for j in range(size):
            write_digit(options, peers, units[2 * size + k, j], np.int64(1) << order[j])
    while propagate(options, units, peers):
        cell = tightest_cell(options, rng_below(rng, options.shape[0]))
        if cell < 0:
            return True
        write_digit(options, peers, cell, random_bit(rng, np.int64(options[cell])))
    return False


@jit
def _draw(keys, states, box, units, peers, target):
    """Draw `target` as `_pick` does, for boards with too many solutions for a table."""
    options = np.empty(target.shape[1], np.uint16)
    for i in range(keys.shape[0]):
        rng_seed(states[i], keys[i])
        while not _grow(states[i], box, units, peers, options):
            pass
        read_digits(options, target[i])


@jit
def _take_away(order, givens, units, homes, peers, target, question):
    """Empty cells of a solution in an order, as long as it is the only one, down to `givens`.

    Returns the number of givens left.
    """
    size = units.shape[1]
    seen = np.full(3 * size, (1 << size) - 1)
    options = np.empty(order.shape[0], np.uint16)
    others = np.empty((1, order.shape[0]), np.uint8)
    shown = order.shape[0]
    question[:] = target
    for cell in order:
        if shown == givens:
            break
        bit = np.int64(1) << (np.int64(target[cell]) - 1)
        question[cell] = 0
        for unit in homes[cell]:
            seen[unit] ^= bit
        shown -= 1
        if not is_single(question, seen, units, homes, cell, bit):
            open_board(question, size, peers, options)
            options[cell] &= ~bit
            if (
                find_solutions(options, units, peers, others)[0] > 0
            ):  # there is a solution with another digit here
                question[cell] = target[cell]
                for unit in homes[cell]:
                    seen[unit] ^= bit
                shown += 1
    return shown


@jit
def _take_away_mini(order, givens, holders, target, question):
    """Empty cells as `_take_away` does, for boards with a table of all solutions, `holders` (see `_holders`).

    For 4 givens, to which 1 order in 3 leads, a search as on larger boards takes 10 times as long.
    """
    cells, words = order.shape[0], holders.shape[2]
    # The solutions that agree with all later cells in the order.
    later = np.empty((cells + 1, words), np.uint64)
    later[cells] = ~np.uint64(0)
    for k in range(cells - 1, -1, -1):
        for w in range(words):
            later[k, w] = later[k + 1, w] & holders[order[k], target[order[k]], w]
    stay = later[cells]  # the solutions that agree with the givens that must stay
    question[:] = target
    shown = cells
    for k in range(cells):
        if shown == givens:
            break
        others = np.uint64(0)
        for w in range(words):
            others |= (stay[w] & later[k + 1, w]) ^ later[0, w]
        if others == 0:
            question[order[k]] = 0
            shown -= 1
        else:
            for w in range(words):
                stay[w] &= holders[order[k], target[order[k]], w]
    return shown


@jit
def _hide(states, givens, units, homes, peers, holders, target, question):
    """Make one question `(n, size^2)` per target, with the generators in `states` (n, 4)."""
    cells = target.shape[1]
    for i in range(states.shape[0]):
        order = np.arange(cells)
        shown = cells + 1
        # A random order may end in a question with more givens, from which none can go: never for 6 givens of
        # 16, 1 in 3 times for 4 (worst solution: 7 in 8), 4 in 9 for 24 of 81. Then another order for the
        # same solution, because a new solution would favour those with many small questions.
        while shown > givens:
            rng_shuffle(states[i], order, cells)
            if holders.size:
                shown = _take_away_mini(order, givens, holders, target[i], question[i])
            else:
                shown = _take_away(order, givens, units, homes, peers, target[i], question[i])
            if givens == MINIMAL:
                break


@jit
def _deduce(options, units, peers):
    """Write forced digits in passes.

    A pass writes every cell that had one digit left when it began. If there was none, it writes the digits
    with one place left in a row, column or box. Returns the number of passes, of digits that the first one
    writes, and of digits that had one place left.
    """
    rounds, first, places = 0, 0, 0
    before = np.empty_like(options)
    while True:
        before[:] = options
        written = 0
        for cell in range(options.shape[0]):
            bits = np.int64(before[cell])
            if bits < 1 << 15 and bits & (bits - 1) == 0:
                write_digit(options, peers, cell, bits)
                written += 1
        if written == 0:
            written = write_last_places(options, units, peers)
            places += max(written, 0)
        if written <= 0:
            return rounds, first, places
        rounds += 1
        if rounds == 1:
            first = written


@jit
def _measure(question, size, units, peers, figures):
    """Write rounds, first, places, tried and empty of each question `(n, size^2)` to `figures` (n, 5)."""
    options = np.empty(question.shape[1], np.uint16)
    solutions = np.empty((2, question.shape[1]), np.uint8)
    for i in range(question.shape[0]):
        open_board(question[i], size, peers, options)
        _, tried = find_solutions(options, units, peers, solutions)
        rounds, first, places = _deduce(options, units, peers)
        empty = 0
        for cell in range(question.shape[1]):
            empty += question[i, cell] == 0
        figures[i, 0], figures[i, 1], figures[i, 2] = rounds, first, places
        figures[i, 3], figures[i, 4] = tried, empty


@jit
def _fault(question, answer, units):
    """Return what is wrong with an answer, -1 if it is right. question, answer: `(size^2,)` uint8.

    It is the first cell whose given was changed. If all are kept, it is the first unit that does not hold
    each digit once, plus the number of cells.
    """
    cells = question.shape[0]
    for cell in range(cells):
        if question[cell] != 0 and answer[cell] != question[cell]:
            return cell
    size = units.shape[1]
    full = (2 << size) - 2  # bit d is set for each digit d
    for u in range(units.shape[0]):
        held = 0
        for k in range(size):
            held |= 1 << np.int64(answer[units[u, k]])
        if held != full:
            return cells + u
    return -1


@jit
def _check(question, answer, units, valid):
    """Write which answers `(n, size^2)` are right to `valid` (n,)."""
    for i in range(question.shape[0]):
        valid[i] = _fault(question[i], answer[i], units) < 0


@jit
def _has_repeat(answer, unit):
    """Return whether two cells of a unit hold one digit."""
    held = 0
    for cell in unit:
        bit = 1 << np.int64(answer[cell])
        if held & bit & ~1:
            return True
        held |= bit
    return False


@jit
def _compare(question, target, answer, units, right, kept, unique):
    """Measure how far each answer `(n, size^2)` got. right, kept, unique: `(n,)` float64."""
    for i in range(question.shape[0]):
        empty, won, same = 0, 0, 0
        for cell in range(question.shape[1]):
            digit = answer[i, cell]
            if question[i, cell] != 0:
                same += digit == question[i, cell]
            else:
                empty += 1
                if digit == target[i, cell]:
                    won += 1
                elif digit != 0:
                    won -= 1
        repeats = 0
        for u in range(units.shape[0]):
            repeats += _has_repeat(answer[i], units[u])
        givens = question.shape[1] - empty
        right[i] = max(won, 0) / empty if empty > 0 else 0.0
        kept[i] = same / givens if givens > 0 else 1.0
        unique[i] = 1 - repeats / units.shape[0]


@functools.cache
def _solutions() -> Grids:
    """Return every 4x4 solution, flat, `(288, 16)` uint8, in the order of their digits.

    The order is part of the bytes.
    """
    lookup = unit_tables(2)
    solutions = np.empty((_MINI_GRIDS, 16), np.uint8)
    find_solutions(np.full(16, 0b1111, np.uint16), lookup.units, lookup.peers, solutions)
    return np.unique(solutions, axis=0)


@functools.cache
def _holders(box: int) -> npt.NDArray[np.uint64]:
    """Return the solutions that hold a digit in a cell, `(16, 5, 5)`; empty for 9x9.

    The axes are cell, digit, and words of one bit per solution.
    """
    if box == 3:
        return np.empty((0, 0, 0), np.uint64)
    holds = np.zeros((16, 5, 320), np.bool_)
    holds[:, :, :_MINI_GRIDS] = (_solutions()[:, :, None] == np.arange(5)).transpose(1, 2, 0)
    return np.packbits(holds, axis=2).view(np.uint64)


def _flat(grids: Grids, size: int) -> npt.NDArray[np.uint8]:
    """Return boards `(n, size, size)` as rows of cells, `(n, size^2)`."""
    return np.ascontiguousarray(grids).reshape(len(grids), size * size)


@final
class Sudoku(AnswerTask[Params]):
    """Complete a Sudoku that has one solution."""

    family = "sudoku"
    version = 3
    summary = "Fill in a Sudoku: each row, column and box holds each digit once."
    reasoning = Reasoning.LOGIC
    look = Look("sudoku", cell=32, margin=8)
    codes = 10
    legend = ("empty cell", *(f"digit {digit}" for digit in range(1, 10)))
    parts: ClassVar[Mapping[str, str]] = {
        "right": "the right digits minus the wrong ones in the cells that were empty, as a share of these "
        "cells, at least 0",
        "kept": "the share of the givens that are unchanged",
        "unique": "the share of the rows, columns and boxes that hold no digit twice",
    }
    # The paper's, between questions. With a pool of 5000, all candidates of 9x9 pass, 7% of `mini`, 10% of
    # `mini-easy`, 97% of `mini-medium`, and 39% of `mini-hard`.
    min_distance = 0.3
    variants = VARIANTS
    levels = LEVELS

    def codes_of(self, params: Params, question: Grid) -> Sequence[int]:
        return range(params.box**2 + 1)

    def instructions(self, params: Params) -> tuple[str, str, str]:
        size, side = params.box**2, f"{params.box}x{params.box}"
        return (
            f"Fill in this Sudoku. Write a digit from 1 to {size} in each empty cell, so that each row, each "
            f"column and each {side} box holds each digit once. Keep the given digits.",
            f"Each row, each column and each {side} box of the grid must hold each of the digits 1 to {size} "
            "exactly once. Complete the grid without changing any digit that is given.",
            f"This is a Sudoku with boxes of {side} cells. Replace each empty cell by a digit from 1 to "
            f"{size} such that no row, column or box holds a digit twice. Digits that are given must stay.",
        )

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        size = params.box**2
        lookup = unit_tables(params.box)
        states = np.empty((len(keys), 4), np.uint64)
        question = np.empty((len(keys), size * size), np.uint8)
        target = np.empty_like(question)
        if params.box == 2:
            _pick(keys, states, _solutions(), target)
        else:
            _draw(keys, states, params.box, lookup.units, lookup.peers, target)
        _hide(states, params.givens, *lookup, _holders(params.box), target, question)
        return Batch(question.reshape(-1, size, size), target.reshape(-1, size, size))

    def space(self, params: Params) -> Space:
        """Count the filled boards: 288 of 4x4, and of 9x9 as Felgenhauer and Jarvis (2005) counted."""
        return Space({2: 288, 3: 6_670_903_752_021_072_936_960}[params.box], "solutions")

    def features(self, params: Params, batch: Batch) -> npt.NDArray[np.uint8]:
        """Return the question's cells, or for 4x4 questions of few or many givens its 12 units.

        Such questions look alike. With 6 givens, no candidate passes a pool of 5000 by cells, and 12% pass
        one of 1000. With 13 givens none passes either. So their rows, columns and boxes are compared.
        """
        if params.box == 3 or params.givens in _APART_BY_CELLS:
            return batch.question.reshape(len(batch), -1)
        units = batch.question.reshape(len(batch), -1)[:, unit_tables(params.box).units]
        return (units * np.array([1, 5, 25, 125], np.uint8)).sum(axis=2, dtype=np.uint8)

    def difficulty_batch(
        self, params: Params, question: Grids, target: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return `score`, effort / (effort + cells of the board), and what it is made of.

        - effort: empty + 4 (rounds - 1) + 16 log2(1 + tried).
        - rounds: passes until nothing is forced. A pass writes every cell with one digit left; if there is
          none, the digits with one place left.
        - first: cells that the first pass writes.
        - places: digits that had one place left.
        - tried: digits that a search for a second solution tries if nothing is forced.
        - empty: empty cells.

        Among 5000 4x4 questions of 4 givens, none needs more than cells with one digit left.
        """
        size = params.box**2
        lookup = unit_tables(params.box)
        figures = np.empty((len(question), 5))
        _measure(_flat(question, size), size, lookup.units, lookup.peers, figures)
        rounds, first, places, tried, empty = np.ascontiguousarray(figures.T)
        effort = empty + 4 * np.maximum(rounds - 1, 0) + 16 * np.log2(1 + tried)
        return {
            "score": effort / (effort + size * size),
            "effort": effort,
            "rounds": rounds,
            "first": first,
            "places": places,
            "tried": tried,
            "empty": empty,
        }

    def check(self, params: Params, question: Grid, answer: Grid) -> CheckResult:
        """Check that givens are unchanged, and that each row, column and box holds each digit once."""
        size = params.box**2
        if question.shape != (size, size) or answer.shape != (size, size):
            return CheckResult(False, f"the board is not {size}x{size}")
        fault: int = _fault(
            np.ascontiguousarray(question).ravel(),
            np.ascontiguousarray(answer).ravel(),
            unit_tables(params.box).units,
        )
        if fault < 0:
            return CheckResult(True, "")
        if fault < size * size:
            reason = f"the given digit at row {fault // size}, column {fault % size} was changed"
        else:
            kind, number = divmod(fault - size * size, size)
            reason = f"{_KINDS[kind]} {number} does not hold each digit once"
        return CheckResult(False, reason)

    def check_batch(self, params: Params, question: Grids, answer: Grids) -> npt.NDArray[np.bool_]:
        size, n = params.box**2, len(answer)
        valid = np.zeros(n, np.bool_)
        if question.shape[1:] == answer.shape[1:] == (size, size):
            _check(_flat(question, size), _flat(answer, size), unit_tables(params.box).units, valid)
        return valid

    def parts_batch(
        self, params: Params, question: Grids, target: Grids, answer: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return how far each answer got, see `parts`. All are 0 on boards of another size."""
        size, n = params.box**2, len(answer)
        right, kept, unique = np.zeros(n), np.zeros(n), np.zeros(n)
        if question.shape[1:] == answer.shape[1:] == (size, size):
            flat = [_flat(grids, size) for grids in (question, target, answer)]
            _compare(*flat, unit_tables(params.box).units, right, kept, unique)
        return {"right": right, "kept": kept, "unique": unique}

    def cell_fault(
        self, params: Params, question: Grid, before: Grid, after: Grid, cell: tuple[int, int]
    ) -> str:
        """Return why this digit must not be written: the cell is not empty, or a unit holds it."""
        size, (r, c) = params.box**2, cell
        if after.shape != (size, size):
            return f"the board is not {size}x{size}"
        digit = int(after[cell])
        if before[cell] != 0:
            return f"the digit at row {r}, column {c} was changed"
        if digit > size:
            return f"the digit at row {r}, column {c} is over {size}"
        lookup = unit_tables(params.box)
        for name, unit in zip(_KINDS, lookup.homes[r * size + c].tolist(), strict=True):
            if digit in before.ravel()[lookup.units[unit]]:
                return f"{name} {unit % size} holds a {digit} already"
        return ""

    def solve(self, params: Params, question: Grid) -> Grid | None:
        """Return the first solution of a search. Returns None if there is none, or for an invalid board."""
        size = params.box**2
        lookup = unit_tables(params.box)
        options = np.empty(size * size, np.uint16)
        if question.shape != (size, size) or not open_board(question.flatten(), size, lookup.peers, options):
            return None
        solutions = np.empty((1, question.size), np.uint8)
        count, _ = find_solutions(options, lookup.units, lookup.peers, solutions)
        return solutions[0].reshape(question.shape) if count else None

    def guess(self, params: Params, question: Grid, key: int) -> Grid | None:
        """Return the digits as given, any digit in each empty cell; None if the board has another size."""
        size = params.box**2
        if question.shape != (size, size):
            return None
        rng, answer = rng_from(key), question.copy()
        answer[question == 0] = [1 + rng_below(rng, size) for _ in range(int((question == 0).sum()))]
        return answer


TASK = Sudoku()
