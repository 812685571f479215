"""Put the prompts of many rows together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from vizbench.dataset.columns import Order, Part
from vizbench.formats.lookup import verifier_of
from vizbench.formats.manifest import PromptName
from vizbench.renderers.looks import LookName, look_of
from vizbench.renderers.prompts import STYLES, prompt_of, styles_of
from vizbench.task.contract import Verifier
from vizbench.types import Instance


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

    Rows of one task, wording, size, set of codes and palette have the same prompt. It is put together
    once.
    """

    def __init__(self, prompt: PromptName, look: LookName = "paper") -> None:
        """prompt: who reads the prompts. look: how the rows are drawn for those who see pictures."""
        self._prompt: PromptName = prompt
        self._look: LookName = look
        self._verifiers: dict[str, Verifier] = {}
        self._prompts: dict[tuple[object, ...], str] = {}

    def __call__(self, part: Part) -> Prompts:
        """Return the prompts of rows; "" if prompts are left out."""
        if self._prompt == "none":
            return Prompts(("",), np.zeros(len(part), np.int64))
        if part.task not in self._verifiers:
            self._verifiers[part.task] = verifier_of(part.task)
        verifier = self._verifiers[part.task]
        styles = styles_of(part.task, part.seed, part.split, part.index)

        # Rows of one group have the same prompt. It is made from the first of them.
        groups = STYLES * self._groups(verifier, part) + styles
        _, first, codes = np.unique(groups, return_index=True, return_inverse=True)
        texts = [self._text(verifier, part.row(place), int(styles[place])) for place in first.tolist()]
        return Prompts(tuple(texts), codes)

    def _groups(self, verifier: Verifier, part: Part) -> Order:
        """Number the rows such that rows of one number have the same codes and the same look."""
        rows = np.arange(len(part))
        if self._look == "shuffled":  # each row has a palette of its own
            return rows
        if type(verifier).codes_of is Verifier.codes_of:
            return np.zeros_like(rows)
        if verifier.codes > 64:
            return rows
        present = np.left_shift(np.uint64(1), part.question.reshape(len(part), -1).astype(np.uint64))
        _, groups = np.unique(np.bitwise_or.reduce(present, axis=1), return_inverse=True)
        return groups

    def _text(self, verifier: Verifier, row: Instance, style: int) -> str:
        """Return the prompt of a row. Different groups may have the same one."""
        assert self._prompt != "none"  # `__call__` returns before
        codes = tuple(verifier.codes_of(row.params, row.question))
        look = look_of(verifier, self._look, row)
        key = (row.task, style, row.question.shape, codes, look)
        if key not in self._prompts:
            self._prompts[key] = prompt_of(verifier, row, self._prompt, style, look)
        return self._prompts[key]
