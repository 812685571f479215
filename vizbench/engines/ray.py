"""Run units as tasks of a Ray cluster.

Its nodes need the same vizbench, and share no files with this process: what a unit sends comes back through
Ray, a few messages at a time. Ray's own retries are off, because a unit that was cut short may have to go on
from what it has sent.
"""

from __future__ import annotations

import importlib
import logging
import os
import platform
import socket
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, final

import numpy as np

from vizbench._util.version import __version__
from vizbench.engines.engine import Done, Engine, Event, Failed, Lost, Needs, Sent, Unit
from vizbench.errors import UserError, missing

AHEAD: Final = 4
"""Messages of a unit that may wait for this process."""

_PATIENCE: Final = 10.0
"""Seconds in which a cluster has to answer."""

_REFRESH: Final = 2.0
"""Seconds between two looks at the size of the cluster."""

_ADVICE: Final = "a node may lack memory for it; give fewer --workers or --jobs, or larger nodes"
_INHERITED: Final = ("HF_HUB_OFFLINE",)
_NOT_INHERITED: Final = ("VIZBENCH_HOME",)
"""Each node has a cache of its own."""


@final
@dataclass(frozen=True, slots=True)
class _Site:
    """What a worker must have in common with this process."""

    vizbench: str
    """The version of vizbench."""
    numpy: str
    """The version of NumPy, which manifests name."""
    folder: str
    """The current folder, which relative names of files are relative to, if the node has it."""
    variables: dict[str, str]
    """Settings of vizbench in environment variables. Keys of endpoints stay here."""


@final
@dataclass(frozen=True, slots=True)
class _Call:
    """A unit with its job, as it is sent to a node."""

    site: _Site
    unit: Unit
    job: Any


@final
class RayEngine(Engine):
    """Runs units on a cluster, at most one per CPU core."""

    shares_files: ClassVar[bool] = False

    def __init__(self, address: str | None = None, most: int | None = None) -> None:
        """Connect to the cluster at `address`.

        address: None means the cluster that RAY_ADDRESS names, or the one that runs on this machine, or a new
        one there. most: the most tasks at a time; None means as many as the cluster has cores.

        Raises UserError if Ray is not installed, or no cluster answers there.
        """
        self._ray = _import_ray()
        self._most = most
        self._own = not self._ray.is_initialized()
        if self._own:
            _connect(self._ray, address)
        self._streams: dict[Any, int] = {}
        """Ray's stream of each running unit -> the number of its job."""
        self._slots = 1
        self._looked = -_REFRESH
        self._site = _site()
        remote = self._ray.remote(
            num_returns="streaming", max_retries=0, _generator_backpressure_num_objects=AHEAD
        )
        self._serve = remote(_serve)

    @property
    def slots(self) -> int:
        now = time.monotonic()
        if now - self._looked > _REFRESH:
            cores = int(self._ray.cluster_resources().get("CPU", 1))
            self._slots = max(1, cores if self._most is None else min(cores, self._most))
            self._looked = now
        return self._slots

    def start(self, number: int, unit: Unit, job: Any, needs: Needs) -> None:
        options = _options(needs, [node["Resources"] for node in self._ray.nodes() if node["Alive"]])
        stream = self._serve.options(**options).remote(_Call(self._site, unit, job))
        self._streams[stream] = number

    def events(self, timeout: float) -> Sequence[Event]:
        ray = self._ray
        ready, rest = ray.wait(list(self._streams), num_returns=1, timeout=timeout, fetch_local=False)
        if ready and rest:
            more, _ = ray.wait(rest, num_returns=len(rest), timeout=0, fetch_local=False)
            ready += more
        return [self._event(stream) for stream in ready]

    def _event(self, stream: Any) -> Event:
        """Return the next event of a stream that has one. A stream is dropped at its end."""
        number = self._streams[stream]
        event = self._received(stream, number)
        if not isinstance(event, Sent):
            del self._streams[stream]
        return event

    def _received(self, stream: Any, number: int) -> Event:
        errors = self._ray.exceptions
        try:
            kind, value = self._ray.get(next(stream))
        except StopIteration:  # without the report of its end
            return Lost(number, "a task of Ray broke off", _ADVICE)
        except errors.RayTaskError as error:  # outside of the unit: it could not be read there
            return Failed(number, _unreadable(error))
        except errors.NodeDiedError:
            return Lost(number, "a node of Ray was lost", _ADVICE)
        except errors.OutOfMemoryError:
            return Lost(number, "a node of Ray ran out of memory", _ADVICE)
        except errors.RayError:
            return Lost(number, "a worker of Ray died", _ADVICE)
        if kind is Sent:
            return Sent(number, value)
        return Failed(number, value) if kind is Failed else Done(number)

    def stop(self) -> None:
        for stream in self._streams:
            self._ray.cancel(stream, force=True)
        self._streams.clear()

    def close(self) -> None:
        if not self._ray.is_initialized():
            return
        self.stop()
        if self._own:
            self._ray.shutdown()


def _import_ray() -> Any:
    try:
        ray = importlib.import_module("ray")
        importlib.import_module("ray.exceptions")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "ray":
            raise
        raise missing("--engine ray", "ray", "ray") from None
    return ray


def _connect(ray: Any, address: str | None) -> None:
    """Connect this process to a cluster, or start one on this machine."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a new cluster would report its use to a server
    address = address or os.environ.get("RAY_ADDRESS") or None
    if address not in (None, "auto", "local"):
        _reach(address)
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise _unreachable(address or "this machine", " ".join(str(error).split())[:200]) from None


def _reach(address: str) -> None:
    """Raise UserError if nothing listens at an address. Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not (port.isascii() and port.isdecimal() and len(port) <= 5):
        raise _unreachable(address, "it is not HOST:PORT")
    try:
        socket.create_connection((host, int(port)), _PATIENCE).close()
    except (OSError, OverflowError, UnicodeError) as error:
        raise _unreachable(address, str(error)[:80]) from None


def _unreachable(address: str, reason: str) -> UserError:
    return UserError(
        f"no Ray cluster answers at {address[:80]} ({reason}): start this command on a node of the cluster, "
        "and give the address that `ray start --head` printed, as in --address 10.0.0.1:6379"
    )


def _site() -> _Site:
    variables = {
        name: value
        for name, value in os.environ.items()
        if name in _INHERITED or (name.startswith("VIZBENCH_") and name not in _NOT_INHERITED)
    }
    return _Site(__version__, np.__version__, os.getcwd(), variables)


def _options(needs: Needs, nodes: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return what to ask of Ray: what the unit needs, or the most that one node has.

    A task that asks for more than any node has would wait for ever.
    """
    most = {name: max((node.get(name, 0) for node in nodes), default=0) for name in ("CPU", "GPU", "memory")}
    options = {
        "num_cpus": min(needs.cpus, most["CPU"]) if most["CPU"] else needs.cpus,
        "num_gpus": min(needs.gpus, most["GPU"]),
    }
    if needs.memory:
        options["memory"] = int(min(needs.memory, most["memory"]))
    return options


def _unreadable(error: BaseException) -> UserError:
    """Return the error for a node that cannot read a unit, or this process what it sent."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return UserError(
        f"a node of Ray cannot run the work ({lines[-1][:200]}): install the same vizbench, with the same "
        "extras, on every node"
    )


def _serve(call: _Call) -> Iterator[tuple[type[Event], Any]]:
    """Run a unit on a node: yield its messages, then how it ended."""
    try:
        _enter(call.site)
        for message in call.unit(call.job):
            yield Sent, message
    except Exception as error:
        error.add_note(traceback.format_exc())  # the traceback itself cannot be sent
        yield Failed, error
    else:
        yield Done, None


def _enter(site: _Site) -> None:
    """Prepare this worker. Raises UserError if its software is another."""
    for name, mine, theirs in (
        ("vizbench", __version__, site.vizbench),
        ("NumPy", np.__version__, site.numpy),
    ):
        if mine != theirs:
            raise UserError(
                f"node {platform.node()[:80]} has {name} {mine} and this command {theirs}: install the same "
                "version on every node"
            )
    os.environ.update(site.variables)
    if os.path.isdir(site.folder):
        os.chdir(site.folder)
