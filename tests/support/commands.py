"""What the tests of the command line share; the fixture `run` lies in conftest.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Done:
    """What a command left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str


Run = Callable[..., Done]


def refused(done: Done) -> str:
    """The one sentence of a refusal, checked to be one."""
    assert (done.code, done.out) == (2, ""), done
    assert done.err.startswith("vizbench: ")
    assert done.err.count("\n") == 1
    assert "Traceback" not in done.err
    return done.err.removeprefix("vizbench: ").strip()
