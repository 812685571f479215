"""Compile Numba kernels with `@jit`, which costs nothing until the first call.

Importing a task family must not import Numba (0.4 s), because `vizbench tasks` runs no kernel. So a kernel
and the kernels that it calls are compiled at the first call. Compiled code is cached on disk, in a folder
named by a digest of the kernel's file and of the files of the kernels that it calls. Numba's own index looks
only at the time stamp of one file, and would keep stale code when a helper in another file changes.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import importlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any, cast, final

import numpy as np

from vizbench._util.cache import cache_root

_PACKAGE = Path(__file__).parents[1]

_CACHE_DIR_LOCK = threading.Lock()
"""Held while Numba's setting CACHE_DIR, which all threads share, names the folder of one kernel."""

_Inputs = frozenset[tuple[str, str]]
"""What compiled code depends on: names of files and of imported constants, each with its content."""


@functools.cache
def _content(file: str) -> str:
    """Return a digest of a source file; "" for code without a file, which Numba does not cache either."""
    path = Path(file)
    return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest() if path.is_file() else ""


def cache_folder(inputs: _Inputs) -> str:
    """Return the folder of the code that is compiled from these inputs, in $NUMBA_CACHE_DIR or the cache.

    If that cannot be written, it is a temporary folder, used only by this process.
    """
    digest = hashlib.blake2b(digest_size=8)
    for name, content in sorted(inputs):
        digest.update(f"{name}\0{content}\0".encode())
    digest.update(os.environ.get("NUMBA_BOUNDSCHECK", "").encode())
    if level := os.environ.get("NUMBA_OPT"):
        digest.update(f"\0{level}".encode())
    folder = Path(os.environ.get("NUMBA_CACHE_DIR") or cache_root()) / "kernels" / digest.hexdigest()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return str(folder)
    except OSError:
        pass
    return _private_folder()


@functools.cache
def _private_folder() -> str:
    """Make a folder of this process.

    Under a fixed name in /tmp, others could have put compiled code there, which must not be run.
    """
    temporary = tempfile.mkdtemp(prefix="vizbench-")
    atexit.register(shutil.rmtree, temporary, ignore_errors=True)
    return temporary


@final
class Kernel:
    """Compile a function at its first call, together with the kernels that it calls."""

    def __init__(self, function: FunctionType, inline: bool = False) -> None:
        self._function = function
        self._inline = "always" if inline else "never"
        self._compiled: Callable[..., Any] | None = None
        self._callee: Callable[..., Any] | None = None
        self._inputs: _Inputs | None = None
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__

    def __call__(self, *arguments: Any) -> Any:
        compiled = self._compiled or self.resolve()
        if isinstance(compiled, FunctionType):  # the compiler is off: NumPy scalars warn if they wrap
            with np.errstate(over="ignore"):
                return compiled(*arguments)
        return compiled(*arguments)

    def inputs(self) -> _Inputs:
        """Return the files of this kernel and of all that it calls, and the constants that they use."""
        if self._inputs is None:
            file = self._function.__code__.co_filename
            gathered = {(_name_of(file), _content(file))}
            self._inputs = frozenset(gathered)  # for a kernel that calls itself
            for name in self._function.__code__.co_names:
                value: Any = self._function.__globals__.get(name)
                if isinstance(value, Kernel):
                    gathered |= value.inputs()
                elif isinstance(value, np.ndarray):
                    gathered.add((name, value.tobytes().hex()))
                elif isinstance(value, bool | int | float | np.generic | tuple):
                    gathered.add((name, repr(cast("object", value))))
            self._inputs = frozenset(gathered)
        return self._inputs

    def resolve(self) -> Callable[..., Any]:
        """Return the Numba dispatcher, or the plain function if NUMBA_DISABLE_JIT=1.

        The kernels that it calls are resolved first.
        """
        if self._compiled is None:
            self._compiled = self._dispatcher(cache_folder(self.inputs()))
        return self._compiled

    def _resolve_callee(self) -> Callable[..., Any]:
        """Return a dispatcher that only other kernels call.

        It lacks the code that reads arguments from Python, which takes longer to compile than most kernels.
        """
        if self._callee is None:
            folder = os.path.join(cache_folder(self.inputs()), "callees")
            unwrapped = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
            self._callee = self._dispatcher(folder, **unwrapped, inline=self._inline)
            _compile_once_for_constants(self._callee)
        return self._callee

    def _dispatcher(self, folder: str, **options: Any) -> Callable[..., Any]:
        """Return a dispatcher that keeps its compiled code in a folder."""
        import numba

        # Type checkers do not know its settings.
        config: Any = importlib.import_module("numba.core.config")
        scope: dict[str, Any] = dict(self._function.__globals__)
        for name in self._function.__code__.co_names:
            called: Any = scope.get(name)
            if isinstance(called, Kernel):
                scope[name] = called._resolve_callee()
        bound = FunctionType(self._function.__code__, scope, self.__name__, self._function.__defaults__)
        bound.__module__ = self._function.__module__
        bound.__qualname__ = self._function.__qualname__
        with _CACHE_DIR_LOCK:
            before = config.CACHE_DIR
            config.CACHE_DIR = folder  # read once, when the dispatcher is made
            try:
                return numba.njit(bound, cache=True, nogil=True, **options)
            finally:
                config.CACHE_DIR = before


def _compile_once_for_constants(dispatcher: Any) -> None:
    """Compile a callee once for all constants that it is called with. Numba compiles it for each of them."""
    if isinstance(dispatcher, FunctionType):
        return
    types: Any = importlib.import_module("numba.core.types")
    before = dispatcher.get_call_template

    def get_call_template(args: Any, keywords: Any) -> Any:
        return before([types.unliteral(arg) for arg in args], keywords)

    dispatcher.get_call_template = get_call_template


def _name_of(file: str) -> str:
    """Return the name of a source file, from the package on if it is in it."""
    path = Path(file)
    return path.relative_to(_PACKAGE).as_posix() if path.is_relative_to(_PACKAGE) else str(path)


def jit(function: Callable[..., Any]) -> Kernel:
    """Mark a kernel: plain loops over arrays and scalars, which run without the GIL once compiled."""
    assert isinstance(function, FunctionType)
    return Kernel(function)


def inlined(function: Callable[..., Any]) -> Kernel:
    """Mark a kernel that is compiled as a part of each kernel that calls it.

    Use it for a kernel with few callers that calls large kernels. Compiled on its own, it would hold a copy
    of all that it calls. Nothing runs that copy, and optimising it takes seconds.
    """
    assert isinstance(function, FunctionType)
    return Kernel(function, inline=True)
