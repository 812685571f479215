"""Test where the bars and intervals of the figure of shots needed end, and which ends are drawn open."""

from __future__ import annotations

from typing import Any

import pytest
from matplotlib.markers import MarkerStyle

from vizbench.harness.report import curves, figures, svg
from vizbench.harness.stats.compare import ShotsNeeded
from vizbench.harness.stats.model_key import ModelKey
from vizbench.harness.stats.thresholds import Span

MINE = ModelKey("mine", "none", "none")
SHOTS = (10, 100, 1000)


def drawn(at, interval):
    """The figure of one row: the end of its bar, how solid it is, and the places of each marker."""
    row = ShotsNeeded("t/x", MINE, (0,), SHOTS, (0.1, 0.5, 1.0), None, at, interval)
    legend = [curves.LegendEntry("mine", "c0", "model", MINE)]
    axes: Any = figures.shots_needed([row], legend).paint(svg.PRINT, svg.Marks()).axes[0]
    [bar] = axes.patches
    places = {}
    for points in axes.collections:
        [name] = [m for m in "<>|" if marker(m) == points.get_paths()[0].vertices.tolist()]
        places.setdefault(name, set()).add(round(float(points.get_offsets()[0][0]), 6))
    [line] = [one for one in axes.lines if len(one.get_xdata()) == 2]
    span = tuple(round(float(x), 6) for x in line.get_xdata())
    colours = {"bar": bar.get_facecolor()[:3], "line": line.get_color()}
    return bar.get_x() + bar.get_width(), bar.get_alpha(), places, span, colours


def marker(name):
    style: Any = MarkerStyle(name)
    return style.get_path().transformed(style.get_transform()).vertices.tolist()


BEYOND, BEFORE = round(1000 * 1.15**2, 6), round(10 / 1.15**2, 6)


@pytest.mark.parametrize(
    ("interval", "strokes", "arrows", "ends"),
    [
        (Span(50, 200), {50, 200}, {}, (50, 200)),
        (Span(50, None), {50}, {">": {BEYOND}}, (50, BEYOND)),
        (Span(None, 200), {200}, {"<": {BEFORE}}, (BEFORE, 200)),
        (Span(None, None), set(), {"<": {BEFORE}, ">": {BEYOND}}, (BEFORE, BEYOND)),
        (Span(70, 70), {70}, {}, (70, 70)),
    ],
)
def test_an_open_end_of_an_interval_has_an_arrow_and_a_known_one_a_stroke(interval, strokes, arrows, ends):
    length, alpha, places, span, colours = drawn(Span(100, 100), interval)
    assert (length, alpha, span) == (100, 0.85, ends)
    assert places.pop("|", set()) == strokes
    assert places == arrows
    assert colours["line"] == svg.PRINT["ink"] != svg.PRINT["c0"]


@pytest.mark.parametrize(
    ("at", "length", "arrow"),
    [(Span(1000, None), 1000, {">": {1150}}), (Span(None, 10), 10, {"<": {round(10 / 1.15, 6)}})],
)
def test_a_bar_without_an_end_is_pale_and_has_an_arrow(at, length, arrow):
    end, alpha, places, _, _ = drawn(at, Span(20, 200))
    assert (end, alpha) == (length, 0.35)
    assert {name: where for name, where in places.items() if name != "|"} == arrow


def test_no_shots_needed_is_no_bar():
    end, alpha, places, span, _ = drawn(Span(0.0, 0.0), Span(0.0, 0.0))
    assert (end, alpha, span) == (1, 0.85, (1, 1))
    assert places == {"|": {1}}


@pytest.mark.parametrize(
    ("shots", "scale", "ticks"), [((0, 3, 30), "symlog", [0, 1, 3, 10, 30]), ((3, 30), "log", [3, 10, 30])]
)
def test_a_curve_from_0_shots_has_a_place_for_0(shots, scale, ticks):
    points = [curves.Point(n, 0.5, 0.4, 0.6, "", "") for n in shots]
    entry = curves.LegendEntry("mine", "c0", "model", MINE)
    panel = curves.Panel("t/x", (curves.Curve(entry, tuple(points)),))
    axes: Any = figures.curves(panel, False).paint(svg.PRINT, svg.Marks()).axes[0]
    assert axes.get_xscale() == scale
    assert axes.get_xticks().tolist() == ticks
    assert axes.lines[0].get_xdata().tolist() == list(shots)
    low, high = axes.get_xlim()
    assert low < min(shots) and high > max(shots)
