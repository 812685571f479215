"""Find what reads a layout of files that hold tasks, and the verifier of a task of any name.

A layout is the word before the colon in `arc-json:data/task.json`; `layouts` lists them.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from vizbench._util.paths import visible_files
from vizbench._util.text import is_utf8
from vizbench.dataset import Dataset
from vizbench.errors import UserError, unknown
from vizbench.formats.layouts import CORPORA, LAYOUTS
from vizbench.task import HasDemonstrations, Verifier, is_in_file, spec
from vizbench.types import Instance

MAX_FILES = 100_000
"""The most tasks that one name may stand for."""


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
        """Return the paths of the tasks that a path stands for. Reads none, so that only a bad one fails."""

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


def is_corpus(name: str) -> bool:
    """Return whether a task has its own demonstrations (an ARC file, an episode)."""
    if name.partition(":")[0] in CORPORA:
        return True
    try:
        params = spec(name).params if source_of(name) is None else None
    except UserError:  # runs may hold tasks of other versions
        return False
    return isinstance(params, HasDemonstrations) and params.fixed


def verifier_of(row: Instance | str) -> Verifier:
    """Return the verifier of a row, or of the task of a name. Opens no file, whatever path the name holds."""
    return verifier_and_params(row if isinstance(row, str) else row.task)[0]


def verifier_and_params(name: str) -> tuple[Verifier, Any]:
    """Return a task's verifier and parameters. Opens no file, whatever path the name holds."""
    source = source_of(name)
    if source is None:
        named = spec(name)
        return named.task, named.params
    return source.rules(split_name(name, source)[1])


def source_of(name: str) -> FileSource | None:
    """Return what reads the files of a name's layout, or None for the task of a family or a Python file."""
    layout, colon, _ = name.partition("?")[0].partition(":")
    if layout in LAYOUTS:
        return importlib.import_module(LAYOUTS[layout]).SOURCES[layout]
    if colon and not is_in_file(name):
        raise unknown("layout of files", layout, LAYOUTS)
    return None


def split_name(name: str, source: FileSource) -> tuple[Path, Mapping[str, str], str]:
    """Return the path, the parameters, and the text of these. Raises UserError if there is no path."""
    layout, _, rest = name.partition(":")
    check_text(rest)
    path, params = source.parse(rest)
    if not path or "\0" in path:
        raise UserError(
            f"{name[:80]!r} names no path: give a file or a folder, e.g. {layout}:data/task{source.suffix}"
        )
    return Path(path), params, rest[len(path) :]


def check_text(name: str) -> None:
    """Raise UserError for a name that no record could hold."""
    if not is_utf8(name):
        raise UserError(f"the name {name[-80:]!r} is not UTF-8: rename the file")
