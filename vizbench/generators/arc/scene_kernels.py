"""Scenes of objects on a black ground: finding the objects of a grid, placing shapes apart, what a pair
keeps.

A grid is `(h, w)` uint8 of colours 0 … 9, 0 the ground. These are the inner loops of
`vizbench.generators.arc`."""

from __future__ import annotations

import numpy as np

from vizbench._util.jit import jit
from vizbench.kernels.rng import rng_below

ONE_COLOUR, ANY_COLOUR, GROUND = 0, 1, 2
"""What `label` joins: neighbours of one colour, neighbours of any colour but the ground's, or ground."""

SAME_SIZE, ADDS, REMOVES, RECOLOURS, REARRANGES, OLD_COLOURS, SHRINKS, ONE_INK = 1, 2, 4, 8, 16, 32, 64, 128
"""Bits of `pair_facts`; `vizbench.generators.arc.facts` says what each means."""

_PLACES = 40  # positions tried for a shape; with 12 % of the ground taken, one in 3 fits


@jit
def label(grid, diagonal, joins):
    """Number the connected parts of a grid 1, 2 … in reading order of their first cells.

    diagonal: 8 neighbours rather than 4; joins: ONE_COLOUR, ANY_COLOUR or GROUND. Returns labels `(h, w)`
    int16, 0 elsewhere, and a table `(n, 6)` int64: top, left, bottom, right (both exclusive), cells, colour
    (0 where mixed)."""
    h, w = grid.shape
    labels = np.zeros((h, w), np.int16)
    table = np.empty((h * w, 6), np.int64)
    stack = np.empty(h * w, np.int64)
    n = 0
    for start in range(h * w):
        r, c = start // w, start % w
        if labels[r, c] != 0 or (grid[r, c] == 0) != (joins == GROUND):
            continue
        colour = grid[r, c]
        top, left, bottom, right, cells, mixed = r, c, r, c, 0, False
        stack[0] = start
        height = 1
        labels[r, c] = n + 1
        while height > 0:
            height -= 1
            r, c = stack[height] // w, stack[height] % w
            top, left, bottom, right = min(top, r), min(left, c), max(bottom, r), max(right, c)
            cells += 1
            mixed |= grid[r, c] != colour
            for y in range(max(r - 1, 0), min(r + 2, h)):
                for x in range(max(c - 1, 0), min(c + 2, w)):
                    if labels[y, x] != 0 or not (diagonal or y == r or x == c):
                        continue
                    if grid[y, x] == colour or (joins == ANY_COLOUR and grid[y, x] != 0):
                        labels[y, x] = n + 1
                        stack[height] = y * w + x
                        height += 1
        row = table[n]
        row[0], row[1], row[2], row[3], row[4], row[5] = top, left, bottom + 1, right + 1, cells, colour
        if mixed:
            row[5] = 0
        n += 1
    return labels, table[:n]


@jit
def place(rng, height, width, sizes, fixed, gap, margin, corners):
    """Draw places for rectangles that keep `gap` cells from each other and `margin` from the border.

    sizes: `(k, 2)` int64, rows and columns; corners: `(k, 2)` int64 of tops and lefts, of which the first
    `fixed` are given and the others filled in. False where one finds no place, or does not fit at all."""
    for k in range(fixed, sizes.shape[0]):
        tall, wide = sizes[k, 0], sizes[k, 1]
        rows, columns = height - tall - 2 * margin + 1, width - wide - 2 * margin + 1
        if rows < 1 or columns < 1:
            return False
        free = False
        for _ in range(_PLACES):
            top, left = margin + rng_below(rng, rows), margin + rng_below(rng, columns)
            free = True
            for j in range(k):
                over = top - gap < corners[j, 0] + sizes[j, 0] and corners[j, 0] - gap < top + tall
                beside = left - gap < corners[j, 1] + sizes[j, 1] and corners[j, 1] - gap < left + wide
                free &= not (over and beside)
            if free:
                corners[k, 0], corners[k, 1] = top, left
                break
        if not free:
            return False
    return True


@jit
def blob(rng, height, width, least):
    """A 4-connected shape `(height, width)` bool that touches all four sides and has at least `least` cells.

    Grown from a cell by neighbours drawn evenly from its rim.
    """
    mask = np.zeros((height, width), np.bool_)
    rim = np.empty(4 * height * width + 1, np.int64)
    rim[0] = rng_below(rng, height * width)
    count, cells, sides = 1, 0, 0
    while cells < least or sides != 15:
        at = rng_below(rng, count)
        r, c = rim[at] // width, rim[at] % width
        count -= 1
        rim[at] = rim[count]
        if mask[r, c]:
            continue
        mask[r, c] = True
        cells += 1
        sides |= (r == 0) + 2 * (r == height - 1) + 4 * (c == 0) + 8 * (c == width - 1)
        for k in range(4):
            y = r + (k == 1) - (k == 0)
            x = c + (k == 3) - (k == 2)
            if 0 <= y < height and 0 <= x < width and not mask[y, x]:
                rim[count] = y * width + x
                count += 1
    return mask


@jit
def _colours(grid):
    """A bit for each colour of the grid but the ground's, and how often each of 10 colours occurs."""
    counts = np.zeros(10, np.int64)
    for colour in grid.ravel():
        counts[colour] += 1
    bits = 0
    for colour in range(1, 10):
        bits |= (counts[colour] > 0) << colour
    return bits, counts


@jit
def pair_facts(question, answer):
    """Facts that hold of a pair, and bits of colours: in the question, in the answer, painted onto changed
    cells."""
    before, many = _colours(question)
    after, left = _colours(answer)
    facts = OLD_COLOURS * ((after & ~before) == 0)
    facts |= SHRINKS * (
        answer.shape[0] <= question.shape[0]
        and answer.shape[1] <= question.shape[1]
        and answer.size < question.size
    )
    facts |= ONE_INK * ((after & (after - 1)) == 0)
    if question.shape != answer.shape:
        return facts, before, after, after
    adds = removes = recolours = True
    painted = 0
    for r in range(question.shape[0]):
        for c in range(question.shape[1]):
            old, new = question[r, c], answer[r, c]
            if old != new:
                adds &= old == 0
                removes &= new == 0
                recolours &= (old == 0) == (new == 0)
                painted |= (new != 0) << new
    facts |= SAME_SIZE | ADDS * adds | REMOVES * removes | RECOLOURS * recolours
    return facts | REARRANGES * np.all(many == left), before, after, painted
