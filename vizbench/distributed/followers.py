"""Have all launched processes adapt to the trials that rank 0 runs. Imports torch only if there are several.

Rank 0 is the command: it predicts, verifies and writes. The other ranks follow it: each makes the data of the
trial itself, holds the whole model, and trains on its shard of every batch.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any, Final

from vizbench.distributed.env import world_size
from vizbench.errors import UserError

_out_of_step: Final = Event()
"""Set after an error of rank 0 that the others did not share: they still wait in a collective."""


@contextmanager
def broadcast_trial(trial: Any) -> Generator[None]:
    """Have the other processes adapt to the trial within the block, which does so here.

    Raises UserError if another process refuses the trial, or still waits in a training that broke off.
    """
    if world_size() == 1:
        yield
        return
    from vizbench.distributed import collectives

    if _out_of_step.is_set():
        raise UserError(
            "a training broke off that other processes still wait in: give the same command again"
        )
    try:
        collectives.broadcast(trial)
        with collectives.shared_errors():
            pass  # the others load data and model
        yield
    except BaseException as error:  # also Ctrl-C
        if not collectives.is_shared(error):
            _out_of_step.set()
        raise


def receive_trials() -> Iterator[Any]:
    """Yield the trials that rank 0 broadcasts, until it releases this process."""
    from vizbench.distributed import collectives

    try:
        while (trial := collectives.broadcast(None)) is not None:
            yield trial
    finally:  # also if an error ends the loop over the trials
        collectives.leave()


@contextmanager
def releasing() -> Generator[None]:
    """End the other processes at the end of the block.

    If they still wait in a training, this process exits with 1, after which the launcher ends them.
    """
    try:
        yield
    finally:
        if world_size() > 1:
            _release()


def _release() -> None:
    from vizbench.distributed import collectives

    if _out_of_step.is_set():
        raise SystemExit(1)
    collectives.broadcast(None)
    collectives.leave()
