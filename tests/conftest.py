"""Set up all tests: one thread per process, and generated inputs that are the same on every run."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# Before torch or Numba load: two pytest workers with a thread pool each are slower than two with one thread
# each.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# No test may reach for a hub: what is not embedded is not tested here.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
# Tests make every row anew.
os.environ.setdefault("VIZBENCH_POOL_CACHE", "0")

import signal

import pytest
from hypothesis import HealthCheck, settings

from tests.support.commands import Done, Run

# Derandomized: the same commit gives the same result. HYPOTHESIS_PROFILE=explore looks for new failures.
# No deadline and no slowness check: the first example of a kernel pays for its compilation.
settings.register_profile(
    "same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "explore", parent=settings.get_profile("same"), derandomize=False, max_examples=1000
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


def pytest_configure() -> None:
    """Let Ctrl-C reach the programs that tests start, also where the suite itself runs in the background.

    A shell without job control starts background commands with SIGINT ignored, and every child would inherit
    that.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the rates that tests report by `record_property`: how often the reader of replies is wrong."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        rates = [
            f"{name} {value}" for name, value in report.user_properties if name == "replies" or "rate" in name
        ]
        if rates and report.when == "call":
            terminalreporter.write_line(f"{report.nodeid.rpartition('::')[2]}: {', '.join(rates)}")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `vizbench ARGUMENTS` in an empty folder, in this process."""
    from vizbench.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("VIZBENCH_TRACEBACK", raising=False)

    def call(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["vizbench", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Done(int(ended.value.code or 0), said.out, said.err)

    return call
