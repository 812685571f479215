"""Where models keep latents, trainings and adapters, and by what names. All of it may be deleted: it is made
again."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np


def home() -> Path:
    """`$VIZBENCH_HOME`, or a folder in the user's cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(os.environ.get("VIZBENCH_HOME") or Path(cache) / "vizbench")


def digest(*parts: object) -> str:
    """A name of 32 characters for what these parts say."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def content(pixels: np.ndarray[Any, Any]) -> str:
    """The same for an image or a clip, by its shape and bytes."""
    return hashlib.sha256(repr(pixels.shape).encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()[
        :32
    ]
