"""Fill: what counts as enclosed, boards that keep their promises, verdicts against a slow twin."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.oracles import cells
from vizbench import seeds
from vizbench.errors import UserError
from vizbench.generators.fill import TASK, VARIANTS, Params
from vizbench.types import Batch, Grid


def board(*rows: str) -> Grid:
    return np.array([[".#o".index(mark) for mark in row] for row in rows], np.uint8)


def made(params: Params, count: int, seed: int = 11) -> Batch:
    return TASK.generate_batch(params, seeds.keys(seed, 0, count))


BOARDS = hnp.arrays(np.uint8, st.tuples(st.integers(4, 9), st.integers(4, 9)), elements=st.integers(0, 1))


@given(BOARDS)
def test_solve_equals_the_slow_twin(question: Grid) -> None:
    assert TASK.solve(Params(), question).tolist() == cells.fill_answer(question.tolist())


@given(BOARDS, st.data())
def test_verdict_equals_the_slow_twin_after_any_change(question: Grid, data: st.DataObject) -> None:
    right = cells.fill_answer(question.tolist())
    answer = np.array(right, np.uint8)
    for _ in range(data.draw(st.integers(0, 3))):
        r = data.draw(st.integers(0, answer.shape[0] - 1))
        answer[r, data.draw(st.integers(0, answer.shape[1] - 1))] = data.draw(st.integers(0, 2))
    result = TASK.check(Params(), question, answer)
    assert result.valid == (answer.tolist() == right)
    assert (result.reason == "") == result.valid


@pytest.mark.parametrize(("name", "count"), [("small", 500), ("base", 150), ("large", 50)])
def test_mutated_targets_are_verified_as_by_the_slow_twin(name: str, count: int) -> None:
    params = VARIANTS[name]
    batch = made(params, count)
    rng = np.random.default_rng(7)
    for question, target in zip(batch.question, batch.target, strict=True):
        answer = target.copy()
        for place in rng.integers(0, answer.size, rng.integers(0, 3)):
            answer.flat[place] = rng.integers(TASK.codes)
        right = cells.fill_answer(question.tolist())
        assert TASK.check(params, question, answer).valid == (answer.tolist() == right)


def test_every_changed_cell_of_a_target_is_noticed() -> None:
    batch = made(Params(), 5)
    for question, target in zip(batch.question, batch.target, strict=True):
        assert TASK.check(Params(), question, target).valid
        for r, c, shift in np.ndindex(8, 8, 2):
            answer = target.copy()
            answer[r, c] = (answer[r, c] + 1 + shift) % 3
            assert not TASK.check(Params(), question, answer).valid


def test_a_gap_at_a_corner_holds_and_a_gap_in_a_side_leaks() -> None:
    corner = board("......", "..###.", ".#..#.", ".#..#.", ".####.", "......")
    side = board("......", ".####.", ".#....", ".#..#.", ".####.", "......")
    assert (TASK.solve(Params(), corner) == 2).sum() == 4
    assert (TASK.solve(Params(), side) == 2).sum() == 0


def test_walls_on_the_border_hold_but_an_empty_border_cell_is_open() -> None:
    assert (TASK.solve(Params(), board("####", "#..#", "#..#", "####")) == 2).sum() == 4
    assert (TASK.solve(Params(), board("####", "#..#", "#...", "####")) == 2).sum() == 0


def test_reasons_name_the_fault() -> None:
    question = board("####.", "#..#.", "####.", ".....")
    assert TASK.check(Params(), question, question).reason == "2 enclosed cells are left empty"
    spilt = board("####.", "#oo#.", "####.", "....o")
    assert TASK.check(Params(), question, spilt).reason == "1 open cell is filled"
    breached = board("####.", "#oo#.", "###o.", ".....")
    assert TASK.check(Params(), question, breached).reason == "a wall was added or removed at row 2, column 3"


@pytest.mark.parametrize(
    "params",
    [
        *VARIANTS.values(),
        Params(height=4, width=4),
        Params(height=4, width=11),
        Params(height=5, width=4, shapes=1, broken=1.0, noise=0.0),
        Params(noise=0.5),
    ],
    ids=str,
)
def test_boards_hold_enclosed_and_open_cells_and_equal_the_slow_twin(params: Params) -> None:
    batch = made(params, 60)
    assert (batch.question <= 1).all()
    assert (batch.target == 2).any(axis=(1, 2)).all()
    assert (batch.target == 0).any(axis=(1, 2)).all()
    for question, target in zip(batch.question, batch.target, strict=True):
        assert target.tolist() == cells.fill_answer(question.tolist())


def test_boards_differ_and_line_of_sight_fails_on_a_fifth_of_them() -> None:
    batch = made(Params(), 1000)
    assert len(np.unique(batch.question, axis=0)) > 990
    figures = [TASK.difficulty(Params(), q, t) for q, t in zip(batch.question, batch.target, strict=True)]
    assert 0.15 < np.mean([f["traps"] > 0 for f in figures]) < 0.4
    assert np.mean([f["regions"] > 1 for f in figures]) > 0.3
    assert np.mean([f["filled"] == 1 for f in figures]) < 0.15


@given(st.integers(0, 2**63 - 1), st.sampled_from(list(VARIANTS.values())))
def test_steps_grow_each_region_from_its_first_cell(seed: int, params: Params) -> None:
    batch = made(params, 1, seed)
    question, target = batch.question[0], batch.target[0]
    steps = TASK.steps(params, question, target)
    assert np.array_equal(steps[-1], target)
    assert (steps[0] == 2).sum() == TASK.difficulty(params, question, target)["regions"]
    before = question
    for state in steps:
        new = (state != before) & (state == 2) & (target == 2)
        assert new.any()
        assert ((state == before) | new).all()
        touching = np.pad(before == 2, 1)
        near = touching[:-2, 1:-1] | touching[2:, 1:-1] | touching[1:-1, :-2] | touching[1:-1, 2:]
        assert before is question or near[new].all()
        before = state


def parts_by_the_slow_twin(question: Grid, answer: Grid) -> dict[str, float]:
    """Count cells as the clauses of the parts say."""
    right = cells.fill_answer(question.tolist())
    enclosed, opened, changed = [], [], []
    for place in np.ndindex(question.shape):
        r, c = int(place[0]), int(place[1])
        if right[r][c] != question[r, c]:
            enclosed.append((r, c))
        elif question[r, c] == 0:
            opened.append((r, c))
        if answer[r, c] != question[r, c]:
            changed.append((r, c))
    wet = sum(answer[cell] == 2 for cell in enclosed)
    spilt = sum(answer[cell] == 2 for cell in opened)
    share = wet / len(enclosed) if enclosed else 0.0
    spoiled = spilt / len(opened) if opened else 0.0
    right_changes = wet / len(changed) if changed else 0.0
    return {"filled": max(0.0, share - spoiled) ** 2, "precise": right_changes**2}


def measured(question: Grid, answer: Grid) -> dict[str, float]:
    """Return the parts of one answer, as the family measures them."""
    columns = TASK.parts_batch(Params(), question[None], question[None], answer[None])
    return {name: float(column[0]) for name, column in columns.items()}


@given(BOARDS, st.data())
def test_parts_equal_the_slow_twin(question: Grid, data: st.DataObject) -> None:
    right = np.array(cells.fill_answer(question.tolist()), np.uint8)
    answer = right if data.draw(st.booleans()) else question.copy()
    for _ in range(data.draw(st.integers(0, 12))):
        answer.flat[data.draw(st.integers(0, answer.size - 1))] = data.draw(st.integers(0, 2))
    assert measured(question, answer) == parts_by_the_slow_twin(question, answer)


@pytest.mark.parametrize(
    ("answer", "filled", "precise"),
    [
        (board("####.", "#o.#.", "####.", "....."), 1 / 4, 1.0),
        (board("####.", "#oo#o", "####.", "....."), 49 / 64, 4 / 9),
        (board("####.", "#o.#o", "####o", "....."), 1 / 16, 1 / 9),
        (board("####.", "#oo#.", "###..", "....."), 1.0, 4 / 9),  # a wall was removed
        (board("####o", "#oo#o", "####o", "ooooo"), 0.0, 1 / 25),
        (board(".....", ".....", ".....", "....."), 0.0, 0.0),
    ],
)
def test_parts_read_by_hand(answer: Grid, filled: float, precise: float) -> None:
    question = board("####.", "#..#.", "####.", ".....")
    assert measured(question, answer) == pytest.approx({"filled": filled, "precise": precise})


@given(hnp.arrays(np.uint8, (2, 20, 4, 5), elements=st.integers(0, 2)))
def test_malformed_questions_and_answers_are_judged_as_rows_are(grids: npt.NDArray[np.uint8]) -> None:
    question, answer = grids
    valid = TASK.check_batch(Params(), question, answer)
    for row in range(len(question)):
        assert TASK.check(Params(), question[row], answer[row]).valid == valid[row]
    for column in TASK.parts_batch(Params(), question, question, answer).values():
        assert 0 <= column.min() <= column.max() <= 1
    TASK.steps_batch(Params(), question, answer)
    TASK.difficulty_batch(Params(), question, answer)


@given(BOARDS, st.data())
def test_water_rises_as_the_slow_twin_says(question: Grid, data: st.DataObject) -> None:
    """From a random state of the water, random cells are filled: beside it, elsewhere, too far away."""
    enclosed = np.array(cells.fill_answer(question.tolist()), np.uint8) == 2
    chances = st.sampled_from([0.0, 0.2, 0.5, 1.0])
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    before = np.where(enclosed & (rng.random(question.shape) < data.draw(chances)), np.uint8(2), question)
    after = np.where(enclosed & (rng.random(question.shape) < data.draw(chances)), np.uint8(2), before)
    if data.draw(st.booleans()):
        after.flat[rng.integers(after.size)] = rng.integers(3)
    result = TASK.check_step(Params(), question, before, after)
    assert result.valid == cells.fill_step(question.tolist(), before.tolist(), after.tolist())
    assert (result.reason == "") == result.valid


def test_wrong_steps_are_named() -> None:
    question = board("#####.", "#...#.", "#####.", "......")
    first = board("#####.", "#o..#.", "#####.", "......")

    def reason(before: Grid, *rows: str) -> str:
        return TASK.check_step(Params(), question, before, board(*rows)).reason

    assert reason(question, "#####.", "#..o#.", "#####.", "......") == ""  # from any cell
    assert reason(first, "#####.", "#oo.#.", "#####.", "......") == ""
    assert reason(first, "#####.", "#o..#.", "#####.", "......") == "no cell was filled"
    assert "row 1, column 3 was filled before a cell beside it" in reason(
        first, "#####.", "#ooo#.", "#####.", "......"
    )
    assert "row 1, column 1 was filled before" in reason(question, "#####.", "#oo.#.", "#####.", "......")
    assert (
        reason(first, "#####.", "#oo.#.", "#####.", "o.....")
        == "the cell at row 3, column 0 must not be filled"
    )
    assert (
        reason(first, "#####.", "#.o.#.", "#####.", "......")
        == "the cell at row 1, column 1 must not be cleared"
    )
    assert (
        reason(first, "#####.", "#o#.#.", "#####.", "......")
        == "the cell at row 1, column 2 must not be walled up"
    )


def test_difficulty_of_a_board_read_by_hand() -> None:
    question = board(
        "......",
        ".####.",
        ".#..#.",
        "....#.",
        ".####.",
        "......",
    )
    # (2, 2), (2, 3) see walls above and on both sides, and below; (3, 2), (3, 3) see the border through the
    # gap.
    figures = TASK.difficulty(Params(), question, TASK.solve(Params(), question))
    assert (figures["traps"], figures["reach"], figures["filled"]) == (2.0, 4.0, 0.0)
    assert figures["score"] == pytest.approx(6 / 22)


@pytest.mark.parametrize(
    ("field", "value"),
    [("height", 3), ("width", 65), ("shapes", 0), ("broken", 1.1), ("broken", float("nan")), ("noise", -0.1)],
)
def test_parameters_outside_their_range_are_refused(field: str, value: float) -> None:
    with pytest.raises(UserError, match=field):
        Params(**{field: value})  # pyright: ignore[reportArgumentType] the field's name decides
