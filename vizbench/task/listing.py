"""List the task families without importing them, from what an earlier process has kept on disk.

Importing all families takes longer than printing their names. So their summaries and variants are kept in
`$VIZBENCH_HOME/families.json`, with a digest of the names, sizes and times of all their files. A file with
another digest is ignored and written again. It is never needed: if the disk refuses, nothing is kept.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Final, final

import msgspec

from vizbench._util.cache import home
from vizbench._util.files import read_bounded, write_atomically
from vizbench._util.version import __version__
from vizbench.errors import UserError

MAX_FILE: Final = 1 << 20
"""Bytes of the largest file that is read."""

_GROUP: Final = "vizbench.tasks"
"""Entry points of installed packages that offer tasks, as in `registry`."""


@final
class Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a list shows of a task family."""

    family: str
    """The name of the family."""
    summary: str
    """What is asked."""
    variants: tuple[str, ...]
    """The names of the variants. The first is the default."""


@final
class _Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of the file."""

    key: str
    families: tuple[Listed, ...]


def listed() -> tuple[Listed, ...]:
    """Return every task family, sorted by name. Imports those of vizbench only if nothing is kept of them.

    Families of installed packages are always imported.
    """
    if metadata.entry_points(group=_GROUP):
        return _imported()
    key = _key()
    path = home() / "families.json"
    if (kept := _read(path)) is not None and kept.key == key:
        return kept.families
    made = _imported()
    with suppress(UserError, OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, msgspec.json.encode(_Kept(key, made)))
    return made


def _imported() -> tuple[Listed, ...]:
    """Return every task family, by importing all."""
    from vizbench.task.registry import families

    return tuple(Listed(name, task.summary, tuple(task.variants)) for name, task in families().items())


def _read(path: Path) -> _Kept | None:
    """Return what is kept, or None if there is no valid file."""
    if not path.is_file():
        return None
    try:
        return msgspec.json.decode(read_bounded(path, "list of tasks", MAX_FILE), type=_Kept)
    except (UserError, OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _key() -> str:
    """Return a digest of the version, and of the names, sizes and times of all files of task families."""
    import vizbench.generators as package

    digest = hashlib.blake2b(__version__.encode(), digest_size=16)
    for folder in package.__path__:
        for path in sorted(Path(folder).rglob("*.py")):
            status = path.stat()
            digest.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
