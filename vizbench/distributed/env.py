"""Find which of the launched processes this one is. Imports no torch.

`torchrun`, `accelerate launch` and `--devices` set the variables that are read here.
"""

from __future__ import annotations

import os

from vizbench.errors import UserError


def world_size() -> int:
    """Return the number of processes that were launched together, on all nodes."""
    return int(os.environ.get("WORLD_SIZE", "1")) if "RANK" in os.environ else 1


def rank() -> int:
    """Return the number of this process, from 0."""
    return int(os.environ["RANK"]) if world_size() > 1 else 0


def check_jobs(jobs: int, processes: int) -> None:
    """Raise UserError if processes that train one model would each start workers of their own."""
    if processes > 1 and jobs > 1:
        raise UserError(
            f"--jobs {jobs} gives each process a model of its own, and {processes} processes are to train "
            "one together: leave out --jobs, or --devices"
        )
