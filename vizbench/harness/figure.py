"""Accuracy by number of examples, one panel a task, as numbers that the report's template writes out as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

from vizbench.harness.metrics import Summary
from vizbench.harness.plan import TRIVIAL
from vizbench.harness.plugin import DEFAULT

WIDTH: Final = 340
HEIGHT: Final = 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 12, 10, 34

FLOOR: Final = "best trivial baseline"
"""The line of the highest of copy, blank, majority, random and nearest at each budget."""


@final
@dataclass(frozen=True, slots=True)
class Point:
    """A measured share, in pixels: x, y and the ends of its interval; label: what hovering says."""

    x: float
    y: float
    low: float
    high: float
    label: str


@final
@dataclass(frozen=True, slots=True)
class Line:
    """A model's points from left to right. number: its place in the legend; line, band: SVG point lists."""

    name: str
    number: int
    points: tuple[Point, ...]
    line: str
    band: str


@final
@dataclass(frozen=True, slots=True)
class Panel:
    """One task's figure. x_ticks, y_ticks: position in pixels and label."""

    task: str
    lines: tuple[Line, ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]


NONE: Final = "none"
"""The checkpoint of what has no weights."""


def legend(rows: Sequence[Summary]) -> list[str]:
    """The names of the lines: every model, then the floor; every baseline by itself where there is no model."""
    models = dict.fromkeys(_name(row) for row in rows if row.model not in TRIVIAL)
    if models:
        return [*models, FLOOR]
    return list(dict.fromkeys(row.model for row in rows))


def panels(rows: Sequence[Summary]) -> list[Panel]:
    """One panel a task, in the order of the rows."""
    names = legend(rows)
    tasks = dict.fromkeys(row.task for row in rows)
    return [_panel(task, [row for row in rows if row.task == task], names) for task in tasks]


def _panel(task: str, rows: Sequence[Summary], names: Sequence[str]) -> Panel:
    shots = sorted({row.shots for row in rows})
    xs = dict(zip(shots, _spread(shots), strict=True))
    lines: list[Line] = []
    for number, name in enumerate(names):
        chosen = _floor(rows) if name == FLOOR else [row for row in rows if name in (_name(row), row.model)]
        points = [_point(xs[row.shots], name, row) for row in sorted(chosen, key=lambda row: row.shots)]
        if points:
            path = " ".join(f"{p.x:.1f},{p.y:.1f}" for p in points)
            edge = [(p.x, p.high) for p in points] + [(p.x, p.low) for p in reversed(points)]
            lines.append(Line(name, number, tuple(points), path, " ".join(f"{x:.1f},{y:.1f}" for x, y in edge)))
    return Panel(
        task, tuple(lines), _x_ticks(xs), tuple((_y(share), f"{share:.0%}") for share in (0, 0.25, 0.5, 0.75, 1))
    )


def _x_ticks(xs: dict[int, float]) -> tuple[tuple[float, str], ...]:
    """The budgets, without those whose label would touch the one before."""
    ticks: list[tuple[float, str]] = []
    for shots, x in xs.items():
        if not ticks or x - ticks[-1][0] >= 30:  # four digits at the figure's font size
            ticks.append((x, f"{shots:,}"))
    return tuple(ticks)


def _floor(rows: Sequence[Summary]) -> list[Summary]:
    best: dict[int, Summary] = {}
    for row in rows:
        trivial = row.model in TRIVIAL and row.model != "solver"
        if trivial and (row.shots not in best or row.exact > best[row.shots].exact):
            best[row.shots] = row
    return list(best.values())


def _point(x: float, name: str, row: Summary) -> Point:
    who = f"{name} ({row.model})" if name == FLOOR else name
    span = f"{row.exact_low:.0%} to {row.exact_high:.0%}"
    label = f"{who}, {row.shots:,} examples: {row.exact:.1%} exact ({span}), {row.n:,} questions"
    return Point(x, _y(row.exact), _y(row.exact_low), _y(row.exact_high), label)


def _spread(shots: Sequence[int]) -> list[float]:
    """Places along a logarithmic axis; the middle for a single budget."""
    left, right = _LEFT + 14, WIDTH - _RIGHT - 14
    if len(shots) == 1:
        return [(left + right) / 2]
    low, high = math.log(max(shots[0], 1)), math.log(shots[-1])
    return [left + (right - left) * (math.log(max(n, 1)) - low) / (high - low) for n in shots]


def _y(share: float) -> float:
    return _TOP + (HEIGHT - _TOP - _BOTTOM) * (1 - share)


def _name(row: Summary) -> str:
    return model_label(row.model, row.checkpoint)


def task_label(task: str) -> str:
    """A task's name, short enough for a table: of a file its folder and name."""
    kind, _, path = task.partition(":")
    return f"{kind}: {'/'.join(path.removesuffix('.json').split('/')[-2:])}" if path else task


def model_label(model: str, checkpoint: str) -> str:
    """A model's name with its checkpoint, where it has one to choose; of a file its name and class."""
    short = model.rpartition("/")[2]
    return short if checkpoint in (NONE, DEFAULT) else f"{short} · {checkpoint}"
