"""Put the prompts of many rows together."""

from __future__ import annotations

from typing import final

from vizbench.formats.lookup import verifier_of
from vizbench.formats.manifest import PromptName
from vizbench.renderers.prompts import prompt_of, style_of
from vizbench.task.contract import Verifier
from vizbench.types import Instance


@final
class RowPrompts:
    """Returns the prompt of each row, in the wording that the row draws.

    Rows of one task, wording, size and set of codes have the same prompt, which is put together once.
    """

    def __init__(self, prompt: PromptName) -> None:
        self._prompt: PromptName = prompt
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
        key = (row.task, style, verifier.answer_shape(row.question), codes)
        if key not in self._prompts:
            self._prompts[key] = prompt_of(verifier, row, self._prompt, style)
        return self._prompts[key]
