"""Find the objects of a grid, place shapes apart, and compare the grids of a pair.

These are the inner loops of `vizbench.generators.arc`. A grid is `(h, w)` uint8 of colours 0 … 9. Colour 0 is
the ground.
"""

from __future__ import annotations

import numpy as np

from vizbench._util.jit import jit
from vizbench.kernels.rng import rng_below

ONE_COLOUR, ANY_COLOUR, GROUND = 0, 1, 2
"""What `label` connects: cells of one colour, cells of any colours except the ground's, or ground."""

SAME_SIZE, ADDS, REMOVES, RECOLOURS, REARRANGES, OLD_COLOURS, SHRINKS, ONE_INK = 1, 2, 4, 8, 16, 32, 64, 128
"""Bits of `pair_facts`, documented in `vizbench.generators.arc.facts`."""

_PLACES = 40
"""Positions tried for a shape. With 12 % of the ground taken, one in 3 fits."""


@jit
def label(grid, diagonal, joins):
    """Number the connected parts of a grid 1, 2 … in reading order of their first cells.

    diagonal: connect a cell with 8 neighbours rather than 4.
    joins: ONE_COLOUR, ANY_COLOUR or GROUND.

    Returns the numbers, `(h, w)` int16 with 0 elsewhere, and a table, `(n, 6)` int64 with a row per part:
    top, left, bottom and right (both exclusive), cells, colour (0 if the part has several).
    """
    h, w = grid.shape
    labels = np.zeros((h, w), np.int16)
    table = np.empty((h * w, 6), np.int64)
    stack = np.empty(h * w, np.int64)
    n = 0
    for start in range(h * w):
        r, c = start // w, start % w
        if labels[r, c] != 0 or (grid[r, c] == 0) != (joins == GROUND):
            continue

        # Collect the part from its first cell.
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
    """Draw places for rectangles, `gap` cells from each other and `margin` cells from the edge at least.

    sizes: rows and columns of each, `(k, 2)` int64.
    fixed: number of rectangles at the beginning whose places are given.
    corners: top and left of each, `(k, 2)` int64. Those that are not given are filled in.

    Returns False if a rectangle does not fit at all, or if no free place for it was drawn.
    """
    for k in range(fixed, sizes.shape[0]):
        tall, wide = sizes[k, 0], sizes[k, 1]
        rows, columns = height - tall - 2 * margin + 1, width - wide - 2 * margin + 1
        if rows < 1 or columns < 1:
            return False
        # Try places until one is far enough from all rectangles before it.
        free = False
        for _ in range(_PLACES):
            top, left = margin + rng_below(rng, rows), margin + rng_below(rng, columns)
            free = True
            for j in range(k):
                shares_rows = top - gap < corners[j, 0] + sizes[j, 0] and corners[j, 0] - gap < top + tall
                shares_columns = (
                    left - gap < corners[j, 1] + sizes[j, 1] and corners[j, 1] - gap < left + wide
                )
                free &= not (shares_rows and shares_columns)
            if free:
                corners[k, 0], corners[k, 1] = top, left
                break
        if not free:
            return False
    return True


@jit
def blob(rng, height, width, least):
    """Draw a 4-connected shape that touches all four sides of its box.

    It grows from one cell by neighbours drawn uniformly from its rim, until it has at least `least` cells.

    Returns `(height, width)` bool.
    """
    mask = np.zeros((height, width), np.bool_)
    rim = np.empty(4 * height * width + 1, np.int64)  # a cell may be there once per neighbour
    rim[0] = rng_below(rng, height * width)
    count, cells = 1, 0
    sides = 0  # a bit for each side that the shape touches
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
    """Return a bit for each colour of the grid except the ground's, and the number of cells of each."""
    counts = np.zeros(10, np.int64)
    for colour in grid.ravel():
        counts[colour] += 1
    bits = 0
    for colour in range(1, 10):
        bits |= (counts[colour] > 0) << colour
    return bits, counts


@jit
def pair_facts(question, answer):
    """Return the facts that hold of a pair, and three bit masks of colours.

    The masks are the colours of the question, of the answer, and of the answer's cells that changed. If the
    sizes differ, all of the answer's cells count as changed.
    """
    # Facts that do not need one size.
    before, counts_before = _colours(question)
    after, counts_after = _colours(answer)
    facts = OLD_COLOURS * ((after & ~before) == 0)
    facts |= SHRINKS * (
        answer.shape[0] <= question.shape[0]
        and answer.shape[1] <= question.shape[1]
        and answer.size < question.size
    )
    facts |= ONE_INK * ((after & (after - 1)) == 0)
    if question.shape != answer.shape:
        return facts, before, after, after

    # Facts of the cells that change.
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
    return facts | REARRANGES * np.all(counts_before == counts_after), before, after, painted


@jit
def count_batch(question, target, objects, colours):
    """Fill in the objects of each question, and the colours of each question and its target together.

    Objects are of one colour, connected along sides and across corners. The ground is no colour.

    question, target: `(n, h, w)` uint8, in sizes of their own. objects, colours: `(n,)` float64.
    """
    for i in range(len(question)):
        objects[i] = len(label(question[i], True, ONE_COLOUR)[1])
        bits = _colours(question[i])[0] | _colours(target[i])[0]
        count = 0
        for colour in range(1, 10):
            count += (bits >> colour) & 1
        colours[i] = count
