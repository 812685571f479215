"""The curves of a report as data: each model's, the best trivial baseline's, and the paper's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, final
from urllib.parse import urlencode

from vizbench.formats import registry
from vizbench.harness.plan.plan import TRIVIAL
from vizbench.harness.records import labels
from vizbench.harness.report.svg import LINES
from vizbench.harness.stats import paper
from vizbench.harness.stats.metrics import Summary
from vizbench.harness.stats.model_key import ModelKey

FLOOR: Final = "best trivial baseline"
"""The line of the highest of copy, blank, majority, random and nearest at each budget."""

PAPER: Final = {paper.VIDEO: "p0", paper.TEXT: "p1"}
"""The paper's models that have curves, and their colours."""


@final
@dataclass(frozen=True, slots=True)
class LegendEntry:
    """One entry of the legend. role: of `svg.ROLES`; kind: model, floor or paper; who: the model, where it is
    ours."""

    name: str
    role: str
    kind: Literal["model", "floor", "paper"]
    model: ModelKey | None = None

    @property
    def dashed(self) -> bool:
        return self.kind != "model"


PAPER_KEYS: Final = tuple(LegendEntry(f"paper: {model}", role, "paper") for model, role in PAPER.items())
"""The legend of the paper's two models."""


@final
@dataclass(frozen=True, slots=True)
class Point:
    """A share at a budget; low, high: the ends of its interval, the share itself where none is known; label:
    what pointing at it says; address: of its answers on the page, "" where there are none."""

    shots: int
    share: float
    low: float
    high: float
    label: str
    address: str


@final
@dataclass(frozen=True, slots=True)
class Curve:
    """A curve, from left to right."""

    key: LegendEntry
    points: tuple[Point, ...]


@final
@dataclass(frozen=True, slots=True)
class Panel:
    """One task's curves."""

    task: str
    lines: tuple[Curve, ...]


def legend(rows: Sequence[Summary]) -> list[LegendEntry]:
    """Every model, then the floor; every baseline by itself where there is no model."""
    models = dict.fromkeys(model_of(row) for row in rows if row.model not in TRIVIAL)
    chosen = models or dict.fromkeys(model_of(row) for row in rows)
    keys = [LegendEntry(label_of(one), f"c{k % LINES}", "model", one) for k, one in enumerate(chosen)]
    return [*keys, LegendEntry(FLOOR, "floor", "floor")] if models else keys


def paper_legend(panels: Sequence[Panel]) -> list[LegendEntry]:
    """The paper's lines that are in these panels."""
    return list(
        dict.fromkeys(line.key for panel in panels for line in panel.lines if line.key.kind == "paper")
    )


def panels(rows: Sequence[Summary]) -> list[Panel]:
    """One panel a task that has budgets (files of ARC bring their own examples), in the order of the rows."""
    keys = legend(rows)
    tasks = dict.fromkeys(row.task for row in rows if not registry.is_corpus(row.task))
    return [
        Panel(task, (*_published(task), *_measured([r for r in rows if r.task == task], keys)))
        for task in tasks
    ]


def role_of(contender: ModelKey, keys: Sequence[LegendEntry]) -> str:
    """The colour of a model's line."""
    return next((key.role for key in keys if key.model == contender), "ink")


def label_of(contender: ModelKey) -> str:
    """What a model is called in legends and tables."""
    return labels.model_label(contender.name, contender.checkpoint, contender.training, contender.mark)


def address(row: Summary) -> str:
    """Where the viewer shows the answers that a row counts."""
    model = labels.model_key(row.model, row.checkpoint, row.training)
    return "#" + urlencode({"task": row.task, "seed": row.seeds[0], "model": model, "shots": row.shots})


def _measured(rows: Sequence[Summary], keys: Sequence[LegendEntry]) -> list[Curve]:
    lines: list[Curve] = []
    for key in keys:
        chosen = _floor(rows) if key.kind == "floor" else [row for row in rows if model_of(row) == key.model]
        points = [_point(key, row) for row in sorted(chosen, key=lambda row: row.shots)]
        lines += [Curve(key, tuple(points))] if points else []
    return lines


def _published(task: str) -> list[Curve]:
    label = "paper, {}: {:.1%} exact after {:,} examples"
    lines: list[Curve] = []
    for model, points in paper.curves(task).items():
        found = [Point(n, share, share, share, label.format(model, share, n), "") for n, share in points]
        lines.append(Curve(LegendEntry(f"paper: {model}", PAPER.get(model, "soft"), "paper"), tuple(found)))
    return lines


def _floor(rows: Sequence[Summary]) -> list[Summary]:
    best: dict[int, Summary] = {}
    for row in rows:
        trivial = row.model in TRIVIAL and row.model != "solver"
        if trivial and (row.shots not in best or row.exact > best[row.shots].exact):
            best[row.shots] = row
    return list(best.values())


def _point(key: LegendEntry, row: Summary) -> Point:
    model = f"{key.name} ({row.model})" if key.kind == "floor" else key.name
    span = f"{row.exact_low:.0%} to {row.exact_high:.0%}"
    label = f"{model}, {row.shots:,} examples: {row.exact:.1%} exact ({span}), {row.n:,} questions"
    return Point(row.shots, row.exact, row.exact_low, row.exact_high, label, address(row))


def model_of(row: Summary) -> ModelKey:
    """Whose row it is."""
    return ModelKey(row.model, row.checkpoint, row.training, row.mark)
