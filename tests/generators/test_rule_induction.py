"""Test rule induction: answers by trying every rule, verdicts by a slow twin, near misses."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

from tests.support.puzzles import made
from tests.support.simulations import near_misses
from vizbench.errors import UserError
from vizbench.generators.rule_induction import TASK, VARIANTS, Params
from vizbench.types import Grid

Panels = list[tuple[Grid, Grid]]


def panels_of(params: Params, sheet: Grid) -> Panels:
    """Return the boards of each pair, before and after, as the layout says."""
    size = params.size
    if params.kind == "elementary":
        rows = range(0, len(sheet), 3)
        return [(sheet[row : row + 1], sheet[row + 1 : row + 2]) for row in rows]
    columns = [slice(left, left + size) for left in range(0, sheet.shape[1], size + 1)]
    return [(sheet[:size, part], sheet[size + 1 :, part]) for part in columns]


def situations(params: Params, board: Grid) -> Any:
    """Return the bit of a rule's number that decides each cell."""
    if params.kind == "elementary":
        return 4 * np.roll(board, 1, 1) + 2 * board + np.roll(board, -1, 1)
    padded = np.pad(board, 1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
    return 8 * board + windows.sum(axis=(2, 3), dtype=np.int64)


@functools.cache
def tables(count: int) -> Any:
    """Return which of the 2^count rules make a cell dead, and live, in each situation."""
    live = (np.arange(2**count)[None] >> np.arange(count)[:, None] & 1).astype(np.bool_)
    return np.stack([~live, live])


def fitting(params: Params, pairs: Panels) -> Any:
    """Return the numbers of all rules that explain the pairs, of the 2^18 or 2^8 that there are."""
    table = tables(8 if params.kind == "elementary" else 18)
    seen: set[tuple[Any, Any]] = set()
    for before, after in pairs:
        seen |= set(zip(situations(params, before).flat, after.flat, strict=True))
    fits = np.ones(table.shape[2], np.bool_)
    for situation, code in seen:
        fits &= table[code, situation]
    return np.flatnonzero(fits)


def answers(params: Params, sheet: Grid) -> tuple[int, list[Grid]]:
    """Return how many rules explain the pairs, and all the different last boards that they give."""
    *pairs, (board, _) = panels_of(params, sheet)
    rules = fitting(params, pairs)
    asked = situations(params, board)
    masks = sum(1 << int(situation) for situation in np.unique(asked))
    distinct = np.unique(rules & masks)
    return len(rules), [(rule >> asked & 1).astype(np.uint8) for rule in distinct]


@pytest.mark.parametrize(
    "params", [*VARIANTS.values(), Params(pairs=2), Params(kind="elementary", size=7, pairs=2)]
)
def test_every_rule_that_explains_the_pairs_gives_the_answer(params: Params) -> None:
    batch = made(TASK, params, 1000)
    counted = TASK.difficulty_batch(params, batch.question, batch.target)["rules"]
    for question, target, count in zip(batch.question, batch.target, counted, strict=True):
        rules, boards = answers(params, question)
        assert rules == count
        assert len(boards) == 1
        assert np.array_equal(panels_of(params, target)[-1][1], boards[0])
        expected = question.copy()
        panels_of(params, expected)[-1][1][:] = boards[0]
        assert np.array_equal(target, expected)


@pytest.mark.parametrize("params", VARIANTS.values())
def test_verdicts_are_those_of_trying_every_rule(params: Params) -> None:
    """Pairs are changed as well, so that no rule explains them, or several rules do."""
    batch, rng = made(TASK, params, 100), np.random.default_rng(3)
    unsolved = 0
    for question, target in zip(batch.question, batch.target, strict=True):
        changed = question.copy()
        pairs = panels_of(params, changed)
        for number in rng.permutation(len(pairs) - 1)[:2]:
            pairs[number][0][:], pairs[number][1][:] = 0, rng.integers(2)
        rules, boards = answers(params, changed)
        solved = TASK.solve(params, changed)
        assert (solved is not None) == (rules > 0 and len(boards) == 1)
        unsolved += solved is None
        answer = near_misses(target[None], TASK.codes, rng)[0]
        assert TASK.check(params, question, answer).valid == np.array_equal(answer, target)
        assert TASK.check_batch(params, question[None], answer[None])[0] == np.array_equal(answer, target)
    assert 10 < unsolved < 100


def test_near_misses_are_refused() -> None:
    params = VARIANTS["elementary"]
    batch = made(TASK, params, 1)
    question, target = batch.question[0], batch.target[0]
    wrong = target.copy()
    wrong[-1, 3] ^= 1
    row = len(target) - 1
    assert TASK.check(params, question, wrong).reason == (
        f"1 of {target.size} cells differ from the answer, the first at row {row}, column 3"
    )
    wrong[0, 0] = 2
    assert not TASK.check(params, question, wrong).valid
    assert TASK.check(params, target, target).reason == "no answer to this question is right"
    first = question.copy()
    first[-1, 3] = wrong[-1, 3]
    assert TASK.check_step(params, question, question, first).reason == (
        f"the code at row {row}, column 3 does not follow from the question"
    )
    first[-1, 3] ^= 1
    assert TASK.check_step(params, question, question, first).valid


def test_parameters_outside_their_range_are_refused() -> None:
    for values in ({"size": 4}, {"size": 25}, {"pairs": 1}, {"pairs": 7}, {"kind": "cyclic"}, {"kind": 3}):
        with pytest.raises(UserError, match=next(iter(values))):
            Params(**values)  # pyright: ignore[reportArgumentType] wrong on purpose
