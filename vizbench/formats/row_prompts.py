"""Put the prompts of many rows together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from vizbench.dataset.columns import Order, Part
from vizbench.formats.lookup import verifier_of
from vizbench.formats.manifest import PromptName
from vizbench.renderers.prompts import prompt_of, styles_of
from vizbench.task.contract import Verifier


@final
@dataclass(frozen=True, slots=True, eq=False)
class Prompts:
    """The prompts of some rows, each text once."""

    texts: tuple[str, ...]
    """The different texts; "" if prompts are left out."""
    codes: Order
    """The position of each row's prompt in `texts`, `(n,)`."""


@final
class RowPrompts:
    """Returns the prompt of each row, in the wording that the row draws.

    Rows of one task, wording and size have the same prompt, which is put together once.
    """

    def __init__(self, prompt: PromptName) -> None:
        self._prompt: PromptName = prompt
        self._verifiers: dict[str, Verifier] = {}
        self._prompts: dict[tuple[str, int, tuple[int, int] | None], str] = {}

    def __call__(self, part: Part) -> Prompts:
        """Return the prompts of rows; "" if prompts are left out."""
        if self._prompt == "none":
            return Prompts(("",), np.zeros(len(part), np.int64))
        styles, codes = np.unique(
            styles_of(part.task, part.seed, part.split, part.index), return_inverse=True
        )
        return Prompts(tuple(self._text(part, style) for style in styles.tolist()), codes)

    def _text(self, part: Part, style: int) -> str:
        if part.task not in self._verifiers:
            self._verifiers[part.task] = verifier_of(part.task)
        verifier, question = self._verifiers[part.task], part.question[0]
        key = (part.task, style, verifier.answer_shape(question))
        if self._prompt != "none" and key not in self._prompts:
            row = next(part.instances())
            self._prompts[key] = prompt_of(verifier, row, self._prompt, style)
        return self._prompts[key]
