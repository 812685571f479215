"""Define the family `ltx`: LTX-Video image-to-video, 2B and 13B.

HaCohen et al., LTX-Video: Realtime Video Latent Diffusion (2024). The checkpoint is a folder in diffusers'
layout or a hub id.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from vizbench.baselines.video.config import FEED_FORWARD, QKVO, VideoConfig
from vizbench.baselines.video.ltx import BACKBONE, LAYOUT
from vizbench.baselines.video.memory import VideoSizes, memory
from vizbench.model import Model, ModelFamily

HUB: Final = ("Lightricks/LTX-Video", "Lightricks/LTX-Video-0.9.7-dev")
"""2B and 13B."""

CONFIG: Final = VideoConfig(
    rank=64, alpha=64, targets=(*QKVO, *FEED_FORWARD), batch=4, lr=2e-4, schedule="linear", max_grad_norm=1.0
)
"""The paper's. Its 13B takes the 4 clips of a step two by two."""

SIZES: Final = {
    HUB[0]: VideoSizes(
        parameters=1_923_385_472,
        layers=28,
        hidden=2048,
        feed=0,
        heads=32,
        linear=1_922_039_808,
        trained=28 * (8 * 2 + 2 * 5) * 2048,
        vae=419_193_649,
        vae_bytes=2,
        encoder=4_762_310_656,
        layout=LAYOUT,
    ),
    HUB[1]: VideoSizes(
        parameters=13_042_569_344,
        layers=48,
        hidden=4096,
        feed=0,
        heads=32,
        linear=13_037_993_984,
        trained=48 * (8 * 2 + 2 * 5) * 4096,
        vae=1_246_913_522,
        vae_bytes=2,
        encoder=4_762_310_656,
        layout=LAYOUT,
    ),
}


def _build(checkpoint: str) -> Model[Any]:
    from vizbench.baselines.video.build import build

    return build("ltx", BACKBONE, CONFIG, checkpoint)


FAMILIES = (
    ModelFamily(
        "ltx",
        "frames",
        "LTX-Video image-to-video with LoRA: 2B or 13B, a folder or a name at the hub",
        HUB,
        _build,
        partial(memory, SIZES, CONFIG),
    ),
)
