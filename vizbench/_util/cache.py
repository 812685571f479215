"""Name the folder for cached files, which can be made again, and the files in it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


def cache_root() -> Path:
    """Return `$XDG_CACHE_HOME/vizbench`, or `~/.cache/vizbench`."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(cache) / "vizbench"


def home() -> Path:
    """Return the folder of latents, trainings and adapters: `$VIZBENCH_HOME`, or `cache_root()`."""
    return Path(os.environ.get("VIZBENCH_HOME") or cache_root())


def digest(*parts: object) -> str:
    """Return a name of 32 characters for the printed form of the parts."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def content(pixels: np.ndarray[Any, Any]) -> str:
    """Return a name of 32 characters for an image or a clip, by its shape and bytes."""
    import numpy as np  # listing tasks reads a cached file without it

    shape = repr(pixels.shape).encode()
    return hashlib.sha256(shape + np.ascontiguousarray(pixels).tobytes()).hexdigest()[:32]
