"""A training's state in one safetensors file, without pickle: what is trained, the optimizers' moments and
the rest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from vizbench._util.files import disk_errors, write_atomically
from vizbench.errors import UserError

PARAMETER, MOMENT, OTHER = "parameter", "moment", "other"
"""First parts of the names in the file."""


def write_state(
    path: Path,
    trained: Mapping[str, torch.nn.Parameter],
    optimizers: Sequence[torch.optim.Optimizer],
    told: Mapping[str, str],
    other: Mapping[str, Tensor] | None = None,
) -> None:
    """Write it whole or not at all. trained: by name; told: what is no tensor; other: further tensors."""
    tensors: dict[str, Tensor] = {f"{PARAMETER}/{name}": p.detach() for name, p in trained.items()}
    for number, optimizer in enumerate(optimizers):
        for index, values in optimizer.state_dict()["state"].items():
            tensors |= {f"{MOMENT}/{number}/{index}/{key}": value for key, value in values.items()}
    tensors |= {f"{OTHER}/{name}": tensor for name, tensor in (other or {}).items()}
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(
        path, save({name: tensor.cpu().contiguous() for name, tensor in tensors.items()}, dict(told))
    )


def read_state(
    path: Path,
    trained: Mapping[str, torch.nn.Parameter],
    optimizers: Sequence[torch.optim.Optimizer],
    instead: str = "delete it",
) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Bring parameters and optimizers to where `write_state` left them; returns `told` and `other`. UserError
    for a file that is damaged or another training's. instead: what the user is told to do then."""
    try:
        tensors, told = read_tensors(path)
        moments: list[dict[int, dict[str, Tensor]]] = [defaultdict(dict) for _ in optimizers]
        other: dict[str, Tensor] = {}
        for key, tensor in tensors.items():
            kind, _, name = key.partition("/")
            if kind == PARAMETER:
                with torch.no_grad():
                    trained[name].copy_(tensor)
            elif kind == MOMENT:
                number, index, part = name.split("/")
                moments[int(number)][int(index)][part] = tensor
            else:
                other[name] = tensor
        for optimizer, state in zip(optimizers, moments, strict=True):
            groups = optimizer.state_dict()["param_groups"]
            optimizer.load_state_dict({"state": dict(state), "param_groups": groups})
        if len(trained) != sum(key.startswith(PARAMETER) for key in tensors):
            raise KeyError("parameters are missing")
    except (SafetensorError, KeyError, IndexError, ValueError, RuntimeError) as error:
        raise UserError(f"{path} is no state of this training ({str(error)[:200]}): {instead}") from error
    return told, other


def read_metadata(path: Path) -> dict[str, str]:
    """What is told in a file of `write_state`, without its tensors. UserError for a file that is none."""
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise UserError(
            f"{path} is no state of a training ({str(error)[:200]}): give another --out"
        ) from error


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a safetensors file and what is told beside them."""
    with safe_open(path, framework="pt") as file:
        names = file.keys()
        return {name: file.get_tensor(name) for name in names}, file.metadata() or {}
