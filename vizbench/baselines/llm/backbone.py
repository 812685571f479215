"""A folder of transformers' layout as a frozen model on its device, and the LoRA on it."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import torch
import transformers

from vizbench.baselines.hub import require
from vizbench.baselines.llm.recipe import Recipe
from vizbench.baselines.llm.script import Script
from vizbench.baselines.shared import crew
from vizbench.baselines.shared.room import FROZEN, check_room
from vizbench.errors import UserError
from vizbench.formats.files import read_bounded

LARGE: Final = 2_000_000_000
"""Bytes of weights from which on a CPU takes minutes a step."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """model: frozen, on `device`; script: how it is spoken to; dtype: of its products."""

    model: Any
    script: Script
    device: torch.device
    dtype: torch.dtype

    def products(self) -> AbstractContextManager[Any]:
        """Within it matrix products are taken in `dtype`, those of the float32 adapters too."""
        return torch.autocast(self.device.type, self.dtype, enabled=self.dtype is torch.bfloat16)


def check(family: str, model_types: Sequence[str], folder: Path, recipe: Recipe) -> None:
    """UserError where the folder holds another model, or this machine cannot take it. Nothing is loaded."""
    found = config_of(folder).get("model_type")
    if found not in model_types:
        raise UserError(
            f"{folder} holds a model of type {str(found)[:40]!r}: {family} loads {' or '.join(model_types)}"
        )
    if recipe.backbone != "full":
        require(family, "bitsandbytes", extra="quantised")
    size = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    if torch.cuda.is_available():
        check_room(family, size * FROZEN[recipe.backbone] / 2, recipe.backbone)
    elif size > LARGE and os.environ.get("VIZBENCH_CPU") != "1":
        raise UserError(
            f"{family} has {size / 1e9:.1f} GB of weights and no GPU is found: use --model smollm2, or qwen3's tiny, "
            f"or set VIZBENCH_CPU=1 to train on a CPU all the same"
        )


def config_of(folder: Path) -> dict[str, Any]:
    """The folder's config.json."""
    try:
        told: Any = json.loads(read_bounded(folder / "config.json", "config.json", 1 << 20))
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise UserError(f"{folder / 'config.json'} is no JSON object: give a folder that save_pretrained wrote")
    return told


def load(network: str, folder: Path, recipe: Recipe, pictures: bool) -> Loaded:
    """The frozen model of transformers' class `network`: safetensors alone, no code of the folder's, no network.

    pictures: whether its processor is loaded beside its tokenizer.
    """
    transformers.utils.logging.disable_progress_bar()  # it would write into the run's own
    device = crew.device()
    small = recipe.dtype == "bfloat16" or (recipe.dtype == "auto" and device.type == "cuda")
    dtype = torch.bfloat16 if small else torch.float32
    kind: Any = getattr(transformers, network)
    quantised = {} if recipe.backbone == "full" else {"quantization_config": _quantisation(recipe, dtype)}
    try:
        model = kind.from_pretrained(
            folder, dtype=dtype, use_safetensors=True, local_files_only=True, device_map=device, **quantised
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        processor = transformers.AutoProcessor.from_pretrained(folder, local_files_only=True) if pictures else None
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise UserError(f"{folder} does not fit the GPU: set ?backbone=nf4, or a smaller checkpoint") from None
        raise UserError(f"{folder} cannot be loaded as {network} ({' '.join(str(error).split())[:200]})") from error
    model.generation_config = transformers.GenerationConfig()  # else it fills what ours leaves open: Qwen's samples
    return Loaded(model.eval().requires_grad_(False), Script(tokenizer, processor), device, dtype)


def _quantisation(recipe: Recipe, dtype: torch.dtype) -> Any:
    """bitsandbytes on the linear layers, the last one left as it is (transformers' own choice)."""
    if recipe.backbone == "int8":
        return transformers.BitsAndBytesConfig(load_in_8bit=True)
    return transformers.BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype
    )


@contextmanager
def seeded(device: torch.device, seed: int) -> Generator[None]:
    """Within it torch draws from the seed, on the device too; afterwards it goes on as before."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def lora(recipe: Recipe) -> Any:
    """peft's settings. Layers are named by a pattern, because a vision tower has layers of the same names."""
    from peft import LoraConfig

    names = "|".join(recipe.targets)
    return LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=recipe.dropout,
        target_modules=rf"(?!.*vision_tower)(.*\.)?({names})",
        task_type="CAUSAL_LM",
    )


def adapted(model: Any, recipe: Recipe, seed: int) -> Any:
    """The model under a new LoRA with float32 weights, a function of the seed; at the start it changes no bit."""
    from peft import get_peft_model

    with seeded(model.device, seed), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft 0.21 asks transformers 5.23 by an old name
        return get_peft_model(model, lora(recipe), autocast_adapter_dtype=True)
