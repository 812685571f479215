"""Test puzzle files: what is read, what is left out and why, and every kind of malformed line."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import chess
import numpy as np
import pytest

from tests.support.chess_boards import grid
from vizbench import formats, loading
from vizbench.errors import UserError
from vizbench.formats import lichess, lookup
from vizbench.generators.chess.task import TASK, Params
from vizbench.types import Instance

HEADER = "PuzzleId,FEN,Moves,Rating,RatingDeviation,Popularity,NbPlays,Themes,GameUrl,OpeningTags"
ONE = "6k1/8/6K1/8/8/8/8/R7 b - - 0 1", "g8h8 a1a8"
TURNED = "r7/8/8/8/8/6k1/8/6K1 w - - 0 1", "g1h1 a8a1"
TWO = "3k4/8/1R6/R7/8/8/8/6K1 b - - 0 1", "d8e7 a5a7 e7e8 b6b8"
THREE = "8/4k3/3R4/8/5K2/8/8/3R4 b - - 0 1", "e7e8 d6d7 e8f8 d1e1 f8g8 e1e8"
GIVEN_AWAY = THREE[0], "e7e8 d6d7 e8f8 d7e7 f8g8 d1d8"  # black need not have gone to the corner
OTHER = "6k1/8/6K1/8/8/8/8/1R6 b - - 0 1", "g8h8 b1b8"
CORNER = "k7/7p/PQ6/8/8/8/8/4K2R b - - 0 1", "h7h6 b6b7"


def row(puzzle: tuple[str, str], themes: str = "", name: str = "id001", rating: str = "1500") -> str:
    return f"{name},{puzzle[0]},{puzzle[1]},{rating},80,90,100,{themes},https://example.org/x,"


def write(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "puzzles.csv"
    path.write_bytes("\n".join([header, *rows, ""]).encode("utf-8", "surrogateescape"))
    return path


def rows_of(name: str) -> list[Instance]:
    data = loading.load(name)
    return [row for split in (data.train, data.test) for row in split.head(split.count or 0)]


@pytest.mark.parametrize(
    ("puzzle", "mate", "flipped", "line"),
    [
        (ONE, 1, False, "a1a8"),
        (TURNED, 1, True, "a1a8"),
        (TWO, 2, False, "a5a7 e7e8 b6b8"),
        (THREE, 3, False, "d6d7 e8f8 d1e1 f8g8 e1e8"),
    ],
)
def test_a_puzzle_is_a_question_of_the_task(
    puzzle: tuple[str, str], mate: int, flipped: bool, line: str, tmp_path: Path
) -> None:
    path = write(tmp_path, row(puzzle, f"endgame mate mateIn{mate} short"))
    (instance,) = rows_of(f"lichess-csv:{path}?mate={mate}")
    assert (instance.task, instance.params) == (f"lichess-csv:{path}?mate={mate}", Params(mate))
    board = chess.Board(puzzle[0])
    board.push_uci(puzzle[1].split()[0])
    shown = board.mirror() if flipped else board
    assert np.array_equal(instance.question, grid(shown.board_fen()))
    assert len(instance.steps) == 2 * mate - 1
    assert np.array_equal(instance.target, instance.steps[0])
    for move, state in zip(line.split(), instance.steps, strict=True):
        shown.push_uci(move)
        assert np.array_equal(state, grid(shown.board_fen()))
    assert shown.is_checkmate()
    assert loading.verify_steps(instance, instance.steps).exact
    assert mate == 1 or not loading.verify_steps(instance, instance.steps[:-2]).valid
    assert dict(instance.meta) | {"digest": ""} == {
        "file": "puzzles",
        "digest": "",
        "item": "line 2",
        "puzzle": "id001",
        "rating": 1500,
        "flipped": flipped,
        "line": line,
    }
    assert loading.verify(instance, instance.target).exact
    assert not loading.verify(instance, instance.question).valid
    assert lookup.verifier_of(instance) is TASK


def test_rows_are_mates_of_one_length_and_the_others_are_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines = [
        row(ONE, "mateIn1"),
        row(TWO, "mateIn2"),
        row(THREE, "mateIn3"),
        row(CORNER),
        row(TWO),
        row(THREE),
    ]
    others = [row((ONE[0], "g8f8 a1a8"), "crushing fork"), row((ONE[0], "g8f8 a1a7 f8e8"))]
    path = write(tmp_path, *lines, *others, row(ONE, "mateIn1", "again"))
    puzzles = lichess.read(path, 1)
    assert [puzzle.line for puzzle in puzzles.kept] == [2, 5]
    assert puzzles.others == {
        "with a mate in 2 (mate=2)": 2,
        "with a mate in 3 (mate=3)": 2,
        "without a mate in 1 … 3": 2,
        "of a position that came before": 1,
    }
    assert (puzzles.malformed, puzzles.faults, puzzles.unread) == (0, (), 0)
    assert [puzzle.line for puzzle in lichess.read(path, 2).kept] == [3]
    with caplog.at_level(logging.WARNING):
        data = loading.load(f"lichess-csv:{path}")
    assert (
        "2 mates in 1; left out: 1 puzzle of a position that came before, 2 puzzles with a mate in 2"
        in caplog.text
    )
    with pytest.raises(UserError, match=r"of the file's 2 mates in 1 \(1 puzzle of a"):
        data.train.head(9)
    assert data.name == loading.load(data.name).name == f"lichess-csv:{path}?mate=1"
    assert loading.expand(f"lichess-csv:{tmp_path}?mate=2") == [f"lichess-csv:{path}?mate=2"]


def test_a_whole_file_says_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        loading.load(f"lichess-csv:{write(tmp_path, row(ONE, 'mateIn1'))}")
    assert caplog.text == ""


def test_only_three_columns_are_needed_in_any_order(tmp_path: Path) -> None:
    path = write(
        tmp_path, f"{ONE[1]},{ONE[0]},x", "", f"{CORNER[1]},{CORNER[0]},y", header="\ufeffMoves,FEN,PuzzleId"
    )
    puzzles = lichess.read(path, 1)
    assert [(p.id, p.line, p.rating) for p in puzzles.kept] == [("x", 2, None), ("y", 4, None)]
    assert puzzles.malformed == 0


FEN = ONE[0]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("nothing", "it has 1 column and the header has 10"),
        (row(ONE) + ",more", "it has 11 columns"),
        (row(ONE).replace("id001", "id 001"), "PuzzleId is 'id 001'"),
        (row(ONE, name=""), "PuzzleId is ''"),
        (row(("", ONE[1])), "FEN is ''"),
        (row(("9k/8/8/8/8/8/8/8 b - - 0 1", ONE[1])), "' (its rank '9k' has a wrong character"),
        (
            row(("6k1/8/6K1/8/8/8/8/R6 b - - 0 1", ONE[1])),
            "0 1' (its rank 'R6' fills 7 squares instead of 8)",
        ),
        (row(("6k1/8/6K1/8/8/8/R7 b - - 0 1", ONE[1])), "0 1' (its board has 7 ranks instead of 8)"),
        (row((FEN.replace(" b ", " x "), ONE[1])), "FEN is '6k1"),
        (row((FEN.replace("6K1", "8"), ONE[1])), "is not a legal position: each side has exactly one king"),
        (
            row(("6k1/8/5K2/8/8/8/8/6R1 w - - 0 1", "g1a1 g8f8")),
            "not a legal position: the king of the side that is not",
        ),
        (row((FEN.replace(" - - ", " K - "), ONE[1])), "not a legal position: a castling right needs"),
        (row((FEN.replace(" - - ", " - e3 "), ONE[1])), "not a legal position: a pawn must just have passed"),
        (row((FEN, "")), "Moves is ''"),
        (row((FEN, "g8h8")), "Moves is 'g8h8'"),
        (row((FEN, "Kh8 Ra8#")), "Moves is 'Kh8 Ra8#'"),
        (row((FEN, "g8h8 a1a9")), "Moves is 'g8h8 a1a9'"),
        (row((FEN, "g8h8 0000")), "Moves is"),
        (row((FEN, " ".join(["g8h8"] * 201))), "Moves is"),
        (row((FEN, "g8g8 a1a8")), "move 1 of Moves, g8g8, is illegal"),
        (row((FEN, "g8g7 a1a8")), "move 1 of Moves, g8g7, is illegal"),
        (row((FEN, "g8h8 a1b8")), "move 2 of Moves, a1b8, is illegal"),
        (row((FEN, "a1a2 g8h8")), "move 1 of Moves, a1a2, is illegal"),
        (row((FEN, "g8f8 a1a8"), "mateIn1"), "Themes say mate in 1, and Moves do not end in mate"),
        (row(ONE, "mateIn2"), "Themes say mate in 2, which takes 4 moves, and Moves has 2 moves"),
        (
            row((TWO[0], "d8e7 b6b7 e7e8 a5a8"), "mateIn2"),
            "its moves force no mate in 2 (the answer, state 1: b6b7 is",
        ),
        (row(GIVEN_AWAY, "mateIn3"), "its moves force no mate in 3 (step 3: d7e7 is answered by f8e7"),
        (row(("7k/8/6K1/8/8/8/8/RR6 b - - 0 1", "h8g8 b1b7 g8h8 b7b8"), "mateIn2"), "a mate in 1 is there"),
        ('"' + row(ONE), "not a line of CSV"),
        ("\udcff" + row(ONE), "PuzzleId is"),
        (row(ONE, "x" * lichess.MAX_LINE), "it is over 4,096 characters long"),
        (row(ONE, "x" * 10 * lichess.MAX_LINE), "it is over 4,096 characters long"),
        ("\0" * 50, "1 column and|not a line of CSV"),
    ],
)
def test_a_malformed_line_is_reported_and_the_rest_is_read(
    line: str, reason: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path, row(TURNED, "mateIn1"), line, row(CORNER, "mateIn1"))
    mate = next((n for n in (2, 3) if f"mateIn{n}" in line and "column" not in reason), 1)
    puzzles = lichess.read(path, mate)
    assert [(number, puzzles.malformed) for number, _ in puzzles.faults] == [(3, 1)]
    (_, said), *_ = puzzles.faults
    assert len(said) < 200 and "\n" not in said
    with caplog.at_level(logging.WARNING), pytest.raises(UserError, match=r"mates? in"):
        loading.load(f"lichess-csv:{path}?mate={mate}").train.head(9)
    assert "1 malformed line (line 3: " in caplog.text
    if mate == 1:
        assert [puzzle.line for puzzle in puzzles.kept] == [2, 4]
    assert any(part in said for part in reason.split("|"))


def test_many_malformed_lines_are_reported_in_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lichess, "MAX_FAULTS", 7)
    puzzles = lichess.read(write(tmp_path, *["bad"] * 12, row(ONE, "mateIn1")), 1)
    assert (len(puzzles.kept), puzzles.malformed, len(puzzles.faults)) == (1, 12, 7)
    assert puzzles.summary().count("line ") == 7
    assert puzzles.summary().endswith("; and 5 more)")
    monkeypatch.setattr(lichess, "_SHOWN", 2)
    assert puzzles.summary().endswith("; and 10 more)")


@pytest.mark.parametrize(
    ("puzzle", "mate", "kept"),
    [
        (CORNER, 1, True),
        ((CORNER[0].replace(" b - ", " b K "), CORNER[1]), 1, False),  # white could castle
        (("k7/7p/PQ6/6P1/8/8/8/4K3 b - - 0 1", "h7h6 b6b7"), 1, True),
        (("k7/7p/PQ6/6P1/8/8/8/4K3 b - - 0 1", "h7h5 b6b7"), 1, False),  # white could take en passant
        (("4k2r/4pppp/8/8/8/8/3R4/3RK3 b k - 0 1", "h7h6 d2d8"), 1, True),  # no castling out of check
        (("3k4/8/1R6/R7/8/8/8/4K2R b K - 0 1", "d8e7 a5a7 e7e8 b6b8"), 2, False),  # white might castle later
    ],
)
def test_rights_that_a_picture_hides_do_not_matter(
    puzzle: tuple[str, str], mate: int, kept: bool, tmp_path: Path
) -> None:
    puzzles = lichess.read(write(tmp_path, row(puzzle, f"mateIn{mate}")), mate)
    assert puzzles.faults == ()
    assert len(puzzles.kept) == kept
    assert puzzles.others == ({} if kept else {"where castling or en passant could matter": 1})


@pytest.mark.parametrize(
    "header", ["", "PuzzleId,FEN", "a,b,c", "PuzzleId,FEN,Moves,FEN", '"PuzzleId,FEN,Moves', "\udcff"]
)
def test_a_file_without_a_header_is_refused(header: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"puzzles\.csv has no header with PuzzleId, FEN, Moves"):
        lichess.read(write(tmp_path, header=header), 1)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "puzzles.csv").touch()
    with pytest.raises(UserError, match="has no header"):
        lichess.read(tmp_path / "puzzles.csv", 1)


def test_sizes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, row(ONE), row(TURNED), row(CORNER))
    monkeypatch.setattr(lichess, "MAX_PUZZLES", 1)
    puzzles = lichess.read(path, 1)
    assert ([puzzle.line for puzzle in puzzles.kept], puzzles.unread) == ([2], 3)
    assert puzzles.summary() == "all from line 3 on, because at most 1 are read"
    monkeypatch.setattr(lichess, "MAX_PUZZLES", 9)
    monkeypatch.setattr(lichess, "MAX_LINES", 3)
    with pytest.raises(UserError, match="over 3 lines"):
        lichess.read(path, 1)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(UserError, match="not a regular file"):
            loading.load(f"lichess-csv:{path}")
    with pytest.raises(UserError, match="is a folder"):
        loading.load(f"lichess-csv:{tmp_path}")
    with pytest.raises(UserError, match="cannot be opened"):
        loading.load("lichess-csv:nowhere.csv")
    with pytest.raises(UserError, match="mate=4 is not in 1"):
        loading.load("lichess-csv:nowhere.csv?mate=4")
    with pytest.raises(UserError, match="unknown parameter"):
        loading.load("lichess-csv:nowhere.csv?depth=2")
    with pytest.raises(UserError, match="mate and no other"):
        loading.load("lichess-csv:nowhere.csv?least_pieces=9")


@pytest.mark.parametrize(
    ("rating", "read"),
    [("1500", 1500), ("1500.0", 1500), ("1500.7", 1501), (" 1500 ", 1500), ("-12", -12), ("1.5e3", 1500)]
    + [
        (text, None)
        for text in ("", "nan", "inf", "strong", "1_500", "\u0661", "9" * 400, "1e999", '"1,500"')
    ],
)
def test_a_rating_costs_no_puzzle(rating: str, read: int | None, tmp_path: Path) -> None:
    puzzles = lichess.read(write(tmp_path, row(ONE, rating=rating)), 1)
    assert [puzzle.rating for puzzle in puzzles.kept] == [read]
    assert puzzles.summary() == puzzles.lost_ids() == ""


@pytest.mark.parametrize(
    "themes", ["", "nan", "None", "[]", "['mate', 'mateIn1']".replace(",", ""), "mateIn1 mateIn2"]
)
def test_themes_in_other_forms(themes: str, tmp_path: Path) -> None:
    assert len(lichess.read(write(tmp_path, row(ONE, themes)), 1).kept) == 1


@pytest.mark.parametrize("name", ["6E+087", "6.00E+87", "1e-05", "12345.0", "1,5E+10"])
def test_an_id_that_a_spreadsheet_changed_is_kept_and_reported(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path, row(ONE, name=f'"{name}"'), row(OTHER, name="6E087"), row(CORNER, name="12345"))
    puzzles = lichess.read(path, 1)
    assert [puzzle.id for puzzle in puzzles.kept] == [name, "6E087", "12345"]
    assert puzzles.summary() == ""
    with caplog.at_level(logging.WARNING):
        loading.load(f"lichess-csv:{path}")
    assert (
        f"1 PuzzleId was turned into a number by a spreadsheet (line 2: {name}); the puzzles are kept"
        in caplog.text
    )


def test_a_quoted_field_may_hold_line_ends(tmp_path: Path) -> None:
    """Quoted fields follow RFC 4180.

    A record over several lines is one record, later line numbers are right, and quotes may be doubled.
    """
    comment = '"a ""b"", c\n\nd\r\n,\n"'
    head = 'PuzzleId,FEN,Comment,Moves,"a\nb"'
    lines = [f"{name},{puzzle[0]},{comment},{puzzle[1]},x" for name, puzzle in (("a", ONE), ("b", CORNER))]
    puzzles = lichess.read(write(tmp_path, *lines, "bad", header=head), 1)
    assert [(p.id, p.line) for p in puzzles.kept] == [("a", 3), ("b", 8)]
    assert puzzles.faults == ((13, "it has 1 column and the header has 5"),)


@pytest.mark.parametrize(
    "broken",
    [
        row(ONE) + '"never closed',
        '"' + row(ONE),
        row(ONE).replace("id001", '"id001'),
        row(ONE) + '"closed" wrongly',
        '"opens here\nand closes here",x',
        'id001,"' + "a\n" * 100,
        'id001,"' + "a" * 100,
        'id001,"\n' + "a" * 4_097 + "\n" + "b" * 10_000,  # lines that are cut, read twice
    ],
)
def test_a_broken_quote_takes_no_other_record_along(broken: str, tmp_path: Path) -> None:
    """The fault is reported at its first line. The next line is read on its own, whatever follows."""
    lines = broken.rstrip("\n").split("\n")
    rows = [
        row(TURNED),
        '"id003",' + row(CORNER)[6:],
        *(f"f{k}" for k in range(100)),
        row(OTHER, name="last"),
    ]
    puzzles = lichess.read(write(tmp_path, *lines, *rows), 1)
    assert [puzzle.line for puzzle in puzzles.kept] == [1 + len(lines) + k for k in (1, 2, len(rows))]
    assert puzzles.faults[0][0] == 2
    assert puzzles.malformed == len(lines) + 100


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_marks_and_line_ends(encoding: str, end: str, tmp_path: Path) -> None:
    path = tmp_path / "puzzles.csv"
    lines = [HEADER, row(ONE) + "Gr\xfcnfeld", "", row(CORNER), "bad", ""]
    path.write_bytes(end.join(lines).encode(encoding))
    puzzles = lichess.read(path, 1)
    assert [puzzle.line for puzzle in puzzles.kept] == [2, 4]
    assert [line for line, _ in puzzles.faults] == [5]
    path.write_bytes(end.join(lines).encode("utf-16-be").join([b"\xfe\xff", b""]))
    assert len(lichess.read(path, 1).kept) == 2


def test_columns_that_are_not_read_may_hold_anything(tmp_path: Path) -> None:
    header = " puzzleid ,FEN,moves,NbPlays,GameUrl,x,x,,"
    lines = [
        f'a,{ONE[0]},{ONE[1]},100.0,"https://example.org/a,b",\udcfc,"""","\udcff",',
        f"b,{CORNER[0]},{CORNER[1]},,,,,,",
        f"c,{OTHER[0]},{OTHER[1]},,,,,,,,",  # commas at the end of the line
    ]
    puzzles = lichess.read(write(tmp_path, *lines, header=header), 1)
    assert [(puzzle.id, puzzle.rating) for puzzle in puzzles.kept] == [("a", None), ("b", None), ("c", None)]


@pytest.mark.parametrize(("separator", "noun"), [(";", "semicolons"), ("\t", "tabs")])
def test_another_separator_is_named(separator: str, noun: str, tmp_path: Path) -> None:
    for quote in ("", '"'):
        header = separator.join(f"{quote}{name}{quote}" for name in HEADER.split(","))
        with pytest.raises(
            UserError, match=rf"separates its columns by {noun} and not by commas: save it as CSV"
        ):
            lichess.read(write(tmp_path, row(ONE).replace(",", separator), header=header), 1)


def test_castling_may_be_written_as_the_king_taking_its_rook(tmp_path: Path) -> None:
    for castling in ("e8g8", "e8h8"):
        puzzle = "4k2r/5ppp/8/7Q/8/3B4/8/6K1 b k - 0 1", f"{castling} h5h7"
        puzzles = lichess.read(write(tmp_path, row(puzzle)), 1)
        assert [p.moves for p in puzzles.kept] == [("h5h7",)]
        assert np.array_equal(puzzles.kept[0].question, grid("5rk1/5ppp/8/7Q/8/3B4/8/6K1"))


def many(folder: Path) -> Path:
    """Write 300 mates in 1 with a rook, which differ in the places of the rook and of a pawn."""
    lines: list[str] = []
    for pawn in range(48):
        for rook in range(1, 7):
            board = chess.Board("6k1/8/6K1/8/8/8/8/8 b - - 0 1")
            board.set_piece_at(8 * rook - 8, chess.Piece.from_symbol("R"))
            if pawn % 8 and pawn >= 8 and board.piece_at(pawn) is None:
                board.set_piece_at(pawn, chess.Piece.from_symbol("P"))
                moves = f"g8h8 {chess.square_name(8 * rook - 8)}a8"
                lines.append(row((board.fen(), moves), "mateIn1", f"p{pawn}r{rook}"))
    return write(folder, *lines)


def test_a_position_is_on_the_same_side_in_every_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(TASK), "min_distance", 0.0)
    path = many(tmp_path)
    whole = loading.load(f"lichess-csv:{path}")
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], *lines[:0:-2]]))
    half = loading.load(f"lichess-csv:{path}")
    total = (whole.train.count or 0) + (whole.test.count or 0)
    assert 0.1 < (whole.test.count or 0) / total < 0.3
    for one, other in ((whole.train, half.test), (whole.test, half.train)):
        seen = {row.question.tobytes() for row in one}
        assert not seen & {row.question.tobytes() for row in other}


def test_test_rows_keep_away_from_the_train_pool(tmp_path: Path) -> None:
    path = many(tmp_path)
    near, far = (loading.load(f"lichess-csv:{path}", pool=pool).test for pool in (5000, 0))
    assert (near.count or 0) < (far.count or 0)
    data = loading.load(f"lichess-csv:{path}")
    for test in data.test:
        assert all(TASK.distance(test, train) >= TASK.min_distance for train in data.train)


def test_puzzles_are_stored_and_read_back(tmp_path: Path) -> None:
    path = write(tmp_path, row(ONE), row(TURNED), row(CORNER))
    data = loading.load(f"lichess-csv:{path}")
    split = data.train if data.train.count else data.test
    count = split.count or 0
    formats.write(split, count, tmp_path / "out")
    again = list(formats.read(tmp_path / "out"))
    assert [row.id for row in again] == [row.id for row in split]
    assert all(loading.verify(row, row.target).exact for row in again)
    assert all(loading.verify_steps(row, row.steps).exact for row in again)
