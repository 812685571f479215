"""Measure a model of one's own beside the trivial baselines.

    vizbench eval --model examples/own_model.py:Neighbourhoods --task life/conway --shots 30 --n-test 50

The model learns, for every 3x3 neighbourhood that it saw, which cell followed most often. That is enough for
Life.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, final

import numpy as np

from vizbench import Context, Example, Model


@final
class Neighbourhoods(Model[Any]):
    """Looks every cell's 3x3 neighbourhood up in a table of the examples."""

    modality = "grid"

    def adapt(self, examples: Sequence[Example[Any]], context: Context) -> Mapping[str, float]:
        """Count which cell follows which neighbourhood."""
        counts: dict[bytes, Counter[int]] = defaultdict(Counter)
        for example in examples:
            for key, cell in zip(neighbourhoods(example.question), example.target.flat, strict=True):
                counts[key][int(cell)] += 1
        self.table = {key: count.most_common(1)[0][0] for key, count in counts.items()}
        return {"neighbourhoods": len(self.table)}

    def predict(self, questions: Sequence[Any], attempts: int, seed: int) -> Iterator[list[Any]]:
        """Answer each question by the table; a neighbourhood that was never seen gives 0."""
        for question in questions:
            cells = [self.table.get(key, 0) for key in neighbourhoods(question)]
            yield [np.array(cells, np.uint8).reshape(question.shape)] * attempts


def neighbourhoods(grid: Any) -> Iterator[bytes]:
    """Yield the 3x3 neighbourhood of every cell, as bytes."""
    padded = np.pad(grid, 1)
    for window in np.lib.stride_tricks.sliding_window_view(padded, (3, 3)).reshape(-1, 9):
        yield window.tobytes()
