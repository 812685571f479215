"""Load models: a family by name, or a class in a Python file (`path/to/file.py:Class`)."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final, final

from vizbench._util.files import read_bounded
from vizbench._util.paths import visible_files
from vizbench._util.text import is_utf8
from vizbench.errors import UserError, unknown
from vizbench.model import Model, family

DEFAULT = "default"
"""The checkpoint of a model from a file, if none is named."""

_FILE_CLASS: Final = re.compile(r"(.*?\.py:[^\W\d]\w*)(?:=|$)", re.DOTALL)
"""`FILE.py:Class`, optionally followed by `=`."""

MAX_BYTES: Final = 16 << 20
"""The largest model file."""

MAX_MODULES: Final = 1000
"""The most files of code that a model file may import from beside it."""


@final
@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model and its checkpoint, by name."""

    name: str
    """Name of a family, or FILE.py:Class."""
    checkpoint: str
    """Name of the weights. The default is filled in."""


def split_name(text: str) -> tuple[str, str | None]:
    """Split `NAME=CHECKPOINT`. The checkpoint is None if there is no `=`.

    The name of a file may contain `=`; the name of a class may not.
    """
    file = _FILE_CLASS.match(text)
    if file is None:
        name, equals, checkpoint = text.partition("=")
    else:
        name, equals, checkpoint = file[1], text[file.end(1) :][:1], text[file.end() :]
    if equals and not checkpoint:
        raise UserError(
            f"model {text[:120]!r} names no checkpoint after its =: write NAME=CHECKPOINT, or NAME"
        )
    return name, checkpoint or None


def resolve(name: str, checkpoint: str | None = None) -> ModelRef:
    """Check the name of a model without building it.

    Raises UserError if the name is unknown, the file is missing, or a name is not UTF-8.
    """
    for word in (name, checkpoint or ""):
        if not is_utf8(word):
            raise UserError(f"the name {word[-80:]!r} of a model is not UTF-8: rename the file")
    if _is_file(name):
        _file_and_class(name)
        return ModelRef(name, DEFAULT if checkpoint is None else checkpoint)
    return ModelRef(name, family(name).checkpoints[0] if checkpoint is None else checkpoint)


def load_model(name: str, checkpoint: str | None = None) -> Model[Any]:
    """Build a model.

    The class in a file is called without arguments, or with the checkpoint if one is named. Loading a model
    file runs its code: name only files that you trust.
    """
    ref = resolve(name, checkpoint)
    if not _is_file(name):
        return family(name).build(ref.checkpoint)
    path, class_name = _file_and_class(name)
    module = _module(path)
    classes = {key: value for key, value in vars(module).items() if isinstance(value, type)}
    if class_name not in classes:
        own = [key for key, value in classes.items() if value.__module__ == module.__name__]
        raise unknown(f"class in {path.name}", class_name, own)
    if not issubclass(classes[class_name], Model):
        raise UserError(f"{class_name} in {path.name} is no Model: derive it from vizbench.model.Model")
    chosen: Any = classes[class_name]
    try:
        return chosen() if ref.checkpoint == DEFAULT else chosen(ref.checkpoint)
    except TypeError as error:  # an abstract method is missing, or the constructor takes other arguments
        raise UserError(f"{class_name} in {path.name} cannot be built: {error}") from error


def code_of(name: str) -> str | None:
    """Return a digest of a model's code: its file and what the file imports from its own folder.

    Changed code is another model. None for a built-in family, whose code the commit of a run identifies.
    Modules that are imported by a computed name are not seen, and neither are data files. A model with
    weights reports their digest itself.
    """
    if not _is_file(name):
        return None
    path, _ = _file_and_class(name)
    code = _code_beside(path)
    if len(code) == 1:
        return hashlib.sha256(code[path.name]).hexdigest()[:16]
    digest = hashlib.sha256()
    for module, source in sorted(code.items()):
        digest.update(f"{module}\n{hashlib.sha256(source).hexdigest()}\n".encode())
    return digest.hexdigest()[:16]


def _code_beside(path: Path) -> dict[str, bytes]:
    """Return path -> source of the file and of all that it imports from its folder, directly or indirectly.

    Paths are relative to the folder.
    """
    folder = path.parent
    code: dict[str, bytes] = {}
    waiting = [path]
    while waiting:
        file = waiting.pop()
        name = file.relative_to(folder).as_posix()
        if name in code:
            continue
        code[name] = read_bounded(file, "model file", MAX_BYTES)
        if len(code) > MAX_MODULES:
            raise UserError(
                f"model file {path.name} imports over {MAX_MODULES} files beside it: "
                "put it in a smaller folder"
            )
        waiting += _imported(folder, file, code[name])
    return code


def _imported(folder: Path, file: Path, source: bytes) -> list[Path]:
    """Return the files in the folder that the import statements of a file name; all files of a package."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []  # the import of the file fails later, with a message of its own
    # Modules by their paths without ending.
    modules: set[Path] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            modules |= {folder.joinpath(*alias.name.split(".")) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = file.parents[min(node.level, len(file.parents)) - 1] if node.level else folder
            module = base.joinpath(*(node.module or "").split("."))
            modules |= {module, *(module / alias.name for alias in node.names)}
    # Files of these modules, and of the packages that contain them.
    inside = [module for module in modules if module != folder and module.is_relative_to(folder)]
    tops = {folder / module.relative_to(folder).parts[0] for module in inside}
    paths = [top.with_name(f"{top.name}.py") for top in tops]
    for top in tops:
        if (top / "__init__.py").is_file():
            paths += [path for path in visible_files(top) if path.suffix == ".py"]
    return [path for path in paths if path.is_file()]


def _is_file(name: str) -> bool:
    return ".py:" in name or name.endswith(".py")


def _file_and_class(name: str) -> tuple[Path, str]:
    file, _, class_name = name.rpartition(":")
    if not file or not class_name.isidentifier():
        raise UserError(f"model {name[:120]!r} names no class: write path/to/file.py:Class")
    path = Path(file)
    if not path.is_file():
        raise UserError(f"model file {file[:200]!r} does not exist: write path/to/file.py:Class")
    return path, class_name


def _module(path: Path) -> ModuleType:
    name = f"vizbench_model_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UserError(f"model file {str(path)[:200]!r} is not Python: write path/to/file.py:Class")
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        # Last, so that modules beside the file can be imported but do not hide installed ones.
        sys.path.append(folder)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses in the file look their module up here
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # the file is anybody's code
        del sys.modules[name]
        raise UserError(f"model file {path.name} fails on import: {type(error).__name__}: {error}") from error
    return module
