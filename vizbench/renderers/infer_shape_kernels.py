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


STRIPS = 16
"""Strips of pixels along each axis that rule candidates out."""


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
def squares_of(picture):
    """Return the sum of the squared levels of a picture `(H, W, 3)`."""
    flat = picture.reshape(picture.shape[0], 3 * picture.shape[1])
    total = 0
    for y in range(flat.shape[0]):
        row, squares = flat[y], np.int32(0)
        for x in range(row.shape[0]):
            level = np.int32(row[x])
            squares = np.int32(squares + np.int32(level * level))
        total += np.int64(squares)
    return total


@jit
def strips(sums):
    """Return sums and squares of the means of STRIPS strips up to each column, both `(W + 1, STRIPS)`.

    Strips are bands of rows. Means are weighted by the root of the number of rows, so that squares count each
    row. A mix of the channels is used: its variance is at most that of the colours.
    """
    height, width = sums.shape[0] - 1, sums.shape[1] - 1
    totals, squares = np.zeros((width + 1, STRIPS)), np.zeros((width + 1, STRIPS))
    for s in range(STRIPS):
        top, bottom = s * height // STRIPS, (s + 1) * height // STRIPS
        weight = 1.0 / np.sqrt(21.0 * max(bottom - top, 1))
        before, square = 0.0, 0.0
        for x in range(width + 1):
            red = np.int64(sums[bottom, x, 0]) - sums[top, x, 0]
            green = np.int64(sums[bottom, x, 1]) - sums[top, x, 1]
            blue = np.int64(sums[bottom, x, 2]) - sums[top, x, 2]
            total = (red + 2 * green + 4 * blue) * weight
            square += (total - before) ** 2
            totals[x, s], squares[x, s] = total, square
            before = total
    return totals, squares


@jit
def variances_within(totals, squares, edges, starts):
    """Return the squared differences between strips and their means within cells, `(grids,)`.

    totals, squares: see `strips`. edges, starts: see `infer_shape.Axis`.
    """
    out, size = np.empty(starts.shape[0] - 1), totals.shape[0] - 1
    variances = np.empty(STRIPS)
    for g in range(out.shape[0]):
        variances[:] = 0.0
        for k in range(starts[g], starts[g + 1], 2):
            a, b = min(int(edges[k]), size - 1), min(int(edges[k + 1]), size - 1)
            fa, fb = edges[k] - a, edges[k + 1] - b
            share = 1.0 / (edges[k + 1] - edges[k])
            for s in range(STRIPS):
                first = totals[a, s] + fa * (totals[a + 1, s] - totals[a, s])
                last = totals[b, s] + fb * (totals[b + 1, s] - totals[b, s])
                low = squares[a, s] + fa * (squares[a + 1, s] - squares[a, s])
                high = squares[b, s] + fb * (squares[b + 1, s] - squares[b, s])
                variances[s] += high - low - (last - first) * (last - first) * share
        out[g] = variances.sum()
    return out


@jit
def lower_bounds(sums, rows, row_starts, columns, column_starts, pairs):
    """Return for each candidate a sum of squares that the error of its drawing cannot be below, `(n,)`.

    Between the two edges of a column of cells, each row of pixels of a drawing has one colour. So has the
    mean of a strip of rows. The same is true of rows of cells. Both share pixels, so the larger sum counts.
    """
    totals, squares = strips(sums)
    along_rows = variances_within(totals, squares, columns, column_starts)
    totals, squares = strips(sums.transpose(1, 0, 2))
    along_columns = variances_within(totals, squares, rows, row_starts)
    out = np.empty(pairs.shape[0])
    for n in range(pairs.shape[0]):
        out[n] = max(along_rows[pairs[n, 1]], along_columns[pairs[n, 0]])
    return out


@jit
def misses_over(sums, rows, columns, colours, most):
    """Return whether the mean colours of cells miss the palette by over `most`, as a sum of squares.

    It ends at the first row of cells at which they do, from outside in: other sizes differ least in the
    middle. As in `candidate_error`, a common shift of colours is allowed. colours: without the outside.
    """
    h, w = rows.shape[0] // 2, columns.shape[0] // 2
    shift = np.zeros(3)
    area_of_all, total = 0.0, 0.0
    for k in range(h):
        i = h - 1 - k // 2 if k % 2 else k // 2
        table = corner_sums(sums, rows[2 * i : 2 * i + 2], columns)
        height = rows[2 * i + 1] - rows[2 * i]
        for j in range(w):
            area = height * (columns[2 * j + 1] - columns[2 * j])
            red = box(table, 0, 1, 2 * j, 2 * j + 1, 0) / area
            green = box(table, 0, 1, 2 * j, 2 * j + 1, 1) / area
            blue = box(table, 0, 1, 2 * j, 2 * j + 1, 2) / area
            code, miss, _ = nearest(red, green, blue, colours)
            total += area * miss * miss
            shift[0] += area * (red - colours[code, 0])
            shift[1] += area * (green - colours[code, 1])
            shift[2] += area * (blue - colours[code, 2])
            area_of_all += area
        gain = 0.0
        for c in range(3):
            mean = min(max(shift[c] / area_of_all, -_MOST_SHIFT), _MOST_SHIFT)
            gain += 2 * mean * shift[c] - area_of_all * mean * mean
        if total - gain > most:
            return True
    return False


@jit
def best_candidate(sums, picture, rows, row_starts, columns, column_starts, pairs, colours):
    """Return the number of the candidate with the least error. Of about equal errors, the first one counts.

    rows, columns and their starts: see `infer_shape.Axis`. pairs `(n, 2)`: the edges of each candidate.
    colours: the last one is the outside. Candidates are tried from the lowest bound of their error on, until
    the bound is over the least error. The misses of cells add to the bound, because they are orthogonal to
    the variance within cells.
    """
    bounds = lower_bounds(sums, rows, row_starts, columns, column_starts, pairs)
    squares = squares_of(picture)
    errors = np.full(pairs.shape[0], np.inf)
    least = np.inf
    for n in np.argsort(bounds):
        most = least + squares + 1.0 - bounds[n]
        if most < 0:
            break
        ys = rows[row_starts[pairs[n, 0]] : row_starts[pairs[n, 0] + 1]]
        xs = columns[column_starts[pairs[n, 1]] : column_starts[pairs[n, 1] + 1]]
        if not misses_over(sums, ys, xs, colours[:-1], most):
            errors[n] = candidate_error(sums, ys, xs, colours)
            least = min(least, errors[n])

    best, least = 0, np.inf
    for n in range(pairs.shape[0]):
        if errors[n] < least - 1e-3:
            best, least = n, errors[n]
    return best
