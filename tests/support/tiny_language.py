"""Make random models of the real classes, small enough for a test, in folders as the hub would give them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Regex, Tokenizer
from tokenizers.decoders import Fuse
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split

hf: Any = transformers
"""Untyped: its configurations take more keywords than they declare."""

TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<|turn|>{{ m['role'] }}\n"
    "{% if m['content'] is string %}{{ m['content'] }}{% else %}{% for part in m['content'] %}"
    "{% if part['type'] == 'image' %}<|boi|>{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}"
    "<|end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|turn|>assistant\n"
    "{% if enable_thinking is not defined or enable_thinking %}<think>{% endif %}{% endif %}"
)
"""Opens a thinking block unless a setting forbids it, as Qwen3's does."""

SPECIAL = ("<pad>", "<bos>", "<eos>", "<|turn|>", "<|end|>", "<think>", "<|boi|>", "<|eoi|>", "<|image|>")
SIZES: dict[str, Any] = {
    "hidden_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 12,
    "intermediate_size": 64,
    "max_position_embeddings": 512,
    "initializer_range": 0.2,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}


def tokenizer(template: str | None = TEMPLATE) -> Any:
    """Make a tokenizer of one token per character, as small as a vocabulary can be."""
    characters = "0123456789[],\n abcdefghijklmnopqrstuvwxyz"
    words = {word: i for i, word in enumerate((*SPECIAL, "?", *characters))}
    inner = Tokenizer(WordLevel(words, unk_token="?"))
    inner.pre_tokenizer = Split(Regex("[\\s\\S]"), "isolated")
    inner.decoder = Fuse()
    return hf.PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="<eos>",
        unk_token="?",
        chat_template=template,
        extra_special_tokens={
            "boi_token": "<|boi|>",
            "eoi_token": "<|eoi|>",
            "image_token": "<|image|>",
            "turn_token": "<|turn|>",
            "end_token": "<|end|>",
            "think_token": "<think>",
        },
    )


def write(family: str, folder: Path, template: str | None = TEMPLATE) -> Path:
    """Write the folder of a random qwen3, llama or gemma."""
    words = tokenizer(template)
    sizes = {**SIZES, "vocab_size": len(words)}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        if family == "qwen3":
            hf.Qwen3ForCausalLM(hf.Qwen3Config(**sizes, tie_word_embeddings=True)).save_pretrained(folder)
        elif family == "llama":
            hf.LlamaForCausalLM(hf.LlamaConfig(**sizes, tie_word_embeddings=False)).save_pretrained(folder)
        else:
            hf.Gemma3ForConditionalGeneration(_gemma(sizes, words)).save_pretrained(folder)
    if family == "gemma":
        pictures = hf.Gemma3ImageProcessorPil(size={"height": 28, "width": 28})
        hf.Gemma3Processor(pictures, words, chat_template=template, image_seq_length=4).save_pretrained(
            folder
        )
    else:
        words.save_pretrained(folder)
    return folder


def _gemma(sizes: dict[str, Any], words: Any) -> Any:
    token = dict(zip(SPECIAL, words.convert_tokens_to_ids(list(SPECIAL)), strict=True))
    return hf.Gemma3Config(
        text_config={**sizes, "sliding_window": 64, "query_pre_attn_scalar": 12},
        vision_config={
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "image_size": 28,
            "patch_size": 7,
        },
        mm_tokens_per_image=4,
        boi_token_index=token["<|boi|>"],
        eoi_token_index=token["<|eoi|>"],
        image_token_id=token["<|image|>"],
        eos_token_id=2,
        pad_token_id=0,
        bos_token_id=1,
    )
