"""Define a task to test data sets with, so small that its whole space can be listed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from vizbench.task.contract import Metric, Task
from vizbench.types import Batch, CheckResult, Grid, Grids, Keys, Look


@final
@dataclass(frozen=True)
class Params:
    space: int = 16
    height: int = 2


@final
class Toy(Task[Params]):
    """The question is a number below `space` in binary, height x 4 cells; the target its complement."""

    family: ClassVar[str] = "toy"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "Flip every cell."
    look: ClassVar[Look] = Look("binary", cell=8)
    codes: ClassVar[int] = 2
    metric: ClassVar[Metric] = Metric.HAMMING
    min_distance: ClassVar[float] = 0.25
    variants: Mapping[str, Params] = {"small": Params(), "wide": Params(space=256)}

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        numbers = (keys >> np.uint64(7)) % np.uint64(params.space)
        bits = (numbers[:, None] >> np.arange(4 * params.height, dtype=np.uint64)) & np.uint64(1)
        question = bits.astype(np.uint8).reshape(len(keys), params.height, 4)
        return Batch(
            question, np.uint8(1) - question, {"number": numbers.astype(np.int64), "odd": numbers % 2 == 1}
        )

    def steps(self, params: Params, question: Grid, target: Grid) -> Grids:
        return np.stack([question, target])

    def features(self, params: Params, batch: Batch) -> Grids:
        return batch.question.reshape(len(batch), -1)

    def difficulty_batch(self, params: Params, question: Grids, target: Grids) -> Mapping[str, Any]:
        score = question.reshape(len(question), -1).mean(axis=1)
        return {"score": score, "effort": score}

    def check(self, params: Params, question: Grid, answer: Grid) -> CheckResult | None:
        right = bool(np.all(question != answer))
        return CheckResult(right, "" if right else "a cell is not flipped")

    def check_step(self, params: Params, question: Grid, before: Grid, after: Grid) -> CheckResult:
        right = bool(np.all(after != question)) or np.array_equal(after, before)
        return CheckResult(right, "" if right else "a cell is not flipped")

    def step_count(self, params: Params, question: Grid) -> int:
        return 2

    def solve(self, params: Params, question: Grid) -> Grid | None:
        return np.uint8(1) - question

    def guess(self, params: Params, question: Grid, key: int) -> Grid | None:
        return None


TOY = Toy()
