"""Test packing puzzles: unique by exhaustive search, verdicts by a slow twin, near misses, steps."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest

from tests.support.puzzles import Cell, made
from vizbench.errors import UserError
from vizbench.generators.polyomino_packing import TASK, Params
from vizbench.types import Grid

OPEN = 12
Piece = frozenset[Cell]
SMALL = Params(height=4, width=5, pieces=3, moves="flip")


def moved(cells: Piece) -> Piece:
    """Return the cells moved to the top left."""
    top, left = min(r for r, _ in cells), min(c for _, c in cells)
    return frozenset((r - top, c - left) for r, c in cells)


def forms(cells: Piece, moves: str) -> set[Piece]:
    """Return what the moves make of a piece."""
    made_forms: set[Piece] = set()
    for _ in range({"slide": 1, "turn": 1, "flip": 2}[moves]):
        for _ in range(1 if moves == "slide" else 4):
            made_forms.add(moved(cells))
            cells = frozenset((c, -r) for r, c in cells)
        cells = frozenset((r, -c) for r, c in cells)
    return made_forms


def cells_of(grid: Grid, code: int, width: int, is_region: bool) -> Piece:
    """Return the cells of a code in the region, or beside it."""
    cells = {(int(r), int(c)) for r, c in np.argwhere(grid == code)}
    return frozenset(cell for cell in cells if (cell[1] < width) == is_region)


def is_right(question: Grid, answer: Grid, params: Params) -> bool:
    """Check the rules in plain Python."""
    numbers = range(1, params.pieces + 1)
    for old, new in zip(question.flat, answer.flat, strict=True):
        if old == OPEN:
            is_allowed = new in numbers
        else:
            is_allowed = new == old
        if not is_allowed:
            return False
    for number in numbers:
        shown = cells_of(question, number, params.width, False)
        packed = cells_of(answer, number, params.width, True)
        if not packed or moved(packed) not in forms(shown, params.moves):
            return False
    return True


def covers(free: Piece, places: list[list[Piece]]) -> Iterator[tuple[Piece, ...]]:
    """Yield every way to cover the free cells with all pieces."""
    if not places:
        if not free:
            yield ()
        return
    for place in places[0]:
        if place <= free:
            yield from ((place, *rest) for rest in covers(free - place, places[1:]))


@functools.cache
def placed(piece: Piece, params: Params) -> list[Piece]:
    """Return every place of a piece in the field."""
    places: list[Piece] = []
    for form in forms(piece, params.moves):
        tall, wide = (max(numbers) for numbers in zip(*form, strict=True))
        for top, left in product(range(params.height - tall), range(params.width - wide)):
            places.append(frozenset((r + top, c + left) for r, c in form))
    return places


def solutions(question: Grid, params: Params) -> list[tuple[Piece, ...]]:
    region = cells_of(question, OPEN, params.width, True)
    places: list[list[Piece]] = []
    for number in range(1, params.pieces + 1):
        piece = moved(cells_of(question, number, params.width, False))
        places.append([place for place in placed(piece, params) if place <= region])
    return list(covers(region, places))


@pytest.mark.parametrize(
    ("params", "count"),
    [(SMALL, 2000), (Params(), 25), (Params(moves="slide"), 50)],
    ids=["small", "turn", "slide"],
)
def test_questions_have_one_solution_by_exhaustive_search(params: Params, count: int):
    batch = made(TASK, params, count)
    for question, target in zip(batch.question, batch.target, strict=True):
        numbers = range(1, params.pieces + 1)
        expected = tuple(cells_of(target, number, params.width, True) for number in numbers)
        assert solutions(question, params) == [expected]


def changed(target: Grid, question: Grid, rng: np.random.Generator, params: Params) -> Grid:
    """Return an answer after two pieces swapped numbers, or after some cells changed."""
    answer = target.copy()
    is_open = question == OPEN
    if rng.random() < 0.3:
        one, other = (rng.permutation(params.pieces)[:2] + 1).tolist()
        answer[is_open & (target == one)] = other
        answer[is_open & (target == other)] = one
    else:
        cells = rng.choice(np.flatnonzero(is_open), int(rng.integers(1, 4)))
        answer.flat[cells] = rng.integers(1, params.pieces + 1, len(cells))
    if rng.random() < 0.1:
        answer.flat[rng.integers(answer.size)] = rng.integers(TASK.codes)
    return answer


@pytest.mark.parametrize("params", [SMALL, Params(), Params(moves="slide")], ids=["flip", "turn", "slide"])
def test_verdicts_are_those_of_the_slow_twin(params: Params):
    batch, rng = made(TASK, params, 300), np.random.default_rng(3)
    pairs = list(zip(batch.question, batch.target, strict=True))
    answers = np.stack([changed(target, question, rng, params) for question, target in pairs])
    expected = [
        is_right(question, answer, params) for question, answer in zip(batch.question, answers, strict=True)
    ]
    assert all(is_right(question, target, params) for question, target in pairs)
    assert TASK.check_batch(params, batch.question, answers).tolist() == expected
    assert 0 < sum(expected) < 100


HAND = Params(height=4, width=4, pieces=2, moves="slide")


def by_hand() -> tuple[Grid, Grid]:
    """Return a question and its answer: two bars of three cells in a region of 2 x 3 cells."""
    question = np.zeros((7, 8), np.uint8)
    question[0, :3] = question[1, :3] = OPEN
    question[0, 5:8] = 1
    question[4, 5:8] = 2
    answer = question.copy()
    answer[0, :3], answer[1, :3] = 1, 2
    return question, answer


def test_near_misses_name_what_is_wrong():
    question, answer = by_hand()
    assert TASK.check(HAND, question, answer).valid
    for (r, c), code, reason in (
        ((0, 0), 2, "piece 1 does not have the shape that is shown"),
        ((1, 2), OPEN, "the cell at row 1, column 2 has no piece"),
        ((1, 2), 3, "the cell at row 1, column 2 has no piece"),
        ((2, 0), 2, "the cell at row 2, column 0 was changed"),
        ((0, 5), 2, "the cell at row 0, column 5 was changed"),
    ):
        other = answer.copy()
        other[r, c] = code
        assert TASK.check(HAND, question, other).reason == reason
    assert TASK.check(HAND, question[1:], answer[1:]).reason == "the board is not 7x8"


@pytest.mark.parametrize(
    ("packed", "allowed"),
    [
        ([(0, 0), (1, 0), (1, 1), (1, 2)], {"slide", "turn", "flip"}),
        ([(0, 0), (0, 1), (0, 2), (1, 2)], {"turn", "flip"}),
        ([(0, 2), (1, 0), (1, 1), (1, 2)], {"flip"}),
        ([(0, 1), (1, 0), (1, 1), (1, 2)], set[str]()),
    ],
    ids=["as shown", "turned", "mirrored", "another"],
)
def test_only_allowed_moves_count(packed: list[Cell], allowed: set[str]):
    question, answer = np.zeros((2, 7, 8), np.uint8)
    for grid in (question, answer):
        grid[0, 5] = grid[1, 5:8] = 1
        grid[4, 5:8] = 2
    for cell in packed:
        question[cell], answer[cell] = OPEN, 1
    question[2, :3], answer[2, :3] = OPEN, 2
    for moves in ("slide", "turn", "flip"):
        params = Params(height=4, width=4, pieces=2, moves=moves)
        assert TASK.check(params, question, answer).valid == (moves in allowed)
        assert is_right(question, answer, params) == (moves in allowed)


def test_a_step_places_one_piece():
    question, answer = by_hand()
    half = question.copy()
    half[1, :3] = 2
    assert TASK.check_step(HAND, question, question, half).valid
    assert TASK.check_step(HAND, question, half, answer).valid
    for before, after, reason in (
        (question, answer, "a step places one piece"),
        (question, question, "a step places one piece"),
        (half, np.where(half == OPEN, 2, half), "piece 2 was placed before"),
        (half, question, "a cell was changed that is not open"),
    ):
        assert TASK.check_step(HAND, question, before, after.astype(np.uint8)).reason == reason
    part = question.copy()
    part[1, :2] = 2
    reason = TASK.check_step(HAND, question, question, part).reason
    assert reason == "piece 2 does not have the shape that is shown"


def test_a_process_has_one_state_per_piece_that_rewards_half_of_the_pieces():
    question, answer = by_hand()
    steps = TASK.steps(HAND, question, answer)
    assert len(steps) == 2
    parts = TASK.parts_batch(HAND, question[None], answer[None], steps[:1])
    assert {name: column.tolist() for name, column in parts.items()} == {
        "right": [0.5],
        "precise": [1.0],
        "kept": [1.0],
    }


@pytest.mark.parametrize(
    ("height", "width", "pieces", "moves"),
    [
        (3, 5, 2, "turn"),
        (8, 5, 2, "turn"),
        (5, 11, 2, "turn"),
        (7, 9, 2, "turn"),
        (5, 5, 6, "turn"),
        (5, 5, 1, "turn"),
        (5, 5, 5, ""),
    ],
)
def test_parameters_outside_their_range_are_refused(height: int, width: int, pieces: int, moves: str):
    with pytest.raises(UserError, match=r"height=|width=|pieces=|moves="):
        Params(height, width, pieces, moves)  # pyright: ignore[reportArgumentType] values from outside
