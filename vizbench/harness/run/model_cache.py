"""One model in memory at a time."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from typing import Any, final

from vizbench.harness.plan.plan import TRIVIAL
from vizbench.model import Model, ModelRef, load_model


@final
class ModelCache:
    """Hands out one model after the other: two large ones may not fit into memory together."""

    def __init__(self, built: Mapping[ModelRef, Model[Any]]) -> None:
        """built: models that were built already, and took no memory yet."""
        self._built = dict(built)
        self._shown: tuple[ModelRef, Model[Any]] | None = None

    def __call__(self, name: str, checkpoint: str) -> Model[Any]:
        """The model of these names; the one before is let go."""
        ref = ModelRef(name, checkpoint)
        if self._shown is None or self._shown[0] != ref:
            self._shown = None
            # The parts of a network refer to one another. A baseline takes no room, and there are six a cell:
            # looking through all objects for each of them took up to half a second where torch is loaded.
            if name not in TRIVIAL:
                gc.collect()
            self._shown = ref, self._built.pop(ref, None) or load_model(name, checkpoint)
        return self._shown[1]
