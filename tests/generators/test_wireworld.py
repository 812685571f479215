"""Test Wireworld against a slow twin and known circuits."""

from __future__ import annotations

from itertools import product

from tests.support.simulations import Rows, agree, agree_on_noise, grid
from vizbench.generators.wireworld import TASK, VARIANTS, Params

MARKS = ".HT#"


def step(board: Rows) -> Rows:
    """Return the circuit after one step."""
    cells = list(product(range(len(board)), range(len(board[0]))))
    heads = [cell for cell in cells if board[cell[0]][cell[1]] == 1]
    after = [[{0: 0, 1: 2, 2: 3, 3: 3}[code] for code in row] for row in board]
    for r, c in cells:
        near = sum(max(abs(r - y), abs(c - x)) == 1 for y, x in heads)
        if board[r][c] == 3 and near in (1, 2):
            after[r][c] = 1
    return after


def test_states_are_those_of_the_twin():
    for params in (*VARIANTS.values(), Params(size=5, loops=1, electrons=9)):
        agree(TASK, params, step)
        agree_on_noise(TASK, params, step)


def after(text: str, steps: int) -> str:
    """Return a wire of one row some steps later."""
    state = grid(text, MARKS)
    for _ in range(steps):
        state = TASK.advance_batch(Params(), state)
    return "".join(MARKS[code] for code in state[0, 0])


def test_an_electron_moves_one_cell_per_step_and_leaves_the_wire_at_its_end():
    assert after("TH######", 5) == "#####TH#"
    assert after("TH######", 9) == "########"


def test_electrons_that_meet_die():
    assert after("TH####HT", 4) == "########"
    assert after("TH###.HT", 2) == "##TH#.##"


def test_a_head_with_three_head_neighbours_is_not_born():
    state = TASK.advance_batch(Params(), grid("H.H .#. H.. ...", MARKS))
    assert state[0, 1, 1] == 3
    state = TASK.advance_batch(Params(), grid("H.H .#. ... ...", MARKS))
    assert state[0, 1, 1] == 1
