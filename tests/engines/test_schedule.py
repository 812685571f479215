"""Test that each job is done once and in order on an engine that loses any worker at any time."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vizbench.engines.engine import Done, Engine, Event, Lost, Needs, Sent, Unit
from vizbench.engines.schedule import RETRIES, Result, results, stream
from vizbench.errors import UserError


class Fragile(Engine):
    """Runs units here, one message at a time, in an order and with losses that are drawn."""

    def __init__(self, slots: int, draws: Any, losses: int) -> None:
        self._slots = slots
        self._draws = draws
        self._left = losses
        self._units: dict[int, Any] = {}
        self.most = 0
        self.stopped = False

    @property
    def slots(self) -> int:
        return self._slots

    def start(self, number: int, unit: Unit, job: Any, needs: Needs) -> None:
        assert number not in self._units
        self._units[number] = iter(unit(job))
        self.most = max(self.most, len(self._units))

    def events(self, timeout: float) -> Sequence[Event]:
        number = self._draws(st.sampled_from(sorted(self._units)))
        if self._left and self._draws(st.booleans()):
            self._left -= 1
            del self._units[number]
            return [Lost(number, "a machine was lost", "wait")]
        for message in self._units[number]:
            return [Sent(number, message)]
        del self._units[number]
        return [Done(number)]

    def stop(self) -> None:
        self.stopped = True
        self._units.clear()


def counted(job: tuple[int, int]):
    """Send some numbers, then the result."""
    number, messages = job
    yield from range(messages)
    yield Result(number * 10)


@given(st.data(), st.integers(1, 4), st.integers(0, 5), st.lists(st.integers(0, 3), max_size=8))
def test_each_result_comes_once_and_in_order(
    data: st.DataObject, slots: int, losses: int, jobs: list[int]
) -> None:
    engine = Fragile(slots, data.draw, losses)
    seen: dict[int, list[int]] = {}

    def watch(event: Sent | Lost) -> None:
        if isinstance(event, Lost):
            seen[event.number] = []  # it begins again
        else:
            seen.setdefault(event.number, []).append(event.message)

    made = list(results(engine, counted, iter(enumerate(jobs)), watch))
    assert made == [10 * number for number in range(len(jobs))]
    assert [seen.get(number, []) for number in range(len(jobs))] == [list(range(n)) for n in jobs]
    assert engine.most <= slots and engine.stopped


def test_few_jobs_are_made_ahead_of_a_result_that_is_late() -> None:
    class Late(Fragile):
        """Holds the first unit back for as long as any other runs."""

        def events(self, timeout: float) -> Sequence[Event]:
            self._draws = lambda _: max(self._units)
            return super().events(timeout)

    made: list[int] = []
    jobs = ((made.append(job) or job, 0) for job in range(100))
    engine = Late(2, None, 0)
    with closing(results(engine, counted, jobs)) as values:
        assert next(values) == 0
    assert len(made) <= engine.ahead + 1


def test_a_unit_that_loses_every_worker_is_given_up() -> None:
    class Hopeless(Fragile):
        """Loses every unit but the second."""

        def events(self, timeout: float) -> Sequence[Event]:
            number = min(self._units)
            self._draws = lambda strategy: number != 1 if strategy == st.booleans() else number
            self._left = 1
            return super().events(timeout)

    def draw(strategy: Any) -> Any:
        raise AssertionError(strategy)

    lost: list[Lost] = []
    done: list[int] = []
    for event in stream(Hopeless(1, draw, 0), counted, iter([(0, 0), (1, 0)])):
        if isinstance(event, Lost):
            lost.append(event)
        elif isinstance(event, Done):
            done.append(event.number)
    assert [event.gave_up for event in lost] == [False] * RETRIES + [True]
    assert done == [1]  # the others go on
    with pytest.raises(UserError, match="a machine was lost 6 times at the same work: wait"):
        list(results(Hopeless(1, draw, 0), counted, iter([(0, 0)])))


def test_the_job_may_change_after_a_loss() -> None:
    draws = iter([0, True, 0, 0, 0])
    engine = Fragile(1, lambda _: next(draws), 1)
    events = list(stream(engine, counted, iter([(1, 0)]), again=lambda number, job: (job[0] + 1, 0)))
    sent = [event.message.value for event in events if isinstance(event, Sent)]
    assert sent == [20]
