"""The family `cogvideox`: a video diffusion model adapted by LoRA, as in the paper. Torch is imported at build."""

from __future__ import annotations

from typing import Any

from vizbench.errors import UserError, unknown
from vizbench.harness.model import Family, Model

CHECKPOINTS = ("tiny", "tiny-random", "tiny-scratch")


def _build(checkpoint: str) -> Model[Any]:
    if checkpoint not in CHECKPOINTS:
        raise unknown("checkpoint of cogvideox", checkpoint, CHECKPOINTS)
    try:
        from vizbench.baselines.video.lora import VideoLora
    except ModuleNotFoundError as missing:
        raise UserError(
            f"cogvideox needs the package {missing.name!r}, which is not installed: pip install 'vizbench[models]'"
        ) from None
    return VideoLora(checkpoint)


FAMILIES = (
    Family(
        "cogvideox",
        "frames",
        "CogVideoX image-to-video with LoRA; tiny is embedded, tiny-random and tiny-scratch are its controls",
        CHECKPOINTS,
        _build,
    ),
)
