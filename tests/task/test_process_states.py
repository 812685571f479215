"""Test processes that write cells at given moments against a plain loop."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vizbench.kernels.process_states import cell_steps

CELLS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(-1, 5)), min_size=6, max_size=6)


def state_at(cells: list[tuple[int, int, int]], number: int) -> list[int]:
    """Return the codes of one state: the new code of each cell that is written by then."""
    codes: list[int] = []
    for old, new, moment in cells:
        codes.append(new if 0 <= moment <= number else old)
    return codes


@given(st.lists(CELLS, max_size=4))
def test_states_are_those_of_a_plain_loop(rows: list[list[tuple[int, int, int]]]) -> None:
    canvas, target, moments = np.array(rows, np.int64).reshape(-1, 2, 3, 3).transpose(3, 0, 1, 2)
    process = cell_steps(canvas.astype(np.uint8), target.astype(np.uint8), moments)
    assert len(process) == len(rows)
    for row, cells in enumerate(rows):
        last = max(moment for _, _, moment in cells)
        expected = [state_at(cells, number) for number in range(last + 1)]
        expected = expected or [[new for _, new, _ in cells]]  # no cell is written
        assert process[row].reshape(-1, 6).tolist() == expected
