"""Define the family `gemma`: Gemma 3 (Gemma Team 2025), asked in text, in pictures, or in both.

`image:` before a checkpoint sends questions as pictures, `both:` as pictures with their JSON. The vision
tower is not adapted. The paper reports no config for Gemma, so its models take that of the paper's other
language models.
"""

from __future__ import annotations

from typing import Any, Final

from vizbench.baselines.language.build import build
from vizbench.baselines.language.config import LanguageConfig
from vizbench.baselines.language.family import LanguageFamily
from vizbench.baselines.language.memory import DOUBLE, LanguageSizes
from vizbench.model import Model, ModelFamily

HUB: Final = "google/gemma-3-4b-it"

FAMILY: Final = LanguageFamily(
    "gemma",
    "Gemma3ForConditionalGeneration",
    ("gemma3",),
    DOUBLE,
    LanguageConfig(),
    pictures=True,
    sizes={
        HUB: LanguageSizes(
            parameters=4_300_079_472,
            layers=34,
            hidden=2560,
            feed=10_240,
            queries=2048,
            keys=1024,
            words=262_208,
            block=DOUBLE,
            vision=411_070_464,
        )
    },
)

_MODALITIES: Final = ("image", "both")


def _build(checkpoint: str) -> Model[Any]:
    modality, colon, place = checkpoint.partition(":")
    if colon and modality in _MODALITIES:
        return build(FAMILY, place, (HUB,), modality)
    return build(FAMILY, checkpoint, (HUB,))


FAMILIES = (
    ModelFamily(
        "gemma",
        "text",
        "Gemma 3 with LoRA, from a folder or the hub; image:NAME sends questions as pictures, both:NAME as "
        "pictures with their JSON",
        (HUB, *(f"{modality}:{HUB}" for modality in _MODALITIES)),
        _build,
        FAMILY.memory,
    ),
)
