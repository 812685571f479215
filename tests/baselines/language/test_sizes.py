"""Test which layers the configs adapt at the true sizes, and how many numbers that is.

Models are made without memory. Their configurations are those of the checkpoints' config.json.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
import transformers

from vizbench.baselines import gemma, llama, qwen3
from vizbench.baselines.language.checkpoint import adapted
from vizbench.baselines.language.config import LINEAR, LanguageConfig
from vizbench.baselines.language.memory import sizes_of

hf: Any = transformers

QWEN3_4B = hf.Qwen3Config(
    vocab_size=151_936, hidden_size=2560, num_hidden_layers=36, num_attention_heads=32, num_key_value_heads=8,
    head_dim=128, intermediate_size=9728, tie_word_embeddings=True,
)  # fmt: skip
QWEN3_8B = hf.Qwen3Config(
    vocab_size=151_936, hidden_size=4096, num_hidden_layers=36, num_attention_heads=32, num_key_value_heads=8,
    head_dim=128, intermediate_size=12_288, tie_word_embeddings=False,
)  # fmt: skip
LLAMA_8B = hf.LlamaConfig(
    vocab_size=128_256, hidden_size=4096, num_hidden_layers=32, num_attention_heads=32, num_key_value_heads=8,
    head_dim=128, intermediate_size=14_336, tie_word_embeddings=False,
)  # fmt: skip
GEMMA_4B = hf.Gemma3Config(
    text_config={
        "vocab_size": 262_208, "hidden_size": 2560, "num_hidden_layers": 34, "num_attention_heads": 8,
        "num_key_value_heads": 4, "head_dim": 256, "intermediate_size": 10_240, "sliding_window": 1024,
    },
    vision_config={
        "hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27, "num_attention_heads": 16,
        "image_size": 896, "patch_size": 14, "vision_use_head": False,
    },
    mm_tokens_per_image=256,
)  # fmt: skip


def block(hidden: int, queries: int, keys: int, feed: int) -> int:
    """Return the sum of inputs and outputs of a block's seven linear layers.

    A LoRA of rank r on a layer of m inputs and n outputs has r (m + n) numbers.
    """
    attention = (hidden + queries) + 2 * (hidden + keys) + (queries + hidden)
    return attention + 3 * (hidden + feed)


@pytest.mark.parametrize(
    ("network", "config", "lora", "whole", "trained"),
    [
        # 36 layers, 32 heads and 8 groups of 128; rank 32
        (hf.Qwen3ForCausalLM, QWEN3_4B, qwen3.CONFIG, 4_022_468_096, 32 * 36 * block(2560, 4096, 1024, 9728)),
        (
            hf.Qwen3ForCausalLM,
            QWEN3_8B,
            qwen3.CONFIG,
            8_190_735_360,
            32 * 36 * block(4096, 4096, 1024, 12_288),
        ),
        # 32 layers, and lm_head from 4096 to the 128,256 words
        (
            hf.LlamaForCausalLM,
            LLAMA_8B,
            llama.CONFIG,
            8_030_261_248,
            32 * (32 * block(4096, 4096, 1024, 14_336) + 4096 + 128_256),
        ),
        # 34 layers of 8 heads and 4 groups of 256; nothing of the vision tower
        (
            hf.Gemma3ForConditionalGeneration,
            GEMMA_4B,
            gemma.FAMILY.config,
            4_300_079_472,
            32 * 34 * block(2560, 2048, 1024, 10_240),
        ),
    ],
    ids=["qwen3-4b", "qwen3-8b", "llama-8b", "gemma-4b"],
)
def test_the_config_adapts_what_the_paper_adapts(
    network: Any, config: Any, lora: LanguageConfig, whole: int, trained: int
) -> None:
    with torch.device("meta"):
        model = network(config)
        assert sum(p.numel() for p in model.parameters()) == whole
        wrapped = adapted(model, lora, 0)
    free = {name: p.numel() for name, p in wrapped.named_parameters() if p.requires_grad}
    assert sum(free.values()) == trained
    layers = Counter(name.partition(".lora_")[0].rpartition(".")[2] for name in free)
    blocks = getattr(config, "text_config", config).num_hidden_layers
    assert layers == {name: 2 * (1 if name == "lm_head" else blocks) for name in lora.targets}
    assert not any("vision" in name or "projector" in name for name in free)


@pytest.mark.parametrize(
    ("line", "name", "config"),
    [
        (qwen3.FAMILY, qwen3.HUB[0], QWEN3_4B),
        (qwen3.FAMILY, qwen3.HUB[1], QWEN3_8B),
        (llama.FAMILY, llama.HUB, LLAMA_8B),
        (gemma.FAMILY, gemma.HUB, GEMMA_4B),
    ],
)
def test_a_configuration_says_the_sizes_that_are_shipped(line: Any, name: str, config: Any) -> None:
    assert sizes_of(config, line.sizes[name].parameters, line.block) == line.sizes[name]


@pytest.mark.parametrize(
    ("config", "theirs"),
    [
        (qwen3.CONFIG, (32, 32, 0.0, 8, 8192, LINEAR)),
        (llama.CONFIG, (32, 64, 0.05, 8, 4096, (*LINEAR, "lm_head"))),
        (gemma.FAMILY.config, (32, 32, 0.0, 8, 8192, LINEAR)),
    ],
)
def test_the_configs_are_the_papers(config: LanguageConfig, theirs: tuple[Any, ...]) -> None:
    size = config.rank, config.alpha, config.dropout, config.batch, config.max_length
    assert (*size, config.targets) == theirs
    descent = config.lr, config.schedule, config.warmup, config.weight_decay, config.max_new_tokens
    assert descent == (2e-4, "linear", 5, 0.01, 4096)
