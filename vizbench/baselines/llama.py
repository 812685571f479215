"""Define the family `llama`: Llama 3 language models (Grattafiori et al. 2024), gated at the hub."""

from __future__ import annotations

from typing import Any, Final

from vizbench.baselines.language.build import build
from vizbench.baselines.language.config import LINEAR, LanguageConfig
from vizbench.baselines.language.family import LanguageFamily
from vizbench.baselines.language.memory import PLAIN, LanguageSizes
from vizbench.model import Model, ModelFamily

HUB: Final = "meta-llama/Llama-3.1-8B-Instruct"

CONFIG: Final = LanguageConfig(
    rank=32, alpha=64, dropout=0.05, targets=(*LINEAR, "lm_head"), batch=8, max_length=4096
)
"""The paper's, for Llama 3.1 8B."""

FAMILY: Final = LanguageFamily(
    "llama",
    "LlamaForCausalLM",
    ("llama",),
    PLAIN,
    CONFIG,
    sizes={
        HUB: LanguageSizes(
            parameters=8_030_261_248,
            layers=32,
            hidden=4096,
            feed=14_336,
            queries=4096,
            keys=1024,
            words=128_256,
            block=PLAIN,
        )
    },
)


def _build(checkpoint: str) -> Model[Any]:
    return build(FAMILY, checkpoint, (HUB,))


FAMILIES = (
    ModelFamily(
        "llama", "text", "Llama 3 with LoRA, from a folder or the hub", (HUB,), _build, FAMILY.memory
    ),
)
