"""Test Sudoku: questions are unique by a SAT solver and fairly drawn; their figures and parameters."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from tests.support.sudoku_boards import EASY, SOLVED, made, sat_solutions
from vizbench.errors import UserError
from vizbench.generators.sudoku import MINIMAL, TASK, VARIANTS, Params
from vizbench.kernels.sudoku_search import unit_tables
from vizbench.task import registry
from vizbench.types import Grid


def test_the_variants_are_those_of_record() -> None:
    assert {name: (p.box**2, p.givens) for name, p in VARIANTS.items()} == {
        "easy": (9, 40),
        "medium": (9, 32),
        "hard": (9, 26),
        "minimal": (9, MINIMAL),
        "mini": (4, 8),
        "mini-easy": (4, 10),
        "mini-medium": (4, 6),
        "mini-hard": (4, 4),
    }
    assert registry.spec("sudoku").name == "sudoku/easy"


@pytest.mark.parametrize("givens", [24, 26, 32, 40, 64, 80])
def test_9x9_questions_show_so_many_digits_and_have_one_solution(givens: int) -> None:
    params = Params(box=3, givens=givens)
    batch = made(params, 8)
    for question, target in zip(batch.question, batch.target, strict=True):
        assert (question != 0).sum() == givens
        assert ((question == 0) | (question == target)).all()
        assert sat_solutions(question, 2) == {target.tobytes()}
        assert TASK.check(params, question, target).valid
        solved = TASK.solve(params, question)
        assert solved is not None
        assert np.array_equal(solved, target)


@pytest.mark.parametrize(("box", "count"), [(3, 3), (2, 40)])
def test_no_given_of_a_minimal_question_can_go(box: int, count: int) -> None:
    batch = made(Params(box=box, givens=MINIMAL), count)
    for question, target in zip(batch.question, batch.target, strict=True):
        assert sat_solutions(question, 2) == {target.tobytes()}
        for r, c in np.argwhere(question):
            fewer = question.copy()
            fewer[r, c] = 0
            assert len(sat_solutions(fewer, 2)) == 2


# Figures that no shuffle of one base board can change: rows and columns may change places within their band,
# bands and stacks may, the board may be mirrored and turned, and digits renamed.


def swaps(board: Grid) -> int:
    """Return the number of pairs of rows, or of columns, that cross in two digits, each twice."""
    place = np.argsort(board, axis=1)  # (row, digit - 1): the column of the digit
    total = 0
    for a, b in combinations(range(9), 2):
        for j in range(9):
            k = int(place[b, board[a, j] - 1])
            total += k > j and board[a, k] == board[b, j]
    return total


def same_triples(board: Grid) -> int:
    """Return the bands and stacks whose three boxes have the same three sets of digits in their lines."""

    def sets(box: Grid) -> set[frozenset[int]]:
        return {frozenset(line) for line in box.tolist()}

    bands = [side[k : k + 3] for side in (board, board.T) for k in (0, 3, 6)]
    return sum(sets(band[:, :3]) == sets(band[:, 3:6]) == sets(band[:, 6:]) for band in bands)


def cycles(board: Grid) -> tuple[tuple[int, ...], ...]:
    """Return the cycle lengths of the permutations that map one row of a band to another."""
    actual: list[tuple[int, ...]] = []
    for side in (board, board.T):
        for band in (0, 3, 6):
            for a, b in combinations(range(band, band + 3), 2):
                leads = dict(zip(side[a].tolist(), side[b].tolist(), strict=True))
                lengths: list[int] = []
                while leads:
                    at, length = next(iter(leads)), 0
                    while at in leads:
                        at, length = leads.pop(at), length + 1
                    lengths.append(length)
                actual.append(tuple(sorted(lengths)))
    return tuple(sorted(actual))


def shuffled(board: Grid, seed: int) -> Grid:
    """Return another board of the same class."""
    rng = np.random.default_rng(seed)
    for _ in range(2):
        lines = np.concatenate([3 * band + rng.permutation(3) for band in rng.permutation(3)])
        board = board[lines].T
    return (rng.permutation(9) + 1).astype(np.uint8)[board - 1]


def test_9x9_solutions_are_not_shuffles_of_one_another() -> None:
    boards = made(Params(box=3, givens=64), 400, seed=8).target
    for measure in (swaps, same_triples, cycles):
        assert measure(shuffled(boards[0], 1)) == measure(boards[0])
    assert len({swaps(board) for board in boards}) >= 12
    assert {same_triples(board) for board in boards} >= {0, 1}
    assert len({cycles(board) for board in boards}) >= 380
    assert all(TASK.check(EASY, np.zeros_like(board), board).valid for board in boards)


def test_9x9_solutions_have_no_strong_bent() -> None:
    """If bands were filled evenly, 2 of their 56 patterns, 3.6%, would have the same triples in all boxes."""
    boards = made(Params(box=3, givens=64), 3000, seed=9).target
    share = np.mean([same_triples(board) for board in boards]) / 6
    assert 0.03 < share < 0.055
    for digit in range(1, 10):
        assert np.abs((boards == digit).mean(axis=0) - 1 / 9).max() < 0.03


@pytest.mark.parametrize("givens", [4, 5, 8, 12, 15])
def test_questions_show_so_many_digits_and_have_one_solution(givens: int) -> None:
    batch = made(Params(givens=givens), 40)
    for question, target in zip(batch.question, batch.target, strict=True):
        assert (question != 0).sum() == givens
        assert ((question == 0) | (question == target)).all()
        assert sat_solutions(question, 2) == {target.tobytes()}
        assert TASK.check(Params(givens=givens), question, target).valid
        solved = TASK.solve(Params(givens=givens), question)
        assert solved is not None
        assert np.array_equal(solved, target)


@pytest.mark.parametrize("givens", [8, 4])
def test_all_288_solutions_are_equally_likely(givens: int) -> None:
    expected = 15
    grids, counts = np.unique(made(Params(givens=givens), 288 * expected).target, axis=0, return_counts=True)
    assert {grid.tobytes() for grid in grids} == sat_solutions(np.zeros((4, 4), np.uint8), 1000)
    chi_square, freedom = ((counts - expected) ** 2).sum() / expected, 287
    assert len(counts) == 288
    assert abs(chi_square - freedom) < 4 * (2 * freedom) ** 0.5


def test_every_cell_is_shown_equally_often() -> None:
    shown = (made(Params(), 3000).question != 0).mean(axis=0)
    assert np.abs(shown - 0.5).max() < 0.04


def test_difficulty_of_a_question_read_by_hand() -> None:
    question = SOLVED.copy()
    question[0, :3] = question[1:3, 0] = (
        0  # all but the corner have one digit left; the corner waits for them
    )
    assert TASK.difficulty(Params(givens=11), question, SOLVED) == {
        "score": 9 / 25,
        "effort": 9.0,
        "rounds": 2.0,
        "first": 4.0,
        "places": 0.0,
        "tried": 0.0,
        "empty": 5.0,
    }


def test_difficulty_rises_with_the_level() -> None:
    def mean(name: str, figure: str) -> float:
        batch = made(VARIANTS[name], 100)
        rows = zip(batch.question, batch.target, strict=True)
        return float(np.mean([TASK.difficulty(VARIANTS[name], q, t)[figure] for q, t in rows]))

    for names in (["easy", "medium", "hard"], ["mini-easy", "mini", "mini-medium", "mini-hard"]):
        scores = [mean(name, "score") for name in names]
        assert scores == sorted(scores)
    assert mean("easy", "tried") < 0.1 < 1 < mean("hard", "tried") < mean("minimal", "tried")


@pytest.mark.parametrize(
    ("box", "givens"),
    [(3, 23), (3, 81), (2, 3), (2, 16), (1, 8), (4, 100), (2, -1), (3, 10**30), (10**30, 8)],
)
def test_parameters_outside_their_range_are_refused(box: int, givens: int) -> None:
    with pytest.raises(UserError, match=r"box=|givens="):
        Params(box=box, givens=givens)


def test_tables_know_who_sees_whom() -> None:
    lookup = unit_tables(3)
    assert [len(set(peers)) for peers in lookup.peers.tolist()] == [20] * 81
    cells = np.arange(81).reshape(9, 9)
    units = [*cells, *cells.T]  # rows and columns
    units += [cells[y : y + 3, x : x + 3].ravel() for y in (0, 3, 6) for x in (0, 3, 6)]
    expected = {frozenset(unit.tolist()) for unit in units}
    assert {frozenset(unit) for unit in lookup.units.tolist()} == expected
