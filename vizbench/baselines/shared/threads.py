"""Limit the threads of the embedded models."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def one_thread() -> Generator[None]:
    """Run torch on one thread within the block.

    A million parameters give two threads nothing to share. On a busy machine, threads that waited for each
    other took 45 s per step instead of 0.2 s. One thread also rounds alike everywhere.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
