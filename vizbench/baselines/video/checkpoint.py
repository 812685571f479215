"""A pipeline folder in diffusers' layout as a source of weights: checked before anything is loaded, loaded
once."""

from __future__ import annotations

import gc
import inspect
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, final

import diffusers
import torch
import transformers

from vizbench._util.cache import digest, home
from vizbench._util.paths import is_hidden
from vizbench.baselines.shared.hub import Weights, read_object, require
from vizbench.baselines.shared.memory import require_memory, shapes_of
from vizbench.baselines.video import store
from vizbench.baselines.video.backbone import NEUTRAL, Backbone, Tensors, WeightSource
from vizbench.baselines.video.config import VideoConfig
from vizbench.baselines.video.memory import SEEING, Sizes, memory_breakdown, sizes_of
from vizbench.distributed import collectives
from vizbench.distributed.env import world_size
from vizbench.errors import UserError
from vizbench.model import MemoryRequest

TEXT = ("tokenizer", "text_encoder")
"""The parts that are loaded for the neutral text alone, and then freed."""

LARGE = 200_000_000
"""Parameters of a transformer from which on a CPU takes minutes a step."""


@final
class PipelineFolder(WeightSource):
    """A checkpoint in a local folder."""

    def __init__(self, backbone: Backbone, weights: Weights, training: VideoConfig) -> None:
        """Checks what can be checked without loading. UserError for what is missing: parts, packages, a
        GPU."""
        self._backbone, self._folder, self._training = backbone, weights.folder, training
        self._parts = check_parts(backbone, weights.folder)
        check_frames(backbone, training.frames)
        self._sizes = sizes(backbone, weights.folder, training)
        self._device = check_device(weights.folder, self._sizes.parameters, training)
        self.check([])
        self.home = home()
        self.weights = weights.digest
        self._loaded: tuple[Any, Tensors] | None = None

    def check(self, shapes: Iterable[tuple[int, ...]]) -> None:
        clips = Counter(shape[:3] for shape in shapes) or Counter(
            {(1, 0, 0): 1}
        )  # a batch has clips of one shape

        def parts(way: VideoConfig) -> dict[str, float]:
            needs = list[dict[str, float]]()
            for (frames, height, width), count in clips.items():
                mine = -(-min(way.batch, count) // world_size())  # of launched processes each holds its own clips
                demand = MemoryRequest(height=height, width=width, frames=frames)
                needs.append(asdict(memory_breakdown(self._sizes, replace(way, batch=mine), demand)))
            return max(needs, key=lambda one: sum(one.values()))

        require_memory(
            str(self._folder), self._training, parts, ("int8", "nf4") if self._device.type == "cuda" else ()
        )

    def open(self, seed: int) -> tuple[Any, Tensors]:
        if self._loaded is None:
            text = self._neutral()
            pipe = self._load(dict.fromkeys(TEXT))
            vae = pipe.vae
            vae.enable_slicing()  # one clip at a time: the same numbers in less memory
            if self._training.tiling:
                vae.enable_tiling()
            self._loaded = pipe, {name: tensor.to(self._device) for name, tensor in text.items()}
        pipe, text = self._loaded
        pipe.unload_lora_weights()
        return pipe, text

    def _neutral(self) -> Tensors:
        """The neutral text's embedding, from disk where it was computed before: its encoder is larger than
        some transformers, and needed for this alone."""

        def encode() -> Tensors:
            held = {"weights": self._sizes.encoder * (2.0 if self._training.dtype == "bfloat16" else 4.0)}
            require_memory(f"the text encoder of {self._folder}", self._training, lambda _: held, ())
            pipe = self._load({part: None for part in self._parts if part not in TEXT})
            with torch.no_grad():
                text = self._backbone.text(pipe, NEUTRAL)
            del pipe
            gc.collect()
            if self._device.type == "cuda":
                torch.cuda.empty_cache()
            return text

        assert self.home is not None  # a folder always has one
        kept = store.Latents(self.home / "texts")
        return kept.of(digest(self.weights, self._training.dtype, NEUTRAL), encode)

    def _load(self, without: dict[str, None]) -> Any:
        """The official pipeline of the folder's parts; safetensors alone, no code from the folder, no
        network."""
        kind: Any = getattr(diffusers, self._backbone.pipeline)
        diffusers.utils.logging.disable_progress_bar()
        transformers.utils.logging.disable_progress_bar()
        fewer = self._training.backbone != "full" and "transformer" not in without
        types = {"default": _dtype(self._training)} | dict.fromkeys(self._backbone.float32, torch.float32)
        pipe = kind.from_pretrained(
            self._folder,
            dtype=types,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            **({"quantization_config": _quantisation(self._training)} if fewer else {}),
            **without,
        )
        pipe.set_progress_bar_config(disable=True)
        for part in self._parts:
            module = getattr(pipe, part, None)
            if isinstance(module, torch.nn.Module):
                module.requires_grad_(False)
                module.eval()
        return pipe.to(self._device)


def check_parts(backbone: Backbone, folder: Path) -> list[str]:
    """The names of a folder's parts. UserError where it is no pipeline of this family, or lacks weights."""
    index = folder / "model_index.json"
    if not index.is_file():
        raise UserError(
            f"{folder} holds no model_index.json: give a pipeline folder as diffusers' save_pretrained writes"
        )
    told = read_object(index)
    try:
        parts = [name for name, kind in told.items() if isinstance(kind, list) and kind[0] is not None]
        transformer = told["transformer"][1]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise UserError(
            f"{index} does not name a pipeline's parts: give a folder that diffusers can load"
        ) from error
    if transformer != backbone.network:
        raise UserError(
            f"{folder} holds a {str(transformer)[:60]}, not a {backbone.network}: name its own family"
        )
    for part in ("transformer", "vae", "text_encoder"):
        if all(is_hidden(path.name) for path in (folder / part).glob("*.safetensors")):
            raise UserError(
                f"{folder / part} holds no .safetensors file, and pickled weights are not read: fetch the whole "
                f"checkpoint, or convert it by diffusers' save_pretrained"
            )
    return parts


def check_frames(backbone: Backbone, frames: int) -> None:
    """UserError where the answers would have another number of frames than the clips."""
    stride = backbone.stride
    if frames % stride != 1:
        most = (frames + stride - 2) // stride * stride + 1
        raise UserError(
            f"frames={frames} is not {stride}N+1, which the VAE of {backbone.pipeline} takes: give frames={most}"
        )


def check_device(folder: Path, parameters: int, training: VideoConfig) -> torch.device:
    """The device to compute on. UserError where it or a package is missing."""
    if training.backbone != "full":
        if not torch.cuda.is_available():
            raise UserError(
                f"backbone={training.backbone} needs a GPU, and none is found: leave it out, diffusers puts no video "
                f"model into fewer bits on a CPU"
            )
        require(f"backbone={training.backbone}", "bitsandbytes", extra="quantised")
    if not torch.cuda.is_available() and parameters > LARGE and os.environ.get("VIZBENCH_CPU") != "1":
        raise UserError(
            f"{folder} needs a GPU, and none is found: use --checkpoint tiny, or set VIZBENCH_CPU=1 to train "
            f"{parameters / 1e9:.1f} billion parameters on a CPU all the same"
        )
    return collectives.device()


def sizes(backbone: Backbone, folder: Path, training: VideoConfig) -> Sizes:
    """What the folder holds, by its configurations and the heads of its files. UserError for parts of another
    model."""
    parts = {part: shapes_of(folder / part) for part in ("transformer", "text_encoder", *SEEING)}
    path = folder / "transformer" / "config.json"
    network: Any = getattr(diffusers, backbone.network)
    left = inspect.signature(
        network.__init__
    ).parameters.items()  # what a file leaves open, diffusers fills so
    config = {name: told.default for name, told in left if told.default is not told.empty} | read_object(path)
    try:
        layout = backbone.layout(config, read_object(folder / "model_index.json"))
        found = sizes_of(config, parts, layout, training, "vae" in backbone.float32)
        if min(found.layers, found.hidden, layout.cell, layout.stacked, layout.text) < 1 or found.feed < 0:
            raise ValueError("a size below 1")
    except (KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
        raise UserError(f"{path} is none of a {backbone.network} ({error}): fetch it again") from error
    return found


def _dtype(training: VideoConfig) -> torch.dtype:
    return torch.bfloat16 if training.dtype == "bfloat16" else torch.float32


def _quantisation(training: VideoConfig) -> Any:
    """bitsandbytes on the transformer's linear layers."""
    settings: dict[str, Any] = {"load_in_8bit": True}
    if training.backbone == "nf4":
        settings = {
            "load_in_4bit": True,
            "bnb_4bit_quant_type": "nf4",
            "bnb_4bit_use_double_quant": True,
            "bnb_4bit_compute_dtype": _dtype(training),
        }
    return diffusers.PipelineQuantizationConfig(
        quant_backend="bitsandbytes_4bit" if training.backbone == "nf4" else "bitsandbytes_8bit",
        quant_kwargs=settings,
        components_to_quantize=["transformer"],
    )
