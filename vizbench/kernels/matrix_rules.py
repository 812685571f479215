"""Define the rules that the features of a 3x3 matrix of panels follow: draw values, and explain them.

A feature has a value per panel. Values of DOTS are sets of dots, bit k for place k. A rule gives the third
value of a line from the first two. Lines are rows, or columns.
"""

from __future__ import annotations

from typing import Final

from vizbench._util.jit import jit
from vizbench.kernels.rng import rng_below, rng_shuffle

SIDE: Final = 5
"""Cells per side of a panel, and places of dots."""
SHAPE, MATERIAL, PLACE, DOTS = range(4)
FEATURES: Final = 4
_VALUES: Final = (6, 5, 3, 31)
"""How many values each feature has: shapes, materials, places, sets of one dot or more."""

FIXED, SAME, ANY_ORDER, BY_1, BY_2, BY_MINUS_1, BY_MINUS_2, SUM, DIFFERENCE, XOR, OR, AND = range(12)
RULES: Final = 12
"""Rules from BY_1 on are for dots only."""
COSTS: Final = (0, 1, 2, 2, 2, 2, 2, 3, 3, 4, 4, 4)
"""What each rule counts in the difficulty of a question."""
CHANGES: Final = (1, 2, -1, -2)
"""How the number of dots changes by the rules BY_1 … BY_MINUS_2."""


@jit
def _number(dots):
    """Return the number of dots of a panel, or -1 if they have gaps."""
    if dots & (dots + 1):
        return -1
    number = 0
    while dots >> number:
        number += 1
    return number


@jit
def _numeric(rule, a, b):
    """Return the dots that a rule about numbers gives after the dots of two panels, or -1."""
    first, second = _number(a), _number(b)
    if first < 0 or second < 0:
        return -1
    if rule == SUM:
        third = first + second
    elif rule == DIFFERENCE:
        third = first - second
    elif second - first == CHANGES[rule - BY_1]:
        third = 2 * second - first
    else:
        third = 0
    return (1 << third) - 1 if 1 <= third <= SIDE else -1


@jit
def _third(rule, x, y, z, a, b):
    """Return the value that a rule gives after the values a, b, or -1 if it gives none.

    x, y, z: the values of the first line.
    """
    if rule == FIXED:
        return a if x == y == z == a == b else -1
    if rule == SAME:
        return a if a == b else -1
    if rule == ANY_ORDER:
        is_set = x not in (y, z) and y != z and a != b
        is_part = a in (x, y, z) and b in (x, y, z)
        return x + y + z - a - b if is_set and is_part else -1
    if rule <= DIFFERENCE:
        return _numeric(rule, a, b)
    if rule == OR:
        dots = a | b
    elif rule == AND:
        dots = a & b
    else:
        dots = a ^ b
    return dots if dots > 0 else -1


@jit
def explain(values, feature):
    """Return the last value of a feature by all rules that explain the others, their number, the least cost.

    values: `(9,)`. The last value is -1 if there is no such rule, or if two of them differ.
    """
    last, count, cost = -1, 0, 9
    for rule in range(RULES if feature == DOTS else BY_1):
        for is_column in range(1 if rule == FIXED else 2):
            step, line = (3, 1) if is_column else (1, 3)
            x, y, z = values[0], values[step], values[2 * step]
            if _third(rule, x, y, z, x, y) != z:
                continue
            if _third(rule, x, y, z, values[line], values[line + step]) != values[line + 2 * step]:
                continue
            third = _third(rule, x, y, z, values[2 * line], values[2 * line + step])
            if third < 0:
                continue
            if count > 0 and third != last:
                return -1, count, cost
            last, count, cost = third, count + 1, min(cost, COSTS[rule])
    return last, count, cost


@jit
def _draw_value(rng, feature, rule):
    """Return a random value of a feature, for a rule."""
    if BY_1 <= rule <= DIFFERENCE:
        return (1 << (1 + rng_below(rng, SIDE))) - 1
    return rng_below(rng, _VALUES[feature]) + (feature == DOTS)


@jit
def draw_line_values(rng, feature, rule, is_column, base, values):
    """Draw the values `(9,)` of a feature by a rule. Return whether it gives a value in each line.

    base: `(3,)` int64, scratch.
    """
    step, line = (3, 1) if is_column else (1, 3)
    for k in range(3):
        base[k] = _draw_value(rng, feature, rule)
    for k in range(3):
        if rule in (FIXED, SAME):
            a = base[0 if rule == FIXED else k]
            b, c = a, a
        elif rule == ANY_ORDER:
            rng_shuffle(rng, base, 3)
            a, b, c = base[0], base[1], base[2]
        else:
            a, b = _draw_value(rng, feature, rule), _draw_value(rng, feature, rule)
            c = _third(rule, a, a, a, a, b)
        values[k * line], values[k * line + step], values[k * line + 2 * step] = a, b, c
        if c < 0:
            return False
    return True
