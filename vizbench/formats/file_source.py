"""Define what reads files that hold tasks: one class per layout of files derives from `FileSource`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from vizbench._util.paths import visible_files
from vizbench._util.text import is_utf8
from vizbench.dataset.splits import Dataset
from vizbench.errors import UserError
from vizbench.task.contract import Verifier

MAX_FILES = 100_000
"""The most tasks that one name may give."""


class FileSource(ABC):
    """A layout of files that hold tasks."""

    suffix: ClassVar[str]
    """How the names of such files end."""

    @abstractmethod
    def parse(self, rest: str) -> tuple[str, Mapping[str, str]]:
        """Return the path and the parameters in what follows `LAYOUT:`. Opens no file."""

    @abstractmethod
    def rules(self, params: Mapping[str, object]) -> tuple[Verifier, Any]:
        """Return the verifier and its record of parameters. Opens no file."""

    @abstractmethod
    def expand(self, path: Path) -> list[str]:
        """Return the paths of the tasks that a path gives. Reads none, so that only a bad one fails."""

    @abstractmethod
    def load(self, path: Path, params: Mapping[str, object], seed: int, pool: int) -> Dataset:
        """Return one file as a data set, named so that `rules` of its name's parameters are its rules."""


def files_below(path: Path, suffix: str) -> list[str]:
    """Return the path itself, or the files below a folder whose names end so, sorted.

    Hidden names are left out. Raises UserError if there is no such file, or more than MAX_FILES.
    """
    if not path.is_dir():
        return [path.as_posix()]
    files: list[str] = []
    for file in visible_files(path):
        if file.name.endswith(suffix):
            files.append(file.as_posix())
        if len(files) > MAX_FILES:
            raise UserError(f"{path} holds over {MAX_FILES:,} {suffix} files: give a smaller folder")
    if not files:
        raise UserError(f"{path} holds no {suffix} file: give a folder of them, or one file")
    for file in files:
        check_text(file)
    return sorted(files)


def check_text(name: str) -> None:
    """Raise UserError for a name that no record could hold."""
    if not is_utf8(name):
        raise UserError(f"the name {name[-80:]!r} is not UTF-8: rename the file")
