"""Fork runs and kill them, so that thirty kills do not need thirty times the imports.

Reads lines `OUT K`. A child runs a plan under OUT and kills itself at the K-th write, in the middle of the
line, or at the K-th forced write or renaming. If K < 0 it is killed from outside after -K milliseconds.
Prints how the child ended.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from tests.support import stubs
from vizbench._util import files as storage
from vizbench.harness.plan.plan import Plan
from vizbench.harness.run.run import run


def plan(files: Path) -> Plan:
    """Return a plan of ARC files with the baselines and the Batcher, which needs no kernel."""
    return Plan(models=(f"{stubs.FILE}:Batcher",), tasks=(f"arc-json:{files}",), n_test=40, attempts=2)


def armed(moment: int) -> None:
    """Make this process die at so many writes from now."""
    left = [moment]

    def tick() -> bool:
        left[0] -= 1
        return left[0] < 0

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    append, fsync, replace = storage.Log.append, os.fsync, os.replace

    def torn(self: Any, lines: Any) -> None:
        kept = list(lines)
        if tick() and kept:
            text = b"".join(line + b"\n" for line in kept)
            vars(self)["_file"].write(text[: len(text) * 2 // 3])
            vars(self)["_file"].flush()
            die()
        append(self, kept)

    def at_fsync(descriptor: Any) -> None:
        if tick():
            die()
        fsync(descriptor)

    def at_replace(old: Any, new: Any) -> None:
        if tick():
            die()
        replace(old, new)
        if tick():
            die()

    storage.Log.append, os.fsync, os.replace = torn, at_fsync, at_replace


def main() -> None:
    """Run a plan per line of the input."""
    files = Path(sys.argv[1])
    for line in sys.stdin:
        out, _, moment = line.strip().rpartition(" ")
        child = os.fork()
        if child == 0:
            if int(moment) >= 0:
                armed(int(moment))
            run(plan(files), Path(out))
            os._exit(0)
        if int(moment) < 0:
            time.sleep(-int(moment) / 1000)
            # The number is still the child's, even if it has ended, because nobody has waited for it yet.
            os.kill(child, signal.SIGKILL)
        sys.stdout.write(f"{os.waitpid(child, 0)[1]}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
