"""Store the state of a training in one safetensors file, without pickle, in the background or at once."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Self, final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from vizbench._util.files import disk_errors, write_atomically
from vizbench.errors import UserError

PARAMETER, MOMENT, OTHER = "parameter", "moment", "other"
"""First parts of the tensors' names in the file."""


MINUTE = 60.0
"""Seconds. Tests shorten it."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """A copy of a training's state."""

    tensors: Mapping[str, Tensor]
    """On the CPU, by the names of the file."""
    figures: Mapping[str, str]
    """Metadata of the file."""

    def write(self, path: Path) -> None:
        """Write the state, whole or not at all."""
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, save(dict(self.tensors), dict(self.figures)))


@final
class StateWriter:
    """Write the state of a training from time to time, in a thread of its own.

    Only the copy of the state holds the training up. Errors of the disk are raised at the next write, or at
    the end of the block.
    """

    def __init__(self, path: Path, minutes: float) -> None:
        """Write nothing yet. minutes: between two states; 0: never."""
        self.path = path
        self._wait = minutes * MINUTE
        self._active = minutes > 0
        self._due = time.monotonic() + self._wait
        self._thread = ThreadPoolExecutor(1, "training state")
        self._pending: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Wait for the last state. If the block failed, its error counts."""
        try:
            self._finish()
        except UserError:
            if kind is None:
                raise
        finally:
            self._thread.shutdown()

    def save_if_due(self, copy: Callable[[], Snapshot]) -> None:
        """Write a state if the time has come."""
        if not self._active or time.monotonic() < self._due:
            return
        self._finish()
        self._pending = self._thread.submit(copy().write, self.path)
        self._due = time.monotonic() + self._wait

    def remove(self) -> None:
        """Remove the state, which is not needed once the training is done."""
        self._finish()
        self._active = False
        self.path.unlink(missing_ok=True)

    def _finish(self) -> None:
        """Wait until the state is written. Raises UserError if the disk refused it."""
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()


def write_state(
    path: Path,
    trained: Mapping[str, torch.nn.Parameter],
    optimizers: Sequence[torch.optim.Optimizer],
    figures: Mapping[str, str],
    other: Mapping[str, Tensor] | None = None,
) -> None:
    """Write the state, whole or not at all. Its parts are those of `snapshot`."""
    snapshot(trained, optimizers, figures, other).write(path)


def snapshot(
    trained: Mapping[str, torch.nn.Parameter],
    optimizers: Sequence[torch.optim.Optimizer],
    figures: Mapping[str, str],
    other: Mapping[str, Tensor] | None = None,
) -> Snapshot:
    """Return a copy of the state.

    trained: parameters by name.
    figures: metadata of the file.
    other: further tensors by name.
    """
    tensors: dict[str, Tensor] = {}
    for name, parameter in trained.items():
        tensors[f"{PARAMETER}/{name}"] = parameter.detach()
    for number, optimizer in enumerate(optimizers):
        for index, moments in optimizer.state_dict()["state"].items():
            for key, value in moments.items():
                tensors[f"{MOMENT}/{number}/{index}/{key}"] = value
    for name, tensor in (other or {}).items():
        tensors[f"{OTHER}/{name}"] = tensor
    return Snapshot({name: _copy(tensor) for name, tensor in tensors.items()}, dict(figures))


def _copy(tensor: Tensor) -> Tensor:
    """Return a copy on the CPU that later steps do not change."""
    return tensor.detach().to("cpu", copy=True).contiguous()


def read_state(
    path: Path,
    trained: Mapping[str, torch.nn.Parameter],
    optimizers: Sequence[torch.optim.Optimizer],
    advice: str = "delete it",
) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Restore parameters and optimizers, and return the `figures` and `other` of `write_state`.

    Raises UserError if the file is damaged or of another training. advice: what to do then.
    """
    try:
        tensors, figures = read_tensors(path)
        moments: list[dict[int, dict[str, Tensor]]] = [defaultdict(dict) for _ in optimizers]
        other: dict[str, Tensor] = {}
        parameters = 0

        # Parameters are copied in place. Moments are collected for the optimizers.
        for key, tensor in tensors.items():
            kind, _, name = key.partition("/")
            if kind == PARAMETER:
                parameters += 1
                with torch.no_grad():
                    trained[name].copy_(tensor)
            elif kind == MOMENT:
                number, index, part = name.split("/")
                moments[int(number)][int(index)][part] = tensor
            else:
                other[name] = tensor

        # The groups, with their learning rates, stay as this training set them.
        for optimizer, state in zip(optimizers, moments, strict=True):
            groups = optimizer.state_dict()["param_groups"]
            optimizer.load_state_dict({"state": dict(state), "param_groups": groups})
        if parameters != len(trained):
            raise KeyError("parameters are missing")
    except (SafetensorError, KeyError, IndexError, ValueError, RuntimeError) as error:
        raise foreign_state(path, error, advice) from error
    return figures, other


def foreign_state(path: Path, error: Exception, advice: str = "delete it") -> UserError:
    """Return the error that a file is not a state of this training. advice: what to do then."""
    return UserError(f"{path} is not a state of this training ({str(error)[:200]}): {advice}")


def progress_figures(step: int, loss: float, seconds: float) -> dict[str, str]:
    """Return how far a training is as `figures` of `write_state`, exact to the last bit."""
    return {"step": str(step), "loss": loss.hex(), "seconds": seconds.hex()}


def read_progress(path: Path, figures: Mapping[str, str]) -> tuple[int, float, float]:
    """Return step, loss and seconds from `progress_figures`. Raises UserError if one is missing."""
    try:
        return int(figures["step"]), float.fromhex(figures["loss"]), float.fromhex(figures["seconds"])
    except (KeyError, ValueError) as error:
        raise foreign_state(path, error) from error


def read_metadata(path: Path) -> dict[str, str]:
    """Return the `figures` of `write_state` without reading tensors.

    Raises UserError if the file is not one of `write_state`.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise UserError(
            f"{path} is not a state of a training ({str(error)[:200]}): give another --out"
        ) from error


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors of a safetensors file, and its metadata."""
    with safe_open(path, framework="pt") as file:
        names = file.keys()
        return {name: file.get_tensor(name) for name in names}, file.metadata() or {}
