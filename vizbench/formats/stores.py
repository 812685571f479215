"""Read and write the files of a data set in an object store, through the file systems of Arrow and fsspec.

Credentials and settings come from where each store's own tools have them, such as AWS_ACCESS_KEY_ID,
AWS_REGION and AWS_ENDPOINT_URL. They are never printed.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyarrow and fsspec ship no types.

from __future__ import annotations

import functools
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar, final

from vizbench._util.background import TICK, Work, run_in_background, stop_if_abandoned
from vizbench._util.files import disk_errors
from vizbench.errors import UserError, missing

R = TypeVar("R")

THREADS: Final = 8
"""Files that are sent or fetched at a time."""

_BLOCK: Final = 4 << 20
_CONNECT: Final = 10.0
"""Seconds to wait for a connection."""

_REQUEST: Final = 30.0
"""Seconds to wait for a response."""

_ADDRESS: Final = re.compile(r"([a-z][a-z0-9+.-]+)://([^/?#]+)(/[^?#]*)?")
_COLLAPSED: Final = re.compile(r"[a-z][a-z0-9+.-]+:")
"""The first part of a Path that was made from a URL."""

_SECRET: Final = re.compile(r"KEY|SECRET|TOKEN|PASSW|CREDENTIAL|CONNECTION_STRING", re.IGNORECASE)
"""Names of environment variables whose values are never printed."""

_ADVICE: Final[Mapping[str, str]] = {
    "NO_SUCH_BUCKET|bucket.*not found": "make the bucket first, or correct its name",
    "ACCESS_DENIED|INVALID_ACCESS_KEY|SIGNATURE|FORBIDDEN|credential|authenti|token|401|403": (
        "check the credentials in the environment, and what they may do there"
    ),
    "NETWORK_CONNECTION|resolve|connect|timed? ?out|UNAVAILABLE": (
        "check the network and the address (AWS_ENDPOINT_URL for a server of your own), then give the same "
        "command again"
    ),
}
"""What helps against an error, by words in its text."""

_OTHERWISE: Final = "check the address, the credentials and the network, then give the same command again"


def is_url(where: Path | str) -> bool:
    """Return whether a place is a URL. Raises UserError for a Path that was made from one."""
    if isinstance(where, str):
        return "://" in where
    if where.parts and _COLLAPSED.fullmatch(where.parts[0]) and not where.exists():
        raise UserError(f"{where} was made from a URL, and Path drops its slashes: give the URL as a text")
    return False


@final
class Store:
    """A folder in an object store."""

    def __init__(self, url: str) -> None:
        """Prepare the access. Raises UserError if the URL or its file system cannot be used."""
        match = _ADDRESS.fullmatch(url.rstrip("/"))
        scheme, host = (match[1], match[2]) if match else ("", "")
        user, at, _ = host.rpartition("@")
        if at and (scheme not in ("abfs", "abfss") or ":" in user):
            raise UserError(
                "a URL with credentials in it ends up in logs: leave them out, and put them in the "
                "environment, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            )
        if match is None or scheme == "file":
            raise UserError(
                f"{_shown(url)!r} is not the URL of a folder in a store: write s3://BUCKET/PATH, "
                "gs://BUCKET/PATH or abfs://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH without ? and #, "
                "or the path of a folder on this machine"
            )
        self._url = match[0]
        with self._errors("used"):
            self._system, self._path = _opened(scheme, host, self._url)
        if not self._path.strip("/").partition("/")[2] and scheme in ("s3", "gs", "gcs", "abfs", "abfss"):
            raise UserError(f"{self} is a whole bucket: add a path, as in {self}/data")

    def __str__(self) -> str:
        return self._url

    def files(self) -> dict[str, int]:
        """Return the sizes of all files of the folder in bytes, by their paths in it."""
        from pyarrow.fs import FileSelector, FileType

        with self._errors("listed"):
            infos = self._system.get_file_info(FileSelector(self._path, recursive=True, allow_not_found=True))
        start = len(self._path) + 1
        return {info.path[start:]: info.size for info in infos if info.type == FileType.File}

    def read(self, name: str, limit: int) -> bytes | None:
        """Return what a file holds; None if there is none. Raises UserError if it is over `limit` bytes."""
        with self._errors("read"):
            try:
                with self._system.open_input_stream(f"{self._path}/{name}") as file:
                    data = file.read(limit + 1)
            except FileNotFoundError:
                return None
        if len(data) > limit:
            raise UserError(f"{self}/{name} is over {limit:,} bytes, the most that is read")
        return data

    def write(self, name: str, data: bytes) -> None:
        """Write a file. It is there in whole or not at all."""
        with self._errors("written"), self._stream(name) as file:
            file.write(data)

    def send(self, folder: Path, names: Iterable[str]) -> None:
        """Copy files of a local folder."""
        run_all(functools.partial(self._send, folder / name, name) for name in names)

    def fetch(self, names: Iterable[str], folder: Path) -> None:
        """Copy files into a local folder. Raises UserError if one is missing, or the disk is too small."""
        run_all(functools.partial(self._fetch, name, folder / name) for name in names)

    def digest(self, names: Iterable[str]) -> str:
        """Return the SHA-256 of files, one after the other. Raises UserError if one is missing."""
        digest = hashlib.sha256()
        for name in names:
            with self._errors("read"), self._system.open_input_stream(f"{self._path}/{name}") as file:
                while block := file.read(_BLOCK):
                    stop_if_abandoned()
                    digest.update(block)
        return digest.hexdigest()

    def remove(self, folder: str) -> None:
        """Delete a folder in this one, with all its files."""
        with self._errors("changed"):
            self._system.delete_dir(f"{self._path}/{folder}")

    @contextmanager
    def _stream(self, name: str) -> Generator[Any]:
        """Open a file for writing. A store has no folders to be made; what is behind fsspec may have."""
        path = f"{self._path}/{name}"
        if self._system.type_name.startswith("py::"):
            self._system.create_dir(path.rpartition("/")[0], recursive=True)
        with self._system.open_output_stream(path) as file:
            yield file

    def _send(self, path: Path, name: str) -> None:
        with path.open("rb") as source, self._errors("written"), self._stream(name) as file:
            while block := source.read(_BLOCK):
                file.write(block)

    def _fetch(self, name: str, path: Path) -> None:
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        with self._errors("read"):
            info = self._system.get_file_info(f"{self._path}/{name}")
            file = self._system.open_input_stream(f"{self._path}/{name}")
        if (info.size or 0) > shutil.disk_usage(path.parent).free:
            raise UserError(
                f"{self}/{name} has {info.size:,} bytes, more than {path.parent} has free: set TMPDIR"
            )
        with file, disk_errors(path), path.open("wb") as copy:
            while block := self._block(file):
                copy.write(block)

    def _block(self, file: Any) -> bytes:
        with self._errors("read"):
            return file.read(_BLOCK)

    @contextmanager
    def _errors(self, done: str) -> Generator[None]:
        """Within the block, turn any error of a file system into one sentence. done: what cannot be done."""
        import pyarrow

        try:
            yield
        except UserError:
            raise
        except ImportError as error:
            raise missing(f"{self} ({_reason(error)})", "a package for its store", "cloud") from None
        except (OSError, ValueError, RuntimeError, pyarrow.ArrowException) as error:
            reason = _reason(error)
            advice = next((text for words, text in _ADVICE.items() if re.search(words, reason)), _OTHERWISE)
            raise UserError(f"{self} cannot be {done} ({reason}): {advice}") from None


Where: TypeAlias = Path | Store
"""The place of a data set."""


def located(where: Where | str) -> Where:
    """Return the folder or the store that a path or URL names."""
    if isinstance(where, Store):
        return where
    if not is_url(where):
        return Path(where)
    return run_in_background(lambda: Store(str(where)))  # it may ask the network for the bucket's region


def run_all(calls: Iterable[Callable[[], R]]) -> list[R]:
    """Return what calls return, in order. THREADS of them run at a time. Raises the first error."""
    results: list[R] = []
    running: list[Work[R]] = []
    for call in calls:
        if len(running) == THREADS:
            results.append(_awaited(running.pop(0)))
        work = Work(call)
        work.start()
        running.append(work)
    for work in running:
        results.append(_awaited(work))
    return results


def _awaited(work: Work[R]) -> R:
    while not work.done.wait(TICK):
        stop_if_abandoned()
    return work.result()


def _opened(scheme: str, host: str, url: str) -> tuple[Any, str]:
    """Return the file system of a URL, and the path in it."""
    from pyarrow import fs

    path = url.partition("://")[2]
    if scheme == "s3":
        return fs.S3FileSystem(**_s3_options(host)), path
    if scheme in ("gs", "gcs"):
        return fs.GcsFileSystem(retry_time_limit=timedelta(seconds=_REQUEST)), path
    if scheme in ("abfs", "abfss"):
        return fs.FileSystem.from_uri(url)
    import fsspec

    system, path = fsspec.core.url_to_fs(url)
    return fs.PyFileSystem(fs.FSSpecHandler(system)), path.rstrip("/")


def _s3_options(bucket: str) -> dict[str, Any]:
    """Return how S3 is reached. Arrow itself does not read the variables of the endpoint."""
    options: dict[str, Any] = {
        "connect_timeout": _CONNECT,
        "request_timeout": _REQUEST,
        "allow_delayed_open": True,  # a small file takes one request, and not three
    }
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if endpoint:
        options["endpoint_override"] = endpoint
    elif not region:
        from pyarrow.fs import resolve_s3_region

        region = resolve_s3_region(bucket)
    return options | ({"region": region} if region else {})


def _shown(url: str) -> str:
    """Return what may be printed of a URL that is refused."""
    return re.sub(r"//.*@", "//***@", re.split(r"[?#]", url)[0])[:200]


def _reason(error: Exception) -> str:
    """Return the text of an error in one short line, without credentials."""
    text = " ".join(str(error).partition("\n")[0].split()) or type(error).__name__
    for name, value in os.environ.items():
        if len(value) > 3 and _SECRET.search(name):
            text = text.replace(value, "***")
    text = re.sub(r"//[^/@\s]+@", "//***@", text)
    return re.sub(r" \(Request ID: .*?\)|error_info=.*", "", text)[:300]
