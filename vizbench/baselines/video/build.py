"""Build a video model from the name of its checkpoint."""

from __future__ import annotations

from typing import Any, Final

from vizbench._util.params import override, path_and_params
from vizbench.baselines.shared.hub import PIPELINE_FILES, fetch, is_real, require, unknown_checkpoint
from vizbench.baselines.video.backbone import Backbone
from vizbench.baselines.video.config import VideoConfig
from vizbench.model import Model

PACKAGES: Final = ("torch", "diffusers", "transformers", "peft", "safetensors", "accelerate", "psutil")


def build(
    family: str,
    backbone: Backbone,
    config: VideoConfig,
    checkpoint: str,
    names: tuple[str, ...] = (),
) -> Model[Any]:
    """Return the model of `PLACE?field=value&…`: a folder or hub id, and fields of `VideoConfig`.

    names: other checkpoints of the family.

    Raises UserError if a name or field is unknown, or if this machine lacks a package, a GPU or memory.
    """
    require(family, *PACKAGES)
    place, settings = path_and_params(checkpoint)
    chosen = override(f"--checkpoint of {family}", config, settings)
    if not is_real(place):
        raise unknown_checkpoint(family, place, names)
    weights = fetch(family, place, PIPELINE_FILES)
    from vizbench.baselines.video.checkpoint import VideoCheckpoint
    from vizbench.baselines.video.model import VideoLora

    return VideoLora(backbone, VideoCheckpoint(backbone, weights, chosen), chosen)
