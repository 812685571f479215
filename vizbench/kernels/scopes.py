"""Write what the constraints of many puzzles share: scopes of lines and squares, and a loop over questions.

The variables are the cells of a square field in reading order.
"""

from __future__ import annotations

from types import FunctionType

from vizbench._util.jit import Kernel, jit
from vizbench.kernels.constraints import over, row_of


@jit
def over_line(problem, size, is_column, line):
    """Add the cells of a row or column to the scope of the last constraint."""
    for k in range(size):
        over(problem, k * size + line if is_column else line * size + k)


@jit
def over_square(problem, size, r, c):
    """Add the cells of the 3x3 square around a cell to the scope of the last constraint."""
    for y in range(max(r - 1, 0), min(r + 2, size)):
        for x in range(max(c - 1, 0), min(c + 2, size)):
            over(problem, y * size + x)


@jit
def _write(question, problem, *more):
    """Write the constraints of one question. `for_each` puts a family's kernel in this place."""


def _write_all(question, problems, *more):
    """Write the constraints of each question `(n, h, w)`."""
    for i in range(question.shape[0]):
        _write(question[i], row_of(problems, i), *more)


def for_each(write: Kernel) -> Kernel:
    """Return a kernel for many questions from a kernel for one.

    write: takes a question `(h, w)`, its problem, and more numbers if there are any. The kernel that is
    returned takes questions `(n, h, w)`, their problems, and the same numbers.
    """
    name = f"{write.__name__}_all"
    function = FunctionType(_write_all.__code__, {**globals(), "_write": write}, name)
    function.__qualname__ = name  # Numba names cached code by it: two kernels of one file must differ
    return Kernel(function)
