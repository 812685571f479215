"""What the parts of a model take in memory, and whether the device has it."""

from __future__ import annotations

from typing import Final

from vizbench.errors import UserError

TRAINED: Final = 18
"""Bytes a number of the adapter takes: itself, its gradient and two moments in float32, and a bfloat16 copy."""

FROZEN: Final = {"full": 2.0, "int8": 1.0, "nf4": 0.516}
"""Bytes a number of the blocks' linear layers takes: nf4 has a doubly quantised scale for 64 numbers (Dettmers et al.
2023, 3)."""


def check_room(name: str, need: float, backbone: str) -> None:
    """UserError where the GPU, if there is one, has less than `need` bytes free."""
    import torch

    if not torch.cuda.is_available():
        return
    free = torch.cuda.mem_get_info()[0]
    if need > free:
        less = "take a smaller checkpoint" if backbone == "nf4" else "set ?backbone=nf4, or take a smaller checkpoint"
        raise UserError(
            f"{name} takes at least {need / 1e9:.1f} GB and the GPU has {free / 1e9:.1f} GB free: {less} "
            f"(`vizbench models --memory` estimates both)"
        )
