"""Test compiled kernels: they find each other, are cached until their source changes, and can be off."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType

import numpy as np
import pytest

from vizbench._util import jit as compiler
from vizbench._util.jit import jit

SCALE = 3


@jit
def _inner(x):
    """Three times x."""
    return SCALE * x


@jit
def _outer(values, out):
    for i in range(values.shape[0]):
        out[i] = _inner(values[i]) + 1


@jit
def _square(x, power=2):
    return x**power


def python(code: str, **environment: str) -> str:
    """Return what a fresh interpreter prints."""
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_a_kernel_finds_the_kernels_that_it_calls():
    out = np.zeros(4, np.int64)
    _outer(np.arange(4), out)
    assert out.tolist() == [1, 4, 7, 10]


def test_a_kernel_keeps_its_docstring_and_defaults():
    assert _inner.__doc__ == "Three times x."
    assert _inner.__name__ == "_inner"
    assert (_square(5), _square(5, 3)) == (25, 125)


def test_resolving_twice_compiles_once():
    assert _inner.resolve() is _inner.resolve()
    assert not isinstance(_inner.resolve(), FunctionType)


def test_listing_tasks_loads_neither_numba_nor_torch():
    code = (
        "import sys, vizbench.task.registry as r; "
        "print(len(r.tasks()) > 5, {'numba', 'torch'} & set(sys.modules))"
    )
    assert python(code) == "True set()"


def test_the_compiler_can_be_off():
    code = (
        "import numpy as np\n"
        "from vizbench.kernels.rng import rng_next\n"
        "print(type(rng_next.resolve()).__name__, int(rng_next(np.array([1, 2, 3, 4], np.uint64))))"
    )
    assert python(code, NUMBA_DISABLE_JIT="1") == "function 11520"


def test_bounds_are_checked_when_asked(tmp_path: Path):
    code = (
        "import numpy as np\n"
        "from vizbench.kernels.random_cells import random_cells\n"
        "from vizbench.kernels.rng import rng_next\n"
        "try:\n"
        "    rng_next(np.zeros(3, np.uint64))\n"
        "except IndexError:\n"
        "    print('caught')"
    )
    assert python(code, NUMBA_BOUNDSCHECK="1", NUMBA_CACHE_DIR=str(tmp_path)) == "caught"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make a package of one kernel file and one other, and an empty cache."""
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "kernels.py").write_text("@jit\ndef f(x): return x\n")
    (folder / "prose.py").write_text("x = 1\n")
    monkeypatch.setattr(compiler, "_PACKAGE", folder)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("NUMBA_BOUNDSCHECK", raising=False)
    compiler.cache_folder.cache_clear()
    yield folder
    compiler.cache_folder.cache_clear()


def folder_now() -> str:
    compiler.cache_folder.cache_clear()
    return compiler.cache_folder()


def test_the_cache_moves_when_a_kernel_changes_and_only_then(package: Path, monkeypatch: pytest.MonkeyPatch):
    before = folder_now()
    assert Path(before).is_dir()
    (package / "prose.py").write_text("x = 2\n")
    assert folder_now() == before
    (package / "kernels.py").write_text("@jit\ndef f(x): return x + 1\n")
    changed = folder_now()
    assert changed != before
    monkeypatch.setenv("NUMBA_BOUNDSCHECK", "1")
    assert folder_now() != changed


def test_a_cache_that_cannot_be_written_falls_back_to_a_private_one(
    package: Path, monkeypatch: pytest.MonkeyPatch
):
    blocked = package / "a file"
    blocked.write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(blocked))
    monkeypatch.setattr(tempfile, "tempdir", str(package))
    first, second = Path(folder_now()), Path(folder_now())
    assert first != second
    assert {first.parent, second.parent} == {package}
    assert first.stat().st_mode & 0o077 == 0
