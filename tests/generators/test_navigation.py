"""Test navigation: boards against their parameters, paths against networkx, verdicts against twins."""

from __future__ import annotations

import itertools
from collections import Counter
from math import log2, prod
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.oracles import cells, navigation
from vizbench import seeds
from vizbench.errors import UserError
from vizbench.generators.navigation import TASK, VARIANTS, Params
from vizbench.types import Batch, Grid, Instance

EMPTY = Params(
    7, density=0.0, barriers=0, blocks_min=0, blocks_max=0, apart=8
)  # start and goal in opposite corners


def board(*rows: str) -> Grid:
    return np.array([["#.SG*".index(mark) for mark in row] for row in rows], np.uint8)


def made(params: Params, count: int, seed: int = 7) -> Batch:
    return TASK.generate_batch(params, seeds.keys(seed, 0, count))


def graph_of(question: Grid) -> tuple[nx.Graph[tuple[int, int]], tuple[int, int], tuple[int, int]]:
    """Return the graph of cells that are no wall, with start and goal."""
    graph: nx.Graph[tuple[int, int]] = nx.grid_2d_graph(*question.shape)
    graph.remove_nodes_from([(int(r), int(c)) for r, c in np.argwhere(question == 0)])
    start, goal = ((int(r), int(c)) for code in (2, 3) for r, c in np.argwhere(question == code))
    return graph, start, goal


def marked(question: Grid, path: list[tuple[int, int]]) -> Grid:
    """Return the question with a marked path from the start to the goal."""
    answer = question.copy()
    for cell in path[1:-1]:
        answer[cell] = 4
    return answer


def chi_square_is_plausible(counts: list[list[int]]) -> None:
    """Assert that draws of several kinds are even, within four standard deviations."""
    total = sum(((np.array(kind) - np.mean(kind)) ** 2).sum() / np.mean(kind) for kind in counts)
    freedom = sum(len(kind) - 1 for kind in counts)
    assert abs(total - freedom) < 4 * (2 * freedom) ** 0.5


# Boards


@pytest.mark.parametrize("params", VARIANTS.values(), ids=VARIANTS)
def test_the_target_is_a_shortest_path_between_ends_far_enough_apart(params: Params) -> None:
    batch = made(params, 40)
    for question, target in zip(batch.question, batch.target, strict=True):
        graph, start, goal = graph_of(question)
        assert (question > 1).sum() == 2
        border = np.pad(np.zeros((params.size - 2, params.size - 2), bool), 1, constant_values=True)
        assert (question[border] == 0).all()
        assert abs(start[0] - goal[0]) + abs(start[1] - goal[1]) >= params.apart
        path = [
            start,
            *[tuple(np.argwhere(new)[0]) for new in np.diff(steps(question, target), axis=0)],
            goal,
        ]
        assert nx.is_path(graph, path)
        assert len(path) == nx.shortest_path_length(graph, start, goal) + 1
        assert np.array_equal(marked(question, path), target)


def steps(question: Grid, target: Grid) -> Grid:
    return np.concatenate([question[None], TASK.steps(Params(), question, target)])


def test_the_single_cells_are_as_many_as_the_density_says() -> None:
    walls = made(Params(density=0.1, barriers=0, blocks_min=0, blocks_max=0), 50).question[:, 1:-1, 1:-1] == 0
    assert (walls.sum(axis=(1, 2)) == int(0.1 * 15 * 15)).all()
    assert walls.any(axis=0).all()


def test_a_barrier_is_a_row_or_a_column_with_holes() -> None:
    params = Params(9, density=0.0, barriers=1, holes_min=2, holes_max=3, blocks_min=0, blocks_max=0, apart=4)
    walls = made(params, 400).question[:, 1:-1, 1:-1] == 0
    lines = np.concatenate([walls, walls.swapaxes(1, 2)], axis=1)  # rows, then columns
    assert set(lines.sum(axis=2).max(axis=1)) == set(walls.sum(axis=(1, 2))) == {4, 5}
    assert (lines.sum(axis=(0, 2)) > 0).all()


def test_a_block_is_a_rectangle() -> None:
    params = Params(9, density=0.0, barriers=0, blocks_min=1, blocks_max=1, block_min=2, block_max=3, apart=4)
    shapes: set[tuple[int, int]] = set()
    for walls in made(params, 100).question[:, 1:-1, 1:-1] == 0:
        rows, columns = np.flatnonzero(walls.any(axis=1)), np.flatnonzero(walls.any(axis=0))
        assert walls[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].sum() == walls.sum()
        assert walls.sum() == len(rows) * len(columns)
        shapes.add((len(rows), len(columns)))
    assert shapes == set(itertools.product((2, 3), repeat=2))


def test_every_pair_of_ends_is_equally_likely() -> None:
    params = Params(7, density=0.0, barriers=0, blocks_min=0, blocks_max=0, apart=6)
    questions = made(params, 20_000).question
    ends = [tuple(np.flatnonzero(q == code)[0] for code in (2, 3)) for q in questions]
    inside = list(itertools.product(range(5), repeat=2))
    far = sum(abs(a[0] - b[0]) + abs(a[1] - b[1]) >= 6 for a, b in itertools.product(inside, inside))
    assert len(Counter(ends)) == far
    chi_square_is_plausible([list(Counter(ends).values())])


def test_every_shortest_path_is_equally_likely_to_be_the_target() -> None:
    """Boards are the most frequent ones with two single wall cells, and the empty one."""
    two = Params(7, density=0.05, barriers=0, blocks_min=0, blocks_max=0, apart=8)
    counts: list[list[int]] = []
    for params, kinds in ((EMPTY, 4), (two, 30)):
        batch = made(params, 60_000)
        _, kind, times = np.unique(batch.question, axis=0, return_inverse=True, return_counts=True)
        for k in np.argsort(-times)[:kinds]:
            rows = np.flatnonzero(kind == k)
            question = batch.question[rows[0]]
            drawn = Counter(target.tobytes() for target in batch.target[rows])
            paths = [marked(question, path).tobytes() for path in nx.all_shortest_paths(*graph_of(question))]
            assert set(drawn) <= set(paths)
            counts.append([drawn[path] for path in paths])
    assert all(len(kind) == 70 for kind in counts[:4])
    chi_square_is_plausible(counts)


def test_hopeless_parameters_are_refused_and_not_tried_for_ever() -> None:
    walled = Params(barriers=65, holes_min=0, holes_max=0)
    with pytest.raises(UserError, match="none of 4096 boards joins its start and goal: give a lower density"):
        made(walled, 1)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"size": 6}, "size=6 is not in 7 … 65: choose a value there, e.g. 15"),
        ({"size": 66}, "size=66 is not in 7 … 65"),
        ({"density": 0.5}, "density=0.5 is not in 0.0 … 0.4: choose a value there, e.g. 0.05"),
        ({"density": float("nan")}, "density=nan is not in"),
        ({"barriers": -1}, "barriers=-1 is not in 0 … 65"),
        ({"holes_min": 15}, "holes_min=15 is above holes_max=14: give 14 or less"),
        ({"blocks_max": 2}, "blocks_min=3 is above blocks_max=2"),
        ({"block_min": 0}, "block_min=0 is not in 1 … 5"),
        ({"apart": 25}, "apart=25 is too large for size=15: give 24 or less"),
        ({"apart": 1}, "apart=1 is not in 2 … 124"),
    ],
)
def test_parameters_outside_their_range_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Params(**values)


@pytest.mark.parametrize(
    "params",
    [
        Params(7, density=0.4, barriers=0, blocks_min=0, blocks_max=0, apart=2),
        Params(
            7,
            density=0.0,
            barriers=65,
            holes_min=65,
            holes_max=65,
            blocks_min=0,
            blocks_max=1,
            block_max=5,
            apart=2,
        ),
        Params(65, density=0.2, apart=124),
    ],
)
def test_parameters_at_their_limits_make_right_questions(params: Params) -> None:
    batch = made(params, 3)
    for question, target in zip(batch.question, batch.target, strict=True):
        assert navigation.navigation_valid(question.tolist(), target.tolist())
        assert 0 <= TASK.difficulty(params, question, target)["score"] <= 1


# Verdicts


@st.composite
def questions(draw: st.DrawFn) -> Grid:
    shape = draw(st.tuples(st.integers(2, 6), st.integers(2, 6)))
    question = draw(hnp.arrays(np.uint8, shape, elements=st.sampled_from([0, 1, 1, 1])))
    ends = draw(st.lists(st.integers(0, question.size - 1), min_size=2, max_size=2, unique=True))
    question.flat[ends[0]], question.flat[ends[1]] = 2, 3
    return question


def verified_by_the_twins(question: Grid, answer: Grid) -> bool:
    result = TASK.check(Params(), question, answer)
    rows = question.tolist(), answer.tolist()
    assert result.valid == (result.reason == "") == navigation.navigation_valid(*rows)
    assert result.figures["psr"] == cells.maze_joined(*rows)
    assert ("rpl" in result.figures) == cells.maze_valid(*rows)
    if "rpl" in result.figures:
        length = navigation.shortest(rows[0])
        assert length is not None
        assert result.figures["rpl"] == (int((answer == 4).sum()) + 1) / length
    return result.valid


@given(questions(), st.data())
def test_verdict_equals_the_slow_twins(question: Grid, data: st.DataObject) -> None:
    solved = TASK.solve(Params(), question)
    answer = question.copy() if solved is None or data.draw(st.booleans()) else solved
    for _ in range(data.draw(st.integers(0, 6))):
        cell = data.draw(st.integers(0, question.size - 1))
        answer.flat[cell] = data.draw(st.sampled_from([4, 4, 4, 1, 0, 2, 3]))
    verified_by_the_twins(question, answer)


@given(questions())
def test_all_shortest_paths_are_right_and_no_longer_one_is(question: Grid) -> None:
    actual: Any = graph_of(question)  # the stub of all_simple_paths takes no graph of pairs
    graph, start, goal = actual
    assert (TASK.solve(Params(), question) is not None) == nx.has_path(graph, start, goal)
    for path in itertools.islice(nx.all_simple_paths(graph, start, goal, cutoff=8), 200):
        best = len(path) == nx.shortest_path_length(graph, start, goal) + 1
        assert verified_by_the_twins(question, marked(question, path)) == best


@pytest.mark.parametrize("params", VARIANTS.values(), ids=VARIANTS)
def test_mutated_targets_are_verified_as_by_the_slow_twins(params: Params) -> None:
    """One or two cells are flipped, most of them on the path or beside it."""
    rng = np.random.default_rng(3)
    batch = made(params, 400, seed=8)
    for question, target in zip(batch.question, batch.target, strict=True):
        answer = target.copy()
        where = np.argwhere(target >= 2)
        for _ in range(rng.integers(1, 3)):
            r, c = where[rng.integers(len(where))] + rng.integers(-1, 2, 2)
            answer[r, c] = (answer[r, c] + rng.integers(1, 5)) % 5
        verified_by_the_twins(question, answer)


def test_ways_moved_aside_stay_right_where_they_stay_shortest() -> None:
    """Each inner corner of a path is flipped to the other side: this often gives another right answer."""
    batch, right = made(VARIANTS["open"], 60, seed=9), 0
    for question, target in zip(batch.question, batch.target, strict=True):
        order = [tuple(np.argwhere(new)[0]) for new in np.diff(steps(question, target), axis=0)]
        for (r, c), (y, x), (v, w) in zip(order, order[1:], order[2:], strict=False):
            if r != v and c != w:
                answer = target.copy()
                answer[y, x], answer[r + v - y, c + w - x] = 1, 4
                right += verified_by_the_twins(question, answer)
    assert right > 100


HALL = board("S...", "....", "...G")


@pytest.mark.parametrize(
    ("answer", "reason", "parts"),
    [
        (board("S***", "...*", "...G"), "", {"psr": 1.0, "rpl": 1.0}),
        (board("S*..", ".***", "...G"), "", {"psr": 1.0, "rpl": 1.0}),
        (board("S***", "..**", "...G"), "1 marked cell is off the path from start to goal", {"psr": 1.0}),
        (board("S***", "*..*", "...G"), "1 marked cell is off the path from start to goal", {"psr": 1.0}),
        (board("S***", "*..*", "***G"), "4 marked cells are off the path from start to goal", {"psr": 1.0}),
        (board("S*.*", "...*", "...G"), "the marked cells do not join start and goal", {"psr": 0.0}),
        (board("....", "....", "...."), "the start at row 0, column 0 was changed", {"psr": 0.0}),
        (board("S***", "#..*", "...G"), "the open cell at row 1, column 0 was changed", {"psr": 1.0}),
    ],
)
def test_near_misses_in_an_open_hall(answer: Grid, reason: str, parts: dict[str, float]) -> None:
    result = TASK.check(Params(), HALL, answer)
    assert (result.valid, result.reason, result.figures) == (reason == "", reason, parts)


def test_a_path_one_turn_longer_than_needed_is_wrong_and_its_length_is_reported() -> None:
    question = board("S....", ".....", ".....", "....G")
    longer = board("S.***", "*.*.*", "***.*", "....G")
    result = TASK.check(Params(), question, longer)
    reason = "the path is 1.57 times as long as the shortest"
    assert (result.valid, result.reason, result.figures) == (False, reason, {"psr": 1.0, "rpl": 11 / 7})


def test_a_path_that_is_barely_longer_is_wrong() -> None:
    question = board("S" + 28 * "." + "G", 30 * ".")
    result = TASK.check(Params(), question, board("S" + 28 * "." + "G", 30 * "*"))
    assert (result.reason, result.figures["rpl"]) == (
        "the path is 1.07 times as long as the shortest",
        31 / 29,
    )


def test_a_path_through_a_wall_or_over_a_corner_joins_nothing() -> None:
    question = board("S#.", ".#.", ".#G")
    for answer in (board("S*.", ".#*", ".#G"), board("S#.", "*#.", "*#G"), board("S#*", ".#*", ".#G")):
        assert TASK.check(Params(), question, answer).figures == {"psr": 0.0}
        assert not verified_by_the_twins(question, answer)
    assert TASK.solve(Params(), question) is None


# Parts


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


@pytest.mark.parametrize(
    ("answer", "path", "precise"),
    [
        (board("S*..", "....", "...G"), 1 / 4, 1.0),
        (board("S...", "**..", "...G"), 2 / 4, 1.0),
        (board("S...", "*...", "**.G"), 3 / 4, 1.0),  # another path than the target's
        (board("S*..", "*...", "...G"), 0.0, 1 / 4),  # no shortest path has both
        (board("S***", "*..*", "...G"), 3 / 4, 16 / 25),
        (board("S***", "**.*", "...G"), 2 / 4, 16 / 36),
        (board("S**.", "....", "#..G"), 1 / 4, 4 / 9),  # a wall was built
    ],
)
def test_parts_read_by_hand(answer: Grid, path: float, precise: float) -> None:
    assert measured(HALL, answer) == pytest.approx({"path": path, "precise": precise})


def test_a_whole_path_that_is_too_long_is_nearly_right() -> None:
    """Parts are the same wherever the detour is, even if it leaves every shortest path."""
    question = board("S....", ".....", ".....", "....G")
    longer = board("S.***", "*.*.*", "***.*", "....G")
    assert measured(question, longer) == {"path": 7 / 11, "precise": 1.0}
    lane = board("S" + 28 * "." + "G", 30 * ".")
    aside = board("S" + 28 * "." + "G", 30 * "*")
    assert measured(lane, aside) == {"path": 29 / 31, "precise": 1.0}


@given(hnp.arrays(np.uint8, (2, 20, 4, 5), elements=st.integers(0, 4)))
def test_malformed_questions_and_answers_are_judged_as_rows_are(grids: npt.NDArray[np.uint8]) -> None:
    question, answer = grids
    valid = TASK.check_batch(Params(), question, answer)
    for row in range(len(question)):
        assert TASK.check(Params(), question[row], answer[row]).valid == valid[row]
    for column in TASK.parts_batch(Params(), question, question, answer).values():
        assert 0 <= column.min() <= column.max() <= 1
    TASK.difficulty_batch(Params(), question, answer)


# Processes


@given(questions(), st.data())
def test_steps_are_verified_as_by_the_slow_twin(question: Grid, data: st.DataObject) -> None:
    state = question.copy()
    for _ in range(data.draw(st.integers(1, 8))):
        after = state.copy()
        close = [(int(r), int(c)) for r, c in np.argwhere((state == 4) | (state == 2))]
        r, c = data.draw(st.sampled_from(close))
        for _ in range(data.draw(st.sampled_from([0, 1, 1, 1, 1, 1, 2]))):
            y, x = r + data.draw(st.integers(-1, 1)), c + data.draw(st.integers(-1, 1))
            after[y % len(after), x % len(after[0])] = data.draw(st.sampled_from([4, 4, 4, 4, 1, 3]))
        result = TASK.check_step(Params(), question, state, after)
        legal = navigation.step_legal(question.tolist(), state.tolist(), after.tolist())
        assert result.valid == (result.reason == "") == legal
        if legal:
            state = after


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (board("S*..", "..#G"), board("S**.", "..#G"), ""),
        (board("S...", "..#G"), board("S...", "*.#G"), ""),
        (board("S*..", "..#G"), board("S*..", "..#G"), "0 cells changed, but a step marks one"),
        (board("S*..", "..#G"), board("S***", "..#G"), "2 cells changed, but a step marks one"),
        (
            board("S*..", "..#G"),
            board("S...", "..#G"),
            "the marked cell at row 0, column 1 was changed to open cell",
        ),
        (
            board("S*..", "..#G"),
            board("S*..", "..*G"),
            "the wall at row 1, column 2 was changed to marked cell",
        ),
        (
            board("S*..", "..#G"),
            board("S*..", "..#*"),
            "the goal at row 1, column 3 was changed to marked cell",
        ),
        (
            board("S*..", "..#G"),
            board("S*.*", "..#G"),
            "the open cell at row 0, column 3 does not continue the path from its end",
        ),
        (
            board("S*..", "..#G"),
            board("S*..", "*.#G"),
            "the open cell at row 1, column 0 does not continue the path from its end",
        ),
        (
            board("S.", "*.", "*.", "G."),
            board("S.", "*.", "**", "G."),
            "a cell was marked after the path had reached",
        ),
        (
            board("S.", "*.", "**", ".G"),
            board("S.", "**", "**", ".G"),
            "a cell was marked after the path had reached",
        ),
        (
            board("S..", "*..", "**G"),
            board("S*.", "*..", "**G"),
            "a cell was marked after the path had reached",
        ),
        (board("S..G", "*...", "**.."), board("S..G", "**..", "**.."), "touches the path a second time"),
    ],
)
def test_near_misses_of_a_step(before: Grid, after: Grid, reason: str) -> None:
    question = np.where(before == 4, 1, before).astype(np.uint8)
    result = TASK.check_step(Params(), question, before, after)
    assert result.valid == (reason == "")
    assert reason in result.reason


def test_whole_processes() -> None:
    question = board("S..", ".#.", "..G")
    target = board("S**", ".#*", "..G")
    instance = Instance(
        "navigation/open", Params(), 0, "test", 0, question, target, steps(question, target)[1:]
    )
    other = board("S..", "*#.", "**G")
    assert TASK.verify_steps(instance, instance.steps).exact
    verdict = TASK.verify_steps(instance, steps(question, other)[1:])
    assert (verdict.valid, verdict.exact) == (True, False)
    assert not TASK.verify_steps(instance, target[None]).valid
    assert not TASK.verify_steps(instance, instance.steps[:-1]).valid


# Figures


def test_difficulty_equals_what_all_shortest_paths_add_up_to() -> None:
    params = Params(9, apart=8, blocks_min=0, blocks_max=2)
    batch = made(params, 40)
    for question, target in zip(batch.question, batch.target, strict=True):
        graph, start, goal = graph_of(question)
        paths = list(nx.all_shortest_paths(graph, start, goal))
        exits = dict(graph.degree)
        luck = sum(prod(1 / (exits[cell] - (cell != start)) for cell in path[:-1]) for path in paths)
        figures = TASK.difficulty(params, question, target)
        crow = abs(start[0] - goal[0]) + abs(start[1] - goal[1])
        assert figures["bits"] == pytest.approx(-log2(luck))
        assert figures["score"] == pytest.approx(figures["bits"] / (figures["bits"] + 16))
        moves = len(paths[0]) - 1
        assert (figures["ways"], figures["path"], figures["detour"]) == (len(paths), moves - 1, moves / crow)


def test_features_are_the_paths_cells() -> None:
    batch = made(Params(), 3)
    assert np.array_equal(TASK.features(Params(), batch), (batch.target == 4).reshape(3, -1))
