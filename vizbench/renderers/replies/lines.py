"""Read a text line by line: each line is a row of cells, part of a drawing around rows, or prose.

Whatever is around the cells of a row is removed: bars, labels, bullets and quotes. A row that cannot be read
is FLAWED, not PROSE, so that no row of a grid is dropped.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, final

from vizbench.renderers.replies.candidates import NUMBER

_MOST: Final = 1 << 16
"""Longer lines are not searched for the marks around cells."""

FRAME: Final = " \t\"'`,;"
"""Characters around the cells of a line that are not part of them."""
SPLIT: Final = re.compile(r"[ \t,]+")
"""What separates two cells."""

# --- Marks around a row
_QUOTE: Final = re.compile(r"(?:[ \t]*+>)++")
_EMPHASIS: Final = re.compile(r"\*\*|__|`")
_BULLET: Final = re.compile(r"[-*+•◦▪‣·][ \t]++")
_ORDINAL: Final = (
    r"(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|top|middle|bottom|last)"
    r"[ \t]+row[ \t]*+"
)
_ROW_LABEL: Final = re.compile(
    # The word row and a number, as in "row 1:"
    r"(?:[\"']?(?:row|line|reihe|fila|zeile|r)[ \t]*+[#_]?[ \t]*+(?P<n>[0-9]{1,4}|[a-z](?=[ \t]*+[:=|]))"
    r"[\"']?"
    r"(?:[ \t]*+(?:[:=.)|]|->|-(?=[ \t])|(?:is|reads)\b:?)|(?=[ \t]))"
    # The word row, or a number
    r"|rows?[ \t]*+[:=]|(?P<number>[0-9]{1,4})(?:[.)][ \t]|[ \t]*+:)"
    # A number in parentheses before numbers or a list
    r"|\((?P<braced>[0-9]{1,4})\)[ \t]++(?=[0-9\[])(?!.*\()"
    # An ordinal, as in "the first row is"
    rf"|(?:the[ \t]+)?{_ORDINAL}(?:[:=]|(?:is|reads)\b:?))[ \t]*+",
    re.IGNORECASE,
)
_COMMENT: Final = re.compile(
    r"(?:\\\\+|(?:(?<=[ \t])#|//|<-|←|-->?[ \t]|✓|✔|✅|☑|\((?=[^()\n]{0,80}[a-z])).*)$", re.IGNORECASE
)
"""A comment after a row, to the end of its line."""

# --- Lines between rows

_RULE: Final = re.compile(r"[-=_+|:* \t]++")
_DOTS: Final = re.compile(r"[\[(|\s,]*(?:\.{2,}|…|⋮|~|[.:](?:[ \t]+[.:])+|\.)[\])|\s,.:…]*")
"""Dots in place of rows."""
_SO_ON: Final = re.compile(
    r"\W{0,4}(?:and so (?:on|forth)|etc\b|(?:the )?(?:remaining|other|rest|following)\b|similarly\b|"
    r"continu|repeat|same\b|as (?:before|given|above)\b|row \d+ (?:as|is|same|stays)\b|"
    r"and the (?:last|next|other)\b|unchanged\b)",
    re.IGNORECASE,
)
"""Words in place of rows."""

# --- Rows

_GAP: Final = r"(?:[ \t]*+,[ \t]*+|[ \t]++)"
_ROW: Final = re.compile(
    # Joined cells, then separate cells of which the first is a number, then those of which it is a letter
    r"[0-9a-z]++"
    rf"|[0-9]{{1,4}}{_GAP}(?:[0-9]{{1,4}}|[a-z])(?:{_GAP}(?:[0-9]+|[a-z]))*+"
    rf"|[a-z](?:{_GAP}(?:[0-9]{{1,4}}|[a-z]))++"
)
_LIST: Final = re.compile(
    r"[\[({][ \t,]*+(?:[+-]?[0-9][0-9.e+-]*+[ \t,]*+)*+(?P<close>[\])}][ \t]*+,?)?|[\[(][ \t]*+[\[(]",
    re.IGNORECASE,
)
"""One list of numbers, closed or not, or two opening brackets."""
_LISTS: Final = re.compile(
    r"(?:[\[({][ \t]*+(?:[+-]?[0-9][0-9.e+-]*+[ \t,]*+)++[\])}][ \t,;]*+){2,}+", re.IGNORECASE
)
"""Several lists of numbers in one line."""
_ONE_LIST: Final = re.compile(r"[\[({]([^\[\](){}]*+)[\])}]")
_SEMICOLONED: Final = re.compile(r"[0-9]{1,3}(?:[ \t]*+;[ \t]*+[0-9]{1,3})++")
_DASHED: Final = re.compile(r"[0-9]{1,3}(?:-[0-9]{1,3}){2,}+")
_MARKED: Final = re.compile(r"(?:\[[0-9]{1,2}\]|[0-9]{1,2})(?:[ \t]++(?:\[[0-9]{1,2}\]|[0-9]{1,2}))++")
"""Cells of which some are in brackets, because they were given."""
_FULL_STOP: Final = re.compile(r"(?:.*[0-9][ \t,]+[0-9]+|[0-9]{3,})\.")
"""A row that ends a sentence."""
_DECIMALS: Final = re.compile(r"[0-9]{1,3}\.0*(?:[ \t,]+[0-9]{1,3}\.0*)++,?")
"""Cells written as decimals without a fraction."""
_HOLE: Final = re.compile(
    r"[0-9]{1,3}/[0-9]{1,3}|[+-]?[0-9][0-9.e+-]{0,8}|[a-zA-Z]|[_?.*#□·◻⬜…-]{1,3}|null|none|nan",
    re.IGNORECASE,
)
"""What a cell may hold in a row that cannot be read."""


class Sort(enum.Enum):
    """Classify lines. The value of each member describes it."""

    ROW = "cells, or groups of cells between bars"
    LIST = "one row or more in brackets"
    CUT = "a list that does not end"
    FLAWED = "a row that cannot be read"
    HEAD = "words between bars"
    RULE = "a line drawn"
    DOTS = "rows left out"
    GAP = "a blank line"
    PROSE = "anything else"


@final
@dataclass(frozen=True, slots=True)
class Line:
    """Hold a line of a text."""

    sort: Sort
    """What the line is."""
    start: int
    """The index of its first character in the text."""
    end: int
    """The index of the first character after it."""
    parts: tuple[tuple[str, ...], ...] = ()
    """Its cells: one tuple for what is between two bars, or for each list."""
    number: int | None = None
    """The number that the line gives to its row, if any."""
    commas: bool = False
    """Whether commas separate the cells, so that each cell is a number."""
    bars: bool = False
    """Whether bars separate its parts."""
    raw: str = ""
    """The text of a line of prose or of a rule."""

    @property
    def cells(self) -> list[str]:
        """The cells of all parts."""
        return [cell for part in self.parts for cell in part]


def read_lines(text: str) -> Iterator[Line]:
    """Yield the lines of a text in order."""
    at = 0
    before = Sort.PROSE
    lines = text.split("\n")
    last = max((n for n, line in enumerate(lines) if line.strip()), default=-1)
    for number, raw in enumerate(lines):
        line = _line(raw, at, before, number == last)
        yield replace(line, raw=raw) if line.sort is Sort.PROSE else line
        before = line.sort
        at += len(raw) + 1


def _line(raw: str, at: int, before: Sort, last: bool) -> Line:
    """Classify one line.

    at: the index of its first character.
    before: the sort of the line above it.
    last: whether it is the last line that is not blank.
    """
    end = at + len(raw)
    line = _unquoted(raw)
    if not line:
        return Line(Sort.PROSE if "`" in raw else Sort.GAP, at, end)
    if _is_rule(line):
        return Line(Sort.RULE, at, end, bars="|" in line, raw=line)
    if _leaves_rows_out(line, before):
        return Line(Sort.DOTS, at, end)
    line, number = _without_label(line)
    return _row(_bare(line), at, end, number, last)


def _unquoted(raw: str) -> str:
    """Return a line without the marks of a quotation and of emphasis."""
    if len(raw) >= _MOST:
        return raw.strip()
    line = _QUOTE.sub("", raw, count=1) if ">" in raw[:20] else raw
    return _EMPHASIS.sub("", line).strip()


def _leaves_rows_out(line: str, before: Sort) -> bool:
    """Return whether a line has dots or words in place of rows."""
    if len(line) < 200 and _DOTS.fullmatch(line):
        return True
    return before in (Sort.ROW, Sort.LIST) and _SO_ON.match(line) is not None


def _without_label(line: str) -> tuple[str, int | None]:
    """Return a line without its bullet and the label of its row, and the number in that label."""
    if bullet := _BULLET.match(line):
        line = line[bullet.end() :]
    label = _ROW_LABEL.match(line)
    if label and (label.end() < len(line) or label["n"]):
        return line[label.end() :], _number(label)
    return line, None


def _bare(line: str) -> str:
    """Return the cells of a line without what is around them, separated by spaces, commas or bars."""
    line = line.strip(FRAME)
    if len(line) < _MOST and _FULL_STOP.fullmatch(line):
        line = line[:-1]
    line = _evened(line)
    if len(line) < _MOST:
        line = _COMMENT.sub("", line).strip(FRAME)
    if line.endswith(("}", "]")) and line[0] not in "[({":
        line = line.rstrip("}] \t\"'")  # brackets that close something around the grid
    return line


def _evened(line: str) -> str:
    """Return a line with spaces in place of other marks between cells, such as semicolons."""
    if len(line) >= _MOST:
        return line
    if _DECIMALS.fullmatch(line):
        return re.sub(r"\.0*", "", line)
    if _SEMICOLONED.fullmatch(line) or _DASHED.fullmatch(line):
        return line.replace(";", " ").replace("-", " ")
    if "[" in line and _MARKED.fullmatch(line) and not _LISTS.fullmatch(line) and not _LIST.fullmatch(line):
        return line.replace("[", "").replace("]", "")
    return line.replace("||", "|") if "||" in line else line


def _is_rule(line: str) -> bool:
    """Return whether a line is drawn, as below the head of a table."""
    if not _RULE.fullmatch(line):
        return False
    strokes = line.count("-") + line.count("=") + line.count("_")
    return strokes >= 2 or line.startswith("***") or (strokes == 1 and line[0] in "+|")


def _number(label: re.Match[str]) -> int | None:
    """Return the number in the label of a row, or None if it has none."""
    number = label["n"] or label["number"] or label["braced"]
    return int(number) if number and number.isdigit() else None


def _row(line: str, start: int, end: int, number: int | None, last: bool) -> Line:
    """Classify what is left of a line without the marks around it.

    number: the number that the line gives to its row.
    last: whether it is the last line, in which a list need not end.
    """
    if len(line) >= _MOST:
        is_flawed = line[0].isdigit() or line[0] in "[({"
        return Line(Sort.FLAWED if is_flawed else Sort.PROSE, start, end)
    if "|" in line:
        return _barred(line, start, end, number)
    if _ROW.fullmatch(line):
        cells = tuple(SPLIT.split(line))
        return Line(Sort.ROW, start, end, (cells,), number, commas="," in line)
    if (brackets := _LIST.fullmatch(line)) is not None and line[0] in "[({":
        is_closed = brackets["close"] is not None
        if not is_closed and not last:
            return Line(Sort.PROSE, start, end)
        cells = tuple(NUMBER.findall(line))
        return Line(Sort.LIST if is_closed else Sort.CUT, start, end, (cells,), number)
    if _LISTS.fullmatch(line):
        parts = tuple(tuple(NUMBER.findall(part)) for part in _ONE_LIST.findall(line))
        return Line(Sort.LIST, start, end, parts, number)
    return Line(Sort.FLAWED if _is_flawed(line) else Sort.PROSE, start, end, number=number)


def _barred(line: str, start: int, end: int, number: int | None) -> Line:
    """Classify a line with bars."""
    parts: list[tuple[str, ...]] = []
    for part in line.strip().removeprefix("|").removesuffix("|").split("|"):
        parts.append(tuple(SPLIT.split(part.strip(" \t,"))) if part.strip() else ())
    if all(map(are_cells, parts)):
        return Line(Sort.ROW, start, end, tuple(parts), number, commas="," in line, bars=True)
    words = [word for part in parts for word in part]
    has_digits = any(map(str.isdigit, "".join(words)))
    are_names = has_digits and all(_HOLE.fullmatch(word) or _is_name(word) for word in words)
    if are_names or (words and line.startswith("|")):
        return Line(Sort.HEAD, start, end, tuple(parts), number, bars=True)
    return Line(Sort.PROSE, start, end)


def are_cells(part: tuple[str, ...]) -> bool:
    """Return whether what is between two bars is cells.

    Cells are digits there. A letter is a name, or marks a hole.
    """
    return bool(part) and all(cell.isdigit() and cell.isascii() for cell in part)


def _is_name(cell: str) -> bool:
    """Return whether a word may be the name of a row or column, such as R1."""
    return bool(re.fullmatch(r"[A-Za-z#\\/]{0,8}[0-9]{0,3}", cell))


def _is_flawed(line: str) -> bool:
    """Return whether a line is a row with a cell that cannot be read."""
    if len(line) > 4096:
        return False
    if _is_joined_with_holes(line):
        return True
    inner = line.strip("[](){}")
    cells = re.split(r"[ \t,]", inner) if ",," in inner else SPLIT.split(inner.strip(" \t,"))
    if len(cells) < 2 or not any(map(str.isdigit, inner)):
        return False
    if not all(map(_may_be_cell, cells)):
        return False
    return sum(any(map(str.isdigit, cell)) for cell in cells) * 3 >= len(cells)


def _is_joined_with_holes(line: str) -> bool:
    """Return whether a line is one word of digits and holes, at least half of it digits: `12.4`, `1_3`."""
    if not re.fullmatch(r"[0-9._?*xX#-]{2,}", line) or NUMBER.fullmatch(line):
        return False
    return sum(map(str.isdigit, line)) * 2 >= len(line)


def _may_be_cell(word: str) -> bool:
    """Return whether a word may be a cell of a row that cannot be read."""
    return not word or bool(_HOLE.fullmatch(word) or re.fullmatch(r"[0-9A-Za-z]{1,2}", word))
