"""Test that the digest of a data set depends only on its rows, for any engine, shard size and format."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import vizbench as vb
from tests.engines.conftest import Nodes
from vizbench import formats
from vizbench.dataset.splits import Split
from vizbench.engines.engine import Engine
from vizbench.engines.local import ProcessEngine, ThreadEngine, TrialEngine
from vizbench.engines.ray import RayEngine
from vizbench.formats import Settings, writer

TASKS = ("life/conway", "maze/9", "eca/110", "arc/level3", "eca/110=2,sudoku/mini")
FORMATS = (
    Settings("jsonl"),
    Settings("parquet"),
    Settings("parquet", packed=True),
    Settings("png"),
    Settings("webdataset", steps=False),
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    task=st.sampled_from(TASKS),
    n=st.integers(1, 40),
    size=st.integers(1, 10),
    many=st.sampled_from(["threads", "trial", "processes", "ray"]),
    workers=st.integers(1, 3),
    form=st.sampled_from(FORMATS),
)
def test_engines_workers_and_shards_do_not_change_the_digest(
    nodes: Nodes, task: str, n: int, size: int, many: str, workers: int, form: Settings
) -> None:
    engines: dict[str, Callable[[], Engine]] = {
        "threads": lambda: ThreadEngine(workers),
        "trial": lambda: TrialEngine(workers),
        "processes": lambda: ProcessEngine(workers),
        "ray": lambda: RayEngine(nodes.address),
    }

    def train() -> Split:
        data = vb.mixture(task, seed=n, pool=10) if "," in task else vb.load(task, seed=n, pool=10)
        return data.train

    with tempfile.TemporaryDirectory() as name, patch.object(writer, "BLOCK_ROWS", 2):
        expected = formats.write(train(), n, Path(name) / "one", Settings(steps=form.steps))
        with engines[many]() as engine, patch.object(writer, "SHARD_ROWS", 2 * size):
            execution = formats.Execution(engine=engine)
            made = formats.write_splits([(train(), n)], Path(name) / "two", form, execution)
        assert made[0].digest == expected.digest
        assert formats.check(Path(name) / "two").digest == expected.digest
