"""Whose answers a run holds: what makes a model another one in figures, tables and comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import final

from vizbench.harness.records import CellRun


@final
@dataclass(frozen=True, slots=True, order=True)
class Contender:
    """A model as it was measured: name, checkpoint, and how long the plan had it train, in words; mark: the weights or
    the file that tell it from another of the same name in these runs, "" where there is no other."""

    name: str
    checkpoint: str
    training: str
    mark: str = ""


def contenders(runs: Sequence[CellRun]) -> list[Contender]:
    """Whose each run is. Other weights, or another state of a model's file, are another model: its answers make no
    curve, no pair and no concept with those of the first."""
    plain = [Contender(cell.model, cell.checkpoint, cell.training) for cell in (run.header.cell for run in runs)]
    facts = [{"weights": (run.header.weights or "none")[:8], "file": (run.header.code or "none")[:8]} for run in runs]
    met: dict[tuple[Contender, str], set[str]] = {}
    for model, known in zip(plain, facts, strict=True):
        for what, fact in known.items():
            met.setdefault((model, what), set()).add(fact)
    return [
        replace(model, mark=" · ".join(f"{what} {fact}" for what, fact in known.items() if len(met[model, what]) > 1))
        for model, known in zip(plain, facts, strict=True)
    ]
