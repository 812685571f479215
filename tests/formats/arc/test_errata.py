"""Prove each erratum of the ARC corpora from the data, by a rule that all other pairs of its task obey."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.concept_arc import AT_HAND, CORPUS
from vizbench import loading
from vizbench.formats.arc.errata import ERRATA, TASKS, digest, flaws
from vizbench.formats.arc.task_files import MAX_BYTES
from vizbench.types import Grid, Instance

Cells = set[tuple[int, int]]

PLACES = {
    "3ee1011a": ("arc-agi-1:evaluation", "arc-agi-2:training"),
    "85fa5666": ("arc-agi-1:evaluation", "arc-agi-2:training"),
    "9356391f": ("arc-agi-1:evaluation", "arc-agi-2:training"),
    "Order5": ("concept-arc",),
    "a8d7556c": ("arc-agi-1:training", "arc-agi-2:training"),
    "ac0c5833": ("arc-agi-2:training",),
    "b74ca5d1": ("arc-agi-2:training",),
    "dd2401ed": ("arc-agi-1:evaluation", "arc-agi-2:training"),
    "e1d2900e": ("arc-agi-1:evaluation", "arc-agi-2:training"),
    "e5062a87": ("arc-agi-1:training", "arc-agi-2:training"),
}


def rows_of(name: str) -> list[Instance]:
    data = loading.load(name)
    return [row for split in (data.train, data.test) for row in split.head(split.count or 0)]


def differ(target: Grid, expected: Grid) -> Cells:
    return {(int(r), int(c)) for r, c in np.argwhere(target != expected)}


def blocks(grid: Grid, colour: int) -> list[tuple[int, int]]:
    """Return the corners of the 2x2 squares of one colour."""
    height, width = grid.shape
    places = [(r, c) for r in range(height - 1) for c in range(width - 1)]
    return [(r, c) for r, c in places if (grid[r : r + 2, c : c + 2] == colour).all()]


def black_squares_turn_red(question: Grid, target: Grid) -> Cells:
    expected = question.copy()
    for r, c in blocks(question, 0):
        expected[r : r + 2, c : c + 2] = 2
    return differ(target, expected)


def the_column_turns_what_it_passes(question: Grid, target: Grid) -> Cells:
    """A grey column at c goes to 2c + 1 and turns red blue on its way."""
    expected, at = question.copy(), int(np.flatnonzero(question[0] == 5)[0])
    expected[:, at] = 0
    passed = expected[:, : 2 * at + 1]
    passed[passed == 2] = 1
    expected[:, 2 * at + 1] = 5
    return differ(target, expected)


def blue_goes_to_the_nearest_square_in_line(question: Grid, target: Grid) -> Cells:
    expected = np.where(question == 1, 0, question)
    for r, c in np.argwhere(question == 1):
        places: list[tuple[int, tuple[int, int]]] = []
        for top, left in blocks(question, 2):
            if r in (top, top + 1):
                places.append((max(left - c, c - left - 1), (r, left - 1 if c < left else left + 2)))
            if c in (left, left + 1):
                places.append((max(top - r, r - top - 1), (top - 1 if r < top else top + 2, c)))
        expected[min(places)[1] if places else (r, c)] = 1
    return differ(target, expected)


def corners_turn_and_shine(question: Grid, target: Grid) -> Cells:
    """The four cells around a red square move on clockwise.

    Each shines outwards up to the edge or a red cell.
    """
    padded = np.pad(question, 1)
    expected = np.where(padded == 2, 2, 0)
    for r, c in blocks(padded, 2):
        corners = [(r - 1, c - 1), (r - 1, c + 2), (r + 2, c + 2), (r + 2, c - 1)]
        for k, (dr, dc) in enumerate([(-1, -1), (-1, 1), (1, 1), (1, -1)]):
            colour, (y, x) = padded[corners[k - 1]], corners[k]
            while 0 <= y < len(padded) and 0 <= x < padded.shape[1] and padded[y, x] != 2:
                expected[y, x] = colour
                y, x = y + dr, x + dc
    return differ(target, expected[1:-1, 1:-1])


def the_top_row_stays(question: Grid, target: Grid) -> Cells:
    return differ(target[:1], question[:1])


def red_stays_red(question: Grid, target: Grid) -> Cells:
    return {(int(r), int(c)) for r, c in np.argwhere((question == 2) & (target != 2))}


def bars_are_as_long_as_their_squares(question: Grid, target: Grid) -> Cells:
    """A bar is as long in the question as its square is wide in the answer.

    Return (length, width) of each colour that breaks this.
    """
    sides = {
        int(code): (
            max(np.ptp(np.argwhere(question == code), axis=0)) + 1,
            np.ptp(np.argwhere(target == code), axis=0)[0] + 1,
        )
        for code in np.unique(target)
    }
    return {(int(long), int(wide)) for long, wide in sides.values() if long != wide}


def shape_at(grid: Grid, start: tuple[int, int], ground: int) -> Cells:
    """Return the cells that are connected to `start`, corners included, and are no ground."""
    shape, todo = {start}, [start]
    while todo:
        r, c = todo.pop()
        for y, x in ((y, x) for y in range(r - 1, r + 2) for x in range(c - 1, c + 2)):
            inside = 0 <= y < len(grid) and 0 <= x < grid.shape[1]
            if inside and grid[y, x] != ground and (y, x) not in shape:
                shape.add((y, x))
                todo.append((y, x))
    return shape


def two_colours_change_places(question: Grid, target: Grid) -> Cells:
    """In every shape of two colours, these change places. Shapes of one colour follow another rule."""
    ground = int(np.bincount(question.ravel()).argmax())
    wrong: Cells = set()
    for start in map(tuple, np.argwhere(question != ground)):
        shape = shape_at(question, (int(start[0]), int(start[1])), ground)
        colours = {int(question[cell]) for cell in shape}
        if len(colours) == 2:
            wrong |= {cell for cell in shape if target[cell] != sum(colours) - question[cell]}
    return wrong


def fields_stand_in_order_of_their_dots(question: Grid, target: Grid) -> Cells:
    """Fields between full columns of one colour are sorted, the fewest dots first.

    Each keeps its content.
    """
    lines = [c for c in range(question.shape[1]) if (question[:, c] == question[0, 0]).all()]
    fields = sorted(
        (question[:, left + 1 : right] for left, right in itertools.pairwise(lines)), key=np.count_nonzero
    )
    expected = question.copy()
    for (left, right), field in zip(itertools.pairwise(lines), fields, strict=True):
        expected[:, left + 1 : right] = field
    return differ(target, expected)


def the_shape_is_put_wherever_it_fits(question: Grid, target: Grid) -> Cells:
    """Copies are on black cells, unturned, and none overlaps another. Return the cells that break this.

    Also returned are the cells of every place that could take one more copy.
    """
    shape = np.argwhere(question == 2)
    shape -= shape.min(0)
    height, width = question.shape - shape.max(0)
    places: list[Cells] = []
    copies: list[Cells] = []
    for corner in np.ndindex(height, width):
        place = {(int(r), int(c)) for r, c in shape + corner}
        if all(question[cell] == 0 for cell in place):
            places.append(place)
            if all(target[cell] == 2 for cell in place):
                copies.append(place)
    filled: Cells = set().union(*copies)
    stray = differ(target, question) ^ filled
    return stray.union(*(place for place in places if not place & filled))


RULES: dict[str, tuple[Callable[[Grid, Grid], Cells], Cells]] = {
    "3ee1011a": (bars_are_as_long_as_their_squares, {(4, 3)}),
    "85fa5666": (corners_turn_and_shine, {(8, 1), (9, 0)}),
    "9356391f": (the_top_row_stays, {(0, 5)}),
    "Order5": (fields_stand_in_order_of_their_dots, {(1, 6), (2, 6)}),
    "a8d7556c": (black_squares_turn_red, {(8, 12), (9, 12)}),
    "ac0c5833": (red_stays_red, {(3, 2), (4, 1)}),
    "b74ca5d1": (two_colours_change_places, {(13, 15)}),
    "dd2401ed": (the_column_turns_what_it_passes, {(1, 5), (5, 6)}),
    "e1d2900e": (blue_goes_to_the_nearest_square_in_line, {(23, 13), (23, 19)}),
    "e5062a87": (the_shape_is_put_wherever_it_fits, {(1, 3), (1, 4), (1, 5), (1, 6)}),
}


FLAGGED = [f"{part}/{task}" for task, parts in PLACES.items() for part in parts]
MARKS = {name: AT_HAND for name in FLAGGED if name.startswith("concept-arc/")}


@pytest.mark.parametrize("name", [pytest.param(name, marks=MARKS.get(name, ())) for name in FLAGGED])
def test_the_rule_holds_in_every_pair_but_the_flagged_one(name: str) -> None:
    rule, cells = RULES[name.rpartition("/")[2]]
    if name == "concept-arc/Order5":
        name = f"arc-json:{CORPUS}/Order/Order5.json"
    rows = rows_of(name)
    (said,) = rows[0].meta["flagged"]
    assert all(row.meta["flagged"] == [said] for row in rows)
    assert loading.flaws(name) == [said]
    broken = {row.meta["item"]: rule(row.question, row.target) for row in rows}
    assert {item: wrong for item, wrong in broken.items() if wrong} == {said.partition(":")[0]: cells}


def test_the_table_is_the_rules() -> None:
    assert RULES.keys() == PLACES.keys() == TASKS
    assert [erratum.task for erratum in ERRATA] == sorted(TASKS)
    assert len({erratum.pair for erratum in ERRATA}) == len(ERRATA)


def test_nothing_else_of_the_package_is_flagged() -> None:
    for corpus in ("arc-agi-1", "arc-agi-2"):
        flagged = {name for name in loading.expand(corpus) if loading.flaws(name)}
        assert flagged == {name for name in FLAGGED if corpus in name}


def copy_of(name: str, path: Path, change: Callable[[dict[str, Any]], object]) -> str:
    """Return the task as a file, changed."""
    plain: dict[str, Any] = {"train": [], "test": []}
    for row in rows_of(name):
        plain[row.split].append({"input": row.question.tolist(), "output": row.target.tolist()})
    change(plain)
    path.write_text(json.dumps(plain))
    return f"arc-json:{path}"


def test_a_mended_copy_is_not_flagged_and_a_shuffled_one_is(tmp_path: Path) -> None:
    name = "arc-agi-1:evaluation/dd2401ed"
    shuffled = copy_of(name, tmp_path / "dd2401ed.json", lambda plain: plain["train"].reverse())
    assert loading.flaws(shuffled) == rows_of(shuffled)[0].meta["flagged"]
    assert loading.flaws(shuffled)[0].startswith("train[0]: the red cells at 1, 5 and 5, 6")

    def fix(plain: dict[str, Any]) -> None:
        plain["train"][3]["output"][1][5] = plain["train"][3]["output"][5][6] = 1

    fixed = copy_of(name, tmp_path / "dd2401ed.json", fix)
    assert loading.flaws(fixed) == []
    assert "flagged" not in rows_of(fixed)[0].meta
    other = copy_of(name, tmp_path / "other.json", lambda plain: None)
    assert loading.flaws(other) == []  # another name: a table of the corpora says nothing of it


def test_names_that_cannot_be_read_have_no_flaws(tmp_path: Path) -> None:
    (tmp_path / "dd2401ed.json").write_text("[")
    for name in (
        f"arc-json:{tmp_path}/dd2401ed.json",
        f"arc-json:{tmp_path}/gone/dd2401ed.json",
        "life/dd2401ed",
    ):
        assert loading.flaws(name) == []
    (tmp_path / "dd2401ed.json").write_bytes(b"[" * (MAX_BYTES + 1))
    assert loading.flaws(f"arc-json:{tmp_path}/dd2401ed.json") == []


def test_a_digest_tells_sizes_apart() -> None:
    wide, high = np.zeros((1, 4), np.uint8), np.zeros((4, 1), np.uint8)
    assert len({digest(wide, wide), digest(wide, high), digest(high, wide), digest(high, high)}) == 4
    assert flaws("dd2401ed", [("train[0]", wide, high)]) == []
