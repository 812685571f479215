"""Adapt a video backbone to the clips of a task, and answer through its official pipeline."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar, Final, final

import numpy as np
import torch
from peft import LoraConfig, get_peft_model_state_dict
from torch import Tensor

from vizbench._util.cache import content, digest
from vizbench._util.files import disk_errors, write_atomically
from vizbench._util.version import __version__
from vizbench.baselines.shared.memory import peak, within_memory
from vizbench.baselines.shared.merging import merged
from vizbench.baselines.shared.passes import Passes
from vizbench.baselines.shared.threads import one_thread
from vizbench.baselines.shared.training_state import StateWriter
from vizbench.baselines.video import store
from vizbench.baselines.video.backbone import Backbone, Tensors, WeightSource
from vizbench.baselines.video.config import VideoConfig
from vizbench.baselines.video.optimizers import optimizers_of
from vizbench.baselines.video.train import TrainingState, set_checkpointing, train, trained_of
from vizbench.distributed import collectives
from vizbench.distributed.env import rank, world_size
from vizbench.errors import UserError
from vizbench.model import CheckedModel, Context, Example, FrameSpec, Modality, Progress
from vizbench.seeds import stream
from vizbench.types import Image, Video

STATE_FILE: Final = "training.safetensors"
"""The name of a training's state in its folder, until it is done."""

RESULT_FILE: Final = "trained.safetensors"
"""The name of the trained parameters."""

CLOSE: Final = 8
"""The largest difference, of 255, between pixels that a merged LoRA may change. Colours of cells are farther
apart.
"""


@final
@dataclass(frozen=True, slots=True)
class _Adaptation:
    """What a training runs on."""

    pipe: Any
    text: Tensors
    clips: Sequence[Video]
    """Padded to the canvas of the pipeline."""
    state: TrainingState
    steps: int
    passes: list[Passes]
    """How a step's clips may pass through the network, the fastest way first."""
    folder: Path | None
    """The folder in which the training is kept; None keeps nothing."""


@final
class VideoLora(CheckedModel[Any]):
    """Adapt a video model by LoRA. Questions are images; answers are clips, whose last frame is decoded."""

    modality: ClassVar[Modality] = "frames"
    split = True

    def __init__(
        self, backbone: Backbone, source: WeightSource, config: VideoConfig, cell: int | None = None
    ) -> None:
        """Load nothing yet. cell: pixels per cell of the grid; None: as the task draws it."""
        self.weights = source.weights
        self.frames = FrameSpec(count=config.frames, cell=cell)
        self._backbone, self._source, self._config = backbone, source, config
        self._adapted: tuple[Any, Tensors] | None = None
        self._merges: bool | None = None  # unknown until the first answer
        # A few million parameters give more threads nothing to share, and one rounds alike everywhere.
        self._threads = one_thread if source.embedded else nullcontext

    def check(self, examples: Sequence[Example[Any]], context: Context) -> None:
        if not examples:
            raise UserError("a video model adapts to examples: give at least one")
        self._source.check(np.shape(example.target) for example in examples)

    @within_memory()
    def adapt(self, examples: Sequence[Example[Any]], context: Context) -> Mapping[str, float]:
        with self._threads():
            return self._adapt(examples, context)

    def _adapt(self, examples: Sequence[Example[Any]], context: Context) -> Mapping[str, float]:
        """Adapt to the examples, on the threads that suit the weights."""
        began, cpu_began = time.monotonic(), time.process_time()
        self._adapted, self._merges = None, None

        # Load, and encode the clips: each process its shard, which the others then read from disk.
        with collectives.shared_errors(), within_memory():
            job = self._prepare(examples, context)
            if self._source.home is not None and world_size() > 1:
                for clip in collectives.shard(job.clips):
                    self._encoded(job.pipe, clip)
        state = job.state
        collectives.require_equal("the optimizer step of the stored training", state.step)
        earlier = state.seconds

        groups = store.grouped(self._encoded(job.pipe, clip) for clip in job.clips)
        with self._writer(job) as writer:

            def after_step() -> None:
                state.seconds = earlier + time.monotonic() - began
                context.report(Progress(state.step, job.steps, state.loss, peak()))
                if job.folder is not None and rank() == 0:
                    self._keep(job, job.folder, writer, examples[0].question)

            train(
                self._backbone, job.pipe, groups, job.text, self._config, state, job.steps, job.passes,
                after_step,
            )  # fmt: skip
        self._adapted = (job.pipe, job.text)
        trained = trained_of(job.pipe.transformer).values()
        return {
            "seconds": earlier + time.monotonic() - began,
            "cpu_seconds": time.process_time() - cpu_began,
            "steps": float(job.steps),
            "loss": state.loss,
            "trainable": float(sum(parameter.numel() for parameter in trained)),
            "rows_per_pass": float(job.passes[0].rows),
            "checkpointing": float(job.passes[0].checkpointing),
        }

    def _prepare(self, examples: Sequence[Example[Any]], context: Context) -> _Adaptation:
        """Load the weights, start or resume the training. Raises UserError if the memory does not suffice."""
        config = self._config
        self.check(examples, context)
        pipe, text = self._source.open(context.seed)
        start(pipe, config, stream("lora", context.seed) >> 1)
        clips = [_padded(self._backbone, pipe, np.asarray(example.target)) for example in examples]

        clips_per_step = min(len(examples), config.batch)
        steps = context.schedule.count(len(examples), clips_per_step, config.steps)
        generator = torch.Generator().manual_seed(stream("adapt", context.seed) >> 1)
        state = TrainingState(optimizers_of(pipe.transformer, config), generator)
        folder = self._folder(clips, context.seed, steps)
        if folder is not None and (folder / RESULT_FILE).exists():
            store.load_result(folder / RESULT_FILE, pipe.transformer, state)
        elif folder is not None and (folder / STATE_FILE).exists():
            store.load_training(folder / STATE_FILE, pipe.transformer, state)
        passes = self._source.passes(np.shape(example.target) for example in examples)
        return _Adaptation(pipe, text, clips, state, steps, passes, folder)

    def _writer(self, job: _Adaptation) -> StateWriter:
        """Return the writer of the training's state."""
        minutes = self._config.save_minutes if job.folder is not None else 0
        return StateWriter((job.folder or Path()) / STATE_FILE, minutes)

    def _keep(self, job: _Adaptation, folder: Path, writer: StateWriter, question: Any) -> None:
        """Write the state, the adapter and a sample answer if they are due at this step."""
        config, step, network = self._config, job.state.step, job.pipe.transformer
        if step < job.steps:
            writer.save_if_due(partial(store.copy_of, network, job.state))
        else:
            store.save_result(folder / RESULT_FILE, network, job.state)
            if config.rank:
                save_adapter(job.pipe, folder)
            writer.remove()
        if config.sample_every and step % config.sample_every == 0:
            self._picture(job.pipe, job.text, question, folder / f"step-{step:07}.png")

    def predict(self, questions: Sequence[Any], attempts: int, seed: int) -> Iterator[Sequence[Any]]:
        if self._adapted is None:
            raise UserError("this model was not adapted yet: call adapt(examples, context) first")
        pipe, text = self._adapted
        largest = max((np.shape(question) for question in questions), key=np.prod, default=(1, 1, 3))
        together = self._source.sampling_rows((self._config.frames, *largest))
        for first in range(0, len(questions), together):
            images = [np.asarray(question) for question in questions[first : first + together]]
            answers: list[list[Video]] = [[] for _ in images]
            for attempt in range(attempts):
                for rows in _same_shape(images):
                    seeds = [stream("predict", seed, first + row, attempt) >> 1 for row in rows]
                    clips = self._answers(pipe, text, [images[row] for row in rows], seeds)
                    for row, clip in zip(rows, clips, strict=True):
                        answers[row].append(clip)
            yield from answers

    def _answers(
        self, pipe: Any, text: Tensors, images: Sequence[Image], seeds: Sequence[int]
    ) -> list[Video]:
        """Return one clip per image, with the LoRA merged if that changes no answer.

        The first clip is sampled both ways.
        """
        if self._source.embedded or not self._config.rank:
            return self._sample(pipe, text, images, seeds)
        if self._merges is None:
            (plain,) = self._sample(pipe, text, images[:1], seeds[:1])
            with merged(pipe.transformer):
                (clip,) = self._sample(pipe, text, images[:1], seeds[:1])
            difference = np.abs(plain.astype(np.int16) - clip.astype(np.int16)).max()
            self._merges = bool(difference <= CLOSE)
        with merged(pipe.transformer, self._merges):
            return self._sample(pipe, text, images, seeds)

    @within_memory()
    def _sample(self, pipe: Any, text: Tensors, images: Sequence[Image], seeds: Sequence[int]) -> list[Video]:
        """Return one clip per image `(H, W, 3)`.

        Each clip has a noise generator of its own, so its batch does not change it.
        """
        height, width, _ = images[0].shape
        padded = np.stack([_padded(self._backbone, pipe, image[None])[0] for image in images])
        pixels = torch.from_numpy(padded).permute(0, 3, 1, 2).float() / 255.0  # (B, 3, H', W')
        clips: list[Video] = []
        with torch.no_grad(), self._threads():
            for clip in self._backbone.sample(pipe, pixels, text, self._config, seeds):  # (T, 3, H', W')
                frames = (clip.permute(0, 2, 3, 1).float() * 255.0).round().to(torch.uint8)
                clips.append(frames.cpu().numpy()[:, :height, :width])
        return clips

    @torch.no_grad()
    def _encoded(self, pipe: Any, clip: Video) -> dict[str, Tensor]:
        """Return what training needs of a padded clip `(T, H, W, 3)`, from disk if it was encoded before."""
        source = self._source
        parts = (self._backbone.pipeline, source.weights, self._config.tiling, str(pipe.vae.dtype))
        folder = source.home and source.home / "latents" / digest(*parts)

        def encode() -> Tensors:
            pixels = torch.from_numpy(np.ascontiguousarray(clip)).to(pipe.vae.device).float() / 127.5 - 1.0
            return self._backbone.encode(pipe, pixels.permute(3, 0, 1, 2)[None])  # (1, 3, T, H, W)

        return store.Latents(folder).of(content(clip), encode)

    def _folder(self, clips: Sequence[Video], seed: int, steps: int) -> Path | None:
        """Return the folder of this training, named by all that decides its outcome; None keeps nothing."""
        home = self._source.home
        if home is None:
            return None
        data = [content(clip) for clip in clips]
        backbone, weights = self._backbone.pipeline, self._source.weights
        return home / "adapters" / digest(__version__, backbone, weights, self._config, data, seed, steps)

    def _picture(self, pipe: Any, text: Tensors, question: Any, path: Path) -> None:
        """Write the last frame of an answer in the middle of a training, which it does not change."""
        from PIL import Image as Pictures

        pipe.transformer.eval()
        clip = self._sample(pipe, text, [np.asarray(question)], [stream("picture") >> 1])[0]
        pipe.transformer.train()
        png = BytesIO()
        Pictures.fromarray(clip[-1]).save(png, "png")
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)  # the first state may come later
        write_atomically(path, png.getvalue())


def start(pipe: Any, config: VideoConfig, seed: int) -> None:
    """Make the network trainable: a float32 LoRA over frozen weights, or all weights if the rank is 0."""
    network = pipe.transformer
    if not config.rank:
        network.requires_grad_(True)
        return
    network.requires_grad_(False)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network.add_adapter(
            LoraConfig(r=config.rank, lora_alpha=config.alpha, target_modules=list(config.targets))
        )
    for parameter in trained_of(network).values():
        parameter.data = parameter.data.float()
    set_checkpointing(network, config.checkpointing == "true")


def save_adapter(pipe: Any, folder: Path) -> None:
    """Write `pytorch_lora_weights.safetensors`, alpha included, for `pipe.load_lora_weights(folder)`."""
    network = pipe.transformer
    settings = network.peft_config["default"].to_dict()
    for key, value in settings.items():
        if isinstance(value, set):
            settings[key] = sorted(value)
    with disk_errors(folder):
        pipe.save_lora_weights(
            folder,
            transformer_lora_layers=get_peft_model_state_dict(network, adapter_name="default"),
            transformer_lora_adapter_metadata=settings,
        )


def _padded(backbone: Backbone, pipe: Any, clip: Video) -> Video:
    """Return a clip `(T, H, W, 3)` with its last row and column repeated to fill the pipeline's canvas."""
    height, width = backbone.canvas(pipe, clip.shape[1], clip.shape[2])
    below, right = height - clip.shape[1], width - clip.shape[2]
    return np.pad(clip, ((0, 0), (0, below), (0, right), (0, 0)), mode="edge")


def _same_shape(images: Sequence[Image]) -> list[list[int]]:
    """Return the rows of the images, one list per shape."""
    rows: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for row, image in enumerate(images):
        rows[image.shape].append(row)
    return list(rows.values())
