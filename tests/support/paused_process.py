"""Run a child process that writes a data set, and hold it at a chosen place until it is released."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import vizbench

NO_LOCKS = """
import fcntl, os
def flock(*_):
    raise OSError({number}, os.strerror({number}))
fcntl.flock = flock
"""

SCRIPT = """
import importlib, sys
from vizbench.cli import main

def hold(place, skip):
    module, _, name = place.rpartition(".")
    module = importlib.import_module(module)
    call, calls = getattr(module, name), []
    def held(*arguments, **named):
        calls.append(1)
        if len(calls) == skip + 1:
            print("held", flush=True)
            sys.stdin.readline()
        return call(*arguments, **named)
    setattr(module, name, held)

if __name__ == "__main__":
    place, skip, rows, *sys.argv[1:] = sys.argv[1:]
    import vizbench.formats.writer
    vizbench.formats.writer.SHARD_ROWS = int(rows)
    hold(place, int(skip))
    main()
"""

BEFORE_SHARD = ("vizbench.formats.writer._write_shard", 0)
IN_SHARD = ("vizbench.formats.digests.heads_of", 0)
BETWEEN_SHARDS = ("vizbench.formats.writer._write_shard", 1)
BEFORE_MANIFEST = ("vizbench.formats.manifest.save", 0)
BEFORE_RENAMES = ("vizbench.formats.folder._publish", 0)
BETWEEN_RENAMES = ("vizbench.formats.folder._rename", 0)
AFTER_RENAMES = ("vizbench.formats.workspace._delete", 0)


@contextmanager
def held(
    place: tuple[str, int], *arguments: object, cwd: Path | None = None, no_locks: int | None = None
) -> Generator[subprocess.Popen[str]]:
    """Yield a process that runs `vizbench generate --task life/conway ARGUMENTS`, once it is at `place`.

    It writes 6 rows if --n is not given, 3 per shard. no_locks: the error that file locks raise, if any.
    """
    script = SCRIPT if no_locks is None else NO_LOCKS.format(number=no_locks) + SCRIPT
    there = {**os.environ, "PYTHONPATH": str(Path(vizbench.__file__).parents[1])}
    rows = () if "--n" in arguments else ("--n", "6")
    command = ["generate", "--task", "life/conway", *rows, *map(str, arguments)]
    child = subprocess.Popen(
        [sys.executable, "-c", script, place[0], str(place[1]), "3", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=there,
        cwd=cwd,
    )
    with child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "held\n"
            yield child
        finally:
            child.kill()


def released(child: subprocess.Popen[str]) -> tuple[int, str]:
    """Let a held process continue. Returns its exit code and what it wrote to stderr."""
    _, said = child.communicate("\n", timeout=60)
    return child.returncode, said
