"""The one training loop of all language models, the embedded one included, and its state on disk."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from vizbench.errors import UserError
from vizbench.harness.model import Progress
from vizbench.harness.storage import disk_errors, write_whole


@final
@dataclass(frozen=True, slots=True)
class Descent:
    """AdamW and its rate: rises over `warmup` steps to `lr`, then falls to zero along a line or half a cosine."""

    lr: float
    warmup: int
    schedule: Literal["linear", "cosine"]
    betas: tuple[float, float]
    weight_decay: float
    clip: float

    def rate(self, step: int, steps: int) -> float:
        """The learning rate of a step, counted from 0. The first is not 0, as in transformers' schedules: at n = 3 and
        a few steps each one counts."""
        share = step / steps
        fall = 1 - share if self.schedule == "linear" else 0.5 * (1 + math.cos(math.pi * share))
        return self.lr * min(1.0, (step + 1) / self.warmup, fall)


@final
class Training:
    """Where a training stands. step: steps done; loss: of the last one; seconds: they took, over all sittings."""

    def __init__(self, trained: Sequence[tuple[str, torch.nn.Parameter]], descent: Descent) -> None:
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
        kept: Kept | None = None,
    ) -> None:
        """Train until `steps` steps are done. backward(step): adds the gradient of that step's mean loss, returns the
        loss; it must draw what is random from the step's number, if a state is to be gone on with."""
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
            memory = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None
            report(Progress(self.step, steps, self.loss, memory))
            if kept is not None and self.step % kept.every == 0 and self.step < steps:
                kept.save(self)
        if kept is not None:
            kept.path.unlink(missing_ok=True)


@final
@dataclass(frozen=True, slots=True)
class Kept:
    """A training's state in one safetensors file, written every so many steps and removed at the end. path: named by
    everything that the training depends on."""

    path: Path
    every: int

    def save(self, training: Training) -> None:
        """Write parameters and moments, whole or not at all."""
        tensors = {f"parameter/{name}": p.detach() for name, p in training.trained.items()}
        names = list(training.trained)
        for index, values in training.optimizer.state_dict()["state"].items():
            tensors |= {f"{key}/{names[index]}": value for key, value in values.items()}
        told = {"step": str(training.step), "loss": training.loss.hex(), "seconds": training.seconds.hex()}
        with disk_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.path, save({name: tensor.cpu().contiguous() for name, tensor in tensors.items()}, told))

    def load(self, training: Training) -> None:
        """Bring the training to where `save` left it; nothing where no file is. UserError for a damaged one."""
        if not self.path.exists():
            return
        try:
            with safe_open(self.path, framework="pt") as file:
                told: dict[str, str] = file.metadata() or {}
                names = list(training.trained)
                moments: dict[int, dict[str, Any]] = defaultdict(dict)
                for key in file.keys():  # noqa: SIM118 - no dict
                    kind, _, name = key.partition("/")
                    if kind == "parameter":
                        with torch.no_grad():
                            training.trained[name].copy_(file.get_tensor(key))
                    else:
                        moments[names.index(name)][kind] = file.get_tensor(key)
            groups = training.optimizer.state_dict()["param_groups"]
            training.optimizer.load_state_dict({"state": dict(moments), "param_groups": groups})
            training.step = int(told["step"])
            training.loss, training.seconds = float.fromhex(told["loss"]), float.fromhex(told["seconds"])
        except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
            raise UserError(f"{self.path} is no state of this training ({str(error)[:200]}): delete it") from error
