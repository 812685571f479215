"""Make grids of classified lines: rows below each other, blocks of rows, tables with heads.

Prose ends a grid. Cells at an end of a line of prose are a row of the grid if they are as many as in the row
directly below or above (see `_with_shared`). A row that cannot be read makes its grid one that cannot be
read. So no row is dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, final

from vizbench.renderers.replies.candidates import (
    DIGITS,
    LEFT_OUT,
    MISNUMBERED,
    Candidate,
    Codes,
    code,
    cut_off,
    no_code,
)
from vizbench.renderers.replies.lines import FRAME, SPLIT, Line, Shape, Sort, are_cells, classified

_CODES: Final = {character: value for value, character in enumerate(DIGITS)}

_MOST_SHARED: Final = 4096
"""Longer lines of prose are not searched for cells."""

_RUN: Final = "0123456789 \t,"
"""Characters of a row at one end of a line of prose."""

_HEAD_RULE: Final = re.compile(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)+\|?")
_CROSSED_RULE: Final = re.compile(r"[+|]?-+(?:[+|]-+)+[+|]?")
_LEGEND: Final = re.compile(r"(?!(?:null|none|nan)$)[A-Za-z][A-Za-z' -]+", re.IGNORECASE)


def line_grids(text: str, shape: Shape | None, letters: bool) -> Iterator[Candidate]:
    """Yield the grids that are written as lines.

    shape: the shape that was asked for, which helps to join separated rows. letters: whether rows of letters
    only may be a grid, because there is no prose.
    """
    chain: list[Line] = []
    listed: bool | None = None  # whether the rows of the chain are lists, None before its first row
    above: Line | None = None  # the prose before the chain
    for line in classified(text):
        is_list = _is_list(line)
        is_row = is_list or line.sort is Sort.ROW
        is_prose = line.sort is Sort.PROSE
        if is_prose or (is_row and listed is not None and is_list is not listed):
            below = line if is_prose else None
            yield from _grids(_with_shared(above, chain, below, shape), shape, letters)
            chain, listed, above = [], None, below
        if not is_prose:
            chain.append(line)
            listed = is_list if is_row else listed
    yield from _grids(_with_shared(above, chain, None, shape), shape, letters)


def _with_shared(
    above: Line | None, chain: list[Line], below: Line | None, shape: Shape | None
) -> list[Line]:
    """Return the chain with the rows that share a line with the words directly above or below it.

    After a colon, an arrow or another mark, cells are a row: `Here: 1 2 3`. Beside a word they are a row if
    the grid then has the shape that was asked for, and words if it has this shape without them. Otherwise it
    is unclear whether they belong to the grid, and it cannot be read.
    """
    rows = [line for line in chain if line.sort in (Sort.ROW, Sort.LIST)]
    if not rows:
        return chain
    first = _shared_row(above, chain[0]) if above is not None else None
    last = _shared_row(below, chain[-1]) if below is not None else None
    shared = [line for line in (first, last) if line is not None]
    marked = sum(line.sort is Sort.ROW for line in shared)
    worded = len(shared) - marked
    if worded and shape is not None:
        if len(rows) + marked == shape[0]:
            first, last = _row_after_mark(first), _row_after_mark(last)
        elif len(rows) + marked + worded == shape[0]:
            first, last = _as_row(first), _as_row(last)
    before = [] if first is None else [first]
    after = [] if last is None else [last]
    return [*before, *chain, *after]


def _row_after_mark(line: Line | None) -> Line | None:
    """Return a shared row if it follows a mark, not a word."""
    return None if line is None or line.sort is Sort.FLAWED else line


def _as_row(line: Line | None) -> Line | None:
    """Return a shared row as a row that can be read."""
    return None if line is None else replace(line, sort=Sort.ROW)


def _shared_row(prose: Line, beside: Line) -> Line | None:
    """Return the cells at one end of a line of prose, if they are as many as in the row beside it.

    Its sort is ROW after a mark, FLAWED beside a word. Returns None if there are no such cells, or if they
    are one number in a sentence.
    """
    if beside.sort is not Sort.ROW or len(prose.raw) > _MOST_SHARED:
        return None
    text = prose.raw.strip().strip(FRAME)
    behind = text.rstrip(_RUN)
    ahead = text.lstrip(_RUN)
    # The words, the cells, and the character of the words that is nearest to the cells.
    ends = (
        (behind, text[len(behind) :], behind[-1:]),
        (ahead, text[: len(text) - len(ahead)], ahead[:1]),
    )
    for words, run, nearest in ends:
        cells = tuple(SPLIT.split(run.strip(" \t,")))
        is_separate = run[:1].isspace() or run[-1:].isspace() or not nearest.isalnum()
        if not words or not run.strip(" \t,") or not is_separate or not _matches(cells, beside):
            continue
        if not nearest.isalnum():
            return Line(Sort.ROW, prose.start, prose.end, (cells,), commas="," in run)
        if len(cells) > 1:
            return Line(Sort.FLAWED, prose.start, prose.end, (cells,), commas="," in run)
    return None


def _matches(cells: Sequence[str], beside: Line) -> bool:
    """Return whether cells are as many as those of a row, or as many joined digits."""
    joined = len(cells) == len(beside.cells) == 1
    return len(cells) == len(beside.cells) and (not joined or len(cells[0]) == len(beside.cells[0]) > 1)


def _is_list(line: Line) -> bool:
    """Return whether a line is a row in brackets, or several."""
    return line.sort in (Sort.LIST, Sort.CUT)


@final
@dataclass(frozen=True, slots=True)
class _Block:
    """Rows directly below each other."""

    rows: Codes
    """The codes that were read."""
    start: int
    """Its first character in the text."""
    end: int
    """The first character after it."""
    problem: str
    """Why it cannot be read, or ""."""
    near: bool
    """Whether at most one blank line or rule separates it from the block above."""
    listed: bool
    """Whether its rows are in brackets."""
    lone: bool
    """Whether it is one line of joined digits, which may be a number."""
    numbers: tuple[int | None, ...]
    """The numbers that its lines give their rows."""


def _grids(chain: Sequence[Line], shape: Shape | None, letters: bool) -> Iterator[Candidate]:
    """Yield the grids in lines without prose between them."""
    if _is_legend(chain):
        return
    lines = _numbered_off(_without_heads(chain), shape)
    headed = len(lines) < len(chain) and any(line.sort is Sort.HEAD for line in chain)
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


def _is_legend(chain: Sequence[Line]) -> bool:
    """Return whether lines are a table of few columns that explains the codes: `| 4 | path |`."""
    table = [line for line in chain if line.bars and line.sort is not Sort.RULE]
    rows = [line for line in chain if line.sort in (Sort.ROW, Sort.LIST, Sort.FLAWED)]
    if len(table) < 2 or len(table) < len(rows):
        return False
    cells = [[" ".join(part) for part in line.parts] for line in table[1:]]
    widths = {len(row) for row in cells}
    if widths not in ({2}, {3}):
        return False
    columns = list(zip(*cells, strict=True))
    has_words = any(all(map(_LEGEND.fullmatch, column)) for column in columns)
    return has_words and any(all(map(str.isdigit, column)) for column in columns)


def _numbered_off(lines: list[Line], shape: Shape | None) -> list[Line]:
    """Return the lines without numbers of rows before a first bar, as in `0| 1 1 0`.

    They are removed only if every row would be one cell too long with them.
    """
    rows = [line for line in lines if line.sort is Sort.ROW]
    if shape is None or len(rows) != shape[0]:
        return lines
    if not all(line.bars and len(line.parts[0]) == 1 for line in rows):
        return lines
    if not _is_index(rows) or any(len(line.cells) != shape[1] + 1 for line in rows):
        return lines
    return [_without_first(line) if line.sort is Sort.ROW else line for line in lines]


def _without_heads(chain: Sequence[Line]) -> list[Line]:
    """Return the lines without the head and the first column of a table, if these are names and not cells."""
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
    rows = [line for line in lines if line.sort in (Sort.ROW, Sort.HEAD)]
    if rows and all(line.bars and _named(line) for line in rows):
        return [_without_first(line) if line.sort in (Sort.ROW, Sort.HEAD) else line for line in lines]
    return lines


def _is_head(chain: Sequence[Line], at: int) -> bool:
    """Return whether a line with bars has the rule of a table below it, and no row above."""
    if not chain[at].bars or at + 1 == len(chain):
        return False
    crossed = chain[at].sort is Sort.HEAD and _CROSSED_RULE.fullmatch(chain[at + 1].raw)
    if not crossed and not _HEAD_RULE.fullmatch(chain[at + 1].raw):
        return False
    return at == 0 or chain[at - 1].sort in (Sort.GAP, Sort.RULE)


def _body(head: Line, rows: Sequence[Line]) -> list[Line]:
    """Return the rows of a table. Its head is among them if it holds cells."""
    names = ["".join(part) for part in head.parts]
    same_width = bool(rows) and all(len(row.parts) == len(names) for row in rows)
    # A first column of names.
    if same_width and all(map(_named, rows)):
        return [_without_first(row) for row in rows]
    if same_width and not names[0].isdigit() and _counts(names[1:]) and _is_index(rows):
        return [_without_first(row) for row in rows]
    # A head of names.
    if head.sort is Sort.HEAD and not any(name.isdigit() for name in names):
        beside = all(len(row.parts) == len(names) + 1 for row in rows) and _is_index(rows)
        return [_without_first(row) for row in rows] if beside else list(rows)
    if head.sort is Sort.ROW and _counts(names) and len(names) == len(rows) > 1:
        return list(rows)  # 1 2 3 … above as many rows as columns
    return [head, *rows]


def _is_index(rows: Sequence[Line]) -> bool:
    """Return whether the first cells of the rows number or name them."""
    firsts = ["".join(row.parts[0]) for row in rows if row.parts]
    if not firsts:
        return False
    ranks = [str(n) for n in range(len(firsts), 0, -1)]  # a chess board counts upwards
    return _counts(firsts) or firsts == ranks or all(not name.isdigit() for name in firsts)


def _counts(names: Sequence[str]) -> bool:
    """Return whether names count from 0 or 1, or contain no number at all."""
    if not all(name.isdigit() and len(name) <= 4 for name in names):
        return not any(name.isdigit() for name in names)
    numbers = [int(name) for name in names]
    return numbers in (list(range(len(numbers))), list(range(1, len(numbers) + 1)))


def _named(line: Line) -> bool:
    """Return whether the first cell of a row names it, as in R1 or Row 1."""
    first = " ".join(line.parts[0]) if line.parts else ""
    return len(line.parts) > 1 and bool(re.fullmatch(r"(?:row|r)[ #_]?\d{1,4}:?", first, re.IGNORECASE))


def _without_first(line: Line) -> Line:
    """Return a row without its first part."""
    rest = line.parts[1:]
    whole = bool(rest) and all(map(are_cells, rest))
    return Line(Sort.ROW if whole else Sort.FLAWED, line.start, line.end, rest, bars=True)


def _trimmed(lines: list[Line]) -> list[Line]:
    """Return the lines without words at both ends: "done" looks like a row of letters, but is prose."""
    start, end = 0, len(lines)
    while start < end and _is_word(lines[start]):
        start += 1
    while start < end and _is_word(lines[end - 1]):
        end -= 1
    return lines[start:end]


def _is_word(line: Line) -> bool:
    """Return whether a line is letters only, or empty."""
    if line.sort in (Sort.GAP, Sort.RULE):
        return True
    return line.sort is Sort.ROW and not any(map(str.isdigit, "".join(line.cells)))


def _blocks(lines: Sequence[Line], shape: Shape | None) -> Iterator[_Block]:
    """Yield the blocks that blank lines and rules separate."""
    rows: list[Line] = []
    gaps = 0
    near = False
    for line in [*lines, Line(Sort.GAP, 0, 0)]:
        if line.sort in (Sort.GAP, Sort.RULE):
            if rows:
                yield _block(rows, near, shape)
                rows, gaps, near = [], 0, True
            gaps += line.sort is Sort.GAP
            near = near and gaps <= 1
        elif line.sort is Sort.DOTS and not rows and not near:
            continue  # dots before any row are prose
        else:
            rows.append(line)


def _block(lines: Sequence[Line], near: bool, shape: Shape | None) -> _Block:
    """Read the rows of a block."""
    listed = any(map(_is_list, lines))
    if listed:
        rows, problem = _list_rows(lines)
    else:
        rows, problem = _cell_rows([line for line in lines if line.sort is Sort.ROW], shape)
    lone = len(lines) == 1 and len(rows) < 2 and len(lines[0].cells) == 1 and lines[0].number is None
    return _Block(
        rows,
        lines[0].start,
        lines[-1].end,
        _flaw(lines) or problem,
        near,
        listed,
        lone,
        tuple(line.number for line in lines),
    )


def _flaw(lines: Sequence[Line]) -> str:
    """Return why lines are not a whole grid, apart from their cells, or ""."""
    for n, line in enumerate(lines, 1):
        if line.sort is Sort.DOTS:
            return LEFT_OUT
        if line.sort is Sort.CUT:
            return cut_off(n)
        if line.sort in (Sort.FLAWED, Sort.HEAD):
            return f"row {n} holds cells that cannot be read"
    return ""


def _list_rows(lines: Sequence[Line]) -> tuple[Codes, str]:
    """Return the codes of rows in brackets, and why they cannot be read, or ""."""
    rows: Codes = []
    for part in (part for line in lines for part in line.parts):
        row: list[int] = []
        for word in part:
            value = code(word)
            if value is None:
                return rows, no_code(len(rows) + 1, word)
            row.append(value)
        rows.append(row)
    return rows, ""


def _cell_rows(lines: Sequence[Line], shape: Shape | None) -> tuple[Codes, str]:
    """Return the codes of rows, and why they cannot be read, or "".

    A cell is a number, or one character if the digits of a row are joined.
    """
    if not lines:
        return [], ""
    whole = _in_one_line(lines[0], shape) if len(lines) == 1 else None
    if whole:
        return whole, ""
    if _are_joined(lines, shape):
        joined = ["".join(line.cells).lower() for line in lines]
        return _without_index([[_CODES[character] for character in row] for row in joined]), ""
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
    """Return the rows without numbers of columns above and of rows beside them, as in data tables."""
    if len(rows) < 3 or {len(row) for row in rows[1:]} != {len(rows[0]) + 1}:
        return rows
    columns, beside = rows[0], [row[0] for row in rows[1:]]
    if columns[0] > 1 or columns != list(range(columns[0], columns[0] + len(columns))):
        return rows
    if beside[0] > 1 or beside != list(range(beside[0], beside[0] + len(beside))):
        return rows
    return [row[1:] for row in rows[1:]]


def _in_one_line(line: Line, shape: Shape | None) -> Codes | None:
    """Return the rows of a grid in one line, each a group of digits or between bars. None if it is none."""
    lengths = {len(part) for part in line.parts}
    if line.bars and line.commas and len(lengths) == 1 and len(line.parts[0]) > 1:
        return [_known_codes(part) for part in line.parts]
    widths = {len(cell) for cell in line.cells}
    if len(line.cells) < 2 or len(widths) > 1 or not all(cell.isdigit() for cell in line.cells):
        return None
    if (len(line.cells), *widths) == shape or min(widths) > 3:
        return [[int(c) for c in cell] for cell in line.cells]
    return None


def _known_codes(cells: Sequence[str]) -> list[int]:
    """Return the codes of the cells that hold one."""
    values = [code(cell) for cell in cells]
    return [value for value in values if value is not None]


def _are_joined(lines: Sequence[Line], shape: Shape | None) -> bool:
    """Return whether `534 678` is six cells, not two."""
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
    return any(map(_is_no_number, cells)) or widths == {len(lines)}


def _is_no_number(cell: str) -> bool:
    """Return whether several digits cannot be one code."""
    return cell[0] == "0" or not cell.isdigit() or int(cell) > 255


def _joins(above: _Block, below: _Block, shape: Shape | None) -> bool:
    """Return whether two blocks may be parts of one grid."""
    if not above.rows or not below.rows:
        return True  # dots and flawed rows belong to the rows beside them
    if above.listed != below.listed:
        return False
    width = len(above.rows[0])
    if len(below.rows[0]) != width or (below.lone and not above.lone):
        return False
    return below.near or (shape is not None and shape[1] == width)


def _joined(blocks: Sequence[_Block], shape: Shape | None) -> Iterator[Candidate]:
    """Yield one grid of the blocks, or several, by the height that was asked for, or by equal heights."""
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
    """Yield grids of consecutive blocks that have at most `height` rows together."""
    group: list[_Block] = []
    for block in blocks:
        if group and sum(len(one.rows) for one in group) + len(block.rows) > height:
            yield _candidate(group)
            group = []
        group.append(block)
    yield _candidate(group)


def _candidate(blocks: Sequence[_Block]) -> Candidate:
    """Return the grid that blocks make together."""
    rows = [row for block in blocks for row in block.rows]
    numbers = [number for block in blocks for number in block.numbers]
    problem = next((block.problem for block in blocks if block.problem), "") or _misnumbered(numbers)
    first = blocks[0]
    weak = len(rows) <= 1 and not problem
    if weak and first.listed:
        problem = "a list alone is no complete grid: two brackets make one of it"
    return Candidate(first.start, blocks[-1].end, rows, problem, listed=first.listed, weak=weak)


def _misnumbered(numbers: Sequence[int | None]) -> str:
    """Return why numbered rows are not a whole grid, or "". A number may be missing or out of order."""
    if all(number is None for number in numbers):
        return ""
    start = numbers[0]
    if start is None or list(numbers) != list(range(start, start + len(numbers))):
        return MISNUMBERED
    return ""
