"""The folder of a pretraining: weights for use, a log, and the state that a stopped run goes on from."""

from __future__ import annotations

import json
import operator
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import torch

from vizbench._util.files import disk_errors, remove_drafts, write_atomically
from vizbench._util.locks import folder_lock
from vizbench.baselines.shared.states import read_metadata, read_state, write_state
from vizbench.errors import UserError

WEIGHTS: Final = "weights.safetensors"
STATE: Final = "state.safetensors"
LOG: Final = "log.jsonl"
CARD: Final = "card.md"

# What reading another's file comes to: no JSON, or no UTF-8; no names and values; no such name; too deep.
_STRANGE: Final = (ValueError, TypeError, AttributeError, KeyError, RecursionError)


@contextmanager
def open_folder(path: Path) -> Generator[None]:
    """Make the folder, and keep other processes out of it. UserError where one is in it, and for files that
    no run left there: they would be replaced."""
    with disk_errors(path):
        path.mkdir(parents=True, exist_ok=True)
    strange = [name for name in (LOG, WEIGHTS, CARD) if (path / name).exists()]
    if strange and not (path / STATE).exists():
        raise UserError(f"{path} holds {', '.join(strange)} but no {STATE}: give another --out")
    with folder_lock(path):
        remove_drafts(path)
        yield


@final
@dataclass(frozen=True, slots=True)
class PretrainingFolder:
    """Where a run is kept. recipe: its family, its seed, its figures, its network's: what must be the same
    for it to go on."""

    path: Path
    config: Mapping[str, Any]

    def resume(
        self, model: torch.nn.Module, optimizers: Sequence[torch.optim.Optimizer]
    ) -> tuple[int, float]:
        """Bring both to where the run was left; returns its steps and seconds, 0 in a new folder. UserError
        where another run was left there."""
        state = self.path / STATE
        if not state.exists():
            # Kept at once: from now on a log in this folder is known to be this run's.
            self._keep_state(0, 0.0, model, optimizers)
            return 0, 0.0
        step, seconds = self._left(read_metadata(state))
        read_state(state, dict(model.named_parameters()), optimizers, "give another --out")
        lines = [line for line in self.log() if line["step"] <= step]  # later steps will be taken again
        if lines != self.log():
            write_atomically(self.path / LOG, _text(lines))
        return step, seconds

    def keep(
        self,
        line: Mapping[str, Any],
        weights: bytes,
        model: torch.nn.Module,
        optimizers: Sequence[torch.optim.Optimizer],
    ) -> None:
        """Log a line, with its `step` and `seconds`, and keep weights and state. The state comes last: after
        a kill the run goes on from the state before, which knows how much of the log is its own."""
        write_atomically(self.path / LOG, _text([*self.log(), line]))
        write_atomically(self.path / WEIGHTS, weights)
        self._keep_state(line["step"], line["seconds"], model, optimizers)

    def log(self) -> list[dict[str, Any]]:
        """The lines so far. UserError for a line that no run wrote."""
        path = self.path / LOG
        try:
            lines = (
                [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
                if path.exists()
                else []
            )
            for line in lines:
                operator.index(line["step"])
        except _STRANGE:
            raise UserError(f"{path} is no log of a pretraining: give another --out") from None
        return lines

    def _left(self, told: Mapping[str, str]) -> tuple[int, float]:
        """The steps and seconds of a state. UserError where it is another run's, or no run's."""
        try:
            left = json.loads(told["config"])
            wanted = json.loads(json.dumps(self.config))  # lists, where tuples were
            changed = [
                f"{key} {left.get(key, 'unknown')}" for key, value in wanted.items() if left.get(key) != value
            ]
            step, seconds = int(told["step"]), float(told["seconds"])
        except _STRANGE:
            raise UserError(f"{self.path / STATE} is no state of a pretraining: give another --out") from None
        if changed:
            raise UserError(
                f"{self.path} holds a run of {', '.join(changed[:3])}: give the same, or another --out"
            )
        return step, seconds

    def _keep_state(
        self, step: int, seconds: float, model: torch.nn.Module, optimizers: Sequence[torch.optim.Optimizer]
    ) -> None:
        told = {"config": json.dumps(self.config), "step": str(step), "seconds": str(seconds)}
        write_state(self.path / STATE, dict(model.named_parameters()), optimizers, told)


def _text(lines: Sequence[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(line) + "\n" for line in lines).encode()
