"""Towers of Hanoi: distances against networkx, verdicts against a slow twin, puzzles drawn evenly."""

from __future__ import annotations

import functools
from itertools import pairwise, product

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles import hanoi as naive
from vizbench import seeds
from vizbench.errors import UserError
from vizbench.generators.hanoi.states import distances
from vizbench.generators.hanoi.task import TASK, VARIANTS, Params
from vizbench.types import Batch, Grid, Instance

COLOURS = {1: 4, 2: 1, 3: 6}

every_variant = pytest.mark.parametrize("params", VARIANTS.values(), ids=VARIANTS)


def number(state: naive.State) -> int:
    """Return a state as the task's number."""
    return sum(peg * 3 ** (disk - 1) for peg, stack in enumerate(state) for disk in stack)


@functools.cache
def graph(disks: int) -> nx.Graph[int]:
    """Return the graph of legal moves between all states."""
    actual: nx.Graph[int] = nx.Graph()
    actual.add_edges_from((number(s), number(after)) for s in naive.states(disks) for after in naive.moves(s))
    return actual


def made(params: Params, count: int, seed: int = 7) -> Batch:
    return TASK.generate_batch(params, seeds.keys(seed, 0, count))


def instance(params: Params, question: Grid) -> Instance:
    target = TASK.solve(params, question)
    assert target is not None
    return Instance("hanoi/3", params, 0, "test", 0, question, target, TASK.steps(params, question, target))


def read(question: Grid, disks: int) -> tuple[naive.State, naive.State, dict[int, int]]:
    """Start, goal and colours of a question, found by drawing."""
    wide, rows = 2 * disks - 1, question.tolist()
    bands: list[naive.State] = []
    colours: dict[int, int] = {}
    for first in (disks + 1, 0):
        stacks: list[tuple[int, ...]] = []
        for peg in range(3):
            bars = [rows[r][peg * wide : (peg + 1) * wide] for r in range(first + disks - 1, first - 1, -1)]
            bars = [bar for bar in bars if 1 <= bar[disks - 1] <= 6]
            sizes = [(bar.count(bar[disks - 1]) + 1) // 2 for bar in bars]
            colours.update({size: bar[disks - 1] for size, bar in zip(sizes, bars, strict=True)})
            stacks.append(tuple(sizes))
        bands.append((stacks[0], stacks[1], stacks[2]))
    assert naive.picture(bands[0], bands[1], colours) == rows
    return bands[0], bands[1], colours


def drawn(start: naive.State, goal: naive.State, colours: dict[int, int] = COLOURS) -> Grid:
    return np.array(naive.picture(start, goal, colours), np.uint8)


# Moves and distances


@pytest.mark.parametrize("disks", [3, 4])
def test_distances_are_those_of_networkx(disks: int):
    table = distances(disks)
    lengths = dict(nx.all_pairs_shortest_path_length(graph(disks)))
    assert table.shape == (3**disks, 3**disks)
    assert all(table[a, b] == lengths[a][b] for a in lengths for b in lengths)


@pytest.mark.parametrize("disks", [3, 4, 5, 6])
def test_towers_are_2_to_the_n_less_1_moves_apart_and_nothing_is_further(disks: int):
    table = distances(disks)
    towers = [peg * (3**disks - 1) // 2 for peg in range(3)]
    assert [table[a, b] for a, b in ((0, 1), (0, 2), (1, 2)) for a, b in [(towers[a], towers[b])]] == [
        2**disks - 1
    ] * 3
    assert table.max() == 2**disks - 1
    assert np.array_equal(table, table.T)
    # The mean distance is 466/885 2^n - 1/3 + o(1) (Hinz; Chan 1989).
    assert abs(table.mean() - (466 / 885 * 2**disks - 1 / 3)) < 0.05


# Questions


@every_variant
def test_targets_and_trajectories_are_right(params: Params):
    batch = made(params, 20)
    for question, target in zip(batch.question, batch.target, strict=True):
        start, goal, colours = read(question, params.disks)
        answers = naive.right_pictures(start, goal, colours, params.steps)
        assert target.tolist() in answers
        assert len(answers) <= 2
        assert TASK.difficulty(params, question, target)["right"] == len(answers)
        steps = TASK.steps(params, question, target)
        assert len(steps) == params.steps
        assert np.array_equal(steps[-1], target)
        trajectory = [start, *(read(state, params.disks)[0] for state in steps)]
        to_goal = naive.distances(goal)
        for before, after in pairwise(trajectory):
            assert after in naive.moves(before)
            assert to_goal[after] == to_goal[before] - 1
        verdict = TASK.verify_steps(instance(params, question), steps)
        assert (verdict.valid, verdict.exact, verdict.reason) == (True, True, "")


@pytest.mark.parametrize(("steps", "pairs"), [(1, 702), (3, 528)])
def test_all_pairs_of_states_far_enough_apart_are_equally_likely(steps: int, pairs: int):
    params, expected = Params(3, steps), 50
    pegs = TASK.features(params, made(params, pairs * expected))[:, :6]
    _, counts = np.unique(pegs, axis=0, return_counts=True)
    assert len(counts) == pairs == (distances(3) >= steps).sum()
    chi_square, freedom = ((counts - expected) ** 2).sum() / expected, pairs - 1
    # Four standard deviations to either side, below too: counts that are too even are no draw.
    assert abs(chi_square - freedom) < 4 * (2 * freedom) ** 0.5


def test_colours_are_drawn_evenly_without_repeats():
    params = Params(3)
    colours = TASK.features(params, made(params, 24_000))[:, 6:]
    kinds, counts = np.unique(colours, axis=0, return_counts=True)
    assert len(kinds) == 6 * 5 * 4
    assert abs(((counts - 200) ** 2).sum() / 200 - 119) < 4 * (2 * 119) ** 0.5


def test_features_are_the_pegs_and_for_3_disks_the_colours_too():
    three = drawn(((3,), (), (2, 1)), ((1,), (3, 2), ()))
    row = TASK.features(Params(3), Batch(three[None], three[None]))[0].tolist()
    assert row == [0, 2, 1, 2, 1, 0, 4, 1, 6]  # goal and start of the smallest disk, of the next …
    ends: tuple[naive.State, naive.State] = ((4, 3), (), (2, 1)), ((1,), (3, 2), (4,))
    four = drawn(*ends, {1: 3, 2: 2, 3: 1, 4: 5})
    row = TASK.features(Params(4), Batch(four[None], four[None]))[0].tolist()
    assert row == [0, 2, 1, 2, 1, 0, 2, 0]
    again = drawn(*ends, {1: 4, 2: 6, 3: 5, 4: 1})
    assert TASK.distance(instance(Params(4), four), instance(Params(4), again)) == 0


# Verdicts


@given(st.sampled_from(list(VARIANTS.values())), st.integers(0, 2**64 - 1), st.data())
def test_verdict_equals_the_slow_twin(params: Params, key: int, data: st.DataObject):
    question = made(params, 1, key).question[0]
    start, goal, colours = read(question, params.disks)
    answers = naive.right_pictures(start, goal, colours, params.steps)
    near = [state for state, far in naive.distances(start).items() if abs(far - params.steps) <= 1]
    for state in data.draw(st.lists(st.sampled_from(near), max_size=4)):
        rows = naive.picture(state, goal, colours)
        result = TASK.check(params, question, np.array(rows, np.uint8))
        assert result.valid == (rows in answers) == (result.reason == "")
    spoiled = np.array(data.draw(st.sampled_from(answers)), np.uint8)
    assert TASK.check(params, question, spoiled).valid
    for _ in range(data.draw(st.integers(1, 3))):
        spoiled.flat[data.draw(st.integers(0, spoiled.size - 1))] = data.draw(st.integers(0, 9))
    assert TASK.check(params, question, spoiled).valid == (spoiled.tolist() in answers)


@every_variant
def test_mutated_targets_are_verified_as_by_the_slow_twin(params: Params):
    """Cells are flipped, or disks are moved so that the result is a picture.

    Sometimes it is the picture of the other shortest plan.
    """
    batch, rng, right = made(params, 60, seed=5), np.random.default_rng(5), 0
    for question, target in zip(batch.question, batch.target, strict=True):
        start, goal, colours = read(question, params.disks)
        answers = naive.right_pictures(start, goal, colours, params.steps)
        near = [state for state, far in naive.distances(start).items() if far == params.steps]
        answer = np.array(naive.picture(near[rng.integers(len(near))], goal, colours), np.uint8)
        answer = answer if rng.integers(2) else target.copy()
        for place in rng.integers(0, answer.size, rng.integers(0, 3)):
            answer.flat[place] = rng.integers(TASK.codes)
        result = TASK.check(params, question, answer)
        assert result.valid == (answer.tolist() in answers)
        right += result.valid
    assert 10 < right < 55


def test_every_changed_cell_of_a_target_is_wrong():
    batch = made(Params(3), 3)
    for question, target in zip(batch.question, batch.target, strict=True):
        for r, c, shift in np.ndindex(*target.shape, 9):
            answer = target.copy()
            answer[r, c] = (answer[r, c] + 1 + shift) % 10
            assert not TASK.check(Params(3), question, answer).valid


def test_both_shortest_paths_are_right():
    every_pair = product(naive.states(3), repeat=2)
    pairs = [(a, b) for a, b in every_pair if len(naive.right_pictures(a, b, COLOURS, 1)) == 2]
    for start, goal in pairs:
        assert len(list(nx.all_shortest_paths(graph(3), number(start), number(goal)))) == 2
    assert len(pairs) == 48  # 0, 6, 48, 282 … for 1, 2, 3, 4 disks (Hinz 1992)
    for start, goal in pairs:
        question = drawn(start, goal)
        asked = instance(Params(3), question)
        answers = naive.right_pictures(start, goal, COLOURS, 1)
        verdicts = [TASK.verify(asked, answer) for answer in answers]
        assert [verdict.valid for verdict in verdicts] == [True, True]
        assert sorted(verdict.exact for verdict in verdicts) == [False, True]


# Start: disks 3 and 1 on the left peg, 2 on the middle one. Goal: all on the right peg.
START: naive.State = ((3, 1), (2,), ())
GOAL: naive.State = ((), (), (3, 2, 1))
QUESTION = drawn(START, GOAL)


def shown(*lines: str) -> Grid:
    """Draw QUESTION with other levels: digits are disks, . is ground, | is a peg."""
    grid = QUESTION.copy()
    for r, line in enumerate(lines):
        grid[4 + r] = [{".": 0, "|": 7}[m] if m in ".|" else COLOURS[int(m)] for m in line.replace(" ", "")]
    return grid


def test_a_picture_read_by_hand():
    assert np.array_equal(QUESTION, shown("..|.. ..|.. ..|..", "..1.. ..|.. ..|..", "33333 .222. ..|.."))
    goal = [
        [9, 9, 7, 9, 9, 9, 9, 7, 9, 9, 9, 9, 4, 9, 9],
        [9, 9, 7, 9, 9, 9, 9, 7, 9, 9, 9, 1, 1, 1, 9],
        [9, 9, 7, 9, 9, 9, 9, 7, 9, 9, 6, 6, 6, 6, 6],
        [8] * 15,
    ]
    assert QUESTION[:4].tolist() == goal
    assert QUESTION[7].tolist() == [8] * 15


EMPTY = "..|.. ..|.. ..|.."

LARGE_ON_SMALL = "the disk at row 5 of peg 1 is on a smaller one"

# A picture, what is wrong with it as the answer to QUESTION ("" nothing), and what with it as a step from
# there.
NEAR_MISSES = [
    (shown(EMPTY, "..|.. ..1.. ..|..", "33333 .222. ..|.."), "", ""),
    (QUESTION, "the state is 0 moves from the start, but 1 is asked", "no disk was moved"),
    (
        shown(EMPTY, EMPTY, "33333 .222. ..1.."),
        "the goal is still 5 moves away, not 4",
        "the move does not lead nearer to the goal",
    ),
    (
        shown(EMPTY, "..1.. ..|.. ..|..", "33333 ..|.. .222."),
        "the goal is still 6 moves away, not 4",
        "the move does not lead nearer to the goal",
    ),
    (
        shown(EMPTY, "..|.. ..1.. ..|..", "..|.. .222. 33333"),
        "the state is 2 moves from the start, but 1 is asked",
        "this takes 2 moves, not one",
    ),
    (
        shown(EMPTY, EMPTY, "..1.. .222. 33333"),
        "the state is 3 moves from the start, but 1 is asked",
        "this takes 3 moves, not one",
    ),
    *(
        (picture, reason, reason)
        for picture, reason in (
            (shown(EMPTY, "..|.. .222. ..|..", "33333 ..1.. ..|.."), LARGE_ON_SMALL),
            (shown(EMPTY, "..|.. 33333 ..|..", "..1.. .222. ..|.."), LARGE_ON_SMALL),
            (shown(EMPTY, "..1.. ..|.. ..|..", "..|.. .222. 33333"), "the disk at row 5 of peg 0 floats"),
            (shown("..|.. ..1.. ..|..", EMPTY, "33333 .222. ..|.."), "the disk at row 4 of peg 1 floats"),
            (shown(EMPTY, "..1.. ..1.. ..|..", "33333 .222. ..|.."), "there are two disks of 1 cell"),
            (shown(EMPTY, "..1.. ..|.. ..|..", "33333 ..1.. ..|.."), "there are two disks of 1 cell"),
            (shown(EMPTY, EMPTY, "33333 .222. ..|.."), "the disk of 1 cell is missing"),
            (shown(EMPTY, "..|.. ..3.. ..|..", "33333 .222. ..|.."), "the disk of 1 cell changed its colour"),
            (
                shown(EMPTY, "..|.. .1... ..|..", "33333 .222. ..|.."),
                "there is no whole disk at row 5 of peg 1",
            ),
            (
                shown(EMPTY, "..|.. .1|.. ..|..", "33333 .222. ..|.."),
                "there is no whole disk at row 5 of peg 1",
            ),
            (
                shown(EMPTY, "..|.. ..1.. ..|..", "33333 .22.. ..|.."),
                "there is no whole disk at row 6 of peg 1",
            ),
            (
                shown(EMPTY, "..|.. .11.. ..|..", "33333 .222. ..|.."),
                "there is no whole disk at row 5 of peg 1",
            ),
        )
    ),
]


@pytest.mark.parametrize(("picture", "as_answer", "as_step"), NEAR_MISSES)
def test_near_misses(picture: Grid, as_answer: str, as_step: str):
    result = TASK.check(Params(3), QUESTION, picture)
    assert (result.reason, result.valid) == (as_answer, as_answer == "")
    result = TASK.check_step(Params(3, 5), QUESTION, QUESTION, picture)
    assert (result.reason, result.valid) == (as_step, as_step == "")


@pytest.mark.parametrize(
    ("row", "column", "code", "reason"),
    [
        (0, 0, 0, "the goal was changed at row 0, column 0"),
        (0, 12, 5, "the goal was changed at row 0, column 12"),
        (3, 14, 0, "the base was changed at row 3, column 14"),
        (7, 0, 7, "the base was changed at row 7, column 0"),
        (4, 0, 9, "there is no whole disk at row 4 of peg 0"),
        (4, 2, 0, "there is no whole disk at row 4 of peg 0"),
    ],
)
def test_all_else_must_stay(row: int, column: int, code: int, reason: str):
    answer = shown(EMPTY, "..|.. ..1.. ..|..", "33333 .222. ..|..")
    answer[row, column] = code
    assert TASK.check(Params(3), QUESTION, answer).reason == reason
    assert TASK.check_step(Params(3), QUESTION, QUESTION, answer).reason == reason


# Parts


def measured(params: Params, question: Grid, answer: Grid) -> tuple[float, float]:
    """Return the parts `drawn` and `moves` of one answer."""
    parts = TASK.parts_batch(params, question[None], question[None], answer[None])
    return float(parts["drawn"][0]), float(parts["moves"][0])


def pegs_of_most(answer: Grid, start: naive.State, colours: dict[int, int]) -> naive.State:
    """Return the state with each disk on the peg where the answer has most of its cells."""
    disks = len(colours)
    band = answer[disks + 1 : 2 * disks + 1].reshape(disks, 3, -1)
    stacks: list[tuple[int, ...]] = [(), (), ()]
    for disk in range(disks, 0, -1):
        counts = [int((band[:, peg] == colours[disk]).sum()) for peg in range(3)]
        peg = counts.index(max(counts))
        if not any(counts):
            peg = [disk in stack for stack in start].index(True)
        stacks[peg] += (disk,)
    return stacks[0], stacks[1], stacks[2]


def slow_parts(params: Params, question: Grid, answer: Grid) -> tuple[float, float]:
    """Return the parts of an answer, read from their clauses."""
    start, goal, colours = read(question, params.disks)
    state = pegs_of_most(answer, start, colours)
    differ = int((answer != drawn(state, goal, colours)).sum())
    bars = sum(2 * disk - 1 for disk in colours)
    moves = naive.distances(state)
    rights = naive.right_pictures(start, goal, colours, params.steps)
    ends = [read(np.array(picture, np.uint8), params.disks)[0] for picture in rights]
    off = min(moves[end] for end in ends)
    return max(0.0, 1 - differ / bars), max(0.0, 1 - off / params.steps)


@given(
    st.sampled_from([Params(2), Params(3), Params(3, 3), Params(4, 7)]),
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**32),
)
def test_parts_are_those_of_the_slow_twin(params: Params, key: int, seed: int):
    question = made(params, 1, key).question[0]
    _, goal, colours = read(question, params.disks)
    rng = np.random.default_rng(seed)
    states = naive.states(params.disks)
    answer = drawn(states[rng.integers(len(states))], goal, colours)
    for place in rng.integers(0, answer.size, rng.integers(0, 6)):
        answer.flat[place] = rng.integers(TASK.codes)
    if rng.integers(4) == 0:
        answer[answer == colours[1]] = rng.integers(TASK.codes)  # often no cell of the smallest disk is left
    assert measured(params, question, answer) == pytest.approx(slow_parts(params, question, answer))


def test_parts_read_by_hand():
    """The goal of QUESTION is five moves away, and three are asked."""
    params = Params(3, 3)
    states = instance(params, QUESTION).steps
    assert [measured(params, QUESTION, state) for state in (QUESTION, *states)] == [
        (1, 0),
        (1, pytest.approx(1 / 3)),
        (1, pytest.approx(2 / 3)),
        (1, 1),
    ]
    spoiled = states[-1].copy()
    spoiled[0, 0] = 1  # one cell of the goal, and disks have nine cells
    assert measured(params, QUESTION, spoiled) == (pytest.approx(8 / 9), 1)
    back = shown(EMPTY, EMPTY, "33333 .222. ..1..")  # one move, but away from the right answers
    assert measured(Params(3), QUESTION, back) == (1, 0)
    assert measured(Params(3), QUESTION, np.zeros_like(QUESTION)) == (0, 0)
    assert measured(Params(3, 7), QUESTION, states[0]) == (0, 0)  # no answer is right


@given(st.integers(0, 2**32), st.booleans())
def test_batches_check_any_grid_as_rows_do(seed: int, spoil: bool):
    """Questions may be no pictures, and pictures may have disks of any colour anywhere."""
    rng = np.random.default_rng(seed)
    params = Params(2, int(rng.integers(1, 4)))
    question = made(params, 1, seed).question
    answer = TASK.solve(params, question[0])
    assert answer is not None
    for grid in (question[0], answer) if spoil else (answer,):
        for place in rng.integers(0, grid.size, rng.integers(0, 3)):
            grid.flat[place] = rng.integers(TASK.codes)
    result = TASK.check(params, question[0], answer)
    assert TASK.check_batch(params, question, answer[None]).tolist() == [result.valid]


def test_batches_of_another_shape_are_wrong():
    small = np.zeros((2, 3, 3), np.uint8)
    assert not TASK.check_batch(Params(3), small, small).any()
    parts = TASK.parts_batch(Params(3), small, small, small)
    assert not any(column.any() for column in parts.values())


def test_a_process_has_its_moves_and_no_detour():
    params = Params(3, 3)
    asked = instance(params, QUESTION)
    steps = list(asked.steps)
    assert TASK.verify_steps(asked, steps).valid
    assert TASK.verify_steps(asked, steps[:2]).reason == "the process has 2 states, but 3 are asked"
    assert TASK.verify_steps(asked, [steps[0], steps[2]]).reason == "step 2: this takes 2 moves, not one"
    assert TASK.verify_steps(asked, [steps[0], QUESTION, steps[0]]).reason == (
        "step 2: the move does not lead nearer to the goal"
    )
    assert TASK.verify_steps(asked, [steps[0], steps[0], steps[1]]).reason == "step 2: no disk was moved"


@pytest.mark.parametrize(
    "question",
    [
        np.zeros((1, 1), np.uint8),
        np.zeros((8, 15), np.uint8),
        drawn(START, GOAL)[::-1].copy(),
        np.concatenate([drawn(START, GOAL, {1: 2, 2: 1, 3: 6})[:4], QUESTION[4:]]),  # other colours
        drawn(((3, 1), (2,), ()), ((), (), (2, 3, 1))),  # a goal against the rules
        drawn(((3,), (2,), ()), GOAL),  # a disk less
    ],
)
def test_no_answer_is_right_where_the_question_is_no_puzzle(question: Grid):
    assert TASK.solve(Params(3), question) is None
    result = TASK.check(Params(3), question, question)
    assert result.reason == "the question is not a picture of two states, so no answer is right"
    assert (
        TASK.check_step(Params(3), question, question, question).reason
        == "the picture before is not a picture of two states"
    )
    with pytest.raises(UserError, match="not a picture of two states of 3 disks"):
        TASK.difficulty(Params(3), question, question)


def test_no_answer_is_right_where_the_goal_is_too_near():
    question = drawn(START, ((3,), (2, 1), ()))
    assert TASK.solve(Params(3, 2), question) is None
    result = TASK.check(Params(3, 2), question, question)
    assert result.reason == "the goal is less than 2 moves away, so no answer is right"
    done = drawn(((3,), (2, 1), ()), ((3,), (2, 1), ()))
    solved = TASK.solve(Params(3, 1), question)
    assert solved is not None
    assert np.array_equal(solved, done)


# Figures and parameters


def test_difficulty_read_by_hand():
    target = TASK.solve(Params(3), QUESTION)
    assert target is not None
    work = 1 + 3 + 5 / 4
    expected = {"score": work / (work + 16), "effort": 3.0, "distance": 5.0, "levels": 3.0, "right": 1.0}
    assert TASK.difficulty(Params(3), QUESTION, target) == expected
    near = drawn(((3, 2), (1,), ()), ((3, 2, 1), (), ()))
    assert TASK.difficulty(Params(3), near, near)["levels"] == 1


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ((1,), "disks=1 is not in 2 … 6"),
        ((7,), "disks=7 is not in 2 … 6"),
        ((3, 0), "steps=0 is not in 1 … 7, the furthest apart that 3 disks can be"),
        ((4, 16), "steps=16 is not in 1 … 15"),
    ],
)
def test_parameters_out_of_range(values: tuple[int, ...], reason: str):
    with pytest.raises(UserError, match=reason):
        Params(*values)


def test_the_longest_trajectory_reaches_its_goal():
    batch = made(Params(5, 31), 3)
    for question, target in zip(batch.question, batch.target, strict=True):
        assert np.array_equal(np.where(question[:6] == 9, 0, question[:6]), target[6:])
