"""Test elementary cellular automata: diagrams, verdicts and steps against a slow twin and known rules."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles import cells
from vizbench import seeds
from vizbench.errors import UserError
from vizbench.generators.eca import TASK, UNKNOWN, VARIANTS, Params


def unfold(rule: int, width: int, rows: int) -> np.ndarray:
    """Return the diagram from one live cell in the middle."""
    question = np.full((rows, width), UNKNOWN, np.uint8)
    question[0] = 0
    question[0, width // 2] = 1
    return TASK.outcome(Params(rule=rule, width=width, rows=rows), question)


@given(st.integers(0, 255), st.integers(1, 20), st.integers(2, 9), st.integers(0, 2**64 - 1))
def test_diagrams_agree_with_the_twin(rule: int, width: int, rows: int, key: int):
    batch = TASK.generate_batch(Params(rule=rule, width=width, rows=rows), seeds.keys(key, 0, 3))
    for question, target in zip(batch.question, batch.target, strict=True):
        assert question[0].tolist() == target[0].tolist()
        assert (question[1:] == UNKNOWN).all()
        assert target.tolist() == cells.eca_diagram(target[0].tolist(), rule, rows)


@pytest.mark.parametrize("params", VARIANTS.values(), ids=str)
def test_mutated_targets_are_verified_as_by_the_slow_twin(params: Params):
    batch = TASK.generate_batch(params, seeds.keys(6, 0, 100))
    rng = np.random.default_rng(7)
    for question, target in zip(batch.question, batch.target, strict=True):
        answer = target.copy()
        for place in rng.integers(0, answer.size, rng.integers(0, 3)):
            answer.flat[place] = rng.integers(TASK.codes)
        right = cells.eca_diagram(question[0].tolist(), params.rule, params.rows)
        assert TASK.check(params, question, answer).valid == (answer.tolist() == right)


def test_rule_30_centre_column():
    """The column is OEIS A051023."""
    centre = "11011100110001011001001110101110"
    diagram = unfold(30, 2 * len(centre) + 1, len(centre))
    assert "".join(map(str, diagram[:, len(centre)])) == centre


def test_rule_90_draws_pascals_triangle_mod_2():
    diagram = unfold(90, 41, 20)
    for n in range(20):
        odd = [20 + 2 * k - n for k in range(n + 1) if comb(n, k) % 2]
        assert np.flatnonzero(diagram[n]).tolist() == odd


def test_rule_170_shifts_left_on_a_ring_and_204_keeps():
    batch = TASK.generate_batch(Params(rule=170), seeds.keys(1, 0, 5))
    for k in range(8):
        assert np.array_equal(batch.target[:, k], np.roll(batch.target[:, 0], -k, axis=1))
    kept = TASK.generate_batch(Params(rule=204), seeds.keys(1, 0, 5)).target
    assert (kept == kept[:, :1]).all()


def test_rule_110_grows_to_the_left_only():
    diagram = unfold(110, 33, 16)
    assert not diagram[:, 17:].any()
    assert (np.argmax(diagram, axis=1) == 16 - np.arange(16)).all()


def test_the_papers_rules_with_110_first():
    rules = {8, 32, 128, 160, 4, 108, 170, 250, 30, 45, 90, 150, 54, 62, 106, 110}
    assert next(iter(VARIANTS)) == "110"
    assert {p.rule for p in VARIANTS.values()} == rules


def test_unknown_cells_are_no_answer():
    batch = TASK.generate_batch(Params(), seeds.keys(1, 0, 1))
    question, target = batch.question[0], batch.target[0]
    assert not TASK.check(Params(), question, question).valid
    near = target.copy()
    near[7, 15] = UNKNOWN
    result = TASK.check(Params(), question, near)
    assert result.reason == "1 of 128 cells differ from rule 110, the first at row 7, column 15"


def test_first_row_must_stay():
    """Rule 170 shifts: a diagram of another first row obeys the rule but answers another question."""
    params = Params(rule=170)
    batch = TASK.generate_batch(params, seeds.keys(1, 0, 2))
    assert not TASK.check(params, batch.question[0], batch.target[1]).valid


def test_steps_uncover_one_row_each():
    batch = TASK.generate_batch(Params(), seeds.keys(1, 0, 1))
    states = TASK.steps(Params(), batch.question[0], batch.target[0])
    assert states.shape == (7, 8, 16)
    for k, state in enumerate(states):
        assert np.array_equal(state[: k + 2], batch.target[0, : k + 2])
        assert (state[k + 2 :] == UNKNOWN).all()


@given(st.integers(0, 255), st.integers(1, 9), st.integers(2, 7), st.integers(0, 2**32), st.data())
def test_a_step_is_the_next_row_and_no_other(
    rule: int, width: int, rows: int, seed: int, data: st.DataObject
):
    rng = np.random.default_rng(seed)
    diagram = np.array(cells.eca_diagram(rng.integers(0, 2, width).tolist(), rule, rows), np.uint8)
    known = data.draw(st.integers(1, rows))
    before, expected = diagram.copy(), diagram.copy()
    before[known:] = UNKNOWN
    expected[known + 1 :] = UNKNOWN
    after = expected.copy()
    for place in rng.integers(0, after.size, data.draw(st.integers(0, 2))):
        after.flat[place] = rng.integers(3)
    result = TASK.check_step(Params(rule=rule, width=width, rows=rows), before, before, after)
    assert result.valid == (known < rows and np.array_equal(after, expected))
    assert (result.reason == "no step follows: every row is known already") == (known == rows)


def test_a_row_must_follow_even_where_the_first_is_unknown():
    blank = np.full((4, 4), UNKNOWN, np.uint8)
    reason = TASK.check_step(Params(), blank, blank, blank).reason
    assert reason == "no step follows: the first row is unknown"


def test_two_rows_at_once_are_a_wrong_step():
    batch = TASK.generate_batch(Params(), seeds.keys(1, 0, 1))
    states = TASK.steps(Params(), batch.question[0], batch.target[0])
    reason = TASK.check_step(Params(), batch.question[0], batch.question[0], states[1]).reason
    assert reason == "16 of 128 cells differ from one step of rule 110, the first at row 2, column 0"


def measured(params: Params, question: np.ndarray, answer: np.ndarray) -> tuple[float, float]:
    """Return the parts `rows` and `cells` of one answer."""
    parts = TASK.parts_batch(params, question[None], question[None], answer[None])
    return float(parts["rows"][0]), float(parts["cells"][0])


def slow_row_share(expected: list[int], row: list[int]) -> float:
    """Return the least share of right cells of a code that the row must have."""
    shares: list[float] = []
    for code in set(expected):
        marks = [mark for right, mark in zip(expected, row, strict=True) if right == code]
        shares.append(marks.count(code) / len(marks))
    return min(shares)


def slow_parts(rule: int, question: list[list[int]], answer: list[list[int]]) -> tuple[float, float]:
    """Return the parts of an answer, read from their clauses."""
    if answer[0] != question[0] or len(question) == 1:
        return 0.0, 0.0
    diagram = cells.eca_diagram(question[0], rule, len(question))
    pairs = list(zip(diagram[1:], answer[1:], strict=True))
    rows = 0.0
    for expected, row in pairs:
        rows += slow_row_share(expected, row)
        if row != expected:
            break
    right = wrong = 0
    for expected, row in pairs:
        for a, b in zip(expected, row, strict=True):
            right += a == b
            wrong += b not in (a, UNKNOWN)
    return rows / len(pairs), max(0.0, (right - wrong) / max(1, right + wrong))


@given(st.integers(0, 255), st.integers(1, 9), st.integers(1, 7), st.integers(0, 2**32), st.integers(0, 12))
def test_parts_are_those_of_the_slow_twin(rule: int, width: int, rows: int, seed: int, changes: int):
    rng = np.random.default_rng(seed)
    params = Params(rule=rule, width=width, rows=max(rows, 2))
    diagram = np.array(cells.eca_diagram(rng.integers(0, 2, width).tolist(), rule, rows), np.uint8)
    question, answer = diagram.copy(), diagram.copy()
    question[1:] = UNKNOWN
    answer[rng.integers(1, rows + 1) :] = rng.integers(3)
    flat = answer[int(rng.integers(2)) :].reshape(-1)
    for place in rng.integers(0, flat.size, changes) if flat.size else ():
        flat[place] = rng.integers(3)
    actual = measured(params, question, answer)
    assert actual == pytest.approx(slow_parts(rule, question.tolist(), answer.tolist()))
    result = TASK.check(params, question, answer)
    assert TASK.check_batch(params, question[None], answer[None]).tolist() == [result.valid]


def test_parts_read_by_hand():
    """Rule 170 shifts each row to the left."""
    params = Params(rule=170, width=4, rows=5)
    right = np.array([[1, 1, 0, 0], [1, 0, 0, 1], [0, 0, 1, 1], [0, 1, 1, 0], [1, 1, 0, 0]], np.uint8)
    question = right.copy()
    question[1:] = UNKNOWN
    assert measured(params, question, right) == (1, 1)
    half = np.where(np.arange(5)[:, None] < 3, right, np.uint8(UNKNOWN))
    assert measured(params, question, half) == (0.5, 1)
    one_wrong = right.copy()
    one_wrong[3, 0] = 1  # of the two dead cells of the third row, one is right
    assert measured(params, question, one_wrong) == (2.5 / 4, 14 / 16)
    dead = np.where(np.arange(5)[:, None] < 1, right, np.uint8(0))
    assert measured(params, question, dead) == (0, 0)
    changed = right.copy()
    changed[0, 0] = 0
    assert measured(params, question, changed) == (0, 0)


@pytest.mark.parametrize("rule", [8, 32, 128, 160])
def test_dead_rows_earn_little_even_if_the_rule_dies_out(rule: int):
    params = Params(rule=rule)
    batch = TASK.generate_batch(params, seeds.keys(3, 0, 300))
    dead = batch.question.copy()
    dead[:, 1:] = 0
    wrong = ~TASK.check_batch(params, batch.question, dead)
    parts = TASK.parts_batch(params, batch.question, batch.target, dead)
    assert (parts["rows"] * parts["cells"])[wrong].max() == 0


def test_the_rule_is_put_in_words():
    for text in TASK.instructions(Params(rule=110)):
        assert "live-live-dead, live-dead-live, dead-live-live, dead-live-dead or dead-dead-live," in text
    for rule, text in ((0, "is a dead cell"), (255, "is a live cell"), (1, "are dead-dead-dead,")):
        assert all(text in wording for wording in TASK.instructions(Params(rule=rule)))


def test_difficulty_ranks_simple_below_chaotic():
    def mean(rule: int) -> float:
        params = Params(rule=rule)
        batch = TASK.generate_batch(params, seeds.keys(5, 0, 50))
        rows = zip(batch.question, batch.target, strict=True)
        return float(np.mean([TASK.difficulty(params, q, t)["score"] for q, t in rows]))

    assert mean(8) < mean(108) < mean(30)
    assert mean(150) > 0.9


@pytest.mark.parametrize("values", [{"rule": -1}, {"rule": 256}, {"width": 0}, {"width": 257}, {"rows": 1}])
def test_parameters_out_of_range(values: dict[str, int]):
    with pytest.raises(UserError, match=next(iter(values))):
        Params(**values)
