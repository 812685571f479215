"""Check a folder in diffusers' layout before it is loaded, and load it once."""

from __future__ import annotations

import gc
import inspect
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final, final

import diffusers
import torch
import transformers

from vizbench._util.cache import digest, home
from vizbench._util.paths import is_hidden
from vizbench.baselines.shared.device import bitsandbytes_settings, require_gpu
from vizbench.baselines.shared.hub import Weights, read_object, require
from vizbench.baselines.shared.memory import MemoryBytes, require_memory, shapes_of, unused_memory
from vizbench.baselines.shared.passes import SHARE, Passes, fitting, least_config
from vizbench.baselines.video import store
from vizbench.baselines.video.backbone import NEUTRAL, Backbone, Tensors, WeightSource
from vizbench.baselines.video.config import VideoConfig
from vizbench.baselines.video.memory import IMAGE_PARTS, VideoSizes, memory_breakdown, sizes_of
from vizbench.distributed import collectives
from vizbench.distributed.env import world_size
from vizbench.errors import UserError
from vizbench.model import MemoryRequest

TEXT: Final = ("tokenizer", "text_encoder")
"""Parts that are loaded for the neutral text only, and then freed."""

TOGETHER: Final = 16
"""The most questions in one batch if the memory decides."""

LARGE: Final = 200_000_000
"""Parameters of a transformer above which a step takes minutes on a CPU."""


@final
class VideoCheckpoint(WeightSource):
    """Load a pipeline from a local folder."""

    def __init__(self, backbone: Backbone, weights: Weights, config: VideoConfig) -> None:
        """Check what can be checked without loading.

        Raises UserError if a part, a package, a GPU or memory is missing.
        """
        self._backbone, self._folder, self._config = backbone, weights.folder, config
        self._parts = check_parts(backbone, weights.folder)
        check_frames(backbone, config.frames)
        self._sizes = sizes(backbone, weights.folder, config)
        self._device = check_device(weights.folder, self._sizes.parameters, config)
        self.check([])
        self.home = home()
        self.weights = weights.digest
        self._loaded: tuple[Any, Tensors] | None = None

    def check(self, shapes: Iterable[tuple[int, ...]]) -> None:
        backbones = ("int8", "nf4") if self._device.type == "cuda" else ()
        require_memory(str(self._folder), least_config(self._config), self._bytes_of(shapes), backbones)

    def passes(self, shapes: Iterable[tuple[int, ...]]) -> list[Passes]:
        own = -(-self._config.batch // world_size())  # each process holds its own clips
        return fitting(self._config, own, self._bytes_of(shapes))

    def sampling_rows(self, shape: tuple[int, ...]) -> int:
        if self._config.together:
            return self._config.together
        if not self._backbone.batched:
            return 1  # each answer is recorded as soon as it is there
        # A block that is computed again keeps more than one that samples.
        config = replace(least_config(self._config), rows=1)
        parts = self._bytes_of([shape])(config)
        return max(1, min(TOGETHER, int(SHARE * unused_memory() / max(1.0, parts["activations"]))))

    def _bytes_of(self, shapes: Iterable[tuple[int, ...]]) -> MemoryBytes[VideoConfig]:
        """Return the function that estimates the bytes of a config, on clips of these shapes."""
        # A batch has clips of one shape.
        clips = Counter(shape[:3] for shape in shapes) or Counter({(1, 0, 0): 1})
        plain = self._device.type == "cpu"

        def largest(config: VideoConfig) -> dict[str, float]:
            breakdowns: list[dict[str, float]] = []
            for (frames, height, width), clip_count in clips.items():
                own = -(-clip_count // world_size())
                request = MemoryRequest(height=height, width=width, frames=frames)
                settled = replace(config, rows=min(config.rows, own))
                breakdowns.append(asdict(memory_breakdown(self._sizes, settled, request, plain)))
            return max(breakdowns, key=lambda parts: sum(parts.values()))

        return largest

    def open(self, seed: int) -> tuple[Any, Tensors]:
        if self._loaded is None:
            text = self._neutral()
            pipe = self._load(without=TEXT)
            pipe.vae.enable_slicing()  # one clip at a time: the same numbers in less memory
            if self._config.tiling:
                pipe.vae.enable_tiling()
            self._loaded = pipe, {name: tensor.to(self._device) for name, tensor in text.items()}
        pipe, text = self._loaded
        pipe.unload_lora_weights()
        return pipe, text

    def _neutral(self) -> Tensors:
        """Return the embedding of the neutral text, from disk if it was computed before.

        Its encoder is larger than some transformers, and needed for nothing else.
        """

        def encode() -> Tensors:
            weights = {"weights": self._sizes.encoder * (2.0 if self._config.dtype == "bfloat16" else 4.0)}
            require_memory(f"the text encoder of {self._folder}", self._config, lambda _: weights, ())
            pipe = self._load(without=[part for part in self._parts if part not in TEXT])
            with torch.no_grad():
                text = self._backbone.text(pipe, NEUTRAL)
            del pipe
            gc.collect()
            if self._device.type == "cuda":
                torch.cuda.empty_cache()
            return text

        assert self.home is not None  # a folder always has one
        texts = store.Latents(self.home / "texts")
        return texts.of(digest(self.weights, self._config.dtype, NEUTRAL), encode)

    def _load(self, without: Iterable[str]) -> Any:
        """Return the official pipeline, frozen. Reads safetensors only, runs no code, uses no network."""
        left_out = dict.fromkeys(without)
        pipeline: Any = getattr(diffusers, self._backbone.pipeline)
        diffusers.utils.logging.disable_progress_bar()
        transformers.utils.logging.disable_progress_bar()
        options: dict[str, Any] = {}
        if self._config.backbone != "full" and "transformer" not in left_out:
            options["quantization_config"] = _quantisation(self._config)
        pipe = pipeline.from_pretrained(
            self._folder,
            dtype={"default": _dtype(self._config)} | dict.fromkeys(self._backbone.float32, torch.float32),
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            **options,
            **left_out,
        )

        # Freeze every part.
        pipe.set_progress_bar_config(disable=True)
        for part in self._parts:
            module = getattr(pipe, part, None)
            if isinstance(module, torch.nn.Module):
                module.requires_grad_(False)
                module.eval()
        return pipe.to(self._device)


def check_parts(backbone: Backbone, folder: Path) -> list[str]:
    """Return the names of the parts in a folder.

    Raises UserError if it is not a pipeline of this family, or lacks weights.
    """
    # The index must name a pipeline of this family.
    index = folder / "model_index.json"
    if not index.is_file():
        raise UserError(
            f"{folder} holds no model_index.json: give a pipeline folder as diffusers' save_pretrained writes"
        )
    content = read_object(index)
    try:
        parts = [name for name, kind in content.items() if isinstance(kind, list) and kind[0] is not None]
        transformer = content["transformer"][1]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise UserError(
            f"{index} does not name a pipeline's parts: give a folder that diffusers can load"
        ) from error
    if transformer != backbone.network:
        raise UserError(
            f"{folder} holds a {str(transformer)[:60]}, not a {backbone.network}: name its own family"
        )

    # Every part needs its weights.
    for part in ("transformer", "vae", "text_encoder"):
        if all(is_hidden(path.name) for path in (folder / part).glob("*.safetensors")):
            raise UserError(
                f"{folder / part} holds no .safetensors file, and pickled weights are not read: fetch the "
                "whole checkpoint, or convert it by diffusers' save_pretrained"
            )
    return parts


def check_frames(backbone: Backbone, frames: int) -> None:
    """Raise UserError if answers would have another number of frames than the clips."""
    stride = backbone.stride
    if frames % stride != 1:
        valid = (frames + stride - 2) // stride * stride + 1
        raise UserError(
            f"frames={frames} is not {stride}N+1, which the VAE of {backbone.pipeline} takes: "
            f"give frames={valid}"
        )


def check_device(folder: Path, parameters: int, config: VideoConfig) -> torch.device:
    """Return the device to compute on. Raises UserError if a GPU or a package is missing."""
    if config.backbone != "full":
        if not torch.cuda.is_available():
            raise UserError(
                f"backbone={config.backbone} needs a GPU, and there is none: leave it out, diffusers "
                "quantises no video model on a CPU"
            )
        require(f"backbone={config.backbone}", "bitsandbytes", extra="quantised")
    require_gpu(
        parameters,
        LARGE,
        f"{folder} has {parameters / 1e9:.1f} billion parameters and there is no GPU: use --checkpoint tiny",
    )
    return collectives.device()


def sizes(backbone: Backbone, folder: Path, config: VideoConfig) -> VideoSizes:
    """Return the sizes of a folder, from its configurations and the headers of its files.

    Raises UserError if the parts are of another model.
    """
    shapes = {part: shapes_of(folder / part) for part in ("transformer", "text_encoder", *IMAGE_PARTS)}
    path = folder / "transformer" / "config.json"
    transformer = _defaults(backbone) | read_object(path)
    try:
        layout = backbone.layout(transformer, read_object(folder / "model_index.json"))
        result = sizes_of(transformer, shapes, layout, config, "vae" in backbone.float32)
        smallest = min(result.layers, result.hidden, layout.side, layout.stacked, layout.text)
        if smallest < 1 or result.feed < 0:
            raise ValueError("a size below 1")
    except (KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
        raise UserError(
            f"{path} is not the config of a {backbone.network} ({error}): fetch it again"
        ) from error
    return result


def _defaults(backbone: Backbone) -> dict[str, Any]:
    """Return what diffusers fills in for keys that a transformer's config.json leaves out."""
    network: Any = getattr(diffusers, backbone.network)
    parameters = inspect.signature(network.__init__).parameters
    return {name: one.default for name, one in parameters.items() if one.default is not one.empty}


def _dtype(config: VideoConfig) -> torch.dtype:
    return torch.bfloat16 if config.dtype == "bfloat16" else torch.float32


def _quantisation(config: VideoConfig) -> Any:
    """Return the quantisation of the transformer's linear layers."""
    return diffusers.PipelineQuantizationConfig(
        quant_backend="bitsandbytes_4bit" if config.backbone == "nf4" else "bitsandbytes_8bit",
        quant_kwargs=bitsandbytes_settings(config.backbone, _dtype(config)),
        components_to_quantize=["transformer"],
    )
