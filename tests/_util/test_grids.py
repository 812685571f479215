"""Test which objects are read as grids, and the sentences about all others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vizbench._util.grids import MAX_SIDE, MAX_STATES, as_grid, as_states

CELLS = st.one_of(
    st.integers(-2, 12),
    st.integers(),
    st.booleans(),
    st.floats(allow_nan=True),
    st.none(),
    st.text(max_size=2),
    st.integers(0, 9).map(np.uint8),
    st.just(np.ma.masked),
)


@given(st.lists(st.lists(CELLS, max_size=4) | CELLS, max_size=4), st.integers(1, 10))
def test_nested_lists_are_read_as_a_naive_reader_reads_them(rows: list[object], codes: int) -> None:
    def cell(value: object) -> bool:
        return isinstance(value, int | np.integer | np.bool_) and 0 <= int(value) < codes

    lines = [row for row in rows if isinstance(row, list)]
    proper = (
        bool(rows) and len(lines) == len(rows) and len({len(line) for line in lines}) == 1 and bool(lines[0])
    )
    is_grid = proper and all(cell(value) for line in lines for value in line)
    got = as_grid(rows, codes)
    if is_grid:
        assert isinstance(got, np.ndarray) and got.dtype == np.uint8
        assert got.tolist() == [[int(value) for value in line] for line in lines]
    else:
        assert isinstance(got, str) and "\n" not in got and len(got) < 200


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ([np.ma.masked_array([0, 1], mask=[False, True]), [0, 1]], "holds a masked array"),
        ([np.ma.masked_array([0, 1])] * 2, "holds a masked array"),
        (np.ma.masked_array([[0, 1]]), "holds a masked array"),
        ([[0, 1], [0]], "rows of 2 and of 1 cell"),
        ([[0.0, 1.0]], "holds float, not integers"),
        ([[0, None]], "holds NoneType, not integers"),
        ([np.array([0.5])], "holds float, not integers"),
        (np.array([[0.0]]), "holds float64, not integers"),
        (np.array([[0]], object), "holds object, not integers"),
        ([np.zeros((1, 1), int)], r"a row of shape \(1, 1\)"),
        ([0, 1], r"a row of shape \(\), not a list of cells"),
        ([[]], "a row of 0 cells: 1 … 1024 are read"),
        ([], "has 0 rows: 1 … 1024 are read"),
        ([[0]] * (MAX_SIDE + 1), "has 1,025 rows"),
        ([[0] * (MAX_SIDE + 1)], "a row of 1,025 cells"),
        (np.zeros((1, MAX_SIDE + 1), int), "1x1025: sides over 1024"),
        (np.broadcast_to(np.uint8(0), (10**6, 10**6)), "sides over 1024"),
        ("0", "is of type str"),
        (range(10**12), "is of type range"),
        ([[2**80]], "is not a grid: OverflowError"),
        ([[-1]], "cell code -1 is outside 0 … 2"),
    ],
)
def test_the_reason_tells_what_is_wrong(answer: object, said: str) -> None:
    reason = as_grid(answer, 3)
    assert isinstance(reason, str)
    with pytest.raises(ValueError, match=said):
        raise ValueError(reason)


def test_booleans_and_every_width_of_integers_are_cells() -> None:
    for rows in (np.array([[True, False]]), [[True, False]], [np.array([True, False])]):
        grid = as_grid(rows, 2)
        assert type(grid) is np.ndarray and grid.dtype == np.uint8 and grid.tolist() == [[1, 0]]
    largest = np.array([[MAX_SIDE * [1]]], np.int64)[0].repeat(MAX_SIDE, axis=0)
    assert isinstance(as_grid(largest, 2), np.ndarray) and isinstance(
        as_grid(largest.tolist(), 2), np.ndarray
    )


def test_what_is_read_is_a_copy() -> None:
    board = np.zeros((2, 2), np.uint8)
    grid = as_grid(board, 1)
    assert isinstance(grid, np.ndarray) and not np.shares_memory(grid, board)


def test_processes() -> None:
    assert as_states([[[0]]]) == [[[0]]]
    assert (
        as_states(np.ma.masked_array([[[0]]]))
        == "the process holds a masked array: masked cells are not an answer"
    )
    assert as_states([]) == "the process has 0 states: 1 … 65,536 are read"
    for hostile in ([0] * (MAX_STATES + 1), range(10**12), "text", object(), None, 3, np.zeros((0, 1, 1))):
        assert isinstance(as_states(hostile), str)
