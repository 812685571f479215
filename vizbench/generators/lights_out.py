"""Generate Lights Out (Tiger Electronics 1995): press the fewest cells that turn all lights off.

A press toggles the light of a cell and of its neighbours above, below, to the left and to the right. No cell
has to be pressed twice, and the order does not matter. The answer shows the board after all presses, dark,
with the pressed cells marked. Codes: 0 dark, 1 lit, 2 dark and pressed, 3 lit and pressed.

Presses are linear over GF(2). On boards of 4 and 5 cells per side, some sets of presses change no light, so
a question has several solutions (Anderson, Feil 1998). Those with the fewest presses are right.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench._util.text import plural
from vizbench.kernels.rng import rng_below, rng_from, rng_seed
from vizbench.task.contract import Reasoning, Task
from vizbench.task.ranges import check_ranges
from vizbench.types import Batch, CheckResult, Grid, Grids, Keys, Look, Trajectories

_LIT, _PRESSED = np.uint8(1), np.uint8(2)
Bits = npt.NDArray[np.uint8]
_MOST: Final = {4: 6, 5: 12}
"""The most presses asked on boards on which few large sets of presses are smallest solutions."""


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of Lights Out."""

    size: int = 5
    """Cells per side, 3 … 8."""
    presses: int = 8
    """Presses of a smallest solution, 1 … half of the cells; up to 6 on 4x4."""

    def __post_init__(self) -> None:
        check_ranges(self, size=(3, 8))
        most = _MOST.get(self.size, self.size * self.size // 2)
        check_ranges(self, presses=(1, most))


VARIANTS = {"5x5": Params(), "7x7": Params(7, 10)}

# Level 0 has 2,300 questions: its lights show three pressed cells, mostly apart.
LEVELS = tuple(
    Params(*pair)
    for pair in ((5, 3), (5, 4), (5, 5), (5, 6), (5, 8), (6, 8), (6, 10), (7, 10), (7, 14), (8, 18))
)


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Algebra:
    """The presses of a board as linear algebra over GF(2)."""

    toggles: Bits
    """The lights that each press toggles, `(c, c)`."""
    inverse: Bits
    """Presses that solve a board, if any do: lights @ inverse, `(c, c)`."""
    quiet: Bits
    """The sets of presses that change no light, `(q, c)`, the empty one first."""


@functools.cache
def _algebra(size: int) -> _Algebra:
    """Solve for the presses by elimination."""
    cells = size * size
    place = np.arange(cells)
    apart = abs(place[:, None] // size - place // size) + abs(place[:, None] % size - place % size)
    toggles = (apart <= 1).astype(np.uint8)
    left, right = toggles.copy(), np.eye(cells, dtype=np.uint8)  # left = right @ toggles throughout
    pivots: list[int] = []
    for column in range(cells):
        rest = np.flatnonzero(left[len(pivots) :, column]) + len(pivots)
        if not len(rest):
            continue
        for table in (left, right):
            table[[len(pivots), rest[0]]] = table[[rest[0], len(pivots)]]
        others = np.flatnonzero(left[:, column])
        others = others[others != len(pivots)]
        left[others] ^= left[len(pivots)]
        right[others] ^= right[len(pivots)]
        pivots.append(column)
    inverse = np.zeros((cells, cells), np.uint8)
    inverse[:, pivots] = right[: len(pivots)].T
    basis = right[len(pivots) :]
    chosen = np.array(list(itertools.product((0, 1), repeat=len(basis))), np.uint8)
    quiet = chosen.reshape(2 ** len(basis), len(basis)) @ basis & _LIT
    return _Algebra(toggles, inverse, quiet)


def _solutions(size: int, lights: Bits) -> tuple[Bits, npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Return all solutions of lights `(n, c)`, which of them are smallest, and how many presses these have.

    Returns `(n, q, c)`, `(n, q)` and `(n,)`. Lights without a solution have none, of -1 presses.
    """
    algebra = _algebra(size)
    presses = (lights @ algebra.inverse & _LIT)[:, None] ^ algebra.quiet
    counts = presses.sum(axis=2, dtype=np.int64)
    fewest = counts.min(axis=1)
    solved = (presses[:, 0] @ algebra.toggles & _LIT == lights).all(axis=1)
    return presses, (counts == fewest[:, None]) & solved[:, None], np.where(solved, fewest, -1)


def _flat(grids: Grids) -> Bits:
    """Return grids as rows of cells, `(n, c)`."""
    return np.ascontiguousarray(grids).reshape(len(grids), grids.shape[1] * grids.shape[2])


@jit
def _draw(keys, quiet, count, presses):
    """Draw `count` cells per key, so that no other solution has fewer presses. presses: `(n, c)` uint8."""
    rng = np.empty(4, np.uint64)
    cells = presses.shape[1]
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        smallest = False
        while not smallest:
            presses[i] = 0
            left = count
            while left > 0:
                cell = rng_below(rng, cells)
                left -= presses[i, cell] == 0
                presses[i, cell] = 1
            smallest = True
            for q in range(quiet.shape[0]):
                other = 0
                for k in range(cells):
                    other += presses[i, k] ^ quiet[q, k]
                smallest &= other >= count


@jit
def _record(question, target, toggles, starts, states):
    """Write the boards after each press that a target `(n, c)` marks to `states` (total, c).

    starts `(n + 1,)`: where each process begins. A target without presses is its only state.
    """
    cells = question.shape[1]
    for i in range(question.shape[0]):
        at = starts[i]
        states[at] = target[i]
        board = question[i].copy()
        for press in range(cells):
            if target[i, press] >= 2 and question[i, press] < 2:
                board[press] |= 2
                for k in range(cells):
                    board[k] ^= toggles[press, k]
                states[at] = board
                at += 1


@final
class LightsOut(Task[Params]):
    """Turn all lights off."""

    family = "lights-out"
    summary = "Press the fewest cells that turn all lights off."
    reasoning = Reasoning.LOGIC
    look = Look("lights", cell=32)
    codes = 4
    answer_codes = (0, 2)
    legend = ("dark cell", "lit cell", "dark pressed cell", "lit pressed cell")
    parts: ClassVar[Mapping[str, str]] = {
        "presses": "the pressed cells that belong to a smallest solution minus the others, as a share of its "
        "presses, at least 0; for the smallest solution with most of them",
        "lights": "1 minus twice the share of cells whose light is not what the pressed cells make of the "
        "question, at least 0",
    }
    variants = VARIANTS
    levels = LEVELS

    def instructions(self, params: Params) -> tuple[str, str, str]:
        rule = (
            "Pressing a cell toggles its light and the lights of the cells directly above, below, left and "
            "right of it"
        )
        return (
            f"Turn all lights off. {rule}. Press as few cells as possible, each at most once, and "
            "show the board afterwards: every cell is dark, and those you pressed are dark pressed cells. "
            "Any smallest set of presses is right.",
            f"This is Lights Out. {rule}. Find the fewest presses after which no cell is lit, and show the "
            "final board, on which exactly the cells that were pressed are marked as dark pressed cells. "
            "If several sets are smallest, choose any.",
            f"Which cells must be pressed, so that no light stays on? {rule}. Mark them as dark pressed "
            "cells and show all others as dark cells. If several sets of presses work, use a smallest one.",
        )

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        size, algebra = params.size, _algebra(params.size)
        presses = np.empty((len(keys), size * size), np.uint8)
        _draw(keys, algebra.quiet, params.presses, presses)
        question = (presses @ algebra.toggles & _LIT).reshape(-1, size, size)
        return Batch(question, self._solve(question))

    @staticmethod
    def _solve(question: Grids) -> Grids:
        """Return the boards after the first smallest solution of each question that has one."""
        flat = _flat(question)
        solutions, smallest, _ = _solutions(question.shape[1], flat)
        chosen = solutions[np.arange(len(flat)), smallest.argmax(axis=1)]
        return (_PRESSED * chosen).reshape(question.shape)

    @staticmethod
    def _fits(question: Grids, answer: Grids) -> bool:
        """Return whether the grids are boards of one size."""
        sides = question.shape[1:]
        return question.shape == answer.shape and sides[0] == sides[1] and 3 <= sides[0] <= 8

    def solve(self, params: Params, question: Grid) -> Grid | None:
        if not self._fits(question[None], question[None]) or question.max() > 1:
            return None
        answer = self._solve(question[None])
        return answer[0] if self.check_batch(params, question[None], answer)[0] else None

    def check_batch(self, params: Params, question: Grids, answer: Grids) -> npt.NDArray[np.bool_]:
        n = len(question)
        if not self._fits(question, answer):
            return np.zeros(n, np.bool_)
        lights, flat = _flat(question), _flat(answer)
        presses = flat >> _LIT
        dark = (flat & _LIT == 0).all(axis=1) & (lights <= 1).all(axis=1)
        solved = (presses @ _algebra(question.shape[1]).toggles & _LIT == lights).all(axis=1)
        fewest = _solutions(question.shape[1], lights)[2]
        return dark & solved & (presses.sum(axis=1) == fewest)

    def check(self, params: Params, question: Grid, answer: Grid) -> CheckResult:
        """Check that the presses turn all lights off, that all cells are dark, and that no fewer do."""
        if not self._fits(question[None], answer[None]) or question.max() > 1:
            return CheckResult(False, "the question is not a board without presses, so no answer is right")
        if self.check_batch(params, question[None], answer[None])[0]:
            return CheckResult(True, "")
        toggles, presses = _algebra(len(question)).toggles, answer.ravel() >> _LIT
        lit = int((presses @ toggles & _LIT ^ question.ravel()).sum())
        if lit:
            return CheckResult(False, f"the presses leave {plural(lit, 'cell')} lit")
        if (answer & _LIT).any():
            return CheckResult(
                False, f"{plural(int((answer & _LIT).sum()), 'cell is', 'cells are')} shown lit"
            )
        fewest = int(_solutions(len(question), _flat(question[None]))[2][0])
        return CheckResult(
            False, f"{plural(int(presses.sum()), 'press', 'presses')} are made, but {fewest} do"
        )

    def parts_batch(
        self, params: Params, question: Grids, target: Grids, answer: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        n = len(question)
        if not self._fits(question, answer):
            return {"presses": np.zeros(n), "lights": np.zeros(n)}
        lights, flat = _flat(question) & _LIT, _flat(answer)
        presses = flat >> _LIT & _LIT
        solutions, smallest, fewest = _solutions(question.shape[1], lights)
        shared = (solutions & presses[:, None]).sum(axis=2, dtype=np.int64)
        most = np.where(smallest, shared, 0).max(axis=1)
        gained = np.maximum(2 * most - presses.sum(axis=1), 0) / np.maximum(fewest, 1)
        expected = lights ^ (presses @ _algebra(question.shape[1]).toggles & _LIT)
        wrong = (expected != flat & _LIT).mean(axis=1)
        return {"presses": gained, "lights": np.maximum(0.0, 1 - 2 * wrong)}

    def steps(self, params: Params, question: Grid, target: Grid) -> Grids:
        return self.steps_batch(params, question[None], target[None]).states

    def steps_batch(self, params: Params, question: Grids, target: Grids) -> Trajectories:
        """Return the boards after each press that the target marks, in reading order."""
        n = len(question)
        if not self._fits(question, target):
            return Trajectories(target, np.arange(n + 1))
        flat: Any = [_flat(grids) for grids in (question, target)]
        counts = ((flat[1] >= 2) & (flat[0] < 2)).sum(axis=1)
        starts = np.concatenate([[0], np.cumsum(np.maximum(counts, 1))]).astype(np.int64)
        states = np.empty((int(starts[-1]), flat[0].shape[1]), np.uint8)
        _record(*flat, _algebra(question.shape[1]).toggles, starts, states)
        return Trajectories(states.reshape(-1, *question.shape[1:]), starts)

    def check_step(self, params: Params, question: Grid, before: Grid, after: Grid) -> CheckResult:
        """Check that one cell was pressed that was not pressed before. It may be the wrong one."""
        if not self._fits(before[None], after[None]):
            return CheckResult(False, "the states are not boards of one size")
        pressed = np.flatnonzero((before ^ after).ravel() & _PRESSED)
        if len(pressed) != 1:
            return CheckResult(False, f"a step presses one cell, not {len(pressed)}")
        if before.ravel()[pressed[0]] & _PRESSED:
            return CheckResult(False, "the press of a cell was taken back")
        toggled = _algebra(len(before)).toggles[pressed[0]].reshape(before.shape)
        wrong = int(((before ^ after) & _LIT != toggled).sum())
        if wrong:
            return CheckResult(False, f"{plural(wrong, 'light is', 'lights are')} not what the press makes")
        return CheckResult(True, "")

    def guess(self, params: Params, question: Grid, key: int) -> Grid | None:
        """Return the board after as many random presses, or None if it is not a board."""
        if not self._fits(question[None], question[None]):
            return None
        rng, presses = rng_from(key), np.zeros(question.size, np.uint8)
        while presses.sum() < min(params.presses, question.size):
            presses[rng_below(rng, question.size)] = 1
        lights = (question.ravel() & _LIT) ^ (presses @ _algebra(len(question)).toggles & _LIT)
        return (lights | _PRESSED * presses).reshape(question.shape)

    def difficulty_batch(
        self, params: Params, question: Grids, target: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return `score`, x / (x + 200) with x = presses times cells, and what it is made of.

        - effort: presses times cells.
        - presses: those of a smallest solution.
        - lit: lit cells.
        - right: smallest solutions.
        """
        flat = _flat(question) & _LIT
        _, smallest, fewest = _solutions(question.shape[1], flat)
        presses = np.maximum(fewest, 0).astype(np.float64)
        effort = presses * flat.shape[1]
        return {
            "score": effort / (effort + 200),
            "effort": effort,
            "presses": presses,
            "lit": flat.sum(axis=1).astype(np.float64),
            "right": smallest.sum(axis=1).astype(np.float64),
        }


TASK = LightsOut()
