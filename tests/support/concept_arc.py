"""Find the 80 real tasks of ConceptARC beside the project, which must not ship them."""

from __future__ import annotations

from pathlib import Path

import pytest

CORPUS = Path(__file__).parents[3] / "shared" / "data" / "concept-arc"

# Other tests cover what such files can hold, with files of their own.
# The project must not ship the real ones.
AT_HAND = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no ConceptARC at {CORPUS}")
