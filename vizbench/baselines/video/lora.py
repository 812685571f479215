"""Adapting the embedded video model to a task's clips, and answering with it through the official pipeline.

`tiny`: pretrained and frozen, LoRA. Controls: `tiny-random`, the same net un-pretrained and frozen, LoRA of the same
size; `tiny-scratch`, the same net un-pretrained, all weights trained for the same time.
"""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
import torch
from peft import LoraConfig
from safetensors.torch import load_file
from torch import Tensor

from vizbench.baselines.threads import one_thread
from vizbench.baselines.video import network as twin
from vizbench.baselines.video.pretrain import Recipe, neutral, optimizers
from vizbench.baselines.video.train import conditioning, draw_timesteps, noised, velocity
from vizbench.errors import UserError
from vizbench.harness.model import Context, Example, FrameSpec, Modality, Model, Progress
from vizbench.seeds import stream
from vizbench.types import Image, Video

WEIGHTS = Path(__file__).parents[1] / "checkpoints" / "cogvideox-tiny.safetensors"


@final
@dataclass(frozen=True, slots=True)
class Adaptation:
    """How the embedded video model is adapted. The paper does not report steps: these are ours, one for all budgets.

    scratch_steps: as many as take `tiny-scratch` the time of `steps` with LoRA (`benchmarks/adaptation.py`).
    """

    rank: int = 16
    alpha: int = 16
    targets: tuple[str, ...] = ("to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2", "text_proj")
    steps: int = 300
    scratch_steps: int = 300
    batch: int = 32
    lr: float = 2e-3
    warmup: int = 20
    last_share: float = 0.8
    max_grad_norm: float = 1.0
    sampling_steps: int = 1
    predict_batch: int = 50


@final
class VideoLora(Model[Any]):
    """The family `cogvideox` on one of its embedded checkpoints. Questions are images, answers two-frame clips."""

    modality: ClassVar[Modality] = "frames"
    frames: ClassVar[FrameSpec] = FrameSpec(count=2, cell=twin.CELL)

    def __init__(self, checkpoint: str, adaptation: Adaptation | None = None) -> None:
        self._checkpoint = checkpoint
        self._adaptation = adaptation or Adaptation()
        self._codec = twin.PatchCodec()
        self._model: Any = None
        if checkpoint == "tiny":
            if not WEIGHTS.is_file():
                raise UserError(f"the weights {WEIGHTS.name} are missing: make them with `vizbench pretrain cogvideox`")
            self.weights = hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()[:16]

    @one_thread()
    def adapt(self, examples: Sequence[Example[Any]], context: Context) -> Mapping[str, float]:
        began, worked, how = time.monotonic(), time.process_time(), self._adaptation
        scratch = self._checkpoint == "tiny-scratch"
        model = twin.transformer(twin.TwinConfig(), stream("twin", context.seed) >> 1)
        if self._checkpoint == "tiny":
            model.load_state_dict({k: v.float() for k, v in load_file(WEIGHTS).items()})
        if not scratch:
            model.requires_grad_(False)
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(stream("lora", context.seed) >> 1)
                model.add_adapter(LoraConfig(r=how.rank, lora_alpha=how.alpha, target_modules=list(how.targets)))
        trainable = [p for p in model.parameters() if p.requires_grad]
        recipe = Recipe()
        opts = optimizers(model, recipe) if scratch else [torch.optim.AdamW(trainable, lr=how.lr, weight_decay=0.0)]
        bases = (recipe.matrix_lr, recipe.other_lr) if scratch else (how.lr,)
        clips = self._latents(examples)
        alphas = twin.scheduler().alphas_cumprod.float()
        caption = neutral()[None, None]  # (1, 1, 64)
        generator = torch.Generator().manual_seed(stream("adapt", context.seed) >> 1)
        groups = list(clips.values())  # clips of one shape each, (n, 2, 3, h, w)
        shares = torch.tensor([float(len(group)) for group in groups])
        loss = torch.zeros(())
        model.train()
        seen = min(len(examples), how.batch)
        steps = context.schedule.count(len(examples), seen, how.scratch_steps if scratch else how.steps)
        for step in range(steps):
            group = groups[int(torch.multinomial(shares, 1, generator=generator))]
            size = min(len(group), how.batch)
            batch = group[torch.randperm(len(group), generator=generator)[:size]]
            timesteps = draw_timesteps(size, how.last_share, generator)
            noisy, goal = noised(batch, timesteps, alphas, generator)
            image = conditioning(batch[:, 0], batch.shape[1])
            loss = (velocity(model, noisy, image, caption.expand(size, -1, -1), timesteps) - goal).square().mean()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trainable, how.max_grad_norm)
            factor = min(1.0, (step + 1) / how.warmup, max(0.02, 2.0 * (1 - step / steps)))
            for opt, base in zip(opts, bases, strict=True):
                for row in opt.param_groups:
                    row["lr"] = base * factor
                opt.step()
                opt.zero_grad(set_to_none=True)
            context.report(Progress(step + 1, steps, loss.item()))
        model.eval()
        self._model = model
        return {
            "seconds": time.monotonic() - began,
            "cpu_seconds": time.process_time() - worked,
            "steps": float(steps),
            "loss": loss.item(),
            "trainable": float(sum(p.numel() for p in trainable)),
        }

    def predict(self, questions: Sequence[Any], attempts: int, seed: int) -> Iterator[Sequence[Any]]:
        if self._model is None:
            raise UserError("this model was not adapted yet: call adapt(examples, context) first")
        pipe = twin.pipeline(self._model)
        for start in range(0, len(questions), self._adaptation.predict_batch):
            chunk = [np.asarray(q) for q in questions[start : start + self._adaptation.predict_batch]]
            answers: list[list[Video]] = [[] for _ in chunk]
            for attempt in range(attempts):
                for rows in _same_shape(chunk):
                    seeds = [stream("predict", seed, start + row, attempt) >> 1 for row in rows]
                    for row, clip in zip(rows, self._sample(pipe, [chunk[row] for row in rows], seeds), strict=True):
                        answers[row].append(clip)
            yield from answers

    def _latents(self, examples: Sequence[Example[Any]]) -> dict[tuple[int, ...], Tensor]:
        """The examples' clips in latents, grouped by shape: `(n, 2, 3, h, w)` each, encoded once."""
        groups: dict[tuple[int, ...], list[Tensor]] = defaultdict(list)
        for example in examples:
            pixels = torch.from_numpy(np.ascontiguousarray(example.answer)).float() / 127.5 - 1.0  # (T, H, W, 3)
            cells = self._codec.encode(pixels.permute(3, 0, 1, 2)[None]).latent_dist.sample()[0]  # (3, T, h, w)
            groups[tuple(cells.shape)].append(cells.permute(1, 0, 2, 3))
        return {shape: torch.stack(clips) for shape, clips in groups.items()}

    @one_thread()
    def _sample(self, pipe: Any, images: Sequence[Image], seeds: Sequence[int]) -> Sequence[Video]:
        """One clip an image `(H, W, 3)`; each has a noise generator of its own, so batching changes nothing."""
        pixels = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255.0
        with torch.no_grad():
            clips = pipe(
                image=pixels,
                prompt_embeds=neutral()[None, None].expand(len(images), -1, -1),
                height=pixels.shape[2],
                width=pixels.shape[3],
                num_frames=2,
                num_inference_steps=self._adaptation.sampling_steps,
                guidance_scale=1.0,
                generator=[torch.Generator().manual_seed(s) for s in seeds],
                output_type="pt",
            ).frames  # (B, T, 3, H, W) in 0..1
        return list((clips.permute(0, 1, 3, 4, 2) * 255.0).round().to(torch.uint8).numpy())


def _same_shape(images: Sequence[Image]) -> list[list[int]]:
    rows: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for row, image in enumerate(images):
        rows[image.shape].append(row)
    return list(rows.values())
