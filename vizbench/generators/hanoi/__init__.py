"""Generate the Towers of Hanoi: the best moves between any two states.

`states`: states as numbers. `pictures`: drawn states. `task`: the task family.
"""

from __future__ import annotations

from vizbench.generators.hanoi.task import TASK

__all__ = ["TASK"]
