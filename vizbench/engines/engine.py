"""Define what an engine does: run pure units of work somewhere, and report what happens to them.

A unit is a generator function of one job. What it yields is sent to this process. Function and jobs are
pickled, and a unit may run again from its start after the loss of its worker, so it must be pure: it depends
only on its job, and leaves nothing behind.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeAlias, final

Unit: TypeAlias = Callable[[Any], Iterator[Any]]
"""A generator function of one job."""


@final
@dataclass(frozen=True, slots=True)
class Needs:
    """What a unit takes of the machine that runs it. Only clusters heed it."""

    cpus: float = 1
    """CPU cores."""
    gpus: float = 0
    """GPUs."""
    memory: int = 0
    """Bytes of main memory. 0 if unknown."""


@final
@dataclass(frozen=True, slots=True)
class Sent:
    """A unit has sent a message."""

    number: int
    """The number of its job, from 0."""
    message: Any
    """What it yielded."""


@final
@dataclass(frozen=True, slots=True)
class Done:
    """A unit has ended. All its messages came before."""

    number: int
    """The number of its job."""


@final
@dataclass(frozen=True, slots=True)
class Failed:
    """A unit has raised an error."""

    number: int
    """The number of its job."""
    error: BaseException
    """What it raised."""


@final
@dataclass(frozen=True, slots=True)
class Lost:
    """The worker of a unit has died, or its machine has gone."""

    number: int
    """The number of its job."""
    worker: str
    """What was lost, as the subject of a sentence."""
    advice: str
    """What may help."""
    gave_up: bool = False
    """Whether the unit was lost too often and is not run again."""


Event: TypeAlias = Sent | Done | Failed | Lost


class Engine(ABC):
    """Runs units. One call of `schedule.stream` uses it at a time."""

    shares_files: ClassVar[bool] = True
    """Whether units see the files of this process."""

    @property
    @abstractmethod
    def slots(self) -> int:
        """The most units that run at a time. It may change if machines come and go."""

    @property
    def ahead(self) -> int:
        """The most units that are begun, made ahead, or whose results wait for earlier ones."""
        return 3 * self.slots

    @abstractmethod
    def start(self, number: int, unit: Unit, job: Any, needs: Needs) -> None:
        """Start a unit. Fewer than `slots` are running."""

    @abstractmethod
    def events(self, timeout: float) -> Sequence[Event]:
        """Wait at most `timeout` seconds, and return what has happened, in order for each unit.

        After Done, Failed or Lost a unit sends nothing more.
        """

    @abstractmethod
    def stop(self) -> None:
        """End all units that run. Nobody waits for their results."""

    def close(self) -> None:
        """Let go of what the engine holds. Default: nothing."""
        self.stop()

    @final
    def __enter__(self) -> Self:
        return self

    @final
    def __exit__(self, *_: object) -> None:
        self.close()
