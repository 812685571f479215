"""The folder of a pretraining: weights for use, a log, and the state that a stopped run goes on from."""

from __future__ import annotations

import json
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import torch

from vizbench.baselines.shared.states import read_state, read_told, write_state
from vizbench.errors import UserError
from vizbench.harness.storage import disk_errors, write_whole

WEIGHTS: Final = "weights.safetensors"
STATE: Final = "state.safetensors"
LOG: Final = "log.jsonl"


@final
@dataclass(frozen=True, slots=True)
class Folder:
    """Where a run is kept. recipe: its family, its seed, its figures, its network's: what must be the same for it to go
    on."""

    path: Path
    recipe: Mapping[str, Any]

    def resume(self, model: torch.nn.Module, optimizers: Sequence[torch.optim.Optimizer]) -> tuple[int, float]:
        """Bring both to where the run was left; returns its steps and seconds, 0 in a new folder. UserError where
        another run was left there, or files that are no run's."""
        state = self.path / STATE
        with disk_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        if not state.exists():
            if strange := [name for name in (LOG, WEIGHTS) if (self.path / name).exists()]:
                raise UserError(f"{self.path} holds {' and '.join(strange)} but no {STATE}: give another --out")
            # Kept at once: from now on a log in this folder is known to be this run's.
            self._keep_state(0, 0.0, model, optimizers)
            return 0, 0.0
        self._check(read_told(state))
        told, _ = read_state(state, dict(model.named_parameters()), optimizers)
        step = int(told["step"])
        lines = [line for line in self.log() if line["step"] <= step]  # later steps will be taken again
        if lines != self.log():
            write_whole(self.path / LOG, _text(lines))
        return step, float(told["seconds"])

    def keep(
        self,
        line: Mapping[str, Any],
        weights: bytes,
        model: torch.nn.Module,
        optimizers: Sequence[torch.optim.Optimizer],
    ) -> None:
        """Log a line, with its `step` and `seconds`, and keep weights and state. The state comes last: after a kill
        the run goes on from the state before, which knows how much of the log is its own."""
        write_whole(self.path / LOG, _text([*self.log(), line]))
        write_whole(self.path / WEIGHTS, weights)
        self._keep_state(line["step"], line["seconds"], model, optimizers)

    def log(self) -> list[dict[str, Any]]:
        """The lines so far. UserError for a line that no run wrote."""
        path = self.path / LOG
        try:
            lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
            for line in lines:
                operator.index(line["step"])
        except (ValueError, TypeError, KeyError):  # no JSON, no line of names and values, no number of a step
            raise UserError(f"{path} is no log of a pretraining: give another --out") from None
        return lines

    def _check(self, told: Mapping[str, str]) -> None:
        """UserError where a state is of another run."""
        left = json.loads(told.get("recipe", "{}"))
        wanted = json.loads(json.dumps(self.recipe))  # lists, where tuples were
        changed = [f"{key} {left.get(key)}" for key, value in wanted.items() if left.get(key) != value]
        if changed:
            raise UserError(f"{self.path} holds a run of {', '.join(changed)}: give the same, or another --out")

    def _keep_state(
        self, step: int, seconds: float, model: torch.nn.Module, optimizers: Sequence[torch.optim.Optimizer]
    ) -> None:
        told = {"recipe": json.dumps(self.recipe), "step": str(step), "seconds": str(seconds)}
        write_state(self.path / STATE, dict(model.named_parameters()), optimizers, told)


def _text(lines: Sequence[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(line) + "\n" for line in lines).encode()
