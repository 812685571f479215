"""Describe a family of language models that one class of transformers runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

from vizbench.baselines.language.config import LanguageConfig
from vizbench.baselines.language.memory import LanguageBlocks, LanguageSizes, memory
from vizbench.model import MemoryEstimate, MemoryRequest


@final
@dataclass(frozen=True, slots=True)
class LanguageFamily:
    """A family of models that one class of transformers runs."""

    name: str
    """Its name, as in `--model`."""
    network: str
    """The class of transformers."""
    types: tuple[str, ...]
    """The `model_type` in config.json."""
    block: LanguageBlocks
    """What its blocks keep for the backward pass."""
    config: LanguageConfig
    """The config of its checkpoints."""
    pictures: bool = False
    """Whether its models read pictures."""
    sizes: Mapping[str, LanguageSizes] = field(default_factory=dict[str, LanguageSizes])
    """Sizes of checkpoints, by hub id."""

    def memory(self, request: MemoryRequest) -> list[MemoryEstimate]:
        """Return estimates for every checkpoint whose sizes are known here."""
        return memory(self.sizes, self.config, request)
