"""Define the family `cogvideox`: CogVideoX image-to-video 1.0 and 1.5, and the embedded model, a small 1.5.

Yang et al., CogVideoX (2024). The checkpoint is an embedded name, a folder in diffusers' layout, or a hub
id.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from vizbench.baselines.shared.hub import require
from vizbench.baselines.video.cogvideox import BACKBONE
from vizbench.baselines.video.config import VideoConfig
from vizbench.baselines.video.memory import JOINT, ClipTokens, VideoSizes, memory
from vizbench.model import Model, ModelFamily

EMBEDDED: Final = ("tiny", "tiny-random", "tiny-scratch")
HUB: Final = "zai-org/CogVideoX1.5-5B-I2V"

CONFIG: Final = VideoConfig(rank=64, alpha=32, batch=2, lr=1e-4, schedule="constant", max_grad_norm=1.0)
"""The paper's, for CogVideoX1.5-5B."""

SIZES: Final = {
    HUB: VideoSizes(
        parameters=5_571_594_880,
        layers=42,
        hidden=3072,
        feed=0,
        heads=48,
        linear=5_568_331_776,
        trained=42 * 4 * 2 * 3072,
        vae=215_583_907,
        vae_bytes=2,
        encoder=4_762_310_656,
        layout=ClipTokens(226, 16, 4, 2, JOINT),
    )
}


def _build(checkpoint: str) -> Model[Any]:
    from vizbench.baselines.video.build import PACKAGES, build

    if checkpoint not in EMBEDDED:
        return build("cogvideox", BACKBONE, CONFIG, checkpoint, names=EMBEDDED)
    require("cogvideox", *PACKAGES)
    from vizbench.baselines.embedded.video.model import embedded_model

    return embedded_model(checkpoint)


FAMILIES = (
    ModelFamily(
        "cogvideox",
        "frames",
        "CogVideoX image-to-video with LoRA; tiny is embedded, tiny-random and tiny-scratch are its "
        "controls; or a folder, or a name at the hub",
        (*EMBEDDED, HUB),
        _build,
        partial(memory, SIZES, CONFIG),
    ),
)
