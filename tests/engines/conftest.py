"""Provide a Ray cluster of three nodes on this machine."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any, final

import psutil
import pytest

from tests.support.stubs import FILE

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(FILE)))
STORE = 80 << 20
"""Bytes of each node's object store: the least that Ray takes is 75 MiB."""

TRIES = 5
"""How often a node is started again if it is slow: these are no timed tests."""


@final
class Nodes:
    """A head without cores, and nodes with one core each, which can be lost."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 0, "object_store_memory": STORE, "include_dashboard": False}
        self._cluster: Any = Cluster(initialize_head=True, head_node_args=head)
        self._nodes: list[Any] = []
        for _ in range(3):
            self.add()

    @property
    def address(self) -> str:
        return self._cluster.address

    def add(self) -> None:
        """Add a node. It joins when it has started."""
        for attempt in range(TRIES):
            try:
                node = self._cluster.add_node(wait=False, num_cpus=1, object_store_memory=STORE)
            except Exception:  # Ray gives a node 30 s to start, which a busy machine may not have
                if attempt == TRIES - 1:
                    raise
            else:
                self._nodes.append(node)
                return

    def lose(self, number: int = 0) -> None:
        """Kill a node with all its processes, as a power cut does."""
        self._cluster.remove_node(self._nodes.pop(number % len(self._nodes)), allow_graceful=False)

    def kill_worker(self, number: int = 0) -> bool:
        """Kill a process that runs a task. Returns whether there was one."""
        tasks = [process for process in psutil.Process().children(recursive=True) if _runs_a_task(process)]
        if tasks:
            tasks[number % len(tasks)].kill()
        return bool(tasks)

    def close(self) -> None:
        self._cluster.shutdown()


def _runs_a_task(process: psutil.Process) -> bool:
    try:
        return process.cmdline()[:1] == ["ray::_serve"]
    except psutil.Error:
        return False


@pytest.fixture(scope="session")
def nodes() -> Generator[Nodes]:
    """Three nodes, whose workers take 0.05 s per answer of the model `Batcher`."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'vizbench[ray]'")
    settings = {
        "PYTHONPATH": ROOT,
        "STUB_DELAY": "0.05",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_worker_niceness": "0",  # Ray's 15 lets workers starve beside other tests
    }
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    cluster = Nodes()
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value
    yield cluster
    cluster.close()
