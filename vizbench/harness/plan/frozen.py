"""Read suites whose test questions never change, and check that this version of vizbench makes them.

A frozen suite is a file `frozen/NAME.json`. It holds digests of questions and targets. The grids themselves
are made from their seeds, on any machine. `python -m scripts.freeze_suite NAME` writes the file.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, final

import msgspec
import numpy as np

from vizbench import loading
from vizbench._util.version import __version__
from vizbench.dataset.splits import POOL
from vizbench.errors import UserError
from vizbench.task.registry import spec

FOLDER: Final = Path(__file__).with_name("frozen")

N_TEST: Final = 200
"""Test questions per task and seed of a new frozen suite."""

SEEDS: Final = (0, 1, 2)
"""Seeds of a new frozen suite."""


@final
class FrozenTask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A task of a frozen suite."""

    task: str
    """Name of the task, with its variant."""
    version: int
    """Version of its family."""
    digests: tuple[str, ...]
    """The digest of its test questions and targets for each seed of the suite, see `digest`."""


@final
class FrozenSuite(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A suite whose test questions never change."""

    vizbench: str
    """The version of vizbench that wrote the file."""
    n_test: int
    """Test questions per task and seed."""
    pool: int
    """How many of the first train rows the test questions keep their distance from."""
    seeds: tuple[int, ...]
    """The seeds that have digests."""
    tasks: tuple[FrozenTask, ...]
    """The tasks in order."""

    def names(self) -> tuple[str, ...]:
        """Return the names of the tasks."""
        return tuple(task.task for task in self.tasks)


def suites() -> tuple[str, ...]:
    """Return the names of the frozen suites, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.json")))


@functools.cache
def read(suite: str) -> FrozenSuite:
    """Return a frozen suite by its name."""
    return msgspec.json.decode((FOLDER / f"{suite}.json").read_bytes(), type=FrozenSuite)


def freeze(tasks: Sequence[str]) -> FrozenSuite:
    """Return the suite of these tasks with the digests that this version of vizbench gives."""
    frozen: list[FrozenTask] = []
    for name in tasks:
        digests = tuple(digest(name, seed, POOL, N_TEST) for seed in SEEDS)
        frozen.append(FrozenTask(name, spec(name).task.version, digests))
    return FrozenSuite(__version__, N_TEST, POOL, SEEDS, tuple(frozen))


def digest(task: str, seed: int, pool: int, n: int) -> str:
    """Return the SHA-256 of the first n test questions and targets: the shape and the cells of each grid."""
    made = hashlib.sha256()
    batch = loading.load(task, seed, pool).test.batch(0, n)
    for row in range(n):
        for grid in batch.pair(row):
            made.update(np.array(grid.shape, "<u2").tobytes())
            made.update(grid.tobytes())
    return made.hexdigest()


def check(suite: str, trials: Iterable[tuple[str, int]]) -> None:
    """Raise UserError if this version of vizbench makes other test questions than a frozen suite has.

    trials: pairs of a task and a seed. Tasks that are not in the suite are not checked. Versions are compared
    first, because digests take all test questions.
    """
    frozen = read(suite)
    by_name = {task.task: task for task in frozen.tasks}
    pairs = [(by_name[name], seed) for name, seed in dict.fromkeys(trials) if name in by_name]

    changed: dict[str, str] = {}
    for task, _ in pairs:
        version = spec(task.task).task.version
        if version != task.version:
            changed[task.task] = f"{task.task} (version {task.version} there, {version} here)"
    for task, seed in pairs:
        if task.task in changed:
            continue
        expected = task.digests[frozen.seeds.index(seed)]
        if digest(task.task, seed, frozen.pool, frozen.n_test) != expected:
            changed[task.task] = f"{task.task} (version {task.version}, seed {seed})"
    if changed:
        raise UserError(
            f"suite {suite} has other test questions than this version of vizbench makes, for "
            f"{', '.join(changed.values())}: install a version that makes them (vizbench {frozen.vizbench} "
            "wrote the suite), or name the tasks without the suite"
        )
