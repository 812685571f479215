"""Grids to text and back: compact JSON for language models, or rows of digits.

Reading is forgiving, because a model's text is: prose, code fences and an "Answer:" may surround the grid. It is
bounded, because the text is hostile: one pass over it, no recursion, no backtracking.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
_LIST = re.compile(r"\[[ \t,]*+(?:[+-]?[0-9][0-9.e+-]*+[ \t,]*+)*+(?P<close>\][ \t]*+,?)?|\[[ \t]*+\[", re.IGNORECASE)
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
    line of prose looks like a row. Rows are lines of one character a cell, joined or parted by spaces, tabs or commas;
    amid prose, a line of letters alone at the edge of such a block counts as prose, and so does a single row after a
    block of several, unless "Answer:" or the like stands before it. Lists `[0, 1]`, each alone on its line, are a grid
    too; one list is none, and says nothing but after "Answer:". Several rows, or lists, below an "Answer:" that comes
    after the last JSON grid go before it, and so do several lists where no "Answer:" stands anywhere.
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
        rows, end = _last_json(text)
        block = _last_block(text) if rows is None else _block_after(text[:end], text[end:].partition("\n")[2])
        if block:
            rows = block.rows()
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

    def close(self) -> bool:
        """True where this ends a grid."""
        if self.rows is None:
            return False
        if self.row is not None:
            self.rows.append(self.row)
            self.row = None
            return False
        ended = bool(self.rows)
        if ended:
            self.found = self.problem or self.rows
        self.rows = None
        return ended

    def end(self) -> bool:
        """True where this cuts a grid off."""
        cut = bool(self.rows or self.row)
        if cut:
            self.found = _cut_off(len(self.rows or []) + (self.row is not None))
        return cut

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


def _cut_off(row: int) -> str:
    return f"the text ends in row {row} of a grid that is not closed"


def _last_json(text: str) -> tuple[list[list[int]] | str | None, int]:
    """The rows of the last JSON grid, or what is wrong with it, or None; and where it ends."""
    reader, end = _JsonReader(), 0
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token == "[":
            reader.open()
        elif token != "]":
            reader.word(token)
        elif reader.close():
            end = match.end()
    return (reader.found, len(text)) if reader.end() else (reader.found, end)


@final
@dataclass(frozen=True, slots=True)
class _Block:
    """Lines that are rows, one below the other. announced: "Answer:" or the like stands before; cut: the last is a list
    that the text's end cuts off."""

    lines: Sequence[str]
    announced: bool
    cut: bool

    @property
    def listed(self) -> bool:
        return _listed(self.lines)

    def counts(self, before: _Block | None) -> bool:
        """Whether it is a grid, or a bad one, rather than prose after `before`."""
        if len(self.lines) > 1 or self.announced or (self.cut and any(map(str.isdigit, self.lines[0]))):
            return True
        # One list is a place, or a citation; one row of digits is a number, unless there is nothing else.
        return not self.listed and (before is None or (len(before.lines) < 2 and not before.listed))

    def rows(self) -> list[list[int]] | str:
        """The codes, or what is wrong with them."""
        if not self.listed:
            return [[_CODES[c] for c in line if c in _CODES] for line in self.lines]
        if self.cut:
            return _cut_off(len(self.lines))
        if len(self.lines) == 1:
            return "a list alone is no complete grid: two brackets make one of it"
        words = [_NUMBER.findall(line) for line in self.lines]
        codes = [[_code(word) for word in row] for row in words]
        for i, row in enumerate(codes):
            if None in row:
                return _no_code(i + 1, words[i][row.index(None)])
        return [[code for code in row if code is not None] for row in codes]


def _listed(lines: Sequence[str]) -> bool:
    return lines[0].startswith("[")


def _last_block(text: str) -> _Block | None:
    """The last block of rows: of several or behind a prefix where there is such a block."""
    last = None
    for block in _blocks(text):
        last = block if block.counts(last) else last
    return last


def _block_after(before: str, after: str) -> _Block | None:
    """The last block of rows below a JSON grid that is a grid and no remark on it.

    before: up to the grid's end; after: from the next line on.
    """
    told = any(_PREFIX.match(line.strip()) for line in before.splitlines())
    found = [
        block
        for block in _blocks(after)
        if (block.announced and (block.listed or len(block.lines) > 1))
        or (block.listed and not told and block.counts(None))
    ]
    return found[-1] if found else None


def _blocks(text: str) -> Iterator[_Block]:
    """The runs of lines that are rows of one kind."""
    lines = [line.strip() for line in text.strip().splitlines()]
    plain = len({len(line) for line in lines}) == 1 and all(_ROW.fullmatch(line) for line in lines)
    rows: list[str] = []
    announced = cut = False
    for number, line in enumerate([*lines, ""], 1):
        prefix = _PREFIX.match(line)
        at = prefix.end() if prefix else 0
        listed = _LIST.fullmatch(line, at)
        broken = listed is not None and listed["close"] is None
        row = _ROW.fullmatch(line, at) or (listed if not broken or number == len(lines) else None)
        if prefix or not row or (rows and _listed(rows) != bool(listed)):
            ended = rows if plain else _trimmed(rows)
            if ended:
                yield _Block(ended, announced, cut)
            announced = bool(prefix) or (announced and not rows)
            rows = []
        if row:
            cut = broken
            rows.append(row.group())


def _trimmed(lines: Sequence[str]) -> Sequence[str]:
    """The lines without those of letters alone at the edges."""
    start, end = 0, len(lines)
    while start < end and lines[start].isalpha():
        start += 1
    while start < end and lines[end - 1].isalpha():
        end -= 1
    return lines[start:end]
