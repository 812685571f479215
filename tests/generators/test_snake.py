"""Test snake against a slow twin that keeps the snake as a list of cells."""

from __future__ import annotations

import pytest

from tests.support.simulations import Rows, agree, cells_of, drawn, grid
from vizbench.errors import UserError
from vizbench.generators.snake import TASK, VARIANTS, Params

MOVES = {4: (-1, 0), 5: (0, 1), 6: (1, 0), 7: (0, -1)}
MARKS = ".#*@^>v<"


def snake_of(board: Rows) -> list[tuple[int, int]]:
    """Return the cells of the snake, the head first, by the body cells that lead to it."""
    snake, before = list[tuple[int, int]](), dict[tuple[int, int], tuple[int, int]]()
    for (r, c), code in cells_of(board).items():
        if r >= 2 and code == 3:
            snake.append((r, c))
        elif r >= 2 and code > 3:
            before[r + MOVES[code][0], c + MOVES[code][1]] = (r, c)
    while snake[-1] in before:
        snake.append(before[snake[-1]])
    return snake


def step(board: Rows) -> Rows:
    """Return the board after the first move."""
    moves = [c for c, code in enumerate(board[0]) if code >= 4]
    if not moves:
        return board
    move, snake = board[0][moves[0]], snake_of(board)
    board[0][moves[0]] = 0
    (r, c), (dr, dc) = snake[0], MOVES[move]
    eats = board[r + dr][c + dc] == 2
    assert board[r + dr][c + dc] in (0, 2)
    board[r + dr][c + dc] = 3
    board[r][c] = move
    if not eats:
        board[snake[-1][0]][snake[-1][1]] = 0
    return board


def test_states_are_those_of_the_twin():
    for params in (*VARIANTS.values(), Params(size=4, moves=4, length=2, food=0)):
        agree(TASK, params, step, 200)


def test_all_moves_are_made_and_some_food_is_eaten():
    batch = drawn(TASK, Params(), 2000)
    assert not batch.target[:, 0].any()
    assert ((batch.question[:, 0] >= 4).sum(axis=1) == 5).all()
    grown = (batch.target[:, 2:] >= 3).sum(axis=(1, 2)) - (batch.question[:, 2:] >= 3).sum(axis=(1, 2))
    assert 0.3 < (grown > 0).mean() < 0.9


def test_a_snake_eats_and_keeps_its_tail():
    start = grid(">v.. #### .>@* .... .... ....", MARKS)
    first = TASK.advance_batch(Params(), start)
    assert first.tolist() == grid(".v.. #### .>>@ .... .... ....", MARKS).tolist()
    second = TASK.advance_batch(Params(), first)
    assert second.tolist() == grid(".... #### ..>v ...@ .... ....", MARKS).tolist()


def test_a_blocked_move_is_not_made():
    for text in (">... #### ..>@ .... .... ....", "<... #### ..>@ .... .... ...."):
        start = grid(text, MARKS)
        assert (TASK.advance_batch(Params(), start) == start).all()


def test_parameters_that_do_not_fit():
    for values in ({"moves": 8}, {"size": 4, "moves": 1, "length": 6}):
        with pytest.raises(UserError, match=r"fit|third"):
            Params(**values)
