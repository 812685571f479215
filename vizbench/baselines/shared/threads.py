"""How many threads the embedded models take: one."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def one_thread() -> Generator[None]:
    """Torch on one thread within the block; the number from before afterwards.

    A million parameters give two threads nothing to share, and threads that wait for each other on a busy
    machine were seen to take 45 s a step instead of 0.2 s. One thread also rounds alike everywhere."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
