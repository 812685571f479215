"""Read Life patterns in Run Length Encoded files, the format of most collections, as one question each.

The format is LifeWiki's (page Run Length Encoded). Lines that begin with # are comments, and `#r` names a
rule. Then comes a header, `x = 3, y = 3, rule = B3/S23`. Then come runs until `!`: a count, directly before
its letter, and `b` or `.` (dead), `o`, `A`, `x`, `y` or `z` (live) or `$` (end of row). The rest is not
read. Cells left out are dead. Lines end with LF, CR LF or CR. A rule is written B3/S23, S23/B3, b3s23, B2
(no survival) or 23/3 (survival first), or is named Life, Day & Night, Maze or Seeds. As in Golly, the last
rule before `!` counts.

`life-rle:FILE?steps=4` takes the parameters of the task family `life` except density. The grid is the
pattern's box with a margin of as many cells as steps, so that nothing reaches the edge. Height and width
choose another size. So does a bounded grid of Golly: B3/S23:T30,20 is a torus 30 wide and 20 high, :P30,20
is such a grid with dead edges, and one number sets both sides. The file's rule counts, else the rule that
is given, else B3/S23.

Patterns are placed as Golly places them (gollybase/readpattern.cpp and lifealgo.cpp). Cell 0, 0 of the
plane is row height // 2 and column width // 2 of the grid. The pattern's box begins half its own size,
rounded down, above and to the left of it. In a bounded grid, a line `#CXRLE Pos=-3,-2` before the header
gives the column and row of the plane where the box begins. In other grids Pos is not used. Gen is never
used.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final
from urllib.parse import urlencode

import numpy as np

from vizbench._util.files import read_bounded
from vizbench._util.params import path_and_params
from vizbench._util.text import plural
from vizbench.dataset.splits import Dataset, SplitSpec, StoredSplit
from vizbench.errors import UserError
from vizbench.formats.file_source import FileSource, files_below
from vizbench.generators.life import TASK, VARIANTS, Params
from vizbench.task.contract import Verifier
from vizbench.task.registry import params_json, spec
from vizbench.types import Grid, Instance

PREFIX = "life-rle:"
"""The beginning of these tasks' names."""

MAX_BYTES = 1 << 20
"""Bytes of the largest file that is read."""
MAX_SIDE = 256
"""Cells of the longest side of a pattern's box, and of a grid of `life`."""

_HEADER = re.compile(
    r"x\s*=\s*(\d{1,9})\s*,\s*y\s*=\s*(\d{1,9})\s*(?:,\s*rule\s*=\s*(\S.*))?", re.ASCII | re.I
)
_BLANKS = " \t\r\n"
_RUN = re.compile(rf"([0-9{_BLANKS}]*)([^0-9{_BLANKS}])")
_DEAD, _LIVE = "b.", "oAxyz"
_READ = "runs of b (dead), o (live), $ (end of row) and at last !"
_RULES = tuple(
    re.compile(form, re.ASCII | re.I)
    for form in (
        r"B(?P<born>[0-8]{0,9})/?S(?P<survives>[0-8]{0,9})",
        r"S(?P<survives>[0-8]{0,9})/?B(?P<born>[0-8]{0,9})",
        r"B(?P<born>[0-8]{1,9})(?P<survives>)",
        r"(?P<survives>[0-8]{0,9})/(?P<born>[0-8]{0,9})",
    )
)
_NAMED = {"life": "conway", "dayandnight": "day-and-night", "maze": "maze", "seeds": "seeds"}
"""Variants of `life` by the names of rules, in lower case and without blanks and hyphens."""
_HENSEL = r"(?:[0-8]-?[cekainyqjrtwz]*)*"
_FOREIGN = tuple(
    (re.compile(form, re.ASCII | re.I), what)
    for form, what in (
        (r"MAP[0-9A-Z+/=]+", "lists every neighbourhood (MAP)"),
        (r"W[0-9]+", "is a rule of one dimension, as the task eca has them"),
        (r"R[0-9]+,.*|[0-9]+(?:,[0-9]+){4}", "is written as Larger than Life"),
        (r".*(?:History|Super|Investigator)", "marks cells with more than two states"),
        (
            r"[BS]?[0-9]*/[BS]?[0-9]*/[GC]?[0-9]+|[GC][0-9]+/.*|[BS0-9/]*[GC][0-9]+",
            "is written as Generations, with a number of states",
        ),
        (
            r"(?=.*[0-8/])[BS0-8/acekinyqjrtwzomp-]*[VHL]",
            "counts other neighbours than all eight, as V, H or L at its end says",
        ),
        (
            rf"(?=.*[cekainyqjrtwz-])[BS]?{_HENSEL}/?[BS]?{_HENSEL}",
            "is not totalistic, since letters or hyphens say how the neighbours lie (Hensel notation)",
        ),
        (r"(?=.*9)[BS]?[0-9]*/?[BS]?[0-9]*", "names 9 neighbours where a cell has 8"),
    )
)
"""Forms of rules that are not read, and what errors say of them. The first match counts."""
_LONGEST_RULE = 400
"""Characters of the longest rule that is compared with these forms."""
_GRID = re.compile(r"([TP])([1-9][0-9]{0,8})(?:,([1-9][0-9]{0,8}))?", re.ASCII | re.I)
_LINE_END = re.compile(r"\r\n|\r|\n")
"""Not `str.splitlines`, which also splits at the form feeds and line separators in a comment."""
_EXTENDED = "#CXRLE"
_POSITION = re.compile(r"\sPos\s*=\s*([+-]?[0-9]{1,9})\s*,\s*([+-]?[0-9]{1,9})(?![0-9])", re.ASCII)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """The content of a pattern file."""

    cells: Grid
    """The pattern's box, `(h, w)` uint8, 1 if live."""
    rule: str | None
    """The rule, written as B3/S23; None if the file names none."""
    board: Mapping[str, int | bool]
    """The parameters height, width and torus of the file's bounded grid; empty if it has none."""
    corner: tuple[int, int] | None = None
    """Row and column of the plane where the box begins in the bounded grid; None if the file does not say."""


def parse(text: str) -> Pattern:
    """Read the text of a pattern file. Raises UserError if it is not a pattern of two states."""
    # Comments, then a header.
    lines = [line for line in _LINE_END.split(text) if line.strip()]
    start = next((k for k, line in enumerate(lines) if not line.startswith("#")), len(lines))
    header = _HEADER.fullmatch(lines[start].strip()) if start < len(lines) else None
    if header is None:
        raise UserError("it has no header: begin with a line such as x = 3, y = 3, rule = B3/S23")
    width, height = int(header[1]), int(header[2])
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
        raise UserError(
            f"x = {width}, y = {height} is not in 1 … {MAX_SIDE} each: give a smaller pattern, or one cell"
        )

    # The last rule counts: in the body, in the header, or in the comments before it.
    body = _body(lines[start + 1 :])
    named = _named(body) or header[3] or _named(lines[:start])
    if named is None:
        return Pattern(_cells(_runs(body), height, width), None, {})
    text, bounded, grid = named.strip().removesuffix(",").partition(":")
    rule = _rule(text.strip())
    board = _grid(grid.strip()) if bounded else {}
    corner = _corner(lines[:start]) if bounded else None
    return Pattern(_cells(_runs(body), height, width), rule, board, corner)


def _body(lines: Sequence[str]) -> Sequence[str]:
    """Return the lines below the header, up to the one that ends the runs."""
    end = next((k for k, line in enumerate(lines) if "!" in line and not line.startswith("#")), len(lines))
    return lines[: end + 1]


def _named(lines: Sequence[str]) -> str | None:
    """Return the rule that the last line `#r` names; None if there is no such line."""
    rules = [line[2:].strip() for line in lines if re.match(r"#r[\s0-9/]", line, re.ASCII)]
    return rules[-1] if rules else None


def _runs(body: Sequence[str]) -> str:
    """Return the body without its comments."""
    return "\n".join(line for line in body if not line.startswith("#"))


def _corner(comments: Sequence[str]) -> tuple[int, int] | None:
    """Return the row and column of the plane in the last `#CXRLE Pos=COLUMN,ROW`, or None."""
    corner = None
    for line in comments:
        if line.startswith(_EXTENDED) and re.search(r"\sPos\b", line):
            position = _POSITION.search(line)
            if position is None:
                raise UserError(
                    f"its line {line[:40]!r} gives no position: write two whole numbers, as "
                    f"{_EXTENDED} Pos=-3,-2, or leave it out"
                )
            corner = int(position[2]), int(position[1])
    return corner


def _cells(runs: str, height: int, width: int) -> Grid:
    """Return the cells `(height, width)` that the runs draw. Raises UserError if they are malformed."""
    cells = np.zeros((height, width), np.uint8)
    at = row = column = 0
    # Not `finditer`, which takes hours if a megabyte of digits has no letter.
    while run := _RUN.match(runs, at):
        at, tag = run.end(), run[2]
        if tag not in _DEAD + _LIVE + "$!":
            raise UserError(f"{tag!r} is in it, and only {_READ} are read")
        count = _count(run[1].lstrip(_BLANKS), tag, row)
        if tag == "!":
            return cells
        if tag == "$":
            row, column = row + count, 0
        else:
            if row >= height or column + count > width:
                raise UserError(f"row {row} has a cell outside x = {width}, y = {height}: correct the header")
            cells[row, column : column + count] = tag in _LIVE
            column += count
    raise UserError(f"it ends without !, and only {_READ} are read")


def _count(text: str, tag: str, row: int) -> int:
    """Return the count before a letter. row: for errors."""
    if set(text) & set(_BLANKS):
        where = "a line's end" if "\n" in text else "a blank"
        raise UserError(
            f"row {row} has {where} between a count and its {tag}: "
            f"write {text.rsplit(maxsplit=1)[-1][:9]}{tag}"
        )
    if len(text) > 9:
        raise UserError(f"row {row} has a count of {len(text)} digits: counts of up to 9 are read")
    if text and int(text) == 0:
        raise UserError(f"row {row} has a count of 0: counts are 1 and more, and 1 may be left out")
    return int(text or 1)


def _rule(text: str) -> str:
    """Return a rule of a file in the notation of `life`. Raises UserError if it is of another kind."""
    for form in _RULES:
        if match := form.fullmatch(text):
            return Params(rule=f"B{match['born']}/S{match['survives']}").rule
    name = re.sub("[ _-]", "", text.lower().replace("&", "and"))
    if name in _NAMED:
        return VARIANTS[_NAMED[name]].rule
    known = text if len(text) <= _LONGEST_RULE else ""
    what = next((what for form, what in _FOREIGN if form.fullmatch(known)), "is not known")
    raise UserError(
        f"its rule {text[:40]!r} {what}: only rules of two states that count all eight neighbours are read, "
        "written as B3/S23 or 23/3 or named Life, Day & Night, Maze or Seeds"
    )


def _grid(text: str) -> dict[str, int | bool]:
    """Return the parameters of a bounded grid, such as T30,20. Raises UserError if it is of another kind."""
    match = _GRID.fullmatch(text)
    if match is None:
        raise UserError(
            f"its bounded grid {text[:40]!r} is not read: write a torus as T30,20 or a plane as P30,20, "
            "with finite sides and without shift or twist, or leave it out"
        )
    return {"height": int(match[3] or match[2]), "width": int(match[2]), "torus": match[1] in "Tt"}


@final
class RleSource(FileSource):
    """Read pattern files: the pattern is train row 0, and there is no other row."""

    suffix = ".rle"

    def parse(self, rest: str) -> tuple[str, Mapping[str, str]]:
        return path_and_params(rest)

    def rules(self, params: Mapping[str, object]) -> tuple[Verifier, Params]:
        return TASK, _params(params)

    def expand(self, path: Path) -> list[str]:
        return files_below(path, self.suffix)

    def load(self, path: Path, params: Mapping[str, object], seed: int, pool: int) -> Dataset:
        """Return one file as a data set.

        Raises UserError if it is not a pattern, or does not fit the params.
        """
        if path.is_dir():
            raise UserError(
                f"{path} is a folder and a pattern is one file: name one in it, as {PREFIX}{path}/….rle"
            )
        data = read_bounded(path, "pattern file", MAX_BYTES)
        try:
            pattern = parse(data.decode("utf-8-sig", "replace"))
            placed = _place(pattern, params)
            question = _drawn(pattern, placed)
        except UserError as error:
            raise UserError(f"pattern file {path}: {error}") from None

        # The only row of the data set.
        name = _name(path, placed)
        steps = TASK.steps(placed, question, question)
        meta: dict[str, Any] = {"file": path.stem, "digest": hashlib.sha256(data).hexdigest()[:16]}
        meta["difficulty"] = dict(TASK.difficulty(placed, question, steps[-1]))
        row = Instance(name, placed, seed, "train", 0, question, steps[-1], steps, meta)

        # Both splits say where more rows come from.
        split = SplitSpec(name, TASK.version, params_json(placed), seed, "train", pool)
        alike = spec(TASK.family, params_json(placed)).name
        shortage = f" (a pattern is one question, train row 0; random boards alike are {alike})"
        train = StoredSplit(split, (row,), shortage)
        test = StoredSplit(replace(split, split="test"), (), shortage)
        return Dataset(name, TASK, placed, seed, pool, train, test)


SOURCES = {"life-rle": RleSource()}


def _params(given: Mapping[str, object]) -> Params:
    """Return the parameters of `life` with those that are given."""
    if "density" in given:
        raise UserError("a pattern's cells are given, and density is of random boards: leave it out")
    params: Params = spec(TASK.family, given).params
    return params


def _place(pattern: Pattern, given: Mapping[str, object]) -> Params:
    """Return the parameters of a pattern's question, with the size of its grid.

    Raises UserError if the given parameters contradict the file, or the pattern does not fit.
    """
    # Parameters that the file gives too must agree with it.
    params = _params(given)
    for name, value in pattern.board.items():
        if name in given and getattr(params, name) != value:
            said = str(value).lower() if name == "torus" else value
            raise UserError(
                f"its bounded grid says {name}={said} and another {name} was given: leave that out"
            )
    given = {**given, **pattern.board}
    params = _params(given)
    if "rule" in given and pattern.rule not in (None, params.rule):
        raise UserError(f"its rule is {pattern.rule} and rule={params.rule} was given: leave that out")

    # If no size is given, the grid is the pattern's box with a margin.
    rule = pattern.rule or params.rule
    if rule.startswith("B0") and not params.torus and not {"height", "width"} <= set(given):
        raise UserError(
            f"its rule {rule} brings the empty plane to life, so no margin is wide enough: give height= and "
            "width=, where cells outside are dead, or torus=true"
        )
    sides = dict(zip(("height", "width"), pattern.cells.shape, strict=True))
    for side, cells in sides.items():
        if side not in given:
            sides[side] = cells + 2 * params.steps
            if sides[side] > MAX_SIDE:
                raise UserError(
                    f"{plural(cells, 'cell')} and {plural(params.steps, 'step')} on both sides make a "
                    f"{side} of {sides[side]}, over {MAX_SIDE}: give {side}=, up to {MAX_SIDE}, where cells "
                    "outside are dead, or fewer steps"
                )
        elif getattr(params, side) < cells and pattern.corner is None:
            raise UserError(
                f"{side}={getattr(params, side)} does not hold the pattern: give at least {cells}"
            )
        else:
            sides[side] = getattr(params, side)
    return replace(params, rule=rule, **sides)


def _drawn(pattern: Pattern, params: Params) -> Grid:
    """Return the pattern in its grid. Raises UserError if its position puts a live cell outside."""
    height, width = pattern.cells.shape
    top, left = pattern.corner or (-(height // 2), -(width // 2))
    rows, columns = np.nonzero(pattern.cells)
    rows, columns = rows + top + params.height // 2, columns + left + params.width // 2
    inside = (rows >= 0) & (rows < params.height) & (columns >= 0) & (columns < params.width)
    if not inside.all():
        raise UserError(
            f"its {_EXTENDED} Pos={left},{top} puts live cells outside its bounded grid, whose columns are "
            f"{_span(params.width)} and rows {_span(params.height)}: correct it or leave it out"
        )
    grid = np.zeros((params.height, params.width), np.uint8)
    grid[rows, columns] = 1
    return grid


def _span(side: int) -> str:
    """Return the plane's coordinates that a side of a bounded grid covers."""
    return f"{-(side // 2)} … {side - side // 2 - 1}"


def _name(path: Path, params: Params) -> str:
    """Return the canonical name. The size is always in it, so answers can be verified without the file."""
    usual = params_json(Params())
    kept = {k: v for k, v in params_json(params).items() if v != usual[k] or k in ("height", "width")}
    text = {k: str(v).lower() if isinstance(v, bool) else v for k, v in sorted(kept.items())}
    return f"{PREFIX}{path.as_posix()}?{urlencode(text, safe='/')}"
