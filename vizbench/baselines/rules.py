"""Define the baseline `rules`: fit the rule library to the demonstrations, and answer as most rules do.

On generated episodes it is the oracle, because their certificate is that these rules agree. On the real
corpora it measures how much of them our rules cover.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Final, final

from vizbench.errors import UserError
from vizbench.generators.arc.certify import fitting
from vizbench.generators.arc.facts import Demos, pair
from vizbench.generators.arc.rule import MAX_SIDE, Rule
from vizbench.generators.arc.scene import Scene
from vizbench.model import Context, Example, Modality, Model, ModelFamily
from vizbench.types import DecodeFailure, Grid

CHECKPOINT: Final = "none"

SHOWN: Final = 32
"""Most demonstrations that rules are fitted to. More would hardly exclude further rules."""


@final
class Rules(Model[Grid]):
    """Answer by the rules that fit. Answers are ranked by the number of rules that give them."""

    modality: ClassVar[Modality] = "grid"

    def __init__(self) -> None:
        self._fits: list[Rule] = []

    def adapt(self, examples: Sequence[Example[Grid]], context: Context) -> Mapping[str, float]:
        """Fit the library. Figures: `rules`, the rule families that fit; `settings`, with parameters."""
        shown = [examples[i] for i in range(min(len(examples), SHOWN))]
        if not shown:
            raise UserError("rules are fitted to demonstrations: give at least one")
        self._fits = []
        if all(_readable(example.question) and _readable(example.target) for example in shown):
            self._fits = fitting(Demos([pair(example.question, example.target) for example in shown]))
        families = {rule.id() for rule in self._fits}
        return {"rules": float(len(families)), "settings": float(len(self._fits))}

    def predict(
        self, questions: Sequence[Grid], attempts: int, seed: int
    ) -> Iterator[Sequence[Grid | DecodeFailure]]:
        """Yield the answers of each question, the most frequent first (ties: in the library's order)."""
        missing = DecodeFailure(
            "no rule of the library explains the demonstrations and answers this question"
        )
        for question in questions:
            answers: list[Grid | DecodeFailure] = []
            if _readable(question):
                answers += self._answers(question)[:attempts]
            yield answers + [missing] * (attempts - len(answers))

    def _answers(self, question: Grid) -> list[Grid]:
        """Return the different answers, those of most rule families first."""
        scene = Scene(question)
        supporters: dict[tuple[int, bytes], set[str]] = {}
        grids: dict[tuple[int, bytes], Grid] = {}
        for rule in self._fits:
            answer = rule.answer(scene)
            if answer is not None:
                key = (answer.shape[1], answer.tobytes())
                supporters.setdefault(key, set()).add(rule.id())
                grids.setdefault(key, answer)
        ranked = sorted(supporters, key=lambda key: -len(supporters[key]))
        return [grids[key] for key in ranked]


def _readable(grid: Grid) -> bool:
    """Return whether rules can read a grid: its sides and codes are within the limits of ARC."""
    return max(grid.shape) <= MAX_SIDE and int(grid.max()) <= 9


def _build(checkpoint: str) -> Rules:
    """Return the baseline. It has no checkpoints."""
    if checkpoint != CHECKPOINT:
        raise UserError(f"baseline rules has no checkpoint {checkpoint[:80]!r}: leave --checkpoint out")
    return Rules()


FAMILIES = (
    ModelFamily("rules", "grid", "fits the rule library; the oracle on arc/…", (CHECKPOINT,), _build),
)
