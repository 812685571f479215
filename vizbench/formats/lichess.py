"""Chess puzzles from a CSV file in the layout of the Lichess puzzle database, as questions of the room `chess`.

A header names the columns: PuzzleId, FEN and Moves, and, if there, Themes and Rating; others are not read. The first
move in Moves is the opponent's and leads from FEN to the question; the rest, up to the mate, is the process. Where
black mates, the board is turned over and its colours swapped, so that white is to move (`flipped` in `meta`).

`lichess-csv:FILE?mate=2` holds the file's mates in 2, without a parameter the mates in 1. What is malformed is reported
by line and the rest is read; what is no such mate is counted. A picture tells nothing of castling rights and en
passant, so puzzles where these could matter are left out. `sides` decides which puzzles are test, as for all tasks.
"""

from __future__ import annotations

import csv
import hashlib
import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Final, final

import chess
import numpy as np
import numpy.typing as npt

from vizbench import chessrules
from vizbench.dataset import Dataset, Recipe, Split, StoredSplit
from vizbench.errors import UserError
from vizbench.formats.files import open_regular
from vizbench.generators.chess import TASK, Params
from vizbench.generators.kernels.distance import far_enough
from vizbench.sides import is_test
from vizbench.sources import FileSource, files_below, path_and_params
from vizbench.task import Judge, params_json, spec
from vizbench.types import Batch, Grid, Grids, Instance, SplitName
from vizbench.words import plural

PREFIX = "lichess-csv:"

MAX_LINES = 10_000_000
"""The whole database has half as many."""
MAX_LINE = 4_096
MAX_PUZZLES = 20_000
"""Puzzles of a file that are held: reading stops there. Proving a mate in 3 takes 10 ms."""
MAX_FAULTS = 1_000
"""Malformed lines that are kept with their reasons."""

_NEEDED = ("PuzzleId", "FEN", "Moves")
_ID = re.compile(r"[\w-]{1,40}", re.ASCII)
_MOVES = re.compile(r"[a-h][1-8][a-h][1-8][nbrq]?( [a-h][1-8][a-h][1-8][nbrq]?){1,199}", re.ASCII)
_FEN = re.compile(r"[pnbrqkPNBRQK1-8/]{15,71} [wb] (-|K?Q?k?q?) (-|[a-h][36])( \d{1,4} \d{1,4})?", re.ASCII)
_THEME = re.compile(r"\bmateIn(\d)\b", re.ASCII)
_SHOWN = 20  # malformed lines that a message tells

_log = logging.getLogger(__name__)


@final
class MalformedError(Exception):
    """Why a line is no puzzle."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Puzzle:
    """line: its number in the file, from 1; question `(8, 8)` uint8; steps `(k, 8, 8)`: the boards after each move of
    the solution; moves: these, in the notation of engines; flipped: whether black was to move."""

    line: int
    id: str
    rating: int | None
    question: Grid
    steps: Grids
    moves: tuple[str, ...]
    flipped: bool


@final
@dataclass(frozen=True, slots=True, eq=False)
class Puzzles:
    """What a file holds. faults: line and reason of the first MAX_FAULTS malformed lines, `malformed` how many there
    are; others: how many puzzles were left out, by what follows the word puzzle; unread: the line where MAX_PUZZLES
    were found and reading stopped, 0 where it did not; digest: of what was read."""

    found: tuple[Puzzle, ...]
    malformed: int
    faults: tuple[tuple[int, str], ...]
    others: Mapping[str, int]
    unread: int
    digest: str

    def summary(self) -> str:
        """One sentence without its end: what was left out, or ""."""
        parts = [f"{plural(count, 'puzzle')} {reason}" for reason, count in sorted(self.others.items())]
        if self.malformed:
            shown = self.faults[:_SHOWN]
            told = "; ".join(f"line {line}: {reason}" for line, reason in shown)
            more = f"; and {self.malformed - len(shown):,} more" if self.malformed > len(shown) else ""
            parts.insert(0, f"{plural(self.malformed, 'malformed line')} ({told}{more})")
        if self.unread:
            parts.append(f"all from line {self.unread:,} on, for {MAX_PUZZLES:,} are held at most")
        return ", ".join(parts)


def read(path: Path, mate: int) -> Puzzles:
    """The puzzles of a file that are mates in `mate` moves, 1 … 3, each proved, in the file's order.

    UserError where it is no regular file, has no header with PuzzleId, FEN and Moves, or over MAX_LINES lines.
    """
    found: list[Puzzle] = []
    faults: list[tuple[int, str]] = []
    others, malformed, unread = Counter[str](), 0, 0
    seen: set[bytes] = set()
    digest = hashlib.sha256()
    with open_regular(path, "puzzle file") as file:
        lines = _lines(file, path)
        header = _header(next(lines, (1, b""))[1], path)
        for line, data in lines:
            if len(found) == MAX_PUZZLES:
                unread = line
                break
            digest.update(data)
            try:
                puzzle = _puzzle(line, _columns(data, header), mate)
            except MalformedError as error:
                malformed += 1
                faults += [(line, str(error))] if len(faults) < MAX_FAULTS else []
                continue
            if isinstance(puzzle, str):
                others[puzzle] += 1
            elif puzzle.question.tobytes() in seen:
                others["of a position that came before"] += 1
            else:
                seen.add(puzzle.question.tobytes())
                found.append(puzzle)
    return Puzzles(tuple(found), malformed, tuple(faults), dict(others), unread, digest.hexdigest()[:16])


def _lines(file: BinaryIO, path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers from 1. Of a long one just over MAX_LINE bytes are kept."""
    line = 0
    while data := file.readline(MAX_LINE + 1):
        line += 1
        if line > MAX_LINES:
            raise UserError(f"puzzle file {path} has over {MAX_LINES:,} lines, the most that are read: split it")
        rest = data
        while len(rest) > MAX_LINE and not rest.endswith(b"\n"):
            rest = file.readline(MAX_LINE + 1)
        if data.strip():
            yield line, data


def _fields(data: bytes) -> list[str]:
    """The fields of one line."""
    if len(data) > MAX_LINE:
        raise MalformedError(f"it is over {MAX_LINE:,} bytes long")
    try:
        return next(csv.reader([data.decode("utf-8-sig").rstrip("\r\n")], strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise MalformedError(f"it is no line of CSV ({error})") from None


def _header(data: bytes, path: Path) -> list[str]:
    try:
        names = _fields(data)
    except MalformedError:
        names = []
    if len(set(names)) != len(names) or not set(_NEEDED) <= set(names):
        raise UserError(f"puzzle file {path} has no header with {', '.join(_NEEDED)}: put the columns' names on line 1")
    return names


def _columns(data: bytes, header: list[str]) -> dict[str, str]:
    """A line's fields by their column, those of the right form."""
    fields = _fields(data)
    if len(fields) != len(header):
        raise MalformedError(f"it has {plural(len(fields), 'column')} where the header has {len(header)}")
    row = dict(zip(header, fields, strict=True))
    for name, form in (("PuzzleId", _ID), ("FEN", _FEN), ("Moves", _MOVES)):
        if not form.fullmatch(row[name]):
            raise MalformedError(f"{name} is {row[name][:40]!r}")
    if not re.fullmatch(r"\d{0,5}", row.get("Rating", ""), re.ASCII):
        raise MalformedError(f"Rating is {row['Rating'][:40]!r}")
    return row


def _puzzle(line: int, row: dict[str, str], mate: int) -> Puzzle | str:
    """The puzzle of a row, or why it is left out. MalformedError where it is none, or not what its Themes say."""
    moves = [chess.Move.from_uci(move) for move in row["Moves"].split()]
    themes = row.get("Themes", "")
    named = {int(number) for number in _THEME.findall(themes)}
    if (themes and not named & {1, 2, 3}) or (not named and len(moves) not in (2, 4, 6)):
        return "without a mate in 1 … 3"
    length = min(named, default=len(moves) // 2)
    if length != mate and named:
        return f"with a mate in {length} (mate={length})"
    if len(moves) != 2 * length:
        raise MalformedError(
            f"Themes say mate in {length}, and Moves has {plural(len(moves), 'move')} where that takes {2 * length}"
        )
    boards = _played(row["FEN"], moves)
    if not boards[-1].is_checkmate():
        if named:
            raise MalformedError(f"Themes say mate in {length}, and Moves do not end in mate")
        return "without a mate in 1 … 3"
    if length != mate:
        return f"with a mate in {length} (mate={length})"
    if _rights_matter(boards[1], mate):
        return "where castling or en passant could matter"
    flipped = boards[1].turn == chess.BLACK
    question, *steps = (chessrules.codes(board.mirror() if flipped else board) for board in boards[1:])
    _prove(question, np.stack(steps), mate)
    shown = tuple(_mirrored(move).uci() if flipped else move.uci() for move in moves[1:])
    rating = int(row["Rating"]) if row.get("Rating") else None
    return Puzzle(line, row["PuzzleId"], rating, question, np.stack(steps), shown, flipped)


def _played(fen: str, moves: list[chess.Move]) -> list[chess.Board]:
    """The board of `fen`, then after each move."""
    try:
        boards = [chess.Board(fen)]
    except ValueError as error:
        raise MalformedError(f"FEN is {fen[:90]!r} ({str(error)[:60]})") from None
    if not boards[0].is_valid():
        raise MalformedError(f"FEN {fen[:90]!r} is no legal position")
    for number, move in enumerate(moves):
        if not boards[-1].is_legal(move):
            raise MalformedError(f"move {number + 1} of Moves, {move.uci()}, is illegal")
        boards.append(boards[-1].copy(stack=False))
        boards[-1].push(move)
    return boards


def _rights_matter(board: chess.Board, mate: int) -> bool:
    """Whether castling rights or en passant, which a picture does not show, could decide a mate in `mate` moves."""
    castles = any(True for _ in board.generate_castling_moves())
    return castles or board.has_legal_en_passant() or (mate > 1 and board.clean_castling_rights() != 0)


def _prove(question: Grid, steps: Grids, mate: int) -> None:
    """Refuse moves that do not force mate in `mate` moves, one and all, or a mate that is longer than it need be."""
    row = Instance(TASK.family, Params(mate), 0, "train", 0, question, steps[0], steps)
    verdict = TASK.verify_steps(row, steps)
    if not verdict.valid:
        raise MalformedError(f"its moves force no mate in {mate} ({verdict.reason})")
    for less in range(1, mate):
        if TASK.solve(Params(less), question) is not None:
            raise MalformedError(f"a mate in {less} is there, and its moves take {mate}")


def _mirrored(move: chess.Move) -> chess.Move:
    return chess.Move(chess.square_mirror(move.from_square), chess.square_mirror(move.to_square), move.promotion)


@final
class LichessSource(FileSource):
    """Puzzle files. Whatever the seed, the rows are the file's."""

    suffix = ".csv"

    def parse(self, rest: str) -> tuple[str, Mapping[str, str]]:
        return path_and_params(rest)

    def rules(self, params: Mapping[str, object]) -> tuple[Judge, Params]:
        return TASK, spec(TASK.family, params).params

    def expand(self, path: Path) -> list[str]:
        return files_below(path, self.suffix)

    def load(self, path: Path, params: Mapping[str, object], seed: int, pool: int) -> Dataset:
        """One file as a data set. What was left out is logged as a warning, and said where it lacks the rows asked.

        UserError where the file is none, see `read`. Test rows keep the room's distance to the first `pool` train rows.
        """
        if path.is_dir():
            raise UserError(f"{path} is a folder and a puzzle file is one: name one in it, as {PREFIX}{path}/….csv")
        chosen: Params = spec(TASK.family, params).params
        puzzles = read(path, chosen.mate)
        mates = plural(len(puzzles.found), f"mate in {chosen.mate}", f"mates in {chosen.mate}")
        if left_out := puzzles.summary():
            _log.warning("puzzle file %s: %s; left out: %s", path, mates, left_out)
        train, test = _divided(puzzles.found, pool)
        name = f"{PREFIX}{path.as_posix()}?mate={chosen.mate}"
        recipe = Recipe(name, TASK.version, params_json(chosen), seed, "train", pool)
        meta: dict[str, Any] = {"file": path.stem, "digest": puzzles.digest}

        def split(side: SplitName, chosen_puzzles: list[Puzzle]) -> Split:
            rows = [_instance(replace(recipe, split=side), chosen, i, p, meta) for i, p in enumerate(chosen_puzzles)]
            shortage = f" of the file's {mates}"
            return StoredSplit(replace(recipe, split=side), tuple(rows), shortage + (left_out and f" ({left_out})"))

        return Dataset(name, TASK, chosen, seed, pool, split("train", train), split("test", test))


SOURCES: Final = {"lichess-csv": LichessSource()}


def _divided(puzzles: tuple[Puzzle, ...], pool: int) -> tuple[list[Puzzle], list[Puzzle]]:
    """Train and test. A position is on the same side in every file, so no file gives away another's test."""
    if not puzzles:
        return [], []
    sides = is_test(np.stack([puzzle.question.reshape(-1) for puzzle in puzzles]))
    train = [p for p, side in zip(puzzles, sides, strict=True) if not side]
    test = [p for p, side in zip(puzzles, sides, strict=True) if side]
    if not test or not train[:pool]:
        return train, test
    apart = far_enough(_features(test), _features(train[:pool]), TASK.min_distance, False)
    return train, [p for p, far in zip(test, apart, strict=True) if far]


def _features(puzzles: list[Puzzle]) -> npt.NDArray[np.uint8]:
    batch = Batch(np.stack([p.question for p in puzzles]), np.stack([p.steps[0] for p in puzzles]))
    return TASK.features(Params(), batch)


def _instance(recipe: Recipe, params: Params, index: int, puzzle: Puzzle, shared: dict[str, Any]) -> Instance:
    meta = shared | {
        "item": f"line {puzzle.line}",
        "puzzle": puzzle.id,
        "rating": puzzle.rating,
        "flipped": puzzle.flipped,
        "line": " ".join(puzzle.moves),
    }
    question, steps = puzzle.question, puzzle.steps
    side, seed, pool = recipe.split, recipe.seed, recipe.pool
    return Instance(recipe.task, params, seed, side, index, question, steps[0], steps, meta, pool)
