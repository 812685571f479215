"""Keep a pretraining run in a folder: weights, log, card, and the state from which it resumes."""

from __future__ import annotations

import json
import operator
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import torch

from vizbench._util.files import disk_errors, read_bounded, remove_drafts, write_atomically
from vizbench._util.locks import folder_lock
from vizbench.baselines.shared.training_state import read_metadata, read_state, write_state
from vizbench.errors import UserError

WEIGHTS: Final = "weights.safetensors"
STATE: Final = "state.safetensors"
LOG: Final = "log.jsonl"
CARD: Final = "card.md"

_MAX_LOG: Final = 64 << 20
"""Bytes of the largest log that is read."""

# Errors from reading a file that no run wrote: not JSON or UTF-8, not an object, a missing key, too deep.
_FOREIGN_FILE: Final = (ValueError, TypeError, AttributeError, KeyError, RecursionError)


@contextmanager
def open_folder(path: Path) -> Generator[None]:
    """Create the folder and lock it against other processes.

    Raises UserError if another process uses it, or if it holds files that no run wrote and that a run would
    replace.
    """
    with disk_errors(path):
        path.mkdir(parents=True, exist_ok=True)
    foreign = [name for name in (LOG, WEIGHTS, CARD) if (path / name).exists()]
    if foreign and not (path / STATE).exists():
        raise UserError(f"{path} holds {', '.join(foreign)} but no {STATE}: give another --out")
    with folder_lock(path):
        remove_drafts(path)
        yield


def read_log(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of the log; none if there is no log.

    Raises UserError if it is not the log of a pretraining.
    """
    path = folder / LOG
    if not path.exists():
        return []
    data = read_bounded(path, "log", _MAX_LOG)
    try:
        lines = [json.loads(line) for line in data.decode().splitlines()]
        for line in lines:
            operator.index(line["step"])
    except _FOREIGN_FILE:
        raise UserError(f"{path} is not the log of a pretraining: give another --out") from None
    return lines


@final
@dataclass(frozen=True, slots=True)
class PretrainingFolder:
    """The folder of one pretraining run."""

    path: Path
    """The folder."""
    config: Mapping[str, Any]
    """Family, seed, hyper-parameters and network sizes. A run resumes only with the same values."""

    def resume(
        self, model: torch.nn.Module, optimizers: Sequence[torch.optim.Optimizer]
    ) -> tuple[int, float]:
        """Load the kept state into model and optimizers. Return its optimizer steps and seconds.

        In a new folder both are 0. Raises UserError if the folder holds the state of another run.
        """
        state = self.path / STATE
        if not state.exists():
            # Written at once: from now on a log in this folder is known to be from this run.
            self._keep_state(0, 0.0, model, optimizers)
            return 0, 0.0
        step, seconds = self._progress(read_metadata(state))
        read_state(state, dict(model.named_parameters()), optimizers, "give another --out")
        lines = read_log(self.path)
        kept = [line for line in lines if line["step"] <= step]  # later steps will be repeated
        if kept != lines:
            write_atomically(self.path / LOG, _text(kept))
        return step, seconds

    def keep(
        self,
        line: Mapping[str, Any],
        weights: bytes,
        model: torch.nn.Module,
        optimizers: Sequence[torch.optim.Optimizer],
    ) -> None:
        """Append a line with `step` and `seconds` to the log, and write weights and state.

        The state is written last. If the process is killed before that, the run resumes from the previous
        state and drops the log lines after it.
        """
        write_atomically(self.path / LOG, _text([*read_log(self.path), line]))
        write_atomically(self.path / WEIGHTS, weights)
        self._keep_state(line["step"], line["seconds"], model, optimizers)

    def _progress(self, metadata: Mapping[str, str]) -> tuple[int, float]:
        """Return the steps and seconds of a state. Raises UserError if it is not a state of this run."""
        try:
            kept = json.loads(metadata["config"])
            config = json.loads(json.dumps(self.config))  # tuples become lists, as in the file
            changed: list[str] = []
            for key, value in config.items():
                if kept.get(key) != value:
                    changed.append(f"{key} {kept.get(key, 'unknown')}")
            step, seconds = int(metadata["step"]), float(metadata["seconds"])
        except _FOREIGN_FILE:
            state = self.path / STATE
            raise UserError(f"{state} is not the state of a pretraining: give another --out") from None
        if changed:
            raise UserError(
                f"{self.path} holds a run of {', '.join(changed[:3])}: give the same, or another --out"
            )
        return step, seconds

    def _keep_state(
        self, step: int, seconds: float, model: torch.nn.Module, optimizers: Sequence[torch.optim.Optimizer]
    ) -> None:
        metadata = {"config": json.dumps(self.config), "step": str(step), "seconds": str(seconds)}
        write_state(self.path / STATE, dict(model.named_parameters()), optimizers, metadata)


def _text(lines: Sequence[Mapping[str, Any]]) -> bytes:
    """Return the lines as JSON Lines."""
    return "".join(json.dumps(line) + "\n" for line in lines).encode()
