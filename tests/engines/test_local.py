"""Test the engines of this machine: order, errors, and processes that die."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.support import units
from vizbench.engines.engine import Done, Engine, Sent
from vizbench.engines.local import ProcessEngine, ThreadEngine, TrialEngine, local_engine
from vizbench.engines.schedule import each, results, stream
from vizbench.errors import UserError

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("engine", [ThreadEngine(), ThreadEngine(3), ProcessEngine(3), TrialEngine(3)])
def test_results_come_in_order(engine: Engine) -> None:
    assert list(results(engine, each(units.late_if_even), iter(range(7)))) == list(range(7))
    assert list(results(engine, each(abs), iter(()))) == []  # an engine can be used again


@pytest.mark.parametrize("engine", [ThreadEngine(), ProcessEngine(2), TrialEngine(2)])
def test_a_unit_sends_its_messages_in_order_and_once(engine: Engine) -> None:
    messages: dict[int, list[int]] = {0: [], 1: []}
    ended: list[int] = []
    for event in stream(engine, units.count, iter([30, 40])):
        if isinstance(event, Sent):
            messages[event.number].append(event.message)
        elif isinstance(event, Done):
            ended.append(event.number)
    assert messages == {0: list(range(30)), 1: list(range(40))}
    assert sorted(ended) == [0, 1]


@pytest.mark.parametrize("seconds", [0, 0.5])
def test_a_long_unit_sends_the_others_into_processes(seconds: float) -> None:
    """All are done here if the first one is short. If it is not, it is the only one."""
    here = [pid == os.getpid() for pid in results(TrialEngine(2), each(units.busy), iter([seconds, 0, 0, 0]))]
    assert here == [True, *[seconds == 0] * 3]


def test_jobs_are_drawn_as_they_are_needed() -> None:
    drawn: list[int] = []
    jobs = (drawn.append(job) or job for job in range(100))
    with closing(results(local_engine(2), each(abs), jobs)) as values:
        assert next(values) == 0
        assert len(drawn) < 10


@pytest.mark.parametrize("engine", [ThreadEngine(), ProcessEngine(2), TrialEngine(2)])
def test_a_jobs_error_is_raised_here(engine: Engine) -> None:
    with pytest.raises(UserError, match="there is no two"):
        list(results(engine, each(units.fail_at_two), iter(range(9))))


def test_the_work_of_a_killed_process_is_done_again(tmp_path: Path) -> None:
    jobs = [(str(tmp_path / str(number)), number) for number in range(3)]
    assert list(results(ProcessEngine(2), each(units.die_once), iter(jobs))) == [0, 1, 2]


def test_work_that_kills_every_process_is_given_up() -> None:
    with pytest.raises(UserError, match="a worker process died 6 times at the same work"):
        list(results(ProcessEngine(2), each(units.die), iter([3])))


def test_a_script_without_main_is_told_once(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from vizbench.engines import local, schedule\n"
        "list(schedule.results(local.ProcessEngine(2), schedule.each(abs), iter([1])))\n"
    )
    done = subprocess.run(
        [sys.executable, script], env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert "UserError: a worker process died before it could work" in done.stderr
    assert done.stderr.count("bootstrapping phase") == 1  # no second try
