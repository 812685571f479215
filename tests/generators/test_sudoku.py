"""Sudoku: unique by a SAT solver's judgement, fairly drawn, every answer and step judged as by a slow twin."""

from __future__ import annotations

import functools
from itertools import combinations, islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pysat.solvers import Minisat22

from tests import naive, naive_sudoku
from vizbench import seeds, task
from vizbench.errors import UserError
from vizbench.generators.kernels.digits import tables
from vizbench.generators.sudoku import MINIMAL, TASK, VARIANTS, Params
from vizbench.types import Batch, Grid, Instance

SOLVED = np.array([[1, 2, 3, 4], [3, 4, 1, 2], [2, 1, 4, 3], [4, 3, 2, 1]], np.uint8)
EASY = VARIANTS["easy"]


def made(params: Params, count: int, seed: int = 5) -> Batch:
    return TASK.generate_batch(params, seeds.keys(seed, 0, count))


def holds(size: int, cell: tuple[int, int], digit: int) -> int:
    """The SAT variable that says so."""
    return size * size * cell[0] + size * cell[1] + digit


@functools.cache
def sat_rules(size: int) -> list[list[int]]:
    """Each cell holds a digit, and no digit twice in a row, column or box."""
    lines, box = range(size), int(size**0.5)
    units = [[(r, c) for c in lines] for r in lines] + [[(r, c) for r in lines] for c in lines]
    units += [[(y + i, x + j) for i in range(box) for j in range(box)] for y in lines[::box] for x in lines[::box]]
    clauses = [[holds(size, (r, c), d) for d in range(1, size + 1)] for r in lines for c in lines]
    pairs = {pair for unit in units for pair in combinations(sorted(unit), 2)}
    return clauses + [[-holds(size, a, d), -holds(size, b, d)] for a, b in pairs for d in range(1, size + 1)]


def sat_solutions(question: Grid, limit: int) -> set[bytes]:
    """Solutions of a question by a SAT solver, as many as the limit."""
    size = len(question)
    givens = [[holds(size, (int(r), int(c)), int(question[r, c]))] for r, c in np.argwhere(question)]
    with Minisat22(bootstrap_with=sat_rules(size) + givens) as solver:
        models = list(islice(solver.enum_models(), limit))
    return {bytes((v - 1) % size + 1 for v in model if v > 0) for model in models}


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
    assert task.spec("sudoku").name == "sudoku/easy"


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


# Figures that rules and names leave alone: rows and columns may change places within their band, bands and stacks may,
# the board may be mirrored and turned, and digits renamed. A shuffle of one base board can change none of them.


def swaps(board: Grid) -> int:
    """Pairs of rows and pairs of columns that cross in two digits, each twice."""
    place = np.argsort(board, axis=1)  # (row, digit - 1): the column of the digit
    total = 0
    for a, b in combinations(range(9), 2):
        for j in range(9):
            k = int(place[b, board[a, j] - 1])
            total += k > j and board[a, k] == board[b, j]
    return total


def same_triples(board: Grid) -> int:
    """Bands and stacks whose three boxes hold the same three sets of digits in their lines."""

    def sets(box: Grid) -> set[frozenset[int]]:
        return {frozenset(line) for line in box.tolist()}

    bands = [side[k : k + 3] for side in (board, board.T) for k in (0, 3, 6)]
    return sum(sets(band[:, :3]) == sets(band[:, 3:6]) == sets(band[:, 6:]) for band in bands)


def cycles(board: Grid) -> tuple[tuple[int, ...], ...]:
    """The cycle lengths of the permutations that lead from one row of a band, or column of a stack, to another."""
    found: list[tuple[int, ...]] = []
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
                found.append(tuple(sorted(lengths)))
    return tuple(sorted(found))


def shuffled(board: Grid, seed: int) -> Grid:
    """Another board of the same class."""
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
    """Were bands filled in evenly, 2 of their 56 patterns, 3.6%, would have the same triples in all boxes."""
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


BOTH = pytest.mark.parametrize("params", [Params(), EASY], ids=["4x4", "9x9"])
CHANGES = st.lists(st.tuples(st.integers(0, 80), st.integers(0, 9)), max_size=4)


@BOTH
@given(seed=st.integers(0, 2**63 - 1), changes=CHANGES)
def test_verdict_equals_the_slow_twin_after_any_change(
    params: Params, seed: int, changes: list[tuple[int, int]]
) -> None:
    batch = made(params, 1, seed)
    answer = batch.target[0].copy()
    for cell, digit in changes:
        answer.flat[cell % answer.size] = digit
    ruling = TASK.check(params, batch.question[0], answer)
    assert ruling.valid == naive.sudoku_valid(batch.question[0].tolist(), answer.tolist(), params.box)
    assert (ruling.reason == "") == ruling.valid


def renamed(answer: Grid, rng: np.random.Generator) -> Grid:
    """Two digits change places in some of the cells, in all, or in two rows: sometimes right where the givens allow."""
    size = len(answer)
    a, b = rng.choice(size, 2, replace=False) + 1
    rows = [np.arange(size), rng.choice(size, 2, replace=False), rng.choice(size, 1)][rng.integers(3)]
    here = np.zeros(answer.shape, bool)
    here[rows] = True
    return np.where(here & (answer == a), b, np.where(here & (answer == b), a, answer)).astype(np.uint8)


@pytest.mark.parametrize(("params", "count"), [(Params(), 2000), (Params(givens=4), 500), (EASY, 150)])
def test_mutated_targets_are_judged_as_by_the_slow_twin(params: Params, count: int) -> None:
    batch = made(params, count)
    rng = np.random.default_rng(4)
    right = 0
    for question, target in zip(batch.question, batch.target, strict=True):
        shown = question * (rng.random(question.shape) < rng.choice([0.0, 0.5, 1.0]))  # fewer givens: more answers
        answer = renamed(target, rng)
        if rng.random() < 0.3:
            answer.flat[rng.integers(answer.size)] = rng.integers(TASK.codes)
        ruling = TASK.check(params, shown, answer)
        assert ruling.valid == naive.sudoku_valid(shown.tolist(), answer.tolist(), params.box)
        right += ruling.valid
    assert 0.05 * count < right < 0.95 * count


@BOTH
def test_every_changed_cell_of_a_target_is_noticed(params: Params) -> None:
    batch = made(params, 3)
    for question, target in zip(batch.question, batch.target, strict=True):
        for r, c, shift in np.ndindex(*target.shape, TASK.codes - 1):
            answer = target.copy()
            answer[r, c] = (answer[r, c] + 1 + shift) % TASK.codes
            assert not TASK.check(params, question, answer).valid


@given(st.lists(st.integers(0, 4), min_size=16, max_size=16))
def test_solve_agrees_with_the_sat_solver_on_any_question(digits: list[int]) -> None:
    question = np.array(digits, np.uint8).reshape(4, 4) * (np.arange(16).reshape(4, 4) % 3 == 0)
    found = TASK.solve(Params(), question)
    solutions = sat_solutions(question, 1000)
    assert (found is None) == (not solutions)
    assert found is None or found.tobytes() in solutions


def test_any_solution_of_an_ambiguous_question_is_valid() -> None:
    question = np.zeros((4, 4), np.uint8)
    swapped = SOLVED.T.copy()
    assert not np.array_equal(swapped, SOLVED)
    assert TASK.check(Params(), question, SOLVED).valid
    assert TASK.check(Params(), question, swapped).valid


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ([(0, 0, 2)], "the given digit at row 0, column 0 was changed"),
        ([(1, 1, 0)], "row 1 does not hold each digit once"),
        ([(0, 1, 3), (0, 2, 2)], "column 1 does not hold each digit once"),
    ],
)
def test_near_misses(cells: list[tuple[int, int, int]], reason: str) -> None:
    question, answer = np.zeros((4, 4), np.uint8), SOLVED.copy()
    question[0, 0] = 1
    for r, c, digit in cells:
        answer[r, c] = digit
    ruling = TASK.check(Params(), question, answer)
    assert (ruling.valid, ruling.reason) == (False, reason)


def test_a_latin_square_with_bad_boxes_is_no_answer() -> None:
    latin = np.array([[1, 2, 3, 4], [2, 3, 4, 1], [3, 4, 1, 2], [4, 1, 2, 3]], np.uint8)
    ruling = TASK.check(Params(), np.zeros((4, 4), np.uint8), latin)
    assert (ruling.valid, ruling.reason) == (False, "box 0 does not hold each digit once")


@BOTH
def test_steps_write_the_empty_cells_in_reading_order(params: Params) -> None:
    batch = made(params, 3)
    for question, target in zip(batch.question, batch.target, strict=True):
        steps = TASK.steps(params, question, target)
        assert np.array_equal(steps[-1], target)
        changed = [np.argwhere(a != b).tolist() for a, b in zip([question, *steps], steps, strict=False)]
        assert changed == [[cell] for cell in np.argwhere(question == 0).tolist()]
        instance = Instance("sudoku/easy", params, 0, "test", 0, question, target, steps)
        assert TASK.verify_steps(instance, steps).exact
        order = np.random.default_rng(1).permutation(np.flatnonzero(question == 0))
        states = np.repeat(question[None], len(order), axis=0)
        for k, cell in enumerate(order):
            states[k:].reshape(len(order) - k, -1)[:, cell] = target.flat[cell]
        assert TASK.verify_steps(instance, states).exact
        assert not TASK.verify_steps(instance, np.delete(states, 1, axis=0)).valid
        assert not TASK.verify_steps(instance, states[:-1]).valid


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ([], "0 cells changed where one is written"),
        ([(1, 1, 4), (2, 2, 4)], "2 cells changed where one is written"),
        ([(0, 0, 0)], "the digit at row 0, column 0 was changed"),
        ([(0, 0, 2)], "the digit at row 0, column 0 was changed"),
        ([(1, 1, 5)], "the digit at row 1, column 1 is over 4"),
        ([(0, 3, 1)], "row 0 holds a 1 already"),
        ([(3, 0, 1)], "column 0 holds a 1 already"),
        ([(1, 1, 1)], "box 0 holds a 1 already"),
        ([(3, 2, 3)], "box 3 holds a 3 already"),
    ],
)
def test_steps_that_break_a_rule_are_named(cells: list[tuple[int, int, int]], reason: str) -> None:
    before = np.zeros((4, 4), np.uint8)
    before[0, 0], before[2, 3] = 1, 3
    after = before.copy()
    for r, c, digit in cells:
        after[r, c] = digit
    ruling = TASK.check_step(Params(), before, before, after)
    assert (ruling.valid, ruling.reason) == (False, reason)


@BOTH
@given(seed=st.integers(0, 2**63 - 1), changes=CHANGES)
def test_steps_are_judged_as_by_the_slow_twin(params: Params, seed: int, changes: list[tuple[int, int]]) -> None:
    before = made(params, 1, seed).question[0]
    after = before.copy()
    for cell, digit in changes[:2]:
        after.flat[cell % after.size] = digit
    ruling = TASK.check_step(params, before, before, after)
    assert ruling.valid == naive_sudoku.step_legal(before.tolist(), after.tolist(), params.box)
    assert (ruling.reason == "") == ruling.valid


def test_difficulty_of_a_question_read_by_hand() -> None:
    question = SOLVED.copy()
    question[0, :3] = question[1:3, 0] = 0  # all but the corner have one digit left; the corner waits for them
    assert TASK.difficulty(Params(givens=11), question, SOLVED) == {
        "score": 9 / 25,
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
    ("box", "givens"), [(3, 23), (3, 81), (2, 3), (2, 16), (1, 8), (4, 100), (2, -1), (3, 10**30), (10**30, 8)]
)
def test_parameters_outside_their_range_are_refused(box: int, givens: int) -> None:
    with pytest.raises(UserError, match=r"box=|givens="):
        Params(box=box, givens=givens)


@BOTH
@pytest.mark.parametrize("shape", [(1, 1), (2, 8), (16, 1), (27, 3), (5, 5), (9, 10)])
def test_a_stored_question_of_another_size_has_no_solution(params: Params, shape: tuple[int, int]) -> None:
    question = np.zeros(shape, np.uint8)
    assert TASK.solve(params, question) is None
    assert not TASK.check(params, question, question).valid
    assert not TASK.check_step(params, question, question, question + np.uint8(1)).valid


def test_a_stored_question_with_a_digit_too_large_has_no_solution() -> None:
    question = np.zeros((4, 4), np.uint8)
    question[2, 2] = 5
    assert TASK.solve(Params(), question) is None


def test_a_9x9_question_whose_only_fault_shows_late_has_no_solution() -> None:
    question = made(EASY, 1).question[0]
    r, c = np.argwhere(question == 0)[0]
    right = TASK.solve(EASY, question)
    assert right is not None
    for digit in range(1, 10):
        other = question.copy()
        other[r, c] = digit
        assert (TASK.solve(EASY, other) is None) == (digit != right[r, c])


def test_tables_know_who_sees_whom() -> None:
    lookup = tables(3)
    assert [len(set(peers)) for peers in lookup.peers.tolist()] == [20] * 81
    assert {frozenset(unit) for unit in lookup.units.tolist()} == {
        *(frozenset(range(9 * r, 9 * r + 9)) for r in range(9)),
        *(frozenset(range(c, 81, 9)) for c in range(9)),
        *(frozenset(9 * (y + i) + x + j for i in range(3) for j in range(3)) for y in (0, 3, 6) for x in (0, 3, 6)),
    }
