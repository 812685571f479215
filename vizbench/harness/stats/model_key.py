"""Whose answers a run holds: what makes a model another one in figures, tables and comparisons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import final

from vizbench.harness.plan.plan import TRIVIAL
from vizbench.harness.records.labels import model_marks
from vizbench.harness.records.records import TrialResult


@final
@dataclass(frozen=True, slots=True, order=True)
class ModelKey:
    """A model as it was measured."""

    name: str
    checkpoint: str
    training: str
    """How long the plan had it train, in words."""
    mark: str = ""
    """What tells it from others in these runs whose label is the same: its folder, weights or file; "" if
    none is."""

    @property
    def trivial(self) -> bool:
        """Whether it is a baseline, the solver among them."""
        return self.name in TRIVIAL


def rank(name: str) -> int:
    """Where it stands in a table: models at 0, the baselines behind them from 1, each at its own place."""
    return TRIVIAL.index(name) + 1 if name in TRIVIAL else 0


def ranked(models: Iterable[ModelKey]) -> list[ModelKey]:
    """Models by name, then the baselines, each at its own place."""
    return sorted(models, key=lambda one: (rank(one.name), one))


def pairs(models: Iterable[ModelKey]) -> list[tuple[ModelKey, ModelKey]]:
    """Who is compared with whom: every two models, then every model with every baseline. Of a pair the first
    is a model; two baselines are none."""
    found = [(a, b) for a, b in combinations(ranked(models), 2) if not a.trivial]
    return sorted(found, key=lambda pair: pair[1].trivial)


def model_keys(runs: Sequence[TrialResult]) -> list[ModelKey]:
    """Whose each run is. Other weights, or another state of a model's file, are another model: its answers
    make no curve, no pair and no concept with those of the first."""
    plain = [
        ModelKey(cell.model, cell.checkpoint, cell.training) for cell in (run.header.trial for run in runs)
    ]
    facts = [
        {"weights": (run.header.weights or "none")[:8], "file": (run.header.code or "none")[:8]}
        for run in runs
    ]
    met: dict[tuple[ModelKey, str], set[str]] = {}
    for model, known in zip(plain, facts, strict=True):
        for what, fact in known.items():
            met.setdefault((model, what), set()).add(fact)
    origins = model_marks((one.name, one.checkpoint, one.training) for one in plain)
    marked: list[ModelKey] = []
    for model, known in zip(plain, facts, strict=True):
        marks = [origins[model.name, model.checkpoint, model.training]]
        marks += [f"{what} {fact}" for what, fact in known.items() if len(met[model, what]) > 1]
        marked.append(replace(model, mark=" · ".join(filter(None, marks))))
    return marked
