"""Compute the curves of a report: each model's, the best trivial baseline's, and the paper's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, final
from urllib.parse import urlencode

from vizbench._util.text import plural
from vizbench.formats import lookup
from vizbench.harness.plan.plan import TRIVIAL
from vizbench.harness.records import labels
from vizbench.harness.report.svg import MODEL_COLOURS
from vizbench.harness.stats import paper
from vizbench.harness.stats.metrics import Summary
from vizbench.harness.stats.model_key import ModelKey

BEST_BASELINE: Final = "best trivial baseline"
"""The curve of the highest of copy, blank, majority, random and nearest at each number of shots."""

PAPER: Final = {paper.VIDEO: "p0", paper.TEXT: "p1"}
"""The paper's models that have curves, and the roles of their colours."""


@final
@dataclass(frozen=True, slots=True)
class LegendEntry:
    """One entry of the legend."""

    name: str
    """What the legend says."""
    role: str
    """The role of its colour, one of `svg.ROLES`."""
    kind: Literal["model", "baseline", "paper"]
    """Whose curves it is for."""
    model: ModelKey | None = None
    """The model, if it was measured here."""

    @property
    def dashed(self) -> bool:
        """Whether its curves are dashed."""
        return self.kind != "model"


PAPER_ENTRIES: Final = tuple(LegendEntry(f"paper: {model}", role, "paper") for model, role in PAPER.items())
"""The legend of the paper's two models."""


@final
@dataclass(frozen=True, slots=True)
class Point:
    """The share of exact answers at a number of shots."""

    shots: int
    """Number of training examples."""
    share: float
    """Share of exact answers, 0..1."""
    low: float
    """Lower end of its interval; the share itself if none is known."""
    high: float
    """Upper end of its interval; the share itself if none is known."""
    label: str
    """The text for who points at it."""
    link: str
    """Link to its answers on the page; "" if there are none."""


@final
@dataclass(frozen=True, slots=True)
class Curve:
    """The points of one model on one task."""

    entry: LegendEntry
    """Its entry in the legend."""
    points: tuple[Point, ...]
    """From left to right."""


@final
@dataclass(frozen=True, slots=True)
class Panel:
    """The curves of one task."""

    task: str
    """The task's name."""
    curves: tuple[Curve, ...]
    """The paper's curves, then those measured here, in the order of the legend."""


def legend(rows: Sequence[Summary]) -> list[LegendEntry]:
    """Return an entry for each model, then one for the best baseline.

    Without any model, each baseline has an entry.
    """
    models = dict.fromkeys(model_of(row) for row in rows if row.model not in TRIVIAL)
    entries: list[LegendEntry] = []
    for number, model in enumerate(models or dict.fromkeys(map(model_of, rows))):
        entries.append(LegendEntry(label_of(model), f"c{number % MODEL_COLOURS}", "model", model))
    if models:
        entries.append(LegendEntry(BEST_BASELINE, "baseline", "baseline"))
    return entries


def paper_legend(panels: Sequence[Panel]) -> list[LegendEntry]:
    """Return the entries of the paper's curves in these panels."""
    entries = [curve.entry for panel in panels for curve in panel.curves]
    return list(dict.fromkeys(entry for entry in entries if entry.kind == "paper"))


def panels(rows: Sequence[Summary]) -> list[Panel]:
    """Return one panel per task, in the order of the rows.

    ARC files have none, because they bring their own examples.
    """
    entries = legend(rows)
    tasks = dict.fromkeys(row.task for row in rows if not lookup.is_corpus(row.task))
    made: list[Panel] = []
    for task in tasks:
        measured = _measured([row for row in rows if row.task == task], entries)
        made.append(Panel(task, (*_published(task), *measured)))
    return made


def role_of(model: ModelKey, entries: Iterable[LegendEntry]) -> str:
    """Return the role of a model's colour."""
    return next((entry.role for entry in entries if entry.model == model), "ink")


def label_of(model: ModelKey) -> str:
    """Return what a model is called in legends and tables."""
    return labels.model_label(model.name, model.checkpoint, model.training, model.mark)


def row_link(row: Summary) -> str:
    """Return the link to the viewer's entry for a row: `#task=…&seed=…&model=…&shots=…`."""
    model = labels.model_key(row.model, row.checkpoint, row.training)
    return "#" + urlencode({"task": row.task, "seed": row.seeds[0], "model": model, "shots": row.shots})


def model_of(row: Summary) -> ModelKey:
    """Return the model of a row."""
    return ModelKey(row.model, row.checkpoint, row.training, row.mark)


def _measured(rows: Sequence[Summary], entries: Sequence[LegendEntry]) -> list[Curve]:
    """Return the curves of one task's rows."""
    made: list[Curve] = []
    for entry in entries:
        if entry.kind == "baseline":
            chosen = _best_baselines(rows)
        else:
            chosen = [row for row in rows if model_of(row) == entry.model]
        points = [_point(entry, row) for row in sorted(chosen, key=lambda row: row.shots)]
        if points:
            made.append(Curve(entry, tuple(points)))
    return made


def _published(task: str) -> list[Curve]:
    """Return the paper's curves of a task."""
    made: list[Curve] = []
    for model, shares in paper.curves(task).items():
        points: list[Point] = []
        for shots, share in shares:
            label = f"paper, {model}: {share:.1%} exact after {plural(shots, 'shot')}"
            points.append(Point(shots, share, share, share, label, ""))
        made.append(Curve(LegendEntry(f"paper: {model}", PAPER.get(model, "soft"), "paper"), tuple(points)))
    return made


def _best_baselines(rows: Sequence[Summary]) -> list[Summary]:
    """Return the row of the best trivial baseline for each number of shots. The solver is none."""
    best: dict[int, Summary] = {}
    for row in rows:
        trivial = row.model in TRIVIAL and row.model != "solver"
        if trivial and (row.shots not in best or row.exact > best[row.shots].exact):
            best[row.shots] = row
    return list(best.values())


def _point(entry: LegendEntry, row: Summary) -> Point:
    model = f"{entry.name} ({row.model})" if entry.kind == "baseline" else entry.name
    span = f"{row.exact_low:.0%} to {row.exact_high:.0%}"
    shots, questions = plural(row.shots, "shot"), plural(row.n, "question")
    label = f"{model}, {shots}: {row.exact:.1%} exact ({span}), {questions}"
    return Point(row.shots, row.exact, row.exact_low, row.exact_high, label, row_link(row))
