"""What launched processes say to each other, by accelerate's state and torch's own collectives; alone,
nothing.

Gradients are added up as they are, in one buffer: DistributedDataParallel would rename the adapter's layers
and wants one loss a process, where a batch smaller than the number of processes leaves some without any."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, Final, TypeVar, final

import torch

from vizbench.distributed.env import rank, size
from vizbench.errors import UserError

Rows = TypeVar("Rows", bound="Sequence[Any] | torch.Tensor")

PATIENCE: Final = timedelta(days=30)
"""How long a process waits for another one, which may be answering questions all the while."""


@final
@dataclass(slots=True)
class Crew:
    """state: accelerate's, None alone; stepping: whether all are amid a training, where each waits for each;
    owing: whether this process has yet to say if it takes part in the training that was called."""

    state: Any
    stepping: bool = False
    owing: bool = False


@cache
def _crew() -> Crew:
    """Joins the launched processes, at the first call."""
    if size() == 1:
        return Crew(None)
    from accelerate import PartialState

    check_gpus(int(os.environ.get("LOCAL_WORLD_SIZE", size())))
    return Crew(PartialState(cpu=not torch.cuda.is_available(), timeout=PATIENCE))


def check_gpus(processes: int) -> None:
    """UserError where this machine has GPUs, and fewer than one a process."""
    found = torch.cuda.device_count()
    if 0 < found < processes:
        raise UserError(
            f"{processes} processes want a GPU each and this machine has {found}: give --devices {found}, or "
            f"CUDA_VISIBLE_DEVICES= in front of the command to compute on CPUs"
        )


def device() -> torch.device:
    """Where this process computes: on a GPU of its own, or on the CPU."""
    _crew()  # chooses the GPU
    return (
        torch.device("cuda", torch.cuda.current_device())
        if torch.cuda.is_available()
        else torch.device("cpu")
    )


def share(rows: Rows) -> Rows:
    """This process's rows: every `size`-th."""
    mine: Any = rows[rank() :: size()]
    return mine


def add_up(parameters: Iterable[torch.nn.Parameter], loss: float) -> float:
    """Gradients summed over all processes, in place; returns the summed loss. All call it, also those without
    rows."""
    if size() == 1:
        return loss
    trained = list(parameters)
    parts = [torch.zeros_like(p) if p.grad is None else p.grad for p in trained]
    whole = torch.cat(
        [*(part.flatten().float() for part in parts), parts[0].new_tensor([loss], dtype=torch.float32)]
    )
    torch.distributed.all_reduce(whole)
    at = 0
    for parameter in trained:
        parameter.grad = whole[at : at + parameter.numel()].view_as(parameter).to(parameter.dtype)
        at += parameter.numel()
    return float(whole[-1])


def wait() -> None:
    """Until all are here."""
    state = _crew().state
    if state is not None:
        state.wait_for_everyone()


@contextmanager
def training() -> Generator[None]:
    """A training, as soon as all are ready for it: who leaves it by an error leaves the others waiting, and
    is lost to them. UserError where one refuses it."""
    agree()
    crew = _crew()
    crew.stepping = True
    yield
    crew.stepping = False


def agree(refusal: str = "") -> None:
    """Say, once a training that was called, whether this process takes part, and hear it of all: what one
    refuses for want of memory others may not, and would wait for it. refusal: why not. UserError with the
    refusal of another."""
    crew = _crew()
    if not crew.owing:
        return
    crew.owing = False
    words = refusal.encode()
    lengths = torch.zeros(size(), dtype=torch.int64, device=crew.state.device)
    lengths[rank()] = len(words)
    torch.distributed.all_reduce(lengths)
    refusing = [number for number, length in enumerate(lengths.tolist()) if length]
    if not refusing:
        return
    told = torch.zeros(int(lengths[refusing[0]]), dtype=torch.uint8, device=crew.state.device)
    if rank() == refusing[0]:
        told = torch.tensor(list(words), dtype=torch.uint8, device=crew.state.device)
    torch.distributed.broadcast(told, refusing[0])
    if not refusal:
        raise UserError(bytes(told.tolist()).decode())


def lost() -> bool:
    """Whether this process left a training that others are still in."""
    return _crew().stepping


def lose() -> None:
    """This process may have left one."""
    _crew().stepping = True


def tell(message: bytes) -> None:
    """Say it to all others. UserError where they are lost."""
    if lost():
        raise UserError("a training broke off that other processes are still in: give the same command again")
    where = _crew().state.device
    torch.distributed.broadcast(torch.tensor([len(message)], device=where), 0)
    _crew().owing = bool(message)
    if message:
        torch.distributed.broadcast(torch.tensor(list(message), dtype=torch.uint8, device=where), 0)


def hear() -> bytes:
    """What the first process says; nothing means the end, and this process leaves the others: of 40 runs of
    two processes one was aborted as the second ended without leaving (torch 2.13, gloo)."""
    where = _crew().state.device
    length = torch.zeros(1, dtype=torch.int64, device=where)
    torch.distributed.broadcast(length, 0)
    _crew().owing = bool(length)
    message = torch.zeros(int(length), dtype=torch.uint8, device=where)
    if len(message):
        torch.distributed.broadcast(message, 0)
    else:
        _crew().state.destroy_process_group()
    return bytes(message.tolist())


def dismiss() -> None:
    """Let the others end. Where they are lost, exit with 1: by that the launcher ends them."""
    if lost():
        raise SystemExit(1)
    tell(b"")
    _crew().state.destroy_process_group()
