"""Write grids as text, and read the grid that the reply of a language model gives as its answer.

The text is compact JSON, or rows of digits. Reading is lenient: prose, headings, code fences and labels such
as "Answer:" may surround the grid.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Literal, cast

import msgspec
import numpy as np

from vizbench._util.grids import MAX_SIDE, kind_name
from vizbench._util.text import plural
from vizbench.errors import UserError
from vizbench.renderers.replies.candidates import DIGITS, Candidate, Codes, Shape
from vizbench.renderers.replies.characters import plain
from vizbench.renderers.replies.choice import final_grid
from vizbench.renderers.replies.markup import unmarked
from vizbench.renderers.replies.reasoning import CUT, without_reasoning
from vizbench.types import Answer, Decoded, DecodeFailure, Grid

MAX_CHARS = 5_000_000
"""The length of the longest text that is read. A grid of MAX_SIDE with codes of three digits fits."""

_BLANK = re.compile(r"\n[ \t\r]*\n\s*")
"""An empty line, or several."""

_Rows = list[list[Annotated[int, msgspec.Meta(ge=0, le=255)]]]


def to_text(grid: Grid, layout: Literal["json", "rows"] = "json") -> str:
    """Return a grid `(h, w)` of type uint8 as text.

    layout: "json" writes `[[0,1],[1,0]]`. "rows" writes one line per row and one character per cell, with
    a … z for 10 … 35.

    Raises UserError if `grid` is not a grid, the layout is unknown, or a code over 35 is to be written in
    rows.
    """
    grid = np.asarray(grid)
    if grid.ndim != 2 or grid.size == 0 or grid.dtype != np.uint8:
        raise UserError(
            f"a grid of shape {grid.shape} and type {grid.dtype} cannot be written: give (h, w) uint8"
        )
    if layout == "json":
        return msgspec.json.encode(grid.tolist()).decode()
    if layout != "rows":
        raise UserError(f"unknown text layout {layout!r}: choose json or rows")
    if int(grid.max()) >= len(DIGITS):
        raise UserError(
            f"cell code {int(grid.max())} has no digit: rows write 0 … {len(DIGITS) - 1}, choose json"
        )
    return "\n".join("".join(DIGITS[code] for code in row) for row in grid.tolist())


def from_text(text: object, max_chars: int = MAX_CHARS, *, shape: Shape | None = None) -> Decoded:
    """Read the grid that a reply gives as its answer, by the rules of `docs/judging.md`.

    The `confidence` of the answer is 1 everywhere. A final answer that is cut off, ragged, incomplete or
    taken back is a DecodeFailure with the reason. No earlier grid takes its place.

    max_chars: the length of the longest text that is read.
    shape: the rows and columns that were asked, if the task says so. It helps to join rows that are split or
    run together. An answer of another shape is still the answer.
    """
    if not issubclass(type(text), str):
        return DecodeFailure(f"the answer is {kind_name(text)}, not text")
    text = str.__str__(cast("str", text))  # a subclass may override any method
    if len(text) > max_chars:
        return DecodeFailure(f"the text has {plural(len(text), 'character')}: over {max_chars} are not read")
    if not text.strip():
        return DecodeFailure("the text is empty")
    choice = _json(text)
    if choice is None:
        reply = without_reasoning(plain(text))
        choice = CUT if reply is None else final_grid(unmarked(reply), shape)
    return DecodeFailure(choice) if isinstance(choice, str) else _answer(choice, shape)


def states_to_text(states: Sequence[Grid], layout: Literal["json", "rows"] = "json") -> str:
    """Return the states of a process as text: lines of JSON, or blocks of rows below empty lines.

    Raises UserError as `to_text` does.
    """
    between = "\n" if layout == "json" else "\n\n"
    return between.join(to_text(state, layout) for state in states)


def states_from_text(
    text: str, layout: Literal["json", "rows"] = "json", shape: Shape | None = None
) -> list[Grid]:
    """Read the states that `states_to_text` writes, in order. Lines or blocks without a grid are left out.

    Words around a grid of JSON are allowed, as in "step 2: [[0,1]]". shape: as in `from_text`.
    """
    if len(text) > MAX_CHARS:
        return []
    if layout == "json":
        choices = [_json(_bracketed(line)) for line in text.splitlines()]
    else:
        choices = [_rows(block) for block in _BLANK.split(text.strip())]
    answers = [_answer(choice, shape) for choice in choices if choice is not None]
    return [answer.grid for answer in answers if isinstance(answer, Answer)]


def last_block(text: str) -> str:
    """Return the part of a text below its last empty line."""
    return _BLANK.split(text.strip())[-1]


def _bracketed(line: str) -> str:
    """Return the part of a line from its first double bracket to its last, without spaces."""
    plain_line = line.replace(" ", "")
    start, end = plain_line.find("[["), plain_line.rfind("]]")
    return plain_line[start : end + 2] if 0 <= start < end else ""


def _rows(block: str) -> Candidate | None:
    """Return the grid of a block that is only rows of one character per cell, or None for any other."""
    rows = [[DIGITS.find(character) for character in line] for line in block.split("\n")]
    whole = all(row and min(row) >= 0 for row in rows)
    return Candidate(0, len(block), rows) if whole else None


def _json(text: str) -> Candidate | None:
    """Return the grid of a text that is only JSON, as most are, or None for any other text."""
    try:
        rows = msgspec.json.decode(text.strip(), type=_Rows)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return Candidate(0, len(text), rows, listed=True) if rows else None


def _answer(choice: Candidate, shape: Shape | None) -> Decoded:
    """Return the answer of a chosen grid, or the reason why it is not a complete grid."""
    rows = _split(choice.rows, shape)
    if rows is None:
        if choice.problem:
            return DecodeFailure(choice.problem)
        rows = choice.rows

    # The sides of the grid
    width = len(rows[0])
    for i, row in enumerate(rows, 1):
        if not row:
            return DecodeFailure(f"row {i} is empty")
        if len(row) != width:
            return DecodeFailure(f"row {i} has {plural(len(row), 'cell')}, but row 1 has {width}")
    if max(len(rows), width) > MAX_SIDE:
        return DecodeFailure(f"the grid is {len(rows)}x{width}: sides over {MAX_SIDE} are not read")
    grid = np.array(rows, np.uint8)
    return Answer(grid, np.ones(grid.shape, np.float32))


def _split(rows: Codes, shape: Shape | None) -> Codes | None:
    """Return the rows of a grid whose cells are all in one row, or None for any other grid."""
    if shape is None or len(rows) != 1:
        return None
    cells = rows[0]
    height, width = shape
    if shape == (1, len(cells)) or len(cells) != height * width:
        return None
    return [cells[at : at + width] for at in range(0, len(cells), width)]
