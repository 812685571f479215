"""Write a frozen suite: the tasks of the suite `core`, with digests of their test questions and targets.

    python -m scripts.freeze_suite core-v2

A frozen suite never changes. So the script refuses a name that exists.
"""

from __future__ import annotations

import sys

import msgspec

from vizbench.harness.plan.frozen import FOLDER, freeze
from vizbench.harness.plan.suites import SUITES


def main(name: str) -> None:
    """Write the file of a new frozen suite."""
    path = FOLDER / f"{name}.json"
    if path.exists():
        raise SystemExit(f"{path} exists, and a frozen suite never changes: choose a new name")
    suite = freeze(SUITES["core"])
    path.write_bytes(msgspec.json.format(msgspec.json.encode(suite), indent=1) + b"\n")
    print(f"{path}: {len(suite.tasks)} tasks")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("give the name of the new suite, e.g. core-v2")
    main(sys.argv[1])
