"""Reward answers for training: one number, and the parts that it is made of.

The value is 1 if the answer is valid. Otherwise it is half the product of the parts, so at most 0.5. The
parts are in 0..1: all 0 for the untouched question, all 1 for a valid answer. `docs/tasks.md` lists the parts
of each family.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from vizbench.loading import verify, verify_batch, verify_steps
from vizbench.types import Batch, Instance, Reward

INVALID: Final = 0.5
"""The most that an answer gets which is not valid."""


def reward(instance: Instance, answer: object, process: bool = False) -> Reward:
    """Return the reward of an answer to an instance. Never raises for any answer.

    answer: what `vizbench.verify` reads. process: check the whole process, see `vizbench.verify_steps`, which
    has the part `legal` as well: the share of its states before the first that does not follow.

    The value is 0 if the answer cannot be read.

    Raises UserError if `process` is set for a task that has no rules for steps (ARC files).
    """
    verdict = verify_steps(instance, answer) if process else verify(instance, answer)
    value = _value(
        np.array([verdict.valid]), {name: np.array([part]) for name, part in verdict.parts.items()}
    )
    return Reward(float(value[0]), verdict.parts)


def reward_batch(batch: Batch, answers: object) -> npt.NDArray[np.float64]:
    """Return the reward of one answer per instance, `(n,)`.

    batch: from `Split.batch`. answers: what `vizbench.verify_batch` reads.

    Raises UserError as `vizbench.verify_batch` does.
    """
    verdicts = verify_batch(batch, answers)
    return _value(verdicts.valid, verdicts.parts)


def _value(
    valid: npt.NDArray[np.bool_], parts: Mapping[str, npt.NDArray[np.float64]]
) -> npt.NDArray[np.float64]:
    value = np.full(len(valid), INVALID)
    for column in parts.values():
        value *= column
    return np.where(valid, 1.0, value)
