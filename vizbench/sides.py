"""Which side of a data set a question belongs to: train or test.

The side is a hash of the question. It does not depend on the seed, the index, the split's size or the parameters. So
no question of any train split is in any test split of the same task family, however many rows each has.

A fifth of all questions is test. A smaller share makes test rows of slow tasks expensive: finding n of them takes
n / share candidates. A larger share takes questions from the training sets of small spaces. `benchmarks/sides.py`
measures both.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from vizbench.kernels.distinct import digests
from vizbench.seeds import splitmix64

SHARE: Final = 5
"""One question in so many is test."""

_SALT: Final = np.uint64(0x7465_7374_2073_6964)  # "test sid": the table of seen questions uses the bare digests


def is_test(questions: npt.NDArray[Any], share: int = SHARE) -> npt.NDArray[np.bool_]:
    """Which questions belong to test, `(n,)`: one in `share`.

    questions: `(n, d)` uint8, n >= 1, one row of bytes per question.
    """
    rows = np.ascontiguousarray(questions, np.uint8).reshape(len(questions), -1)
    return splitmix64(digests(rows) ^ _SALT) < np.uint64((1 << 64) // share)
