"""Store what video models keep on disk: latents of clips, and trainings that can be resumed. No pickle."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, final

import torch
from safetensors import SafetensorError
from safetensors.torch import save
from torch import Tensor

from vizbench._util.files import disk_errors, write_atomically
from vizbench.baselines.shared.training_state import (
    Snapshot,
    foreign_state,
    progress_figures,
    read_progress,
    read_state,
    read_tensors,
    snapshot,
    write_state,
)
from vizbench.baselines.video.train import TrainingState, trained_of

GENERATOR: Final = "generator"
"""The name of the generator's state in a training's file."""


@final
class Latents:
    """Store tensors that were computed once, such as the latents of a clip: one file each."""

    def __init__(self, folder: Path | None) -> None:
        """Use a folder, which is named by the weights. None keeps nothing."""
        self._folder = folder

    def of(self, name: str, make: Callable[[], Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """Return the tensors of that name, from disk or by `make`."""
        if self._folder is None:
            return {key: tensor.cpu() for key, tensor in make().items()}
        path = self._folder / name[:2] / f"{name}.safetensors"
        if path.exists():
            try:
                return read_tensors(path)[0]
            except SafetensorError:  # damaged
                path.unlink()
        made = {key: tensor.detach().cpu().contiguous() for key, tensor in make().items()}
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, save(made))
        return made


def grouped(clips: Iterable[Mapping[str, Tensor]]) -> list[dict[str, Tensor]]:
    """Return the clips stacked by shape, `(n, ...)` each, in the order in which the shapes first come."""
    groups: dict[tuple[int, ...], list[Mapping[str, Tensor]]] = defaultdict(list)
    for clip in clips:
        groups[tuple(clip["clip"].shape)].append(clip)
    return [_stacked(group) for group in groups.values()]


def _stacked(clips: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    return {name: torch.cat([clip[name] for clip in clips]) for name in clips[0]}


def copy_of(network: Any, state: TrainingState) -> Snapshot:
    """Return a copy of the trained parameters, the optimizers and the generator."""
    generator = {GENERATOR: state.generator.get_state()}
    return snapshot(trained_of(network), state.optimizers, _figures(state), generator)


def save_result(path: Path, network: Any, state: TrainingState) -> None:
    """Write the trained parameters of a training that is done, whole or not at all."""
    write_state(path, trained_of(network), [], _figures(state))


def load_result(path: Path, network: Any, state: TrainingState) -> None:
    """Restore what `save_result` wrote. Raises UserError if the file is of another training."""
    figures, _ = read_state(path, trained_of(network), [])
    state.step, state.loss, state.seconds = read_progress(path, figures)


def _figures(state: TrainingState) -> dict[str, str]:
    return progress_figures(state.step, state.loss, state.seconds)


def load_training(path: Path, network: Any, state: TrainingState) -> None:
    """Restore what `copy_of` copied. Raises UserError if the file is of another training."""
    figures, other = read_state(path, trained_of(network), state.optimizers)
    state.step, state.loss, state.seconds = read_progress(path, figures)
    try:
        state.generator.set_state(other[GENERATOR])
    except (KeyError, RuntimeError) as error:
        raise foreign_state(path, error) from error
