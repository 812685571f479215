"""The questions and answers of runs, packed so that a page opens at once and unpacks what is looked at.

A *blob* is JSON, deflated, in base64: one holds the questions of a test set, one the answers of a cell. 33
tasks at 11 budgets, two models and the baselines, 200 questions each: 94 MB as JSON, 32 MB without blobs that
are there twice,
5.7 MB packed.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import sys
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, cast, final

import msgspec
import numpy as np

from vizbench.formats import registry
from vizbench.formats.rows import Row
from vizbench.harness.plan.plan import TRIVIAL
from vizbench.harness.records import labels as names
from vizbench.harness.records.records import Record, TrialResult
from vizbench.harness.report.links import trial_id, trial_labels
from vizbench.renderers.palettes import palette
from vizbench.task import Task, params_json
from vizbench.types import Grid, Json

MAX_BYTES: Final = 64 << 20
"""Base64 text that the viewer holds in all: with more, it holds fewer questions of each cell."""

MAX_STATES: Final = 200
"""States of a process that the viewer plays; of a longer one, as many spread over it."""

VERDICTS: Final = ("exact", "valid", "wrong", "undecodable")
"""How an answer is told, by its number in a blob."""

Packed: TypeAlias = list[Any]
"""A grid: its width, then a string with a character a cell, code + 48 modulo 256."""

_SHIFT: Final = bytes((code + 48) % 256 for code in range(256))


@final
@dataclass(frozen=True, slots=True)
class Payload:
    """What the viewer reads. index: plain JSON, names `blobs` by their number; held: questions of a cell that
    are in it, of at most `most`."""

    index: Json
    blobs: Sequence[str]
    held: int
    most: int


def payload(cells: Sequence[TrialResult], most_bytes: int = MAX_BYTES) -> Payload:
    """Every question and answer of these cells, or as many questions of each as `most_bytes` allow, at least
    one."""
    most = held = max(len(cell.questions) for cell in cells)
    known = trial_labels(cells)
    while True:
        packer = _Packer(held, most_bytes if held > 1 else sys.maxsize, known)
        if all(packer.add(cell) for cell in cells) and packer.close():
            return Payload(packer.index(), packer.blobs, held, most)
        held = -(-held // 2)


@final
@dataclass(slots=True, eq=False)
class _Set:
    """A test set: all cells with these questions point to it. digests: of each question, to tell sets
    apart."""

    cell: TrialResult
    digests: list[bytes]


@final
@dataclass(slots=True, eq=False)
class _Packer:
    """Gathers blobs until they are too many. The same blob is kept once: `copy` answers alike at every
    budget.

    labels: the models' names by the identity of their cells.
    """

    held: int
    most: int
    labels: Mapping[str, str]
    blobs: list[str] = field(default_factory=list[str])
    size: int = 0
    _numbers: dict[bytes, int] = field(default_factory=dict[bytes, int])
    _sets: list[_Set] = field(default_factory=list[_Set])
    _heads: list[dict[str, Json]] = field(default_factory=list[dict[str, Json]])
    _runs: list[tuple[tuple[Any, ...], dict[str, Json]]] = field(default_factory=list[tuple[Any, Any]])

    def add(self, cell: TrialResult) -> bool:
        """Take a cell in. False: there is no room for it."""
        chosen = cell.questions[: self.held]
        head = cell.header.trial
        place = self._place(cell, chosen)
        answers: dict[str, list[Record]] = {}
        for record in cell.records:
            answers.setdefault(record.id, []).append(record)
        blob = self._keep([[_answer(r, row) for r in answers.get(row.id, ())] for row in chosen])
        model = names.model_key(head.model, head.checkpoint, head.training)
        shots, name = cell.header.data.shots, trial_id(cell)
        entry = {"id": name, "set": place, "model": model, "label": self.labels[name], "shots": shots}
        entry |= {"attempts": head.attempts, "count": len(chosen), "blob": blob}
        order = place, head.model in TRIVIAL, model, self.labels[name], shots, head.attempts
        self._runs.append((order, entry))
        return self.size <= self.most

    def close(self) -> bool:
        """Add the questions themselves. False: there is no room for them."""
        for one, label in zip(self._sets, _set_labels(self._sets), strict=True):
            header, rows = one.cell.header, one.cell.questions[: self.held]
            blob = {
                "ids": [row.id for row in rows],
                "questions": [packed(row.question) for row in rows],
                "targets": [packed(row.target) for row in rows],
                "ways": _ways(one.cell, rows),
            }
            entry = {"task": header.trial.task, "label": label, "seed": header.trial.seed}
            colours = ["#" + bytes(colour).hex() for colour in palette(header.task.palette)]
            self._heads.append(entry | {"colours": colours, "blob": self._keep(blob)})
            if self.size > self.most:
                return False
        return True

    def index(self) -> Json:
        """Sets, and runs in the order in which the viewer offers them."""
        runs = [run for _, run in sorted(self._runs, key=lambda pair: pair[0])]
        return {"verdicts": VERDICTS, "sets": self._heads, "runs": runs}

    def _keep(self, value: Json) -> int:
        plain = msgspec.json.encode(value)
        key = hashlib.blake2b(plain, digest_size=16).digest()
        if key not in self._numbers:
            self._numbers[key] = len(self.blobs)
            self.blobs.append(base64.b64encode(zlib.compress(plain, 6)).decode())
            self.size += len(self.blobs[-1])
        return self._numbers[key]

    def _place(self, cell: TrialResult, rows: Sequence[Row]) -> int:
        """The number of the cell's test set. A shorter set is the head of a longer one of the same task and
        seed."""
        digests = [
            hashlib.blake2b(msgspec.json.encode((row.id, row.question, row.target))).digest() for row in rows
        ]
        head = cell.header.trial
        for number, one in enumerate(self._sets):
            other, known = one.cell.header.trial, one.digests
            if (other.task, other.seed) == (head.task, head.seed) and all(map(bytes.__eq__, known, digests)):
                if len(digests) > len(known):
                    one.cell, one.digests = cell, digests
                return number
        self._sets.append(_Set(cell, digests))
        return len(self._sets) - 1


def _set_labels(sets: Sequence[_Set]) -> list[str]:
    """What each test set is called: by its task, and its seed where the task has several; and where two would
    be called alike, by the task's version and a digest of the data."""
    heads = [one.cell.header for one in sets]
    tasks = Counter(head.trial.task for head in heads)
    found = [
        names.task_label(head.trial.task)
        + (f", seed {head.trial.seed}" if tasks[head.trial.task] > 1 else "")
        for head in heads
    ]
    alike = Counter(found)
    return [
        f"{label}, version {head.task.version}, data {head.data.digest[:6]}" if alike[label] > 1 else label
        for label, head in zip(found, heads, strict=True)
    ]


def packed(rows: Sequence[Sequence[int]]) -> Packed:
    """A grid of cell codes for the viewer."""
    return [len(rows[0]), b"".join(map(bytes, rows)).translate(_SHIFT).decode("latin-1")]


def way(states: Sequence[Grid], answer: int) -> Json:
    """The states of a process: the first whole, of the others what changes, as cell, code, cell, code …; and
    which of them is the answer, counted from 0 or, as -1, the last."""
    if len(states) > MAX_STATES:
        states = [states[int(k)] for k in np.linspace(0, len(states) - 1, MAX_STATES)]
    changes: list[list[int]] = []
    for before, after in itertools.pairwise(states):
        at = np.flatnonzero(before != after)
        changes.append(np.stack([at, after.flat[at]], axis=1).ravel().tolist())
    first: list[list[int]] = states[0].tolist()
    return [packed(first), changes, answer % len(states)]


def _answer(record: Record, row: Row) -> list[Json]:
    """Verdict, reason, share of cells, grid: None where there is none, 0 where it is the stored one; and,
    only where the answer's frames show one, the way to it."""
    verdict = (
        "exact"
        if record.exact
        else "valid"
        if record.valid
        else "undecodable"
        if record.undecodable
        else "wrong"
    )
    grid = None if record.answer is None else 0 if record.answer == row.target else packed(record.answer)
    told = [VERDICTS.index(verdict), record.reason, round(record.cells, 4), grid]
    if not record.trajectory or record.answer is None:
        return told
    return [*told, way([np.array(state, np.uint8) for state in (*record.trajectory, record.answer)], -1)]


def _ways(cell: TrialResult, rows: Sequence[Row]) -> list[Json]:
    """The stored answers as processes, made anew from the rules; None where there is one step, or no such
    rule."""
    header = cell.header
    try:
        verifier, params = registry.verifier_and_params(header.trial.task)
    except Exception:  # a task that is not, or no longer, there: the report does without its processes
        return [None] * len(rows)
    if not isinstance(verifier, Task):
        return [None] * len(rows)
    task = cast("Task[Any]", verifier)
    if task.version != header.task.version:
        return [None] * len(rows)
    if msgspec.json.decode(msgspec.json.encode(params_json(params))) != header.task.params:
        return [None] * len(rows)
    return [_way(task, params, row) for row in rows]


def _way(verifier: Task[Any], params: Any, row: Row) -> Json:
    question, target = np.array(row.question, np.uint8), np.array(row.target, np.uint8)
    try:
        ruling = verifier.check(params, question, target)
        if ruling is None or not ruling.valid or question.shape != target.shape:
            return None
        steps = list(verifier.steps(params, question, target))
    except Exception:  # a room owes no answer to a question that is none of its own
        return None
    return way([question, *steps], -1 if verifier.sequel is None else 1) if len(steps) > 1 else None
