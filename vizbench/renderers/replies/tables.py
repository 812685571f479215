"""Recognize tables: remove heads, names and numbers of rows, and leave legends out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from vizbench.renderers.replies.candidates import Codes, Shape
from vizbench.renderers.replies.lines import Line, Sort, are_cells

_HEAD_RULE: Final = re.compile(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)+\|?")
"""The rule below the head of a table in Markdown."""
_CROSSED_RULE: Final = re.compile(r"[+|]?-+(?:[+|]-+)+[+|]?")
"""A rule with crossings between columns."""
_LEGEND: Final = re.compile(r"(?!(?:null|none|nan)$)[A-Za-z][A-Za-z' -]+", re.IGNORECASE)
"""The meaning of a code."""


def is_legend(chain: Sequence[Line]) -> bool:
    """Return whether lines are a table of two or three columns that explains codes: `| 4 | path |`."""
    table = [line for line in chain if line.bars and line.sort is not Sort.RULE]
    rows = [line for line in chain if line.sort in (Sort.ROW, Sort.LIST, Sort.FLAWED)]
    if len(table) < max(2, len(rows)):
        return False
    cells = [[" ".join(part) for part in line.parts] for line in table[1:]]
    widths = {len(row) for row in cells}
    if widths not in ({2}, {3}):
        return False
    columns = list(zip(*cells, strict=True))
    has_words = any(all(_LEGEND.fullmatch(cell) for cell in column) for column in columns)
    return has_words and any(all(cell.isdigit() for cell in column) for column in columns)


def without_row_numbers(lines: list[Line], shape: Shape | None) -> list[Line]:
    """Return the lines without the numbers of rows before a first bar, as in `0| 1 1 0`.

    These are removed only if they make each row one cell longer than the shape that was asked.
    """
    rows = [line for line in lines if line.sort is Sort.ROW]
    if shape is None or len(rows) != shape[0]:
        return lines
    if not all(line.bars and len(line.parts[0]) == 1 for line in rows):
        return lines
    if not _is_index(rows) or any(len(line.cells) != shape[1] + 1 for line in rows):
        return lines
    return [_without_first(line) if line.sort is Sort.ROW else line for line in lines]


def without_heads(chain: Sequence[Line]) -> list[Line]:
    """Return the lines without the head and the first column of a table, if these hold names and no cells."""
    # Heads, and the columns of names that belong to them
    lines: list[Line] = []
    at = 0
    while at < len(chain):
        if not _is_head(chain, at):
            lines.append(chain[at])
            at += 1
            continue
        end = at + 2
        while end < len(chain) and chain[end].bars and chain[end].sort in (Sort.ROW, Sort.HEAD):
            end += 1
        lines += _body(chain[at], chain[at + 2 : end])
        at = end

    # Columns of names without a head
    rows = [line for line in lines if line.sort in (Sort.ROW, Sort.HEAD)]
    if rows and all(line.bars and _is_named(line) for line in rows):
        return [_without_first(line) if line.sort in (Sort.ROW, Sort.HEAD) else line for line in lines]
    return lines


def _is_head(chain: Sequence[Line], at: int) -> bool:
    """Return whether a line with bars has the rule of a table below it, and no row above."""
    if not chain[at].bars or at + 1 == len(chain):
        return False
    is_crossed = chain[at].sort is Sort.HEAD and _CROSSED_RULE.fullmatch(chain[at + 1].raw)
    if not is_crossed and not _HEAD_RULE.fullmatch(chain[at + 1].raw):
        return False
    return at == 0 or chain[at - 1].sort in (Sort.GAP, Sort.RULE)


def _body(head: Line, rows: Sequence[Line]) -> list[Line]:
    """Return the rows of a table without names. The head is one of them if it holds cells."""
    names = ["".join(part) for part in head.parts]

    # A first column of names below a head of the same width
    is_even = bool(rows) and all(len(row.parts) == len(names) for row in rows)
    if is_even:
        is_indexed = not names[0].isdigit() and _counts(names[1:]) and _is_index(rows)
        if is_indexed or all(map(_is_named, rows)):
            return [_without_first(row) for row in rows]

    # A head of names, perhaps without one for the first column
    if head.sort is Sort.HEAD and not any(name.isdigit() for name in names):
        is_indexed = all(len(row.parts) == len(names) + 1 for row in rows) and _is_index(rows)
        return [_without_first(row) for row in rows] if is_indexed else list(rows)
    if head.sort is Sort.ROW and _counts(names) and len(names) == len(rows) > 1:
        return list(rows)  # 1 2 3 … above as many rows as columns
    return [head, *rows]


def _is_index(rows: Sequence[Line]) -> bool:
    """Return whether the first column of rows counts them, up or down, or holds no numbers."""
    firsts = ["".join(row.parts[0]) for row in rows if row.parts]
    if not firsts:
        return False
    downwards = [str(n) for n in range(len(firsts), 0, -1)]  # as on a chess board
    return _counts(firsts) or firsts == downwards or not any(name.isdigit() for name in firsts)


def _counts(names: Sequence[str]) -> bool:
    """Return whether names count from 0 or 1, or are not numbers."""
    if not all(name.isdigit() and len(name) <= 4 for name in names):
        return not any(name.isdigit() for name in names)
    numbers = [int(name) for name in names]
    return numbers in (list(range(len(numbers))), list(range(1, len(numbers) + 1)))


def _is_named(line: Line) -> bool:
    """Return whether the first cell of a row names it, as R1 or Row 1 do."""
    first = " ".join(line.parts[0]) if line.parts else ""
    return len(line.parts) > 1 and bool(re.fullmatch(r"(?:row|r)[ #_]?\d{1,4}:?", first, re.IGNORECASE))


def _without_first(line: Line) -> Line:
    """Return a row without its first part."""
    rest = line.parts[1:]
    is_row = bool(rest) and all(map(are_cells, rest))
    return Line(Sort.ROW if is_row else Sort.FLAWED, line.start, line.end, rest, bars=True)


def without_index(rows: Codes) -> Codes:
    """Return the rows without the numbers of columns above them and of rows beside them.

    Libraries for tables of data print such numbers.
    """
    if len(rows) < 3 or {len(row) for row in rows[1:]} != {len(rows[0]) + 1}:
        return rows
    columns, beside = rows[0], [row[0] for row in rows[1:]]
    if columns[0] > 1 or columns != list(range(columns[0], columns[0] + len(columns))):
        return rows
    if beside[0] > 1 or beside != list(range(beside[0], beside[0] + len(beside))):
        return rows
    return [row[1:] for row in rows[1:]]
