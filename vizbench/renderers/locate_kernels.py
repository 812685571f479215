"""Find edges in a picture, lattices that explain them, and the colours of cells, in compiled code."""

# pyright: reportMissingParameterType=false, reportUnknownParameterType=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import numpy as np

from vizbench._util.jit import jit
from vizbench.renderers.infer_shape_kernels import box, corner_sums

SUMMED = 6
"""Pixels on each side of a line that are summed: two across it, and three along it."""


@jit
def steps_across(picture):
    """Return the step across the line between columns x - 1 and x around row y, `(H, W + 1)` int16.

    It is the difference of sums over two columns per side and three rows, six times that of the means. The
    channel with the largest one counts. It is 0 near the edges of the picture. picture: `(H, W, 3)` uint8.
    """
    height, size = picture.shape[0], 3 * picture.shape[1]
    out = np.zeros((height, picture.shape[1] + 1), np.int16)
    if picture.shape[1] < 5:
        return out
    flat = picture.reshape(height, size)
    sums, steps, most = np.zeros(size, np.int16), np.zeros(size, np.int16), np.zeros(size, np.int16)
    # Plain loops over rows of int16, which compilers turn into vector instructions.
    for y in range(1, height - 1):
        above, here, below = flat[y - 1], flat[y], flat[y + 1]
        for k in range(size):
            sums[k] = np.int16(above[k]) + np.int16(here[k]) + np.int16(below[k])
        a, b, c, d = sums[: size - 9], sums[3 : size - 6], sums[6 : size - 3], sums[9:]
        for k in range(size - 9):
            step = np.int16(c[k] + d[k] - a[k] - b[k])
            steps[k] = step if step > 0 else np.int16(-step)
        largest_of_three(steps, most)
        line = out[y, 2:]
        for x in range(picture.shape[1] - 3):
            line[x] = most[3 * x]
    return out


@jit
def steps_down(picture):
    """Return the step across the line between rows y - 1 and y around column x, `(H + 1, W)` int16.

    It is as in `steps_across`, with rows and columns exchanged.
    """
    height, size = picture.shape[0], 3 * picture.shape[1]
    out = np.zeros((height + 1, picture.shape[1]), np.int16)
    if picture.shape[1] < 3:
        return out
    flat = picture.reshape(height, size)
    sums, steps, most = np.zeros(size, np.int16), np.zeros(size, np.int16), np.zeros(size, np.int16)
    for y in range(2, height - 1):
        a, b, c, d = flat[y - 2], flat[y - 1], flat[y], flat[y + 1]
        for k in range(size):
            sums[k] = np.int16(c[k]) + np.int16(d[k]) - np.int16(a[k]) - np.int16(b[k])
        left, here, right = sums[: size - 6], sums[3 : size - 3], sums[6:]
        for k in range(size - 6):
            step = np.int16(left[k] + here[k] + right[k])
            steps[k] = step if step > 0 else np.int16(-step)
        largest_of_three(steps, most)
        line = out[y, 1:]
        for x in range(picture.shape[1] - 2):
            line[x] = most[3 * x]
    return out


@jit
def largest_of_three(values, out):
    """Fill out `(n,)` with the largest of each value and the two after it, except at the end."""
    first, second, third = values[: values.shape[0] - 2], values[1 : values.shape[0] - 1], values[2:]
    for k in range(values.shape[0] - 2):
        larger = first[k] if first[k] > second[k] else second[k]
        out[k] = larger if larger > third[k] else third[k]


@jit
def noise_level(numbers):
    """Return the median of steps in levels, at most 255. numbers `(2048,)`: how many sums have each value."""
    counts = np.zeros(256, np.int64)
    for k in range(numbers.shape[0]):
        counts[min(255, k // SUMMED)] += numbers[k]
    half, below, median = counts.sum() // 2, counts[0], 0
    while median < 255 and below < half:
        median += 1
        below += counts[median]
    return median


@jit
def profile_across(steps, threshold):
    """Return the strength of edges on each line between columns, `(W + 1,)`: the peaks over `threshold`.

    steps: what `steps_across` returns. If the threshold is 0 or less, five times the median step is used, but
    at least the threshold's absolute value.
    """
    height, lines = steps.shape
    profile = np.zeros(lines)
    if height < 3 or lines < 5:
        return profile
    least = abs(threshold)
    if threshold <= 0:
        counts = np.zeros(2048, np.int64)
        for y in range(1, height - 1, 4):
            for x in range(2, lines - 2, 3):
                counts[steps[y, x]] += 1
        least = max(least, 5.0 * noise_level(counts))
    # A step counts if it is a peak along its row. Integer sums are exact, and quick without branches.
    limit, count = np.int16(int(SUMMED * least)), lines - 4
    totals, numbers = np.zeros(count, np.int32), np.zeros(count, np.int32)
    for y in range(1, height - 1):
        left, here, right = steps[y, 1 : lines - 3], steps[y, 2 : lines - 2], steps[y, 3 : lines - 1]
        for x in range(count):
            peak = (here[x] > limit) & (here[x] >= left[x]) & (here[x] > right[x])
            totals[x] += np.int32(here[x]) if peak else np.int32(0)
            numbers[x] += np.int32(peak)
    for x in range(count):
        profile[x + 2] = totals[x] / SUMMED - numbers[x] * least
    return profile


@jit
def profile_down(steps, threshold):
    """Return the strength of edges on each line between rows, `(H + 1,)`.

    steps: what `steps_down` returns. It is as in `profile_across`, with rows and columns exchanged.
    """
    lines, width = steps.shape
    profile = np.zeros(lines)
    if width < 3 or lines < 5:
        return profile
    least = abs(threshold)
    if threshold <= 0:
        counts = np.zeros(2048, np.int64)
        for y in range(2, lines - 2, 3):
            for x in range(1, width - 1, 4):
                counts[steps[y, x]] += 1
        least = max(least, 5.0 * noise_level(counts))
    # A step counts if it is a peak along its column.
    limit = np.int16(int(SUMMED * least))
    for y in range(2, lines - 2):
        above, here, below = steps[y - 1], steps[y], steps[y + 1]
        total, number = np.int32(0), np.int32(0)
        for x in range(width):
            peak = (here[x] > limit) & (here[x] >= above[x]) & (here[x] > below[x])
            total = np.int32(total + (np.int32(here[x]) if peak else np.int32(0)))
            number = np.int32(number + np.int32(peak))
        profile[y] = total / SUMMED - number * least
    return profile


@jit
def near_lattice(sums, start, scale, edges, reach):
    """Return the strength of edges within `reach` pixels of the lines start + scale * edges, each pixel once.

    sums `(W + 2,)`: the sums of the profile up to each pixel.
    """
    explained, done = 0.0, 0
    last = sums.shape[0] - 1
    for k in range(edges.shape[0]):
        at = start + scale * edges[k]
        low = min(max(int(np.ceil(at - reach)), done), last)
        high = min(max(int(np.floor(at + reach)) + 1, low), last)
        explained += sums[high] - sums[low]
        done = high
    return explained


@jit
def closeness(profile, start, scale, edges, reach):
    """Return the sum of the profile at the lattice lines, with less weight away from them."""
    close = 0.0
    for k in range(edges.shape[0]):
        at = start + scale * edges[k]
        for x in range(
            max(int(np.ceil(at - reach)), 0), min(int(np.floor(at + reach)), profile.shape[0] - 1) + 1
        ):
            close += profile[x] * (1.0 - abs(x - at) / (reach + 1.0))
    return close


@jit
def lattice_scores(profile, edges, cells, scales, share, visible, bases):
    """Return how close the profile is to the lattice, for each scale and each start, `(scales, starts)`.

    The score is 0 if less than `share` of the profile is near the lattice. Starts are whole pixels. edges:
    the lattice lines, in pixels of the drawing; cells `(n, 2)`: start and end of the cells; visible: the
    share of a cell that must be in the picture. bases `(scales,)` is filled with the first start of each
    scale.
    """
    size = profile.shape[0] - 1
    sums = np.zeros(size + 2)
    for x in range(size + 1):
        sums[x + 1] = sums[x] + profile[x]
    total = sums[-1]

    # Most of the edges are between these pixels, so the lattice must reach both.
    left, right = 0, size
    while sums[left + 1] <= (1.0 - share) * total:
        left += 1
    while sums[right] >= share * total:
        right -= 1
    pitch = cells[0, 1] - cells[0, 0]
    first, last = cells[0, 0] + (1.0 - visible) * pitch, cells[-1, 1] - (1.0 - visible) * pitch

    # The range of starts for each scale.
    most = 1
    for s in range(scales.shape[0]):
        bases[s] = np.ceil(max(-scales[s] * first, right - 3.0 - scales[s] * edges[-1]))
        most = max(most, int(min(size - scales[s] * last, left + 3.0) - bases[s]) + 1)

    # The scores.
    values = np.zeros((scales.shape[0], most))
    for s in range(scales.shape[0]):
        reach = min(max(1.0, 0.1 * pitch * scales[s]), 3.0)
        for k in range(int(np.floor(min(size - scales[s] * last, left + 3.0)) - bases[s]) + 1):
            if near_lattice(sums, bases[s] + k, scales[s], edges, reach) >= share * total:
                values[s, k] = closeness(profile, bases[s] + k, scales[s], edges, reach)
    return values


@jit
def peaks(values, bases, scales, most):
    """Return the scores that no neighbour exceeds, as rows (start, scale, score), from the largest scale on.

    most: the largest number of rows.
    """
    out = np.empty((most, 3))
    count = 0
    for s in range(scales.shape[0] - 1, -1, -1):
        for k in range(values.shape[1]):
            value = values[s, k]
            if value <= 0.0 or count == most:
                continue
            best = True
            for t in range(max(s - 1, 0), min(s + 2, scales.shape[0])):
                at = k + int(bases[s] - bases[t])
                for i in range(max(at - 1, 0), min(at + 2, values.shape[1])):
                    rival = values[t, i]
                    if rival > value or (rival == value and (t > s or (t == s and i < k))):
                        best = False
            if best:
                out[count, 0], out[count, 1], out[count, 2] = bases[s] + k, scales[s], value
                count += 1
    return out[:count]


@jit
def measure(sums, rows, columns, inner, outer):
    """Return the mean colours of the cells' middles, `(h, w, 3)`, and how uneven the cells are, `(h, w)`.

    A cell is as uneven as the largest difference in levels between a quarter of it and its mean. rows `(h,
    2)`, columns `(w, 2)`: start and end of the cells in the picture; parts outside it are cut off. inner,
    outer: the share of a cell's side that is averaged, and that whose quarters are compared.
    """
    height, width = sums.shape[0] - 1, sums.shape[1] - 1
    h, w = rows.shape[0], columns.shape[0]
    ys, xs = spans(rows, inner, outer, height), spans(columns, inner, outer, width)
    table = corner_sums(sums, ys, xs)
    means = np.empty((h, w, 3))
    strays = np.zeros((h, w))
    for i in range(h):
        for j in range(w):
            area = (ys[5 * i + 1] - ys[5 * i]) * (xs[5 * j + 1] - xs[5 * j])
            for c in range(3):
                mean = box(table, 5 * i, 5 * i + 1, 5 * j, 5 * j + 1, c) / area
                means[i, j, c] = mean
                for a in range(2, 4):
                    for b in range(2, 4):
                        part = (ys[5 * i + a + 1] - ys[5 * i + a]) * (xs[5 * j + b + 1] - xs[5 * j + b])
                        if part > 0.0:
                            quarter = box(table, 5 * i + a, 5 * i + a + 1, 5 * j + b, 5 * j + b + 1, c) / part
                            strays[i, j] = max(strays[i, j], abs(quarter - mean))
    return means, strays


@jit
def spans(edges, inner, outer, size):
    """Return five positions per cell, within 0 … size.

    They are start and end of the inner part, then start, middle and end of the outer part.
    """
    out = np.empty(5 * edges.shape[0])
    for i in range(edges.shape[0]):
        start, end = edges[i, 0], edges[i, 1]
        side = end - start
        rim = min(max(side * (1.0 - outer) / 2.0, 1.0), side / 4.0)
        quarter = side * (1.0 - inner) / 2.0
        a = min(max(start + quarter, 0.0), size - 0.5)
        out[5 * i] = a
        out[5 * i + 1] = max(min(end - quarter, float(size)), a + 0.5)
        b = min(max(start + rim, 0.0), float(size))
        d = max(min(end - rim, float(size)), b)
        out[5 * i + 2] = b
        out[5 * i + 3] = min(max((start + end) / 2.0, b), d)
        out[5 * i + 4] = d
    return out
