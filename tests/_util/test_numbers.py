"""Test which numbers of users count as whole."""

from __future__ import annotations

import numpy as np
import pytest

from vizbench._util.numbers import is_whole


@pytest.mark.parametrize("value", [1, 2, 5])
def test_ints_within_the_bounds_are_whole(value: object) -> None:
    assert is_whole(value, 1, 5)


@pytest.mark.parametrize("value", [0, 6, -1, True, 1.0, "1", None, np.int64(1)])
def test_everything_else_is_not(value: object) -> None:
    assert not is_whole(value, 1, 5)
