"""Check the records that set how a model is adapted, and name what all of them set.

The records of language and video models list their fields themselves: trainings on disk are named by the
printed record, in which the order of the fields counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Protocol

from vizbench.errors import UserError

BACKBONES: Final = ("full", "int8", "nf4")
"""How the frozen linear layers are kept: as they are, or in 8 or 4 bits. From the largest to the smallest."""

CHECKPOINTING: Final = ("auto", "true", "false")
"""Whether each block is computed again in the backward pass, to save memory; auto: only if it must be."""

LEAST: Final = {
    "alpha": 1,
    "batch": 1,
    "rows": 0,
    "steps": 1,
    "warmup": 1,
    "together": 0,
    "save_minutes": 0,
    "sample_every": 0,
}
"""The smallest values of the fields that language and video models share."""

MOST: Final = 10_000_000
"""The largest value of every field that has a smallest one."""


class AdaptationConfig(Protocol):
    """What the memory of a training depends on, in the config of any adapted model: a frozen dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def batch(self) -> int:
        """Examples per optimizer step."""
        ...

    @property
    def rows(self) -> int:
        """Most examples per forward pass; 0: as many as the memory allows."""
        ...

    @property
    def checkpointing(self) -> str:
        """One of CHECKPOINTING."""
        ...

    @property
    def backbone(self) -> str:
        """One of BACKBONES."""
        ...


def check_choices(config: object, choices: Mapping[str, Sequence[str]]) -> None:
    """Raise UserError if a field has a value that is not among its choices."""
    for name, allowed in choices.items():
        value = str(getattr(config, name))
        if value not in allowed:
            raise UserError(f"{name}={value[:40]!r} is not one of {', '.join(allowed)}")


def check_ranges(config: object, least: Mapping[str, int]) -> None:
    """Raise UserError if a field is below its smallest value or above MOST."""
    for name, smallest in least.items():
        value = getattr(config, name)
        if not smallest <= value <= MOST:
            raise UserError(f"{name}={value} is outside {smallest:,} … {MOST:,}")
