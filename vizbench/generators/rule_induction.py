"""Generate rule induction: find the rule of a cellular automaton from pairs of boards, and apply it.

A pair is a board and, below it, the board after one step. All pairs follow one random rule. A `life` rule
says what a cell becomes by its own state and by how many of its eight neighbours are live; cells outside are
dead (2^18 rules, after Conway 1970). An `elementary` rule says it by the cell and its neighbours on a ring of
one row (2^8 rules, Wolfram 1983).

A question is asked only if every rule of its kind that explains all pairs gives the same answer: each
situation of a cell in the last board occurs in a pair. Codes: 0 dead, 1 live, 2 border, 3 unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, final

import numpy as np
import numpy.typing as npt

from vizbench._util.jit import jit
from vizbench.kernels.life_predecessors import BORDER, DEAD, LIVE, UNKNOWN
from vizbench.kernels.random_cells import EVENS, random_cells
from vizbench.kernels.rng import rng_below, rng_seed
from vizbench.task.completion import CompletionTask
from vizbench.task.contract import Reasoning
from vizbench.task.ranges import check_choice, check_ranges
from vizbench.types import Batch, Grids, Keys, Look

SITUATIONS: Final = {"life": 18, "elementary": 8}
"""In how many situations a cell may be."""
_MOST: Final = 18
_UNSEEN, _CLASH = 2, 3
"""What pairs may show of a situation, besides DEAD and LIVE."""


@final
@dataclass(frozen=True)
class Params:
    """Hold the parameters of rule induction."""

    kind: Literal["life", "elementary"] = "life"
    """Whether boards are squares with `life` rules, or rings with `elementary` rules."""
    size: int = 5
    """Cells per side of a board, or of a ring, 5 … 24."""
    pairs: int = 4
    """Complete pairs of boards, 2 … 6."""

    def __post_init__(self) -> None:
        check_ranges(self, size=(5, 24), pairs=(2, 6))
        check_choice(self, kind=SITUATIONS)


VARIANTS = {"life": Params(), "elementary": Params(kind="elementary", size=12, pairs=3)}

LEVELS = (
    Params(kind="elementary", size=7),
    Params(kind="elementary", size=11),
    Params(kind="elementary", size=15, pairs=3),
    Params(kind="elementary", size=19, pairs=3),
    Params(pairs=5),
    Params(size=6),
    Params(size=7),
    Params(size=8, pairs=3),
    Params(size=10, pairs=3),
    Params(size=12, pairs=3),
)


@jit
def _situation(board, on_ring, r, c):
    """Return the situation of a cell: 9 own + live neighbours, or on a ring 4 left + 2 own + right."""
    h, w = board.shape
    if on_ring:
        return 4 * board[r, (c - 1) % w] + 2 * board[r, c] + board[r, (c + 1) % w]
    situation = 8 * board[r, c]
    for y in range(max(r - 1, 0), min(r + 2, h)):
        for x in range(max(c - 1, 0), min(c + 2, w)):
            situation += board[y, x]
    return situation


@jit
def _observe(pairs, on_ring, rule):
    """Write what pairs `(k, 2, h, w)` show of each situation to `rule` (18,)."""
    rule[:] = _UNSEEN
    for k in range(pairs.shape[0]):
        for r in range(pairs.shape[2]):
            for c in range(pairs.shape[3]):
                situation = _situation(pairs[k, 0], on_ring, r, c)
                after = pairs[k, 1, r, c]
                if rule[situation] == _UNSEEN:
                    rule[situation] = after
                elif rule[situation] != after:
                    rule[situation] = _CLASH


@jit
def _apply(rule, on_ring, board, after, asked):
    """Write the board after one step, and which situations occur to `asked` (18,)."""
    asked[:] = False
    for r in range(board.shape[0]):
        for c in range(board.shape[1]):
            situation = _situation(board, on_ring, r, c)
            after[r, c] = rule[situation]
            asked[situation] = True


@jit
def _is_forced(rule, asked):
    """Return whether what pairs show is a rule, and decides all situations that occur."""
    for situation in range(_MOST):
        if rule[situation] == _CLASH or (asked[situation] and rule[situation] == _UNSEEN):
            return False
    return True


@jit
def _complete(panels, on_ring, rules, asked, forced):
    """Write the last board of each sheet `(k, 2, h, w)`, what its pairs show, and whether that is enough."""
    for i in range(panels.shape[0]):
        _observe(panels[i, :-1], on_ring, rules[i])
        _apply(rules[i], on_ring, panels[i, -1, 0], panels[i, -1, 1], asked[i])
        forced[i] = _is_forced(rules[i], asked[i])


@jit
def _differ(a, b):
    """Return how many cells of two boards differ."""
    count = 0
    for r in range(a.shape[0]):
        for c in range(a.shape[1]):
            count += a[r, c] != b[r, c]
    return count


@jit
def _is_new(panels):
    """Return whether the last step changes two cells, leaves two live and two dead, and repeats no pair."""
    board, after = panels[-1, 0], panels[-1, 1]
    live = _differ(after, np.zeros_like(after))
    repeats = 0
    for k in range(panels.shape[0] - 1):
        repeats += _differ(panels[k, 0], board) == 0
    return repeats == 0 and 2 <= live <= after.size - 2 and _differ(board, after) >= 2


@jit
def _draw(keys, on_ring, panels):
    """Draw a rule and boards per key, until the pairs force the answer. panels: `(n, k, 2, h, w)`."""
    rng = np.empty(4, np.uint64)
    rule, asked = np.empty(_MOST, np.uint8), np.empty(_MOST, np.bool_)
    for i in range(keys.shape[0]):
        rng_seed(rng, keys[i])
        is_done = False
        while not is_done:
            random_cells(rng, EVENS, rule)
            for k in range(panels.shape[1]):
                sixteenths = 5 + rng_below(rng, 7)  # of the cells live, about 1/3 … 2/3
                random_cells(rng, sixteenths << 28, panels[i, k, 0].reshape(-1))
                _apply(rule, on_ring, panels[i, k, 0], panels[i, k, 1], asked)
            _observe(panels[i, :-1], on_ring, rule)
            is_done = _is_forced(rule, asked) and _is_new(panels[i])


def _shape(params: Params) -> tuple[int, int]:
    """Return the rows and columns of a sheet. Pairs of rings are below each other, others side by side."""
    boards = params.pairs + 1
    if params.kind == "elementary":
        return 3 * boards - 1, params.size
    return 2 * params.size + 1, boards * (params.size + 1) - 1


def _panels(params: Params, sheets: Grids) -> npt.NDArray[np.uint8]:
    """Return a view of the boards, `(n, pairs + 1, 2, h, w)`. sheets: with one more row and column."""
    n, boards, size = len(sheets), params.pairs + 1, params.size
    if params.kind == "elementary":
        return sheets.reshape(n, boards, 3, size + 1)[:, :, :2, None, :size]
    split = sheets.reshape(n, 2, size + 1, boards, size + 1)
    return split[:, :, :size, :, :size].transpose(0, 3, 1, 2, 4)


def _sheets(params: Params, panels: npt.NDArray[np.uint8]) -> Grids:
    """Return the sheets of boards, `(n, rows, columns)`."""
    rows, columns = _shape(params)
    sheets = np.full((len(panels), rows + 1, columns + 1), BORDER, np.uint8)
    _panels(params, sheets)[:] = panels
    return np.ascontiguousarray(sheets[:, :-1, :-1])


_RULES = {
    "life": (
        "What a cell becomes depends only on its own state and on how many of the eight neighbors around it "
        "are live; cells outside a board are dead."
    ),
    "elementary": (
        "What a cell becomes depends only on its own state and on the states of its left and right "
        "neighbors; the first and the last cell of a row are neighbors too."
    ),
}


@final
class RuleInduction(CompletionTask[Params]):
    """Find an unknown rule of a cellular automaton."""

    family = "rule-induction"
    summary = "Find the rule of a cellular automaton from pairs of boards, and apply it to one more board."
    reasoning = Reasoning.INDUCTION
    look = Look("sheet", cell=16, margin=8)
    codes = 4
    answer_codes = (DEAD, LIVE, BORDER)
    legend = ("dead cell", "live cell", "border", "unknown cell")
    open_code = UNKNOWN
    fill_codes = (DEAD, LIVE)
    variants = VARIANTS
    levels = LEVELS

    def instructions(self, params: Params) -> tuple[str, str, str]:
        rule = _RULES[params.kind]
        board, layout = "board", "Pairs of boards are side by side, with borders between all boards"
        if params.kind == "elementary":
            board, layout = "row", "A border separates pairs of rows"
        return (
            f"{layout}. The lower {board} of a pair is the upper {board} one "
            f"step later, and the same unknown rule holds in all pairs. {rule} Find the rule from the "
            "complete pairs, and fill in the unknown cells of the last pair.",
            f"Every pair of {board}s shows one step of the same cellular automaton, before above after. "
            f"{rule} The rule is not given: find from the complete pairs what the upper {board} of the last "
            "pair becomes. Replace the unknown cells below it, and keep everything else.",
            f"Here are {params.pairs} examples of one step, each with the {board} before above the {board} "
            f"after. {rule} Infer from them what happens to a cell in each situation, and complete the last "
            f"pair, whose lower {board} is unknown.",
        )

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        height = 1 if params.kind == "elementary" else params.size
        panels = np.empty((len(keys), params.pairs + 1, 2, height, params.size), np.uint8)
        _draw(keys, params.kind == "elementary", panels)
        target = _sheets(params, panels)
        panels[:, -1, 1] = UNKNOWN
        return Batch(_sheets(params, panels), target)

    def complete(self, params: Params, question: Grids) -> tuple[Grids, npt.NDArray[np.bool_]]:
        answers, _, _, forced = self._study(params, question)
        return answers, forced

    @staticmethod
    def _study(
        params: Params, question: Grids
    ) -> tuple[Grids, npt.NDArray[np.uint8], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Return answers, what the pairs show, which situations are asked, and which answers are forced.

        What is shown and asked is `(n, 18)`. The answer to a grid that is no sheet is not forced.
        """
        n = len(question)
        rules = np.full((n, _MOST), _UNSEEN, np.uint8)
        asked, forced = np.zeros((n, _MOST), np.bool_), np.zeros(n, np.bool_)
        if question.shape[1:] != _shape(params):
            return question, rules, asked, forced
        sheets = np.pad(question, ((0, 0), (0, 1), (0, 1)), constant_values=BORDER)
        panels = np.array(_panels(params, sheets), order="C")
        known = panels.copy()
        known[:, -1, 1] = np.where(known[:, -1, 1] == UNKNOWN, DEAD, BORDER)
        is_sheet = (known <= LIVE).all(axis=(1, 2, 3, 4))
        is_sheet &= (_sheets(params, panels) == question).all(axis=(1, 2))
        known = np.minimum(known, LIVE)
        _complete(known, params.kind == "elementary", rules, asked, forced)
        return _sheets(params, known), rules, asked, forced & is_sheet

    def difficulty_batch(
        self, params: Params, question: Grids, target: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return `score`, effort / (effort + 50), and what it is made of.

        - effort: unknown cells plus situations.
        - situations: those of cells of the last board, each to be looked up in the pairs.
        - shown: situations that the pairs show.
        - rules: rules that explain all pairs, 2 per situation that is not shown. All give the same answer.
        """
        _, rules, asked, _ = self._study(params, question)
        shown = (rules != _UNSEEN).sum(axis=1).astype(np.float64)
        situations = asked.sum(axis=1).astype(np.float64)
        effort = (question == UNKNOWN).sum(axis=(1, 2)) + situations
        return {
            "score": effort / (effort + 50),
            "effort": effort,
            "situations": situations,
            "shown": shown,
            "rules": 2.0 ** (SITUATIONS[params.kind] - shown),
        }


TASK = RuleInduction()
