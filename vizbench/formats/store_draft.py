"""Write a data set into an object store: shard by shard, and the manifest last.

A store cannot rename a folder. So a reader asks for the manifest first, and until it is there, the data set
is unfinished. Beside the shards, the folder `.vizbench` has the command and a record per finished shard, for
the same command to continue. It is deleted at the end.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, final

from vizbench._util.background import TICK, Work, run_in_background
from vizbench._util.files import write_error
from vizbench._util.text import plural
from vizbench.engines.shard import NAME as PART
from vizbench.errors import UserError
from vizbench.formats import journal
from vizbench.formats import manifest as manifests
from vizbench.formats.draft import Draft
from vizbench.formats.format_base import Format, Place
from vizbench.formats.journal import MAX_RECORD, Command, Finished
from vizbench.formats.stores import Store, run_all
from vizbench.formats.workspace import new_workspace, recover

STATE: Final = ".vizbench"
"""The folder with the records of a data set that is not finished."""

_COMMAND: Final = f"{STATE}/command"
_SENDING: Final = 4
"""Shards that are sent at a time. The disk here holds these, and those that are being made."""


@final
class StoreDraft(Draft):
    """A data set that is written into a store."""

    def __init__(self, store: Store, folder: Path, recorded: Mapping[str, Finished]) -> None:
        """folder: a local one, for the shards on their way."""
        self._store = store
        self._folder = folder
        self._recorded = recorded
        self._sending: list[Work[None]] = []

    @property
    def folder(self) -> Path:
        return self._folder

    @property
    def recorded(self) -> Mapping[str, Finished]:
        return self._recorded

    @property
    def is_local(self) -> bool:
        return False

    def add(self, format: Format, place: Place, record: Finished) -> None:
        while len(self._sending) >= _SENDING:
            self._wait()
        work = Work(functools.partial(self._send, list(format.files(place)), record))
        self._sending.append(work)
        work.start()

    def _send(self, names: list[str], record: Finished) -> None:
        """Copy a shard into the store, record it, and delete it here."""
        self._store.send(self._folder, names)
        self._store.write(f"{STATE}/{record.stem}", journal.line(record))
        for name in names:
            (self._folder / name).unlink()

    def keep(self, records: Iterable[Finished]) -> None:
        """Do nothing: each shard that is made again gets a new record."""

    def digest(self, format: Format, place: Place) -> str | None:
        names = list(format.files(place))
        return self._store.digest(names) if self._files.keys() >= set(names) else None

    @functools.cached_property
    def _files(self) -> Mapping[str, int]:
        """The files in the store when the writing began."""
        return self._store.files()

    def publish(self) -> None:
        """Wait for the shards, send the rest with the manifest last, and delete the records."""
        while self._sending:
            self._wait()
        names = [str(path.relative_to(self._folder)) for path in self._folder.rglob("*") if path.is_file()]
        run_in_background(
            lambda: self._finish(sorted(names, key=lambda name: name in (manifests.NAME, PART)))
        )

    def _finish(self, names: list[str]) -> None:
        for name in names:  # one after the other: the last makes it a data set
            self._store.send(self._folder, [name])
        self._store.remove(STATE)

    def _wait(self) -> None:
        """Wait for the first shard that is being sent. Raises UserError if the store refuses it."""
        while not self._sending[0].done.wait(TICK):
            pass
        self._sending.pop(0).result()

    def stop(self, error: BaseException) -> None:
        """End the sending. After an error of the store wait for the rest, which may still arrive."""
        if not isinstance(error, Exception):
            for work in self._sending:
                work.abandoned.set()
        for work in self._sending:
            if isinstance(error, Exception):
                work.done.wait()
            else:
                work.abandon()


@contextmanager
def store_draft(url: str, overwrite: bool, command: Command) -> Generator[StoreDraft]:
    """Yield a draft that becomes the data set at `url` when the block ends.

    If it ends early, what is in the store stays for the same command. Raises UserError if anything else is
    there, or the store or the disk for the shards on their way refuses.
    """
    store = run_in_background(lambda: Store(url))
    if overwrite:
        raise UserError(
            f"--overwrite cannot replace {store} in whole, because a store renames no folders: choose "
            "another place, or delete what is there first"
        )
    recorded = run_in_background(lambda: _begun(store, command))
    local = Path(tempfile.gettempdir()).resolve() / "vizbench"
    recover(local.parent)
    try:
        space = new_workspace(local)
    except OSError as error:
        raise write_error(local, error) from error
    draft = StoreDraft(store, space.new, recorded)
    try:
        yield draft
        draft.publish()
    except BaseException as error:
        draft.stop(error)
        if isinstance(error, OSError):  # the disk here
            raise write_error(local, error) from error
        raise
    finally:
        space.remove()


def _begun(store: Store, command: Command) -> Mapping[str, Finished]:
    """Return the finished shards of the same command in a store, by stem.

    If nothing is there, the command is recorded. Raises UserError if the store holds anything else there.
    """
    names = store.files().keys()
    records = [name for name in names if name.startswith(f"{STATE}/") and name != _COMMAND]
    if manifests.NAME in names or PART in names or (names and _COMMAND not in names):
        if _COMMAND in names:  # its command was killed between the last two steps
            store.remove(STATE)
        raise UserError(f"{store} is not empty: choose another place, or delete what is there first")
    if not names:
        store.write(_COMMAND, journal.line(command))
        return {}
    theirs = journal.command_in(store.read(_COMMAND, MAX_RECORD) or b"")
    if difference := journal.difference(theirs, command):
        raise UserError(
            f"{store} is unfinished: it holds {plural(len(records), 'shard')} of another command "
            f"({difference}): give that command again to finish it, or choose another place"
        )
    lines = run_all(functools.partial(store.read, name, MAX_RECORD) for name in records)
    finished = [record for line in lines if line and (record := journal.finished(line)) is not None]
    return {record.stem: record for record in finished}
