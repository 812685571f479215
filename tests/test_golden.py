"""Test that every task makes the bytes on record: one digest per task, in `golden/<family>.json`.

A digest covers questions, targets, states, facts and difficulty, and the choice of rows for train and test.
If a digest changes, everybody's data sets change: raise the family's `version`, then run `python -m
tests.test_golden`, which writes the digests anew. A change for speed must leave them as they are.

Each test is named by its task, so `-k maze` runs only the digests of that family.

These tests also run under every supported Python (`make pythons`), since a data set must not depend on it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from vizbench import seeds
from vizbench.dataset.splits import generated_dataset
from vizbench.formats.rows import encode
from vizbench.task import registry
from vizbench.task.registry import params_json

GOLDEN = Path(__file__).parent / "golden"
CANDIDATES = 64
TRAIN, TEST, POOL = 64, 8, 32
"""Rows of each split, and the train rows from which those of test keep their distance.

5 of 12 rows of maze/41 show a sum of floats that depends on the version of Python.
"""

# Sizes that use other kernels, or other branches of them, than the named variants.
MORE = (
    "life/conway?density=0.27&height=5&steps=3&width=13",
    "life/conway?torus=true",
    "eca/110?rows=5&width=67",
    "langton/2?height=7&steps=30&width=11",
)


def digest(name: str) -> str:
    """Return the digest of the first candidates of seed 0, before any is dropped, and of the first rows."""
    spec = registry.spec(name)
    family, version = spec.task.family, spec.task.version
    origin = seeds.instance_stream(family, version, params_json(spec.params), 0, "train")
    batch = spec.task.generate_batch(spec.params, seeds.keys(origin, 0, CANDIDATES))
    total = hashlib.blake2b(digest_size=16)
    for grids in (batch.question, batch.target):
        total.update(repr(grids.shape).encode() + grids.tobytes())
    data = generated_dataset(spec, 0, POOL)
    for row in (*data.train.head(TRAIN), *data.test.head(TEST)):
        total.update(encode(row, True) + b"\n")
    return total.hexdigest()


def names(family: str) -> list[str]:
    return [name for name in (*registry.tasks(), *MORE) if name.startswith(family + "/")]


def stored(family: str) -> dict[str, dict[str, str]]:
    """Map the family's version, as `v1`, to the digest of each name."""
    path = GOLDEN / f"{family}.json"
    return json.loads(path.read_text()) if path.exists() else {}


@pytest.mark.parametrize("name", [*registry.tasks(), *MORE])
def test_bytes_are_those_of_record(name: str):
    spec = registry.spec(name)
    assert spec.name == name
    record = stored(spec.task.family).get(f"v{spec.task.version}", {})
    assert digest(name) == record.get(name), (
        f"{name} makes other bytes than version {spec.task.version} has on record"
    )


def test_every_family_has_a_record():
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(registry.families())


@pytest.mark.parametrize("family", registry.families())
def test_the_record_holds_what_exists_and_no_more(family: str):
    version = f"v{registry.families()[family].version}"
    record = stored(family)
    assert set(record) == {version}
    assert set(record[version]) == set(names(family))


def test_tasks_have_digests_of_their_own():
    digests: list[str] = []
    for family in registry.families():
        for record in stored(family).values():
            digests += record.values()
    assert len(set(digests)) == len(digests)


def write() -> None:
    """Write the digests of the current versions."""
    for family, family_task in registry.families().items():
        record = {f"v{family_task.version}": {name: digest(name) for name in names(family)}}
        (GOLDEN / f"{family}.json").write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    write()
