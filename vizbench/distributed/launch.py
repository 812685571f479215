"""`--devices N`: the same command in N processes of this machine, started by torch's own launcher."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import uuid
from collections.abc import Sequence

from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from vizbench._util import interrupts
from vizbench._util.processes import safe_path
from vizbench.distributed.collectives import check_gpus


def launch(devices: int, words: Sequence[str]) -> int:
    """Run `vizbench WORDS` in so many processes, one a GPU, or on CPUs where there is none; returns the exit
    code.

    `accelerate launch` was tried: with --cpu it starts one process unless MPI is there, and with --multi_gpu
    it is this launcher behind the one port 29500, so that a second run on a machine fails. UserError where
    GPUs are too few."""
    check_gpus(devices)
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // devices)))
    os.environ.setdefault(
        "TORCH_ELASTIC_SHUTDOWN_TIMEOUT", "10"
    )  # after Ctrl-C one may wait in vain for another
    interrupts.leave_report_to_child()
    logging.disable()  # it would tell how each process ended, and they have said why
    with (
        tempfile.TemporaryDirectory() as logs
    ):  # where the launcher has no folder, it makes one and leaves it
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=devices,
            run_id=uuid.uuid4().hex,
            rdzv_backend="c10d",
            rdzv_endpoint="localhost:0",
            local_addr="localhost",
            max_restarts=0,
            logs_specs=DefaultLogsSpecs(log_dir=logs),
        )
        try:
            with safe_path():
                elastic_launch(config, sys.executable)("-c", _program(), *words)
        except ChildFailedError as error:
            return max(error.get_first_failure()[1].exitcode, 1)  # below 0: by a signal
        except SignalException as error:
            return 128 + error.sigval
    return 0


def _program() -> str:
    """Return a program that is this one, and finds modules where this one does. `-m` would look in the
    current folder first."""
    return f"import sys; sys.path[:] = {sys.path!r}; from vizbench.cli import main; main()"
