"""Several processes of one machine that adapt one model: `vizbench eval --devices 2 …`, or by any launcher
that sets torch's variables (`torchrun`, `accelerate launch --multi_gpu`).

Split: every batch of training, and the encoding of clips; each process holds the whole model on a device of
its own, and the gradients of all are added up. Not split: prediction, judging, and all that is written, which
are process 0's alone while the others wait (`follow`). They hear of each cell by its plan and make its data
themselves. Torch is loaded by processes that were launched so, and by no other."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

import msgspec

from vizbench.distributed.env import check, size
from vizbench.errors import UserError

MAX_DEVICES: Final = 64


def gather(devices: int, jobs: int) -> None:
    """Be so many processes from here on: where this one is alone, it launches them, waits, and exits as they
    did.

    UserError for a number outside 1 … MAX_DEVICES, for another than was launched, for more than there are
    GPUs."""
    if not 1 <= devices <= MAX_DEVICES:
        raise UserError(
            f"--devices {devices} is outside 1 … {MAX_DEVICES}: give the number of GPUs to train on"
        )
    if devices in (1, size()):
        return
    if size() > 1:
        raise UserError(
            f"--devices {devices} contradicts the {size()} processes that were launched: leave it out"
        )
    check(jobs, devices)
    from vizbench.distributed.launch import launch

    raise SystemExit(launch(devices, sys.argv[1:]))


@contextmanager
def called(cell: Any) -> Generator[None]:
    """Within the block the other processes adapt to the same cell. UserError once one was lost in a
    training."""
    if size() == 1:
        yield
        return
    from vizbench.distributed import collectives

    collectives.tell(msgspec.json.encode(cell))
    try:
        yield
    except UserError as error:
        collectives.agree(
            str(error)
        )  # the others may not have refused; in a step, the crew knows that it is lost
        raise
    except BaseException:  # Ctrl-C too leaves the others within a step
        collectives.lose()
        raise


@contextmanager
def dismissed() -> Generator[None]:
    """At the block's end the other processes end; where one was lost, this one exits with 1, and the launcher
    ends the others."""
    try:
        yield
    finally:
        if size() > 1:
            from vizbench.distributed import collectives

            collectives.dismiss()
