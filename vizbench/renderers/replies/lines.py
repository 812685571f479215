"""Find grids written as lines, a row per line, with whatever stands around the cells: bars, labels, bullets,
quotes.

A line is a row, a rule, a gap, a sign that rows are left out, a row that cannot be read, or prose. Prose ends
a grid. Cells at an end of a line of prose are a row of the grid if they are as many as in the row directly
below or above: see `_with_shared`. A row that cannot be read makes its grid one that cannot be read. So no
row is dropped."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, final

from vizbench.renderers.replies.candidates import (
    DIGITS,
    LEFT_OUT,
    MISNUMBERED,
    NUMBER,
    Candidate,
    Codes,
    code,
    cut_off,
    no_code,
)

Shape: TypeAlias = tuple[int, int]

_CODES: Final = {character: value for value, character in enumerate(DIGITS)}
_MOST: Final = 1 << 16
"""Longer lines with gaps in them are prose."""

_MOST_SHARED: Final = 4096
"""Longer lines of prose are not searched for cells."""

_RUN: Final = "0123456789 \t,"
"""What a row at one end of a line of prose is made of."""

_FRAME: Final = " \t\"'`,;"
_QUOTE: Final = re.compile(r"(?:[ \t]*+>)++")
_EMPHASIS: Final = re.compile(r"\*\*|__|`")
_BULLET: Final = re.compile(r"[-*+•◦▪‣·][ \t]++")
_ORDINAL: Final = r"(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|top|middle|bottom|last)[ \t]+row[ \t]*+"
_ROW_LABEL: Final = re.compile(
    r"(?:[\"']?(?:row|line|reihe|fila|zeile|r)[ \t]*+[#_]?[ \t]*+(?P<n>[0-9]{1,4}|[a-z](?=[ \t]*+[:=|]))[\"']?"
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
_HEAD_RULE: Final = re.compile(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)+\|?")
_CROSSED_RULE: Final = re.compile(r"[+|]?-+(?:[+|]-+)+[+|]?")
_DOTS: Final = re.compile(r"[\[(|\s,]*(?:\.{2,}|…|⋮|~|[.:](?:[ \t]+[.:])+|\.)[\])|\s,.:…]*")
_SO_ON: Final = re.compile(
    r"\W{0,4}(?:and so (?:on|forth)|etc\b|(?:the )?(?:remaining|other|rest|following)\b|similarly\b|continu|repeat|"
    r"same\b|as (?:before|given|above)\b|row \d+ (?:as|is|same|stays)\b|and the (?:last|next|other)\b|unchanged\b)",
    re.IGNORECASE,
)
_GAP: Final = r"(?:[ \t]*+,[ \t]*+|[ \t]++)"
_ROW: Final = re.compile(
    rf"[0-9a-z]++|[0-9]{{1,4}}{_GAP}(?:[0-9]{{1,4}}|[a-z])(?:{_GAP}(?:[0-9]+|[a-z]))*+|[a-z](?:{_GAP}(?:[0-9]{{1,4}}|[a-z]))++"
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
"""Cells of which some are in brackets, as givens."""
_FULL_STOP: Final = re.compile(r"(?:.*[0-9][ \t,]+[0-9]+|[0-9]{3,})\.")
"""A row that ends a sentence."""
_DECIMALS: Final = re.compile(r"[0-9]{1,3}\.0*(?:[ \t,]+[0-9]{1,3}\.0*)++,?")
_HOLE: Final = re.compile(
    r"[0-9]{1,3}/[0-9]{1,3}|[+-]?[0-9][0-9.e+-]{0,8}|[a-zA-Z]|[_?.*#□·◻⬜…-]{1,3}|null|none|nan",
    re.IGNORECASE,
)
_LEGEND: Final = re.compile(r"(?!(?:null|none|nan)$)[A-Za-z][A-Za-z' -]+", re.IGNORECASE)
_SPLIT: Final = re.compile(r"[ \t,]+")


class _Sort(enum.Enum):
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
class _Line:
    sort: _Sort
    start: int
    end: int
    parts: tuple[tuple[str, ...], ...] = ()
    """The cells between bars, or of each list."""
    number: int | None = None
    """The number that the line gives its row."""
    commas: bool = False
    """Whether commas part the cells, so that each is a number."""
    bars: bool = False
    raw: str = ""

    @property
    def cells(self) -> list[str]:
        return [cell for part in self.parts for cell in part]


def line_grids(text: str, shape: Shape | None, letters: bool) -> Iterator[Candidate]:
    """Yield the grids that are lines. shape: what was asked, a help to join parted rows.

    letters: whether rows of letters only may be a grid: there is no prose.
    """
    chain: list[_Line] = []
    listed: bool | None = None  # whether the rows of the chain are lists; None before its first row
    above: _Line | None = None  # the prose before the chain
    for line in _lines(text):
        is_list = line.sort in (_Sort.LIST, _Sort.CUT)
        is_row = is_list or line.sort is _Sort.ROW
        is_prose = line.sort is _Sort.PROSE
        if is_prose or (is_row and listed is not None and is_list is not listed):
            below = line if is_prose else None
            yield from _grids(_with_shared(above, chain, below, shape), shape, letters)
            chain, listed, above = [], None, below
        if not is_prose:
            chain.append(line)
            listed = is_list if is_row else listed
    yield from _grids(_with_shared(above, chain, None, shape), shape, letters)


def _with_shared(
    above: _Line | None, chain: list[_Line], below: _Line | None, shape: Shape | None
) -> list[_Line]:
    """The chain, and the rows that share their line with the words directly above or below it.

    After a colon, an arrow or another mark, cells are a row: `Here: 1 2 3`. Beside a word they are a row if
    the grid then has the shape that was asked, and words if it has this shape without them. Otherwise it is
    unclear whether they belong to the grid, and it cannot be read."""
    rows = [line for line in chain if line.sort in (_Sort.ROW, _Sort.LIST)]
    if not rows:
        return chain
    first = _shared_row(above, chain[0]) if above is not None else None
    last = _shared_row(below, chain[-1]) if below is not None else None
    marked = sum(line is not None and line.sort is _Sort.ROW for line in (first, last))
    worded = sum(line is not None and line.sort is _Sort.FLAWED for line in (first, last))
    if worded and shape is not None:
        if len(rows) + marked == shape[0]:
            first, last = (
                None if line is None or line.sort is _Sort.FLAWED else line for line in (first, last)
            )
        elif len(rows) + marked + worded == shape[0]:
            first, last = (None if line is None else replace(line, sort=_Sort.ROW) for line in (first, last))
    return [*([first] if first is not None else []), *chain, *([last] if last is not None else [])]


def _shared_row(prose: _Line, beside: _Line) -> _Line | None:
    """The cells at one end of a line of prose, if they are as many as in the row beside it.

    Its sort is ROW after a mark, FLAWED beside a word. None if there are no such cells, or if they are one
    number in a sentence."""
    if beside.sort is not _Sort.ROW or len(prose.raw) > _MOST_SHARED:
        return None
    text = prose.raw.strip().strip(_FRAME)
    behind = text.rstrip(_RUN)
    ahead = text.lstrip(_RUN)
    for words, run, nearest in (
        (behind, text[len(behind) :], behind[-1:]),
        (ahead, text[: len(text) - len(ahead)], ahead[:1]),
    ):
        cells = tuple(_SPLIT.split(run.strip(" \t,")))
        is_parted = run[:1].isspace() or run[-1:].isspace() or not nearest.isalnum()
        if not words or not run.strip(" \t,") or not is_parted or not _matches(cells, beside):
            continue
        if not nearest.isalnum():
            return _Line(_Sort.ROW, prose.start, prose.end, (cells,), commas="," in run)
        if len(cells) > 1:
            return _Line(_Sort.FLAWED, prose.start, prose.end, (cells,), commas="," in run)
    return None


def _matches(cells: Sequence[str], beside: _Line) -> bool:
    """Whether cells are as many as those of a row, or as many joined digits."""
    joined = len(cells) == len(beside.cells) == 1
    return len(cells) == len(beside.cells) and (not joined or len(cells[0]) == len(beside.cells[0]) > 1)


def _listed(line: _Line) -> bool:
    return line.sort in (_Sort.LIST, _Sort.CUT)


def _lines(text: str) -> Iterator[_Line]:
    at = 0
    before = _Sort.PROSE
    lines = text.split("\n")
    last = max((n for n, line in enumerate(lines) if line.strip()), default=-1)
    for number, raw in enumerate(lines):
        line = _line(raw, at, before, number == last)
        yield replace(line, raw=raw) if line.sort is _Sort.PROSE else line
        before = line.sort
        at += len(raw) + 1


def _line(raw: str, at: int, before: _Sort, last: bool) -> _Line:
    """Classify one line. before: the sort of the line above it; last: whether none follows."""
    start, end = at, at + len(raw)
    line = (
        _EMPHASIS.sub("", _QUOTE.sub("", raw, count=1) if ">" in raw[:20] else raw).strip()
        if len(raw) < _MOST
        else raw.strip()
    )
    if not line:
        return _Line(_Sort.GAP if "`" not in raw else _Sort.PROSE, start, end)
    if _is_rule(line):
        return _Line(_Sort.RULE, start, end, bars="|" in line, raw=line)
    if (len(line) < 200 and _DOTS.fullmatch(line)) or (
        before in (_Sort.ROW, _Sort.LIST) and _SO_ON.match(line)
    ):
        return _Line(_Sort.DOTS, start, end)
    if bullet := _BULLET.match(line):
        line = line[bullet.end() :]
    number: int | None = None
    label = _ROW_LABEL.match(line)
    if label and (label.end() < len(line) or label["n"]):
        number = _number(label)
        line = line[label.end() :]
    line = line.strip(_FRAME)
    line = _evened(line[:-1] if len(line) < _MOST and _FULL_STOP.fullmatch(line) else line)
    cut = line if len(line) >= _MOST else _COMMENT.sub("", line).strip(_FRAME)
    if cut.endswith(("}", "]")) and cut[0] not in "[({":
        cut = cut.rstrip("}] \t\"'")
    return _row(cut, start, end, number, last)


def _evened(line: str) -> str:
    """The cells of a line parted by spaces and bars, whatever other marks part them."""
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
    if not _RULE.fullmatch(line):
        return False
    strokes = line.count("-") + line.count("=") + line.count("_")
    return strokes >= 2 or line.startswith("***") or (strokes == 1 and line[0] in "+|")


def _number(label: re.Match[str]) -> int | None:
    found = label["n"] or label["number"] or label["braced"]
    return int(found) if found and found.isdigit() else None


def _row(line: str, start: int, end: int, number: int | None, last: bool) -> _Line:
    if len(line) >= _MOST:
        return _Line(_Sort.FLAWED if line[0].isdigit() or line[0] in "[({" else _Sort.PROSE, start, end)
    if "|" in line:
        return _barred(line, start, end, number)
    if _ROW.fullmatch(line):
        cells = tuple(_SPLIT.split(line))
        return _Line(_Sort.ROW, start, end, (cells,), number, commas="," in line)
    if (found := _LIST.fullmatch(line)) is not None and line[0] in "[({":
        closed = found["close"] is not None
        if not closed and not last:
            return _Line(_Sort.PROSE, start, end)
        return _Line(_Sort.LIST if closed else _Sort.CUT, start, end, (tuple(NUMBER.findall(line)),), number)
    if _LISTS.fullmatch(line):
        parts = tuple(tuple(NUMBER.findall(part)) for part in _ONE_LIST.findall(line))
        return _Line(_Sort.LIST, start, end, parts, number)
    return _Line(_Sort.FLAWED if _is_flawed(line) else _Sort.PROSE, start, end, number=number)


def _barred(line: str, start: int, end: int, number: int | None) -> _Line:
    inner = line.strip()
    inner = inner[1:] if inner.startswith("|") else inner
    inner = inner[:-1] if inner.endswith("|") else inner
    parts = [tuple(_SPLIT.split(part.strip(" \t,"))) if part.strip() else () for part in inner.split("|")]
    words = [cell for part in parts for cell in part]
    if parts and all(parts) and all(map(_are_cells, parts)):
        return _Line(_Sort.ROW, start, end, tuple(parts), number, commas="," in line, bars=True)
    if any(c.isdigit() for cell in words for c in cell) and all(
        _HOLE.fullmatch(c) or _is_name(c) for c in words
    ):
        return _Line(_Sort.HEAD, start, end, tuple(parts), number, bars=True)
    if words and line.startswith("|"):
        return _Line(_Sort.HEAD, start, end, tuple(parts), number, bars=True)
    return _Line(_Sort.PROSE, start, end)


def _are_cells(part: tuple[str, ...]) -> bool:
    """Whether what is between two bars is cells. A letter there is a name, or marks a hole."""
    return bool(part) and all(cell.isdigit() and cell.isascii() for cell in part)


def _is_name(cell: str) -> bool:
    return bool(re.fullmatch(r"[A-Za-z#\\/]{0,8}[0-9]{0,3}", cell))


def _is_flawed(line: str) -> bool:
    """Whether a line is a row of which a cell cannot be read."""
    if len(line) > 4096:
        return False
    if (
        re.fullmatch(r"[0-9._?*xX#-]{2,}", line)
        and sum(map(str.isdigit, line)) * 2 >= len(line)
        and not NUMBER.fullmatch(line)
    ):
        return True
    inner = line.strip("[](){}")
    cells = re.split(r"[ \t,]", inner) if ",," in inner else _SPLIT.split(inner.strip(" \t,"))
    if len(cells) < 2 or not any(map(str.isdigit, inner)):
        return False
    flawed = all(
        not cell or _HOLE.fullmatch(cell) or re.fullmatch(r"[0-9A-Za-z]{1,2}", cell) for cell in cells
    )
    return flawed and sum(any(map(str.isdigit, cell)) for cell in cells) * 3 >= len(cells)


# --- Lines to grids
# ---------------------------------------------------------------------------------------------------


@final
@dataclass(frozen=True, slots=True)
class _Block:
    """Rows directly below each other."""

    rows: Codes
    start: int
    end: int
    problem: str
    near: bool
    """Whether no more than one blank line or rule parts it from the block above."""
    listed: bool
    lone: bool
    """Whether it is one line of joined digits, which may be a number."""
    numbers: tuple[int | None, ...]
    """The numbers that its lines give their rows."""


def _grids(chain: Sequence[_Line], shape: Shape | None, letters: bool) -> Iterator[Candidate]:
    """The grids in lines without prose between them."""
    if _is_legend(chain):
        return
    lines = _numbered_off(_without_heads(chain), shape)
    headed = len(lines) < len(chain) and any(line.sort is _Sort.HEAD for line in chain)
    if not letters:
        lines = _trimmed(lines)
    blocks = list(_blocks(lines, shape))
    at = 0
    while at < len(blocks):
        end = at + 1
        while end < len(blocks) and _joins(blocks[end - 1], blocks[end], shape):
            end += 1
        for grid in _joined(blocks[at:end], shape):
            yield replace(grid, headed=headed)
        at = end


def _is_legend(chain: Sequence[_Line]) -> bool:
    """Whether lines are a table of few columns that says what the codes mean: `| 4 | path |`."""
    table = [line for line in chain if line.bars and line.sort is not _Sort.RULE]
    if len(table) < 2 or len(table) < sum(
        line.sort in (_Sort.ROW, _Sort.LIST, _Sort.FLAWED) for line in chain
    ):
        return False
    cells = [[" ".join(part) for part in line.parts] for line in table[1:]]
    widths = {len(row) for row in cells}
    if widths not in ({2}, {3}):
        return False
    columns = list(zip(*cells, strict=True))
    worded = any(all(_LEGEND.fullmatch(cell) for cell in column) for column in columns)
    return worded and any(all(cell.isdigit() for cell in column) for column in columns)


def _numbered_off(lines: list[_Line], shape: Shape | None) -> list[_Line]:
    """The lines without the numbers of rows before a first bar, if these make each row a cell too long: `0| 1
    1 0`."""
    rows = [line for line in lines if line.sort is _Sort.ROW]
    if (
        shape is None
        or len(rows) != shape[0]
        or not all(line.bars and len(line.parts[0]) == 1 for line in rows)
    ):
        return lines
    if not _is_index(rows) or any(len(line.cells) != shape[1] + 1 for line in rows):
        return lines
    return [_without_first(line) if line.sort is _Sort.ROW else line for line in lines]


def _without_heads(chain: Sequence[_Line]) -> list[_Line]:
    """The lines without the head and the first column of a table, if these hold names and no cells."""
    lines: list[_Line] = []
    at = 0
    while at < len(chain):
        if not _is_head(chain, at):
            lines.append(chain[at])
            at += 1
            continue
        end = at + 2
        while end < len(chain) and chain[end].bars and chain[end].sort in (_Sort.ROW, _Sort.HEAD):
            end += 1
        lines += _body(chain[at], chain[at + 2 : end])
        at = end
    rows = [line for line in lines if line.sort in (_Sort.ROW, _Sort.HEAD)]
    if rows and all(line.bars and _named(line) for line in rows):
        return [_without_first(line) if line.sort in (_Sort.ROW, _Sort.HEAD) else line for line in lines]
    return lines


def _is_head(chain: Sequence[_Line], at: int) -> bool:
    """Whether a line with bars has the rule of a table below it, and no row above."""
    if not chain[at].bars or at + 1 == len(chain):
        return False
    crossed = chain[at].sort is _Sort.HEAD and _CROSSED_RULE.fullmatch(chain[at + 1].raw)
    if not crossed and not _HEAD_RULE.fullmatch(chain[at + 1].raw):
        return False
    return at == 0 or chain[at - 1].sort in (_Sort.GAP, _Sort.RULE)


def _body(head: _Line, rows: Sequence[_Line]) -> list[_Line]:
    """The rows of a table; its head is among them if it holds cells."""
    names = ["".join(part) for part in head.parts]
    even = bool(rows) and all(len(row.parts) == len(names) for row in rows)
    if even and (
        all(map(_named, rows)) or (not names[0].isdigit() and _counts(names[1:]) and _is_index(rows))
    ):
        return [_without_first(row) for row in rows]
    if head.sort is _Sort.HEAD and not any(name.isdigit() for name in names):
        beside = all(len(row.parts) == len(names) + 1 for row in rows) and _is_index(rows)
        return [_without_first(row) for row in rows] if beside else list(rows)
    if head.sort is _Sort.ROW and _counts(names) and len(names) == len(rows) > 1:
        return list(rows)  # 1 2 3 … above as many rows as columns
    return [head, *rows]


def _is_index(rows: Sequence[_Line]) -> bool:
    firsts = ["".join(row.parts[0]) for row in rows if row.parts]
    ranks = [str(n) for n in range(len(firsts), 0, -1)]  # a chess board counts upwards
    return bool(firsts) and (_counts(firsts) or firsts == ranks or all(not name.isdigit() for name in firsts))


def _counts(names: Sequence[str]) -> bool:
    """Whether names count from 0 or 1, or are no numbers at all."""
    if not all(name.isdigit() and len(name) <= 4 for name in names):
        return not any(name.isdigit() for name in names)
    numbers = [int(name) for name in names]
    return numbers in (list(range(len(numbers))), list(range(1, len(numbers) + 1)))


def _named(line: _Line) -> bool:
    """Whether the first cell of a row names it: R1, Row 1."""
    first = " ".join(line.parts[0]) if line.parts else ""
    return len(line.parts) > 1 and bool(re.fullmatch(r"(?:row|r)[ #_]?\d{1,4}:?", first, re.IGNORECASE))


def _without_first(line: _Line) -> _Line:
    rest = line.parts[1:]
    whole = bool(rest) and all(map(_are_cells, rest))
    return _Line(_Sort.ROW if whole else _Sort.FLAWED, line.start, line.end, rest, bars=True)


def _trimmed(lines: list[_Line]) -> list[_Line]:
    """The lines without words at the edges: "done" is a row of letters, and prose."""
    start, end = 0, len(lines)
    while start < end and _is_word(lines[start]):
        start += 1
    while start < end and _is_word(lines[end - 1]):
        end -= 1
    return lines[start:end]


def _is_word(line: _Line) -> bool:
    if line.sort in (_Sort.GAP, _Sort.RULE):
        return True
    return line.sort is _Sort.ROW and not any(map(str.isdigit, "".join(line.cells)))


def _blocks(lines: Sequence[_Line], shape: Shape | None) -> Iterator[_Block]:
    rows: list[_Line] = []
    gaps = 0
    near = False
    for line in [*lines, _Line(_Sort.GAP, 0, 0)]:
        if line.sort in (_Sort.GAP, _Sort.RULE):
            if rows:
                yield _block(rows, near, shape)
                rows, gaps, near = [], 0, True
            gaps += line.sort is _Sort.GAP
            near = near and gaps <= 1
        elif line.sort is _Sort.DOTS and not rows and not near:
            continue  # dots before any row are prose
        else:
            rows.append(line)


def _block(lines: Sequence[_Line], near: bool, shape: Shape | None) -> _Block:
    listed = any(map(_listed, lines))
    problem = _flaw(lines)
    if listed:
        rows, fault = _list_rows(lines)
    else:
        rows, fault = _cell_rows([line for line in lines if line.sort is _Sort.ROW], shape)
    lone = len(lines) == 1 and len(rows) < 2 and len(lines[0].cells) == 1 and lines[0].number is None
    return _Block(
        rows,
        lines[0].start,
        lines[-1].end,
        problem or fault,
        near,
        listed,
        lone,
        tuple(line.number for line in lines),
    )


def _flaw(lines: Sequence[_Line]) -> str:
    """Why lines are no whole grid, apart from their cells."""
    for n, line in enumerate(lines, 1):
        if line.sort is _Sort.DOTS:
            return LEFT_OUT
        if line.sort is _Sort.CUT:
            return cut_off(n)
        if line.sort in (_Sort.FLAWED, _Sort.HEAD):
            return f"row {n} holds cells that cannot be read"
    return ""


def _list_rows(lines: Sequence[_Line]) -> tuple[Codes, str]:
    rows: Codes = []
    for part in (part for line in lines for part in line.parts):
        values = [code(word) for word in part]
        for word, value in zip(part, values, strict=True):
            if value is None:
                return rows, no_code(len(rows) + 1, word)
        rows.append([value for value in values if value is not None])
    return rows, ""


def _cell_rows(lines: Sequence[_Line], shape: Shape | None) -> tuple[Codes, str]:
    """The codes of rows: a number per cell, or a character per cell if the digits of a row are joined."""
    if not lines:
        return [], ""
    whole = _in_one_line(lines[0], shape) if len(lines) == 1 else None
    if whole:
        return whole, ""
    if _are_joined(lines, shape):
        return _without_index(
            [[_CODES[c] for cell in line.cells for c in cell.lower()] for line in lines]
        ), ""
    rows: Codes = []
    for n, line in enumerate(lines, 1):
        row: list[int] = []
        for cell in line.cells:
            value = _CODES[cell.lower()] if len(cell) == 1 else code(cell)
            if value is None:
                return rows, no_code(n, cell)
            row.append(value)
        rows.append(row)
    return _without_index(rows), ""


def _without_index(rows: Codes) -> Codes:
    """The rows without the numbers of columns above them and of rows beside them, as tables of data are
    printed."""
    if len(rows) < 3 or {len(row) for row in rows[1:]} != {len(rows[0]) + 1}:
        return rows
    columns, beside = rows[0], [row[0] for row in rows[1:]]
    if columns[0] > 1 or columns != list(range(columns[0], columns[0] + len(columns))):
        return rows
    if beside[0] > 1 or beside != list(range(beside[0], beside[0] + len(beside))):
        return rows
    return [row[1:] for row in rows[1:]]


def _in_one_line(line: _Line, shape: Shape | None) -> Codes | None:
    """All rows of a grid in one line: groups of digits, each a row, or rows between bars."""
    if line.bars and line.commas and len({len(part) for part in line.parts}) == 1 and len(line.parts[0]) > 1:
        values = [[code(cell) for cell in part] for part in line.parts]
        return [[value for value in row if value is not None] for row in values]
    widths = {len(cell) for cell in line.cells}
    if len(line.cells) < 2 or len(widths) > 1 or not all(cell.isdigit() for cell in line.cells):
        return None
    if (len(line.cells), *widths) == shape or min(widths) > 3:
        return [[int(c) for c in cell] for cell in line.cells]
    return None


def _are_joined(lines: Sequence[_Line], shape: Shape | None) -> bool:
    """Whether `534 678` is six cells and not two."""
    cells = [cell for line in lines for cell in line.cells]
    if all(len(cell) == 1 for cell in cells):
        return True
    if any(line.commas for line in lines):
        return False
    if all(len(line.cells) == 1 for line in lines):
        return True
    widths = {sum(map(len, line.cells)) for line in lines}
    if shape is not None and all(len(line.cells) == shape[1] for line in lines):
        return False
    if shape is not None and widths == {shape[1]}:
        return True
    if len({len(cell) for cell in cells}) > 1:
        return False
    return any(cell[0] == "0" or not cell.isdigit() or int(cell) > 255 for cell in cells) or widths == {
        len(lines)
    }


def _joins(above: _Block, below: _Block, shape: Shape | None) -> bool:
    """Whether two blocks may be parts of one grid."""
    if not above.rows or not below.rows or above.listed != below.listed:
        return not above.rows or not below.rows  # dots or flawed rows alone belong to what is beside them
    width = len(above.rows[0])
    if len(below.rows[0]) != width or (below.lone and not above.lone):
        return False
    return below.near or (shape is not None and shape[1] == width)


def _joined(blocks: Sequence[_Block], shape: Shape | None) -> Iterator[Candidate]:
    """One grid of the blocks, or several, by the height that was asked or else by equal heights."""
    if shape is not None and len(blocks) > 1 and all(len(block.numbers) == shape[0] for block in blocks):
        for block in blocks:  # a question with holes directly above its answer
            yield _candidate([block])
        return
    heights = [len(block.rows) for block in blocks]
    broken = any(block.problem for block in blocks)
    if broken or len(blocks) == 1:
        yield _candidate(blocks)
    elif shape is not None and len(blocks[0].rows[0]) == shape[1]:
        yield from _filled(blocks, shape[0])
    elif len(set(heights)) == 1:
        yield _candidate(blocks)
    else:
        whole = _candidate(blocks)
        parts = ", ".join(map(str, heights[:9]))
        problem = f"it is not clear whether blocks of {parts} rows are one grid"
        yield Candidate(whole.start, whole.end, whole.rows, problem, listed=whole.listed)


def _filled(blocks: Sequence[_Block], height: int) -> Iterator[Candidate]:
    group: list[_Block] = []
    for block in blocks:
        if group and sum(len(one.rows) for one in group) + len(block.rows) > height:
            yield _candidate(group)
            group = []
        group.append(block)
    yield _candidate(group)


def _candidate(blocks: Sequence[_Block]) -> Candidate:
    rows = [row for block in blocks for row in block.rows]
    numbers = [number for block in blocks for number in block.numbers]
    problem = next((block.problem for block in blocks if block.problem), "") or _misnumbered(numbers)
    first = blocks[0]
    weak = len(rows) <= 1 and not problem
    if weak and first.listed:
        problem = "a list alone is no complete grid: two brackets make one of it"
    return Candidate(first.start, blocks[-1].end, rows, problem, listed=first.listed, weak=weak)


def _misnumbered(numbers: Sequence[int | None]) -> str:
    """Why numbered rows are no whole grid: one of them is missing."""
    if all(number is None for number in numbers):
        return ""
    start = numbers[0]
    if start is None or list(numbers) != list(range(start, start + len(numbers))):
        return MISNUMBERED
    return ""
