"""Move the level of a task by recent success: training stays where about half of the answers are right.

A state goes in, a state comes out, and nothing is kept in between: a trainer saves the state with its
checkpoint, and the same results lead to the same levels.

    state = curriculum.State()
    for _ in range(batches):
        data = vb.load("maze", level=state.level)
        ...                                            # train, and check each answer
        state = curriculum.update(state, verdicts.valid)

Easy levels teach nothing more, and levels out of reach give no reward. RLVE (Zeng et al. 2025) and the coach
of reasoning-gym (Stojanovski et al. 2025) move a level for the same reason, with other rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, cast, final

import numpy as np

from vizbench.errors import UserError
from vizbench.task.contract import LEVELS

WINDOW: Final = 100_000
"""The most answers that a state remembers."""


_PLAIN: Final[tuple[type[Any], ...]] = (bool, int, float, np.generic)
"""What a result may be: a plain value, or an item of an array."""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _right(result: Any) -> bool:
    """Return whether an answer was right. Arrays give NumPy's booleans and numbers."""
    if not issubclass(type(result), _PLAIN) or result not in (0, 1):
        raise UserError(f"the result {_short(result)} is not a boolean, 0 or 1: give one per answer")
    return bool(result)


def _short(value: object) -> str:
    """Return a value as text for an error, on one short line."""
    return repr(value)[:40]


@final
@dataclass(frozen=True, slots=True)
class Settings:
    """How the level moves. Raises UserError for values out of range."""

    target: float = 0.5
    """The share of right answers to stay near, over 0 and under 1."""
    margin: float = 0.2
    """The level moves if the share is more than this above or below the target.

    At least 0, and so small that target - margin is over 0 and target + margin under 1.
    """
    window: int = 64
    """Answers at a level before it may move, and the most that count, 1 … 100,000."""
    lowest: int = 0
    """The lowest level, 0 … 9."""
    highest: int = LEVELS - 1
    """The highest level, from `lowest` to 9."""

    def __post_init__(self) -> None:
        if not _is_number(self.target) or not 0 < self.target < 1:
            raise UserError(f"target={_short(self.target)} is not over 0 and under 1: try 0.5")
        if not _is_number(self.margin) or not 0 <= self.margin <= 0.5:
            raise UserError(f"margin={_short(self.margin)} is not in 0 … 0.5: try 0.2")
        if self.target - self.margin <= 0 or self.target + self.margin >= 1:
            raise UserError(
                f"target={self.target} and margin={self.margin} let the level never fall or never rise: "
                "no share is under 0 or over 1, so give a smaller margin"
            )
        if not _is_whole(self.window) or not 1 <= self.window <= WINDOW:
            raise UserError(f"window={_short(self.window)} is not a whole number in 1 … {WINDOW:,}: try 64")
        levels_are_whole = _is_whole(self.lowest) and _is_whole(self.highest)
        if not levels_are_whole or not 0 <= self.lowest <= self.highest < LEVELS:
            raise UserError(
                f"lowest={_short(self.lowest)} and highest={_short(self.highest)} are not levels in order, "
                f"0 … {LEVELS - 1}"
            )


@final
@dataclass(frozen=True, slots=True)
class State:
    """Where a curriculum is. Plain values, so that any format can hold it.

    Raises UserError for values that no curriculum has.
    """

    level: int = 0
    """The level to train on, 0 … 9."""
    recent: tuple[bool, ...] = ()
    """Whether each recent answer at this level was right, the oldest first, at most 100,000."""

    def __post_init__(self) -> None:
        if not _is_whole(self.level) or not 0 <= self.level < LEVELS:
            raise UserError(f"level={_short(self.level)} is not a level: give 0 … {LEVELS - 1}")
        recent = cast("object", self.recent)
        if not isinstance(recent, tuple):
            raise UserError(
                f"recent is of type {type(recent).__name__}: give a tuple of booleans, e.g. tuple(saved)"
            )
        if len(self.recent) > WINDOW:
            raise UserError(f"recent has {len(self.recent):,} answers: give the last {WINDOW:,} at most")
        for answer in self.recent:
            if answer is not True and answer is not False:
                raise UserError(f"recent has {_short(answer)}, which is not a boolean: give True or False")

    @property
    def success(self) -> float | None:
        """The share of recent answers that were right, or None if there is none."""
        return sum(self.recent) / len(self.recent) if self.recent else None


def update(state: State, results: Iterable[object], settings: Settings | None = None) -> State:
    """Return the state after more answers at its level.

    results: whether each answer was right, in order: booleans, or numbers that are 0 or 1.

    The level rises by one if more than target + margin of the last `window` answers were right, and falls by
    one if less than target - margin were. After a move, counting begins again. All results are of answers at
    `state.level`, so one call moves by one level at most.

    Raises UserError for results that are neither.
    """
    settings = settings or Settings()
    level = min(max(state.level, settings.lowest), settings.highest)
    recent = tuple(map(_right, results))
    if level == state.level:
        recent = state.recent + recent
    moved = State(level, recent[-settings.window :])
    if len(moved.recent) < settings.window or moved.success is None:
        return moved
    if moved.success > settings.target + settings.margin and level < settings.highest:
        return State(level + 1)
    if moved.success < settings.target - settings.margin and level > settings.lowest:
        return State(level - 1)
    return moved
