"""Put rows of bytes together, and write numbers and grids as text, without an object per row."""

from __future__ import annotations

import numpy as np

from vizbench._util.jit import jit

INT_WIDTH = 20
"""Characters of the longest integer of 64 bits, with its sign."""

DECIMAL_WIDTH = 28
"""Characters of the longest number that `write_decimals` writes."""

_BILLION = np.int64(1_000_000_000)
_TEN = np.uint64(10)
_ZERO = np.uint64(48)


@jit
def put(data, starts, ends, out, at):
    """Copy `data[starts[i]:ends[i]]` to `out` at `at[i]`, and move `at[i]` behind it, for each i."""
    for i in range(starts.shape[0]):
        start, to = starts[i], at[i]
        length = ends[i] - start
        for k in range(length):
            out[to + k] = data[start + k]
        at[i] = to + length


@jit
def _write_digits(value, out, end):
    """Write an integer so that it ends before `end`, and return where it starts. value: uint64.

    A plain 10 would be signed, and Numba would compute the division in floats.
    """
    while True:
        end -= 1
        rest = value // _TEN
        out[end] = _ZERO + value - rest * _TEN
        value = rest
        if value == 0:
            return end


@jit
def write_integers(values, out, starts):
    """Write each integer `(n,)` int64 at the end of its row of `out`, `(n, INT_WIDTH)` uint8.

    starts `(n,)`: becomes where it starts in `out`, seen as one array.
    """
    for i in range(values.shape[0]):
        value, row = values[i], out[i]
        if value >= 0:
            start = _write_digits(np.uint64(value), row, row.shape[0])
        else:
            start = _write_digits(np.uint64(-(value + 1)) + np.uint64(1), row, row.shape[0]) - 1
            row[start] = 45
        starts[i] = i * row.shape[0] + start


@jit
def write_numbered(before, values, after, out, offsets):
    """Write `before`, each integer `(n,)` int64 >= 0 and `after`, one text after the other.

    offsets `(n + 1,)`: becomes where the texts begin and the last one ends.
    """
    digits = np.empty(INT_WIDTH, np.uint8)
    at = 0
    for i in range(values.shape[0]):
        offsets[i] = at
        for k in range(before.shape[0]):
            out[at + k] = before[k]
        at += before.shape[0]
        start = _write_digits(np.uint64(values[i]), digits, INT_WIDTH)
        for k in range(start, INT_WIDTH):
            out[at] = digits[k]
            at += 1
        for k in range(after.shape[0]):
            out[at + k] = after[k]
        at += after.shape[0]
    offsets[values.shape[0]] = at


@jit
def write_decimals(billionths, out, ends):
    """Write each number, given in billionths `(n,)` int64, from the start of its row of `out`.

    It has at least one decimal and no zeros behind the others: `0.5`, `64.0`. out: `(n, DECIMAL_WIDTH)`
    uint8. ends `(n,)`: becomes where it ends in `out`, seen as one array. Numbers are over -2^63.
    """
    scratch = np.empty(20, np.uint8)
    for i in range(billionths.shape[0]):
        value, row, at = billionths[i], out[i], 0
        if value < 0:
            row[0], at, value = 45, 1, -value
        start = _write_digits(np.uint64(value // _BILLION), scratch, 20)
        for k in range(start, 20):
            row[at] = scratch[k]
            at += 1
        row[at] = 46
        rest, last = value % _BILLION, at + 1
        for k in range(9, 0, -1):
            row[at + k] = 48 + rest % 10
            rest //= 10
        for k in range(2, 10):
            if row[at + k] != 48:
                last = at + k
        ends[i] = i * row.shape[0] + last + 1


@jit
def grid_lengths(cells):
    """Return how many characters each grid `(n, h, w)` takes in `write_grids`, `(n,)` int64."""
    n, h, w = cells.shape
    lengths = np.full(n, 2 + h * (w + 2), np.int64)
    for i in range(n):
        for r in range(h):
            for c in range(w):
                code = cells[i, r, c]
                lengths[i] += 1 + (code > 9) + (code > 99)
    return lengths


@jit
def write_grids(cells, out):
    """Write grids `(n, h, w)` uint8 as JSON, each with a comma behind it: `[[0,1],[1,0]],`."""
    at = 0
    for i in range(cells.shape[0]):
        out[at] = 91
        at += 1
        for r in range(cells.shape[1]):
            out[at] = 91
            at += 1
            for c in range(cells.shape[2]):
                code = cells[i, r, c]
                if code > 99:
                    out[at] = 48 + code // 100
                    at += 1
                if code > 9:
                    out[at] = 48 + code // 10 % 10
                    at += 1
                out[at] = 48 + code % 10
                out[at + 1] = 44
                at += 2
            out[at - 1] = 93
            out[at] = 44
            at += 1
        out[at - 1] = 93
        out[at] = 44
        at += 1
