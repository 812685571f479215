"""The folder of a pretraining: weights for use, a log, and the state that a stopped run goes on from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import torch

from vizbench.baselines.shared.states import read_state, write_state
from vizbench.errors import UserError
from vizbench.harness.storage import disk_errors, write_whole

WEIGHTS: Final = "weights.safetensors"
STATE: Final = "state.safetensors"
LOG: Final = "log.jsonl"


@final
@dataclass(frozen=True, slots=True)
class Folder:
    """Where a run is kept. recipe: its seed, its figures, its network's: what must be the same for it to go on."""

    path: Path
    recipe: Mapping[str, Any]

    def resume(self, model: torch.nn.Module, optimizers: Sequence[torch.optim.Optimizer]) -> tuple[int, float]:
        """Bring both to where the run was left; returns its steps and seconds, 0 in a new folder. UserError where
        another run was left there."""
        state = self.path / STATE
        with disk_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        if not state.exists():
            self._rewind(0)
            return 0, 0.0
        told, _ = read_state(state, dict(model.named_parameters()), optimizers)
        left, wanted = json.loads(told["recipe"]), json.loads(json.dumps(self.recipe))  # lists, where tuples were
        changed = [f"{key} {left.get(key)}" for key, value in wanted.items() if left.get(key) != value]
        if changed:
            raise UserError(f"{self.path} holds a run of {', '.join(changed)}: give the same, or another --out")
        self._rewind(int(told["step"]))
        return int(told["step"]), float(told["seconds"])

    def keep(
        self,
        line: Mapping[str, Any],
        weights: bytes,
        model: torch.nn.Module,
        optimizers: Sequence[torch.optim.Optimizer],
    ) -> None:
        """Log a line, with its `step` and `seconds`, and keep weights and state. The state comes last: after a kill
        the run goes on from the state before, which knows how much of the log is its own."""
        lines = [*self.log(), line]
        write_whole(self.path / LOG, "".join(json.dumps(one) + "\n" for one in lines).encode())
        write_whole(self.path / WEIGHTS, weights)
        told = {"recipe": json.dumps(self.recipe), "step": str(line["step"]), "seconds": str(line["seconds"])}
        write_state(self.path / STATE, dict(model.named_parameters()), optimizers, told)

    def log(self) -> list[dict[str, Any]]:
        """The lines so far."""
        path = self.path / LOG
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def _rewind(self, step: int) -> None:
        """Drop the lines of later steps, which will be taken again."""
        lines = [line for line in self.log() if line["step"] <= step]
        if lines != self.log():
            write_whole(self.path / LOG, "".join(json.dumps(one) + "\n" for one in lines).encode())
