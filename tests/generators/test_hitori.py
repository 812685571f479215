"""Test Hitori: unique by a SAT solver, levels as named, answers and steps against a slow twin."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pysat.solvers import Minisat22

import vizbench as vb
from tests.oracles import hitori
from vizbench import seeds
from vizbench.errors import UserError
from vizbench.generators.hitori import TASK, VARIANTS, Params
from vizbench.task import registry
from vizbench.types import Batch, Grid, Instance

EVERY_VARIANT = pytest.mark.parametrize("name", VARIANTS)
EVERY_SIZE = pytest.mark.parametrize("size", [4, 5, 6, 7, 8])
CHANGES = st.lists(st.tuples(st.integers(0, 63), st.integers(0, 2)), max_size=4)


def board(rows: list[str]) -> Grid:
    return np.array([list(map(int, row)) for row in rows], np.uint8)


def made(params: Params, count: int, seed: int = 5) -> Batch:
    return TASK.generate_batch(params, seeds.keys(seed, 0, count))


def around(cells: set[tuple[int, int]], size: int) -> set[tuple[int, int]]:
    near = {(r + dr, c + dc) for r, c in cells for dr, dc in ((0, 1), (1, 0), (0, -1), (-1, 0))}
    return {(r, c) for r, c in near - cells if 0 <= r < size and 0 <= c < size}


def sat_solutions(question: Grid, limit: int) -> set[bytes]:
    """Return solutions by a SAT solver. Variable 1 + size r + c: the cell at r, c is shaded.

    If a model is not connected, a clause forbids it: not all cells around a cut-off part may be shaded.
    """
    size = len(question)
    cells = [(r, c) for r in range(size) for c in range(size)]

    def shaded(cell: tuple[int, int]) -> int:
        return 1 + size * cell[0] + cell[1]

    clauses: list[list[int]] = []
    for a, b in combinations(cells, 2):
        if abs(a[0] - b[0]) + abs(a[1] - b[1]) == 1:
            clauses.append([-shaded(a), -shaded(b)])
        if (a[0] == b[0] or a[1] == b[1]) and question[a] == question[b]:
            clauses.append([shaded(a), shaded(b)])
    actual: set[bytes] = set()
    with Minisat22(bootstrap_with=clauses) as solver:
        while len(actual) < limit and solver.solve():
            model = list(solver.get_model() or [])
            parts = hitori.parts({cell for cell in cells if shaded(cell) not in model})
            if len(parts) > 1:
                solver.add_clause([-shaded(cell) for cell in around(parts[0], size)])
                continue
            actual.add(bytes(shaded(cell) in model for cell in cells))
            another = [-shaded(cell) if shaded(cell) in model else shaded(cell) for cell in cells]
            solver.add_clause(another)
    return actual


def test_the_variants_are_those_of_record() -> None:
    assert {name: (p.size, p.depth) for name, p in VARIANTS.items()} == {
        "5": (5, "any"),
        "6": (6, "any"),
        "8": (8, "any"),
        "easy": (6, "easy"),
        "medium": (6, "medium"),
        "hard": (6, "hard"),
    }
    assert registry.spec("hitori").name == "hitori/5"


@EVERY_VARIANT
def test_questions_have_one_solution(name: str) -> None:
    batch = made(VARIANTS[name], 40)
    for question, target in zip(batch.question, batch.target, strict=True):
        assert 1 <= question.min() <= question.max() <= VARIANTS[name].size
        assert sat_solutions(question, 2) == {target.tobytes()}
        assert hitori.valid(question.tolist(), target.tolist())
        solved = TASK.solve(VARIANTS[name], question)
        assert solved is not None
        assert np.array_equal(solved, target)


@pytest.mark.parametrize("depth", ["easy", "medium", "hard"])
@EVERY_SIZE
def test_every_size_has_every_depth(size: int, depth: str) -> None:
    params = Params(size, depth)
    batch = made(params, 8)
    for question, target in zip(batch.question, batch.target, strict=True):
        assert sat_solutions(question, 2) == {target.tobytes()}
        actual = TASK.difficulty(params, question, target)
        rank = 64 if actual["left"] else actual["rounds"]
        assert {"easy": rank <= 2, "medium": rank == 3, "hard": rank >= 4}[depth]


def test_difficulty_rises_with_the_depth() -> None:
    def mean(name: str) -> float:
        batch = made(VARIANTS[name], 100)
        rows = zip(batch.question, batch.target, strict=True)
        return float(np.mean([TASK.difficulty(VARIANTS[name], q, t)["score"] for q, t in rows]))

    assert mean("5") < mean("6") < mean("8")
    assert mean("easy") < mean("medium") < mean("hard")


def naive_rounds(question: list[list[int]]) -> tuple[int, int, int]:
    """Return rounds, cells tried and cells left, as `difficulty` defines them.

    Both values of a cell are tried, one step ahead.
    """
    size = len(question)
    cells = [(r, c) for r in range(size) for c in range(size)]
    known: dict[tuple[int, int], int] = {}

    def breaks(cell: tuple[int, int], value: int) -> bool:
        state = {**known, cell: value}
        shaded = {k for k, v in state.items() if v == 1}
        spared = {k for k, v in state.items() if v == 0} | around(shaded, size)
        for a, b in product(spared, cells):
            if a != b and (a[0] == b[0] or a[1] == b[1]) and question[a[0]][a[1]] == question[b[0]][b[1]]:
                shaded.add(b)
        touching = any((r + 1, c) in shaded or (r, c + 1) in shaded for r, c in shaded)
        holding = [part for part in hitori.parts(set(cells) - shaded) if part & spared]
        return touching or bool(shaded & spared) or len(holding) > 1

    rounds, tried = 0, 0
    while True:
        decided: dict[tuple[int, int], int] = {}
        for cell in cells:
            if cell not in known:
                tried += 1
                if breaks(cell, 1):
                    decided[cell] = 0
                elif breaks(cell, 0):
                    decided[cell] = 1
        if not decided:
            return rounds, tried, len(cells) - len(known)
        known |= decided
        rounds += 1


@pytest.mark.parametrize("params", [Params(4), Params(5), Params(5, "hard"), Params(6)])
def test_rounds_are_those_of_the_slow_twin(params: Params) -> None:
    batch = made(params, 15)
    for question, target in zip(batch.question, batch.target, strict=True):
        actual = TASK.difficulty(params, question, target)
        assert naive_rounds(question.tolist()) == (actual["rounds"], actual["tried"], actual["left"])


def test_no_cell_can_be_added_to_an_answer() -> None:
    batch = made(Params(6), 20)
    for question, target in zip(batch.question, batch.target, strict=True):
        for r, c in np.argwhere(target == 0):
            more = target.copy()
            more[r, c] = 1
            assert not TASK.check(Params(6), question, more).valid


@EVERY_SIZE
def test_boards_vary(size: int) -> None:
    batch = made(Params(size), 500)
    assert len(np.unique(batch.question, axis=0)) == 500
    assert len(np.unique(batch.target, axis=0)) > (100 if size == 4 else 400)
    shown = np.bincount(batch.question.ravel(), minlength=size + 1)[1:] / batch.question.size
    assert np.abs(shown - 1 / size).max() < 0.02


@given(st.integers(0, 2**63 - 1), CHANGES)
def test_verdict_equals_the_slow_twin_after_any_change(seed: int, changes: list[tuple[int, int]]) -> None:
    batch = made(Params(), 1, seed)
    answer = batch.target[0].copy()
    for cell, code in changes:
        answer.flat[cell % answer.size] = code
    result = TASK.check(Params(), batch.question[0], answer)
    assert result.valid == hitori.valid(batch.question[0].tolist(), answer.tolist())
    assert (result.reason == "") == result.valid


@pytest.mark.parametrize(("size", "count"), [(4, 1500), (5, 1000), (8, 150)])
def test_mutated_targets_are_verified_as_by_the_slow_twin(size: int, count: int) -> None:
    batch = made(Params(size), count)
    rng = np.random.default_rng(4)
    right = 0
    for question, target in zip(batch.question, batch.target, strict=True):
        asked, answer = question.copy(), target.copy()
        if rng.random() < 0.5:  # digits under shade are free: the answer stays right
            under = rng.random(asked.shape) < 0.5 * target
            asked[under] = rng.integers(1, size + 1, int(under.sum()))
        if rng.random() < 0.7:
            for place in rng.choice(answer.size, rng.integers(1, 4), replace=False):
                answer.flat[place] ^= 1
        if rng.random() < 0.3:  # fewer cells contend: unshading may be right
            asked[answer == 0] = rng.permutation(np.arange(asked.size) % 8 + 1)[: int((answer == 0).sum())]
        result = TASK.check(Params(size), asked, answer)
        assert result.valid == hitori.valid(asked.tolist(), answer.tolist())
        right += result.valid
    assert 0.05 * count < right < 0.95 * count


@given(st.integers(1, 6), st.integers(1, 6), st.data())
def test_any_board_and_answer_are_verified_as_by_the_slow_twin(h: int, w: int, data: st.DataObject) -> None:
    digits = st.lists(st.lists(st.integers(0, 8), min_size=w, max_size=w), min_size=h, max_size=h)
    masks = st.lists(st.lists(st.sampled_from([0, 0, 0, 1]), min_size=w, max_size=w), min_size=h, max_size=h)
    question, answer = data.draw(digits), data.draw(masks)
    result = TASK.check(Params(), np.array(question, np.uint8), np.array(answer, np.uint8))
    assert result.valid == hitori.valid(question, answer)


@given(st.integers(4, 6), st.data())
def test_solve_agrees_with_the_sat_solver_on_any_question(size: int, data: st.DataObject) -> None:
    row = st.lists(st.integers(0, 8), min_size=size, max_size=size)
    question = np.array(data.draw(st.lists(row, min_size=size, max_size=size)), np.uint8)
    actual = TASK.solve(Params(size), question)
    assert (actual is None) == (not sat_solutions(question, 1))
    assert actual is None or hitori.valid(question.tolist(), actual.tolist())


# A board without repeats, and one whose top left digit is in its row and its column once more.
FREE = ["1234", "2341", "3412", "4123"]
ASKED = ["1123", "2341", "1432", "3214"]


@pytest.mark.parametrize(
    ("question", "answer", "reason"),
    [
        (FREE, ["0110", "0000", "0000", "1001"], "row 0, column 1 and row 0, column 2 are side by side"),
        (FREE, ["0001", "0001", "0000", "0000"], "row 0, column 3 and row 1, column 3 are side by side"),
        (FREE, ["0100", "1000", "0000", "0000"], "13 unshaded cells are cut off from the first"),
        (FREE, ["0010", "0100", "1000", "0000"], "10 unshaded cells are cut off from the first"),
        (
            FREE,
            ["0000", "0200", "0000", "0000"],
            "the cell at row 1, column 1 is neither 0, unshaded, nor 1, shaded",
        ),
        (ASKED, ["0000", "0000", "1000", "0000"], "row 0 holds the digit 1 unshaded more than once"),
        (ASKED, ["0100", "0000", "0000", "0000"], "column 0 holds the digit 1 unshaded more than once"),
        (ASKED, ["1100", "0000", "0000", "0000"], "row 0, column 0 and row 0, column 1 are side by side"),
    ],
)
def test_near_misses(question: list[str], answer: list[str], reason: str) -> None:
    result = TASK.check(Params(4), board(question), board(answer))
    assert (result.valid, result.reason.removeprefix("the shaded cells at ")) == (False, reason)


@given(
    st.integers(4, 8),
    st.integers(0, 2**63 - 1),
    st.floats(0, 1),
    st.lists(st.tuples(st.integers(0, 63), st.integers(0, 8)), max_size=8),
)
def test_parts_equal_the_slow_twin(
    size: int, seed: int, share: float, changes: list[tuple[int, int]]
) -> None:
    batch = made(Params(size), 1, seed)
    answer = batch.target * (np.random.default_rng(seed).random(batch.target.shape) < share)
    answer = answer.astype(np.uint8)
    for cell, code in changes:
        answer.flat[cell % answer.size] = code
    actual = TASK.parts_batch(Params(size), batch.question, batch.target, answer)
    expected = hitori.progress(batch.target[0].tolist(), answer[0].tolist())
    assert {name: float(part[0]) for name, part in actual.items()} == pytest.approx(expected)


@pytest.mark.parametrize(
    ("answer", "right", "apart", "connected"),
    [
        (["0000", "0000", "0000", "0000"], 0, 1, 1),
        (["1000", "0000", "0000", "0000"], 1 / 3, 1, 1),
        (["1000", "0100", "0000", "0000"], 2 / 3, 1, 1),
        (["1000", "0100", "0000", "0100"], 1 / 3, 1, 1),  # a wrong cell is taken from two right ones
        (["1000", "0110", "0000", "0001"], 2 / 3, 2 / 4, 1),
        (["1000", "0100", "1000", "0001"], 2 / 3, 1, 11 / 12),  # row 1, column 0 is cut off
        (["1000", "0200", "0000", "0001"], 1 / 3, 1, 1),
        (["1111", "1111", "1111", "1111"], 0, 0, 0),
    ],
)
def test_parts_of_answers_read_by_hand(
    answer: list[str], right: float, apart: float, connected: float
) -> None:
    target = board(["1000", "0100", "0000", "0001"])
    parts = TASK.parts_batch(Params(4), board(ASKED)[None], target[None], board(answer)[None])
    actual = {name: float(part[0]) for name, part in parts.items()}
    assert actual == pytest.approx({"right": right, "apart": apart, "connected": connected})


@pytest.mark.parametrize("size", [4, 8])
def test_a_batch_is_checked_as_by_the_slow_twin(size: int) -> None:
    batch = made(Params(size), 200)
    rng = np.random.default_rng(6)
    answers = np.where(rng.random(batch.target.shape) < 0.02, 1 - batch.target, batch.target)
    valid = TASK.check_batch(Params(size), batch.question, answers.astype(np.uint8))
    expected = [hitori.valid(q.tolist(), a.tolist()) for q, a in zip(batch.question, answers, strict=True)]
    assert valid.tolist() == expected
    assert 10 < valid.sum() < 190
    assert not TASK.check_batch(Params(size), batch.question, answers[:, :-1].astype(np.uint8)).any()


def test_answers_read_by_hand_are_right() -> None:
    for question, answer in (
        (ASKED, ["1000", "0000", "0000", "0000"]),
        (ASKED, ["1000", "0100", "0000", "0001"]),  # more shade than is called for
        (FREE, ["0000", "0000", "0000", "0000"]),
        (FREE, ["0100", "0001", "0000", "1000"]),
    ):
        assert TASK.check(Params(4), board(question), board(answer)).valid


def test_steps_shade_the_cells_in_reading_order() -> None:
    batch = made(Params(8), 5)
    for question, target in zip(batch.question, batch.target, strict=True):
        steps = TASK.steps(Params(8), question, target)
        assert len(steps) == target.sum()
        instance = Instance("hitori/8", Params(8), 0, "test", 0, question, target, steps)
        assert TASK.verify_steps(instance, steps).exact
        order = np.random.default_rng(1).permutation(np.flatnonzero(target))
        states = np.array(
            [np.isin(np.arange(64), order[: k + 1]).reshape(8, 8) for k in range(len(order))], np.uint8
        )
        assert TASK.verify_steps(instance, states).exact
        assert not TASK.verify_steps(instance, np.delete(states, 1, axis=0)).valid
        assert not TASK.verify_steps(instance, states[:-1]).valid


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("0000 0000 0000", "0000 0000 0000", "0 cells changed, but a step shades one"),
        ("question", "0000 0000 0000", "0 cells changed, but a step shades one"),
        ("question", "1000 0100 0000", "2 cells changed, but a step shades one"),
        ("0000 0100 0000", "0000 0000 0000", "the shaded cell at row 1, column 1 was changed back"),
        (
            "0000 0100 0000",
            "0000 0100 0003",
            "the cell at row 2, column 3 is neither 0, unshaded, nor 1, shaded",
        ),
        (
            "0000 0100 0000",
            "0000 0110 0000",
            "the shaded cells at row 1, column 1 and row 1, column 2 are side by side",
        ),
        ("0100 0000 0000", "0100 1000 0000", "9 unshaded cells are cut off from the first"),
    ],
)
def test_steps_that_break_a_rule_are_named(before: str, after: str, reason: str) -> None:
    question = board(["1234", "2341", "3412"])
    start = question if before == "question" else board(before.split())
    result = TASK.check_step(Params(4), question, start, board(after.split()))
    assert (result.valid, result.reason) == (False, reason)


@given(st.integers(0, 2**63 - 1), st.integers(0, 7), CHANGES)
def test_steps_are_verified_as_by_the_slow_twin(seed: int, done: int, changes: list[tuple[int, int]]) -> None:
    batch = made(Params(), 1, seed)
    question, target = batch.question[0], batch.target[0]
    before = [question, *TASK.steps(Params(), question, target)][min(done, int(target.sum()))]
    after = before * (before is not question)
    for cell, code in changes[:2]:
        after.flat[cell % after.size] = code
    result = TASK.check_step(Params(), question, before, after)
    assert result.valid == hitori.step_legal(question.tolist(), before.tolist(), after.tolist())
    assert (result.reason == "") == result.valid


def test_pictures_have_the_paper_s_size() -> None:
    assert vb.render(made(Params(), 1).question[0], TASK.look).shape == (176, 176, 3)


@pytest.mark.parametrize(("size", "depth"), [(3, "any"), (9, "any"), (10**30, "any"), (5, "HARD"), (5, "")])
def test_parameters_outside_their_range_are_refused(size: int, depth: str) -> None:
    with pytest.raises(UserError, match=r"size=|depth of hitori"):
        Params(size, depth)


@pytest.mark.parametrize("shape", [(1, 1), (4, 6), (8, 8), (6, 5)])
def test_a_stored_question_of_another_size_has_no_solution(shape: tuple[int, int]) -> None:
    question = np.ones(shape, np.uint8)
    assert TASK.solve(Params(), question) is None
    assert TASK.check(Params(), question, np.zeros(shape, np.uint8)).valid == (shape == (1, 1))
