"""Grids as tokens that know their place: the vocabulary of the embedded language model and the layout of a
sequence.

A sequence is: caption, question rows, SEP, answer rows. A row is one token a cell and a NEWLINE, the last row
ends with EOS. Every token has a *place*, handed to the network as its position id: question cell (r, c)
stands at PAGE + 32 r + c, answer cell (r, c) at PAGE + 1024 + 32 r + c, whatever the grid's size; the end of
a row takes the column after its last cell. The token that is read when a cell is to be predicted gets the
place of *that* cell, not its own: then a cell to predict lies 1024 after its question cell in every grid, and
its neighbours at fixed distances.

Tried before and left: places by count. They need a padding row and hold one offset for one grid width only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from vizbench.errors import UserError
from vizbench.renderers.text import DIGITS

PAD, EOS, SEP, NEUTRAL, NEWLINE = range(5)
CELL = 5
"""Token of cell code 0; the codes 0 … 35 are written as the characters DIGITS."""
WORD = CELL + len(DIGITS)
"""Token of the caption character 0: captions are written in DIGITS too, but in tokens of their own."""
VOCABULARY = WORD + len(DIGITS) + 3
"""Number of tokens; the last three are "[", "]" and ",", for a JSON layout."""

ROW = 32
PAGE = 64
ANSWER = 1024
"""Places: ROW from one row to the next, PAGE to the first cell of the question, ANSWER from there to the
answer."""
MAX_SIDE = ROW - 1
MAX_CAPTION = 24

IGNORED = -100
"""Label of a token that carries no loss, as in transformers."""

Ints = npt.NDArray[np.int64]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """A sequence for the network, each `(length,)` int64: ids, places, and labels (the *next* token, or
    IGNORED)."""

    ids: Ints
    places: Ints
    labels: Ints


def prompt(question: str, caption: str = "") -> Tokens:
    """What the model reads before its first answer token. caption "" is the neutral one.

    Raises UserError when the question has other characters than DIGITS and line ends, or a side over
    MAX_SIDE."""
    ids, places = _page(question, PAGE)
    words, word_places = _caption(caption)
    filled = np.array([*words, *ids, SEP])
    return Tokens(filled, np.array([*word_places, *places, PAGE + ANSWER]), np.full(len(filled), IGNORED))


def example(question: str, answer: str, caption: str = "") -> Tokens:
    """A training sequence: the loss lies on the answer's cells, line ends and EOS."""
    start = prompt(question, caption)
    ids, places = _page(answer, PAGE + ANSWER)
    labels = np.concatenate([start.labels[:-1], ids])
    return Tokens(np.concatenate([start.ids, ids[:-1]]), np.concatenate([start.places[:-1], places]), labels)


def collate(rows: Sequence[Tokens]) -> Tokens:
    """The sequences as `(n, longest)` arrays, PAD after the shorter ones: causal attention never looks
    there."""
    longest = max(len(row.ids) for row in rows)

    def stack(parts: Sequence[Ints], fill: int) -> Ints:
        return np.stack([np.pad(part, (0, longest - len(part)), constant_values=fill) for part in parts])

    return Tokens(
        stack([r.ids for r in rows], PAD),
        stack([r.places for r in rows], 0),
        stack([r.labels for r in rows], IGNORED),
    )


def advance(place: int, token: int) -> int:
    """The place to predict after `token` was predicted for `place`; kept on the page, whatever the model
    writes."""
    row, column = divmod(place - PAGE - ANSWER, ROW)
    row, column = (row + 1, 0) if token == NEWLINE else (row, column + 1)
    return PAGE + ANSWER + min(row, ROW - 1) * ROW + min(column, ROW - 1)


def text(ids: Sequence[int]) -> str:
    """Predicted tokens as text, up to EOS; tokens that no answer has become "?", which no grid has."""
    written: list[str] = []
    for token in ids:
        if token == EOS:
            break
        cell = CELL <= token < CELL + len(DIGITS)
        written.append("\n" if token == NEWLINE else DIGITS[token - CELL] if cell else "?")
    return "".join(written)


def _page(page: str, origin: int) -> tuple[Ints, Ints]:
    """Tokens and places of the rows, EOS at the end."""
    lines = page.strip().split("\n")
    if not all(lines):
        raise UserError(
            "an empty row is no row of cells: the embedded qwen3 reads rows of the characters 0-9a-z"
        )
    widest = max(len(line) for line in lines)
    if widest > MAX_SIDE or len(lines) > MAX_SIDE:
        raise UserError(
            f"a grid of {len(lines)}x{widest} is too large for the embedded qwen3: give sides of 1 … {MAX_SIDE}"
        )
    ids: list[int] = []
    places: list[int] = []
    for r, line in enumerate(lines):
        ids += [CELL + _code(character) for character in line]
        ids.append(NEWLINE)
        places += range(origin + r * ROW, origin + r * ROW + len(line) + 1)
    ids[-1] = EOS
    return np.array(ids), np.array(places)


def _code(character: str) -> int:
    code = DIGITS.find(character)
    if code < 0:
        raise UserError(f"{character!r} is no cell: the embedded qwen3 reads rows of the characters 0-9a-z")
    return code


def _caption(caption: str) -> tuple[list[int], range]:
    if len(caption) > MAX_CAPTION:
        raise UserError(f"a caption of {len(caption)} characters is too long: give at most {MAX_CAPTION}")
    words = [WORD + _code(character) for character in caption] or [NEUTRAL]
    return words, range(len(words))
