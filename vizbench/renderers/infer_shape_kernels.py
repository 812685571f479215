"""Compute the error of one candidate shape from the integral image, for `infer_shape`, in compiled code.

The error leaves out the sum of the picture's squares, which is the same for all candidates. Over a
rectangle of area A and colour sum S, drawing colour c costs A |c|^2 - 2 c.S.
"""

# pyright: reportMissingParameterType=false, reportUnknownParameterType=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import numpy as np

from vizbench._util.jit import jit
from vizbench.renderers.kernels import nearest

_FAINTEST = 0.1
"""Least strength of a line. A line of one pixel keeps 0.2 after blur of two pixels."""
_MOST_SHIFT = 32.0
"""Levels of the largest common shift of colours that is fitted."""


PROBES = 12
"""Lines of pixels along each axis that rule candidates out."""


@jit
def sums_of(picture):
    """Return the sums of a picture `(H, W, 3)` over rectangles from the top left, `(H + 1, W + 1, 3)`."""
    height, width = picture.shape[0], picture.shape[1]
    sums = np.empty((height + 1, width + 1, 3), np.int32)
    sums[0] = 0
    sums[:, 0] = 0
    for y in range(height):
        red, green, blue = 0, 0, 0
        for x in range(width):
            red += picture[y, x, 0]
            green += picture[y, x, 1]
            blue += picture[y, x, 2]
            sums[y + 1, x + 1, 0] = sums[y, x + 1, 0] + red
            sums[y + 1, x + 1, 1] = sums[y, x + 1, 1] + green
            sums[y + 1, x + 1, 2] = sums[y, x + 1, 2] + blue
    return sums


@jit
def corner_sums(sums, rows, columns):
    """Return the integral image at fractional rows `(a,)` and columns `(b,)`: `(a, b, 3)`.

    sums `(H + 1, W + 1, 3)` is interpolated bilinearly.
    """
    out = np.empty((rows.shape[0], columns.shape[0], 3))
    for i in range(rows.shape[0]):
        y = min(int(rows[i]), sums.shape[0] - 2)
        fy = rows[i] - y
        for j in range(columns.shape[0]):
            x = min(int(columns[j]), sums.shape[1] - 2)
            fx = columns[j] - x
            for c in range(3):
                above = sums[y, x, c] * (1 - fx) + sums[y, x + 1, c] * fx
                below = sums[y + 1, x, c] * (1 - fx) + sums[y + 1, x + 1, c] * fx
                out[i, j, c] = above * (1 - fy) + below * fy
    return out


@jit
def box(table, a, b, c, d, channel):
    """Return the sum over the rectangle from corner (a, c) to corner (b, d) of a corner table."""
    return table[b, d, channel] - table[a, d, channel] - table[b, c, channel] + table[a, c, channel]


@jit
def cell_error(table, rows, columns, colours, codes, shift):
    """Return the error of the cells in their nearest colours.

    Fills codes `(h, w)`, and adds the residual sums to shift `(3,)`.
    """
    error = 0.0
    for i in range(codes.shape[0]):
        for j in range(codes.shape[1]):
            area = (rows[2 * i + 1] - rows[2 * i]) * (columns[2 * j + 1] - columns[2 * j])
            red = box(table, 2 * i, 2 * i + 1, 2 * j, 2 * j + 1, 0)
            green = box(table, 2 * i, 2 * i + 1, 2 * j, 2 * j + 1, 1)
            blue = box(table, 2 * i, 2 * i + 1, 2 * j, 2 * j + 1, 2)
            code, _, _ = nearest(red / area, green / area, blue / area, colours)
            codes[i, j] = code
            r, g, b = colours[code, 0], colours[code, 1], colours[code, 2]
            error += area * (r * r + g * g + b * b) - 2 * (r * red + g * green + b * blue)
            shift[0] += red - area * r
            shift[1] += green - area * g
            shift[2] += blue - area * b
    return error


@jit
def line_terms(table, rows, columns, corners, first, second, outside, shift, terms):
    """Add a line segment between two cells to terms `(3,)`.

    The terms are the error at strength 0, the gain per strength, and the cost per squared strength.
    """
    a, b, c, d = corners
    area = (rows[b] - rows[a]) * (columns[d] - columns[c])
    for k in range(3):
        mean = (first[k] + second[k]) / 2
        base = mean + shift[k]
        pull = outside[k] - mean
        total = box(table, a, b, c, d, k)
        terms[0] += area * base * base - 2 * base * total
        terms[1] += pull * (total - area * base)
        terms[2] += pull * pull * area


@jit
def line_error(table, rows, columns, colours, outside, codes, shift):
    """Return the error of the lines between cells, at the best strength in _FAINTEST … 1."""
    terms = np.zeros(3)
    h, w = codes.shape
    for i in range(h):
        for j in range(w):
            here = colours[codes[i, j]]
            if i + 1 < h:
                corners = (2 * i + 1, 2 * i + 2, 2 * j, 2 * j + 1)
                line_terms(
                    table, rows, columns, corners, here, colours[codes[i + 1, j]], outside, shift, terms
                )
            if j + 1 < w:  # with the crossing below it
                corners = (2 * i, min(2 * i + 2, 2 * h - 1), 2 * j + 1, 2 * j + 2)
                line_terms(
                    table, rows, columns, corners, here, colours[codes[i, j + 1]], outside, shift, terms
                )
    if terms[2] == 0.0:
        return terms[0]
    strength = min(max(terms[1] / terms[2], _FAINTEST), 1.0)
    return terms[0] - 2 * strength * terms[1] + strength * strength * terms[2]


@jit
def candidate_error(sums, rows, columns, colours):
    """Return the error of the shape whose cells have edges rows `(2 h,)` and columns `(2 w,)`.

    colours: the last one is the outside.
    """
    # The cells.
    table = corner_sums(sums, rows, columns)
    cells, outside = colours[:-1], colours[-1]
    codes = np.empty((rows.shape[0] // 2, columns.shape[0] // 2), np.int64)
    shift = np.zeros(3)
    error = cell_error(table, rows, columns, cells, codes, shift)

    # What is around the board, in the outside colour.
    height, width = sums.shape[0] - 1, sums.shape[1] - 1
    around = height * width - (rows[-1] - rows[0]) * (columns[-1] - columns[0])
    plain = around + 0.0  # the area without lines
    for i in range(codes.shape[0]):
        for j in range(codes.shape[1]):
            plain += (rows[2 * i + 1] - rows[2 * i]) * (columns[2 * j + 1] - columns[2 * j])
    for k in range(3):
        total = sums[-1, -1, k] - box(table, 0, rows.shape[0] - 1, 0, columns.shape[0] - 1, k)
        error += around * outside[k] * outside[k] - 2 * outside[k] * total
        shift[k] += total - around * outside[k]

    # A common shift of all colours, then the lines.
    for k in range(3):
        mean = min(max(shift[k] / plain, -_MOST_SHIFT), _MOST_SHIFT)
        error += plain * mean * mean - 2 * mean * shift[k]
        shift[k] = mean
    return error + line_error(table, rows, columns, cells, outside, codes, shift)


@jit
def variance_within(sums, squares, edges):
    """Return the squared differences between values and their cells' means. sums, squares: cumulated."""
    total, size = 0.0, sums.shape[0] - 1
    for k in range(0, edges.shape[0], 2):
        length = edges[k + 1] - edges[k]
        a, b = min(int(edges[k]), size - 1), min(int(edges[k + 1]), size - 1)
        fa, fb = edges[k] - a, edges[k + 1] - b
        s = sums[b] + fb * (sums[b + 1] - sums[b]) - sums[a] - fa * (sums[a + 1] - sums[a])
        q = squares[b] + fb * (squares[b + 1] - squares[b]) - squares[a] - fa * (squares[a + 1] - squares[a])
        total += max(q - s * s / length, 0.0)
    return total


@jit
def probe(picture, across, edges, starts, at, bounds):
    """Fill bounds `(grids, PROBES)` with the variance of lines of pixels within the cells of each grid.

    across: whether the lines are rows of the picture. edges, starts: see `infer_shape.Axis`. at `(PROBES,)`:
    the positions of the lines. A mix of the channels is used: its variance is at most that of the colours.
    """
    length = picture.shape[1] if across else picture.shape[0]
    sums, squares = np.zeros(length + 1), np.zeros(length + 1)
    for p in range(at.shape[0]):
        for x in range(length):
            y, z = (at[p], x) if across else (x, at[p])
            value = (picture[y, z, 0] + 2.0 * picture[y, z, 1] + 4.0 * picture[y, z, 2]) / np.sqrt(21.0)
            sums[x + 1] = sums[x] + value
            squares[x + 1] = squares[x] + value * value
        for g in range(starts.shape[0] - 1):
            bounds[g, p] = variance_within(sums, squares, edges[starts[g] : starts[g + 1]])


@jit
def within(edges, at):
    """Return whether the line of pixels from `at` to `at` + 1 is within a cell."""
    inside = False
    for k in range(0, edges.shape[0], 2):
        inside |= edges[k] <= at and at + 1 <= edges[k + 1]
    return inside


@jit
def lower_bounds(picture, rows, row_starts, columns, column_starts, pairs):
    """Return for each candidate a sum of squares that the error of its drawing cannot be below, `(n,)`."""
    # Lines of pixels, spread evenly.
    height, width = picture.shape[0], picture.shape[1]
    ys, xs = np.empty(PROBES, np.int64), np.empty(PROBES, np.int64)
    for p in range(PROBES):
        ys[p], xs[p] = (2 * p + 1) * height // (2 * PROBES), (2 * p + 1) * width // (2 * PROBES)
    along_rows = np.empty((column_starts.shape[0] - 1, PROBES))
    along_columns = np.empty((row_starts.shape[0] - 1, PROBES))
    probe(picture, True, columns, column_starts, ys, along_rows)
    probe(picture, False, rows, row_starts, xs, along_columns)

    # Lines within cells count. Rows and columns share pixels, so the larger of the two sums is taken.
    row_hits = np.empty((row_starts.shape[0] - 1, PROBES))
    column_hits = np.empty((column_starts.shape[0] - 1, PROBES))
    for g in range(row_hits.shape[0]):
        for p in range(PROBES):
            row_hits[g, p] = within(rows[row_starts[g] : row_starts[g + 1]], ys[p])
    for g in range(column_hits.shape[0]):
        for p in range(PROBES):
            column_hits[g, p] = within(columns[column_starts[g] : column_starts[g + 1]], xs[p])
    out = np.empty(pairs.shape[0])
    for n in range(pairs.shape[0]):
        a, b = pairs[n, 0], pairs[n, 1]
        first, second = 0.0, 0.0
        for p in range(PROBES):
            first += row_hits[a, p] * along_rows[b, p]
            second += column_hits[b, p] * along_columns[a, p]
        out[n] = max(first, second)
    return out


@jit
def best_candidate(sums, picture, rows, row_starts, columns, column_starts, pairs, colours):
    """Return the number of the candidate with the least error. Of about equal errors, the first one counts.

    rows, columns and their starts: see `infer_shape.Axis`. pairs `(n, 2)`: the edges of each candidate.
    colours: the last one is the outside. Candidates are tried from the lowest bound of their error on, until
    the bound is over the least error.
    """
    bounds = lower_bounds(picture, rows, row_starts, columns, column_starts, pairs)
    squares = 0
    for y in range(picture.shape[0]):
        for x in range(picture.shape[1]):
            for c in range(3):
                level = np.int64(picture[y, x, c])
                squares += level * level

    errors = np.full(pairs.shape[0], np.inf)
    least = np.inf
    for n in np.argsort(bounds):
        if bounds[n] > least + squares + 1.0:
            break
        a, b = pairs[n, 0], pairs[n, 1]
        errors[n] = candidate_error(
            sums,
            rows[row_starts[a] : row_starts[a + 1]],
            columns[column_starts[b] : column_starts[b + 1]],
            colours,
        )
        least = min(least, errors[n])

    best, least = 0, np.inf
    for n in range(pairs.shape[0]):
        if errors[n] < least - 1e-3:
            best, least = n, errors[n]
    return best
