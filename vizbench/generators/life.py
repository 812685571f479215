"""Generate life-like cellular automata (Conway 1970): live neighbours decide which cells live.

A cell has eight neighbours. Those outside the board are dead, or, on a torus, the cells across. The question
is a random board, the target the board some steps later. Codes: 0 dead, 1 live. Rules, size and density are
the paper's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench._util.text import plural
from vizbench.errors import UserError
from vizbench.kernels.random_cells import EVENS, chance, random_cells, random_word
from vizbench.kernels.rng import rng_from, rng_seed
from vizbench.task.bases import StepTask
from vizbench.task.contract import Reasoning, Space
from vizbench.task.ranges import check_ranges
from vizbench.types import Batch, Grid, Grids, Keys, Look, Trajectories

_NOT_FIRST = np.uint64(0xFEFEFEFEFEFEFEFE)  # columns 1 … 7
_NOT_LAST = np.uint64(0x7F7F7F7F7F7F7F7F)  # columns 0 … 6
_ROW = np.uint64(8)
_ONE = np.uint64(1)


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of a life-like automaton."""

    rule: str = "B3/S23"
    """B/S notation with digits 0 … 8; kept in capitals, with sorted digits."""
    height: int = 8
    """Rows, 1 … 256."""
    width: int = 8
    """Columns, 1 … 256."""
    density: float = 0.4
    """The probability of a live cell at the start, above 0 and below 1."""
    steps: int = 1
    """Steps to predict, 1 … 1000."""
    torus: bool = False
    """Whether opposite edges touch."""

    def __post_init__(self) -> None:
        parts = re.fullmatch(r"B([0-8]{0,9})/S([0-8]{0,9})", self.rule, re.ASCII | re.IGNORECASE)
        if parts is None:
            raise UserError(
                f"rule={self.rule[:40]!r} is not in B/S notation with digits 0 … 8: write it as B3/S23"
            )
        born, survives = ("".join(sorted(set(digits))) for digits in parts.groups())
        # A rule needs one spelling to have one stream of instances.
        object.__setattr__(self, "rule", f"B{born}/S{survives}")
        check_ranges(self, height=(1, 256), width=(1, 256), steps=(1, 1000))
        if not 0 < self.density < 1:
            raise UserError(f"density={self.density} is not above 0 and below 1: the paper's is 0.4")


VARIANTS = {
    "conway": Params(),
    "b3s2": Params(rule="B3/S2"),
    "day-and-night": Params(rule="B3678/S34678"),
    "maze": Params(rule="B3/S12345"),
    "seeds": Params(rule="B2/S"),
}


# From 7x7 on there are test rows at the distance from 5000 train rows.
LEVELS = (
    Params(height=7, width=7),
    Params(),
    Params(height=9, width=9),
    Params(height=10, width=10),
    Params(height=12, width=12),
    Params(height=10, width=10, steps=2),
    Params(height=12, width=12, steps=2),
    Params(height=12, width=12, steps=3),
    Params(height=16, width=16, steps=4),
    Params(height=20, width=20, steps=6),
)


def _masks(params: Params) -> tuple[int, int]:
    """Return two masks. Bit k is set if a cell with k live neighbours is born, and if it survives."""
    born, survives = params.rule[1:].split("/S")
    return sum(1 << int(k) for k in born), sum(1 << int(k) for k in survives)


# Steps on an 8x8 board held in one 64-bit word: cell (r, c) is bit 8 r + c, cells outside are dead. All 64
# cells are counted at once in planes: plane k holds bit k of every cell's number of live neighbours.


@jit
def _counts(board):
    """Return four planes with the number of live neighbours, lowest bit first."""
    west = (board << _ONE) & _NOT_FIRST
    east = (board >> _ONE) & _NOT_LAST
    side0, side1 = west ^ east, west & east  # the two neighbours in the cell's own row
    row0, row1 = side0 ^ board, side1 | (side0 & board)  # the three neighbours in the row above or below
    north0, north1 = row0 << _ROW, row1 << _ROW
    south0, south1 = row0 >> _ROW, row1 >> _ROW
    both = north0 ^ south0
    carry = (north0 & south0) | (both & side0)
    twos, more = north1 ^ south1, side1 ^ carry
    quads, rest = north1 & south1, side1 & carry
    return both ^ side0, twos ^ more, quads ^ rest ^ (twos & more), quads & rest


@jit
def step_word(board, born, survives):
    """Return the board after one step. born, survives: the masks of `_masks`."""
    ones, twos, fours, eights = _counts(board)
    after = np.uint64(0)
    for k in range(9):
        is_born, stays = (born >> k) & 1, (survives >> k) & 1
        if is_born or stays:
            match = eights if k & 8 else ~eights
            match &= ones if k & 1 else ~ones
            match &= twos if k & 2 else ~twos
            match &= fours if k & 4 else ~fours
            if not stays:
                match &= ~board
            if not is_born:
                match &= board
            after |= match
    return after


@jit
def _step(board, born, survives, torus, after):
    """Make one step from `board` to `after`, `(h, w)` uint8.

    On a narrow torus, a cell may count as a neighbour more than once.
    """
    h, w = board.shape
    for r in range(h):
        for c in range(w):
            around = np.int64(0)
            for dr in range(-1, 2):
                for dc in range(-1, 2):
                    y, x = r + dr, c + dc
                    if torus:
                        y, x = (y + h) % h, (x + w) % w
                    if 0 <= y < h and 0 <= x < w:
                        around += board[y, x]
            around -= board[r, c]
            after[r, c] = ((survives if board[r, c] else born) >> around) & 1


@jit
def _run(board, born, survives, torus, states):
    """Write the boards after 1 … k steps from `board` (h, w) to `states` (k, h, w)."""
    for k in range(states.shape[0]):
        _step(board if k == 0 else states[k - 1], born, survives, torus, states[k])


@jit
def _run_all(question, born, survives, torus, steps, states):
    """Write the boards after 1 … steps steps from each question to `states` (n * steps, h, w)."""
    for i in range(question.shape[0]):
        _run(question[i], born, survives, torus, states[i * steps : (i + 1) * steps])


@jit
def _after_all(question, born, survives, torus, steps, after):
    """Write the board after `steps` steps from each question to `after` (n, h, w)."""
    other = np.empty_like(after[0])
    for i in range(question.shape[0]):
        board, scratch = after[i], other
        board[:] = question[i]
        for _ in range(steps):
            _step(board, born, survives, torus, scratch)
            board, scratch = scratch, board
        if steps % 2 == 1:
            after[i] = board


@jit
def _after_words(words, born, survives, steps, after):
    """Write the 8x8 board after `steps` steps from each word `(n,)` to `after` (n,)."""
    for i in range(words.shape[0]):
        board = words[i]
        for _ in range(steps):
            board = step_word(board, born, survives)
        after[i] = board


@jit
def _tally(question, target, changed, live):
    """Count the cells of each target that differ from the question, and those that are live.

    question, target: `(n, c)` uint8. changed, live: `(n,)` int64, written.
    """
    for i in range(question.shape[0]):
        different, alive = np.uint32(0), np.uint32(0)
        for k in range(question.shape[1]):
            different += np.uint32(question[i, k] != target[i, k])
            alive += np.uint32(target[i, k])
        changed[i], live[i] = different, alive


@jit
def _make(keys, density, born, survives, torus, steps, question, target):
    """Make boards of any size, one per key. question, target: `(n, h, w)` uint8."""
    rng = np.empty(4, np.uint64)
    other = np.empty_like(question[0])
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        random_cells(rng, density, question[i].reshape(-1))
        board, after = target[i], other
        board[:] = question[i]
        for _ in range(steps):
            _step(board, born, survives, torus, after)
            board, after = after, board
        if steps % 2 == 1:
            target[i] = board


@jit
def _make_words(keys, density, born, survives, steps, rows, question, target):
    """Make 8x8 boards without a torus. rows (256,): eight cells as a word each; question, target: (n, 8)."""
    rng = np.empty(4, np.uint64)
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        board = random_word(rng, density)
        after = board
        for _ in range(steps):
            after = step_word(after, born, survives)
        for r in range(8):
            # Spreading the bits by multiplication takes twice as long as this table, and depends on the byte
            # order.
            shift = np.uint64(8 * r)
            question[i, r] = rows[(board >> shift) & np.uint64(255)]
            target[i, r] = rows[(after >> shift) & np.uint64(255)]


def _row_words() -> npt.NDArray[np.uint64]:
    """Return the eight cells of each row 0 … 255 as a word, `(256,)`. The lowest bit is the first cell."""
    rows = np.arange(256, dtype=np.uint8)[:, None]
    return np.unpackbits(rows, axis=1, bitorder="little").view(np.uint64)[:, 0]


def _counted(digits: str) -> str:
    """Return numbers of neighbours in words: `23` gives "exactly 2 or 3"."""
    *others, last = digits
    return f"exactly {', '.join(others)} or {last}" if others else f"exactly {last}"


@final
class Life(StepTask[Params]):
    """Predict a life-like automaton."""

    family = "life"
    version = 3
    summary = "Predict the board of a life-like cellular automaton some steps later."
    reasoning = Reasoning.LOCAL_RULE
    look = Look("binary", cell=32, margin=8)
    codes = 2
    legend = ("dead cell", "live cell")
    min_distance = 0.25  # the paper's, between questions: near questions have near answers, which could leak
    variants = VARIANTS
    levels = LEVELS

    def instructions(self, params: Params) -> tuple[str, str, str]:
        born, survives = params.rule[1:].split("/S")
        birth, survival = "No dead cell becomes live", "no live cell stays live"
        if born:
            birth = f"A dead cell becomes live if {_counted(born)} of its eight neighbors are live"
        if survives:
            survival = f"a live cell stays live if {_counted(survives)} of its eight neighbors are live"
        rule = f"{birth}, {survival}, and every other cell is dead afterwards."
        edge = "Opposite edges of the grid touch." if params.torus else "Cells outside the grid are dead."
        steps = plural(params.steps, "step")
        return (
            f"The grid is a life-like cellular automaton with the rule {params.rule}. {rule} {edge} "
            f"Show the grid after {steps}.",
            f"All cells change at the same time, by this rule. {rule} {edge} "
            f"What does the grid look like after {steps}?",
            f"Predict the state of this cellular automaton ({params.rule}) {steps} later. {rule} {edge}",
        )

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        born, survives = _masks(params)
        question = np.empty((len(keys), params.height, params.width), np.uint8)
        target = np.empty_like(question)
        density = chance(params.density)
        if (params.height, params.width, params.torus) == (8, 8, False):
            words = [grids.reshape(-1, 64).view(np.uint64) for grids in (question, target)]
            _make_words(keys, density, born, survives, params.steps, _row_words(), *words)
        else:
            _make(keys, density, born, survives, params.torus, params.steps, question, target)
        return Batch(question, target)

    def rule(self, params: Params) -> str:
        return params.rule

    def advance(self, params: Params, state: Grid) -> Grid:
        return self.run(params, state, 1)[0]

    def run(self, params: Params, state: Grid, count: int | None) -> Grids:
        states = np.empty((count or 1, *state.shape), np.uint8)
        _run(np.not_equal(state, 0).astype(np.uint8), *_masks(params), params.torus, states)
        return states

    def check_batch(self, params: Params, question: Grids, answer: Grids) -> npt.NDArray[np.bool_]:
        return (self._after(params, question) == answer).reshape(len(answer), -1).all(axis=1)

    def steps_batch(self, params: Params, question: Grids, target: Grids) -> Trajectories:
        n, steps = len(question), params.steps
        states = np.empty((n * steps, *question.shape[1:]), np.uint8)
        _run_all(np.not_equal(question, 0).astype(np.uint8), *_masks(params), params.torus, steps, states)
        return Trajectories(states, np.arange(0, n * steps + 1, steps))

    @staticmethod
    def _after(params: Params, question: Grids) -> Grids:
        """Return the boards after all steps, `(n, h, w)`."""
        born, survives = _masks(params)
        live = np.not_equal(question, 0)
        if (*question.shape[1:], params.torus) == (8, 8, False):
            words = np.packbits(live.reshape(-1, 64), axis=1, bitorder="little").view("<u8")[:, 0]
            after_words = np.empty(len(words), np.uint64)
            _after_words(words.astype(np.uint64), born, survives, params.steps, after_words)
            octets = after_words.astype("<u8")[:, None].view(np.uint8)
            return np.unpackbits(octets, axis=1, bitorder="little").reshape(question.shape)
        after = np.empty(question.shape, np.uint8)
        _after_all(live.astype(np.uint8), born, survives, params.torus, params.steps, after)
        return after

    def space(self, params: Params) -> Space:
        """Count all boards."""
        return Space(2 ** (params.height * params.width))

    def difficulty_batch(
        self, params: Params, question: Grids, target: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return `score`, the mean of reach and surprise, and what it is made of.

        - effort: cells times steps.
        - reach: the share of the board that one target cell depends on.
        - surprise: twice the share of target cells missed by the best of three guesses, at most 1. The
          guesses are a copy of the question, all dead, and all live.
        - changed: the share of target cells that differ from the question.
        - live: the share of target cells that are live.
        """
        side = 2 * params.steps + 1
        cells = params.height * params.width
        reach = np.full(len(question), min(side, params.height) * min(side, params.width) / cells)
        counts = np.empty((2, len(question)), np.int64)
        flat = [np.ascontiguousarray(grids).reshape(-1, cells) for grids in (question, target)]
        _tally(*flat, *counts)
        changed, live = counts / cells
        surprise = np.minimum(1.0, 2 * np.minimum(changed, np.minimum(live, 1 - live)))
        return {
            "score": (reach + surprise) / 2,
            "effort": np.full(len(question), float(cells * params.steps)),
            "reach": reach,
            "surprise": surprise,
            "changed": changed,
            "live": live,
        }

    def guess(self, params: Params, question: Grid, key: int) -> Grid:
        """Return each cell dead or live, with equal chances."""
        answer = np.empty(question.shape, np.uint8)
        random_cells(rng_from(key), EVENS, answer.reshape(-1))
        return answer


TASK = Life()
