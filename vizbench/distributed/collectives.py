"""Keep processes that train one model in step, by accelerate's process state and torch's collectives.

A single process joins no group: each function returns at once.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar

import torch
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from vizbench.distributed.env import rank, world_size
from vizbench.errors import UserError

if TYPE_CHECKING:
    from accelerate import PartialState

Rows = TypeVar("Rows", bound="Sequence[Any] | torch.Tensor")

TIMEOUT: Final = timedelta(days=30)
"""How long a process waits in a collective. Rank 0 may be predicting in the meantime."""

_SHARED: Final = "every process raised this error"
"""The note on an error that no process waits behind."""


@cache
def process_state() -> PartialState | None:
    """Join the process group at the first call. Returns None for a single process."""
    if world_size() == 1:
        return None
    from accelerate import PartialState

    check_gpus(int(os.environ.get("LOCAL_WORLD_SIZE", world_size())))
    return PartialState(cpu=not torch.cuda.is_available(), timeout=TIMEOUT)


def check_gpus(processes: int) -> None:
    """Raise UserError if this machine has GPUs, but fewer than one per process."""
    gpus = torch.cuda.device_count()
    if 0 < gpus < processes:
        raise UserError(
            f"{processes} processes want a GPU each and this machine has {gpus}: give --devices {gpus}, or "
            f"CUDA_VISIBLE_DEVICES= in front of the command to compute on CPUs"
        )


def device() -> torch.device:
    """Return the device of this process: the GPU with its local rank, or the CPU."""
    process_state()  # makes that GPU the current one
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", torch.cuda.current_device())


def shard(rows: Rows) -> Rows:
    """Return every `world_size`-th row, from this rank on; none if there are too few rows.

    `PartialState.split_between_processes` would repeat the last row for a process that gets none. Its blocks
    would also give the longest of sorted rows to one process.
    """
    own: Any = rows[rank() :: world_size()]
    return own


def all_reduce_gradients(parameters: Iterable[torch.nn.Parameter], loss: float) -> float:
    """Sum gradients and loss over all processes. Returns the summed loss.

    DistributedDataParallel wants one backward pass per process and batch. Here a process may have several, or
    none: batches can be smaller than the number of processes, and losses are weighted by answer tokens.
    """
    if world_size() == 1:
        return loss
    gradients: list[torch.Tensor] = []
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        gradients.append(parameter.grad)
    summed = parameters_to_vector([*gradients, gradients[0].new_tensor([loss])])
    torch.distributed.all_reduce(summed)
    vector_to_parameters(summed[:-1], gradients)
    return float(summed[-1])


def broadcast(message: Any) -> Any:
    """Return the message of rank 0. Only for launched processes; all of them call it."""
    from accelerate.utils import broadcast_object_list

    process_state()
    return broadcast_object_list([message])[0]


def gather(message: Any) -> list[Any]:
    """Return the messages of all processes, by rank. All of them call it."""
    if process_state() is None:
        return [message]
    from accelerate.utils import gather_object

    messages: list[Any] = gather_object([message])
    return messages


@contextmanager
def shared_errors() -> Generator[None]:
    """Raise a UserError of any process within the block on all of them, as each may lack memory or files.

    Every process enters the block once, and leaves it when all are done. Without it the others would wait for
    the one that refuses.
    """
    refusal: UserError | None = None
    try:
        yield
    except UserError as error:
        refusal = error
    messages = gather(None if refusal is None else str(refusal))
    refusals = [message for message in messages if message is not None]
    if refusals:
        raise _shared(refusal or UserError(refusals[0]))


def require_equal(name: str, value: object) -> None:
    """Raise UserError on every process if the value differs between them.

    name: what the value is, for the message.
    """
    values = gather(value)
    if any(other != values[0] for other in values):
        raise _shared(
            UserError(
                f"{name} differs between the processes ({', '.join(map(str, values))}): set VIZBENCH_HOME to "
                "a folder that all nodes share, or delete what is in it"
            )
        )


def is_shared(error: BaseException) -> bool:
    """Return whether every process raised the error, so that all of them can continue."""
    return _SHARED in getattr(error, "__notes__", ())


def _shared(error: UserError) -> UserError:
    error.add_note(_SHARED)
    return error


def leave() -> None:
    """Leave the process group.

    Without it one of 40 runs of two processes was aborted as the second ended (torch 2.13, gloo).
    """
    state = process_state()
    if state is not None:
        state.destroy_process_group()
