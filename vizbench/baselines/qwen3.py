"""Define the family `qwen3`: Qwen3 language models (Yang et al. 2025), and the embedded one (1.2 M)."""

from __future__ import annotations

from typing import Any, Final

from vizbench.baselines.embedded.language.model import CHECKPOINTS, embedded_model
from vizbench.baselines.language.build import build
from vizbench.baselines.language.config import LanguageConfig
from vizbench.baselines.language.family import LanguageFamily
from vizbench.baselines.language.memory import NORMED, LanguageSizes
from vizbench.model import Model, ModelFamily

HUB: Final = ("Qwen/Qwen3-4B-Instruct-2507", "Qwen/Qwen3-8B")

CONFIG: Final = LanguageConfig(rank=32, alpha=32, batch=8)
"""The paper's. Its 4B takes the 8 examples of a step two by two, its 8B one by one."""

FAMILY: Final = LanguageFamily(
    "qwen3",
    "Qwen3ForCausalLM",
    ("qwen3",),
    NORMED,
    CONFIG,
    sizes={
        HUB[0]: LanguageSizes(
            parameters=4_022_468_096,
            layers=36,
            hidden=2560,
            feed=9728,
            queries=4096,
            keys=1024,
            words=151_936,
            block=NORMED,
        ),
        HUB[1]: LanguageSizes(
            parameters=8_190_735_360,
            layers=36,
            hidden=4096,
            feed=12_288,
            queries=4096,
            keys=1024,
            words=151_936,
            block=NORMED,
        ),
    },
)


def _build(checkpoint: str) -> Model[Any]:
    if checkpoint in CHECKPOINTS:
        return embedded_model(checkpoint)
    return build(FAMILY, checkpoint, (*CHECKPOINTS, *HUB))


FAMILIES = (
    ModelFamily(
        "qwen3",
        "text",
        "Qwen3 with LoRA; tiny is embedded, 1.2 M parameters pretrained on procedural worlds, tiny-random "
        "and tiny-scratch are its controls; or a folder, or a name at the hub",
        (*CHECKPOINTS, *HUB),
        _build,
        FAMILY.memory,
    ),
)
