"""From a checkpoint's name to a video model: a folder or hub id with settings after `?`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from vizbench._util.params import override, path_and_params
from vizbench.baselines.shared.hub import PIPELINE_FILES, fetch, is_real, require
from vizbench.baselines.video.backbone import Backbone
from vizbench.baselines.video.config import VideoConfig
from vizbench.errors import unknown
from vizbench.model import Model

PACKAGES = ("torch", "diffusers", "transformers", "peft", "safetensors", "accelerate", "psutil")


def build(
    family: str,
    backbone: Backbone,
    recipe: VideoConfig,
    checkpoint: str,
    names: tuple[str, ...] = (),
    recipes: Mapping[str, VideoConfig] = MappingProxyType({}),
) -> Model[Any]:
    """The model of `PLACE?field=value&field=value`, with fields of `VideoConfig`. names: what else there is;
    recipe: for every checkpoint but those in `recipes`, by hub id.

    UserError for names that lead nowhere, for fields that do not exist, and for what the machine lacks.
    """
    require(family, *PACKAGES)
    place, settings = path_and_params(checkpoint)
    training = override(f"--checkpoint of {family}", recipes.get(place.partition("@")[0], recipe), settings)
    if not is_real(place):
        raise unknown(f"checkpoint of {family}", place, names)
    weights = fetch(family, place, PIPELINE_FILES)
    from vizbench.baselines.video.checkpoint import PipelineFolder
    from vizbench.baselines.video.model import VideoLora

    return VideoLora(backbone, PipelineFolder(backbone, weights, training), training)
