"""The model that adapts a video backbone to a task's clips and answers through the official pipeline."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
import torch
from peft import LoraConfig, get_peft_model_state_dict
from torch import Tensor

from vizbench._util.version import __version__
from vizbench.baselines.shared.memory import peak, within_memory
from vizbench.baselines.shared.places import content, digest
from vizbench.baselines.shared.threads import one_thread
from vizbench.baselines.video import store
from vizbench.baselines.video.backbone import Backbone, Tensors, WeightSource
from vizbench.baselines.video.config import VideoConfig
from vizbench.baselines.video.optim import optimizers_of
from vizbench.baselines.video.train import TrainingState, train, trained_of
from vizbench.distributed import collectives
from vizbench.distributed.env import rank, size
from vizbench.errors import UserError
from vizbench.model import CheckedModel, Context, Example, FrameSpec, Modality, Progress
from vizbench.seeds import stream
from vizbench.types import Image, Video


@final
class VideoLora(CheckedModel[Any]):
    """A video model under LoRA. Questions are images, answers clips, of which the last frame is decoded."""

    modality: ClassVar[Modality] = "frames"
    split = True

    def __init__(
        self, backbone: Backbone, source: WeightSource, training: VideoConfig, cell: int | None = None
    ) -> None:
        """cell: pixels a cell; None: as the task draws it."""
        self.weights = source.weights
        self.frames = FrameSpec(count=training.frames, cell=cell)
        self._backbone, self._source, self._training = backbone, source, training
        self._adapted: tuple[Any, Tensors] | None = None

    def check(self, examples: Sequence[Example[Any]], context: Context) -> None:
        if not examples:
            raise UserError("a video model adapts to examples: give at least one")
        self._source.check(np.shape(example.target) for example in examples)

    @one_thread()
    @within_memory()
    def adapt(self, examples: Sequence[Example[Any]], context: Context) -> Mapping[str, float]:
        began, worked, training = time.monotonic(), time.process_time(), self._training
        self._adapted = None
        self.check(examples, context)
        pipe, text = self._source.open(context.seed)
        start(pipe, training, stream("lora", context.seed) >> 1)
        network = pipe.transformer
        trained = trained_of(network).values()
        seen = min(len(examples), training.batch) * training.accumulation
        steps = context.schedule.count(len(examples), seen, training.steps)
        generator = torch.Generator().manual_seed(stream("adapt", context.seed) >> 1)
        state = TrainingState(optimizers_of(network, training), generator)
        clips = [_padded(self._backbone, pipe, np.asarray(example.target)) for example in examples]
        folder = self._folder(clips, context.seed, steps)
        if folder is not None and (folder / "training.safetensors").exists():
            store.load_training(folder / "training.safetensors", network, state)

        def after() -> None:
            context.report(Progress(state.step, steps, state.loss, peak()))
            if folder is None or rank():
                return
            if _due(state.step, training.save_every) or state.step == steps:
                state.seconds += time.monotonic() - after_began[0]
                after_began[0] = time.monotonic()
                store.save_training(folder / "training.safetensors", network, state)
                if training.rank:
                    save_adapter(pipe, folder)
            if _due(state.step, training.sample_every):
                self._picture(pipe, text, examples[0].question, folder / f"step-{state.step:07}.png")

        after_began = [began]
        with collectives.training():
            if self._source.home is not None and size() > 1:
                for clip in collectives.share(clips):
                    self._encoded(pipe, clip)
                collectives.wait()  # the shares of the others are read from disk
            groups = store.grouped(self._encoded(pipe, clip) for clip in clips)
            train(self._backbone, pipe, groups, text, training, state, steps, after)
        self._adapted = (pipe, text)
        return {
            "seconds": state.seconds + time.monotonic() - after_began[0],
            "cpu_seconds": time.process_time() - worked,
            "steps": float(steps),
            "loss": state.loss,
            "trainable": float(sum(parameter.numel() for parameter in trained)),
        }

    def predict(self, questions: Sequence[Any], attempts: int, seed: int) -> Iterator[Sequence[Any]]:
        if self._adapted is None:
            raise UserError("this model was not adapted yet: call adapt(examples, context) first")
        pipe, text = self._adapted
        for first in range(0, len(questions), self._training.together):
            chunk = [np.asarray(question) for question in questions[first : first + self._training.together]]
            answers: list[list[Video]] = [[] for _ in chunk]
            for attempt in range(attempts):
                for rows in _same_shape(chunk):
                    seeds = [stream("predict", seed, first + row, attempt) >> 1 for row in rows]
                    for row, clip in zip(
                        rows, self._sample(pipe, text, [chunk[r] for r in rows], seeds), strict=True
                    ):
                        answers[row].append(clip)
            yield from answers

    @one_thread()
    @within_memory()
    def _sample(self, pipe: Any, text: Tensors, images: Sequence[Image], seeds: Sequence[int]) -> list[Video]:
        """One clip an image `(H, W, 3)`; each has a noise generator of its own, so batching changes
        nothing."""
        height, width, _ = images[0].shape
        stacked = np.stack([_padded(self._backbone, pipe, image[None])[0] for image in images])
        pixels = torch.from_numpy(stacked).permute(0, 3, 1, 2).float() / 255.0  # (B, 3, H', W')
        with torch.no_grad():
            clips = list(
                self._backbone.sample(pipe, pixels, text, self._training, seeds)
            )  # each (T, 3, H', W')
        whole = [
            (clip.permute(0, 2, 3, 1).float() * 255.0).round().to(torch.uint8).cpu().numpy() for clip in clips
        ]
        return [clip[:, :height, :width] for clip in whole]

    @torch.no_grad()
    def _encoded(self, pipe: Any, clip: Video) -> dict[str, Tensor]:
        """What training needs of a padded clip `(T, H, W, 3)`, from disk where it was encoded before."""
        source, training = self._source, self._training
        parts = (self._backbone.pipeline, source.weights, training.tiling, str(pipe.vae.dtype))
        folder = source.home and source.home / "latents" / digest(*parts)

        def encode() -> Tensors:
            pixels = torch.from_numpy(np.ascontiguousarray(clip)).to(pipe.vae.device).float() / 127.5 - 1.0
            return self._backbone.encode(pipe, pixels.permute(3, 0, 1, 2)[None])  # (1, 3, T, H, W)

        return store.Latents(folder).of(content(clip), encode)

    def _folder(self, clips: Sequence[Video], seed: int, steps: int) -> Path | None:
        """Where the training on these clips is kept: one folder for all that decides its outcome."""
        if self._source.home is None:
            return None
        data = [content(clip) for clip in clips]
        parts = (
            __version__,
            self._backbone.pipeline,
            self._source.weights,
            self._training,
            data,
            seed,
            steps,
        )
        return self._source.home / "adapters" / digest(*parts)

    def _picture(self, pipe: Any, text: Tensors, question: Any, path: Path) -> None:
        """Draw what the model answers in the middle of its training; its noise is its own."""
        from PIL import Image as Pictures

        pipe.transformer.eval()
        clip = self._sample(pipe, text, [np.asarray(question)], [stream("picture") >> 1])[0]
        pipe.transformer.train()
        drawn = BytesIO()
        Pictures.fromarray(clip[-1]).save(drawn, "png")
        with store.disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)  # before the first state there is no folder
        store.write_atomically(path, drawn.getvalue())


def start(pipe: Any, training: VideoConfig, seed: int) -> None:
    """Give the network what is trained: a float32 LoRA over frozen weights, or all of it where the rank is
    0."""
    network = pipe.transformer
    if not training.rank:
        network.requires_grad_(True)
        return
    network.requires_grad_(False)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network.add_adapter(
            LoraConfig(r=training.rank, lora_alpha=training.alpha, target_modules=list(training.targets))
        )
    for parameter in network.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    if training.checkpointing:
        network.enable_gradient_checkpointing()


def save_adapter(pipe: Any, folder: Path) -> None:
    """Write `pytorch_lora_weights.safetensors`, alpha included, as `pipe.load_lora_weights(folder)` reads
    it."""
    network = pipe.transformer
    config = {
        key: sorted(value) if isinstance(value, set) else value
        for key, value in network.peft_config["default"].to_dict().items()
    }
    with store.disk_errors(folder):
        pipe.save_lora_weights(
            folder,
            transformer_lora_layers=get_peft_model_state_dict(network, adapter_name="default"),
            transformer_lora_adapter_metadata=config,
        )


def _padded(backbone: Backbone, pipe: Any, clip: Video) -> Video:
    """A clip `(T, H, W, 3)` with its last rows and columns repeated to the canvas that the pipeline takes."""
    height, width = backbone.canvas(pipe, clip.shape[1], clip.shape[2])
    return np.pad(
        clip, ((0, 0), (0, height - clip.shape[1]), (0, width - clip.shape[2]), (0, 0)), mode="edge"
    )


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0


def _same_shape(images: Sequence[Image]) -> list[list[int]]:
    rows: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for row, image in enumerate(images):
        rows[image.shape].append(row)
    return list(rows.values())
