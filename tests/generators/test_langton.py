"""Test Langton's ant: walks, verdicts and steps against a slow twin, and the highway."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles import cells
from vizbench import seeds
from vizbench.errors import UserError
from vizbench.generators.langton import ANT_ON_WHITE, BLACK, TASK, VARIANTS, Params, _walk
from vizbench.types import Instance

N, E, S, W = range(4)


def ant(board: np.ndarray) -> tuple[int, int, int]:
    """Return row, column and heading of the only ant."""
    ((row, column),) = np.argwhere(board >= ANT_ON_WHITE).tolist()
    return row, column, int(board[row, column] - ANT_ON_WHITE) % 4


@given(st.integers(1, 40), st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**64 - 1))
def test_walks_agree_with_the_twin(steps: int, h: int, w: int, key: int):
    params = Params(steps=steps, height=h, width=w)
    batch = TASK.generate_batch(params, seeds.keys(key, 0, 3))
    for question, target in zip(batch.question, batch.target, strict=True):
        assert ant(question) == (h // 2, w // 2, N)
        assert question[h // 2, w // 2] == ANT_ON_WHITE
        black = {(int(r), int(c)) for r, c in np.argwhere(question == BLACK)}
        states = TASK.steps(params, question, target)
        for k in range(steps):
            assert states[k].tolist() == cells.langton_walk(black, (h // 2, w // 2), "N", k + 1, h, w)
        assert np.array_equal(states[-1], target)


@pytest.mark.parametrize("params", [*VARIANTS.values(), Params(steps=30, height=5, width=7)], ids=str)
def test_mutated_targets_are_verified_as_by_the_slow_twin(params: Params):
    batch = TASK.generate_batch(params, seeds.keys(6, 0, 300))
    rng = np.random.default_rng(7)
    for question, target in zip(batch.question, batch.target, strict=True):
        answer = target.copy()
        for place in rng.integers(0, answer.size, rng.integers(0, 3)):
            answer.flat[place] = rng.integers(TASK.codes)
        black = {(int(r), int(c)) for r, c in np.argwhere(question == BLACK)}
        h, w = question.shape
        right = cells.langton_walk(black, (h // 2, w // 2), "N", params.steps, h, w)
        assert TASK.check(params, question, answer).valid == (answer.tolist() == right)


def test_first_moves_on_white_circle_to_the_right():
    board = np.zeros((8, 8), np.uint8)
    board[4, 4] = ANT_ON_WHITE + N
    where = []
    for _ in range(4):
        _walk(board, *ant(board)[:2], 1)
        where.append(ant(board))
    assert where == [(4, 5, E), (5, 5, S), (5, 4, W), (4, 4, N)]
    assert board[4, 4] == ANT_ON_WHITE + 4 + N  # back on its first cell, black by now
    _walk(board, 4, 4, 1)
    assert ant(board) == (4, 3, W)  # on black it turns left
    assert board[4, 4] == 0


def test_highway():
    """On an empty plane the ant builds a highway after some 10,000 steps.

    Every 104 steps it moves two cells diagonally.
    """
    board = np.zeros((200, 200), np.uint8)
    board[100, 100] = ANT_ON_WHITE
    _walk(board, 100, 100, 11_000)
    places = [ant(board)]
    for _ in range(5):
        _walk(board, *places[-1][:2], 104)
        places.append(ant(board))
    rows, columns, headings = np.diff(places, axis=0).T
    assert not headings.any()
    assert len(set(rows)) == len(set(columns)) == 1
    assert abs(rows[0]) == abs(columns[0]) == 2


def test_cells_are_as_often_white_as_black():
    n = 20_000
    black = TASK.generate_batch(Params(), seeds.keys(1, 0, n)).question == BLACK
    share = black.mean(axis=0)
    assert share[4, 4] == 0
    share[4, 4] = 0.5
    assert np.abs(share - 0.5).max() < 5 * 0.5 / np.sqrt(n)


def test_the_papers_variants():
    assert {name: params.steps for name, params in VARIANTS.items()} == {"2": 2, "3": 3, "5": 5, "10": 10}


def test_a_wrong_heading_or_cell_colour_under_the_ant_is_wrong():
    params = Params()
    batch = TASK.generate_batch(params, seeds.keys(1, 0, 1))
    question, target = batch.question[0], batch.target[0]
    row, column, _ = ant(target)
    for code in set(range(10)) - {int(target[row, column])}:
        near = target.copy()
        near[row, column] = code
        result = TASK.check(params, question, near)
        place = f"the first at row {row}, column {column}"
        assert result.reason == f"1 of 64 cells differ from Langton's ant after 2 steps, {place}"
    assert TASK.check(params, question, target).valid


@pytest.mark.parametrize("ants", [0, 2])
def test_a_question_without_one_ant_has_no_answer(ants: int):
    question = np.zeros((8, 8), np.uint8)
    question[0, :ants] = ANT_ON_WHITE
    assert TASK.solve(Params(), question) is None
    result = TASK.check(Params(), question, question)
    assert not result.valid
    assert "exactly one ant" in result.reason


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 30), st.integers(0, 2**32), st.integers(0, 2))
def test_a_step_is_the_twins_and_no_other(h: int, w: int, steps: int, seed: int, changes: int):
    rng = np.random.default_rng(seed)
    black = {(int(r), int(c)) for r, c in np.argwhere(rng.random((h, w)) < 0.5)}
    start = (int(rng.integers(h)), int(rng.integers(w)))
    before = np.array(cells.langton_walk(black, start, "S", steps, h, w), np.uint8)
    expected = cells.langton_walk(black, start, "S", steps + 1, h, w)
    after = np.array(expected, np.uint8)
    for place in rng.integers(0, after.size, changes):
        after.flat[place] = rng.integers(10)
    result = TASK.check_step(Params(height=h, width=w), before, before, after)
    assert result.valid == (after.tolist() == expected)
    assert result.valid or "differ from one step of Langton's ant" in result.reason


def test_an_ant_that_comes_home_walks_no_further():
    """On a torus of one cell each step turns the ant: after four steps it is as it was."""
    params = Params(steps=2, height=1, width=1)
    start = np.array([[ANT_ON_WHITE]], np.uint8)
    states = [np.array(cells.langton_walk(set(), (0, 0), "N", k, 1, 1), np.uint8) for k in range(1, 5)]
    assert np.array_equal(states[1], states[3])
    row = Instance("langton", params, 0, "test", 0, start, states[1], np.stack(states[:2]))
    assert TASK.verify_steps(row, states[:2]).valid
    assert TASK.verify_steps(row, states).reason == "the process has 4 states, but 2 are asked"


def test_a_board_without_one_ant_has_no_next():
    empty = np.zeros((3, 3), np.uint8)
    assert "exactly one ant" in TASK.check_step(Params(), empty, empty, empty).reason


def measured(params: Params, question: np.ndarray, answer: np.ndarray) -> tuple[float, float]:
    """Return the parts `steps` and `near` of one answer."""
    parts = TASK.parts_batch(params, question[None], question[None], answer[None])
    return float(parts["steps"][0]), float(parts["near"][0])


def differing(a: list[list[int]], b: list[list[int]]) -> int:
    pairs = zip(cells.places(a), cells.places(b), strict=True)
    return sum(first != second for first, second in pairs)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 12), st.integers(0, 2**32), st.integers(0, 6))
def test_parts_are_those_of_the_slow_twin(h: int, w: int, steps: int, seed: int, changes: int):
    rng = np.random.default_rng(seed)
    black = {(int(r), int(c)) for r, c in np.argwhere(rng.random((h, w)) < 0.5)}
    start = (int(rng.integers(h)), int(rng.integers(w)))
    question, *states = [cells.langton_walk(black, start, "S", k, h, w) for k in range(steps + 1)]
    answer = np.array(states[rng.integers(steps)], np.uint8)
    for place in rng.integers(0, answer.size, changes):
        answer.flat[place] = rng.integers(10)
    apart = [differing(state, answer.tolist()) for state in states]
    nearest = apart.index(min(apart))
    moved = differing(states[nearest], question)
    ants = sum(code >= 2 for code in answer.ravel().tolist())
    near = max(0.0, 1 - apart[nearest] / moved) ** 2 if moved and ants == 1 else 0.0
    actual = measured(Params(steps=steps, height=h, width=w), np.array(question, np.uint8), answer)
    assert actual == pytest.approx(((nearest + 1) / steps, near))


def test_parts_read_by_hand():
    params = Params(steps=3, height=4, width=4)
    question = np.zeros((4, 4), np.uint8)
    question[2, 2] = ANT_ON_WHITE + N
    states = TASK.steps(params, question, question)
    for k, state in enumerate(states):
        assert measured(params, question, state) == ((k + 1) / 3, 1)
    turned = states[2].copy()
    turned[ant(turned)[:2]] = ANT_ON_WHITE + N
    assert measured(params, question, turned) == (
        1,
        (3 / 4) ** 2,
    )  # three cells are black by now, and the ant
    assert measured(params, question, np.full((4, 4), 9, np.uint8)) == (1 / 3, 0)


@given(st.integers(0, 2**32), st.integers(0, 2), st.integers(0, 3))
def test_batches_check_boards_of_any_number_of_ants(seed: int, ants: int, changes: int):
    rng = np.random.default_rng(seed)
    question = rng.integers(0, 2, (1, 5, 5)).astype(np.uint8)
    question.flat[rng.permutation(25)[:ants]] = rng.integers(2, 10, ants)
    params = Params(steps=4, height=5, width=5)
    solved = TASK.solve(params, question[0])
    answer = (question if solved is None else solved[None]).copy()
    answer.flat[rng.integers(0, 25, changes)] = rng.integers(0, 10, changes)
    result = TASK.check(params, question[0], answer[0])
    assert TASK.check_batch(params, question, answer).tolist() == [result.valid]
    states = TASK.steps_batch(params, question, answer)
    assert len(states[0]) == (4 if ants == 1 else 1)
    if ants != 1:
        assert measured(params, question[0], answer[0]) == (0, 0)


def test_difficulty_grows_with_steps():
    def mean(params: Params) -> float:
        batch = TASK.generate_batch(params, seeds.keys(5, 0, 50))
        rows = zip(batch.question, batch.target, strict=True)
        return float(np.mean([TASK.difficulty(params, q, t)["score"] for q, t in rows]))

    means = [mean(params) for params in VARIANTS.values()]
    assert means == sorted(means)
    assert mean(Params(steps=1)) < means[0]


@pytest.mark.parametrize("values", [{"steps": 0}, {"steps": 1001}, {"height": 0}, {"width": 257}])
def test_parameters_out_of_range(values: dict[str, int]):
    with pytest.raises(UserError, match=next(iter(values))):
        Params(**values)
