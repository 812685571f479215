"""What video models keep on disk: latents of clips, by content and weights, and trainings that go on after a kill.

Everything lies in `$VIZBENCH_HOME`, or in the user's cache, and may be deleted at any time: it is made again. Only
safetensors, no pickle.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from vizbench.baselines.video.train import State
from vizbench.errors import UserError
from vizbench.harness.storage import disk_errors, write_whole

OPTIMIZER, NETWORK, GENERATOR = "optimizer", "network", "generator"
"""First parts of the names in a training's file."""


def home() -> Path:
    """Where latents and trainings lie."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(os.environ.get("VIZBENCH_HOME") or Path(cache) / "vizbench")


def digest(*parts: object) -> str:
    """A name for what these parts say."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


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
                return _read(path)[0]
            except SafetensorError:  # damaged: made again
                path.unlink()
        made = {key: tensor.detach().cpu().contiguous() for key, tensor in make().items()}
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, save(made))
        return made


def content(clip: np.ndarray[Any, Any]) -> str:
    """The name of a clip `(T, H, W, 3)` uint8: a digest of shape and pixels."""
    return hashlib.sha256(repr(clip.shape).encode() + np.ascontiguousarray(clip).tobytes()).hexdigest()[:32]


def grouped(clips: Iterable[Mapping[str, Tensor]]) -> list[dict[str, Tensor]]:
    """Clips of one shape each, stacked: `(n, ...)`, in the order in which the shapes first come."""
    groups: dict[tuple[int, ...], list[Mapping[str, Tensor]]] = defaultdict(list)
    for clip in clips:
        groups[tuple(clip["clip"].shape)].append(clip)
    return [{name: torch.cat([clip[name] for clip in group]) for name in group[0]} for group in groups.values()]


def save_training(path: Path, network: Any, state: State) -> None:
    """Write what is trained, the optimizers and the generator to one file, whole or not at all."""
    tensors = {f"{NETWORK}.{name}": p.detach() for name, p in network.named_parameters() if p.requires_grad}
    tensors[GENERATOR] = state.generator.get_state()
    for number, opt in enumerate(state.optimizers):
        for index, values in opt.state_dict()["state"].items():
            tensors |= {f"{OPTIMIZER}.{number}.{index}.{key}": value for key, value in values.items()}
    told = {"step": str(state.step), "loss": state.loss.hex(), "seconds": state.seconds.hex()}
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, save({name: tensor.cpu().contiguous() for name, tensor in tensors.items()}, told))


def load_training(path: Path, network: Any, state: State) -> None:
    """Bring network and state to where `save_training` left them. UserError for a file that is not theirs."""
    try:
        tensors, told = _read(path)
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                if parameter.requires_grad:
                    parameter.copy_(tensors[f"{NETWORK}.{name}"])
        for number, opt in enumerate(state.optimizers):
            kept: dict[int, dict[str, Tensor]] = defaultdict(dict)
            for name, tensor in tensors.items():
                if name.startswith(f"{OPTIMIZER}.{number}."):
                    _, _, index, key = name.split(".")
                    kept[int(index)][key] = tensor
            opt.load_state_dict({"state": dict(kept), "param_groups": opt.state_dict()["param_groups"]})
        state.generator.set_state(tensors[GENERATOR])
        state.step = int(told["step"])
        state.loss, state.seconds = float.fromhex(told["loss"]), float.fromhex(told["seconds"])
    except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
        raise UserError(f"{path} is no training of this model ({error}): delete it, to train anew") from error


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118 not a dict
