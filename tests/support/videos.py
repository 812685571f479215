"""Read whole video files, for tests that compare all frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vizbench.renderers.video import frames
from vizbench.types import Video


def read_video(path: Path, max_frames: int = 1024, max_pixels: int = 1 << 28) -> Video:
    """Return all frames of a file, `(T, H, W, 3)` uint8. The arguments are those of `frames`."""
    return np.stack([frame.image() for frame in frames(path, max_frames, max_pixels)])
