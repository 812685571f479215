"""Share what the tests of the command line need. The fixture `run` is in conftest.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Done:
    """Exit code, stdout and stderr of a command."""

    code: int
    out: str
    err: str


Run = Callable[..., Done]


def refused(done: Done) -> str:
    """Return the sentence of a refusal, after checking that it is one."""
    assert (done.code, done.out) == (2, ""), done
    assert done.err.startswith("vizbench: ")
    assert done.err.count("\n") == 1
    assert "Traceback" not in done.err
    return done.err.removeprefix("vizbench: ").strip()
