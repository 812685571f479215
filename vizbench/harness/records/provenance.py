"""Describe what a run was made with: versions, machine, commit, and digests of data."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from vizbench._util import version
from vizbench.types import Instance


def now() -> str:
    """Return the time in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def environment() -> dict[str, str]:
    """Return versions and machine. torch and its GPU are included only if a model has loaded torch."""
    facts = {
        "vizbench": version.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "platform": platform.platform(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "commit": _commit(),
        "device": "cpu",
    }
    torch: Any = sys.modules.get("torch")
    if torch is not None:
        facts["torch"] = str(torch.__version__)
        if torch.cuda.is_available():
            facts["device"] = str(torch.cuda.get_device_name())
    return {key: value for key, value in facts.items() if value}


def data_digest(instances: Iterable[Instance]) -> str:
    """Return a digest of the grids, in order. It depends on the data only, not on how it was made."""
    digest = hashlib.blake2b(digest_size=16)
    for instance in instances:
        for grid in (instance.question, instance.target):
            digest.update(f"{grid.shape}".encode())
            digest.update(np.ascontiguousarray(grid).tobytes())
    return digest.hexdigest()


@functools.cache
def _commit() -> str:
    """Return the commit of the source tree, with + if files were changed; "" for an installed package."""
    root = Path(__file__).parents[3]
    if not (root / ".git").exists():
        return ""
    try:
        command = ["git", "-C", str(root), "describe", "--always", "--dirty=+", "--abbrev=12", "--exclude=*"]
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):  # no git here, or a tree that it does not trust
        return ""
