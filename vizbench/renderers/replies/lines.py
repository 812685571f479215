"""Classify the lines of a reply, whatever is around their cells: bars, labels, bullets, quotes.

A line is a row, a rule, a gap, a sign that rows are left out, a row that cannot be read, or prose. `blocks`
makes grids of the lines.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, final

from vizbench.renderers.replies.candidates import NUMBER

Shape: TypeAlias = tuple[int, int]
"""Rows and columns of a grid."""

FRAME: Final = " \t\"'`,;"
"""Characters around a line that are not part of its cells."""
SPLIT: Final = re.compile(r"[ \t,]+")
"""What separates cells."""

_MOST: Final = 1 << 16
"""Longer lines with gaps in them are prose."""

_QUOTE: Final = re.compile(r"(?:[ \t]*+>)++")
_EMPHASIS: Final = re.compile(r"\*\*|__|`")
_BULLET: Final = re.compile(r"[-*+•◦▪‣·][ \t]++")
_ORDINAL: Final = (
    r"(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|top|middle|bottom|last)"
    r"[ \t]+row[ \t]*+"
)
_ROW_LABEL: Final = re.compile(
    r"(?:[\"']?(?:row|line|reihe|fila|zeile|r)[ \t]*+[#_]?[ \t]*+"
    r"(?P<n>[0-9]{1,4}|[a-z](?=[ \t]*+[:=|]))[\"']?"
    r"(?:[ \t]*+(?:[:=.)|]|->|-(?=[ \t])|(?:is|reads)\b:?)|(?=[ \t]))"
    r"|rows?[ \t]*+[:=]|(?P<number>[0-9]{1,4})(?:[.)][ \t]|[ \t]*+:)"
    r"|\((?P<braced>[0-9]{1,4})\)[ \t]++(?=[0-9\[])(?!.*\()"
    rf"|(?:the[ \t]+)?{_ORDINAL}(?:[:=]|(?:is|reads)\b:?))[ \t]*+",
    re.IGNORECASE,
)
_COMMENT: Final = re.compile(
    r"(?:\\\\+|(?:(?<=[ \t])#|//|<-|←|-->?[ \t]|✓|✔|✅|☑|\((?=[^()\n]{0,80}[a-z])).*)$", re.IGNORECASE
)
_RULE: Final = re.compile(r"[-=_+|:* \t]++")
_DOTS: Final = re.compile(r"[\[(|\s,]*(?:\.{2,}|…|⋮|~|[.:](?:[ \t]+[.:])+|\.)[\])|\s,.:…]*")
_SO_ON: Final = re.compile(
    r"\W{0,4}(?:and so (?:on|forth)|etc\b|(?:the )?(?:remaining|other|rest|following)\b|similarly\b|"
    r"continu|repeat|"
    r"same\b|as (?:before|given|above)\b|row \d+ (?:as|is|same|stays)\b|and the (?:last|next|other)\b|"
    r"unchanged\b)",
    re.IGNORECASE,
)
_GAP: Final = r"(?:[ \t]*+,[ \t]*+|[ \t]++)"
_ROW: Final = re.compile(
    rf"[0-9a-z]++|[0-9]{{1,4}}{_GAP}(?:[0-9]{{1,4}}|[a-z])(?:{_GAP}(?:[0-9]+|[a-z]))*+"
    rf"|[a-z](?:{_GAP}(?:[0-9]{{1,4}}|[a-z]))++"
)
_LIST: Final = re.compile(
    r"[\[({][ \t,]*+(?:[+-]?[0-9][0-9.e+-]*+[ \t,]*+)*+(?P<close>[\])}][ \t]*+,?)?|[\[(][ \t]*+[\[(]",
    re.IGNORECASE,
)
_LISTS: Final = re.compile(
    r"(?:[\[({][ \t]*+(?:[+-]?[0-9][0-9.e+-]*+[ \t,]*+)++[\])}][ \t,;]*+){2,}+", re.IGNORECASE
)
_ONE_LIST: Final = re.compile(r"[\[({]([^\[\](){}]*+)[\])}]")
_SEMICOLONED: Final = re.compile(r"[0-9]{1,3}(?:[ \t]*+;[ \t]*+[0-9]{1,3})++")
_DASHED: Final = re.compile(r"[0-9]{1,3}(?:-[0-9]{1,3}){2,}+")
_MARKED: Final = re.compile(r"(?:\[[0-9]{1,2}\]|[0-9]{1,2})(?:[ \t]++(?:\[[0-9]{1,2}\]|[0-9]{1,2}))++")
"""Cells, some of them in brackets, as givens."""
_FULL_STOP: Final = re.compile(r"(?:.*[0-9][ \t,]+[0-9]+|[0-9]{3,})\.")
"""A row that ends a sentence."""
_DECIMALS: Final = re.compile(r"[0-9]{1,3}\.0*(?:[ \t,]+[0-9]{1,3}\.0*)++,?")
_HOLE: Final = re.compile(
    r"[0-9]{1,3}/[0-9]{1,3}|[+-]?[0-9][0-9.e+-]{0,8}|[a-zA-Z]|[_?.*#□·◻⬜…-]{1,3}|null|none|nan",
    re.IGNORECASE,
)
_SHORT: Final = re.compile(r"[0-9A-Za-z]{1,2}")


class Sort(enum.Enum):
    """What a line is."""

    ROW = "cells, or groups of cells between bars"
    LIST = "one row or more in brackets"
    CUT = "a list that does not end"
    FLAWED = "a row that cannot be read"
    HEAD = "words between bars"
    RULE = "a drawn line"
    DOTS = "a sign that rows are left out"
    GAP = "a blank line"
    PROSE = "anything else"


@final
@dataclass(frozen=True, slots=True)
class Line:
    """A classified line."""

    sort: Sort
    """What the line is."""
    start: int
    """Its first character in the text."""
    end: int
    """The first character after it."""
    parts: tuple[tuple[str, ...], ...] = ()
    """The cells between bars, or of each list."""
    number: int | None = None
    """The number that the line gives its row."""
    commas: bool = False
    """Whether commas separate the cells, so that each is a number."""
    bars: bool = False
    """Whether bars separate the cells."""
    raw: str = ""
    """The text of a rule or of prose."""

    @property
    def cells(self) -> list[str]:
        """The cells of all parts."""
        return [cell for part in self.parts for cell in part]


def classified(text: str) -> Iterator[Line]:
    """Yield the lines of a text with what they are."""
    start = 0
    above = Sort.PROSE
    lines = text.split("\n")
    last = max((number for number, line in enumerate(lines) if line.strip()), default=-1)
    for number, raw in enumerate(lines):
        line = _line(raw, start, above, number == last)
        yield replace(line, raw=raw) if line.sort is Sort.PROSE else line
        above = line.sort
        start += len(raw) + 1


def _line(raw: str, start: int, above: Sort, last: bool) -> Line:
    """Classify one line. above: what the line above it is. last: whether no text follows."""
    end = start + len(raw)
    line = _unquoted(raw)
    if not line:
        return Line(Sort.GAP if "`" not in raw else Sort.PROSE, start, end)
    if _is_rule(line):
        return Line(Sort.RULE, start, end, bars="|" in line, raw=line)
    if _leaves_out(line, above):
        return Line(Sort.DOTS, start, end)

    # Remove bullet, label, comment and other marks around the cells.
    if bullet := _BULLET.match(line):
        line = line[bullet.end() :]
    number: int | None = None
    label = _ROW_LABEL.match(line)
    if label and (label.end() < len(line) or label["n"]):
        number = _number(label)
        line = line[label.end() :]
    line = line.strip(FRAME)
    if len(line) < _MOST:
        line = _evened(line[:-1] if _FULL_STOP.fullmatch(line) else line)
        line = _COMMENT.sub("", line).strip(FRAME)
    if line.endswith(("}", "]")) and line[0] not in "[({":
        line = line.rstrip("}] \t\"'")
    return _row(line, start, end, number, last)


def _unquoted(raw: str) -> str:
    """Return a line without marks of quotation and emphasis."""
    if len(raw) >= _MOST:
        return raw.strip()
    line = _QUOTE.sub("", raw, count=1) if ">" in raw[:20] else raw
    return _EMPHASIS.sub("", line).strip()


def _leaves_out(line: str, above: Sort) -> bool:
    """Return whether a line says that rows are left out."""
    if len(line) < 200 and _DOTS.fullmatch(line):
        return True
    return above in (Sort.ROW, Sort.LIST) and _SO_ON.match(line) is not None


def _evened(line: str) -> str:
    """Return a line with its cells separated by spaces and bars, in place of other marks."""
    if _DECIMALS.fullmatch(line):
        return re.sub(r"\.0*", "", line)
    if _SEMICOLONED.fullmatch(line) or _DASHED.fullmatch(line):
        return line.replace(";", " ").replace("-", " ")
    if "[" in line and _MARKED.fullmatch(line) and not _LISTS.fullmatch(line) and not _LIST.fullmatch(line):
        return line.replace("[", "").replace("]", "")
    return line.replace("||", "|") if "||" in line else line


def _is_rule(line: str) -> bool:
    """Return whether a line is drawn of strokes."""
    if not _RULE.fullmatch(line):
        return False
    strokes = line.count("-") + line.count("=") + line.count("_")
    return strokes >= 2 or line.startswith("***") or (strokes == 1 and line[0] in "+|")


def _number(label: re.Match[str]) -> int | None:
    """Return the number of a row in its label."""
    number = label["n"] or label["number"] or label["braced"]
    return int(number) if number and number.isdigit() else None


def _row(line: str, start: int, end: int, number: int | None, last: bool) -> Line:
    """Classify a line without the marks around its cells."""
    if len(line) >= _MOST:
        return Line(Sort.FLAWED if line[0].isdigit() or line[0] in "[({" else Sort.PROSE, start, end)
    if "|" in line:
        return _barred(line, start, end, number)
    if _ROW.fullmatch(line):
        cells = tuple(SPLIT.split(line))
        return Line(Sort.ROW, start, end, (cells,), number, commas="," in line)
    one_list = _LIST.fullmatch(line)
    if one_list is not None and line[0] in "[({":
        closed = one_list["close"] is not None
        if not closed and not last:
            return Line(Sort.PROSE, start, end)
        return Line(Sort.LIST if closed else Sort.CUT, start, end, (tuple(NUMBER.findall(line)),), number)
    if _LISTS.fullmatch(line):
        parts = tuple(tuple(NUMBER.findall(part)) for part in _ONE_LIST.findall(line))
        return Line(Sort.LIST, start, end, parts, number)
    return Line(Sort.FLAWED if _is_flawed(line) else Sort.PROSE, start, end, number=number)


def _barred(line: str, start: int, end: int, number: int | None) -> Line:
    """Classify a line with bars."""
    inner = line.strip().removeprefix("|").removesuffix("|")
    parts = tuple(_between_bars(part) for part in inner.split("|"))
    words = [word for part in parts for word in part]
    if all(map(are_cells, parts)):
        return Line(Sort.ROW, start, end, parts, number, commas="," in line, bars=True)
    has_digits = any(map(str.isdigit, "".join(words)))
    if has_digits and all(_HOLE.fullmatch(word) or _is_name(word) for word in words):
        return Line(Sort.HEAD, start, end, parts, number, bars=True)
    if words and line.startswith("|"):
        return Line(Sort.HEAD, start, end, parts, number, bars=True)
    return Line(Sort.PROSE, start, end)


def _between_bars(part: str) -> tuple[str, ...]:
    """Return the words between two bars."""
    return tuple(SPLIT.split(part.strip(" \t,"))) if part.strip() else ()


def are_cells(part: tuple[str, ...]) -> bool:
    """Return whether words between two bars are cells. A letter there is a name, or marks a hole."""
    return bool(part) and all(cell.isdigit() and cell.isascii() for cell in part)


def _is_name(word: str) -> bool:
    """Return whether a word may name a row or a column."""
    return bool(re.fullmatch(r"[A-Za-z#\\/]{0,8}[0-9]{0,3}", word))


def _is_flawed(line: str) -> bool:
    """Return whether a line is a row of which a cell cannot be read."""
    if len(line) > 4096:
        return False
    if _is_flawed_run(line):
        return True
    inner = line.strip("[](){}")
    cells = re.split(r"[ \t,]", inner) if ",," in inner else SPLIT.split(inner.strip(" \t,"))
    if len(cells) < 2 or not any(map(str.isdigit, inner)):
        return False
    if not all(not cell or _HOLE.fullmatch(cell) or _SHORT.fullmatch(cell) for cell in cells):
        return False
    numeric = sum(any(map(str.isdigit, cell)) for cell in cells)
    return numeric * 3 >= len(cells)


def _is_flawed_run(line: str) -> bool:
    """Return whether a line is joined digits and holes, at least half of them digits."""
    if not re.fullmatch(r"[0-9._?*xX#-]{2,}", line) or NUMBER.fullmatch(line):
        return False
    return sum(map(str.isdigit, line)) * 2 >= len(line)
