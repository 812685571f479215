"""The 80 real tasks of ConceptARC, where they lie beside the project: they are not ours to ship."""

from __future__ import annotations

from pathlib import Path

import pytest

CORPUS = Path(__file__).parents[3] / "shared" / "data" / "concept-arc"

# What such files can hold is tested everywhere, with files of our own.
AT_HAND = pytest.mark.skipif(
    not CORPUS.is_dir(), reason=f"no ConceptARC at {CORPUS}"
)  # not ours to ship with a clone
