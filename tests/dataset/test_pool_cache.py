"""Test that pools kept on disk change no row, whatever is in the files, and that they save the work."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vizbench.dataset import leakage, pool_cache
from vizbench.dataset.splits import Dataset, generated_dataset
from vizbench.errors import UserError
from vizbench.task import registry
from vizbench.types import Batch, Keys

NAME, POOL, ROWS = "life/conway?height=4&width=4", 300, 24


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keeps every pool, however fast it was made, in an empty folder."""
    monkeypatch.setenv("VIZBENCH_HOME", str(tmp_path))
    monkeypatch.delenv("VIZBENCH_POOL_CACHE", raising=False)
    monkeypatch.setattr(leakage, "SLOW", -1.0)
    return tmp_path / "pools"


def data(seed: int = 0, pool: int = POOL, name: str = NAME) -> Dataset:
    return generated_dataset(registry.spec(name), seed, pool)


def rows(of: Dataset, count: int = ROWS) -> list[tuple[int, bytes]]:
    """Return candidate numbers and questions of the first test rows, then of train rows past the pool."""
    listed: list[tuple[int, bytes]] = []
    for split, start in ((of.test, 0), (of.train, 0), (of.train, POOL - 5)):
        made = split.rows(start, count)
        listed += [(int(row.meta["candidate"]), row.question.tobytes()) for row in made]
    return listed


def without_files(monkeypatch: pytest.MonkeyPatch, **options: Any) -> list[tuple[int, bytes]]:
    with monkeypatch.context() as off:
        off.setenv("VIZBENCH_POOL_CACHE", "0")
        return rows(data(**options))


def count_candidates(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows by the number of train candidates of each batch that is made."""
    made: list[int] = []
    make: Callable[..., Batch] = leakage.make_candidates

    def counted(spec: registry.TaskSpec, split: Any, key: Keys) -> Batch:
        made.extend([len(key)] * (split == "train"))
        return make(spec, split, key)

    monkeypatch.setattr(leakage, "make_candidates", counted)
    return made


def test_the_second_time_no_candidate_of_the_pool_is_made(files: Path, monkeypatch: pytest.MonkeyPatch):
    expected = without_files(monkeypatch)
    assert not files.exists()
    made = count_candidates(monkeypatch)
    data().test.head(2)
    assert sum(made) > POOL and len(list(files.iterdir())) == 1
    del made[:]
    again = data()
    again.test.head(ROWS)
    assert made == []
    assert rows(again) == expected
    # The train rows go on after the pool, too, and candidates before it are not filtered again.
    assert 0 < sum(made) < POOL + 4 * ROWS


def test_pools_that_are_made_fast_are_not_kept(files: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(leakage, "SLOW", 1e9)
    data().test.head(1)
    assert not files.exists()


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "torn": lambda content: content[: len(content) // 2],
    "longer": lambda content: content + b"\0",
    "one bit": lambda content: content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
    "the digest": lambda content: bytes([content[0] ^ 1]) + content[1:],
    "something else": lambda content: b"PK\x03\x04" * 1000,
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_file_is_made_again(kind: str, files: Path, monkeypatch: pytest.MonkeyPatch):
    expected = without_files(monkeypatch)
    data().test.head(1)
    (path,) = files.iterdir()
    whole = path.read_bytes()
    path.write_bytes(DAMAGES[kind](whole))
    made = count_candidates(monkeypatch)
    assert rows(data()) == expected
    assert sum(made) > POOL
    assert pool_cache.read_pool(registry.spec(NAME), 0, POOL) is not None


def test_a_file_of_another_key_is_ignored(files: Path, monkeypatch: pytest.MonkeyPatch):
    """Every part of the key counts, and a file under the name of another key is not read."""
    keys_of: set[str] = set()
    choices: tuple[dict[str, Any], ...] = (
        {},
        {"seed": 1},
        {"pool": POOL + 1},
        {"name": "life/conway?height=4&width=4&steps=2"},
    )
    for options in choices:
        data(**options).test.head(1)
        keys_of |= {path.name for path in files.iterdir()}
    with monkeypatch.context() as older:
        older.setattr(pool_cache, "__version__", "0.0.0")
        data().test.head(1)
    keys_of |= {path.name for path in files.iterdir()}
    assert len(keys_of) == 5
    contents = {path: path.read_bytes() for path in files.iterdir()}
    for path in contents:
        path.write_bytes(next(content for other, content in contents.items() if other != path))
    assert pool_cache.read_pool(registry.spec(NAME), 0, POOL) is None


def test_forged_states_are_ignored(files: Path):
    """A file may be whole and still hold what no filter can have."""
    spec = registry.spec(NAME)
    data().test.head(1)
    good = pool_cache.read_pool(spec, 0, POOL)
    assert good is not None
    forged: tuple[dict[str, Any], ...] = (
        {"numbers": good.numbers[::-1]},
        {"numbers": good.numbers - 5},
        {"tried": int(good.numbers[-1])},
        {"seen": good.seen[:-POOL]},
        {"seen": good.seen * np.uint64(0)},
        {"features": good.features[:-1]},
        {"features": good.features[:0]},
    )
    for change in forged:
        pool_cache.write_pool(spec, 0, POOL, dataclasses.replace(good, **change))
        assert pool_cache.read_pool(spec, 0, POOL) is None, change


def test_features_of_another_width_are_ignored(files: Path, monkeypatch: pytest.MonkeyPatch):
    spec, expected = registry.spec(NAME), without_files(monkeypatch)
    data().test.head(1)
    good = pool_cache.read_pool(spec, 0, POOL)
    assert good is not None
    narrow = pool_cache.FilteredPool(good.numbers, good.seen, good.tried, good.dry, good.features[:, :3])
    pool_cache.write_pool(spec, 0, POOL, narrow)
    assert pool_cache.read_pool(spec, 0, POOL) is not None
    assert rows(data()) == expected


def test_a_space_that_is_used_up_is_kept(files: Path, monkeypatch: pytest.MonkeyPatch):
    name = "life/conway?height=3&width=3"
    monkeypatch.setattr(leakage, "DRY", 2000)
    first, second = (data(pool=5000, name=name) for _ in range(2))
    messages: list[str] = []
    for each in (first, second):
        for split in (each.test, each.train):
            with pytest.raises(UserError) as error:
                split.batch(0, 10_000)
            messages.append(str(error.value).split(", fewer")[0])
    assert messages[:2] == messages[2:] and len(list(files.iterdir())) == 1


def test_a_disk_that_refuses_is_no_failure(files: Path, monkeypatch: pytest.MonkeyPatch):
    expected = without_files(monkeypatch)
    files.write_text("a file where the folder should be")
    assert rows(data()) == expected
    files.unlink()
    files.mkdir()
    data().test.head(1)
    (path,) = files.iterdir()
    path.unlink()
    path.mkdir()
    assert rows(data()) == expected
    path.rmdir()
    os.mkfifo(path)
    assert rows(data()) == expected


def test_the_oldest_files_make_way(files: Path, monkeypatch: pytest.MonkeyPatch):
    data(0).test.head(1)
    (first,) = files.iterdir()
    monkeypatch.setattr(pool_cache, "MAX_TOTAL", 2 * first.stat().st_size + 1000)
    for seed in (1, 2, 3):
        for path in files.iterdir():
            os.utime(path, (0, path.stat().st_mtime - 100))
        data(seed).test.head(1)
    assert len(list(files.iterdir())) == 2 and not first.exists()
    monkeypatch.setattr(pool_cache, "MAX_FILE", 1000)
    data(4).test.head(1)
    assert len(list(files.iterdir())) == 2


def _rows_in_process(home: str, start: Any, results: Any) -> None:
    os.environ.update(VIZBENCH_HOME=home)
    os.environ.pop("VIZBENCH_POOL_CACHE", None)
    leakage.SLOW = -1.0
    start.wait()
    results.put(rows(data()))


def test_two_processes_at_once_make_the_same_rows(files: Path, monkeypatch: pytest.MonkeyPatch):
    expected = without_files(monkeypatch)
    context = multiprocessing.get_context("spawn")
    start, results = context.Barrier(2), context.Queue()
    both = [
        context.Process(target=_rows_in_process, args=(str(files.parent), start, results)) for _ in range(2)
    ]
    for process in both:
        process.start()
    assert [results.get(timeout=120) for _ in both] == [expected] * 2
    for process in both:
        process.join()
    assert [path.suffix for path in files.iterdir()] == [".pool"]


def test_a_task_of_an_unknown_package_is_not_kept(files: Path, monkeypatch: pytest.MonkeyPatch):
    spec = registry.spec(NAME)
    monkeypatch.setattr(type(spec.task), "__module__", "another_package.life")
    data().test.head(1)
    assert not files.exists()
