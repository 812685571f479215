"""Baseline `rules`: every rule of the library that explains all demonstrations answers, and the answers are
counted.

It is the ceiling on generated episodes, whose certificate is that these rules agree; on the real corpora it
tells how much of them our rules cover."""

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
"""Demonstrations that rules are fitted to; what more could show, these do."""


@final
class Rules(Model[Grid]):
    """The rules that fit, and their answers by how many rules give them."""

    modality: ClassVar[Modality] = "grid"

    def __init__(self) -> None:
        self._fits: list[Rule] = []

    def adapt(self, examples: Sequence[Example[Grid]], context: Context) -> Mapping[str, float]:
        """Fit the library. Figures: `rules`, families that fit; `settings`, of their parameters."""
        shown = [examples[i] for i in range(min(len(examples), SHOWN))]
        if not shown:
            raise UserError("rules are read off demonstrations: give at least one")
        readable = all(_readable(grid) for each in shown for grid in (each.question, each.target))
        self._fits = fitting(Demos([pair(each.question, each.target) for each in shown])) if readable else []
        return {"rules": float(len({rule.id() for rule in self._fits})), "settings": float(len(self._fits))}

    def predict(
        self, questions: Sequence[Grid], attempts: int, seed: int
    ) -> Iterator[Sequence[Grid | DecodeFailure]]:
        """The answer that most rules give first, then the next (ties: in the library's order)."""
        for question in questions:
            found = self._answers(question) if _readable(question) else []
            none = DecodeFailure(
                "no rule of the library explains the demonstrations and answers this question"
            )
            yield [found[k] if k < len(found) else none for k in range(attempts)]

    def _answers(self, question: Grid) -> list[Grid]:
        """Answers, those of most families first."""
        scene = Scene(question)
        found: dict[tuple[int, bytes], tuple[set[str], Grid]] = {}
        for rule in self._fits:
            answer = rule.answer(scene)
            if answer is not None:
                found.setdefault((answer.shape[1], answer.tobytes()), (set(), answer))[0].add(rule.id())
        return [answer for _, answer in sorted(found.values(), key=lambda entry: -len(entry[0]))]


def _readable(grid: Grid) -> bool:
    """Whether a grid is one that rules are made for."""
    return max(grid.shape) <= MAX_SIDE and int(grid.max()) <= 9


def _build(checkpoint: str) -> Rules:
    if checkpoint != CHECKPOINT:
        raise UserError(f"baseline rules has no checkpoint {checkpoint[:80]!r}: leave --checkpoint out")
    return Rules()


FAMILIES = (
    ModelFamily("rules", "grid", "fits the rule library; its ceiling, on arc/…", (CHECKPOINT,), _build),
)
