"""Grids in a piece of text: the last one that is JSON, and the last block of lines that are rows.

Bounded, because the text is hostile: one pass, no recursion, no backtracking.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, final

Rows: TypeAlias = list[list[int]] | str
"""The codes of a grid, perhaps ragged; or, of a bad one, what is wrong with it."""

DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
"""The characters of codes 0 … 35 in rows."""

_CODES = {character: code for code, character in enumerate(DIGITS)}
_TOKEN = re.compile(r"[\[\]]|[^\s,\[\]]+")
_ROW = re.compile(r"[0-9a-z]+|[0-9a-z](?:(?:[ \t]*+,[ \t]*+|[ \t]++)[0-9a-z])++")
_LIST = re.compile(r"\[[ \t,]*+(?:[+-]?[0-9][0-9.e+-]*+[ \t,]*+)*+(?P<close>\][ \t]*+,?)?|\[[ \t]*+\[", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?[0-9][0-9.e+-]*", re.IGNORECASE)


@final
class _JsonReader:
    """The state between two tokens: `rows` inside a grid, `row` inside a row, `found` the last complete grid."""

    def __init__(self) -> None:
        self.found: Rows | None = None
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
            self.found = _cut_off(len(self.rows or []) + (self.row is not None))

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


def last_json(text: str) -> Rows | None:
    """The last JSON grid."""
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


@final
@dataclass(frozen=True, slots=True)
class Block:
    """Lines that are rows, one below the other: of one character a cell, or lists of codes. width: codes in the first
    list, 0 for other rows; first: nothing but prose stands before; cut: the last is a list that the text's end cuts
    off."""

    lines: Sequence[str]
    width: int  # counted once: the block before is compared with every later one
    first: bool
    cut: bool

    @property
    def listed(self) -> bool:
        return _listed(self.lines[0])

    @property
    def alone(self) -> bool:
        """Whether it is one whole line."""
        return len(self.lines) == 1 and not self.cut

    def rows(self) -> Rows:
        """What it holds."""
        if not self.listed:
            return [[_CODES[c] for c in line if c in _CODES] for line in self.lines]
        if self.cut:
            return _cut_off(len(self.lines))
        if self.alone:
            return "a list alone is no complete grid: two brackets make one of it"
        rows: list[list[int]] = []
        for number, line in enumerate(self.lines, 1):
            rows.append([])
            for word in _NUMBER.findall(line):
                if (code := _code(word)) is None:
                    return _no_code(number, word)
                rows[-1].append(code)
        return rows


def last_block(text: str, announced: bool) -> Block | None:
    """The last block that is a grid, or a bad one, rather than prose. announced: the text stands below an "Answer:" or
    the like, so that even one line at its beginning counts."""
    last = None
    for block in _blocks(text, whole=not announced):
        if _counts(block, last, announced):
            last = block
    return last


def _counts(block: Block, before: Block | None, announced: bool) -> bool:
    if before and block.listed and (not before.listed or block.width < before.width):  # places in the grid above
        return False
    if before and before.listed and not block.listed:  # a grid below places, or numbers below a grid
        return len(block.lines) > 1 and not (announced and before.first)
    if len(block.lines) > 1 or (announced and block.first):
        return True
    if block.listed:  # one list is a place, or a citation
        return block.cut and any(map(str.isdigit, block.lines[0]))
    return before is None or before.alone  # one row of digits is a number, unless there is nothing else


def _blocks(text: str, whole: bool) -> Iterator[Block]:
    """The runs of lines that are rows of one kind. whole: letters are rows too if nothing else is there."""
    lines = [line.strip() for line in text.strip().splitlines()]
    letters = whole and len({len(line) for line in lines}) == 1 and all(_ROW.fullmatch(line) for line in lines)
    rows: list[str] = []
    first, cut = True, False
    for number, line in enumerate([*lines, ""], 1):
        listed = _LIST.fullmatch(line)
        broken = listed is not None and listed["close"] is None
        row = _ROW.fullmatch(line) or (listed if not broken or number == len(lines) else None)
        if rows and (not row or _listed(rows[0]) != bool(listed)):
            ended = rows if letters else _trimmed(rows)
            if ended:
                yield Block(ended, len(_NUMBER.findall(ended[0])) if _listed(ended[0]) else 0, first, cut)
                first = False
            rows = []
        if row:
            cut = broken
            rows.append(row.group())


def _listed(line: str) -> bool:
    return line.startswith("[")


def _trimmed(lines: Sequence[str]) -> Sequence[str]:
    """The lines without those of letters alone at the edges."""
    start, end = 0, len(lines)
    while start < end and lines[start].isalpha():
        start += 1
    while start < end and lines[end - 1].isalpha():
        end -= 1
    return lines[start:end]
