"""The laws of the pretraining worlds, written again board by board, solve no ARC task of the suites.

The walkers' worlds, `bounce`, `diagram` and `latin` are left out: their boards look like no task there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import permutations, product
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pytest

import vizbench as vb
from tests.support.concept_arc import AT_HAND, CORPUS
from vizbench.baselines.embedded.worlds import HELD_OUT, WORLDS, pretraining_overlap
from vizbench.baselines.embedded.worlds.random_draws import Draw
from vizbench.loading import expand

Board: TypeAlias = npt.NDArray[np.uint8]
Pairs: TypeAlias = list[tuple[Board, Board]]

BESIDE = ((-1, 0), (0, 1), (1, 0), (0, -1))
AROUND = (*BESIDE, (-1, -1), (-1, 1), (1, -1), (1, 1))


def inside(board: Board, r: int, c: int) -> bool:
    return 0 <= r < board.shape[0] and 0 <= c < board.shape[1]


def cells(board: Board) -> Iterator[tuple[int, int]]:
    return product(range(board.shape[0]), range(board.shape[1]))


def near(board: Board, r: int, c: int, places: Sequence[tuple[int, int]], code: int) -> int:
    return sum(inside(board, r + y, c + x) and board[r + y, c + x] == code for y, x in places)


def shift(board: Board, down: int, right: int, wrap: int) -> Board:
    out = np.zeros_like(board)
    for r, c in cells(board):
        to = (r + down - 2, c + right - 2)
        if wrap:
            out[to[0] % len(board), to[1] % len(board[0])] = board[r, c]
        elif inside(board, *to):
            out[to] = board[r, c]
    return out


def gravity(board: Board, side: int) -> Board:
    fallen = np.rot90(board, side).T.copy()
    for line in fallen:
        ground, coloured = line[line == 0], line[line > 0]
        line[:] = [*ground, *coloured]
    return np.rot90(fallen.T, -side)


def mirror(board: Board, kind: int) -> Board | None:
    last = (len(board) - 1, len(board[0]) - 1)
    if kind < 3:
        rows, columns = ((1, 0), (0, 1), (1, 1))[kind]
        mirrored = np.zeros_like(board)
        for r, c in cells(board):
            mirrored[last[0] - r if rows else r, last[1] - c if columns else c] = board[r, c]
        return mirrored
    if last[0] != last[1]:
        return None
    turned = np.zeros_like(board)
    for r, c in cells(board):
        turned[r, c] = board[((c, r), (c, last[0] - r), (last[0] - c, r))[kind - 3]]
    return turned


def symmetry(board: Board, side: int) -> Board | None:
    turned = np.rot90(board, side).copy()
    for r in range(len(turned) // 2):
        if turned[-1 - r].any():
            return None
        turned[-1 - r] = turned[r]
    return np.rot90(turned, -side)


def rays(board: Board, side: int, both: int) -> Board:
    out = board.copy()
    for y, x in (BESIDE[side], BESIDE[side - 2])[: 1 + both]:
        for r, c in zip(*np.nonzero(board == 2), strict=True):
            while inside(board, r + y, c + x) and board[r + y, c + x] != 1:
                r, c = r + y, c + x
                out[r, c] = 2
    return out


def flood(board: Board, steps: int) -> Board:
    out = board.copy()
    for _ in range((1, 2, 4, board.size)[steps]):
        wet = [(r, c) for r, c in cells(out) if out[r, c] == 0 and near(out, r, c, BESIDE, 2)]
        for place in wet:
            out[place] = 2
        if not wet:
            break
    return out


def growth(board: Board, kind: int, cross: int) -> Board:
    places = BESIDE if cross else AROUND
    out = board.copy()
    for r, c in cells(board):
        touched = near(board, r, c, places, 1)
        if kind == 1:
            out[r, c] = board[r, c] and touched == len(places)
        elif touched and not board[r, c]:
            out[r, c] = 1 if kind == 0 else 2
    return out


def order(board: Board, side: int, falling: int) -> Board | None:
    lines = [list(line) for line in np.rot90(board, -side).T]
    if any(line != sorted(line) for line in lines):
        return None  # no upright bars
    return np.rot90(np.array(sorted(lines, reverse=bool(falling)), np.uint8).T, side)


LAWS: dict[str, tuple[Callable[..., Board | None], tuple[int, ...], int]] = {
    "shift": (shift, (5, 5, 2), 9),
    "gravity": (gravity, (4,), 9),
    "mirror": (mirror, (6,), 9),
    "symmetry": (symmetry, (4,), 9),
    "rays": (rays, (4, 2), 2),
    "flood": (flood, (4,), 2),
    "growth": (growth, (3, 2), 2),
    "order": (order, (4, 2), 1),
}
"""Each world's law for a board and its knobs, the number of values per knob, and the codes it separates."""


def read_around(board: Board, r: int, c: int) -> int:
    return 9 * board[r, c] + near(board, r, c, AROUND, 1)


def read_ring(board: Board, r: int, c: int) -> int:
    around = sum(int(board[(r + y) % len(board), (c + x) % len(board[0])]) for y, x in AROUND)
    return 9 * board[r, c] + around


def read_cross(board: Board, r: int, c: int) -> int:
    return 5 * board[r, c] + near(board, r, c, BESIDE, 1)


def read_row(board: Board, r: int, c: int) -> int:
    return 4 * board[r, c - 1] + 2 * board[r, c] + board[r, (c + 1) % len(board[0])]


def read_column(board: Board, r: int, c: int) -> int:
    return 4 * board[r - 1, c] + 2 * board[r, c] + board[(r + 1) % len(board), c]


READS: dict[str, tuple[Callable[[Board, int, int], int], ...]] = {
    "around": (read_around, read_ring),
    "cross": (read_cross,),
    "rows": (read_row, read_column),
}
"""What a cell of 0 and 1 reads in a world, by the last knob. Every table of next states is a law of it."""


def painted(pairs: Pairs, codes: int) -> Iterator[Pairs]:
    """Yield the pairs with their colours as codes, for every assignment; 0 stays the ground."""
    if codes == 9:
        yield pairs
        return
    cells = np.concatenate([board.ravel() for pair in pairs for board in pair])
    colours = sorted(set(cells.tolist()) - {0})
    for chosen in permutations(range(1, codes + 1), len(colours)):
        table = np.zeros(10, np.uint8)
        table[colours] = chosen
        yield [(table[question], table[target]) for question, target in pairs]


def solving(pairs: Pairs) -> set[str]:
    """Return the worlds with a law that answers every pair."""
    worlds: set[str] = set()
    if any(question.shape != target.shape for question, target in pairs):
        return worlds
    for world, (law, knobs, codes) in LAWS.items():
        for version, values in product(painted(pairs, codes), product(*map(range, knobs))):
            if all(np.array_equal(law(question, *values), target) for question, target in version):  # pyright: ignore[reportArgumentType] None is no target
                worlds.add(world)
    for world, reads in READS.items():
        for version, read in product(painted(pairs, 1), reads):
            table: dict[int, int] = {}
            if all(
                table.setdefault(read(q, r, c), t[r, c]) == t[r, c] for q, t in version for r, c in cells(q)
            ):
                worlds.add(world)
    return worlds


def pairs_of(name: str) -> Pairs:
    data = vb.load(name)
    return [
        (row.question, row.target)
        for split in (data.train, data.test)
        for row in split.head(split.count or 0)
    ]


@pytest.mark.parametrize("world", [*LAWS, *READS])
def test_the_laws_here_are_those_of_the_stream(world: str) -> None:
    for k in range(60):
        h, w = ((5, 7), (6, 6), (8, 5))[k % 3]
        scene = WORLDS[world][0](Draw("test", "corpora", world, k), 2, h, w)
        values = [value for value, _ in scene.knobs]
        for question, target in zip(scene.question, scene.target, strict=True):
            if world in LAWS:
                answer = LAWS[world][0](question, *values)
            else:
                read = READS[world][values[-1] if len(READS[world]) > 1 else 0]
                answer = np.array([values[read(question, r, c)] for r, c in cells(question)]).reshape(h, w)
            assert np.array_equal(answer, target)  # pyright: ignore[reportArgumentType] as above


@pytest.mark.parametrize(
    "corpus",
    [
        "arc-agi-1:evaluation",
        "arc-agi-2:evaluation",
        *(task for task in vb.tasks() if task.startswith("arc/")),
    ],
)
def test_no_law_solves_a_task_of_a_suite(corpus: str) -> None:
    assert {name: worlds for name in expand(corpus) if (worlds := solving(pairs_of(name)))} == {}


@AT_HAND
def test_no_law_solves_a_task_of_concept_arc() -> None:
    assert {
        name: worlds for name in expand(f"arc-json:{CORPUS}") if (worlds := solving(pairs_of(name)))
    } == {}


@pytest.mark.parametrize("corpus", ["arc-agi-1:training", "arc-agi-2:training"])
def test_these_training_tasks_are_laws_of_the_stream_and_no_others(corpus: str) -> None:
    solved = {
        name.rpartition("/")[2]: worlds for name in expand(corpus) if (worlds := solving(pairs_of(name)))
    }
    assert solved == {task: {world} for task, world in HELD_OUT.items()}
    assert all(str(pretraining_overlap(f"{corpus}/{task}")).startswith("inside: ") for task in HELD_OUT)
