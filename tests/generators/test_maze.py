"""Test mazes: trees drawn evenly, the one path against networkx, verdicts against a slow twin."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import vizbench as vb
from tests.oracles import cells, navigation
from vizbench import seeds
from vizbench.errors import UserError
from vizbench.generators.maze import TASK, VARIANTS, Framed, Params
from vizbench.types import Batch, Grid, Instance


def board(*rows: str) -> Grid:
    return np.array([["#.SG*".index(mark) for mark in row] for row in rows], np.uint8)


def made(size: int, count: int, seed: int = 7) -> Batch:
    return TASK.generate_batch(Params(size), seeds.keys(seed, 0, count))


def open_cells(question: Grid) -> nx.Graph[tuple[int, int]]:
    graph: nx.Graph[tuple[int, int]] = nx.grid_2d_graph(*question.shape)
    graph.remove_nodes_from([(int(r), int(c)) for r, c in np.argwhere(question == 0)])
    return graph


@pytest.mark.parametrize("size", [params.size for params in VARIANTS.values() if isinstance(params, Params)])
def test_mazes_are_trees_whose_path_is_marked(size: int) -> None:
    batch, params = made(size, 20 if size < 30 else 5), Params(size)
    for question, target in zip(batch.question, batch.target, strict=True):
        graph = open_cells(question)
        assert nx.is_tree(graph)
        assert (question[1::2, 1::2] != 0).all()
        assert (question[::2, ::2] == 0).all()
        assert (question[1, 1], question[-2, -2], (question > 1).sum()) == (2, 3, 2)
        path = nx.shortest_path(graph, (1, 1), (size - 2, size - 2))[1:-1]
        assert sorted(path) == [(int(r), int(c)) for r, c in np.argwhere(target == 4)]
        assert np.array_equal(np.where(target == 4, 1, target), question)
        steps = TASK.steps(params, question, target)
        assert [tuple(np.argwhere(new)[0]) for new in np.diff(steps, axis=0, prepend=question[None])] == path
        assert np.array_equal(steps[-1], target)
        solved = TASK.solve(params, question)
        assert solved is not None
        assert np.array_equal(solved, target)


@pytest.mark.parametrize(("size", "trees"), [(5, 4), (7, 192)])
def test_all_spanning_trees_are_equally_likely(size: int, trees: int) -> None:
    expected = 50
    _, counts = np.unique(made(size, trees * expected).question, axis=0, return_counts=True)
    assert len(counts) == trees
    chi_square, freedom = ((counts - expected) ** 2).sum() / expected, trees - 1
    # Four standard deviations to either side, below too: counts that are too even are no draw.
    assert abs(chi_square - freedom) < 4 * (2 * freedom) ** 0.5


def test_every_passage_is_as_often_open_as_the_trees_of_the_grid_say() -> None:
    """Edges are as frequent as Kirchhoff's theorem says, on a maze of 6x6 nodes.

    The share of spanning trees that hold an edge is its effective resistance.
    """
    n, side = 4000, 6
    lattice: nx.Graph[tuple[int, int]] = nx.grid_2d_graph(side, side)
    joined = nx.to_numpy_array(lattice)
    inverse = np.linalg.pinv(np.diag(joined.sum(axis=0)) - joined)
    number = {family_task: k for k, family_task in enumerate(lattice)}
    questions = made(2 * side + 1, n).question
    for (r, c), (y, x) in lattice.edges:
        a, b = number[r, c], number[y, x]
        share = inverse[a, a] + inverse[b, b] - 2 * inverse[a, b]
        actual = (questions[:, r + y + 1, c + x + 1] != 0).mean()
        assert abs(actual - share) < 4.5 * (share * (1 - share) / n) ** 0.5


# Small mazes to learn from, large ones to be asked


def test_generalization_learns_on_13x13_in_the_middle_and_asks_21x21() -> None:
    data = vb.load("maze/generalization", seed=1)
    for row in data.train.head(20):
        assert row.question.shape == row.target.shape == (21, 21)
        assert (np.delete(row.question, np.s_[4:17], axis=0) == 0).all()
        assert (np.delete(row.question, np.s_[4:17], axis=1) == 0).all()
        small = row.question[4:17, 4:17]
        assert nx.is_tree(open_cells(small))
        assert (small[1, 1], small[-2, -2], (small == 0).sum()) == (2, 3, 13 * 13 - 71)
    for row in data.test.head(20):
        assert nx.is_tree(open_cells(row.question))
        assert (row.question[1, 1], row.question[-2, -2], (row.question == 0).sum()) == (2, 3, 21 * 21 - 199)
    for row in (data.train[3], data.test[3]):
        assert row.params == Framed()
        assert vb.verify(row, row.target).exact
        assert TASK.verify_steps(row, row.steps).exact
    assert np.array_equal(data.train.batch(2, 3).target[1], data.train[3].target)


@pytest.mark.parametrize(("train", "first"), [(5, 8), (7, 6), (9, 6), (11, 4), (13, 4), (21, 0)])
def test_a_framed_maze_is_a_maze_with_wall_around_and_open_cells_on_odd_coordinates(
    train: int, first: int
) -> None:
    keys = seeds.keys(5, 0, 4)
    framed = TASK.generate_batch(Framed(train=train).for_train(), keys)
    alone = made(train, 4, seed=5)
    for whole, inside in ((framed.question, alone.question), (framed.target, alone.target)):
        assert whole.shape == (4, 21, 21)
        middle = np.s_[:, first : first + train, first : first + train]
        assert np.array_equal(whole[middle], inside)
        assert (whole != 0).sum() == (inside != 0).sum()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("maze/generalization?train=12", "train=12 is not an odd number in 5 … 201"),
        ("maze/generalization?size=31", "size=31 does not fit board=21: give size=21 or less"),
        ("maze/generalization?train=23", "train=23 does not fit board=21"),
        ("maze/generalization?board=203", "board=203 is not an odd number"),
    ],
)
def test_mazes_that_do_not_fit_their_board_are_refused(name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        vb.load(name)


@st.composite
def questions(draw: st.DrawFn) -> Grid:
    """Verdicts must not depend on mazes being trees: boards have loops, halls and unreachable goals."""
    shape = draw(st.tuples(st.integers(2, 6), st.integers(2, 6)))
    question = draw(hnp.arrays(np.uint8, shape, elements=st.sampled_from([0, 1, 1, 1])))
    ends = draw(st.lists(st.integers(0, question.size - 1), min_size=2, max_size=2, unique=True))
    question.flat[ends[0]], question.flat[ends[1]] = 2, 3
    return question


@given(questions())
def test_solve_is_a_shortest_path_or_none(question: Grid) -> None:
    graph = open_cells(question)
    start, goal = ((int(r), int(c)) for code in (2, 3) for r, c in np.argwhere(question == code))
    answer = TASK.solve(Params(), question)
    assert (answer is not None) == nx.has_path(graph, start, goal)
    if answer is not None:
        assert (answer == 4).sum() == nx.shortest_path_length(graph, start, goal) - 1
        assert TASK.check(Params(), question, answer).figures == {"psr": 1.0, "rpl": 1.0}


@given(questions(), st.data())
def test_verdict_equals_the_slow_twin(question: Grid, data: st.DataObject) -> None:
    solved = TASK.solve(Params(), question)
    answer = question.copy() if solved is None or data.draw(st.booleans()) else solved
    for _ in range(data.draw(st.integers(0, 6))):
        cell = data.draw(st.integers(0, question.size - 1))
        answer.flat[cell] = data.draw(st.sampled_from([4, 4, 4, 1, 0, 2, 3]))
    result = TASK.check(Params(), question, answer)
    valid = cells.maze_valid(question.tolist(), answer.tolist())
    assert result.valid == valid
    assert result.figures["psr"] == cells.maze_joined(question.tolist(), answer.tolist())
    assert ("rpl" in result.figures) == valid == (result.reason == "")


def test_every_changed_cell_of_a_target_is_verified_as_by_the_slow_twin() -> None:
    batch = made(9, 2)
    for question, target in zip(batch.question, batch.target, strict=True):
        for r, c, shift in np.ndindex(9, 9, 4):
            answer = target.copy()
            answer[r, c] = (answer[r, c] + 1 + shift) % 5
            result = TASK.check(Params(9), question, answer)
            assert result.valid is False is cells.maze_valid(question.tolist(), answer.tolist())
            assert result.figures["psr"] == cells.maze_joined(question.tolist(), answer.tolist())


@pytest.mark.parametrize(
    ("name", "count"), [("9", 400), ("small", 300), ("base", 150), ("generalization", 50)]
)
def test_mutated_targets_are_verified_as_by_the_slow_twin(name: str, count: int) -> None:
    """One or two cells are flipped, most of them on or beside the path. Sometimes a wall is removed too."""
    rng, right = np.random.default_rng(4), 0
    batch = TASK.generate_batch(VARIANTS[name], seeds.keys(8, 0, count))
    for question, target in zip(batch.question, batch.target, strict=True):
        asked, answer, where = question.copy(), target.copy(), np.argwhere(target >= 2)
        for k in range(rng.integers(1, 4)):
            r, c = where[rng.integers(len(where))] + rng.integers(-1, 2, 2)
            if k == 2:  # an opening that makes a loop, a short cut or nothing: other ways may be right then
                asked[r, c] = answer[r, c] = max(1, asked[r, c])
            else:
                answer[r, c] = (answer[r, c] + rng.integers(0, 5)) % 5
        result = TASK.check(VARIANTS[name], asked, answer)
        assert result.valid == cells.maze_valid(asked.tolist(), answer.tolist())
        assert result.figures["psr"] == cells.maze_joined(asked.tolist(), answer.tolist())
        right += result.valid
    assert 0.02 * count < right < 0.5 * count


HALL = board("S..", "...", "..G")


@pytest.mark.parametrize(
    ("answer", "reason", "parts"),
    [
        (board("S**", "..*", "..G"), "", {"psr": 1.0, "rpl": 1.0}),
        (board("S**", ".**", "..G"), "1 marked cell is off the path from start to goal", {"psr": 1.0}),
        (board("S**", "..*", "*.G"), "1 marked cell is off the path from start to goal", {"psr": 1.0}),
        (board("S**", "...", "..G"), "the marked cells do not join start and goal", {"psr": 0.0}),
        (board("***", "..*", "..G"), "the start at row 0, column 0 was changed", {"psr": 1.0}),
        (board("S**", "..*", ".#G"), "the open cell at row 2, column 1 was changed", {"psr": 1.0}),
    ],
)
def test_near_misses_in_an_open_hall(answer: Grid, reason: str, parts: dict[str, float]) -> None:
    result = TASK.check(Params(), HALL, answer)
    assert (result.reason, result.figures) == (reason, parts)
    assert result.valid == (reason == "")


def test_a_detour_is_valid_and_its_length_is_reported() -> None:
    question = board("S...", ".##.", ".##.", "G...")
    result = TASK.check(Params(), question, board("S***", ".##*", ".##*", "G***"))
    assert (result.valid, result.figures) == (True, {"psr": 1.0, "rpl": 3.0})


def measured(question: Grid, answer: Grid) -> dict[str, float]:
    """Return the parts of one answer, as the family measures them."""
    columns = TASK.parts_batch(Params(), question[None], question[None], answer[None])
    return {name: float(column[0]) for name, column in columns.items()}


@given(questions(), st.data())
def test_parts_equal_the_slow_twin(question: Grid, data: st.DataObject) -> None:
    solved = TASK.solve(Params(), question)
    answer = question.copy() if solved is None or data.draw(st.booleans()) else solved
    for _ in range(data.draw(st.integers(0, 8))):
        cell = data.draw(st.integers(0, question.size - 1))
        answer.flat[cell] = data.draw(st.sampled_from([4, 4, 4, 4, 1, 0, 2, 3]))
    assert measured(question, answer) == navigation.path_parts(question.tolist(), answer.tolist())


@pytest.mark.parametrize("size", [9, 21])
def test_parts_of_wandering_answers_equal_the_slow_twin(size: int) -> None:
    batch = made(size, 60)
    for row, question in enumerate(batch.question):
        answer = TASK.guess(Params(size), question, row)
        assert answer is not None
        assert measured(question, answer) == navigation.path_parts(question.tolist(), answer.tolist())


BEND = board("S..", "##.", "..G")


@pytest.mark.parametrize(
    ("answer", "path", "precise"),
    [
        (board("S*.", "##.", "..G"), 1 / 3, 1.0),
        (board("S**", "##.", "..G"), 2 / 3, 1.0),
        (board("S.*", "##*", "..G"), 2 / 3, 1.0),  # from the goal on
        (board("S**", "##*", "*.G"), 2 / 3, 9 / 16),  # one stray cell
        (board("S**", "##*", "**G"), 1 / 3, 9 / 25),
        (board("S**", "*#*", "..G"), 2 / 3, 9 / 16),  # a wall was broken
        (board("S..", "##.", "**G"), 0.0, 0.0),  # only stray cells
        (board("...", "...", "..."), 0.0, 0.0),
    ],
)
def test_parts_read_by_hand(answer: Grid, path: float, precise: float) -> None:
    assert measured(BEND, answer) == pytest.approx({"path": path, "precise": precise})


@given(hnp.arrays(np.uint8, (2, 20, 4, 5), elements=st.integers(0, 4)))
def test_malformed_questions_and_answers_are_judged_as_rows_are(grids: npt.NDArray[np.uint8]) -> None:
    question, answer = grids
    valid = TASK.check_batch(Params(), question, answer)
    parts = TASK.parts_batch(Params(), question, question, answer)
    for row in range(len(question)):
        assert TASK.check(Params(), question[row], answer[row]).valid == valid[row]
    for column in parts.values():
        assert 0 <= column.min() <= column.max() <= 1
    TASK.steps_batch(Params(), question, answer)
    TASK.difficulty_batch(Params(), question, answer)


def test_a_path_through_a_wall_joins_nothing() -> None:
    result = TASK.check(Params(), board("S#G"), board("S*G"))
    assert (result.valid, result.reason, result.figures) == (
        False,
        "the wall at row 0, column 1 was changed",
        {"psr": 0.0},
    )


@pytest.mark.parametrize("params", [Params(), Params(9), Framed(), Framed().for_train()])
def test_the_steps_of_a_target_are_a_legal_process(params: Params | Framed) -> None:
    batch = TASK.generate_batch(params, seeds.keys(6, 0, 3))
    for question, target in zip(batch.question, batch.target, strict=True):
        steps = TASK.steps(params, question, target)
        instance = Instance("maze/base", params, 0, "test", 0, question, target, steps)
        assert TASK.verify_steps(instance, steps).exact
        for before, after in itertools.pairwise([question, *steps]):
            assert navigation.step_legal(question.tolist(), before.tolist(), after.tolist())
        skipped = TASK.verify_steps(instance, np.delete(steps, 1, axis=0))
        assert skipped.reason == "step 2: 2 cells changed, but a step marks one"
        turned = TASK.verify_steps(instance, [*steps[:-1], steps[-2]])
        assert turned.reason == f"step {len(steps)}: 0 cells changed, but a step marks one"


def test_a_wrong_turn_is_a_legal_step_that_leads_nowhere() -> None:
    question = board("S..", ".#.", ".#G")
    states = [board("S..", "*#.", ".#G"), board("S..", "*#.", "*#G")]
    instance = Instance("maze/base", Params(), 0, "test", 0, question, question, question[None])
    assert TASK.check_step(Params(), question, question, states[0]).valid
    verdict = TASK.verify_steps(instance, states)
    assert verdict.reason == "the answer, state 2: the marked cells do not join start and goal"
    assert (verdict.figures, verdict.parts["legal"]) == ({"psr": 0.0}, 1.0)


def test_a_board_without_start_or_goal_is_verified_and_has_no_solution() -> None:
    question = board("...", "...")
    assert TASK.solve(Params(), question) is None
    assert not TASK.check(Params(), question, board("***", "...")).valid


def test_features_are_the_path_on_large_boards_and_the_pieces_on_small_ones() -> None:
    large, small = made(17, 3), made(9, 3)
    assert np.array_equal(TASK.features(Params(17), large), (large.target == 4).reshape(3, -1))
    pieces = TASK.features(Params(9), small).reshape(3, 3, 3, 16)
    assert (pieces.sum(axis=3) == 1).all()
    window = small.question[0, 1:4, 1:4] != 0  # top left 2x2 lattice: above, below, left, right
    form = window[0, 1] + 2 * window[2, 1] + 4 * window[1, 0] + 8 * window[1, 2]
    assert pieces[0, 0, 0, form] == 1


def test_difficulty_of_a_maze_read_by_hand() -> None:
    question = board("#######", "#S..#.#", "#.###.#", "#.....#", "###.#.#", "#...#G#", "#######")
    target = TASK.solve(Params(7), question)
    assert target is not None
    figures = TASK.difficulty(Params(7), question, target)
    assert {k: figures[k] for k in ("path", "turns", "forks", "dead_ends")} == {
        "path": 7.0,
        "turns": 2.0,
        "forks": 3.0,  # the start, the fork below (3, 3), the one at (3, 5)
        "dead_ends": 3.0,
    }
    assert (figures["bits"], figures["score"]) == (3.0, 3 / 19)


@pytest.mark.parametrize("size", [3, 4, 20, 203, -7, 10**12])
def test_sizes_outside_their_range_are_refused(size: int) -> None:
    with pytest.raises(UserError, match=f"size={size} is not an odd number in 5 … 201"):
        Params(size)


def test_the_largest_maze_is_a_tree_too() -> None:
    batch = made(201, 1)
    assert nx.is_tree(open_cells(batch.question[0]))
    assert TASK.check(Params(201), batch.question[0], batch.target[0]).valid


def test_a_stored_question_with_several_goals_is_joined_to_the_first() -> None:
    answer = TASK.solve(Params(), board("S..G", "..#.", "G..."))
    assert answer is not None
    assert answer.tolist() == board("S**G", "..#.", "G...").tolist()
