"""Turn grids into tokens with positions: the vocabulary and the layout of a sequence.

A sequence is: caption, question rows, SEP, answer rows. A row has one token per cell and a NEWLINE. The last
row ends with EOS.

Every token has a *position*, the network's position id, which depends only on its place in the grid:

- question cell (r, c): PAGE + ROW * r + c
- answer cell (r, c): PAGE + ANSWER + ROW * r + c
- end of a row: the column after its last cell

A token that is read to predict a cell has the position of *that* cell, not its own. So in every grid the
question cell is ANSWER positions before the cell to predict, and neighbours are at fixed distances.

A process is an answer of several pages, one per state. A state ends with SEP, the last one with EOS. The cell
to predict on a page is ANSWER positions after the token of the same cell on the page before, as question and
answer are. A page sees only itself, the page before and the caption (`pages`): the rotary frequencies repeat
every 2 * ANSWER positions and cannot tell more pages apart. In place of SEP a page begins with its number, so
that a model can learn how many states are asked.

Positions by counting were tried and dropped. They need padded rows, and a distance fits only one grid width.
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
"""Token of cell code 0. The codes 0 … 35 are written as the characters DIGITS."""
WORD = CELL + len(DIGITS)
"""Token of the caption character 0. Captions use DIGITS too, but have their own tokens."""
VOCABULARY = WORD + len(DIGITS) + 3
"""Number of tokens. The last three are "[", "]" and ",", for a JSON layout."""

ROW = 32
"""Positions from one row to the next."""
PAGE = 64
"""Position of the first cell of the question."""
ANSWER = 1024
"""Positions from a question cell to the answer cell at the same place."""
MAX_SIDE = ROW - 1
"""Largest side of a grid."""
MAX_CAPTION = 24
"""Most characters of a caption."""

LEAF = ANSWER + 1
"""Positions from one page of an answer to the next.

The token of a cell is read one position after the cell, so that this token is ANSWER before the next page's.
"""
MAX_TOKENS = 4096
"""Most tokens of a process with its question. Answers that are so long take minutes."""

IGNORED = -100
"""Label of a token that carries no loss, as in transformers."""

Ints = npt.NDArray[np.int64]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """A sequence for the network, or a batch of them with a first axis n."""

    ids: Ints
    """The tokens, `(length,)`."""
    positions: Ints
    """The position ids, `(length,)`."""
    labels: Ints
    """The *next* token, or IGNORED, `(length,)`."""


def prompt(question: str, caption: str = "") -> Tokens:
    """Return what the model reads before its first answer token. "" is the neutral caption.

    Raises UserError if the question has characters other than DIGITS and line ends, or a side over MAX_SIDE.
    """
    ids, positions = _page(question, PAGE)
    words = _caption(caption)
    filled = np.array([*words, *ids, SEP])
    places = np.array([*range(len(words)), *positions, PAGE + ANSWER])
    return Tokens(filled, places, np.full(len(filled), IGNORED))


def example(question: str, answer: str, caption: str = "") -> Tokens:
    """Return a training sequence. The loss counts the answer's cells, line ends and EOS."""
    start = prompt(question, caption)
    ids, positions = _page(answer, PAGE + ANSWER)
    return Tokens(
        np.concatenate([start.ids, ids[:-1]]),
        np.concatenate([start.positions[:-1], positions]),
        np.concatenate([start.labels[:-1], ids]),
    )


def process(question: str, states: str) -> Tokens:
    """Return a training sequence of a question and its states, which are blocks below empty lines.

    The loss counts the cells, line ends, SEP and EOS of all states. Raises UserError as `prompt` does, and if
    there are more than MAX_TOKENS tokens.
    """
    start = prompt(question)
    leaves = [
        _page(state, PAGE + ANSWER + number * LEAF) for number, state in enumerate(states.split("\n\n"))
    ]
    for ids, _ in leaves[:-1]:
        ids[-1] = SEP
    labels = np.concatenate([ids for ids, _ in leaves])
    positions = np.concatenate([places for _, places in leaves])
    count = len(start.ids) - 1 + len(labels)
    if count > MAX_TOKENS:
        raise UserError(
            f"a process of {len(leaves):,} states takes {count:,} tokens and the embedded qwen3 reads "
            f"{MAX_TOKENS:,}: give smaller grids or shorter processes, or leave supervision out"
        )
    read = [first_of_page(token, place) for token, place in zip(labels[:-1], positions[1:], strict=True)]
    return Tokens(
        np.concatenate([start.ids, np.array(read, np.int64)]),
        np.concatenate([start.positions[:-1], positions]),
        np.concatenate([start.labels[:-1], labels]),
    )


def window(row: Tokens, first: int, count: int) -> Tokens:
    """Return the caption and `count` pages of a process from page `first` on, 0 for the question.

    The loss counts all of these pages but the first, whose page before is not there.
    """
    page = pages(row.positions)
    kept = (page < 0) | ((first <= page) & (page < first + count))
    labels = np.where(page == first, IGNORED, row.labels)
    return Tokens(row.ids[kept], row.positions[kept], labels[kept])


def first_of_page(token: int, position: int) -> int:
    """Return what is read after a token was predicted: the number of the page to come if it is SEP."""
    number = int(pages(np.array(position))) - 1
    return WORD + min(number, len(DIGITS) - 1) if token == SEP else token


def pages(positions: Ints) -> Ints:
    """Return the page of each position: -1 for the caption, 0 for the question, from 1 for states."""
    leaf = (positions - PAGE - ANSWER) // LEAF + 1
    return np.where(positions < PAGE, -1, np.maximum(leaf, 0))


def collate(rows: Sequence[Tokens]) -> Tokens:
    """Stack the sequences as `(n, longest)` arrays.

    Shorter sequences are padded at the end, where causal attention never looks.
    """
    longest = max(len(row.ids) for row in rows)

    def stack(parts: Sequence[Ints], fill: int) -> Ints:
        return np.stack([np.pad(part, (0, longest - len(part)), constant_values=fill) for part in parts])

    ids = stack([row.ids for row in rows], PAD)
    positions = stack([row.positions for row in rows], 0)
    labels = stack([row.labels for row in rows], IGNORED)
    return Tokens(ids, positions, labels)


def advance(position: int, token: int) -> int:
    """Return the position to predict after `token` was predicted for `position`.

    It stays on the page, whatever the model writes.
    """
    row, column = divmod(position - PAGE - ANSWER, ROW)
    row, column = (row + 1, 0) if token == NEWLINE else (row, column + 1)
    return PAGE + ANSWER + min(row, ROW - 1) * ROW + min(column, ROW - 1)


def advance_leaf(position: int, token: int) -> int:
    """Return the position to predict in a process: as `advance` on each page, and after SEP the next page."""
    leaf, on_page = divmod(position - PAGE - ANSWER, LEAF)
    if token == SEP:
        return PAGE + ANSWER + (leaf + 1) * LEAF
    return advance(PAGE + ANSWER + on_page, token) + leaf * LEAF


def text(ids: Sequence[int], states: bool = False) -> str:
    """Return predicted tokens as text, up to EOS.

    Tokens that cannot be part of an answer become "?", which no grid contains.

    states: whether they are a process, in which SEP is an empty line.
    """
    written: list[str] = []
    for token in ids:
        if token == EOS:
            break
        if token == NEWLINE:
            written.append("\n")
        elif token == SEP and states:
            written.append("\n\n")
        elif CELL <= token < WORD:
            written.append(DIGITS[token - CELL])
        else:
            written.append("?")
    return "".join(written)


def _page(page: str, origin: int) -> tuple[Ints, Ints]:
    """Return tokens and positions of the rows, with EOS at the end. The first cell has position `origin`."""
    lines = page.strip().split("\n")
    if not all(lines):
        raise UserError(
            "an empty row is not a row of cells: the embedded qwen3 reads rows of the characters 0-9a-z"
        )
    widest = max(len(line) for line in lines)
    if widest > MAX_SIDE or len(lines) > MAX_SIDE:
        raise UserError(
            f"a grid of {len(lines)}x{widest} is too large for the embedded qwen3: "
            f"give sides of 1 … {MAX_SIDE}"
        )
    ids: list[int] = []
    positions: list[int] = []
    for r, line in enumerate(lines):
        ids += [CELL + _code(character) for character in line]
        ids.append(NEWLINE)
        positions += range(origin + r * ROW, origin + r * ROW + len(line) + 1)
    ids[-1] = EOS
    return np.array(ids), np.array(positions)


def _code(character: str) -> int:
    """Return the cell code of a character."""
    code = DIGITS.find(character)
    if code < 0:
        raise UserError(
            f"{character!r} is not a cell: the embedded qwen3 reads rows of the characters 0-9a-z"
        )
    return code


def _caption(caption: str) -> list[int]:
    """Return the tokens of a caption."""
    if len(caption) > MAX_CAPTION:
        raise UserError(f"a caption of {len(caption)} characters is too long: give at most {MAX_CAPTION}")
    return [WORD + _code(character) for character in caption] or [NEUTRAL]
