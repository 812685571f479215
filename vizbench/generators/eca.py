"""Generate elementary cellular automata (Wolfram 1983): cells on a ring and their two neighbours.

Each row of the grid is the state one step after the row above. The question holds the first row, the target
the whole diagram. Codes: 0 and 1 cells, 2 unknown. Rules and size are the paper's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench.errors import UserError
from vizbench.kernels.random_cells import EVENS, random_cells
from vizbench.kernels.rng import rng_from, rng_seed
from vizbench.task.bases import StepTask
from vizbench.task.contract import Space
from vizbench.types import Batch, Grid, Grids, Keys, Look

UNKNOWN = 2


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of an elementary automaton."""

    rule: int = 110
    """Wolfram's number, 0 … 255."""
    width: int = 16
    """Cells on the ring, 1 … 256."""
    rows: int = 8
    """Rows of the diagram, 2 … 256; the first is given."""

    def __post_init__(self) -> None:
        if not 0 <= self.rule <= 255:
            raise UserError(
                f"rule={self.rule} is not in 0 … 255: choose Wolfram's number of a rule, e.g. 110"
            )
        if not 1 <= self.width <= 256:
            raise UserError(f"width={self.width} is not in 1 … 256: the paper's is 16")
        if not 2 <= self.rows <= 256:
            raise UserError(
                f"rows={self.rows} is not in 2 … 256: the first is given, so ask for one more, e.g. 8"
            )


_RULES = (110, 8, 32, 128, 160, 4, 108, 170, 250, 30, 45, 90, 150, 54, 62, 106)
VARIANTS = {str(rule): Params(rule=rule) for rule in _RULES}


@jit
def _unfold(rule, diagram):
    """Fill the rows of `diagram` (h, w) uint8 below the first. A single cell is its own neighbour."""
    h, w = diagram.shape
    for r in range(1, h):
        left, here = diagram[r - 1, w - 1], diagram[r - 1, 0]
        for c in range(w):
            right = diagram[r - 1, c + 1 if c + 1 < w else 0]
            diagram[r, c] = (rule >> (4 * left + 2 * here + right)) & 1
            left, here = here, right


@jit
def _make(keys, rule, question, target):
    """Make one diagram per key. question, target: `(n, h, w)` uint8."""
    rng = np.empty(4, np.uint64)
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        random_cells(rng, EVENS, target[i, 0])
        _unfold(rule, target[i])
        question[i] = UNKNOWN
        question[i, 0] = target[i, 0]


def _sensitivity(rule: int) -> float:
    """Return the share of the 24 flips of one cell in the 8 neighbourhoods that change the rule's outcome."""
    return sum(((rule >> k) ^ (rule >> (k ^ flip))) & 1 for k in range(8) for flip in (1, 2, 4)) / 24


@final
class Eca(StepTask[Params]):
    """Unfold an elementary automaton from its first row."""

    family = "eca"
    version = 2
    summary = "Continue the first row of an elementary cellular automaton downwards, one step per row."
    look = Look("eca", cell=16)
    codes = 3
    # First rows must only differ: there are 2^16, too few for a test set at a distance from a pool of 5000.
    min_distance = 0.0
    variants = VARIANTS

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        question = np.empty((len(keys), params.rows, params.width), np.uint8)
        target = np.empty_like(question)
        _make(keys, params.rule, question, target)
        return Batch(question, target)

    def rule(self, params: Params) -> str:
        return f"rule {params.rule}"

    def advance(self, params: Params, state: Grid) -> Grid | str:
        """Return the diagram with its first unknown row filled in."""
        row = int(np.argmax((state == UNKNOWN).any(axis=1)))
        if row == 0:
            first = (state[0] == UNKNOWN).any()
            return "the first row is unknown" if first else "every row is known already"
        after = state.copy()
        two = state[row - 1 : row + 1].copy()
        _unfold(params.rule, two)
        after[row] = two[1]
        return after

    def steps(self, params: Params, question: Grid, target: Grid) -> Grids:
        """Return the diagram with one more row per step."""
        known = np.arange(len(target)) <= np.arange(1, len(target))[:, None]
        return np.where(known[:, :, None], target, np.uint8(UNKNOWN))

    def outcome(self, params: Params, question: Grid) -> Grid:
        """Return the diagram unfolded from the question's first row. Its other rows are ignored."""
        diagram = np.equal(question, 1).astype(np.uint8)
        _unfold(params.rule, diagram)
        return diagram

    def space(self, params: Params) -> Space:
        """Count all first rows."""
        return Space(2**params.width)

    def features(self, params: Params, batch: Batch) -> npt.NDArray[np.uint8]:
        """Return the first row's cells."""
        return np.ascontiguousarray(batch.question[:, 0])

    def difficulty(self, params: Params, question: Grid, target: Grid) -> Mapping[str, float]:
        """Return `score`, the mean of sensitivity and surprise, and what it is made of.

        - sensitivity: the share of single flips in a neighbourhood that change the rule's outcome.
        - surprise: twice the share of asked cells missed by the best of three guesses, at most 1. The guesses
          are a copy of the cell above, all 0, and all 1.
        - changed: the share of asked cells that differ from the cell above.
        - live: the share of asked cells that are live.
        """
        changed, live = float(np.mean(target[1:] != target[:-1])), float(np.mean(target[1:]))
        surprise, sensitivity = min(1.0, 2 * min(changed, live, 1 - live)), _sensitivity(params.rule)
        score = (sensitivity + surprise) / 2
        return {
            "score": score,
            "sensitivity": sensitivity,
            "surprise": surprise,
            "changed": changed,
            "live": live,
        }

    def guess(self, params: Params, question: Grid, key: int) -> Grid:
        """Return the first row as given, and each cell below it 0 or 1 with equal chances."""
        answer = question.copy()
        random_cells(rng_from(key), EVENS, answer[1:].reshape(-1))
        return answer


TASK = Eca()
