"""The one training loop of all language models, the embedded one included, and its state on disk."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, final

import torch

from vizbench.baselines.shared.memory import peak
from vizbench.baselines.shared.states import read_state, write_state
from vizbench.distributed.env import rank
from vizbench.errors import UserError
from vizbench.model import Progress


@final
@dataclass(frozen=True, slots=True)
class OptimizerConfig:
    """AdamW and its rate: rises over `warmup` steps to `lr`, then falls to zero along a line or half a
    cosine."""

    lr: float
    warmup: int
    schedule: Literal["linear", "cosine"]
    betas: tuple[float, float]
    weight_decay: float
    clip: float

    def rate(self, step: int, steps: int) -> float:
        """The learning rate of a step, counted from 0. The first is not 0, as in transformers' schedules: at
        n = 3 and a few steps each one counts."""
        share = step / steps
        fall = 1 - share if self.schedule == "linear" else 0.5 * (1 + math.cos(math.pi * share))
        return self.lr * min(1.0, (step + 1) / self.warmup, fall)


@final
class TrainingLoop:
    """Where a training stands. step: steps done; loss: of the last one; seconds: they took, over all
    sittings."""

    def __init__(self, trained: Sequence[tuple[str, torch.nn.Parameter]], descent: OptimizerConfig) -> None:
        """trained: parameters by name."""
        self.trained = dict(trained)
        self.descent = descent
        self.optimizer = torch.optim.AdamW(
            list(self.trained.values()), lr=descent.lr, weight_decay=descent.weight_decay, betas=descent.betas
        )
        self.step, self.loss, self.seconds = 0, math.nan, 0.0

    def run(
        self,
        steps: int,
        backward: Callable[[int], float],
        report: Callable[[Progress], None],
        kept: StateFile | None = None,
    ) -> None:
        """Train until `steps` steps are done. backward(step): adds the gradient of that step's mean loss,
        returns the loss; it must draw what is random from the step's number, if a state is to be gone on
        with."""
        parameters = list(self.trained.values())
        if kept is not None:
            kept.load(self)
        began = time.perf_counter() - self.seconds
        while self.step < steps:
            for group in self.optimizer.param_groups:
                group["lr"] = self.descent.rate(self.step, steps)
            self.loss = backward(self.step)
            torch.nn.utils.clip_grad_norm_(parameters, self.descent.clip)
            self.optimizer.step()
            self.optimizer.zero_grad()
            self.step += 1
            self.seconds = time.perf_counter() - began
            report(Progress(self.step, steps, self.loss, peak()))
            if kept is not None and self.step % kept.every == 0 and self.step < steps and not rank():
                kept.save(self)
        if kept is not None and not rank():
            kept.path.unlink(missing_ok=True)


@final
@dataclass(frozen=True, slots=True)
class StateFile:
    """A training's state in one safetensors file, written every so many steps and removed at the end. path:
    named by everything that the training depends on."""

    path: Path
    every: int

    def save(self, training: TrainingLoop) -> None:
        """Write parameters and moments, whole or not at all."""
        told = {"step": str(training.step), "loss": training.loss.hex(), "seconds": training.seconds.hex()}
        write_state(self.path, training.trained, [training.optimizer], told)

    def load(self, training: TrainingLoop) -> None:
        """Bring the training to where `save` left it; nothing where no file is. UserError for a damaged
        one."""
        if not self.path.exists():
            return
        told, _ = read_state(self.path, training.trained, [training.optimizer])
        try:
            training.step = int(told["step"])
            training.loss, training.seconds = float.fromhex(told["loss"]), float.fromhex(told["seconds"])
        except (KeyError, ValueError) as error:
            raise UserError(
                f"{self.path} is no state of this training ({str(error)[:200]}): delete it"
            ) from error
