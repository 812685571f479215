"""Build a language model from the name of its checkpoint. Torch is imported when a model is built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vizbench._util.cache import home
from vizbench._util.params import override, path_and_params
from vizbench.baselines.language.config import LanguageConfig
from vizbench.baselines.language.family import LanguageFamily
from vizbench.baselines.shared.hub import Weights, fetch, is_real, require, unknown_checkpoint
from vizbench.model import Model

if TYPE_CHECKING:
    from vizbench.baselines.language.model import LanguageLora

PACKAGES: Final = ("torch", "transformers", "peft", "safetensors", "huggingface_hub", "accelerate", "psutil")


def build(
    family: LanguageFamily, checkpoint: str, names: tuple[str, ...], modality: str = "text"
) -> Model[Any]:
    """Return the model of `PLACE?field=value&…`: a folder or hub id, and fields of `LanguageConfig`.

    names: other checkpoints of the family.

    Raises UserError if a name or field is unknown, or if this machine lacks a package, a GPU or memory.
    """
    place, settings = path_and_params(checkpoint)
    if not is_real(place):
        raise unknown_checkpoint(family.name, place, names)
    require(family.name, *PACKAGES)
    config = override(f"--checkpoint of {family.name}", family.config, settings)
    return assemble(family, fetch(family.name, place), config, modality)


def assemble(
    family: LanguageFamily, weights: Weights, config: LanguageConfig, modality: str = "text"
) -> LanguageLora:
    """Return the model of weights in a folder. They are loaded at its first use."""
    from vizbench.baselines.language.checkpoint import LanguageCheckpoint
    from vizbench.baselines.language.model import BothLora, ImageLora, TextLora

    kinds: dict[str, type[LanguageLora]] = {"text": TextLora, "image": ImageLora, "both": BothLora}
    checkpoint = LanguageCheckpoint(family, weights.folder, config)
    return kinds[modality](family.name, config, checkpoint, weights.digest, home())
