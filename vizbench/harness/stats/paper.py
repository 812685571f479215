"""Read the results that the paper published (arXiv 2510.24448) from `paper.json`, to show beside our own.

Its tables give accuracies at some numbers of shots. Its figures show the number of shots that reaches 90%,
which does not always agree with the tables. Both are reported.
"""

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
"""The paper's video model."""

TEXT: Final = "Qwen3-4B"
"""The paper's language model."""

ARC_TASKS: Final = "a79dc015732912d8"
"""The first 16 digits of the SHA-256 of the ids of ARC-AGI-1's 400 evaluation tasks, sorted, one per line.

`ArcResult` is about these tasks.
"""

ARC_ATTEMPTS: Final = 2
"""Attempts per test input of ARC-AGI-1."""

CONCEPT_TASKS, CONCEPT_INPUTS, CONCEPT_ATTEMPTS = 10, 3, 3
"""Tasks per concept of ConceptARC (CONCEPT1 … CONCEPT10), test inputs per task, and attempts.

Every share in the paper is a multiple of 1/30, and most are not multiples of 1/15.
"""


@final
class ArcResult(msgspec.Struct, frozen=True):
    """The results on ARC-AGI-1."""

    tasks: int
    """Number of tasks."""
    two_attempts: dict[str, float]
    """Model -> share of tasks with every test input solved in two attempts."""
    one_attempt: dict[str, float]
    """Model -> the same in one attempt."""
    overlap: dict[str, int]
    """Number of tasks by "only A", "both" and "only B"."""


@final
class Paper(msgspec.Struct, frozen=True):
    """Everything in `paper.json`."""

    source: str
    """Where it comes from."""
    accuracy_by_shots: dict[str, dict[str, tuple[tuple[int, float], ...]]] = msgspec.field(
        name="accuracy_by_budget"
    )
    """Task -> model -> (shots, share) pairs, by rising shots."""
    shots_to_reach_90_percent: dict[str, dict[str, int]] = msgspec.field(name="budget_to_reach_90_percent")
    """Task -> model -> shots as the figures show it."""
    conceptarc_accuracy: dict[str, dict[str, float]]
    """Model -> concept -> share of test inputs solved in one of three attempts."""
    arc_agi_1: ArcResult
    """The results on ARC-AGI-1."""


@final
@dataclass(frozen=True, slots=True)
class Threshold:
    """The smallest number of shots with a share of .90 or more."""

    task: str
    """Name of the task."""
    model: str
    """Name of the model."""
    drawn: int | None
    """The number as a figure shows it. None if no figure does."""
    tables: int | None
    """The number by the accuracies. None if they stay below."""

    @property
    def disagrees(self) -> bool:
        """Whether the figures of the paper show another number than its tables."""
        return self.drawn is not None and self.drawn != self.tables

    def text(self) -> str:
        """Return both numbers as a table shows them."""
        text = "not reached" if self.tables is None else f"{self.tables:,}"
        return f"{text} (drawn: {self.drawn:,})" if self.disagrees else text


@functools.cache
def paper() -> Paper:
    """Return the published results."""
    return msgspec.json.decode(Path(__file__).with_name("paper.json").read_bytes(), type=Paper)


def concept_was_measured(concept: str, asked: Sequence[tuple[str, int]], attempts: int) -> bool:
    """Return whether these are the paper's tasks of a concept, with its number of attempts.

    asked: the file of each task without its ending, and the number of test inputs that were asked.
    """
    tasks = [(f"{concept}{number + 1}", CONCEPT_INPUTS) for number in range(CONCEPT_TASKS)]
    return attempts == CONCEPT_ATTEMPTS and sorted(asked) == sorted(tasks)


def corpus_was_measured(tasks: Iterable[str], attempts: int) -> bool:
    """Return whether these are the paper's tasks of ARC-AGI, with its number of attempts.

    tasks: ids of those whose every test input was asked.
    """
    digest = hashlib.sha256("\n".join(sorted(tasks)).encode()).hexdigest()
    return attempts == ARC_ATTEMPTS and digest[:16] == ARC_TASKS


def other_concepts(published: Sequence[bool]) -> str:
    """Return a sentence if the paper's shares are left out of a table by concept, else "".

    published: whether each row has one.
    """
    if all(published):
        return ""
    return (
        f"The paper measured {CONCEPT_TASKS} tasks of each concept, CONCEPT1 to CONCEPT{CONCEPT_TASKS}, of "
        f"{CONCEPT_INPUTS} test inputs each: its shares are left out beside other tasks."
    )


def other_corpora(published: Sequence[bool]) -> str:
    """Return a sentence if the paper's shares are left out of a table by corpus, else "".

    published: whether each row has one.
    """
    if all(published):
        return ""
    return (
        f"The paper measured the {paper().arc_agi_1.tasks} tasks of arc-agi-1:evaluation: "
        "its shares are left out beside other tasks."
    )


def curves(task: str) -> dict[str, tuple[tuple[int, float], ...]]:
    """Return model -> (shots, share) pairs of a task, as published; {} if the paper lacks the task."""
    return paper().accuracy_by_shots.get(task, {})


def thresholds() -> list[Threshold]:
    """Return the shots that reach 90% for every published curve, in the order of the tables."""
    drawn = paper().shots_to_reach_90_percent
    return [
        Threshold(task, model, drawn.get(task, {}).get(model), _reached(points))
        for task, models in paper().accuracy_by_shots.items()
        for model, points in models.items()
    ]


def _reached(points: tuple[tuple[int, float], ...]) -> int | None:
    return first_reached([n for n, _ in points], [share for _, share in points])
