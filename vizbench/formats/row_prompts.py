"""Put the prompts of many rows together."""

from __future__ import annotations

from typing import final

from vizbench.formats.lookup import verifier_of
from vizbench.formats.manifest import PromptName
from vizbench.renderers.looks import LookName, look_of
from vizbench.renderers.prompts import prompt_of, style_of
from vizbench.task.contract import Verifier
from vizbench.types import Instance


@final
class RowPrompts:
    """Returns the prompt of each row, in the wording that the row draws.

    Rows of one task, wording, size, set of codes and palette have the same prompt. It is put together
    once.
    """

    def __init__(self, prompt: PromptName, look: LookName = "paper") -> None:
        """prompt: who reads the prompts. look: how the rows are drawn for those who see pictures."""
        self._prompt: PromptName = prompt
        self._look: LookName = look
        self._verifiers: dict[str, Verifier] = {}
        self._prompts: dict[tuple[object, ...], str] = {}

    def __call__(self, row: Instance) -> str:
        """Return the prompt of a row; "" if prompts are left out."""
        if self._prompt == "none":
            return ""
        if row.task not in self._verifiers:
            self._verifiers[row.task] = verifier_of(row)
        verifier, style = self._verifiers[row.task], style_of(row)
        codes = tuple(verifier.codes_of(row.params, row.question))
        look = look_of(verifier, self._look, row)
        key = (row.task, style, row.question.shape, codes, look)
        if key not in self._prompts:
            self._prompts[key] = prompt_of(verifier, row, self._prompt, style, look)
        return self._prompts[key]
