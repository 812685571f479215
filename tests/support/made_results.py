"""Make the results of trials in memory, as they would be read from disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vizbench.formats.rows import Row
from vizbench.harness.plan.plan import Trial
from vizbench.harness.records.records import DataInfo, Header, Record, Session, TaskInfo, TrialResult


def record(name, attempt=0, exact=False, valid=None, cells=0.5, undecodable=False, figures=None):
    valid = exact if valid is None else valid
    return Record(name, attempt, valid, exact, cells, "", {}, None, undecodable, 0.25, (), figures or {})


def trial_result(
    records: list[Record],
    seed: int = 0,
    model: str = "copy",
    shots: int | None = 16,
    attempts: int = 1,
    names: Sequence[str] = "abcd",
    seconds: float = 2.0,
    task: str = "t/x",
    error: str = "",
    **more: Any,
) -> TrialResult:
    """Return a trial with these records.

    shots: None means a corpus with 3 demonstrations.
    more: version, digest, created, checkpoint, steps, epochs.
    """
    checkpoint, steps, epochs = more.get("checkpoint", "none"), more.get("steps"), more.get("epochs")
    trial = Trial(task, model, checkpoint, shots, seed, len(names), attempts, steps, epochs)
    info = TaskInfo(more.get("version", 1), {}, "binary")
    data = DataInfo(more.get("digest", ""), 3 if shots is None else shots, len(names))
    header = Header(1, trial, info, data, None, None, more.get("created", ""), {})
    questions = [Row(name, task, seed, "test", i, [[0]], [[1]], [], {}) for i, name in enumerate(names)]
    return TrialResult(Path("nowhere"), header, questions, [Session("", seconds, {}, {})], records, error)


def answered(hits, model="mine", shots: int | None = 16, seed=0, **more: Any) -> TrialResult:
    """Return a trial of one attempt per question: right, wrong, or not answered if None."""
    names = [f"{seed}-{k}" for k in range(len(hits))]
    records = [
        record(name, exact=bool(hit)) for name, hit in zip(names, hits, strict=True) if hit is not None
    ]
    return trial_result(records, seed, model, shots, names=names, **more)


def share(hits, n=200):
    """Return n answers of which this share is right: the first ones."""
    right = round(hits * n)
    assert abs(right / n - hits) < 1e-9, f"{hits} is no share of {n}"
    return [k < right for k in range(n)]
