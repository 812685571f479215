"""From a checkpoint's name to a language model. Torch is imported when a model is built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vizbench._util.cache import home
from vizbench._util.params import override, path_and_params
from vizbench.baselines.language.config import LanguageConfig
from vizbench.baselines.language.family import LanguageFamily
from vizbench.baselines.shared.hub import Weights, fetch, is_real, require
from vizbench.errors import unknown
from vizbench.model import Model

if TYPE_CHECKING:
    from vizbench.baselines.language.model import LanguageLora

PACKAGES: Final = ("torch", "transformers", "peft", "safetensors", "huggingface_hub", "accelerate", "psutil")


def build(
    line: LanguageFamily, checkpoint: str, names: tuple[str, ...], modality: str = "text"
) -> Model[Any]:
    """The model of `PLACE?field=value`: a folder or a hub id, with fields of `LanguageConfig`. names: what
    else there is.

    UserError for names that lead nowhere, fields that do not exist, and what the machine lacks.
    """
    place, settings = path_and_params(checkpoint)
    if not is_real(place):
        raise unknown(f"checkpoint of {line.family}", place, names)
    require(line.family, *PACKAGES)
    recipe = override(
        f"--checkpoint of {line.family}", line.configs.get(place.partition("@")[0], line.config), settings
    )
    return assemble(line, fetch(line.family, place), recipe, modality)


def assemble(
    line: LanguageFamily, weights: Weights, recipe: LanguageConfig, modality: str = "text"
) -> LanguageLora:
    """The model of weights that lie in a folder; they are loaded at its first use."""
    from vizbench.baselines.language.checkpoint import Checkpoint
    from vizbench.baselines.language.model import BothLora, ImageLora, TextLora

    kinds: dict[str, type[LanguageLora]] = {"text": TextLora, "image": ImageLora, "both": BothLora}
    checkpoint = Checkpoint(line, weights.folder, recipe)
    return kinds[modality](line.family, recipe, checkpoint, weights.digest, home())
