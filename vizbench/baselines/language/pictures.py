"""Keep what a frozen vision tower makes of a picture, so that no picture is resized and encoded twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, final

import torch
from torch import Tensor
from transformers.modeling_outputs import BaseModelOutputWithPooling

from vizbench._util.cache import content
from vizbench.baselines.shared.memory import unused_memory
from vizbench.types import Image

SHARE: Final = 0.1
"""The share of the unused memory that features may fill. 1,000 pictures of Gemma 3 4B take 1.3 GB."""


@final
class PictureFeatures:
    """Encode pictures one by one, and keep the features in memory until they fill their share."""

    def __init__(self, model: Any, processor: Any) -> None:
        """Keep nothing yet. model: frozen, with a `get_image_features`."""
        self._model, self._processor = model, processor
        self._free = SHARE * unused_memory()
        self._kept: dict[str, Tensor] = {}

    def of(self, images: Sequence[Image]) -> dict[str, Any]:
        """Return the argument `mm_encoder_outputs` of the model for these pictures, in their order."""
        features = torch.cat([self._one(image) for image in images])  # (n, tokens, hidden)
        return {"image": BaseModelOutputWithPooling(pooler_output=features)}

    @torch.no_grad()
    def _one(self, image: Image) -> Tensor:
        """Return the features of a picture, `(1, tokens, hidden)`."""
        name = content(image)
        if name in self._kept:
            return self._kept[name]
        pixels = self._processor([image], return_tensors="pt")["pixel_values"]  # (1, 3, side, side)
        output = self._model.get_image_features(pixels.to(self._model.device), return_dict=True)
        features: Tensor = output.pooler_output
        if features.nbytes <= self._free:
            self._free -= features.nbytes
            self._kept[name] = features
        return features
