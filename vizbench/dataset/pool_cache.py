"""Keep on disk which train candidates were accepted for a pool, and the pool's features.

Test rows keep away from the first `pool` train rows, so these are made before the first test row. For slow
tasks that takes many seconds. The next process reads them from `$VIZBENCH_HOME/pools`, or makes them again.
Rows are the same with and without a file. VIZBENCH_POOL_CACHE=0 turns the files off.

A file is never needed and never trusted. Its name is a digest of everything that decides its content, the
code included. It begins with a digest of that key and of what follows. Files that are torn, foreign or too
large are ignored. If the disk refuses, nothing is kept.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import msgspec
import numpy as np
import numpy.typing as npt

from vizbench._util.cache import home
from vizbench._util.files import read_bounded, write_atomically
from vizbench._util.version import __version__
from vizbench.errors import UserError
from vizbench.task.registry import TaskSpec, code_of, is_in_file, params_json

SLOW: Final = 0.5
"""Seconds that a pool must have taken to make, to be kept."""

MAX_FILE: Final = 1 << 26
"""Bytes of the largest file."""

MAX_TOTAL: Final = 1 << 28
"""Bytes of all files. The oldest are removed first."""

_PACKAGE: Final = Path(__file__).parents[1]
_DECIDING: Final = ("dataset", "generators", "kernels", "task")
_SUFFIX: Final = ".pool"
_DIGEST: Final = 32


@final
@dataclass(frozen=True, slots=True, eq=False)
class FilteredPool:
    """Hold the state of a train filter that has accepted the pool, and the pool's features."""

    numbers: npt.NDArray[np.int64]
    """The numbers of accepted candidates, ascending, `(n,)`. They may be more than the pool."""
    seen: npt.NDArray[np.uint64]
    """The digests of the questions that were seen, `(n,)`."""
    tried: int
    """How many candidates were tried."""
    dry: bool
    """Whether the space is used up."""
    features: npt.NDArray[np.uint8]
    """The features of the pool's rows, `(m, d)`, m <= n."""


class _Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    numbers: bytes
    seen: bytes
    tried: int
    dry: bool
    rows: int
    features: bytes


def read_pool(spec: TaskSpec, seed: int, pool: int) -> FilteredPool | None:
    """Return what was kept for a pool, or None if there is nothing valid."""
    folder = _folder()
    if folder is None or not folder.is_dir() or (key := _key(spec, seed, pool)) is None:
        return None
    path = folder / _name(key)
    if not path.is_file():
        return None
    try:
        data = read_bounded(path, "pool", MAX_FILE)
    except (UserError, OSError):
        return None
    digest, payload = data[:_DIGEST], data[_DIGEST:]
    if digest != _digest(key, payload):
        return None
    with suppress(OSError):
        os.utime(path)  # the files that were not used for longest are removed first
    try:
        return _checked(msgspec.msgpack.decode(payload, type=_Stored), pool)
    except (msgspec.DecodeError, ValueError):
        return None


def write_pool(spec: TaskSpec, seed: int, pool: int, filtered: FilteredPool) -> None:
    """Keep a pool. Does nothing if the files are turned off, or the disk refuses."""
    folder = _folder()
    if folder is None or (key := _key(spec, seed, pool)) is None:
        return
    stored = _Stored(
        filtered.numbers.astype("<i8").tobytes(),
        filtered.seen.astype("<u8").tobytes(),
        filtered.tried,
        filtered.dry,
        len(filtered.features),
        filtered.features.tobytes(),
    )
    payload = msgspec.msgpack.encode(stored)
    if len(payload) + _DIGEST > MAX_FILE:
        return
    with suppress(UserError, OSError):
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / _name(key), _digest(key, payload) + payload)
        _evict(folder)


def _folder() -> Path | None:
    """Return the folder of pools, or None if they are turned off."""
    return None if os.environ.get("VIZBENCH_POOL_CACHE") == "0" else home() / "pools"


def _checked(stored: _Stored, pool: int) -> FilteredPool:
    """Return the arrays of a file. Raises ValueError if they cannot be those of a filter."""
    numbers = np.frombuffer(stored.numbers, "<i8").astype(np.int64)
    seen = np.frombuffer(stored.seen, "<u8").astype(np.uint64)
    rows, size = stored.rows, len(stored.features)
    ascending = bool((np.diff(numbers) > 0).all()) and (len(numbers) == 0 or numbers[0] >= 0)
    last = int(numbers[-1]) if len(numbers) else -1
    complete = rows == min(pool, len(numbers)) and (rows == pool or stored.dry)
    if not (ascending and last < stored.tried < 1 << 62 and complete and len(seen) >= len(numbers)):
        raise ValueError("not the state of a filter")
    if (seen == 0).any() or (size % rows if rows else size):
        raise ValueError("not the features of a pool")
    features = np.frombuffer(stored.features, np.uint8).reshape(rows, size // rows if rows else 0)
    return FilteredPool(numbers, seen, stored.tried, stored.dry, features)


def _key(spec: TaskSpec, seed: int, pool: int) -> str | None:
    """Return everything that decides a pool as text. None for a task of which the code is unknown."""
    code = _task_code(spec)
    if code is None:
        return None
    task = spec.task
    return json.dumps(
        {
            "vizbench": [__version__, _package_code()],
            "numpy": np.__version__,
            "task": [task.family, task.version, code, params_json(spec.params)],
            "distance": [task.min_distance, task.metric.name],
            "seed": seed,
            "pool": pool,
        },
        sort_keys=True,
    )


def _task_code(spec: TaskSpec) -> str | None:
    """Return the digest of a file's task, "" for a task of this package, None for one of another package."""
    if is_in_file(spec.name):
        return code_of(spec.name)
    return "" if type(spec.task).__module__.startswith("vizbench.generators.") else None


@functools.cache
def _package_code() -> str:
    """Return a digest of this package's code that decides rows."""
    paths = [path for folder in _DECIDING for path in (_PACKAGE / folder).rglob("*.py")]
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted([*paths, _PACKAGE / "seeds.py", _PACKAGE / "types.py"]):
        source = path.read_bytes()
        digest.update(f"{path.relative_to(_PACKAGE).as_posix()} {len(source)}\n".encode() + source)
    return digest.hexdigest()


def _name(key: str) -> str:
    return hashlib.blake2b(key.encode(), digest_size=16).hexdigest() + _SUFFIX


def _digest(key: str, payload: bytes) -> bytes:
    return hashlib.blake2b(f"{len(key)} {key}".encode() + payload, digest_size=_DIGEST).digest()


def _evict(folder: Path) -> None:
    """Remove the oldest files until all together are at most MAX_TOTAL bytes. Others may do the same."""
    total = 0
    for _, size, path in sorted(_files(folder), reverse=True):
        total += size
        if total > MAX_TOTAL:
            with suppress(OSError):
                path.unlink()


def _files(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """Yield time, size and path of each pool in the folder."""
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                if entry.name.endswith(_SUFFIX) and entry.is_file(follow_symlinks=False):
                    status = entry.stat()
                    yield status.st_mtime, status.st_size, Path(entry.path)
