"""A folder of transformers' layout as a frozen model on its device, and the LoRA on it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

import torch
import transformers
from huggingface_hub.errors import StrictDataclassError

from vizbench.baselines.language.chat_format import ChatFormat
from vizbench.baselines.language.config import LanguageConfig
from vizbench.baselines.language.memory import memory_breakdown, sizes_of
from vizbench.baselines.shared.hub import read_object, require
from vizbench.baselines.shared.memory import count, require_memory, shapes_of, within_memory
from vizbench.distributed import collectives
from vizbench.distributed.env import world_size
from vizbench.errors import UserError

if TYPE_CHECKING:
    from vizbench.baselines.language.family import LanguageFamily

LARGE: Final = 1_000_000_000
"""Parameters from which on a CPU takes minutes a step."""

_FAULTS: Final = (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError, ArithmeticError)
"""What transformers raises of a folder that it cannot read."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """model: frozen, on `device`; script: how it is spoken to; dtype: of its products."""

    model: Any
    script: ChatFormat
    device: torch.device
    dtype: torch.dtype

    def products(self) -> AbstractContextManager[Any]:
        """Within it matrix products are taken in `dtype`, those of the float32 adapters too."""
        return torch.autocast(self.device.type, self.dtype, enabled=self.dtype is torch.bfloat16)


@final
class Checkpoint:
    """A folder that holds a model of one line, and what it takes. Nothing is loaded before `load`."""

    def __init__(self, line: LanguageFamily, folder: Path, recipe: LanguageConfig) -> None:
        """UserError where the folder holds another model, or this machine cannot take it."""
        self._line, self._folder, self._recipe = line, folder, recipe
        found = read_object(folder / "config.json").get("model_type")
        if found not in line.types:
            raise UserError(
                f"{folder} holds a model of type {str(found)[:40]!r}: {line.family} loads {' or '.join(line.types)}"
            )
        parameters = count(shapes_of(folder))
        check_device(line.family, parameters, recipe)
        with self._telling(transformers.AutoConfig):
            config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
            self._sizes = sizes_of(config, parameters, line.block)
        self.check(0, 0)

    def check(self, tokens: int, scored: int) -> None:
        """UserError where a training on sequences of so many tokens, the last `scored` of them to predict,
        does not fit into memory."""
        recipe, gpu = self._recipe, torch.cuda.is_available()

        def parts(way: LanguageConfig) -> dict[str, float]:
            mine = -(
                -way.batch * way.accumulation // world_size()
            )  # of launched processes each holds its own rows
            dtype = "float32" if way.dtype == "auto" and not gpu else way.dtype
            return asdict(
                memory_breakdown(
                    self._sizes, replace(way, batch=min(way.batch, mine), dtype=dtype), tokens, scored
                )
            )

        require_memory(str(self._folder), recipe, parts, ("int8", "nf4") if gpu else ("int8",))

    def script(self) -> ChatFormat:
        """How it is spoken to: its tokenizer, and its processor where it sees pictures."""
        with self._telling(transformers.AutoTokenizer):
            tokenizer = transformers.AutoTokenizer.from_pretrained(self._folder, local_files_only=True)
            if not self._line.pictures:
                return ChatFormat(tokenizer, None)
            return ChatFormat(
                tokenizer, transformers.AutoProcessor.from_pretrained(self._folder, local_files_only=True)
            )

    def load(self, script: ChatFormat) -> Loaded:
        """The frozen model: safetensors alone, no code of the folder's, no network."""
        transformers.utils.logging.disable_progress_bar()  # it would write into the run's own
        device, recipe = collectives.device(), self._recipe
        small = recipe.dtype == "bfloat16" or (recipe.dtype == "auto" and device.type == "cuda")
        dtype = torch.bfloat16 if small else torch.float32
        kind: Any = getattr(transformers, self._line.network)
        quantised = {} if recipe.backbone == "full" else {"quantization_config": _quantisation(recipe, dtype)}
        with within_memory(), self._telling(kind):
            model = kind.from_pretrained(
                self._folder,
                dtype=dtype,
                use_safetensors=True,
                local_files_only=True,
                device_map=device,
                **quantised,
            )
        model.generation_config = (
            transformers.GenerationConfig()
        )  # else it fills what ours leaves open: Qwen's samples
        return Loaded(model.eval().requires_grad_(False), script, device, dtype)

    @contextmanager
    def _telling(self, kind: type[Any]) -> Generator[None]:
        """Within it a library's word on what it cannot read is told by a sentence."""
        try:
            yield
        except torch.OutOfMemoryError:
            raise  # no fault of the folder's
        except (*_FAULTS, StrictDataclassError) as error:
            why = " ".join(str(error).split())[:200]
            raise UserError(f"{self._folder} cannot be loaded as {kind.__name__} ({why})") from error


def check_device(family: str, parameters: int, recipe: LanguageConfig) -> None:
    """UserError where a GPU is needed and there is none, or a package is missing."""
    gpu = torch.cuda.is_available()
    if recipe.backbone == "nf4" and not gpu:
        raise UserError(
            "backbone=nf4 needs a GPU, and none is found: on a CPU bitsandbytes' 4-bit layers pass no gradient once "
            "they have answered; set ?backbone=int8, or leave it out"
        )
    if recipe.backbone != "full":
        require(family, "bitsandbytes", extra="quantised")
    if not gpu and parameters > LARGE and os.environ.get("VIZBENCH_CPU") != "1":
        raise UserError(
            f"{family} has {parameters / 1e9:.1f} billion parameters and no GPU is found: use --model smollm2, or "
            f"qwen3's tiny, or set VIZBENCH_CPU=1 to train on a CPU all the same"
        )


def _quantisation(recipe: LanguageConfig, dtype: torch.dtype) -> Any:
    """bitsandbytes on the linear layers, the last one left as it is (transformers' own choice)."""
    if recipe.backbone == "int8":
        return transformers.BitsAndBytesConfig(load_in_8bit=True)
    return transformers.BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


@contextmanager
def seeded(device: torch.device, seed: int) -> Generator[None]:
    """Within it torch draws from the seed, on the device too; afterwards it goes on as before."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def lora(recipe: LanguageConfig) -> Any:
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


def adapted(model: Any, recipe: LanguageConfig, seed: int) -> Any:
    """The model under a new LoRA with float32 weights, a function of the seed; at the start it changes no
    bit."""
    from peft import get_peft_model

    with seeded(model.device, seed), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft 0.21 asks transformers 5.23 by an old name
        return get_peft_model(model, lora(recipe), autocast_adapter_dtype=True)
