"""Test compiled kernels: they find each other, are cached until their source changes, and can be off."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
import pytest
from numba import types

from vizbench._util import jit as compiler
from vizbench._util.jit import inlined, jit

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


@inlined
def _twice(x):
    return _inner(x) * 2


@jit
def _constants(values):
    return _inner(1) + _inner(2) + _twice(3) + _twice(values[0])


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


def test_a_kernel_is_compiled_once_for_all_constants():
    assert _constants(np.arange(4, 5)) == 3 + 6 + 18 + 24
    called: Any = _inner._resolve_callee()
    for constant in (1, 2):
        called.get_call_template([types.IntegerLiteral(constant)], {})
    assert len(called.overloads) == 1


def test_an_inlined_kernel_can_be_called_from_python():
    assert _twice(5) == 30


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


SOURCES = {
    "low.py": "from vizbench import jit\nSCALE = 3\n@jit\ndef low(x): return x\n",
    "high.py": "from vizbench import jit\nfrom low import SCALE, low\n"
    "@jit\ndef high(x): return low(x) * SCALE\n",
    "other.py": "from vizbench import jit\n@jit\ndef other(x): return x\n",
    "prose.py": "x = 1\n",
}
FOLDERS = (
    "from high import high; from low import low; from other import other\n"
    "from vizbench._util.jit import cache_folder\n"
    "print(high(2), *(cache_folder(kernel.inputs()) for kernel in (high, low, other)))"
)


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """Make files of kernels. A kernel of one file calls a kernel of another."""
    for name, text in SOURCES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def folders(sources: Path, **environment: str) -> list[str]:
    """Return a value of `high`, and the folders of `high`, `low` and `other`, in a fresh interpreter."""
    here = {"PYTHONPATH": f"{sources}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    return python(FOLDERS, **here, NUMBA_CACHE_DIR=str(sources / "cache"), **environment).split()


def test_the_cache_of_a_kernel_moves_when_code_that_it_uses_changes_and_only_then(sources: Path):
    value, high, low, other = folders(sources)
    assert (value, high != low, low != other) == ("6", True, True)
    assert all(Path(folder).is_dir() for folder in (high, low, other))
    (sources / "prose.py").write_text("x = 2\n")
    assert folders(sources) == ["6", high, low, other]
    (sources / "low.py").write_text(SOURCES["low.py"].replace("return x", "return x + 1"))
    changed = folders(sources)
    assert changed[0] == "9"
    assert changed[1] != high
    assert changed[2] != low
    assert changed[3] == other
    used = set(changed[1:])
    for setting in ("NUMBA_BOUNDSCHECK", "NUMBA_OPT"):
        others = set(folders(sources, **{setting: "1"})[1:])
        assert not others & used
        used |= others


def test_a_cache_that_cannot_be_written_falls_back_to_a_private_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    blocked = tmp_path / "a file"
    blocked.write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(blocked))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    private: list[Path] = []
    for _ in range(2):
        compiler._private_folder.cache_clear()  # as in a new process
        private.append(Path(compiler.cache_folder(_outer.inputs())))
    compiler._private_folder.cache_clear()  # the folder is removed
    first, second = private
    assert first != second
    assert {first.parent, second.parent} == {tmp_path}
    assert first.stat().st_mode & 0o077 == 0
