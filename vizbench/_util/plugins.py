"""Load objects from Python files and installed packages that are not part of vizbench.

Loading a file runs its code. Load only names that the user typed, never a name that was read from a file.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, Final, cast, final

from vizbench._util.files import read_bounded
from vizbench._util.notices import notice
from vizbench._util.paths import visible_files
from vizbench.errors import UserError, unknown

MAX_BYTES: Final = 16 << 20
"""The largest Python file that is read."""

MAX_MODULES: Final = 1000
"""The most files that a file may import from its own folder."""

_NAME: Final = re.compile(r"(?P<file>.*?\.py):(?P<name>[^\W\d]\w*)(?P<rest>.*)", re.DOTALL)
"""`path/to/file.py:NAME`, and anything after it."""


@final
@dataclass(frozen=True, slots=True)
class Kind:
    """The words of error messages for a kind of object."""

    noun: str
    """What the file holds: "model"."""
    member: str
    """What the name after the colon is: "class"."""
    example: str
    """How it is written: "path/to/file.py:Class"."""


@final
@dataclass(frozen=True, slots=True)
class FileObject:
    """The parsed form of `FILE.py:NAME…`."""

    file: str
    """The path as it was written."""
    name: str
    """The object's name in the file."""
    rest: str
    """The text after the name: a variant of a task, or a checkpoint of a model."""

    @property
    def path(self) -> Path:
        """The file's path."""
        return Path(self.file)

    def __str__(self) -> str:
        return f"{self.file}:{self.name}"


def is_in_file(name: str) -> bool:
    """Return whether a name is meant to name an object in a Python file."""
    return ".py:" in name or name.endswith(".py")


def split(name: str) -> FileObject | None:
    """Split `FILE.py:NAME…`, or return None if the name has another form. Opens no file."""
    parts = _NAME.fullmatch(name)
    return None if parts is None else FileObject(parts["file"], parts["name"], parts["rest"])


def find(name: str, kind: Kind) -> FileObject:
    """Split the name of an object in a file that exists. Raises UserError for any other name."""
    parts = split(name)
    if parts is None:
        raise UserError(f"{kind.noun} {name[:120]!r} does not name a {kind.member}: write {kind.example}")
    if not parts.path.is_file():
        raise UserError(f"{kind.noun} file {parts.file[:200]!r} does not exist: write {kind.example}")
    return parts


def load(target: FileObject, kind: Kind) -> tuple[ModuleType, Any]:
    """Run a file and return its module and the object. Raises UserError if it fails or lacks the object."""
    module = _run(target.path, kind)
    if not hasattr(module, target.name):
        known = [name for name, value in vars(module).items() if _is_own(value, module)]
        if not known:
            raise UserError(
                f"{kind.noun} file {target.path.name} does not define {target.name!r}, nor any other "
                f"{kind.member}: write {kind.example}"
            )
        raise unknown(f"{kind.member} in {target.path.name}", target.name, known)
    return module, getattr(module, target.name)


def _is_own(value: object, module: ModuleType) -> bool:
    """Return whether a file itself defines this class, or the class of this object."""
    owner = value if isinstance(value, type) else type(value)
    return owner.__module__ == module.__name__


def _run(path: Path, kind: Kind) -> ModuleType:
    absolute = path.resolve()
    name = f"vizbench_{kind.noun}_{path.stem}"
    if name in sys.modules and sys.modules[name].__file__ != str(absolute):  # another file of this name
        name += "_" + hashlib.sha256(str(absolute).encode("utf-8", "surrogatepass")).hexdigest()[:8]
    spec = importlib.util.spec_from_file_location(name, absolute)
    if spec is None or spec.loader is None:
        raise UserError(f"{kind.noun} file {str(path)[:200]!r} is not Python: write {kind.example}")
    if str(absolute.parent) not in sys.path:
        # At the end: files beside it can be imported, but they hide no installed package.
        sys.path.append(str(absolute.parent))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses in the file look their module up here
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # the file is anybody's code
        del sys.modules[name]
        raise UserError(f"{kind.noun} file {path.name} fails on import: {reason_of(error)}") from error
    return module


def reason_of(error: Exception) -> str:
    """Return an error's class and text in one line."""
    return f"{type(error).__name__}: {error}".replace("\n", " ")


# The code that a file consists of


def code_of(name: str) -> str | None:
    """Return a digest of the code that an object in a file depends on, or None for any other name.

    The code is the file and what it imports from its own folder. Data files do not count, nor do modules that
    are imported by a computed name. Raises UserError if the file cannot be read.
    """
    target = split(name)
    if target is None:
        return None
    code = _code_beside(target.path)
    if len(code) == 1:
        return hashlib.sha256(code[target.path.name]).hexdigest()[:16]
    digest = hashlib.sha256()
    for module, source in sorted(code.items()):
        digest.update(f"{module}\n{hashlib.sha256(source).hexdigest()}\n".encode())
    return digest.hexdigest()[:16]


def _code_beside(path: Path) -> dict[str, bytes]:
    """Return the sources of a file and of its imports from the same folder, by path within the folder."""
    folder = path.parent
    code: dict[str, bytes] = {}
    waiting = [path]
    while waiting:
        file = waiting.pop()
        name = file.relative_to(folder).as_posix()
        if name in code:
            continue
        code[name] = read_bounded(file, "Python file", MAX_BYTES)
        if len(code) > MAX_MODULES:
            raise UserError(
                f"{path.name} imports over {MAX_MODULES} files beside it: put it in a smaller folder"
            )
        waiting += _imported(folder, file, code[name])
    return code


def _imported(folder: Path, file: Path, source: bytes) -> list[Path]:
    """Return the files of the folder that a file imports. An imported package counts with all its files."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []  # the import of the file reports this error

    # What the import statements name, as paths without a suffix.
    names: set[Path] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {folder.joinpath(*alias.name.split(".")) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = folder if not node.level else file.parents[min(node.level, len(file.parents)) - 1]
            within = base.joinpath(*(node.module or "").split("."))
            names |= {within, *(within / alias.name for alias in node.names)}

    # The files behind these names.
    within_folder = [name for name in names if name != folder and name.is_relative_to(folder)]
    tops = {folder / name.relative_to(folder).parts[0] for name in within_folder}
    files = [top.with_name(f"{top.name}.py") for top in tops]
    for top in tops:
        if (top / "__init__.py").is_file():
            files += [path for path in visible_files(top) if path.suffix == ".py"]
    return [path for path in files if path.is_file()]


# Installed packages


def installed(
    group: str, fault_of: Callable[[Any], str], name_of: Callable[[Any], str], taken: Iterable[str]
) -> Iterator[tuple[str, Any]]:
    """Yield the objects that installed packages offer as entry points of a group, with their names.

    An object is skipped and reported once if it cannot be imported, has a fault, or has the name of another.

    fault_of: returns why an object does not fit the group, or "" if it fits.
    name_of: returns the name of an object without a fault.
    taken: names that vizbench uses itself.
    """
    used = dict.fromkeys(taken, "vizbench")
    for entry in sorted(metadata.entry_points(group=group), key=lambda entry: (entry.name, entry.value)):
        source = f"{group} of the package {entry.dist.name if entry.dist else '?'}"
        try:
            offered: Any = entry.load()
        except Exception as error:  # the package is anybody's code
            reason = reason_of(error)
            notice(f"{entry.name}, {source}, is left out: it fails on import, {reason}", (group, entry.value))
            continue
        items = cast("Sequence[Any]", offered) if isinstance(offered, tuple | list) else (offered,)
        for item in items:
            fault = fault_of(item)
            if not fault and name_of(item) in used:
                fault = f"its name {name_of(item)} is taken by {used[name_of(item)]}: rename it"
            if fault:
                notice(f"{entry.name}, {source}, is left out: {fault}", (group, entry.value, fault))
                continue
            used[name_of(item)] = source
            yield name_of(item), item
