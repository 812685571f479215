"""Draw worlds of local rules: random neighbourhood laws on the plane and on rows, and two-colour walkers."""

from __future__ import annotations

import numpy as np

from vizbench.baselines.embedded.worlds.excluded import LIMIT, eca_alike, life_alike, turmite_alike
from vizbench.baselines.embedded.worlds.laws import Walk, next_rows, seen_around, walked, with_walker
from vizbench.baselines.embedded.worlds.random_draws import Draw
from vizbench.baselines.embedded.worlds.scene import Boards, Scene, neighbours


def _soup(draw: Draw, n: int, h: int, w: int) -> Boards:
    """Draw boards of 0 and 1 with one density."""
    return (draw.uniform(n, h, w) < draw.between(0.2, 0.6)).astype(np.uint8)


def around(draw: Draw, n: int, h: int, w: int) -> Scene:
    """Apply a random law of a cell's state and its live cells among the eight neighbours."""
    bits = tuple(int(b) for b in (draw.uniform(18) < draw.between(0.25, 0.55)))
    while life_alike(bits) >= LIMIT:
        bits = tuple(int(b) for b in (draw.uniform(18) < 0.4))
    torus = draw.chance(0.15)
    soup = _soup(draw, n, h, w)
    target = np.asarray(bits, np.uint8)[seen_around(soup, torus)]
    return Scene(soup, target, (*((b, 2) for b in bits), (int(torus), 2)))


def cross(draw: Draw, n: int, h: int, w: int) -> Scene:
    """Apply a random law of a cell's state and its live cells among the four direct neighbours."""
    bits = tuple(int(b) for b in (draw.uniform(10) < 0.45))
    soup = _soup(draw, n, h, w)
    target = np.asarray(bits, np.uint8)[soup * 5 + neighbours(soup == 1, cross=True)]
    return Scene(soup, target, tuple((b, 2) for b in bits))


def _elementary(draw: Draw) -> int:
    """Draw an elementary rule that is not excluded."""
    rule = draw.one(256)
    while eca_alike(rule) >= LIMIT:
        rule = draw.one(256)
    return rule


def rows(draw: Draw, n: int, h: int, w: int) -> Scene:
    """Apply one step of an elementary rule to every row, or to every column."""
    rule, upright = _elementary(draw), draw.chance(0.5)
    soup = _soup(draw, n, h, w)
    target = next_rows(soup.swapaxes(1, 2), rule).swapaxes(1, 2) if upright else next_rows(soup, rule)
    return Scene(soup, np.ascontiguousarray(target), (*_rule_knobs(rule), (int(upright), 2)))


def diagram(draw: Draw, n: int, h: int, w: int) -> Scene:
    """Complete a space-time diagram.

    In most scenes the last one to three rows are unknown, in some all but the first.
    """
    rule = _elementary(draw)
    target = np.zeros((n, h, w), np.uint8)
    target[:, 0] = draw.uniform(n, w) < 0.5
    for r in range(1, h):
        target[:, r] = next_rows(target[:, r - 1], rule)
    unknown = 1 + draw.one(3) if draw.chance(0.6) else 1 + draw.one(h - 1)
    question = target.copy()
    question[:, h - min(unknown, h - 1) :] = 2
    return Scene(question, target, _rule_knobs(rule))


def _rule_knobs(rule: int) -> tuple[tuple[int, int], ...]:
    """Return the eight bits of an elementary rule as knobs."""
    return tuple(((rule >> k) & 1, 2) for k in range(8))


def turmite(draw: Draw, n: int, h: int, w: int) -> Scene:
    """Move a walker on a two-colour torus for one to three steps.

    At each step it turns and repaints by the colour under it. Codes: 0 and 1 without the walker, 2 + heading
    with it on colour 0, 6 + heading on colour 1.
    """
    steps = 1 + draw.one(3)
    table = _table(draw)
    while turmite_alike(table, steps) >= LIMIT:
        table = _table(draw)
    colour = (draw.uniform(n, h, w) < 0.5).astype(np.uint8)
    walk = Walk(draw.below(h, n), draw.below(w, n), draw.below(4, n))
    question = with_walker(colour, walk)
    target = with_walker(*walked(colour, walk, table, steps))
    knobs = (*((turn, 4) for turn, _ in table), *((flip, 2) for _, flip in table), (steps - 1, 3))
    return Scene(question, target, knobs)


def _table(draw: Draw) -> tuple[tuple[int, int], tuple[int, int]]:
    """Draw, for each colour, the quarter turns to the right and whether the colour flips."""
    return (draw.one(4), draw.one(2)), (draw.one(4), draw.one(2))
