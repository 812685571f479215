"""Choose how the examples of an optimizer step pass through a model, by the memory of this machine.

All choices have the same gradient up to the rounding of sums, so neither the record of a run nor the name of
a stored training depends on the choice. A training may go on elsewhere with another one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeVar, final

from vizbench.baselines.shared.config import AdaptationConfig
from vizbench.baselines.shared.memory import MemoryBytes, device_memory
from vizbench.distributed.env import world_size

SHARE: Final = 0.8
"""The share of the free memory that a choice may fill by its estimate.

The estimates leave out the GPU's context, fragmentation and caches.
"""

C = TypeVar("C", bound=AdaptationConfig)


@final
@dataclass(frozen=True, slots=True)
class Passes:
    """How the examples of an optimizer step pass through a model."""

    rows: int
    """Examples per forward pass."""
    checkpointing: bool
    """Whether each block is computed again in the backward pass."""


def allowed(config: AdaptationConfig, rows: int) -> list[Passes]:
    """Return what a config allows, from the fastest to the smallest.

    rows: examples of an optimizer step that this process holds.
    """
    sizes = [max(1, min(config.rows or rows, rows))]
    while not config.rows and sizes[-1] > 1:
        sizes.append(-(-sizes[-1] // 2))
    modes = (False, True) if config.checkpointing == "auto" else (config.checkpointing == "true",)
    return [Passes(size, mode) for mode in modes for size in sizes]


def chosen_config(config: C, passes: Passes) -> C:
    """Return the config with its open choices settled."""
    return replace(config, rows=passes.rows, checkpointing=str(passes.checkpointing).lower())


def least_config(config: C) -> C:
    """Return the config whose open choices take the least memory."""
    return chosen_config(config, allowed(config, config.batch)[-1])


def fitting(config: C, rows: int, bytes_of: MemoryBytes[C]) -> list[Passes]:
    """Return what is allowed without what needs more than SHARE of the free memory. The smallest stays."""
    choices, free = allowed(config, rows), SHARE * device_memory().free / _sharers()
    while len(choices) > 1 and sum(bytes_of(chosen_config(config, choices[0])).values()) > free:
        del choices[0]
    return choices


def _sharers() -> int:
    """Return how many processes of this training share the device's memory."""
    import torch

    if torch.cuda.is_available():
        return 1
    return int(os.environ.get("LOCAL_WORLD_SIZE", world_size()))


def run_within(choices: list[Passes], attempt: Callable[[Passes], float]) -> float:
    """Return the loss of an attempt. If the GPU is full, try again by the next choice, and stay with it.

    attempt: must leave nothing behind if it fails, as it is repeated.
    """
    import torch

    while True:
        try:
            return attempt(choices[0])
        except torch.OutOfMemoryError:
            if len(choices) == 1:
                raise
        del choices[0]
        torch.cuda.empty_cache()
