"""Test the loop over questions that constraints of puzzles share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vizbench._util.jit import jit
from vizbench.kernels.constraints import new_problems
from vizbench.kernels.scopes import for_each


@jit
def _one(question, problem):
    problem.lows[0] = 1


@jit
def _two(question, problem):
    problem.lows[0] = 2


def test_two_families_of_one_file_do_not_share_cached_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    problems = new_problems(1, 1, 1, 1)
    for write, low in ((_one, 1), (_two, 2)):
        for_each(write)(np.zeros((1, 1, 1), np.uint8), problems)
        assert problems.lows[0, 0] == low
