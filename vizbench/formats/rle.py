"""Life patterns in Run Length Encoded files, the format of most pattern collections, as one question each.

The format is LifeWiki's (page Run Length Encoded). Lines that begin with # are comments (before the header, `#r` names
a rule), then comes a header, `x = 3, y = 3, rule = B3/S23`, then runs: a count, written to its letter, and `b` or `.`
(dead), `o`, `A`, `x`, `y` or `z` (live) or `$` (end of row), until `!`; the rest is not read. Cells left out are dead.
A rule is written B3/S23, b3s23, B2 (no survival) or 23/3 (survival first), or is Life, Day & Night, Maze or Seeds.

`life-rle:FILE?steps=4` takes the parameters of the room `life` but density. The board is the pattern's box and, on each
side, as many cells as steps, so that nothing reaches the edge; height and width choose another, the pattern in its
middle. So does a bounded grid of Golly's: B3/S23:T30,20 is a torus 30 wide and 20 high, :P30,20 such a board with dead
edges, and one number stands for both sides. The file's rule holds; without one, the rule given, else B3/S23.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final
from urllib.parse import urlencode

import numpy as np

from vizbench.dataset import Dataset, Recipe, StoredSplit
from vizbench.errors import UserError
from vizbench.formats.files import read_bounded
from vizbench.generators.life import TASK, VARIANTS, Params
from vizbench.sources import FileSource, files_below, path_and_params
from vizbench.task import Judge, params_json, spec
from vizbench.types import Grid, Instance
from vizbench.words import plural

PREFIX = "life-rle:"

MAX_BYTES = 1 << 20
MAX_SIDE = 256
"""Sides of a pattern's box; a board of the room `life` has at most as many."""

_HEADER = re.compile(r"x\s*=\s*(\d{1,9})\s*,\s*y\s*=\s*(\d{1,9})\s*(?:,\s*rule\s*=\s*(\S.*))?", re.ASCII | re.I)
_BLANKS = " \t\r\n"
_RUN = re.compile(rf"([0-9{_BLANKS}]*)([^0-9{_BLANKS}])")
_DEAD, _LIVE = "b.", "oAxyz"
_READ = "runs of b (dead), o (live), $ (end of row) and at last !"
_RULES = tuple(
    re.compile(form, re.ASCII | re.I)
    for form in (
        r"B(?P<born>[0-8]{0,9})/?S(?P<survives>[0-8]{0,9})",
        r"B(?P<born>[0-8]{1,9})(?P<survives>)",
        r"(?P<survives>[0-8]{0,9})/(?P<born>[0-8]{0,9})",
    )
)
_NAMED = {"life": "conway", "dayandnight": "day-and-night", "maze": "maze", "seeds": "seeds"}
"""Rules by their names in small letters, without blanks and hyphens, as variants of the room."""
_GRID = re.compile(r"([TP])([1-9][0-9]{0,8})(?:,([1-9][0-9]{0,8}))?", re.ASCII | re.I)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """cells: the pattern's box, `(h, w)` uint8, 1 where live; rule: as B3/S23, None where the file names none;
    board: the parameters height, width and torus that the file's bounded grid gives, else empty."""

    cells: Grid
    rule: str | None
    board: Mapping[str, int | bool]


def parse(text: str) -> Pattern:
    """Read the text of a pattern file. UserError, one sentence, for all that is no pattern of two states."""
    lines = [line for line in text.splitlines() if line.strip()]
    start = next((k for k, line in enumerate(lines) if not line.startswith("#")), len(lines))
    rules = [line[2:].strip() for line in lines[:start] if line.startswith("#r")]
    header = _HEADER.fullmatch(lines[start].strip()) if start < len(lines) else None
    if header is None:
        raise UserError("it has no header: begin with a line such as x = 3, y = 3, rule = B3/S23")
    width, height = int(header[1]), int(header[2])
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
        raise UserError(f"x = {width}, y = {height} is not in 1 … {MAX_SIDE} each: give a smaller pattern, or one cell")
    cells = _cells("\n".join(line for line in lines[start + 1 :] if not line.startswith("#")), height, width)
    named = header[3] or (rules[0] if rules else None)
    if named is None:
        return Pattern(cells, None, {})
    rule, bounded, grid = named.partition(":")
    return Pattern(cells, _rule(rule.strip()), _grid(grid.strip()) if bounded else {})


def _cells(runs: str, height: int, width: int) -> Grid:
    """The cells `(height, width)` that the runs draw."""
    cells = np.zeros((height, width), np.uint8)
    at = row = column = 0
    while run := _RUN.match(runs, at):  # not finditer, which takes hours to find no end in a megabyte of digits
        at, tag = run.end(), run[2]
        if tag not in _DEAD + _LIVE + "$!":
            raise UserError(f"{tag!r} is in it, where {_READ} are read")
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
    raise UserError(f"it ends without !, where {_READ} are read")


def _count(text: str, tag: str, row: int) -> int:
    """The count before a letter. row: where it stands, for errors."""
    if set(text) & set(_BLANKS):
        where = "a line's end" if "\n" in text else "a blank"
        raise UserError(
            f"row {row} has {where} between a count and its {tag}: write {text.rsplit(maxsplit=1)[-1][:9]}{tag}"
        )
    if len(text) > 9:
        raise UserError(f"row {row} has a count of {len(text)} digits: counts of up to 9 are read")
    if text and int(text) == 0:
        raise UserError(f"row {row} has a count of 0: counts are 1 and more, and 1 may be left out")
    return int(text or 1)


def _rule(text: str) -> str:
    """A rule of a file in the room's notation."""
    for form in _RULES:
        if found := form.fullmatch(text):
            return Params(rule=f"B{found['born']}/S{found['survives']}").rule
    name = re.sub("[ _-]", "", text.lower().replace("&", "and"))
    if name in _NAMED:
        return VARIANTS[_NAMED[name]].rule
    raise UserError(
        f"its rule {text[:40]!r} is none that is read: write one of two states and eight neighbours as B3/S23"
    )


def _grid(text: str) -> dict[str, int | bool]:
    """The board of a bounded grid, such as T30,20."""
    found = _GRID.fullmatch(text)
    if found is None:
        raise UserError(
            f"its bounded grid {text[:40]!r} is neither a torus nor a plane of two finite sides: write it as T30,20 or "
            "P30,20, or leave it out"
        )
    return {"height": int(found[3] or found[2]), "width": int(found[2]), "torus": found[1] in "Tt"}


@final
class RleSource(FileSource):
    """Pattern files of the room `life`: the pattern is train row 0, and there is no other row."""

    suffix = ".rle"

    def parse(self, rest: str) -> tuple[str, Mapping[str, str]]:
        return path_and_params(rest)

    def rules(self, params: Mapping[str, object]) -> tuple[Judge, Params]:
        return TASK, _params(params)

    def expand(self, path: Path) -> list[str]:
        return files_below(path, self.suffix)

    def load(self, path: Path, params: Mapping[str, object], seed: int, pool: int) -> Dataset:
        """One file as a data set. UserError, with the file and the reason, for anything that is no pattern."""
        if path.is_dir():
            raise UserError(f"{path} is a folder and a pattern is one file: name one in it, as {PREFIX}{path}/….rle")
        data = read_bounded(path, "pattern file", MAX_BYTES)
        try:
            pattern = parse(data.decode("utf-8-sig", "replace"))
            placed = _place(pattern, params)
        except UserError as error:
            raise UserError(f"pattern file {path}: {error}") from None
        name = _name(path, placed)
        question = _board(pattern.cells, placed)
        steps = TASK.steps(placed, question, question)
        meta: dict[str, Any] = {"file": path.stem, "digest": hashlib.sha256(data).hexdigest()[:16]}
        meta["difficulty"] = dict(TASK.difficulty(placed, question, steps[-1]))
        row = Instance(name, placed, seed, "train", 0, question, steps[-1], steps, meta)
        recipe = Recipe(name, TASK.version, params_json(placed), seed, "train", pool)
        alike = spec(TASK.family, params_json(placed)).name
        shortage = f" (a pattern is one question, train row 0; random boards alike are {alike})"
        train = StoredSplit(recipe, (row,), shortage)
        return Dataset(name, TASK, placed, seed, pool, train, StoredSplit(replace(recipe, split="test"), (), shortage))


SOURCES = {"life-rle": RleSource()}


def _params(given: Mapping[str, object]) -> Params:
    """The room's parameters with those given."""
    if "density" in given:
        raise UserError("a pattern's cells are given, and density is of random boards: leave it out")
    params: Params = spec(TASK.family, given).params
    return params


def _place(pattern: Pattern, given: Mapping[str, object]) -> Params:
    """The parameters of a pattern's question, its board's size among them."""
    params = _params(given)
    for name, value in pattern.board.items():
        if name in given and getattr(params, name) != value:
            said = str(value).lower() if name == "torus" else value
            raise UserError(f"its bounded grid says {name}={said} and another {name} was given: leave that out")
    given = {**given, **pattern.board}
    params = _params(given)
    if "rule" in given and pattern.rule not in (None, params.rule):
        raise UserError(f"its rule is {pattern.rule} and rule={params.rule} was given: leave that out")
    rule = pattern.rule or params.rule
    if rule.startswith("B0") and not params.torus and not {"height", "width"} <= set(given):
        raise UserError(
            f"its rule {rule} brings the empty plane to life, so no margin is wide enough: give height= and width=, "
            "where cells outside are dead, or torus=true"
        )
    sides = dict(zip(("height", "width"), pattern.cells.shape, strict=True))
    for side, cells in sides.items():
        if side not in given:
            sides[side] = cells + 2 * params.steps
            if sides[side] > MAX_SIDE:
                raise UserError(
                    f"{plural(cells, 'cell')} and {plural(params.steps, 'step')} on both sides make a {side} of "
                    f"{sides[side]}, over {MAX_SIDE}: give {side}=, up to {MAX_SIDE}, where cells outside are dead, or "
                    "fewer steps"
                )
        elif getattr(params, side) < cells:
            raise UserError(f"{side}={getattr(params, side)} does not hold the pattern: give {cells} at least")
        else:
            sides[side] = getattr(params, side)
    return replace(params, rule=rule, **sides)


def _board(cells: Grid, params: Params) -> Grid:
    """The pattern in the middle of its board."""
    top, left = (params.height - cells.shape[0]) // 2, (params.width - cells.shape[1]) // 2
    board = np.zeros((params.height, params.width), np.uint8)
    board[top : top + cells.shape[0], left : left + cells.shape[1]] = cells
    return board


def _name(path: Path, params: Params) -> str:
    """The canonical name. The size is always in it, so that judging needs no file, and loading gives the same."""
    usual = params_json(Params())
    kept = {k: v for k, v in params_json(params).items() if v != usual[k] or k in ("height", "width")}
    text = {k: str(v).lower() if isinstance(v, bool) else v for k, v in sorted(kept.items())}
    return f"{PREFIX}{path.as_posix()}?{urlencode(text, safe='/')}"
