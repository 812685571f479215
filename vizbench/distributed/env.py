"""Who this process is among those that were launched together, read from the variables that torch's launcher
sets."""

from __future__ import annotations

import os

from vizbench.errors import UserError


def size() -> int:
    """How many processes were launched together."""
    return int(os.environ.get("WORLD_SIZE", "1")) if "RANK" in os.environ else 1


def rank() -> int:
    """This one's number, from 0."""
    return int(os.environ["RANK"]) if size() > 1 else 0


def check(jobs: int, processes: int) -> None:
    """UserError where processes that adapt one model would each start others with models of their own."""
    if processes > 1 and jobs > 1:
        raise UserError(
            f"--jobs {jobs} gives each process a model of its own, and {processes} processes are to train one "
            f"together: leave out --jobs, or --devices"
        )
