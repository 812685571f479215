"""List the pairs of the public ARC corpora that contradict their own tasks, reviewed one by one.

Each entry names its source by repository and number. The data proves every entry: in
`tests/formats/arc/test_errata.py` there is a rule that every other pair of the task obeys, and that this pair
breaks in the cells named here.

Two kinds of reports are left out. Some pairs are explained by one more rule (d2acf2cb: its swap of colours
goes both ways; 6cf79266: its squares do not overlap, nor do the copies in another demonstration of
e5062a87). Others are only ambiguous (0d87d2a6). The 80 files of ConceptARC that the tests read were
reviewed one by one: one pair contradicts its task, and the report of AboveBelow3 (ConceptARC #4) is fixed
in them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, final

from vizbench.types import Grid


@final
@dataclass(frozen=True, slots=True)
class Erratum:
    """One faulty pair."""

    task: str
    """The id of its task, which is the name of its file."""
    pair: str
    """Its `digest`, so that a copy of the corpus in which it was fixed is not flagged."""
    what: str
    """What is wrong. Cells are given as row, column from 0."""
    source: str
    """Who reported it."""


ERRATA: Final = (
    Erratum(
        "3ee1011a",
        "49c7aaa3c86cd820",
        "the green bar of the input is 4 long and its square in the output 3 wide; every other bar is as "
        "long as its square is wide",
        "fchollet/ARC-AGI #123",
    ),
    Erratum(
        "85fa5666",
        "bffbaf3a8a9e2e96",
        "the orange ray at the left edge stops at 7, 2; cells 8, 1 and 9, 0 are black",
        "fchollet/ARC-AGI #123",
    ),
    Erratum(
        "9356391f",
        "6cb2c5482173f342",
        "cell 0, 5 of the top row changes its colour; the row stays as it is in every other pair",
        "fchollet/ARC-AGI #122",
    ),
    Erratum(
        "Order5",
        "75ea6feaaa3ae4ae",
        "the dot at 1, 6 comes out at 2, 6; every other dot keeps its place in its field",
        "not reported before: found by the rule sort-fields-by-dots",
    ),
    Erratum(
        "a8d7556c",
        "a5702cdfccf701d8",
        "the black square at 8, 11 stays half black: cells 8, 12 and 9, 12; every other one becomes red",
        "michaelhodel/arc-dsl, whose solver makes an exception of these cells",
    ),
    Erratum(
        "ac0c5833",
        "cb1a7a4cae1eaf75",
        "cells 3, 2 and 4, 1 of the red shape of the input are black in the output and in the copies of it "
        "there",
        "fchollet/ARC-AGI #112, mended in ARC-AGI-1",
    ),
    Erratum(
        "b74ca5d1",
        "3b77e428486d0582",
        "cell 13, 15 is yellow where the colours of its shape, magenta and red, change places",
        "arcprize/ARC-AGI-2 #16",
    ),
    Erratum(
        "dd2401ed",
        "849258f3aa9633ec",
        "the red cells at 1, 5 and 5, 6, which the grey column passes, stay red; all others turn blue",
        "fchollet/ARC-AGI #119",
    ),
    Erratum(
        "e1d2900e",
        "738981fb590a953d",
        "the blue cell at 23, 13 stays where it is; all others that lie in line with a red square go to it",
        "fchollet/ARC-AGI #117",
    ),
    Erratum(
        "e5062a87",
        "22b18dd915b0c24d",
        "the red bar also fits on cells 1, 3 to 1, 6, which stay black; every other place where the shape "
        "fits and meets no other copy is filled",
        "michaelhodel/re-arc, whose fix_bugs fills these cells",
    ),
)

TASKS: Final = frozenset(erratum.task for erratum in ERRATA)
"""The ids of the tasks with a faulty pair."""


def digest(question: Grid, target: Grid) -> str:
    """Return a digest of a pair: its grids with their sizes."""
    value = hashlib.sha256()
    for grid in (question, target):
        value.update(str(grid.shape).encode())
        value.update(grid.tobytes())
    return value.hexdigest()[:16]


def flaws(task: str, pairs: Iterable[tuple[str, Grid, Grid]]) -> list[str]:
    """Return what is known to be wrong in a task, one sentence per faulty pair.

    pairs: the name, question and target of each pair of the task.
    """
    if task not in TASKS:
        return []
    known = {erratum.pair: erratum for erratum in ERRATA if erratum.task == task}
    sentences: list[str] = []
    for name, question, target in pairs:
        erratum = known.get(digest(question, target))
        if erratum is not None:
            sentences.append(f"{name}: {erratum.what} ({erratum.source})")
    return sentences
