"""Filter pictures for `erase`, in compiled code."""

# pyright: reportMissingParameterType=false, reportUnknownParameterType=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

import numpy as np

from vizbench._util.jit import jit


@jit
def smooth(picture, out):
    """Fill out `(H, W, 3)` uint8 with the means over 3x3 pixels, fewer at the edges."""
    height, width = picture.shape[0], picture.shape[1]
    for y in range(height):
        for x in range(width):
            for c in range(3):
                total, count = 0, 0
                for i in range(max(y - 1, 0), min(y + 2, height)):
                    for j in range(max(x - 1, 0), min(x + 2, width)):
                        total += np.int64(picture[i, j, c])
                        count += 1
                out[y, x, c] = (total + count // 2) // count


@jit
def extremes(line, window, sign, queue, out):
    """Fill out `(n,)` with the maxima (sign 1) or minima (sign -1) of line `(n,)` over a centred window.

    queue `(n,)`: scratch. It holds positions whose values fall, so each pixel is handled about once.
    """
    half, size = window // 2, line.shape[0]
    head, tail = 0, 0
    for x in range(size + half):
        if x < size:
            while tail > head and sign * line[queue[tail - 1]] <= sign * line[x]:
                tail -= 1
            queue[tail] = x
            tail += 1
        at = x - half
        if at >= 0:
            while queue[head] < at - half:
                head += 1
            out[at] = line[queue[head]]


@jit
def filter_all(values, window, sign):
    """Replace each channel of values `(H, W, 3)` int16 by its extremes over window x window pixels."""
    height, width = values.shape[0], values.shape[1]
    longest = max(height, width)
    line, out = np.empty(longest, np.int16), np.empty(longest, np.int16)
    queue = np.empty(longest, np.int64)
    for c in range(3):
        for y in range(height):
            for x in range(width):
                line[x] = values[y, x, c]
            extremes(line[:width], window, sign, queue, out)
            for x in range(width):
                values[y, x, c] = out[x]
        for x in range(width):
            for y in range(height):
                line[y] = values[y, x, c]
            extremes(line[:height], window, sign, queue, out)
            for y in range(height):
                values[y, x, c] = out[y]


@jit
def close(picture, window, least):
    """Return the picture `(H, W, 3)` uint8 with its closing where that is clearly higher.

    It is `least` levels above the smoothed picture, or four times that above the picture itself, as at the
    tips of thin strokes.
    """
    soft = np.empty_like(picture)
    smooth(picture, soft)
    closed = soft.astype(np.int16)
    filter_all(closed, window, 1)
    filter_all(closed, window, -1)
    out = picture.copy()
    for y in range(picture.shape[0]):
        for x in range(picture.shape[1]):
            most = 0
            for c in range(3):
                most = max(most, closed[y, x, c] - np.int64(soft[y, x, c]))
                most = max(most, (closed[y, x, c] - np.int64(picture[y, x, c])) // 4)
            if most >= least:
                for c in range(3):
                    out[y, x, c] = closed[y, x, c]
    return out
