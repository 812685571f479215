"""Run the command in several processes of this machine (`--devices N`), by torch's own launcher.

Not by `accelerate launch`: with --cpu it starts one process unless MPI is installed, and with --multi_gpu it
is the same launcher behind the fixed port 29500, on which a second run fails.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import uuid
from collections.abc import Sequence
from typing import Final

from vizbench._util import interrupts
from vizbench._util.processes import safe_path
from vizbench.distributed.env import check_jobs, world_size
from vizbench.errors import UserError

MAX_DEVICES: Final = 64


def relaunch(devices: int, jobs: int) -> None:
    """Run this command in `devices` processes and exit as they do. Returns if they are launched already.

    Raises UserError if the number is outside 1 … MAX_DEVICES, contradicts another launcher, or exceeds the
    GPUs of the machine.
    """
    if not 1 <= devices <= MAX_DEVICES:
        raise UserError(
            f"--devices {devices} is outside 1 … {MAX_DEVICES}: give the number of GPUs to train on"
        )
    if devices in (1, world_size()):
        return
    if world_size() > 1:
        raise UserError(
            f"--devices {devices} contradicts the {world_size()} processes that were launched: leave it out"
        )
    check_jobs(jobs, devices)
    raise SystemExit(_launch(devices, sys.argv[1:]))


def _launch(devices: int, arguments: Sequence[str]) -> int:
    """Run `vizbench ARGUMENTS` in so many processes. Returns the exit code of the first that fails, or 0."""
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    from vizbench.distributed.collectives import check_gpus

    check_gpus(devices)
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // devices)))
    # Seconds from Ctrl-C to a kill: a process may wait in a collective that the others have left.
    os.environ.setdefault("TORCH_ELASTIC_SHUTDOWN_TIMEOUT", "10")
    # The processes report errors and Ctrl-C themselves.
    interrupts.leave_report_to_child()
    logging.disable()
    with tempfile.TemporaryDirectory() as logs:  # the launcher would leave a folder of its own behind
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
                elastic_launch(config, sys.executable)("-c", _program(), *arguments)
        except ChildFailedError as error:
            return max(error.get_first_failure()[1].exitcode, 1)  # negative after a signal
        except SignalException as error:
            return 128 + error.sigval
    return 0


def _program() -> str:
    """Return a program that is this one, and finds modules where this one does.

    `-m` would look in the current folder first.
    """
    return f"import sys; sys.path[:] = {sys.path!r}; from vizbench.cli import main; main()"
