"""Identify who answered: what makes a model another one in figures, tables and comparisons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
    """Its name."""
    checkpoint: str
    """Its weights, by name."""
    training: str
    """How long the plan had it train, in words."""
    mark: str = ""
    """What keeps it apart from others of the same label in these runs: its folder, weights or file."""

    @property
    def trivial(self) -> bool:
        """Whether it is a baseline. The solver is one."""
        return self.name in TRIVIAL


def rank(name: str) -> int:
    """Return the rank of a model in a table: 0 for models, then from 1 the baselines in their order."""
    return TRIVIAL.index(name) + 1 if name in TRIVIAL else 0


def ranked(models: Iterable[ModelKey]) -> list[ModelKey]:
    """Sort models by name, then baselines in their order."""
    return sorted(models, key=lambda model: (rank(model.name), model))


def pairs(models: Iterable[ModelKey]) -> list[tuple[ModelKey, ModelKey]]:
    """Return who is compared with whom: every two models, then every model with every baseline.

    The first of a pair is a model. Two baselines are not compared.
    """
    compared = [(a, b) for a, b in combinations(ranked(models), 2) if not a.trivial]
    return sorted(compared, key=lambda pair: pair[1].trivial)


def model_keys(runs: Sequence[TrialResult]) -> list[ModelKey]:
    """Return whose each run is.

    Other weights, or another state of a model's file, are another model: its answers share no curve, pair or
    concept with those of the first.
    """
    trials = [run.header.trial for run in runs]
    plain = [ModelKey(trial.model, trial.checkpoint, trial.training) for trial in trials]
    digests = [_digests(run) for run in runs]
    variants: dict[tuple[ModelKey, str], set[str]] = {}
    for model, own in zip(plain, digests, strict=True):
        for what, digest in own.items():
            variants.setdefault((model, what), set()).add(digest)
    folders = model_marks((model.name, model.checkpoint, model.training) for model in plain)
    marked: list[ModelKey] = []
    for model, own in zip(plain, digests, strict=True):
        marks = [folders[model.name, model.checkpoint, model.training]]
        marks += [f"{what} {digest}" for what, digest in own.items() if len(variants[model, what]) > 1]
        marked.append(replace(model, mark=" · ".join(filter(None, marks))))
    return marked


def _digests(run: TrialResult) -> Mapping[str, str]:
    """Return the digests of a run's model, shortened."""
    return {"weights": (run.header.weights or "none")[:8], "file": (run.header.code or "none")[:8]}
