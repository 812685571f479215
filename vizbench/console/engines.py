"""Open the engine that `--engine`, `--address` and `--workers` or `--jobs` name."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from vizbench._util.numbers import is_whole
from vizbench.errors import UserError

if TYPE_CHECKING:
    from vizbench.engines.engine import Engine
    from vizbench.engines.shard import Part

EngineName: TypeAlias = Literal["local", "ray"]
"""The value of `--engine`."""

MAX_TASKS: Final = 10_000
"""The most tasks at a time on a cluster."""


@contextmanager
def opened(name: EngineName, address: str | None, option: str, most: int | None) -> Generator[Engine | None]:
    """Yield the engine, which is closed after the block. None: the processes of this machine.

    option: the name of the option that gives `most`, the most units at a time.
    """
    if name == "local":
        if address is not None:
            raise UserError(f"--address {address[:80]!r} names a Ray cluster: add --engine ray")
        yield None
        return
    if most is not None and not is_whole(most, 1, MAX_TASKS):
        raise UserError(f"{option}={str(most)[:40]} is not in 1 … {MAX_TASKS:,}: choose a whole number there")
    from vizbench.engines.ray import RayEngine

    with RayEngine(address, most) as engine:
        yield engine


def part_of(shard: str | None) -> Part:
    """Return the part of the work that `--shard` names, or the whole."""
    from vizbench.engines.shard import WHOLE, read_part

    return WHOLE if shard is None else read_part(shard)
