"""Generate chess: mates in one to three moves.

`board`, `validity`, `mates`, `answers`: kernels. `rules`: positions and moves. `task`: the task family.
"""

from __future__ import annotations

from vizbench.generators.chess.task import TASK

__all__ = ["TASK"]
