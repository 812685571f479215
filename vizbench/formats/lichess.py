"""Read chess puzzles from CSV files of the Lichess puzzle database, as questions of the task `chess`.

A header names the columns: PuzzleId, FEN and Moves, and optionally Themes and Rating. Other columns are not
read. The first move in Moves is the opponent's, and leads from FEN to the question. The others, up to the
mate, are the process. If black mates, the board is turned over and its colours are swapped, so that white
is to move (`flipped` in `meta`).

The file is CSV as in RFC 4180, in UTF-8, or in UTF-16 or UTF-32 with a byte order mark. A quoted field may
hold line ends. A fault in an optional field costs no puzzle: a Rating that is not a number is None, and an id
that a spreadsheet has turned into a number is kept as written, with a warning.

`lichess-csv:FILE?mate=2` holds the file's mates in 2. Without a parameter it holds the mates in 1.
Malformed records are reported by line, and other puzzles are counted. A picture shows neither castling
rights nor en passant, so puzzles in which these could matter are left out. `is_test` decides which puzzles
are test, as for all tasks.
"""

from __future__ import annotations

import csv
import hashlib
import io
import logging
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Final, TextIO, final

import numpy as np
import numpy.typing as npt

from vizbench._util.files import open_regular
from vizbench._util.params import path_and_params
from vizbench._util.text import encoding_of, plural
from vizbench.dataset.leakage import is_test
from vizbench.dataset.splits import Dataset, Split, SplitSpec, StoredSplit
from vizbench.errors import UserError
from vizbench.formats.file_source import FileSource, files_below
from vizbench.generators.chess import rules as chessrules
from vizbench.generators.chess.rules import Position
from vizbench.generators.chess.task import TASK, Params
from vizbench.kernels.pairwise_distance import far_enough
from vizbench.task.contract import Verifier
from vizbench.task.registry import params_json, spec
from vizbench.types import Batch, Grid, Grids, Instance, SplitName

PREFIX = "lichess-csv:"
"""The beginning of these tasks' names."""

MAX_LINES = 10_000_000
"""Lines of the largest file: the whole database has half as many."""
MAX_LINE = 4_096
"""Characters of a line, and of a record of several lines."""
MAX_RECORD_LINES = 64
"""Lines of a record: one with a broken quote ends there."""
MAX_PUZZLES = 20_000
"""Puzzles of a file that are read: proving a mate in 3 takes 10 ms."""
MAX_FAULTS = 1_000
"""Malformed records that are kept with their reasons."""

_NEEDED = ("PuzzleId", "FEN", "Moves")
_READ = (*_NEEDED, "Themes", "Rating")
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
_ID = re.compile(r"[\w-]{1,40}", re.ASCII)
_LOST_ID = re.compile(r"\d{1,20}([.,]\d{1,20})?E[+-]\d{1,9}|\d{1,20}[.,]\d{1,20}", re.ASCII | re.IGNORECASE)
"""What spreadsheets turn ids such as 6E087 and 12345 into."""
_MOVES = re.compile(r"[a-h][1-8][a-h][1-8][nbrq]?( [a-h][1-8][a-h][1-8][nbrq]?){1,199}", re.ASCII)
_THEME = re.compile(r"\bmateIn(\d)\b", re.ASCII)
_ABSENT = ("nan", "none", "null", "na", "n/a", "<na>", "[]")
"""How programs write an empty field."""
_SHOWN = 20
"""Malformed records that a message names."""

_log = logging.getLogger(__name__)


@final
class MalformedError(Exception):
    """Report why a record is not a puzzle, in the message."""


@final
@dataclass(frozen=True, slots=True)
class _Record:
    """One record of the file, or the first line of something that is not a record."""

    line: int
    """The number of its first line, from 1."""
    text: str
    """Its lines as they are in the file."""
    fields: list[str]
    fault: str
    """Why it is not a record; empty if it is one."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Puzzle:
    """A mate of the file."""

    line: int
    """The number of its first line in the file, from 1."""
    id: str
    """Its id in the database."""
    rating: int | None
    """Its rating; None if the file does not say."""
    question: Grid
    """The board, `(8, 8)` uint8, white to move."""
    steps: Grids
    """The boards after each move of the solution, `(k, 8, 8)`."""
    moves: tuple[str, ...]
    """The moves of the solution, in UCI notation such as e7e8q."""
    flipped: bool
    """Whether black was to move."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Puzzles:
    """The puzzles of a file, and what was left out."""

    kept: tuple[Puzzle, ...]
    """The puzzles, in the order of the file."""
    malformed: int
    """How many records are not puzzles."""
    faults: tuple[tuple[int, str], ...]
    """Line and reason of the first MAX_FAULTS of these."""
    others: Mapping[str, int]
    """How many puzzles were left out, by reason: the words that follow `puzzle`."""
    unread: int
    """The line at which reading stopped because of MAX_PUZZLES; 0 if it did not stop."""
    digest: str
    """A digest of what was read."""

    def lost_ids(self) -> str:
        """Return a sentence on the ids that a spreadsheet turned into numbers; empty if there are none."""
        lost = [puzzle for puzzle in self.kept if _LOST_ID.fullmatch(puzzle.id)]
        if not lost:
            return ""
        return (
            f"{plural(len(lost), 'PuzzleId was', 'PuzzleIds were')} turned into a number by a spreadsheet "
            f"(line {lost[0].line}: {lost[0].id}); the puzzles are kept, and the file as it was downloaded "
            "has the right ids"
        )

    def summary(self) -> str:
        """Return what was left out, as part of a sentence; empty if nothing was."""
        parts = [f"{plural(count, 'puzzle')} {reason}" for reason, count in sorted(self.others.items())]
        if self.malformed:
            shown = self.faults[:_SHOWN]
            reasons = "; ".join(f"line {line}: {reason}" for line, reason in shown)
            more = f"; and {self.malformed - len(shown):,} more" if self.malformed > len(shown) else ""
            parts.insert(0, f"{plural(self.malformed, 'malformed line')} ({reasons}{more})")
        if self.unread:
            parts.append(f"all from line {self.unread:,} on, because at most {MAX_PUZZLES:,} are read")
        return ", ".join(parts)


def read(path: Path, mate: int) -> Puzzles:
    """Return the puzzles of a file that are mates in `mate` moves, 1 … 3. Each is proved.

    Raises UserError if it is not a regular file, has no header with PuzzleId, FEN and Moves, or has over
    MAX_LINES lines.
    """
    kept: list[Puzzle] = []
    faults: list[tuple[int, str]] = []
    others, malformed, unread = Counter[str](), 0, 0
    seen: set[bytes] = set()
    digest = hashlib.sha256()
    with open_regular(path, "puzzle file") as file:
        lines = _Lines(_decoded(file), path)
        header = _header(_record(lines), path)
        while record := _record(lines, len(header)):
            if len(kept) == MAX_PUZZLES:
                unread = record.line
                break
            digest.update(record.text.encode("utf-8", "surrogateescape"))
            try:
                puzzle = _puzzle(record.line, _columns(record, header), mate)
            except MalformedError as error:
                malformed += 1
                if len(faults) < MAX_FAULTS:
                    faults.append((record.line, str(error)))
                continue
            # A reason instead of a puzzle means that it is left out.
            if isinstance(puzzle, str):
                others[puzzle] += 1
            elif puzzle.question.tobytes() in seen:
                others["of a position that came before"] += 1
            else:
                seen.add(puzzle.question.tobytes())
                kept.append(puzzle)
    return Puzzles(tuple(kept), malformed, tuple(faults), dict(others), unread, digest.hexdigest()[:16])


def _decoded(file: BinaryIO) -> TextIO:
    """Return a file as text, with line feeds as line ends.

    Bytes that are not text are kept as surrogates: they may be in a column that is not read.
    """
    encoding = encoding_of(file.read(4))
    file.seek(0)
    errors = "surrogateescape" if encoding == "utf-8-sig" else "replace"
    return io.TextIOWrapper(file, encoding, errors, newline=None)


@final
class _Lines:
    """Reads the lines of a file, of which some can be given back."""

    def __init__(self, file: TextIO, path: Path) -> None:
        self._file = file
        self._path = path
        self._returned: list[str] = []  # the next line is the last of these
        self.number = 0
        """The number of the last line that was taken, from 1."""

    def take(self) -> str:
        """Return the next line with its end, cut after MAX_LINE + 1 characters; empty after the last."""
        text = self._returned.pop() if self._returned else self._read()
        self.number += bool(text)
        if self.number > MAX_LINES:
            raise UserError(
                f"puzzle file {self._path} has over {MAX_LINES:,} lines, the most that are read: split it"
            )
        return text

    def _read(self) -> str:
        text = rest = self._file.readline(MAX_LINE + 1)
        while len(rest) > MAX_LINE and not rest.endswith("\n"):
            rest = self._file.readline(MAX_LINE + 1)
        return text

    def give_back(self, lines: list[str]) -> None:
        """Give back the last lines, so that they are taken again."""
        self._returned += reversed(lines)
        self.number -= len(lines)


def _record(lines: _Lines, columns: int = 0) -> _Record | None:
    """Return the next record that is not blank; None after the last.

    columns: how many it must have; 0 if any number is allowed. A quoted field may hold line ends. If lines
    are not a record together, only the first one is consumed, so a broken quote costs no other record.
    """
    # Skip blank lines.
    first = lines.take()
    while first and not first.strip():
        first = lines.take()
    if not first:
        return None
    line, taken = lines.number, [first]

    # The parser takes more lines as long as a quote is open, within bounds.
    def supply() -> Iterator[str]:
        yield first.removeprefix("\ufeff")
        while len(taken) < MAX_RECORD_LINES and sum(map(len, taken)) <= MAX_LINE and (more := lines.take()):
            taken.append(more)
            yield more

    fields, fault = _fields(supply())

    # Find what else is wrong, and give back the lines of what is not a record.
    while len(fields) > columns > 0 and not fields[-1]:
        fields.pop()  # a comma at the end of a line
    if len(first) > MAX_LINE or (not fault and sum(map(len, taken)) > MAX_LINE):
        fault = f"it is over {MAX_LINE:,} characters long"
    elif not fault and columns not in (0, len(fields)):
        fault = f"it has {plural(len(fields), 'column')} and the header has {columns}"
    if fault:
        lines.give_back(taken[1:])
    return _Record(line, first if fault else "".join(taken), fields, fault)


def _fields(lines: Iterator[str]) -> tuple[list[str], str]:
    """Return the fields of the first record of some lines, and why there is none; empty if there is one."""
    try:
        return next(csv.reader(lines, strict=True), list[str]()), ""
    except csv.Error as error:
        if "end of data" in str(error):
            limits = f"{MAX_RECORD_LINES} lines and {MAX_LINE:,} characters"
            return [], f"it is not a line of CSV (a quote does not close within {limits})"
        return [], f"it is not a line of CSV ({error})"


def _header(record: _Record | None, path: Path) -> list[str]:
    """Return the name of each column; empty for those that are not read. Raises UserError if some lack."""
    known = {name.casefold(): name for name in _READ}
    fields = record.fields if record and not record.fault else []
    names = [known.get(name.strip().casefold(), "") for name in fields]
    if all(names.count(name) == 1 for name in _NEEDED) and all(names.count(name) <= 1 for name in _READ):
        return names
    for separator, noun in _SEPARATORS.items():
        if record and {name.casefold() for name in _NEEDED} <= _split(record.text, separator):
            raise UserError(
                f"puzzle file {path} separates its columns by {noun} and not by commas: "
                "save it as CSV with commas"
            )
    raise UserError(
        f"puzzle file {path} has no header with {', '.join(_NEEDED)}, each once: "
        "put the columns' names on line 1"
    )


def _split(text: str, separator: str) -> set[str]:
    """Return the names in a header with another separator, in lower case."""
    return {name.strip().casefold() for name in text.replace('"', "").split(separator)}


def _columns(record: _Record, header: list[str]) -> dict[str, str]:
    """Return a record's fields by column. Raises MalformedError if one does not have the right form."""
    if record.fault:
        raise MalformedError(record.fault)
    row = {name: field.strip() for name, field in zip(header, record.fields, strict=True) if name}
    if not _ID.fullmatch(row["PuzzleId"]) and not _LOST_ID.fullmatch(row["PuzzleId"]):
        raise MalformedError(f"PuzzleId is {row['PuzzleId'][:40]!r}: an id has 1 to 40 letters and digits")
    if not _MOVES.fullmatch(row["Moves"]):
        raise MalformedError(
            f"Moves is {row['Moves'][:40]!r}: at least two moves such as e2e4 e7e8q are needed"
        )
    if row.get("Themes", "").casefold() in _ABSENT:
        row["Themes"] = ""
    return row


def _rating(text: str) -> int | None:
    """Return the rating in a field such as 1500 or 1500.0; None if it has no number of at most 5 digits."""
    try:
        rating = float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        return None
    return round(rating) if abs(rating) < 100_000 else None


def _puzzle(line: int, row: dict[str, str], mate: int) -> Puzzle | str:
    """Return the puzzle of a row, or why it is left out.

    Raises MalformedError if it is not a puzzle, or not what its Themes say.
    """
    # What the row says of itself is checked first, because it is cheap.
    texts = row["Moves"].split()
    themes = row.get("Themes", "")
    named = {int(number) for number in _THEME.findall(themes)}
    if (themes and not named & {1, 2, 3}) or (not named and len(texts) not in (2, 4, 6)):
        return "without a mate in 1 … 3"
    length = min(named, default=len(texts) // 2)
    if length != mate and named:
        return f"with a mate in {length} (mate={length})"
    if len(texts) != 2 * length:
        raise MalformedError(
            f"Themes say mate in {length}, which takes {2 * length} moves, "
            f"and Moves has {plural(len(texts), 'move')}"
        )

    # Then the moves are played.
    positions, moves = _played(row["FEN"], texts)
    if not positions[-1].mated:
        if named:
            raise MalformedError(f"Themes say mate in {length}, and Moves do not end in mate")
        return "without a mate in 1 … 3"
    if length != mate:
        return f"with a mate in {length} (mate={length})"
    if _rights_matter(positions[1], mate):
        return "where castling or en passant could matter"

    # White is always to move, so a mate by black is mirrored before it is proved.
    flipped = positions[1].side < 0
    grids = [chessrules.mirrored(now.grid) if flipped else now.grid for now in positions[1:]]
    question, steps = grids[0], np.stack(grids[1:])
    _prove(question, steps, mate)
    solution = [chessrules.mirrored_move(move) if flipped else move for move in moves[1:]]
    names = tuple(map(chessrules.uci, solution))
    return Puzzle(line, row["PuzzleId"], _rating(row.get("Rating", "")), question, steps, names, flipped)


def _played(fen: str, texts: list[str]) -> tuple[list[Position], list[int]]:
    """Return the position of `fen` and those after each move, and the moves.

    Raises MalformedError if a position or a move is illegal.
    """
    try:
        now = chessrules.from_fen(fen)
    except UserError as error:
        raise MalformedError(f"FEN is {fen[:80]!r} ({error})") from None
    if now.fault:
        raise MalformedError(f"FEN {fen[:80]!r} is not a legal position: {now.fault}")
    positions, moves = [now], list[int]()
    for number, text in enumerate(texts, 1):
        move = chessrules.from_uci(text, now)
        if move not in now.moves:
            raise MalformedError(f"move {number} of Moves, {text}, is illegal")
        now = now.after(move)
        positions.append(now)
        moves.append(move)
    return positions, moves


def _rights_matter(position: Position, mate: int) -> bool:
    """Return whether castling rights or en passant, which a picture does not show, could decide the mate."""
    special = any(position.castles(move) or position.takes_in_passing(move) for move in position.moves)
    return special or (mate > 1 and position.rights != 0)


def _prove(question: Grid, steps: Grids, mate: int) -> None:
    """Raise MalformedError if the moves do not force mate in `mate` moves, or a shorter mate exists."""
    row = Instance(TASK.family, Params(mate), 0, "train", 0, question, steps[0], steps)
    verdict = TASK.verify_steps(row, steps)
    if not verdict.valid:
        raise MalformedError(f"its moves force no mate in {mate} ({verdict.reason})")
    for less in range(1, mate):
        if TASK.solve(Params(less), question) is not None:
            raise MalformedError(f"a mate in {less} is there, and its moves take {mate}")


def _chosen(params: Mapping[str, object]) -> Params:
    """Return the parameters that a name gives. Raises UserError if they are wrong, or not only `mate`."""
    chosen: Params = spec(TASK.family, params).params
    if chosen != Params(chosen.mate):
        raise UserError("a puzzle file has the parameter mate and no other: leave the others out")
    return chosen


@final
class LichessSource(FileSource):
    """Read puzzle files. The rows are those of the file, whatever the seed."""

    suffix = ".csv"

    def parse(self, rest: str) -> tuple[str, Mapping[str, str]]:
        return path_and_params(rest)

    def rules(self, params: Mapping[str, object]) -> tuple[Verifier, Params]:
        return TASK, _chosen(params)

    def expand(self, path: Path) -> list[str]:
        return files_below(path, self.suffix)

    def load(self, path: Path, params: Mapping[str, object], seed: int, pool: int) -> Dataset:
        """Return one file as a data set. Test rows keep the task's distance to the first `pool` train rows.

        What was left out is logged as a warning, and reported if too few rows remain. Raises UserError if
        `read` does.
        """
        if path.is_dir():
            raise UserError(
                f"{path} is a folder and a puzzle file is one: name one in it, as {PREFIX}{path}/….csv"
            )

        # Read the file, and report what was left out.
        chosen = _chosen(params)
        puzzles = read(path, chosen.mate)
        mates = plural(len(puzzles.kept), f"mate in {chosen.mate}", f"mates in {chosen.mate}")
        if left_out := puzzles.summary():
            _log.warning("puzzle file %s: %s; left out: %s", path, mates, left_out)
        if lost_ids := puzzles.lost_ids():
            _log.warning("puzzle file %s: %s", path, lost_ids)

        # Divide the puzzles into splits.
        train, test = _divided(puzzles.kept, pool)
        name = f"{PREFIX}{path.as_posix()}?mate={chosen.mate}"
        split_spec = SplitSpec(name, TASK.version, params_json(chosen), seed, "train", pool)
        meta: dict[str, Any] = {"file": path.stem, "digest": puzzles.digest}

        def split(side: SplitName, chosen_puzzles: list[Puzzle]) -> Split:
            side_spec = replace(split_spec, split=side)
            rows = [_instance(side_spec, chosen, i, p, meta) for i, p in enumerate(chosen_puzzles)]
            shortage = f" of the file's {mates}"
            if left_out:
                shortage += f" ({left_out})"
            return StoredSplit(side_spec, tuple(rows), shortage)

        return Dataset(name, TASK, chosen, seed, pool, split("train", train), split("test", test))


SOURCES: Final = {"lichess-csv": LichessSource()}


def _divided(puzzles: tuple[Puzzle, ...], pool: int) -> tuple[list[Puzzle], list[Puzzle]]:
    """Return the train and test puzzles. A position is on the same side in every file, so none leaks."""
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
    """Return what the task compares to measure the distance of puzzles, one row per puzzle."""
    batch = Batch(np.stack([p.question for p in puzzles]), np.stack([p.steps[0] for p in puzzles]))
    return TASK.features(Params(), batch)


def _instance(
    split: SplitSpec, params: Params, index: int, puzzle: Puzzle, shared: dict[str, Any]
) -> Instance:
    meta = shared | {
        "item": f"line {puzzle.line}",
        "puzzle": puzzle.id,
        "rating": puzzle.rating,
        "flipped": puzzle.flipped,
        "line": " ".join(puzzle.moves),
    }
    question, steps = puzzle.question, puzzle.steps
    side, seed, pool = split.split, split.seed, split.pool
    return Instance(split.task, params, seed, side, index, question, steps[0], steps, meta, pool)
