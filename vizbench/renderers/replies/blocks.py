"""Find grids written as lines, with one row per line.

A block is a run of rows directly below each other. Blocks that belong together are joined into one grid.
Prose ends a grid. Cells at one end of a line of prose are a row of the grid if they are as many as in the row
directly below or above: see `_with_shared`. A row that cannot be read makes its grid incomplete, so that no
row is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, final

from vizbench.renderers.replies.candidates import (
    DIGITS,
    LEFT_OUT,
    MISNUMBERED,
    Candidate,
    Codes,
    Shape,
    code,
    cut_off,
    no_code,
)
from vizbench.renderers.replies.lines import FRAME, SPLIT, Line, Sort, read_lines
from vizbench.renderers.replies.tables import is_legend, without_heads, without_index, without_row_numbers

_CODES: Final = {character: value for value, character in enumerate(DIGITS)}
_MOST_SHARED: Final = 4096
"""Longer lines of prose are not searched for cells."""
_RUN: Final = "0123456789 \t,"
"""The characters of a row at one end of a line of prose."""


@final
@dataclass(frozen=True, slots=True)
class _Block:
    """Hold rows directly below each other."""

    rows: Codes
    """The rows that were read."""
    start: int
    """The index of its first character in the text."""
    end: int
    """The index of the first character after it."""
    problem: str
    """Why it is not complete, or "" if it is."""
    near: bool
    """Whether at most one blank line is between it and the block above."""
    listed: bool
    """Whether its rows are written in brackets."""
    lone: bool
    """Whether it is one line of joined digits, which may be a number."""
    numbers: tuple[int | None, ...]
    """The numbers that its lines give to their rows."""


def line_grids(text: str, shape: Shape | None, letters: bool) -> Iterator[Candidate]:
    """Yield the grids that are written as lines, in order.

    shape: the shape that was asked, if known. It helps to join blocks.
    letters: whether rows of letters only may be a grid, because the text has no prose.
    """
    chain: list[Line] = []
    listed: bool | None = None  # whether the rows of the chain are lists, or None before its first row
    above: Line | None = None  # the prose before the chain
    for line in read_lines(text):
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
    """Return the chain with the rows that share their line with prose directly above or below it.

    Cells next to a colon, an arrow or another mark are a row: `Here: 1 2 3`. Cells next to a word are a row
    if the grid has the height that was asked only with them. They are words if it has this height without
    them. Otherwise it is unclear whether they belong to the grid, and the grid cannot be read.
    """
    rows = [line for line in chain if line.sort in (Sort.ROW, Sort.LIST)]
    if not rows:
        return chain
    first = [] if above is None else _shared_rows(above, chain[0])
    last = [] if below is None else _shared_rows(below, chain[-1])
    shared = [*first, *last]
    marked = _marked(shared)
    if shape is not None and len(marked) < len(shared):
        if len(rows) + len(marked) == shape[0]:
            first, last = _marked(first), _marked(last)
        elif len(rows) + len(shared) == shape[0]:
            first, last = _as_rows(first), _as_rows(last)
    return [*first, *chain, *last]


def _marked(shared: Sequence[Line]) -> list[Line]:
    """Return the shared rows that are next to a mark, not next to a word."""
    return [line for line in shared if line.sort is Sort.ROW]


def _as_rows(shared: Sequence[Line]) -> list[Line]:
    """Return shared rows as rows that can be read."""
    return [replace(line, sort=Sort.ROW) for line in shared]


def _shared_rows(prose: Line, beside: Line) -> list[Line]:
    """Return the cells at one end of a line of prose as a row, if they are as many as in the row beside it.

    Its sort is ROW next to a mark and FLAWED next to a word. The list is empty if there are no such cells, or
    if they are one number in a sentence.
    """
    if beside.sort is not Sort.ROW or len(prose.raw) > _MOST_SHARED:
        return []
    text = prose.raw.strip().strip(FRAME)
    behind = text.rstrip(_RUN)
    ahead = text.lstrip(_RUN)
    for words, run, nearest in (
        (behind, text[len(behind) :], behind[-1:]),
        (ahead, text[: len(text) - len(ahead)], ahead[:1]),
    ):
        cells = tuple(SPLIT.split(run.strip(" \t,")))
        is_separate = run[:1].isspace() or run[-1:].isspace() or not nearest.isalnum()
        if not words or not run.strip(" \t,") or not is_separate or not _matches(cells, beside):
            continue
        if not nearest.isalnum():
            return [Line(Sort.ROW, prose.start, prose.end, (cells,), commas="," in run)]
        if len(cells) > 1:
            return [Line(Sort.FLAWED, prose.start, prose.end, (cells,), commas="," in run)]
    return []


def _matches(cells: Sequence[str], beside: Line) -> bool:
    """Return whether cells are as many as those of a row, or as many joined digits."""
    if len(cells) != len(beside.cells):
        return False
    return len(cells) > 1 or len(cells[0]) == len(beside.cells[0]) > 1


def _is_list(line: Line) -> bool:
    return line.sort in (Sort.LIST, Sort.CUT)


def _grids(chain: Sequence[Line], shape: Shape | None, letters: bool) -> Iterator[Candidate]:
    """Yield the grids in lines without prose between them."""
    if is_legend(chain):
        return
    lines = without_row_numbers(without_heads(chain), shape)
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


def _trimmed(lines: list[Line]) -> list[Line]:
    """Return the lines without words at the edges: "done" looks like a row of letters, but is prose."""
    start, end = 0, len(lines)
    while start < end and _is_word(lines[start]):
        start += 1
    while start < end and _is_word(lines[end - 1]):
        end -= 1
    return lines[start:end]


def _is_word(line: Line) -> bool:
    """Return whether a line holds no digits of a grid."""
    if line.sort in (Sort.GAP, Sort.RULE):
        return True
    return line.sort is Sort.ROW and not any(map(str.isdigit, "".join(line.cells)))


def _blocks(lines: Sequence[Line], shape: Shape | None) -> Iterator[_Block]:
    """Yield the runs of lines between blank lines and rules."""
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
    """Return why lines are not a complete grid, apart from the values of their cells; "" if they are."""
    for n, line in enumerate(lines, 1):
        if line.sort is Sort.DOTS:
            return LEFT_OUT
        if line.sort is Sort.CUT:
            return cut_off(n)
        if line.sort in (Sort.FLAWED, Sort.HEAD):
            return f"row {n} holds cells that cannot be read"
    return ""


def _list_rows(lines: Sequence[Line]) -> tuple[Codes, str]:
    """Return the codes of lists, up to the first problem, and the problem."""
    rows: Codes = []
    parts = [part for line in lines for part in line.parts]
    for part in parts:
        values = [code(word) for word in part]
        for word, value in zip(part, values, strict=True):
            if value is None:
                return rows, no_code(len(rows) + 1, word)
        rows.append([value for value in values if value is not None])
    return rows, ""


def _cell_rows(lines: Sequence[Line], shape: Shape | None) -> tuple[Codes, str]:
    """Return the codes of rows, up to the first problem, and the problem.

    A cell is a number, or a character if the digits of a row are joined.
    """
    if not lines:
        return [], ""
    grid = _in_one_line(lines[0], shape) if len(lines) == 1 else None
    if grid:
        return grid, ""
    if _are_joined(lines, shape):
        joined = ["".join(line.cells).lower() for line in lines]
        return without_index([[_CODES[character] for character in row] for row in joined]), ""
    rows: Codes = []
    for n, line in enumerate(lines, 1):
        row: list[int] = []
        for cell in line.cells:
            value = _CODES[cell.lower()] if len(cell) == 1 else code(cell)
            if value is None:
                return rows, no_code(n, cell)
            row.append(value)
        rows.append(row)
    return without_index(rows), ""


def _in_one_line(line: Line, shape: Shape | None) -> Codes | None:
    """Return the rows of a grid in one line, or None if the line is not a grid.

    Each row is between bars, or is a group of digits.
    """
    lengths = {len(part) for part in line.parts}
    if line.bars and line.commas and len(lengths) == 1 and len(line.parts[0]) > 1:
        rows: Codes = []
        for part in line.parts:
            values = [code(cell) for cell in part]
            rows.append([value for value in values if value is not None])
        return rows
    widths = {len(cell) for cell in line.cells}
    if len(line.cells) < 2 or len(widths) > 1 or not all(cell.isdigit() for cell in line.cells):
        return None
    if (len(line.cells), *widths) == shape or min(widths) > 3:
        return [[int(digit) for digit in cell] for cell in line.cells]
    return None


def _are_joined(lines: Sequence[Line], shape: Shape | None) -> bool:
    """Return whether `534 678` is six cells and not two."""
    cells = [cell for line in lines for cell in line.cells]

    # Cells of one character, commas, or one word per line leave no doubt
    if all(len(cell) == 1 for cell in cells):
        return True
    if any(line.commas for line in lines):
        return False
    if all(len(line.cells) == 1 for line in lines):
        return True

    # The shape that was asked
    widths = {sum(map(len, line.cells)) for line in lines}
    if shape is not None and all(len(line.cells) == shape[1] for line in lines):
        return False
    if shape is not None and widths == {shape[1]}:
        return True

    # Groups of one length that cannot be codes, or that make a square
    if len({len(cell) for cell in cells}) > 1:
        return False
    if any(cell[0] == "0" or not cell.isdigit() or int(cell) > 255 for cell in cells):
        return True
    return widths == {len(lines)}


def _joins(above: _Block, below: _Block, shape: Shape | None) -> bool:
    """Return whether two blocks may be parts of one grid."""
    if not above.rows or not below.rows or above.listed != below.listed:
        return not above.rows or not below.rows  # dots and flawed rows belong to what is beside them
    width = len(above.rows[0])
    if len(below.rows[0]) != width or (below.lone and not above.lone):
        return False
    return below.near or (shape is not None and shape[1] == width)


def _joined(blocks: Sequence[_Block], shape: Shape | None) -> Iterator[Candidate]:
    """Join blocks into one grid or several, by the height that was asked or else by equal heights."""
    if shape is not None and len(blocks) > 1 and all(len(block.numbers) == shape[0] for block in blocks):
        for block in blocks:  # such as a question with holes directly above its answer
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
    """Yield grids of as many blocks as fit into a height."""
    group: list[_Block] = []
    for block in blocks:
        if group and sum(len(one.rows) for one in group) + len(block.rows) > height:
            yield _candidate(group)
            group = []
        group.append(block)
    yield _candidate(group)


def _candidate(blocks: Sequence[_Block]) -> Candidate:
    """Return one grid of several blocks."""
    rows = [row for block in blocks for row in block.rows]
    numbers = [number for block in blocks for number in block.numbers]
    problems = [block.problem for block in blocks if block.problem]
    problem = problems[0] if problems else _misnumbered(numbers)
    first = blocks[0]
    weak = len(rows) <= 1 and not problem
    if weak and first.listed:
        problem = "a single list is not a complete grid: two brackets make it one"
    return Candidate(first.start, blocks[-1].end, rows, problem, listed=first.listed, weak=weak)


def _misnumbered(numbers: Sequence[int | None]) -> str:
    """Return why numbered rows are not a complete grid; "" if no row is missing."""
    if all(number is None for number in numbers):
        return ""
    start = numbers[0]
    if start is None or list(numbers) != list(range(start, start + len(numbers))):
        return MISNUMBERED
    return ""
