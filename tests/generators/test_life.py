"""Test Life-like automata: both kernels, verdicts and steps against a slow twin and known patterns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles import cells
from vizbench import seeds
from vizbench._util.text import plural
from vizbench.errors import UserError
from vizbench.generators.life import TASK, VARIANTS, Params
from vizbench.types import Instance

RULES = st.builds(
    lambda born, survives: f"B{''.join(sorted(born))}/S{''.join(sorted(survives))}",
    st.sets(st.sampled_from("012345678")),
    st.sets(st.sampled_from("012345678")),
)


def board(text: str) -> np.ndarray:
    return np.array([[int(mark == "#") for mark in row] for row in text.split()], np.uint8)


def last(params: Params, question: np.ndarray) -> np.ndarray:
    """Return the board after all steps."""
    return TASK.run(params, question, params.steps)[-1]


def agree(params: Params, key: int) -> None:
    batch = TASK.generate_batch(params, seeds.keys(key, 0, 3))
    for question, target in zip(batch.question, batch.target, strict=True):
        state = question.tolist()
        states = TASK.steps(params, question, target)
        for k in range(params.steps):
            state = cells.life_next(state, params.rule, params.torus)
            assert states[k].tolist() == state
        assert target.tolist() == state


@given(RULES, st.integers(1, 3), st.floats(0.01, 0.99), st.integers(0, 2**64 - 1))
def test_bit_boards_agree_with_the_twin(rule: str, steps: int, density: float, key: int):
    agree(Params(rule=rule, steps=steps, density=density), key)


@given(
    RULES, st.integers(1, 9), st.integers(1, 9), st.integers(1, 3), st.booleans(), st.integers(0, 2**64 - 1)
)
def test_boards_of_any_size_agree_with_the_twin(rule: str, h: int, w: int, steps: int, torus: bool, key: int):
    agree(Params(rule=rule, height=h, width=w, steps=steps, torus=torus), key)


@pytest.mark.parametrize("density", [0.1, 0.4, 0.5, 0.9])
def test_both_kernels_draw_the_same_board(density: float):
    """The torus takes the kernel for any size; the question must not depend on which kernel drew it."""
    keys = seeds.keys(1, 0, 200)
    fast = TASK.generate_batch(Params(density=density), keys)
    general = TASK.generate_batch(Params(density=density, torus=True), keys)
    assert np.array_equal(fast.question, general.question)
    assert not np.array_equal(fast.target, general.target)


@pytest.mark.parametrize("density", [0.05, 0.25, 0.4, 0.5, 0.97])
def test_density_in_every_cell(density: float):
    n = 20_000
    live = TASK.generate_batch(Params(density=density), seeds.keys(2, 0, n)).question.reshape(n, 64)
    sigma = np.sqrt(density * (1 - density) / n)
    assert np.abs(live.mean(axis=0) - density).max() < 5 * sigma
    together = live[:, :32].astype(bool) & live[:, 32:].astype(bool)
    assert np.abs(together.mean(axis=0) - density**2).max() < 5 * np.sqrt(density**2 * (1 - density**2) / n)


@pytest.mark.parametrize(
    "params", [*VARIANTS.values(), Params(height=5, width=7, steps=2, torus=True)], ids=str
)
def test_mutated_targets_are_verified_as_by_the_slow_twin(params: Params):
    batch = TASK.generate_batch(params, seeds.keys(6, 0, 250))
    rng = np.random.default_rng(7)
    for question, target in zip(batch.question, batch.target, strict=True):
        answer = target.copy()
        for place in rng.integers(0, answer.size, rng.integers(0, 3)):
            answer.flat[place] = rng.integers(TASK.codes)
        right = question.tolist()
        for _ in range(params.steps):
            right = cells.life_next(right, params.rule, params.torus)
        assert TASK.check(params, question, answer).valid == (answer.tolist() == right)


def test_blinker_turns_and_block_stays():
    blinker = board("..... ..... .###. ..... .....")
    block = board(".... .##. .##. ....")
    assert np.array_equal(last(Params(height=5, width=5), blinker), blinker.T)
    assert np.array_equal(last(Params(height=4, width=4), block), block)


def test_glider_moves_one_cell_diagonally_in_four_steps_and_round_a_torus_in_32():
    glider = np.zeros((8, 8), np.uint8)
    glider[:3, :3] = board(".#. ..# ###")
    assert np.array_equal(last(Params(steps=4), glider), np.roll(glider, (1, 1), (0, 1)))
    assert np.array_equal(last(Params(steps=32, torus=True), glider), glider)
    assert not np.array_equal(last(Params(steps=32), glider), glider)


def test_replicator_of_highlife():
    """In HighLife (B36/S23) the replicator has made two of itself after 12 steps."""
    start = np.zeros((32, 32), np.uint8)
    start[13:18, 13:18] = board("..### .#..# #...# #..#. ###..")
    after = last(Params(rule="B36/S23", height=32, width=32, steps=12), start)
    shape = start[13:18, 13:18]
    windows = np.lib.stride_tricks.sliding_window_view(after, shape.shape)
    assert (windows == shape).all((2, 3)).sum() == 2
    assert after.sum() == 2 * start.sum()


def test_seeds_lets_nothing_survive():
    batch = TASK.generate_batch(VARIANTS["seeds"], seeds.keys(3, 0, 100))
    assert not (batch.question & batch.target).any()


def test_rule_is_kept_in_one_spelling():
    assert Params(rule="b63/s332") == Params(rule="B36/S23")
    assert Params(rule="B/S").rule == "B/S"


@pytest.mark.parametrize(
    "rule", ["", "23/3", "B9/S23", "B3S23", "B3/S23 ", "S23/B3", "B3/S2³", "B3/S23\n", "B" * 10**6]
)
def test_no_rule(rule: str):
    with pytest.raises(UserError, match="B/S notation"):
        Params(rule=rule)


@pytest.mark.parametrize(
    "values",
    [
        {"height": 0},
        {"width": 257},
        {"density": 0.0},
        {"density": 1.0},
        {"density": float("nan")},
        {"steps": 0},
    ],
)
def test_parameters_out_of_range(values: dict[str, float]):
    with pytest.raises(UserError, match=next(iter(values))):
        Params(**values)  # pyright: ignore[reportArgumentType] what users may pass


def test_first_wrong_cell_is_named():
    params = Params(height=5, width=5)
    blinker = board("..... ..... .###. ..... .....")
    near = blinker.T.copy()
    near[2, 4] = 1
    near[3, 2] = 0
    result = TASK.check(params, blinker, near)
    assert not result.valid
    assert result.reason == "2 of 25 cells differ from B3/S23 after 1 step, the first at row 2, column 4"


@given(RULES, st.integers(1, 7), st.integers(1, 7), st.booleans(), st.integers(0, 2**32), st.integers(0, 2))
def test_a_step_is_the_twins_and_no_other(rule: str, h: int, w: int, torus: bool, seed: int, flips: int):
    params = Params(rule=rule, height=h, width=w, torus=torus, steps=3)
    rng = np.random.default_rng(seed)
    before = rng.integers(0, 2, (h, w), np.uint8)
    expected = cells.life_next(before.tolist(), rule, torus)
    after = np.array(expected, np.uint8)
    for place in rng.integers(0, after.size, flips):
        after.flat[place] ^= 1
    result = TASK.check_step(params, before, before, after)
    assert result.valid == (after.tolist() == expected)
    assert result.valid or f"differ from one step of {params.rule}" in result.reason


def test_the_number_of_steps_is_part_of_the_question():
    """A block never changes, a blinker comes back every second step: another number of steps is wrong."""
    for text, lengths in ((".... .##. .##. ....", range(1, 6)), ("..... ..... .###. ..... .....", (1, 3, 5))):
        start = board(text)
        params = Params(height=len(start), width=len(start), steps=3)
        states = TASK.steps(params, start, start)
        row = Instance("life", params, 0, "test", 0, start, states[-1], states)
        long = list(TASK.steps(replace(params, steps=5), start, start))
        for k in lengths:
            verdict = TASK.verify_steps(row, long[:k])
            assert np.array_equal(long[k - 1], states[-1])
            assert verdict.valid == (k == 3)
            assert verdict.reason == (
                "" if k == 3 else f"the process has {plural(k, 'state')}, but 3 are asked"
            )


def test_a_wrong_step_is_named():
    start = board("..... ..... .###. ..... .....")
    params = Params(height=5, width=5, steps=4)
    states = TASK.steps(params, start, start).copy()
    row = Instance("life", params, 0, "test", 0, start, states[-1].copy(), states.copy())
    states[2, 0, 0] = 1
    verdict = TASK.verify_steps(row, states)
    assert (
        verdict.reason == "step 3: 1 of 25 cells differ from one step of B3/S23, the first at row 0, column 0"
    )
    assert (verdict.valid, verdict.exact, verdict.cells) == (False, False, 1.0)
    assert verdict.parts == {"steps": 1, "changed": 1, "precise": 1, "legal": 0.5}


def measured(params: Params, question: np.ndarray, answer: np.ndarray) -> dict[str, float]:
    """Return the parts of one answer."""
    parts = TASK.parts_batch(params, question[None], question[None], answer[None])
    return {name: float(column[0]) for name, column in parts.items()}


def differing(a: cells.Rows, b: cells.Rows) -> int:
    return sum(one != other for (_, one), (_, other) in zip(cells.places(a), cells.places(b), strict=True))


def slow_changes(before: cells.Rows, after: cells.Rows, answer: cells.Rows) -> tuple[float, float]:
    """Return the parts `changed` and `precise` of a step, read from their clauses."""
    due: dict[int, list[bool]] = {}
    still: list[bool] = []
    touched: list[bool] = []
    for (place, old), (_, new), (_, made) in zip(
        cells.places(before), cells.places(after), cells.places(answer), strict=True
    ):
        assert 0 <= place[0] < len(before)
        if old == new:
            still.append(made != old)
        else:
            due.setdefault(new, []).append(made == new)
        if made != old:
            touched.append(made == new)
    least = min((sum(hits) / len(hits) for hits in due.values()), default=1.0)
    spoiled = sum(still) / len(still) if still else 0.0
    return max(0.0, least - spoiled), sum(touched) / len(touched) if touched else 0.0


@given(
    RULES,
    st.integers(1, 8),
    st.integers(1, 8),
    st.integers(1, 4),
    st.booleans(),
    st.integers(0, 2**32),
    st.integers(0, 8),
)
def test_parts_are_those_of_the_slow_twin(
    rule: str, h: int, w: int, steps: int, torus: bool, seed: int, flips: int
):
    rng = np.random.default_rng(seed)
    process = [rng.integers(0, 2, (h, w)).tolist()]
    for _ in range(steps):
        process.append(cells.life_next(process[-1], rule, torus))
    answer = np.array(process[rng.integers(len(process))], np.uint8)
    for place in rng.integers(0, answer.size, flips):
        answer.flat[place] ^= 1
    apart = [differing(state, answer.tolist()) for state in process]
    nearest = max(1, apart.index(min(apart)))
    changed, precise = slow_changes(process[nearest - 1], process[nearest], answer.tolist())
    params = Params(rule=rule, height=h, width=w, steps=steps, torus=torus)
    assert measured(params, np.array(process[0], np.uint8), answer) == pytest.approx(
        {"steps": nearest / steps, "changed": changed, "precise": precise}
    )


def test_parts_read_by_hand():
    """A blinker turns: two cells die, two are born, and 21 stay as they are."""
    params = Params(height=5, width=5)
    blinker = board("..... ..... .###. ..... .....")
    assert measured(params, blinker, blinker.T) == {"steps": 1, "changed": 1, "precise": 1}
    assert measured(params, blinker, blinker) == {"steps": 1, "changed": 0, "precise": 0}
    dead = np.zeros_like(blinker)  # nothing is born
    assert measured(params, blinker, dead) == {"steps": 1, "changed": 0, "precise": 2 / 3}
    born = board("..... ..#.. ..#.. ..... .....")  # one cell is missing
    assert measured(params, blinker, born) == {"steps": 1, "changed": 0.5, "precise": 1}
    more = board("#.... ..#.. ..#.. ..#.. .....")  # one cell too many
    assert measured(params, blinker, more) == {"steps": 1, "changed": 1 - 1 / 21, "precise": 4 / 5}
    glider = np.zeros((8, 8), np.uint8)
    glider[:3, :3] = board(".#. ..# ###")
    states = TASK.steps(Params(steps=4), glider, glider)
    for k, state in enumerate(states):
        assert measured(Params(steps=4), glider, state) == {"steps": (k + 1) / 4, "changed": 1, "precise": 1}


@given(RULES, st.integers(1, 9), st.booleans(), st.integers(1, 3), st.integers(0, 2**32), st.integers(0, 2))
def test_batches_say_what_rows_say(rule: str, side: int, torus: bool, steps: int, seed: int, flips: int):
    params = Params(rule=rule, height=side, width=side, steps=steps, torus=torus)
    batch = TASK.generate_batch(params, seeds.keys(seed, 0, 2))
    answer = batch.target.copy()
    answer.flat[np.random.default_rng(seed).integers(0, answer.size, flips)] ^= 1
    rows = [TASK.check(params, *pair).valid for pair in zip(batch.question, answer, strict=True)]
    assert TASK.check_batch(params, batch.question, answer).tolist() == rows
    states = TASK.steps_batch(params, batch.question, batch.target)
    for row, (question, target) in enumerate(zip(batch.question, batch.target, strict=True)):
        assert np.array_equal(states[row], TASK.steps(params, question, target))


def test_rules_are_put_in_words():
    for rule, words in (
        ("B3/S23", "exactly 3 of its eight neighbors are live, a live cell stays live if exactly 2 or 3 of"),
        ("B2/S", "exactly 2 of its eight neighbors are live, no live cell stays live, and every other cell"),
        ("B/S012", "No dead cell becomes live, a live cell stays live if exactly 0, 1 or 2 of its"),
    ):
        assert all(words in wording for wording in TASK.instructions(Params(rule=rule)))
    assert all("after 1 step" in text or "1 step later" in text for text in TASK.instructions(Params()))
    assert all("Opposite edges" in text for text in TASK.instructions(Params(torus=True)))


def test_levels_grow_from_a_glance_to_hard():
    sizes = [params.height * params.width * params.steps for params in TASK.levels]
    assert sizes == sorted(set(sizes))
    assert sizes[0] == 49


def test_difficulty_grows_with_steps():
    params = [Params(steps=k) for k in (1, 2, 3)]
    batches = [TASK.generate_batch(p, seeds.keys(4, 0, 50)) for p in params]
    means = [
        np.mean([TASK.difficulty(p, q, t)["score"] for q, t in zip(b.question, b.target, strict=True)])
        for p, b in zip(params, batches, strict=True)
    ]
    assert means == sorted(means)
    still = board(".... .##. .##. ....")
    assert TASK.difficulty(Params(height=4, width=4), still, still)["surprise"] == 0
