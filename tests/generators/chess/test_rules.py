"""Test chess: legal moves, checks and valid positions against python-chess and published move counts.

The counts of perft are those of https://www.chessprogramming.org/Perft_Results.
"""

from __future__ import annotations

import ast
import random
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import chess
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.chess_boards import grid
from vizbench.errors import UserError
from vizbench.generators.chess import rules
from vizbench.generators.chess.rules import Position

INITIAL = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1"
KIWIPETE = "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1"
PERFT = {
    INITIAL: (20, 400, 8_902, 197_281),
    KIWIPETE: (48, 2_039, 97_862, 4_085_603),
    "8/2p5/3p4/KP5r/1R3p1k/8/4P1P1/8 w - - 0 1": (14, 191, 2_812, 43_238),
    "r3k2r/Pppp1ppp/1b3nbN/nP6/BBP1P3/q4N2/Pp1P2PP/R2Q1RK1 w kq - 0 1": (6, 264, 9_467, 422_333),
    "rnbq1k1r/pp1Pbppp/2p5/8/2B5/8/PPP1NnPP/RNBQK2R w KQ - 1 8": (44, 1_486, 62_379, 2_103_487),
    "r4rk1/1pp1qppp/p1np1n2/2b1p1B1/2B1P1b1/P1NP1N2/1PP1QPPP/R4RK1 w - - 0 10": (
        46,
        2_079,
        89_890,
        3_894_594,
    ),
}
"""Positions 1 to 6 and how many lines of 1, 2, 3 and 4 plies go on from them."""


def counted(position: Position, plies: int) -> int:
    """Return the number of lines of so many plies from a position."""
    moves = position.moves
    return len(moves) if plies == 1 else sum(counted(position.after(move), plies - 1) for move in moves)


@pytest.mark.parametrize("fen", PERFT)
def test_lines_are_as_many_as_published(fen: str) -> None:
    position = rules.from_fen(fen)
    assert tuple(counted(position, plies) for plies in range(1, 5)) == PERFT[fen]


def test_the_package_does_not_need_the_oracle() -> None:
    root = Path(rules.__file__).parents[2]
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.split(".")[0] == "chess"], path
    project = tomllib.loads((root.parent / "pyproject.toml").read_text("utf-8"))["project"]
    assert not [name for name in project["dependencies"] if name.startswith("chess")]
    for extra, packages in project["optional-dependencies"].items():
        needs_chess = any(package.startswith("chess") for package in packages)
        assert needs_chess == (extra == "dev"), extra


SQUARES = [16 * (7 - square // 8) + square % 8 for square in chess.SQUARES]


def kernels(move: chess.Move) -> int:
    """Return the kernels' number of a move."""
    return SQUARES[move.from_square] | SQUARES[move.to_square] << 7 | (move.promotion or 0) << 14


def games(rng: random.Random, count: int) -> Iterator[tuple[chess.Board, Position, list[chess.Move]]]:
    """Draw positions of random legal games, played on both boards, with the oracle's legal moves."""
    while True:
        fen = rng.choice(list(PERFT))
        board, position = chess.Board(fen), rules.from_fen(fen)
        for _ in range(rng.randrange(150)):
            moves = list(board.legal_moves)
            yield board, position, moves
            count -= 1
            if count == 0:
                return
            if not moves:
                break
            special = [m for m in moves if m.promotion or board.is_castling(m) or board.is_en_passant(m)]
            move = rng.choice(special if special and rng.random() < 0.3 else moves)
            position = position.after(kernels(move))
            board.push(move)


def placements(rng: random.Random, count: int) -> Iterator[str]:
    """Draw FEN strings: random pieces, or a position of a game with a changed square, side and rights."""
    boards = [board.board_fen() for board, _, _ in games(rng, count // 20)]
    for _ in range(count):
        if rng.random() < 0.5:
            board = chess.BaseBoard(rng.choice(boards))
            changes = rng.choice((0, 0, 1, 1, 2))
        else:
            board = chess.BaseBoard(None)
            for piece in "Kk":
                square = rng.choice([0, 7, 56, 63, rng.randrange(64), rng.randrange(64)])
                board.set_piece_at(square, chess.Piece.from_symbol(piece))
            changes = rng.randrange(9)
        pieces = rng.choice(["PPNBRQppnbrqKk.", "QRB", "qrb"])
        for _ in range(changes):
            piece = rng.choice(pieces)
            board.set_piece_at(rng.randrange(64), None if piece == "." else chess.Piece.from_symbol(piece))
        rights = "-" if rng.random() < 0.7 else rng.choice(["K", "Q", "KQ", "k", "q", "kq", "KQkq", "Kq"])
        passed = "-" if rng.random() < 0.7 else rng.choice("abcdefgh") + rng.choice("36")
        yield f"{board.board_fen()} {rng.choice('wb')} {rights} {passed} 0 1"


def differences(board: chess.Board, position: Position, moves: list[chess.Move]) -> list[str]:
    """Return where kernels and oracle disagree about a valid position."""
    ours, check = sorted(position.moves), board.is_check()
    pairs = {
        "moves": (ours, sorted(map(kernels, moves))),
        "check": (position.checked, check),
        "mate": (position.mated, check and not moves),
        "stalemate": (not ours and not position.checked, not check and not moves),
        "rights": (position.rights, rights_of(board)),
    }
    return [name for name, (one, other) in pairs.items() if one != other]


def rights_of(board: chess.Board) -> int:
    """Return the oracle's castling rights as the kernels number them."""
    clean = board.clean_castling_rights()
    return sum(
        1 << k for k, rook in enumerate((chess.BB_H1, chess.BB_A1, chess.BB_H8, chess.BB_A8)) if clean & rook
    )


def test_positions_of_games_are_as_in_the_oracle() -> None:
    seen = Counter[str]()
    for board, position, moves in games(random.Random(1), 60_000):
        assert not differences(board, position, moves), board.fen()
        assert position.fault == ""
        seen["mate"] += position.mated
        seen["castling"] += any(map(position.castles, position.moves))
        seen["en passant"] += any(map(position.takes_in_passing, position.moves))
    assert min(seen.values()) > 50, seen


def test_placements_are_valid_as_in_the_oracle() -> None:
    faults = Counter[str]()
    ends = Counter[bool]()
    for fen in placements(random.Random(2), 40_000):
        board, position = chess.Board(fen), rules.from_fen(fen)
        faults[position.fault] += 1
        assert board.is_valid() == (position.fault == ""), (fen, board.status())
        if position.fault == "":
            moves = list(board.legal_moves)
            assert not differences(board, position, moves), fen
            ends.update([position.checked] if not moves else [])
    assert set(faults) == set(rules.RULES), faults
    assert faults[""] > 5_000
    assert min(ends[True], ends[False]) > 10, ends  # mates and stalemates


FENS = [
    *PERFT,
    "6k1/8/6K1/8/8/8/8/R7 b - - 0 1",
    "k7/7p/PQ6/8/8/8/8/4K2R b K - 0 1",
    "4k3/8/8/3pP3/8/8/8/4K3 w - d6 0 2",
    "4k3/8/8/8/3Pp3/8/8/4K3 b - d3",
]
FIELDS = [
    "w",
    "b",
    "x",
    "-",
    "K",
    "Q",
    "KQkq",
    "QK",
    "kqK",
    "HAha",
    "e3",
    "d6",
    "e9",
    "0",
    "1",
    "12345",
    "-1",
    "",
]


@st.composite
def fen_strings(draw: st.DrawFn) -> str:
    """Draw FEN strings with a few characters and fields changed."""
    fields = draw(st.sampled_from(FENS)).split(" ")
    for _ in range(draw(st.integers(0, 2))):
        fields[draw(st.integers(0, len(fields) - 1))] = draw(st.sampled_from(FIELDS))
    text = list(" ".join(fields))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(text)))
        text[place : place + draw(st.integers(0, 1))] = draw(
            st.sampled_from(" \tpnrkqPNBRQK1278/-wbeh036~x\u212a\u0661")
        )
    return "".join(text)


def in_bounds(fen: str) -> bool:
    """Return whether a FEN keeps the bounds that only our reader has: ASCII, 4 to 6 fields, no Chess960."""
    fields = fen.split()
    if not fen.isascii() or len(fen) > rules.MAX_FEN or not 4 <= len(fields) <= 6 or "~" in fields[0]:
        return False
    return set(fields[2]) <= set("KQkq-") and all(
        counter.isdigit() and len(counter) <= 4 for counter in fields[4:]
    )


@settings(max_examples=1_000)
@given(fen_strings())
@example("")
@example("4k3/8/8/8/8/8/8/4K3 w Q - 0 1")
@example("4k3/8/8/8/8/8/8/4K3 w K - 0 1")
@example("4k3/8/8/8/8/8/8/3NK2R w KQ - 0 1")
@example("4k3/8/8/8/8/8/8/R3K3 w K - 0 1")
@example("4k3/8/8/8/8/8/8/4K3 w - a1 0 1")
def test_fen_strings_are_read_as_by_the_oracle(fen: str) -> None:
    board = None
    if in_bounds(fen):
        try:
            board = chess.Board(fen)
        except ValueError:
            board = None
    if board is None:
        with pytest.raises(UserError) as caught:
            rules.from_fen(fen)
        assert len(str(caught.value)) < 120
        return
    position = rules.from_fen(fen)
    assert board.is_valid() == (position.fault == "")
    assert np.array_equal(position.grid, grid(board.board_fen()))
    assert (position.side > 0) == board.turn
    assert position.fault or not differences(board, position, list(board.legal_moves))


@pytest.mark.parametrize(
    ("fen", "reason"),
    [
        ("x" * 10**6, "a FEN has at most 120 characters"),
        ("4k3/8/8/8/8/8/8/4K3 w", "it has 2 fields instead of 4 to 6"),
        ("4k3/8/8/8/8/8/4K3 w - -", "its board has 7 ranks instead of 8"),
        ("4k3/8/8/8/8/8/8/4K4 w - -", "its rank '4K4' fills 9 squares instead of 8"),
        ("4k3/8/8/8/8/8/8/22K3 w - -", "its rank '22K3' has a wrong character, or two digits side by side"),
        ("4k3/8/8/8/8/8/8/4K3 W - -", "the side to move is 'W' instead of w or b"),
        ("4k3/8/8/8/8/8/8/4K3 w HA -", "the castling rights are 'HA' instead of - or letters of KQkq"),
        ("4k3/8/8/8/8/8/8/4K3 w - e9", "the en passant square is 'e9' instead of - or a square such as e3"),
        ("4k3/8/8/8/8/8/8/4K3 w - - x", "a counter is 'x' instead of a number of at most 4 digits"),
    ],
)
def test_a_malformed_fen_is_refused_in_a_sentence(fen: str, reason: str) -> None:
    with pytest.raises(UserError, match=f"^{reason}"):
        rules.from_fen(fen)


@settings(max_examples=50)
@given(st.integers(0, 2**32))
def test_moves_and_mirrors_are_as_in_the_oracle(seed: int) -> None:
    for board, position, moves in games(random.Random(seed), 20):
        mirror = board.mirror()
        assert np.array_equal(rules.mirrored(position.grid), grid(mirror.board_fen()))
        for move in moves:
            assert rules.from_uci(move.uci(), position) == kernels(move)
            assert rules.uci(kernels(move)) == move.uci()
            turned = chess.Move(move.from_square ^ 56, move.to_square ^ 56, move.promotion)
            assert rules.mirrored_move(kernels(move)) == kernels(turned)
            if board.is_castling(move):
                rook = move.uci()[:2] + {"g": "h", "c": "a"}[move.uci()[2]] + move.uci()[3]
                assert rules.from_uci(rook, position) == kernels(move)
                assert position.castles(kernels(move))
            assert position.takes_in_passing(kernels(move)) == board.is_en_passant(move)


@pytest.mark.parametrize("text", ["", "e2", "e2e9", "0000", "e7e8k", "e7e8Q", "P@e4", "e2e4 ", "\u0661"])
def test_what_is_no_move_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="is not a move: write its two squares"):
        rules.from_uci(text, rules.from_fen(INITIAL))
