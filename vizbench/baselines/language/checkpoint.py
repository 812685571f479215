"""Check a folder in transformers' layout before it is loaded, load it frozen, and put a LoRA on it."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

import torch
import transformers
from huggingface_hub.errors import StrictDataclassError
from peft.helpers import disable_input_dtype_casting

from vizbench.baselines.language.chat_format import ChatFormat, Tokenized
from vizbench.baselines.language.config import LanguageConfig
from vizbench.baselines.language.memory import decoding_bytes, memory_breakdown, sizes_of
from vizbench.baselines.language.pictures import PictureFeatures
from vizbench.baselines.shared.device import bitsandbytes_settings, require_gpu
from vizbench.baselines.shared.hub import read_object, require
from vizbench.baselines.shared.memory import (
    MemoryBytes,
    count,
    require_memory,
    shapes_of,
    unused_memory,
    within_memory,
)
from vizbench.baselines.shared.passes import SHARE, Passes, fitting, least_config
from vizbench.distributed import collectives
from vizbench.distributed.env import world_size
from vizbench.errors import UserError

if TYPE_CHECKING:
    from vizbench.baselines.language.family import LanguageFamily

TOGETHER: Final = 64
"""The most answers in one batch if the memory decides."""

LARGE: Final = 1_000_000_000
"""Parameters above which a step takes minutes on a CPU."""

_FAULTS: Final = (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError, ArithmeticError)
"""What transformers raises for a folder that it cannot read."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A model on its device."""

    model: Any
    """The frozen model."""
    chat: ChatFormat
    """Its prompts and tokens."""
    device: torch.device
    """The device that holds the model."""
    dtype: torch.dtype
    """Type of its products."""
    pictures: PictureFeatures | None = None
    """What its vision tower makes of pictures; None for a model without pictures."""

    def inputs(self, rows: Sequence[Tokenized], left: bool = False) -> tuple[dict[str, Any], torch.Tensor]:
        """Return the model's inputs and the labels on its device. left: pad on the left."""
        tensors, labels = self.chat.batch(rows, left)
        inputs: dict[str, Any] = {name: tensor.to(self.device) for name, tensor in tensors.items()}
        images = [row.image for row in rows if row.image is not None]
        if self.pictures is not None and images:
            with self.products():
                inputs["mm_encoder_outputs"] = self.pictures.of(images)
        return inputs, labels.to(self.device)

    def without_casts(self, model: Any) -> AbstractContextManager[None]:
        """Leave out peft's casts of inputs to float32 within the block: `products` casts them back.

        model: the adapter on this model.
        """
        return disable_input_dtype_casting(model, self.dtype is torch.bfloat16)

    def products(self) -> AbstractContextManager[Any]:
        """Compute products in `dtype` within the block, those of the float32 adapters included."""
        return torch.autocast(self.device.type, self.dtype, enabled=self.dtype is torch.bfloat16)


@final
class LanguageCheckpoint:
    """Load a model of one family from a local folder."""

    def __init__(self, family: LanguageFamily, folder: Path, config: LanguageConfig) -> None:
        """Check what can be checked without loading.

        Raises UserError if the folder holds another model, or a package, a GPU or memory is missing.
        """
        self._family, self._folder, self._config = family, folder, config
        model_type = read_object(folder / "config.json").get("model_type")
        if model_type not in family.types:
            raise UserError(
                f"{folder} holds a model of type {str(model_type)[:40]!r}: {family.name} loads "
                f"{' or '.join(family.types)}"
            )
        parameters = count(shapes_of(folder))
        check_device(family.name, parameters, config)
        with self._readable(transformers.AutoConfig):
            network = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
            self._sizes = sizes_of(network, parameters, family.block)
        self.check(0, 0)

    def check(self, tokens: int, scored: int) -> None:
        """Raise UserError if training on sequences of so many tokens exceeds the memory in any way.

        scored: how many of the tokens are to be predicted. Loads nothing.
        """
        backbones = ("int8", "nf4") if torch.cuda.is_available() else ("int8",)
        parts = self._bytes_of(tokens, scored)
        require_memory(str(self._folder), least_config(self._without_chance()), parts, backbones)

    def passes(self, tokens: int, scored: int) -> list[Passes]:
        """Return how the sequences of an optimizer step may pass through the model, the fastest way first.

        tokens, scored: of the longest sequence, as in `check`.
        """
        own = -(-self._config.batch // world_size())  # each process holds its own rows
        return fitting(self._without_chance(), own, self._bytes_of(tokens, scored))

    def decoding_rows(self, tokens: int, limit: int) -> int:
        """Return how many answers of up to `limit` tokens may be decoded in one batch, at least one.

        tokens: of the longest prompt.
        """
        if self._config.together:
            return self._config.together
        one = decoding_bytes(self._sizes, self._settled(self._config), tokens, limit)
        return max(1, min(TOGETHER, int(SHARE * unused_memory() / one)))

    def _without_chance(self) -> LanguageConfig:
        """Return the config with one row per pass if there is dropout, whose draws depend on the rows."""
        config = self._config
        return replace(config, rows=1) if config.dropout and not config.rows else config

    def _settled(self, config: LanguageConfig) -> LanguageConfig:
        """Return the config with the type of its numbers on this machine."""
        if config.dtype != "auto":
            return config
        return replace(config, dtype="bfloat16" if torch.cuda.is_available() else "float32")

    def _bytes_of(self, tokens: int, scored: int) -> MemoryBytes[LanguageConfig]:
        """Return the function that estimates the bytes of a config, on sequences of so many tokens."""
        return lambda config: asdict(memory_breakdown(self._sizes, self._settled(config), tokens, scored))

    def chat(self) -> ChatFormat:
        """Load the tokenizer, and the processor of a model that reads pictures."""
        with self._readable(transformers.AutoTokenizer):
            tokenizer = transformers.AutoTokenizer.from_pretrained(self._folder, local_files_only=True)
            if not self._family.pictures:
                return ChatFormat(tokenizer)
            processor = transformers.AutoProcessor.from_pretrained(self._folder, local_files_only=True)
            return ChatFormat(tokenizer, processor)

    def load(self, chat: ChatFormat) -> Loaded:
        """Load the frozen model. Reads safetensors only, runs no code of the folder, uses no network."""
        transformers.utils.logging.disable_progress_bar()
        device, config = collectives.device(), self._config
        small = config.dtype == "bfloat16" or (config.dtype == "auto" and device.type == "cuda")
        dtype = torch.bfloat16 if small else torch.float32
        network: Any = getattr(transformers, self._family.network)
        options: dict[str, Any] = {}
        if config.backbone != "full":
            options["quantization_config"] = _quantisation(config, dtype)
        with within_memory(), self._readable(network):
            model = network.from_pretrained(
                self._folder,
                dtype=dtype,
                use_safetensors=True,
                local_files_only=True,
                device_map=device,
                **options,
            )
        # Its own would fill in what ours leaves open: Qwen's samples.
        model.generation_config = transformers.GenerationConfig()
        model.eval().requires_grad_(False)
        pictures = None
        if chat.image_processor is not None:
            pictures = PictureFeatures(model, chat.image_processor)
        return Loaded(model, chat, device, dtype, pictures)

    @contextmanager
    def _readable(self, kind: type[Any]) -> Generator[None]:
        """Raise UserError for errors of a library within the block, except a full GPU."""
        try:
            yield
        except torch.OutOfMemoryError:
            raise
        except (*_FAULTS, StrictDataclassError) as error:
            why = " ".join(str(error).split())[:200]
            raise UserError(f"{self._folder} cannot be loaded as {kind.__name__} ({why})") from error


def check_device(family: str, parameters: int, config: LanguageConfig) -> None:
    """Raise UserError if a GPU or a package is missing."""
    if config.backbone == "nf4" and not torch.cuda.is_available():
        raise UserError(
            "backbone=nf4 needs a GPU, and there is none: on a CPU bitsandbytes' 4-bit layers pass no "
            "gradient once they have answered; set ?backbone=int8, or leave it out"
        )
    if config.backbone != "full":
        require(family, "bitsandbytes", extra="quantised")
    require_gpu(
        parameters,
        LARGE,
        f"{family} has {parameters / 1e9:.1f} billion parameters and there is no GPU: use --model smollm2, "
        "or qwen3's tiny",
    )


def _quantisation(config: LanguageConfig, dtype: torch.dtype) -> Any:
    """Return the quantisation of the linear layers. transformers leaves the last one as it is."""
    return transformers.BitsAndBytesConfig(**bitsandbytes_settings(config.backbone, dtype))


@contextmanager
def seeded(device: torch.device, seed: int) -> Generator[None]:
    """Draw from the seed within the block, on the device too. The generators are restored after it."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def set_checkpointing(network: Any, active: bool) -> None:
    """Let a network of transformers compute its blocks again in the backward pass, or not."""
    if active and not network.is_activation_checkpointing:
        network.activation_checkpointing_enable()
    elif not active and network.is_activation_checkpointing:
        network.activation_checkpointing_disable()


def lora(config: LanguageConfig) -> Any:
    """Return peft's settings. A pattern leaves out a vision tower, which has layers of the same names."""
    from peft import LoraConfig

    names = "|".join(config.targets)
    return LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules=rf"(?!.*vision_tower)(.*\.)?({names})",
        task_type="CAUSAL_LM",
    )


def adapted(model: Any, config: LanguageConfig, seed: int) -> Any:
    """Return the model under a new float32 LoRA, drawn from the seed, that does not change its output."""
    from peft import get_peft_model

    with seeded(model.device, seed), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft 0.21 asks transformers 5.23 by an old name
        return get_peft_model(model, lora(config), autocast_adapter_dtype=True)
