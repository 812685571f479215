"""Test Connect Four: lines, verdicts and forced wins against plain minimax, reachable positions."""

from __future__ import annotations

from collections import Counter
from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles import connect4 as naive
from vizbench import seeds
from vizbench.errors import UserError
from vizbench.generators.connect4 import TASK, VARIANTS, Params, completing, has_four, winning
from vizbench.types import Batch, Grid, Instance

STEPS = {"vertical": 1, "horizontal": 7, "rising": 8, "falling": 6}
GOALS = [params.goal for params in VARIANTS.values()]

every_goal = pytest.mark.parametrize("goal", GOALS)


def board(*rows: str) -> Grid:
    """Return a board from its lowest rows. x and o are players 1 and 2."""
    return np.array(
        [[".xo".index(mark) for mark in row] for row in ["......."] * (6 - len(rows)) + list(rows)], np.uint8
    )


def changed(grid: Grid, *cells: tuple[int, int, int]) -> Grid:
    after = grid.copy()
    for r, c, code in cells:
        after[r, c] = code
    return after


def made(goal: str, count: int, seed: int = 7) -> Batch:
    return TASK.generate_batch(Params(goal), seeds.keys(seed, 0, count))


def bits(cells: list[tuple[int, int]]) -> int:
    return sum(1 << (7 * c + 5 - r) for r, c in cells)


# Lines


def test_all_69_lines_are_known_by_each_of_their_cells():
    assert len(naive.LINES) == 69
    for line, direction in naive.LINES.items():
        assert has_four(bits(list(line)))
        for missing in line:
            three = bits([cell for cell in line if cell != missing])
            assert not has_four(three)
            # Three apart from the fourth cell complete nothing else; three side by side may, at their other
            # end.
            assert winning(three) & bits([missing])
            for name, step in STEPS.items():
                assert bool(completing(three, step) & bits([missing])) == (name == direction)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 6)), max_size=42))
def test_cells_that_win_are_those_of_the_slow_twin(cells: list[tuple[int, int]]):
    grid = [[int((r, c) in cells) for c in range(7)] for r in range(6)]
    assert has_four(bits(list(set(cells)))) == bool(naive.fours(grid, 1))
    actual = winning(bits(list(set(cells))))
    for r, c in np.ndindex(6, 7):
        with_it = [row[:] for row in grid]
        with_it[r][c] = 1
        expected = any((r, c) in line for line in naive.fours(with_it, 1))
        assert bool(actual & bits([(r, c)])) == expected


def test_targets_complete_and_stop_every_line():
    """Some lines of the top row come once in thousands of games."""
    for goal, player in (("win", 1), ("block", 2)):
        batch = made(goal, 12_000)
        after = np.where(batch.target != batch.question, player, batch.question)
        for line in naive.LINES:
            assert (after[:, [r for r, _ in line], [c for _, c in line]] == player).all(axis=1).any(), line


# Positions


@every_goal
def test_positions_are_legal_and_their_goal_is_the_next_thing_to_do(goal: str):
    batch = made(goal, 150)
    for question, target in zip(batch.question, batch.target, strict=True):
        rows = question.tolist()
        assert naive.legal(rows)
        assert naive.has_history(rows)
        columns = naive.right_columns(rows, goal)
        assert target.tolist() == naive.dropped(rows, min(columns), 1)
        assert (goal == "win") == naive.forced(rows, 1)
        if goal == "block":
            assert len(columns) == 1
            threats = [after for after in naive.replies(rows, 2) if naive.fours(after, 2)]
            assert len(threats) == 1
            assert not naive.threatens(target.tolist())
        if goal == "force":
            assert naive.forced(rows, 2)


@every_goal
def test_positions_are_distinct_and_from_all_of_the_game(goal: str):
    questions = made(goal, 1000).question
    assert len(np.unique(questions, axis=0)) >= 990
    disks = (questions != 0).sum(axis=(1, 2))
    assert disks.min() >= 8
    assert disks.max() >= 32
    shares = [float(np.mean((disks >= low) & (disks < low + 8))) for low in (8, 16, 24)]
    assert min(shares) > 0.08


def test_winning_lines_are_in_all_directions():
    directions = Counter(
        naive.LINES[line] for target in made("win", 1000).target for line in naive.fours(target.tolist(), 1)
    )
    assert min(directions[name] for name in naive.DIRECTIONS) > 0.2 * sum(directions.values())


def test_several_drops_may_win_and_each_is_right():
    batch = made("win", 200)
    several = 0
    for question, target in zip(batch.question, batch.target, strict=True):
        rows = question.tolist()
        columns = naive.right_columns(rows, "win")
        several += len(columns) > 1
        instance = Instance("connect4/win-in-1", Params(), 0, "test", 0, question, target, target[None])
        for c in columns:
            verdict = TASK.verify(instance, naive.dropped(rows, c, 1))
            assert verdict.valid
            assert verdict.exact == (c == min(columns))
    assert several > 10


# Verdicts


@st.composite
def positions(draw: st.DrawFn) -> Grid:
    """Draw boards after an even number of drops, most without four in a row."""
    rows, player = [[0] * 7 for _ in range(6)], 1
    stop = draw(st.booleans())
    for column in draw(st.lists(st.integers(0, 6), max_size=42)):
        after = naive.dropped(rows, column, player)
        if after is None or (stop and naive.fours(after, player)):
            continue
        rows, player = after, 3 - player
    if player == 2:
        rows = draw(st.sampled_from(naive.replies(rows, 2) or [rows]))
    return np.array(rows, np.uint8)


@given(positions(), st.sampled_from(GOALS), st.data())
def test_verdict_equals_the_slow_twin(question: Grid, goal: str, data: st.DataObject):
    rows = question.tolist()
    solved = TASK.solve(Params(goal), question)
    assert (solved is not None) == (naive.legal(rows) and bool(naive.right_columns(rows, goal)))
    if solved is not None:
        assert naive.valid(rows, solved.tolist(), goal)
    for answer in [question, *(np.array(after, np.uint8) for after in naive.replies(rows, 1))]:
        result = TASK.check(Params(goal), question, answer)
        assert result.valid == naive.valid(rows, answer.tolist(), goal) == (result.reason == "")
    spoiled = question.copy() if solved is None else solved
    for _ in range(data.draw(st.integers(1, 3))):
        spoiled.flat[data.draw(st.integers(0, 41))] = data.draw(st.integers(0, 2))
    assert TASK.check(Params(goal), question, spoiled).valid == naive.valid(rows, spoiled.tolist(), goal)


@every_goal
def test_every_changed_cell_of_a_target_is_verified_as_by_the_slow_twin(goal: str):
    batch = made(goal, 40)
    for question, target in zip(batch.question, batch.target, strict=True):
        for r, c, shift in np.ndindex(6, 7, 2):
            answer = changed(target, (r, c, (int(target[r, c]) + 1 + shift) % 3))
            expected = naive.valid(question.tolist(), answer.tolist(), goal)
            assert TASK.check(Params(goal), question, answer).valid == expected


WIN = board("ooo....", "xxx....")
BLOCK = board("xx.....", "ooo.x..")
FORCE = board("..o.o..", "..x.x..")


@pytest.mark.parametrize(
    ("goal", "question", "answer", "reason"),
    [
        ("win", WIN, changed(WIN, (5, 3, 1)), ""),
        ("win", WIN, WIN, "no disk was dropped"),
        ("win", WIN, changed(WIN, (5, 6, 1)), "the drop in column 6 does not win"),
        ("win", WIN, changed(WIN, (5, 3, 2)), "the disk dropped in column 3 is player 2's"),
        ("win", WIN, changed(WIN, (4, 3, 1)), "the disk at row 4, column 3 floats above an empty cell"),
        ("win", WIN, changed(WIN, (0, 3, 1)), "the disk at row 0, column 3 floats above an empty cell"),
        ("win", WIN, changed(WIN, (5, 3, 1), (5, 4, 1)), "2 disks were dropped, but a step drops one"),
        ("win", WIN, changed(WIN, (5, 3, 1), (4, 3, 2)), "2 disks were dropped, but a step drops one"),
        ("win", WIN, changed(WIN, (5, 3, 1), (4, 0, 0)), "the disk at row 4, column 0 was taken away"),
        ("win", WIN, changed(WIN, (5, 3, 1), (4, 0, 1)), "the disk at row 4, column 0 was recoloured"),
        ("win", WIN, changed(WIN, (4, 0, 0), (3, 1, 2)), "the disk at row 4, column 0 was taken away"),
        ("win", BLOCK, changed(BLOCK, (5, 3, 2)), "the disk dropped in column 3 is player 2's"),
        ("block", BLOCK, changed(BLOCK, (5, 3, 1)), ""),
        (
            "block",
            BLOCK,
            changed(BLOCK, (4, 2, 1)),
            "the drop in column 2 does not stop player 2 from winning with the next drop",
        ),
        ("block", BLOCK, changed(BLOCK, (5, 3, 2)), "the disk dropped in column 3 is player 2's"),
        ("force", FORCE, changed(FORCE, (5, 3, 1)), ""),
        (
            "force",
            FORCE,
            changed(FORCE, (5, 1, 1)),
            "the drop in column 1 lets player 2 win, or keep player 1 from winning with the next drop",
        ),
    ],
)
def test_near_misses(goal: str, question: Grid, answer: Grid, reason: str):
    result = TASK.check(Params(goal), question, answer)
    assert (result.reason, result.valid) == (reason, reason == "")


def test_a_block_that_lets_player_2_win_above_it_stops_nothing():
    question = board("xxx....", "ooo...x", "ooo..xx")
    assert naive.legal(question.tolist())
    assert naive.right_columns(question.tolist(), "block") == set()
    assert TASK.solve(Params("block"), question) is None
    result = TASK.check(Params("block"), question, changed(question, (5, 3, 1)))
    assert result.reason == "the drop in column 3 does not stop player 2 from winning with the next drop"


def test_winning_stops_a_threat_too():
    question = board("xo.....", "xo.....", "xo.....")
    answers = [np.array(after, np.uint8) for after in naive.replies(question.tolist(), 1)]
    assert [TASK.check(Params("block"), question, answer).valid for answer in answers] == [True] * 2 + [
        False
    ] * 5


@pytest.mark.parametrize(
    "question",
    [
        board("x......"),  # player 2 is to move
        board("x......", ".......", "o......"),  # a disk in the air
        board("ooo....", "xxxxo.."),  # over already
        board("oooox..", "xxx.xxo"),
        np.full((6, 7), 2, np.uint8),
        np.zeros((7, 6), np.uint8),
        np.zeros((1, 1), np.uint8),
    ],
)
def test_no_answer_is_right_where_player_1_is_not_to_move(question: Grid):
    for goal in GOALS:
        assert TASK.solve(Params(goal), question) is None
        answer = question.copy()
        answer.flat[-1] = 1
        result = TASK.check(Params(goal), question, answer)
        assert result.reason == "player 1 cannot be to move in the question, so no answer is right"


def test_a_full_board_has_no_drop():
    full = board(*["xxooxxo", "ooxxoox"] * 3)
    assert naive.legal(full.tolist())
    for goal in GOALS:
        assert TASK.solve(Params(goal), full) is None
        assert TASK.check(Params(goal), full, full).reason == "no disk was dropped"


# Parts and batches


def measured(goal: str, question: Grid, answer: Grid) -> tuple[float, float]:
    """Return the parts `kept` and `aim` of one answer."""
    parts = TASK.parts_batch(Params(goal), question[None], question[None], answer[None])
    return float(parts["kept"][0]), float(parts["aim"][0])


def fullest_line(board: naive.Rows, cell: naive.Cell, player: int) -> int:
    """Return the most disks in a line of four that holds `cell` and else only disks of the player."""
    most = 0
    for line in naive.LINES:
        disks = [board[r][c] for r, c in line if (r, c) != cell]
        if cell in line and 3 - player not in disks:
            most = max(most, 1 + disks.count(player))
    return most


def slow_aim(rows: naive.Rows, column: int, goal: str) -> float:
    """Return the part `aim` of a drop, read from its clause."""
    if column in naive.right_columns(rows, goal):
        return 1.0
    row = max(r for r in range(6) if rows[r][column] == 0)
    if goal != "force":
        return (fullest_line(rows, (row, column), 1 if goal == "win" else 2) / 4) ** 4
    after = naive.dropped(rows, column, 1)
    answers = naive.replies(after, 2) if after else []
    saving = [reply for reply in answers if naive.fours(reply, 2) or not naive.forced(reply, 1)]
    return 1 / (1 + len(saving)) ** 2 if answers else 0.0


def slow_parts(rows: naive.Rows, answer: naive.Rows, goal: str) -> tuple[float, float]:
    """Return the parts of an answer, read from their clauses."""
    heights = [sum(rows[r][c] == 0 for r in range(6)) for c in range(7)]
    drops = [c for c in range(7) if heights[c] and answer[heights[c] - 1][c] == 1]
    if not naive.legal(rows) or len(drops) != 1:
        return 0.0, 0.0
    after = naive.dropped(rows, drops[0], 1) or rows
    differ = sum(answer[r][c] != after[r][c] for r, c in np.ndindex(6, 7))
    return max(0.0, 1 - differ / 4), slow_aim(rows, drops[0], goal)


@given(positions(), st.sampled_from(GOALS), st.data())
def test_parts_and_batches_are_those_of_the_slow_twin(question: Grid, goal: str, data: st.DataObject):
    rows = question.tolist()
    answer = np.array(data.draw(st.sampled_from([rows, *naive.replies(rows, 1)])), np.uint8)
    for _ in range(data.draw(st.integers(0, 3))):
        answer.flat[data.draw(st.integers(0, 41))] = data.draw(st.integers(0, 2))
    assert measured(goal, question, answer) == pytest.approx(slow_parts(rows, answer.tolist(), goal))
    valid = TASK.check_batch(Params(goal), question[None], answer[None])
    assert valid.tolist() == [naive.valid(rows, answer.tolist(), goal)]


def test_parts_read_by_hand():
    assert measured("win", WIN, changed(WIN, (5, 3, 1))) == (1, 1)
    assert measured("win", WIN, changed(WIN, (5, 3, 1), (0, 0, 2))) == (3 / 4, 1)
    assert measured("win", WIN, changed(WIN, (5, 3, 1), (5, 4, 1))) == (0, 0)  # two drops
    assert measured("win", WIN, changed(WIN, (5, 6, 1))) == (1, (1 / 4) ** 4)
    assert measured("win", WIN, changed(WIN, (5, 5, 1))) == (1, (2 / 4) ** 4)
    assert measured("win", WIN, changed(WIN, (5, 4, 1))) == (1, (3 / 4) ** 4)
    assert measured("win", WIN, np.zeros_like(WIN)) == (0, 0)
    assert measured("block", BLOCK, changed(BLOCK, (5, 3, 1))) == (1, 1)
    assert measured("block", BLOCK, changed(BLOCK, (4, 2, 1))) == (1, (2 / 4) ** 4)
    assert measured("force", FORCE, changed(FORCE, (5, 3, 1))) == (1, 1)
    assert measured("force", FORCE, changed(FORCE, (5, 0, 1))) == (1, (1 / 8) ** 2)  # all seven replies save


def test_a_spoiled_board_has_no_parts():
    for question in (board("x......"), np.zeros((1, 1), np.uint8), np.full((6, 7), 2, np.uint8)):
        answer = question.copy()
        answer.flat[-1] = 1
        for goal in GOALS:
            assert measured(goal, question, answer) == (0, 0)
            assert not TASK.check_batch(Params(goal), question[None], answer[None]).any()


@pytest.mark.parametrize("level", range(10))
def test_positions_of_levels_have_their_number_of_disks(level: int):
    params = TASK.levels[level]
    batch = TASK.generate_batch(params, seeds.keys(7, 0, 100))
    assert ((batch.question != 0).sum(axis=(1, 2)) == params.disks).all()
    assert len(np.unique(batch.question, axis=0)) > 90
    for question, target in zip(batch.question[:20], batch.target[:20], strict=True):
        rows = question.tolist()
        assert naive.legal(rows)
        assert target.tolist() == naive.dropped(rows, min(naive.right_columns(rows, params.goal)), 1)


# The way, the distance, the figures


def test_a_process_is_one_drop_where_the_answer_decides():
    target = changed(WIN, (5, 3, 1))
    instance = Instance("connect4/win-in-1", Params(), 0, "test", 0, WIN, target, target[None])
    assert TASK.verify_steps(instance, [target]).valid
    assert TASK.verify_steps(instance, [WIN, target]).reason == "step 1: no disk was dropped"
    twice = TASK.verify_steps(instance, [target, changed(target, (5, 4, 2))])
    assert twice.reason == "step 2: a state follows after the end of the process"
    wrong = TASK.verify_steps(instance, [changed(WIN, (5, 6, 1))])
    assert wrong.reason == "the answer, state 1: the drop in column 6 does not win"
    assert TASK.verify_steps(instance, [changed(WIN, (5, 3, 2))]).reason.startswith(
        "step 1: the disk dropped in col"
    )


def test_boards_differ_by_the_disks_that_they_do_not_share():
    other = changed(WIN, (4, 2, 0), (5, 6, 2))  # five disks shared, one differs
    boards = [
        Instance("connect4/win-in-1", Params(), 0, "test", 0, grid, grid, grid[None])
        for grid in (WIN, other, changed(WIN, (5, 0, 2)))
    ]
    assert TASK.distance(boards[0], boards[0]) == 0
    assert TASK.distance(boards[0], boards[1]) == 2 / 7
    assert TASK.distance(boards[0], boards[2]) == 2 / 7  # another colour is another disk


def test_difficulty_read_by_hand():
    figures = TASK.difficulty(Params(), WIN, changed(WIN, (5, 3, 1)))
    work = log2(7) + 6 / 8
    assert figures == pytest.approx(
        {
            "score": work / (work + 16),
            "effort": 6.0,
            "plies": 1.0,
            "legal": 7.0,
            "right": 1.0,
            "disks": 6.0,
        }
    )
    figures = TASK.difficulty(Params("force"), FORCE, changed(FORCE, (5, 3, 1)))
    assert figures["effort"] == 4 * 7**2
    assert (figures["plies"], figures["right"], figures["disks"]) == (3.0, 1.0, 4.0)


def test_goals_are_reported():
    with pytest.raises(UserError, match="goal='draw' is none of win, block, force"):
        Params("draw")


@pytest.mark.parametrize("disks", [-2, 2, 6, 9, 34])
def test_numbers_of_disks_are_reported(disks: int):
    with pytest.raises(UserError, match=f"disks={disks} is not an even number in 8 … 32"):
        Params(disks=disks)
