"""What the paper published, as data, to lie behind our own figures: arXiv 2510.24448, read from `paper.json`.

Its tables give accuracies at the budgets that it reports; its figures of the budget that reaches 90% do not
always say what the tables do, and both are told."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import msgspec

from vizbench.harness.stats.thresholds import first_reached

VIDEO: Final = "CogVideoX1.5-5B"
TEXT: Final = "Qwen3-4B"

ARC_TASKS: Final = "a79dc015732912d8"
"""The first 16 digits of the SHA-256 of the ids of ARC-AGI-1's 400 evaluation tasks, sorted, one per line.
`ArcResult` is of these tasks."""
ARC_ATTEMPTS: Final = 2
CONCEPT_TASKS, CONCEPT_INPUTS, CONCEPT_ATTEMPTS = 10, 3, 3
"""Of each concept of ConceptARC: tasks CONCEPT1 … CONCEPT10, test inputs of each, and attempts. Every share
that the paper gives is a multiple of 1/30, and most are none of 1/15."""


@final
class ArcResult(msgspec.Struct, frozen=True):
    """ARC-AGI-1. tasks: how many; two_attempts, one_attempt: model -> share of tasks with every test input
    solved; overlap: "only A", "both", "only B" -> tasks."""

    tasks: int
    two_attempts: dict[str, float]
    one_attempt: dict[str, float]
    overlap: dict[str, int]


@final
class Paper(msgspec.Struct, frozen=True):
    """Everything in `paper.json`.

    accuracy_by_budget: task -> model -> (budget, share) pairs, by growing budget; budget_to_reach_90_percent:
    task -> model -> budget as the figures draw it; conceptarc_accuracy: model -> concept -> share of test
    inputs solved in one of three attempts."""

    source: str
    accuracy_by_budget: dict[str, dict[str, tuple[tuple[int, float], ...]]]
    budget_to_reach_90_percent: dict[str, dict[str, int]]
    conceptarc_accuracy: dict[str, dict[str, float]]
    arc_agi_1: ArcResult


@final
@dataclass(frozen=True, slots=True)
class Threshold:
    """The smallest budget with a share of .90 or more. drawn: as a figure shows it, None where none does;
    tables: as the accuracies say, None where they stop below."""

    task: str
    model: str
    drawn: int | None
    tables: int | None

    @property
    def disagrees(self) -> bool:
        """Whether the paper draws another budget than its tables give."""
        return self.drawn is not None and self.drawn != self.tables

    def text(self) -> str:
        """Both as a table shows them."""
        text = "not reached" if self.tables is None else f"{self.tables:,}"
        return f"{text} (drawn: {self.drawn:,})" if self.disagrees else text


@functools.cache
def paper() -> Paper:
    """The published results."""
    return msgspec.json.decode(Path(__file__).with_name("paper.json").read_bytes(), type=Paper)


def concept_was_measured(concept: str, asked: Sequence[tuple[str, int]], attempts: int) -> bool:
    """Whether these are the paper's tasks of a concept. asked: each task's file without its ending, and how
    many test inputs were asked."""
    tasks = [(f"{concept}{number + 1}", CONCEPT_INPUTS) for number in range(CONCEPT_TASKS)]
    return attempts == CONCEPT_ATTEMPTS and sorted(asked) == sorted(tasks)


def corpus_was_measured(tasks: Iterable[str], attempts: int) -> bool:
    """Whether these are the paper's tasks of ARC-AGI. tasks: ids of those that were asked in whole."""
    digest = hashlib.sha256("\n".join(sorted(tasks)).encode()).hexdigest()
    return attempts == ARC_ATTEMPTS and digest[:16] == ARC_TASKS


def other_concepts(published: Sequence[bool]) -> str:
    """A sentence if the paper's shares are left out of a table by concept. published: of each row."""
    if all(published):
        return ""
    return (
        f"The paper measured {CONCEPT_TASKS} tasks of each concept, CONCEPT1 to CONCEPT{CONCEPT_TASKS}, of "
        f"{CONCEPT_INPUTS} test inputs each: its shares are left out beside other tasks."
    )


def other_corpora(published: Sequence[bool]) -> str:
    """A sentence if the paper's shares are left out of a table by corpus. published: of each row."""
    if all(published):
        return ""
    return (
        f"The paper measured the {paper().arc_agi_1.tasks} tasks of arc-agi-1:evaluation: its shares are left out "
        "beside other tasks."
    )


def curves(task: str) -> dict[str, tuple[tuple[int, float], ...]]:
    """The published curves of a task by model, as (budget, share) pairs; none for a task that the paper
    lacks."""
    return paper().accuracy_by_budget.get(task, {})


def thresholds() -> list[Threshold]:
    """Every published curve's budget to reach 90%, drawn and computed, in the order of the tables."""
    drawn = paper().budget_to_reach_90_percent
    return [
        Threshold(task, model, drawn.get(task, {}).get(model), _reached(points))
        for task, models in paper().accuracy_by_budget.items()
        for model, points in models.items()
    ]


def _reached(points: tuple[tuple[int, float], ...]) -> int | None:
    return first_reached([n for n, _ in points], [share for _, share in points])
