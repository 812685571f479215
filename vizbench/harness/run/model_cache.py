"""Keep at most one loaded model, because two large ones may not fit in memory."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from typing import Any, final

from vizbench.harness.plan.plan import TRIVIAL
from vizbench.model import Model, ModelRef, load_model


@final
class ModelCache:
    """Build models on demand. Building another one drops the previous one."""

    def __init__(self, built: Mapping[ModelRef, Model[Any]]) -> None:
        """built: models that exist already and hold no weights yet."""
        self._built = dict(built)
        self._current: tuple[ModelRef, Model[Any]] | None = None

    def get(self, name: str, checkpoint: str) -> Model[Any]:
        """Return the model, building it if it is not the current one."""
        ref = ModelRef(name, checkpoint)
        if self._current is None or self._current[0] != ref:
            self._current = None
            # The parts of a network refer to one another, so only the collector frees them. Baselines hold no
            # memory, and there are six per trial: collecting for each took up to half a second with torch.
            if name not in TRIVIAL:
                gc.collect()
            self._current = ref, self._built.pop(ref, None) or load_model(name, checkpoint)
        return self._current[1]
