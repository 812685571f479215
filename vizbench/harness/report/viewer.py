"""Pack the questions and answers of runs, so that a page opens at once and unpacks only what is looked at.

A *blob* is JSON, deflated, in base64. One blob holds the questions of a test set, or the answers of a trial.
33 tasks with 11 numbers of shots, two models and the baselines, 200 questions each, take 94 MB as JSON, 32 MB
without blobs that are there twice, and 5.7 MB packed.
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

from vizbench.formats import lookup
from vizbench.formats.rows import Row
from vizbench.harness.plan.plan import TRIVIAL
from vizbench.harness.records import labels
from vizbench.harness.records.records import Record, TrialResult
from vizbench.harness.report.links import trial_id, trial_labels
from vizbench.renderers.glyphs import marks_of
from vizbench.renderers.looks import look_on
from vizbench.renderers.palettes import palette
from vizbench.task.contract import Task
from vizbench.task.registry import params_json
from vizbench.types import Grid, Json, Look

MAX_BYTES: Final = 64 << 20
"""Bytes of all blobs together. If there are more, the viewer holds fewer questions of each trial."""

MAX_STATES: Final = 200
"""States of a trajectory that the viewer plays. Of a longer one, as many are spread over it."""

VERDICTS: Final = ("exact", "valid", "wrong", "undecodable")
"""Names of the verdicts, by their number in a blob."""

PackedGrid: TypeAlias = list[Any]
"""A grid: its width, then a string with one character per cell, code + 48 modulo 256."""

_SHIFT: Final = bytes((code + 48) % 256 for code in range(256))


@final
@dataclass(frozen=True, slots=True)
class Payload:
    """What the viewer reads."""

    index: Json
    """Plain JSON with the verdicts, test sets and trials. It names `blobs` by their number."""
    blobs: Sequence[str]
    """The blobs."""
    held: int
    """Questions of each trial that are in the blobs, at most."""
    most: int
    """Questions of the largest trial."""


def payload(trials: Sequence[TrialResult], most_bytes: int = MAX_BYTES) -> Payload:
    """Pack every question and answer of these trials.

    If that takes over `most_bytes`, fewer questions of each trial are packed, but at least one.
    """
    most = held = max(len(trial.questions) for trial in trials)
    names = trial_labels(trials)
    while True:
        packer = _Packer(held, most_bytes if held > 1 else sys.maxsize, names)
        if all(packer.add(trial) for trial in trials) and packer.close():
            return Payload(packer.index(), packer.blobs, held, most)
        held = -(-held // 2)


@final
@dataclass(slots=True, eq=False)
class _TestSet:
    """A test set. All trials with these questions refer to it."""

    trial: TrialResult
    """The trial with the most of its questions."""
    digests: list[bytes]
    """A digest of each question, to distinguish sets."""


@final
@dataclass(slots=True, eq=False)
class _Packer:
    """Collects blobs until they are too large. Equal blobs, as those of `copy`, are kept once."""

    held: int
    """Questions of each trial that are packed."""
    most: int
    """Bytes that the blobs may take."""
    names: Mapping[str, str]
    """The models' names by trial id."""
    blobs: list[str] = field(default_factory=list[str])
    """The blobs so far."""
    size: int = 0
    """Their bytes."""
    _numbers: dict[bytes, int] = field(default_factory=dict[bytes, int])
    _sets: list[_TestSet] = field(default_factory=list[_TestSet])
    _heads: list[dict[str, Json]] = field(default_factory=list[dict[str, Json]])
    _trials: list[tuple[tuple[Any, ...], dict[str, Json]]] = field(default_factory=list[tuple[Any, Any]])

    def add(self, trial: TrialResult) -> bool:
        """Add a trial. Return False if the blobs are too large."""
        chosen = trial.questions[: self.held]
        head = trial.header.trial
        number = self._set_number(trial, chosen)
        answers: dict[str, list[Record]] = {}
        for record in trial.records:
            answers.setdefault(record.id, []).append(record)
        process = trial.header.process
        first = process is not None and process.answer == "first"
        blob = self._keep(
            [[_answer(record, row, first) for record in answers.get(row.id, ())] for row in chosen]
        )
        model = labels.model_key(head.model, head.checkpoint, head.training)
        shots, name = trial.header.data.shots, trial_id(trial)
        entry = {"id": name, "set": number, "model": model, "label": self.names[name], "shots": shots}
        entry |= {"attempts": head.attempts, "count": len(chosen), "blob": blob}
        order = number, head.model in TRIVIAL, model, self.names[name], shots, head.attempts
        self._trials.append((order, entry))
        return self.size <= self.most

    def close(self) -> bool:
        """Add the questions themselves. Return False if the blobs are too large."""
        for test_set, label in zip(self._sets, _set_labels(self._sets), strict=True):
            header, rows = test_set.trial.header, test_set.trial.questions[: self.held]
            blob: dict[str, Json] = {"ids": [row.id for row in rows]}
            blob["questions"] = [pack_grid(row.question) for row in rows]
            blob["targets"] = [pack_grid(row.target) for row in rows]
            blob["trajectories"] = _trajectories(test_set.trial, rows)
            entry = {"task": header.trial.task, "label": label, "seed": header.trial.seed}
            self._heads.append(entry | {"look": _look(header.task.palette), "blob": self._keep(blob)})
            if self.size > self.most:
                return False
        return True

    def index(self) -> Json:
        """Return the test sets, and the trials in the order in which the viewer offers them."""
        trials = [entry for _, entry in sorted(self._trials, key=lambda pair: pair[0])]
        return {"verdicts": VERDICTS, "sets": self._heads, "trials": trials}

    def _keep(self, value: Json) -> int:
        """Return the number of the blob that holds a value."""
        plain = msgspec.json.encode(value)
        key = hashlib.blake2b(plain, digest_size=16).digest()
        if key not in self._numbers:
            self._numbers[key] = len(self.blobs)
            self.blobs.append(base64.b64encode(zlib.compress(plain, 6)).decode())
            self.size += len(self.blobs[-1])
        return self._numbers[key]

    def _set_number(self, trial: TrialResult, rows: Sequence[Row]) -> int:
        """Return the number of the trial's test set.

        A shorter set is the beginning of a longer one of the same task and seed.
        """
        digests: list[bytes] = []
        for row in rows:
            content = msgspec.json.encode((row.id, row.question, row.target))
            digests.append(hashlib.blake2b(content).digest())
        head = trial.header.trial
        for number, known in enumerate(self._sets):
            other = known.trial.header.trial
            same_start = all(map(bytes.__eq__, known.digests, digests))
            if (other.task, other.seed) == (head.task, head.seed) and same_start:
                if len(digests) > len(known.digests):
                    known.trial, known.digests = trial, digests
                return number
        self._sets.append(_TestSet(trial, digests))
        return len(self._sets) - 1


def _set_labels(sets: Sequence[_TestSet]) -> list[str]:
    """Return what each test set is called: its task, and its seed if the task has several sets.

    Sets of one name also have the task's version and a digest of the data.
    """
    heads = [test_set.trial.header for test_set in sets]
    tasks = Counter(head.trial.task for head in heads)
    plain: list[str] = []
    for head in heads:
        seed = f", seed {head.trial.seed}" if tasks[head.trial.task] > 1 else ""
        plain.append(labels.task_label(head.trial.task) + seed)
    counts = Counter(plain)
    marked: list[str] = []
    for label, head in zip(plain, heads, strict=True):
        mark = f", version {head.task.version}, data {head.data.digest[:6]}" if counts[label] > 1 else ""
        marked.append(label + mark)
    return marked


def _look(own: str) -> Json:
    """Return how the viewer draws grids of a task whose own look has this palette: as the look `human`."""
    look = look_on(Look(own), "human", "", None)
    colours = ["#" + bytes(colour).hex() for colour in palette(look.palette)]
    return {"colours": colours, **marks_of(look.glyphs)}


def pack_grid(rows: Sequence[Sequence[int]]) -> PackedGrid:
    """Pack a grid of cell codes."""
    return [len(rows[0]), b"".join(map(bytes, rows)).translate(_SHIFT).decode("latin-1")]


def pack_trajectory(states: Sequence[Grid], answer: int) -> Json:
    """Pack the states of a trajectory.

    Returns the first state as a grid, then what changes in each of the others as cell, code, cell, code …,
    then which state is the answer.

    answer: which state is the answer, from 0; -1 for the last.
    """
    if len(states) > MAX_STATES:
        states = [states[int(k)] for k in np.linspace(0, len(states) - 1, MAX_STATES)]
    changes: list[list[int]] = []
    for before, after in itertools.pairwise(states):
        at = np.flatnonzero(before != after)
        changes.append(np.stack([at, after.flat[at]], axis=1).ravel().tolist())
    first: list[list[int]] = states[0].tolist()
    return [pack_grid(first), changes, answer % len(states)]


def _answer(record: Record, row: Row, first: bool) -> list[Json]:
    """Return verdict, reason, share of right cells and grid, and the trajectory only if there is one.

    The grid is None if there is none, and 0 if it is the target.

    first: whether the answer is before its trajectory, as in a game, not after it.
    """
    grid: Json = None
    if record.answer is not None:
        grid = 0 if record.answer == row.target else pack_grid(record.answer)
    packed = [VERDICTS.index(_verdict(record)), record.reason, round(record.cells, 4), grid]
    if not record.trajectory or record.answer is None:
        return packed
    states = [np.array(state, np.uint8) for state in record.trajectory]
    answer = np.array(record.answer, np.uint8)
    if first:
        return [*packed, pack_trajectory([answer, *states], 0)]
    return [*packed, pack_trajectory([*states, answer], -1)]


def _verdict(record: Record) -> str:
    if record.exact:
        return "exact"
    if record.valid:
        return "valid"
    return "undecodable" if record.undecodable else "wrong"


def _trajectories(trial: TrialResult, rows: Sequence[Row]) -> list[Json]:
    """Return the trajectory to each target, made again by the rules.

    None stands for a trajectory of one step, and for a task that has no such rules any more.
    """
    header = trial.header
    nothing: list[Json] = [None] * len(rows)
    try:
        verifier, params = lookup.verifier_and_params(header.trial.task)
    except Exception:  # the task does not exist here: the report does without its trajectories
        return nothing
    if not isinstance(verifier, Task):
        return nothing
    task = cast("Task[Any]", verifier)
    if task.version != header.task.version:
        return nothing
    if msgspec.json.decode(msgspec.json.encode(params_json(params))) != header.task.params:
        return nothing
    return [_trajectory(task, params, row) for row in rows]


def _trajectory(task: Task[Any], params: Any, row: Row) -> Json:
    question, target = np.array(row.question, np.uint8), np.array(row.target, np.uint8)
    try:
        result = task.check(params, question, target)
        if result is None or not result.valid or question.shape != target.shape:
            return None
        states = list(task.steps(params, question, target))
    except Exception:  # a task owes no answer to a question that is not its own
        return None
    if len(states) < 2:
        return None
    return pack_trajectory([question, *states], -1 if task.continuation is None else 1)
