"""Grids to text and back: compact JSON for language models, or rows of digits.

Reading is forgiving, because a model's text is: prose, code fences and an "Answer:" may surround the grid. It is
bounded, because the text is hostile: one pass over it, no recursion, no backtracking.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, final

import msgspec
import numpy as np

from vizbench.errors import UserError
from vizbench.grids import MAX_SIDE
from vizbench.types import Answer, Decoded, DecodeFailure, Grid
from vizbench.words import plural

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
"""The characters of codes 0 … 35 in rows."""

_CODES = {character: code for code, character in enumerate(DIGITS)}

MAX_CHARS = 5_000_000
"""Longer texts are refused unread. A grid of MAX_SIDE with codes of three digits fits."""

_Rows = list[list[Annotated[int, msgspec.Meta(ge=0, le=255)]]]
_TOKEN = re.compile(r"[\[\]]|[^\s,\[\]]+")
_ROW = re.compile(r"[0-9a-z]+|[0-9a-z](?:(?:[ \t]*+,[ \t]*+|[ \t]++)[0-9a-z])++")
_LIST = re.compile(r"\[[ \t]*+[0-9]{1,3}(?:[ \t]*+,[ \t]*+[0-9]{1,3})*+[ \t]*+\][ \t]*+,?")
_PREFIX = re.compile(r"(?:answer|output|result|solution|target|grid)\s?[:=]\s*", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?[0-9][0-9.e+-]*", re.IGNORECASE)


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

    A JSON grid, `[[…],[…]]` with any spaces and trailing commas, goes before rows of digits, because a lone number on a
    line of prose looks like a row. Rows are lines of one character a cell, joined or parted by spaces, tabs or commas,
    or lists `[0, 1]` of codes, each alone on its line; amid prose, a line of letters alone at the edge of such a block
    counts as prose, and so does a single row after a block of several, unless "Answer:" or the like stands before it.
    The last grid is the answer even if it is ragged, holds a number outside 0 … 255, or is cut off by the end of the
    text: each is a DecodeFailure that says so. An earlier grid is then no answer, least of all where a model repeats
    the question first.
    """
    if not isinstance(text, str):
        return DecodeFailure(f"the answer is {type(text).__name__}, not text")
    if len(text) > max_chars:
        return DecodeFailure(f"the text has {plural(len(text), 'character')}: over {max_chars} are not read")
    try:
        rows: list[list[int]] | str | None = msgspec.json.decode(text.strip(), type=_Rows)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        rows = None
    if rows is None or not rows:
        rows = _last_json(text)
    if rows is None:
        rows = _last_block(text)
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
class _JsonReader:
    """The state between two tokens: `rows` inside a grid, `row` inside a row, `found` the last complete grid."""

    def __init__(self) -> None:
        self.found: list[list[int]] | str | None = None
        self.rows: list[list[int]] | None = None
        self.row: list[int] | None = None
        self.problem: str | None = None

    def open(self) -> None:
        if self.rows is None:
            self.rows, self.problem = [], None
        elif self.row is None:
            self.row = []
        elif self.row or self.rows:  # a bracket inside a row: what came before was no grid
            self.rows, self.row, self.problem = [], None, None
        # else: one bracket more around the grid, which says nothing

    def close(self) -> None:
        if self.rows is None:
            return
        if self.row is not None:
            self.rows.append(self.row)
            self.row = None
            return
        if self.rows:
            self.found = self.problem or self.rows
        self.rows = None

    def end(self) -> None:
        if self.rows or self.row:
            began = len(self.rows or []) + (self.row is not None)
            self.found = f"the text ends in row {began} of a grid that is not closed"

    def word(self, word: str) -> None:
        if self.rows is None:
            return
        if self.row is None or not _NUMBER.fullmatch(word):
            self.rows = self.row = None
        elif (code := _code(word)) is not None:
            self.row.append(code)
        else:
            self.problem = _no_code(len(self.rows) + 1, word)


def _code(word: str) -> int | None:
    """A code 0 … 255 from a number: 1.0, 01 and -0 are what JSON's readers make of them."""
    try:
        value = float(word)
    except ValueError:
        return None
    return int(value) if value.is_integer() and 0 <= value <= 255 else None


def _no_code(row: int, word: str) -> str:
    return f"row {row} holds {word[:20]}, not a code 0 … 255"


def _last_json(text: str) -> list[list[int]] | str | None:
    """The rows of the last JSON grid, or what is wrong with it, or None."""
    reader = _JsonReader()
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token == "[":
            reader.open()
        elif token == "]":
            reader.close()
        else:
            reader.word(token)
    reader.end()
    return reader.found


def _last_block(text: str) -> list[list[int]] | str | None:
    """The last run of lines that are rows: of several lines or behind a prefix where there is such a run. Or what is
    wrong with it, or None."""
    lines = [line.strip() for line in text.strip().splitlines()]
    plain = len({len(line) for line in lines}) == 1 and all(_ROW.fullmatch(line) for line in lines)
    block: list[str] = []
    last: list[str] = []
    announced = False
    for line in [*lines, ""]:
        prefix = _PREFIX.match(line)
        at = prefix.end() if prefix else 0
        row = _ROW.fullmatch(line, at) or _LIST.fullmatch(line, at)
        if prefix or not row or (block and _listed(block[0]) != _listed(row.group())):
            ended = _trimmed(block, plain)
            if len(ended) > 1 or (ended and (announced or len(last) < 2)):
                last = ended
            announced = bool(prefix) or (announced and not block)
            block = []
        if row:
            block.append(row.group())
    if not last:
        return None
    if not _listed(last[0]):
        return [[_CODES[c] for c in line if c in _CODES] for line in last]
    rows = [[int(number) for number in re.findall("[0-9]+", line)] for line in last]
    return next((_no_code(i, str(max(row))) for i, row in enumerate(rows, 1) if max(row) > 255), rows)


def _listed(row: str) -> bool:
    return row.startswith("[")


def _trimmed(block: list[str], plain: bool) -> list[str]:
    """The block without lines of letters alone at its edges, unless the text is nothing but rows of one length. A list
    alone is no row: it is a place, or a citation."""
    if len(block) == 1 and _listed(block[0]):
        return []
    start, end = 0, len(block)
    while not plain and start < end and block[start].isalpha():
        start += 1
    while not plain and start < end and block[end - 1].isalpha():
        end -= 1
    return block[start:end]
