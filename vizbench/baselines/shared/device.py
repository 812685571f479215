"""Check that this machine can run a model, and set the quantisation of its linear layers."""

from __future__ import annotations

import os
from typing import Any

import torch

from vizbench.errors import UserError


def require_gpu(parameters: int, limit: int, refusal: str) -> None:
    """Raise UserError if the model has more parameters than `limit` and there is no GPU.

    refusal: the message, to which the way out is added. VIZBENCH_CPU=1 lets all models through.
    """
    if torch.cuda.is_available() or parameters <= limit or os.environ.get("VIZBENCH_CPU") == "1":
        return
    raise UserError(f"{refusal}, or set VIZBENCH_CPU=1 to train on a CPU all the same")


def bitsandbytes_settings(backbone: str, dtype: torch.dtype) -> dict[str, Any]:
    """Return bitsandbytes' settings for `int8` or `nf4`. dtype: of the products."""
    if backbone == "int8":
        return {"load_in_8bit": True}
    return {
        "load_in_4bit": True,
        "bnb_4bit_quant_type": "nf4",
        "bnb_4bit_use_double_quant": True,
        "bnb_4bit_compute_dtype": dtype,
    }
