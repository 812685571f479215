"""List the task families without importing them, from what an earlier process has kept on disk.

Importing all families takes longer than printing their names. So their summaries and variants are kept in
`$VIZBENCH_HOME/families.json`, with a digest of the names, sizes and times of all their files. A file with
another digest is ignored and written again. It is never needed: if the disk refuses, nothing is kept.
"""

from __future__ import annotations

import hashlib
import os
import sys
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Annotated, Final, final

import msgspec

from vizbench._util.cache import home
from vizbench._util.files import read_bounded, write_atomically
from vizbench._util.version import __version__
from vizbench.errors import UserError

MAX_FILE: Final = 1 << 20
"""Bytes of the largest file that is read."""

_GROUP: Final = "vizbench.tasks"
"""Entry points of installed packages that offer tasks, as in `registry`."""

# Shells complete these names, and some of them run what they complete. So the file may hold no other names.
_Family = Annotated[str, msgspec.Meta(pattern=r"\A[a-z][a-z0-9_-]*\Z")]
_Variant = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9._-]*\Z")]


@final
class Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a list shows of a task family."""

    family: _Family
    """The name of the family."""
    summary: str
    """What is asked."""
    variants: tuple[_Variant, ...]
    """The names of the variants. The first is the default."""


@final
class _Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of the file."""

    key: str
    families: tuple[Listed, ...]


def listed() -> tuple[Listed, ...]:
    """Return every task family, sorted by name. Imports our own only if no list of them is kept.

    Families of installed packages are always imported.
    """
    if metadata.entry_points(group=_GROUP):
        return _imported()
    key = _key()
    if key is None:
        return _imported()
    path = home() / "families.json"
    kept = _read(path)
    if kept is not None and kept.key == key:
        return kept.families

    # Keep the list only if it is of the files that the key is of, and not of files before a change.
    may_keep = not _has_imported()
    made = _imported()
    if may_keep and _key() == key:
        _keep(path, _Kept(key, made))
    return made


def _has_imported() -> bool:
    """Return whether this process has imported a module of task families."""
    return any(name.startswith("vizbench.generators.") for name in sys.modules)


def _imported() -> tuple[Listed, ...]:
    """Return every task family, by importing all."""
    from vizbench.task.registry import families

    return tuple(Listed(name, task.summary, tuple(task.variants)) for name, task in families().items())


def _read(path: Path) -> _Kept | None:
    """Return what is kept, or None if there is no valid file."""
    try:
        return msgspec.json.decode(read_bounded(path, "list of tasks", MAX_FILE), type=_Kept)
    except (UserError, OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _keep(path: Path, kept: _Kept) -> None:
    """Write the file, if the disk allows it."""
    with suppress(UserError, OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, msgspec.json.encode(kept))


def _key() -> str | None:
    """Return a digest of the version, and of the names, sizes and times of all files of task families.

    None if a file cannot be looked at, for example because it was just deleted.
    """
    import vizbench.generators as package

    digest = hashlib.blake2b(__version__.encode(), digest_size=16)
    try:
        for folder in package.__path__:
            for path in sorted(Path(folder).rglob("*.py")):
                status = path.stat()
                digest.update(os.fsencode(path))
                digest.update(f"\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    except OSError:
        return None
    return digest.hexdigest()
