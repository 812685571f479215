"""Grids to text and back: compact JSON for language models, or rows of digits.

Reading is forgiving, because a model's text is: prose, headings, code fences and an "Answer:" may surround the grid.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Final, Literal, final

import msgspec
import numpy as np

from vizbench.errors import UserError
from vizbench.grids import MAX_SIDE
from vizbench.renderers.reading import DIGITS, Block, Rows, last_block, last_json
from vizbench.types import Answer, Decoded, DecodeFailure, Grid
from vizbench.words import plural

MAX_CHARS = 5_000_000
"""Longer texts are refused unread. A grid of MAX_SIDE with codes of three digits fits."""

_Rows = list[list[Annotated[int, msgspec.Meta(ge=0, le=255)]]]

_LABELS: Final[dict[str, Literal["told", "named", "asked"]]] = {
    "answer": "told", "output": "told", "solution": "told", "result": "named", "target": "named", "grid": "named",
    "question": "asked", "input": "asked",
}  # fmt: skip
_LABEL: Final = re.compile(
    r"^[ \t#>*_]*+(?:the[ \t]++)?(?:(?:final|test)[ \t]++)?(?P<word>" + "|".join(_LABELS) + r")"
    r"(?:[ \t]++grid)?(?:[ \t]++is)?[*_]*+[^\S\n]?[:=][*_]*+"
    r"|^[ \t]*+[#>*_][ \t#>*_]*+(?:(?:final|test)[ \t]++)?"
    r"(?P<heading>answer|output|solution|question|input)[*_ \t]*+\r?$",
    re.IGNORECASE | re.MULTILINE,
)


def to_text(grid: Grid, layout: Literal["json", "rows"] = "json") -> str:
    """A grid `(h, w)` as text. json: `[[0,1],[1,0]]`; rows: one line a row, one character a cell, a … z for 10 … 35.

    Raises UserError for a code over 35 in rows, and for what is no grid.
    """
    grid = np.asarray(grid)
    if grid.ndim != 2 or grid.size == 0 or grid.dtype != np.uint8:
        raise UserError(f"a grid of shape {grid.shape} and type {grid.dtype} cannot be written: give (h, w) uint8")
    if layout == "json":
        return msgspec.json.encode(grid.tolist()).decode()
    if layout != "rows":
        raise UserError(f"unknown text layout {layout!r}: choose json or rows")
    if int(grid.max()) >= len(DIGITS):
        raise UserError(f"cell code {int(grid.max())} has no digit: rows write 0 … {len(DIGITS) - 1}, choose json")
    return "\n".join("".join(DIGITS[code] for code in row) for row in grid.tolist())


def from_text(text: object, max_chars: int = MAX_CHARS) -> Decoded:
    """Read the last grid in a text; `confidence` is 1 everywhere.

    Labels that begin a line divide the text: "Answer:", "**Final answer:**", "## Output", "Solution =" stand above an
    answer, "Result:", "Target:", "Grid:" above what may be one, "Question:" and "Input:" above what is none once an
    answer's label follows. The last part that holds a grid counts. In it a JSON grid, `[[…],[…]]` with any spaces and
    trailing commas, goes before rows, because a lone number on a line of prose looks like a row. Rows are lines of one
    character a cell, joined or parted by spaces, tabs or commas, or lists `[0, 1]`, each alone on its line; amid prose,
    a line of letters alone at the edge of such a block counts as prose, and so do lists below rows or below wider
    lists, which are places. A single row counts below an answer's label where no JSON grid stands before, or where
    there is no other grid; a single list is none, and a bad answer below an answer's label.
    The last grid is the answer even if it is ragged, holds a number outside 0 … 255, or is cut off by the end of the
    text: each is a DecodeFailure that says so. An earlier grid is then no answer, least of all where a model repeats
    the question first.
    """
    if not isinstance(text, str):
        return DecodeFailure(f"the answer is {type(text).__name__}, not text")
    if len(text) > max_chars:
        return DecodeFailure(f"the text has {plural(len(text), 'character')}: over {max_chars} are not read")
    try:
        rows: Rows | None = msgspec.json.decode(text.strip(), type=_Rows)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        rows = None
    if not rows:
        rows = _last_grid(text)
    if rows is None:
        return DecodeFailure("the text holds no complete grid" if text.strip() else "the text is empty")
    return DecodeFailure(rows) if isinstance(rows, str) else _answer(rows)


def _answer(rows: list[list[int]]) -> Decoded:
    width = len(rows[0])
    for i, row in enumerate(rows, 1):
        if not row:
            return DecodeFailure(f"row {i} is empty")
        if len(row) != width:
            return DecodeFailure(f"row {i} has {plural(len(row), 'cell')} where row 1 has {width}")
    if max(len(rows), width) > MAX_SIDE:
        return DecodeFailure(f"the grid is {len(rows)}x{width}: sides over {MAX_SIDE} are not read")
    grid = np.array(rows, np.uint8)
    return Answer(grid, np.ones(grid.shape, np.float32))


@final
@dataclass(frozen=True, slots=True)
class _Section:
    """The text from a label to the next. label: what it says of the text; "" before the first."""

    label: Literal["told", "named", "asked", ""]
    text: str


def _sections(text: str) -> list[_Section]:
    found = list(_LABEL.finditer(text))
    ends = [*(label.start() for label in found), len(text)]
    sections = [_Section("", text[: ends[0]])]
    for label, end in zip(found, ends[1:], strict=True):
        sections.append(_Section(_LABELS[(label["word"] or label["heading"]).lower()], text[label.end() : end]))
    return sections


def _last_grid(text: str) -> Rows | None:
    """The last grid of the last section that holds one, or what is wrong with it."""
    told = sure = False
    row: Block | None = None  # one line, perhaps a number in prose; sure: below an answer's label, it is a row
    for section in reversed(_sections(text)):
        if section.label == "asked" and told:
            break
        if (rows := last_json(section.text)) is not None:
            return rows
        block = last_block(section.text, announced=section.label in ("told", "named"))
        if block and (not block.alone or (section.label == "told" and block.listed)):
            return (row if row and sure else block).rows()
        if block and row is None:
            row, sure = block, section.label == "told"
        told = told or section.label == "told"
    return row.rows() if row else None
