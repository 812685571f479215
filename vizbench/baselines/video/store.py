"""What video models keep on disk: latents of clips, by content and weights, and trainings that go on after a
kill.

Only safetensors, no pickle.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, final

import torch
from safetensors import SafetensorError
from safetensors.torch import save
from torch import Tensor

from vizbench._util.files import disk_errors, write_atomically
from vizbench.baselines.shared.states import read_state, read_tensors, write_state
from vizbench.baselines.video.train import TrainingState, trained_of
from vizbench.errors import UserError

GENERATOR = "generator"
"""The name of the generator's state in a training's file."""


@final
class Latents:
    """What a VAE made of clips: one file each, named by the pixels, in a folder named by the weights."""

    def __init__(self, folder: Path | None) -> None:
        """folder: None keeps nothing."""
        self._folder = folder

    def of(self, name: str, make: Callable[[], Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """The tensors of that name, from disk, or made and put there."""
        if self._folder is None:
            return {key: tensor.cpu() for key, tensor in make().items()}
        path = self._folder / name[:2] / f"{name}.safetensors"
        if path.exists():
            try:
                return read_tensors(path)[0]
            except SafetensorError:  # damaged: made again
                path.unlink()
        made = {key: tensor.detach().cpu().contiguous() for key, tensor in make().items()}
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, save(made))
        return made


def grouped(clips: Iterable[Mapping[str, Tensor]]) -> list[dict[str, Tensor]]:
    """Clips of one shape each, stacked: `(n, ...)`, in the order in which the shapes first come."""
    groups: dict[tuple[int, ...], list[Mapping[str, Tensor]]] = defaultdict(list)
    for clip in clips:
        groups[tuple(clip["clip"].shape)].append(clip)
    return [
        {name: torch.cat([clip[name] for clip in group]) for name in group[0]} for group in groups.values()
    ]


def save_training(path: Path, network: Any, state: TrainingState) -> None:
    """Write what is trained, the optimizers and the generator to one file, whole or not at all."""
    told = {"step": str(state.step), "loss": state.loss.hex(), "seconds": state.seconds.hex()}
    write_state(path, trained_of(network), state.optimizers, told, {GENERATOR: state.generator.get_state()})


def load_training(path: Path, network: Any, state: TrainingState) -> None:
    """Bring network and state to where `save_training` left them. UserError for a file that is not theirs."""
    told, other = read_state(path, trained_of(network), state.optimizers)
    try:
        state.generator.set_state(other[GENERATOR])
        state.step = int(told["step"])
        state.loss, state.seconds = float.fromhex(told["loss"]), float.fromhex(told["seconds"])
    except (KeyError, ValueError, RuntimeError) as error:
        raise UserError(f"{path} is no state of this training ({str(error)[:200]}): delete it") from error
