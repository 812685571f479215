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
from typing import final

from vizbench.errors import UserError
from vizbench.task.contract import LEVELS


@final
@dataclass(frozen=True, slots=True)
class Settings:
    """How the level moves. Raises UserError for values out of range."""

    target: float = 0.5
    """The share of right answers to stay near, over 0 and under 1."""
    margin: float = 0.2
    """The level moves if the share is more than this above or below the target, 0 … 0.5."""
    window: int = 64
    """Answers at a level before it may move, and the most that count, 1 … 100,000."""
    lowest: int = 0
    """The lowest level, 0 … 9."""
    highest: int = LEVELS - 1
    """The highest level, from `lowest` to 9."""

    def __post_init__(self) -> None:
        if not 0 < self.target < 1:
            raise UserError(f"target={self.target} is not over 0 and under 1: give a share, e.g. 0.5")
        if not 0 <= self.margin <= 0.5:
            raise UserError(f"margin={self.margin} is not in 0 … 0.5: try 0.2")
        if not 1 <= self.window <= 100_000:
            raise UserError(f"window={self.window} is not in 1 … 100,000: try 64")
        if not 0 <= self.lowest <= self.highest < LEVELS:
            raise UserError(
                f"lowest={self.lowest} and highest={self.highest} are not levels in order, 0 … {LEVELS - 1}"
            )


@final
@dataclass(frozen=True, slots=True)
class State:
    """Where a curriculum is. Plain values, so that any format can hold it."""

    level: int = 0
    """The level to train on, 0 … 9."""
    recent: tuple[bool, ...] = ()
    """Whether each recent answer at this level was right, the oldest first."""

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
    """
    settings = settings or Settings()
    level = min(max(state.level, settings.lowest), settings.highest)
    recent = (*state.recent, *map(bool, results)) if level == state.level else tuple(map(bool, results))
    moved = State(level, recent[-settings.window :])
    if len(moved.recent) < settings.window or moved.success is None:
        return moved
    if moved.success > settings.target + settings.margin and level < settings.highest:
        return State(level + 1)
    if moved.success < settings.target - settings.margin and level > settings.lowest:
        return State(level - 1)
    return moved
