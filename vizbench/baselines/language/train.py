"""Train language models, the embedded one included, and keep the state of a training on disk."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, final

import torch

from vizbench.baselines.shared.memory import peak
from vizbench.baselines.shared.optimizers import adamw, keep_peaks, step_all
from vizbench.baselines.shared.training_state import (
    Snapshot,
    StateWriter,
    progress_figures,
    read_progress,
    read_state,
    snapshot,
)
from vizbench.distributed import collectives
from vizbench.distributed.env import rank
from vizbench.model import Progress


@final
@dataclass(frozen=True, slots=True)
class OptimizerConfig:
    """Set AdamW and its learning rate, which rises linearly and then falls to zero."""

    lr: float
    """The peak learning rate."""
    warmup: int
    """Optimizer steps over which the rate rises."""
    schedule: Literal["linear", "cosine"]
    """How the rate falls: along a line, or along half a cosine."""
    betas: tuple[float, float]
    """AdamW's decay rates of the two moments."""
    weight_decay: float
    """AdamW's weight decay."""
    clip: float
    """The largest norm of the gradient."""

    def lr_factor(self, step: int, steps: int) -> float:
        """Return the factor on the peak learning rate at an optimizer step, counted from 0.

        The first factor is above 0, unlike in transformers: with few steps each one counts.
        """
        share = step / steps
        fall = 1 - share if self.schedule == "linear" else 0.5 * (1 + math.cos(math.pi * share))
        return min(1.0, (step + 1) / self.warmup, fall)


@final
class TrainingLoop:
    """Train parameters with AdamW, and know how far the training is."""

    def __init__(self, trained: Sequence[tuple[str, torch.nn.Parameter]], config: OptimizerConfig) -> None:
        """Make the optimizer. trained: parameters by name."""
        self.trained = dict(trained)
        self.config = config
        parameters = list(self.trained.values())
        self.optimizer = adamw(parameters, config.lr, config.betas, config.weight_decay)
        keep_peaks([self.optimizer])
        self.step = 0
        """Optimizer steps done."""
        self.loss = math.nan
        """The loss of the last step."""
        self.seconds = 0.0
        """Time that the steps took, over all sittings."""

    def run(
        self,
        steps: int,
        backward: Callable[[int], float],
        report: Callable[[Progress], None],
        state: StateWriter | None = None,
    ) -> None:
        """Train until `steps` optimizer steps are done, from the stored state if there is one.

        The state is removed at the end.

        backward(step): adds the gradient of that step's mean loss and returns the loss. To resume exactly, it
        must draw what is random from the step's number.
        """
        if state is None:
            self._run(steps, backward, report, lambda: None)
            return
        with collectives.shared_errors():
            self._load(state.path)
        collectives.require_equal("the optimizer step of the stored training", self.step)

        def save_if_due() -> None:
            if rank() == 0 and self.step < steps:
                state.save_if_due(self._snapshot)

        with state:
            self._run(steps, backward, report, save_if_due)
            if rank() == 0:
                state.remove()

    def _run(
        self,
        steps: int,
        backward: Callable[[int], float],
        report: Callable[[Progress], None],
        after_step: Callable[[], None],
    ) -> None:
        """Train until `steps` optimizer steps are done."""
        parameters = list(self.trained.values())
        began = time.perf_counter() - self.seconds
        while self.step < steps:
            self.loss = backward(self.step)
            torch.nn.utils.clip_grad_norm_(parameters, self.config.clip)
            step_all([self.optimizer], self.config.lr_factor(self.step, steps))
            self.step += 1
            self.seconds = time.perf_counter() - began
            report(Progress(self.step, steps, self.loss, peak()))
            after_step()

    def _snapshot(self) -> Snapshot:
        """Return a copy of parameters and moments, and how far the training is."""
        figures = progress_figures(self.step, self.loss, self.seconds)
        return snapshot(self.trained, [self.optimizer], figures)

    def _load(self, path: Path) -> None:
        """Restore the training, if the file exists. Raises UserError if it is damaged."""
        if not path.exists():
            return
        figures, _ = read_state(path, self.trained, [self.optimizer])
        self.step, self.loss, self.seconds = read_progress(path, figures)
