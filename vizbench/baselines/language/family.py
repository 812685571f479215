"""A line of language models: what one class of transformers runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

from vizbench.baselines.language.config import LanguageConfig
from vizbench.baselines.language.memory import Block, Sizes, memory
from vizbench.model import MemoryEstimate, MemoryRequest

if TYPE_CHECKING:
    pass


@final
@dataclass(frozen=True, slots=True)
class LanguageFamily:
    """A line of models that one class of transformers runs. family: its name here; network: the class; types:
    what config.json calls it; block: what its blocks keep in training; recipe: for every checkpoint but those
    in `recipes`, by hub id; pictures: whether it reads them; sizes: of checkpoints."""

    family: str
    network: str
    types: tuple[str, ...]
    block: Block
    config: LanguageConfig
    configs: Mapping[str, LanguageConfig] = field(default_factory=dict[str, LanguageConfig])
    pictures: bool = False
    sizes: Mapping[str, Sizes] = field(default_factory=dict[str, Sizes])

    def memory(self, demand: MemoryRequest) -> list[MemoryEstimate]:
        """Estimates for every checkpoint whose sizes are known here."""
        return [
            row
            for name, sizes in self.sizes.items()
            for row in memory(name, sizes, self.configs.get(name, self.config), demand.tokens)
        ]
