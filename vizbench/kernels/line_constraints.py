"""Narrow constraints about lines between the cells of a grid: loops, corners, rectangles.

They add to the kinds of `kernels.constraints`. A variable is an edge of a cell. `grid_constraints.narrow_any`
takes all kinds.
"""

from __future__ import annotations

import numpy as np

from vizbench._util.jit import jit
from vizbench.kernels.constraints import restrict

EITHER, LOOP, RECTANGLE = range(200, 203)
"""The kinds of constraints, see the kernel of each."""


@jit
def narrow_either(problem, work, domains, c):
    """EITHER: exactly low or exactly high variables of the scope have a value of the mask."""
    mask, low, high = problem.masks[c], problem.lows[c], problem.highs[c]
    sure, possible = 0, 0
    for k in range(problem.starts[c], problem.starts[c + 1]):
        domain = domains[problem.scopes[k]]
        possible += domain & mask != 0
        sure += domain & ~mask == 0
    fits_low, fits_high = sure <= low <= possible, sure <= high <= possible
    if fits_low and fits_high:
        return True
    if not fits_low and not fits_high:
        return False
    count = low if fits_low else high
    if sure < count < possible:
        return True
    rest = ~mask if sure == count else mask
    for k in range(problem.starts[c], problem.starts[c + 1]):
        v = problem.scopes[k]
        if domains[v] & mask and domains[v] & ~mask:
            restrict(problem, work, domains, v, rest)
    return True


@jit
def _ends(edge, height, width):
    """Return the two corners that an edge joins, on a grid of height x width cells.

    First come the edges across, row by row, and then the upright ones.
    """
    across = (height + 1) * width
    if edge < across:
        corner = edge // width * (width + 1) + edge % width
        return corner, corner + 1
    corner = edge - across
    return corner, corner + width + 1


@jit
def _root(parents, corner):
    while parents[corner] != corner:
        parents[corner] = parents[parents[corner]]
        corner = parents[corner]
    return corner


@jit
def _join_lines(problem, domains, c, parents, lengths):
    """Join the corners that sure lines of a LOOP connect. Return the lines, and a corner of a closed loop.

    lengths: the lines that are joined to each root. The corner is -1 if no loop is closed.
    """
    height, width, first = problem.highs[c], problem.lows[c], problem.starts[c]
    corners = (height + 1) * (width + 1)
    parents[:corners] = np.arange(corners)
    lengths[:corners] = 0
    lines, closed = 0, -1
    for edge in range(problem.starts[c + 1] - first):
        if domains[problem.scopes[first + edge]] & ~problem.masks[c]:
            continue
        lines += 1
        a, b = _ends(edge, height, width)
        a, b = _root(parents, a), _root(parents, b)
        if a == b:
            closed = a
        else:
            parents[b] = a
            lengths[a] += lengths[b]
        lengths[a] += 1
    return lines, closed


@jit
def narrow_loop(problem, work, domains, c):
    """LOOP: the edges with a value of the mask are one loop, if no corner has more than two of them.

    The scope has the edges of a grid of high x low cells, in the order of `_ends`.
    """
    height, width, first, mask = problem.highs[c], problem.lows[c], problem.starts[c], problem.masks[c]
    side = work.ahead.shape[0]
    parents, lengths = work.ahead.reshape(side * side), work.back.reshape(side * side)
    lines, closed = _join_lines(problem, domains, c, parents, lengths)
    if closed >= 0 and lengths[_root(parents, closed)] < lines:
        return False
    possible = 0
    for edge in range(problem.starts[c + 1] - first):
        v = problem.scopes[first + edge]
        possible += domains[v] & mask != 0
        if domains[v] & mask == 0 or domains[v] & ~mask == 0:
            continue
        a, b = _ends(edge, height, width)
        root = _root(parents, a)
        closes_early = root == _root(parents, b) and lengths[root] < lines
        if closed >= 0 or closes_early:
            restrict(problem, work, domains, v, ~mask)
    return possible > 0


@jit
def right_gap(side, r, c):
    """Return the gap between a cell of a square of cells and the one to its right."""
    return r * (side - 1) + c


@jit
def lower_gap(side, r, c):
    """Return the gap between a cell of a square of cells and the one below it."""
    return side * (side - 1) + r * side + c


@jit
def _number_cell(problem, c):
    """Return row and column of the cell with the number of a RECTANGLE."""
    wide = 2 * problem.highs[c] - 1
    return problem.numbers[c] // wide // 2, problem.numbers[c] % wide // 2


@jit
def _has_other(problem, c, top, left, bottom, right):
    """Return whether a rectangle of cells has the number of another RECTANGLE."""
    for other in range(problem.sizes[1]):
        if other != c and problem.kinds[other] == RECTANGLE:
            r, column = _number_cell(problem, other)
            if top <= r <= bottom and left <= column <= right:
                return True
    return False


@jit
def _write_inner(side, top, left, bottom, right, gaps):
    """Write the gaps inside a rectangle of cells. Return how many there are."""
    inner = 0
    for r in range(top, bottom + 1):
        for c in range(left, right + 1):
            if c < right:
                gaps[inner] = right_gap(side, r, c)
                inner += 1
            if r < bottom:
                gaps[inner] = lower_gap(side, r, c)
                inner += 1
    return inner


@jit
def _write_border(side, top, left, bottom, right, gaps, end):
    """Write the gaps at the border of a rectangle of cells from a place on. Return where they end."""
    for r in range(top, bottom + 1):
        for c in (left - 1, right):
            if 0 <= c < side - 1:
                gaps[end] = right_gap(side, r, c)
                end += 1
    for c in range(left, right + 1):
        for r in (top - 1, bottom):
            if 0 <= r < side - 1:
                gaps[end] = lower_gap(side, r, c)
                end += 1
    return end


@jit
def _try_rectangle(domains, gaps, inner, end, counts):
    """Count the gaps of a rectangle that fits: each inner one as open, each one at the border as a line.

    counts: `(gaps, 2)`, how many rectangles leave a gap open, and how many draw a line. Returns 1 if it fits.
    """
    for k in range(end):
        if domains[gaps[k]] & (1 if k < inner else 2) == 0:
            return 0
    for k in range(end):
        counts[gaps[k], 0 if k < inner else 1] += 1
    return 1


@jit
def _count_rectangles(problem, domains, c, height, width, gaps, counts):
    """Return how many rectangles of a size can hold the number of a RECTANGLE, and count their gaps."""
    side, fitting = problem.highs[c], 0
    r, column = _number_cell(problem, c)
    for top in range(max(r - height + 1, 0), min(r, side - height) + 1):
        for left in range(max(column - width + 1, 0), min(column, side - width) + 1):
            bottom, right = top + height - 1, left + width - 1
            if not _has_other(problem, c, top, left, bottom, right):
                inner = _write_inner(side, top, left, bottom, right, gaps)
                end = _write_border(side, top, left, bottom, right, gaps, inner)
                fitting += _try_rectangle(domains, gaps, inner, end, counts)
    return fitting


@jit
def narrow_rectangle(problem, work, domains, c):
    """RECTANGLE: lines surround a rectangle of low cells, and only one of its cells has a number.

    The variables are the gaps of a square of high x high cells, first all right ones and then all lower ones.
    Value 1 is a line. The scope needs only the gaps that a rectangle may reach. number: the place of the cell
    on a grid that has the gaps in its odd rows and columns.
    """
    area, side = problem.lows[c], problem.highs[c]
    size = work.ahead.shape[0] * work.ahead.shape[1]
    gaps = work.ahead.reshape(size)
    counts = work.back.reshape(size)[: size // 2 * 2].reshape(size // 2, 2)
    counts[: problem.sizes[0]] = 0
    fitting = 0
    for height in range(1, min(area, side) + 1):
        width = area // height
        if height * width == area and width <= side:
            fitting += _count_rectangles(problem, domains, c, height, width, gaps, counts)
    if fitting == 0:
        return False
    for k in range(problem.starts[c], problem.starts[c + 1]):
        v = problem.scopes[k]
        if counts[v, 0] == fitting:
            restrict(problem, work, domains, v, 1)
        elif counts[v, 1] == fitting:
            restrict(problem, work, domains, v, 2)
    return True
