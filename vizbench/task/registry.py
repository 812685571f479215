"""Find tasks by name: our own, those of installed packages, and those in Python files."""

from __future__ import annotations

import copyreg
import dataclasses
import functools
import importlib
import importlib.util
import pkgutil
import re
from collections.abc import Mapping
from types import ModuleType
from typing import Any, SupportsIndex, TypeVar, cast, final
from urllib.parse import quote

from vizbench._util import params as parameters
from vizbench._util import plugins
from vizbench._util.notices import notice
from vizbench.errors import UserError, unknown
from vizbench.seeds import integer
from vizbench.task.contract import LEVELS, Task
from vizbench.types import Json

P = TypeVar("P")

_KIND = plugins.Kind("task", "task", "path/to/file.py:TASK")

_GROUP = "vizbench.tasks"
"""Entry points by which an installed package offers task families."""


@functools.cache
def _own_modules() -> Mapping[str, str]:
    """Return the modules of `vizbench.generators` by the names of their families, sorted. Imports none."""
    import vizbench.generators as package

    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    return {name.replace("_", "-"): f"{package.__name__}.{name}" for name in names}


@functools.cache
def _own_task(family: str) -> Task[Any]:
    """Return the task family of `vizbench.generators` with this name. Imports only its module.

    Raises UserError if the module has no such family.
    """
    module = _own_modules()[family]
    try:
        loaded = importlib.import_module(module)
    except Exception as error:  # one broken file would break every command without being named
        raise UserError(
            f"task file {_file_of(module)} fails on import: {plugins.reason_of(error)}: correct the file, or "
            "move it away"
        ) from error
    if not hasattr(loaded, "TASK"):
        raise UserError(
            f"task file {_file_of(module)} has no TASK: end it with TASK = MyTask(), or move it away"
        )
    if fault := _task_fault(loaded.TASK):
        raise UserError(f"TASK in {_file_of(module)} is not a complete task: {fault}")
    task = cast("Task[Any]", loaded.TASK)
    if task.family != family:
        raise UserError(
            f"TASK in {_file_of(module)} has the family {task.family}, and its file's name says {family}: "
            "rename one"
        )
    return task


def _file_of(module: str) -> str:
    """Return the path of a module's file, which is not imported for it. Its package must be imported."""
    located = importlib.util.find_spec(module)
    return module if located is None or located.origin is None else located.origin


@functools.cache
def families() -> Mapping[str, Task[Any]]:
    """Return every task family by name, sorted: those of vizbench and of installed packages."""
    own = {name: _own_task(name) for name in _own_modules()}
    offered = plugins.installed(_GROUP, _task_fault, lambda task: task.family, own)
    return dict(sorted({**own, **dict(offered)}.items()))


def _task_fault(item: object) -> str:
    """Return why an object is not a complete task, as a clause, or "" if it is one. Makes no level."""
    if isinstance(item, type) and issubclass(item, Task):
        return f"{item.__name__} is a class: give an instance, TASK = {item.__name__}()"
    if not isinstance(item, Task):
        kind = f"the class {item.__name__}" if isinstance(item, type) else f"of type {type(item).__name__}"
        return f"it is {kind}: give an instance of a class derived from vizbench.Task"
    task = cast("Task[Any]", item)
    lacking = [name for name in ("family", "summary", "look", "codes", "variants") if not hasattr(task, name)]
    if lacking:
        return f"it lacks {', '.join(lacking)}"
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", task.family):
        return f"its family {task.family[:40]!r} is not a name of small letters, digits, - and _"
    if len(task.levels) not in (0, LEVELS):
        return f"it has {len(task.levels)} levels: give {LEVELS}, or none"
    if any(re.fullmatch(r"level\d", name) for name in task.variants):
        return "a variant has the name of a level: choose another name"
    records = task.variants.values()
    if not records or not all(dataclasses.is_dataclass(record) for record in records):
        return "its variants are not a mapping from names to dataclass instances"
    return ""


def tasks() -> list[str]:
    """Return every task name, `family/variant`. The first of a family is its default."""
    return [f"{family}/{variant}" for family, task in families().items() for variant in task.variants]


@final
@dataclasses.dataclass(frozen=True, slots=True)
class _FileTask:
    """A task of a Python file that was imported."""

    task: Task[Any]
    module: ModuleType
    code: str | None


_imported: dict[str, _FileTask] = {}
"""By `FILE.py:NAME`, as it was written."""


def import_task(name: str) -> None:
    """Import the Python file of a task `FILE.py:NAME…`, so that `spec` knows it. Ignores other names.

    This runs the file's code. Call it only with names that the user typed, never with one from a data set or
    a record. Raises UserError if there is no such task, or if the file fails.
    """
    if not is_in_file(name):
        return
    target = plugins.find(_path_of(name), _KIND)
    key, code = str(target), plugins.code_of(str(target))
    before = _imported.get(key)
    if before is not None and before.code == code:
        return
    module, task = plugins.load(target, _KIND)
    if fault := _task_fault(task):
        raise UserError(f"{target.name} in {target.path.name} is not a complete task: {fault}")
    if before is not None:
        notice(f"{target.path.name} has changed: its new code is used from now on", (key, code))
    _imported[key] = _FileTask(cast("Task[Any]", task), module, code)
    _make_picklable(key, module)


def is_in_file(name: str) -> bool:
    """Return whether a name is that of a task in a Python file."""
    return plugins.is_in_file(_path_of(name))


def code_of(name: str) -> str | None:
    """Return the digest of the code of a task in an imported file, or None for any other task."""
    return _file_task(name).code if is_in_file(name) else None


def _path_of(name: str) -> str:
    return name.partition("?")[0]


def _file_task(name: str) -> _FileTask:
    """Return a task of a file that was imported. Imports nothing.

    A data set may name the file by another path. Then the imported file of the same name is used, if there is
    only one.
    """
    target = plugins.split(_path_of(name))
    if target is None:
        raise UserError(f"task {name[:120]!r} does not name a task: write {_KIND.example}")
    if str(target) in _imported:
        return _imported[str(target)]
    ending = f"/{target.path.name}:{target.name}"
    same = [each for key, each in _imported.items() if f"/{key}".replace("\\", "/").endswith(ending)]
    if len(same) == 1:
        return same[0]
    raise UserError(
        f"the task {str(target)[:200]} is in a Python file, which is run only if you name it yourself: give "
        f"--task {str(target)[:200]}, or call vizbench.load with this name first"
    )


def _make_picklable(key: str, module: ModuleType) -> None:
    """Let other processes unpickle objects of a file's classes: they import the file by its name first."""
    for item in list(vars(module).values()):
        if not isinstance(item, type) or item.__module__ != module.__name__:
            continue
        if dataclasses.is_dataclass(item):
            copyreg.pickle(item, functools.partial(_reduce_record, key))
        elif issubclass(item, Task):
            copyreg.pickle(cast("type[Any]", item), functools.partial(_reduce_task, key))


def _reduce_record(key: str, record: Any) -> tuple[Any, ...]:
    values = {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
    return _record_again, (key, type(record).__name__, values)


def _record_again(key: str, class_name: str, values: Mapping[str, object]) -> Any:
    import_task(key)
    return getattr(_imported[key].module, class_name)(**values)


def _reduce_task(key: str, task: Task[Any]) -> tuple[Any, ...]:
    del task  # a file's task holds nothing of its own
    return _task_again, (key,)


def _task_again(key: str) -> Task[Any]:
    import_task(key)
    return _imported[key].task


@final
@dataclasses.dataclass(frozen=True, slots=True)
class TaskSpec:
    """A task with its parameters filled in."""

    name: str
    """The canonical name: `life/conway`, `life/conway?steps=2`."""
    task: Task[Any]
    """The task family."""
    params: Any
    """The family's record of parameters."""


def spec(name: str, overrides: Mapping[str, object] | None = None) -> TaskSpec:
    """Parse `family`, `family/variant` or `family/variant?key=value&key=value`. `overrides` win.

    `FILE.py:NAME` may take the place of the family, if `import_task` has imported it. Imports no file.

    Raises UserError if a name is unknown, with near names, or if the task refuses a value.
    """
    path, _, query = name.partition("?")
    family, variant, task = _family_and_variant(path)
    variant = variant or next(iter(task.variants))
    named = {**task.variants, **level_variants(task)}
    if variant not in named:
        meant = level_variants(task) if variant.startswith("level") else task.variants
        own = [f"{family}/{each}" for each in meant]
        raise unknown("task", path, own if is_in_file(path) else [*own, *tasks()])
    base = named[variant]
    if not dataclasses.is_dataclass(base) or isinstance(base, type):
        raise UserError(
            f"the parameters of {family}/{variant} are {str(base)[:80]}, which is not a dataclass instance: "
            "correct the variants or levels of the task"
        )
    given: dict[str, object] = {**parameters.query(query), **(overrides or {})}
    params = parameters.override(f"{family}/{variant}", base, given)
    changed_values = {k: v for k, v in dataclasses.asdict(params).items() if v != getattr(base, k)}
    text = "&".join(f"{k}={quote(_text(v), safe='/,.-')}" for k, v in sorted(changed_values.items()))
    return TaskSpec(f"{family}/{variant}" + (f"?{text}" if text else ""), task, params)


def level_variants(task: Task[P]) -> Mapping[str, P]:
    """Return the levels of a task as variants, `level0` … `level9`."""
    return {f"level{number}": params for number, params in enumerate(task.levels)}


def level_name(name: str, level: SupportsIndex) -> str:
    """Return the name of a level of a family: `maze` and 3 give `maze/level3`.

    Raises UserError if the name holds a variant or parameters, or the family has no such level.
    """
    value = integer(level)
    if value is None or not 0 <= value < LEVELS:
        raise UserError(f"level {level!r} is not an integer in 0 … {LEVELS - 1}: choose one there, e.g. 3")
    family, variant, task = _family_and_variant(name.partition("?")[0])
    if variant or "?" in name:
        raise UserError(
            f"task {name[:120]!r} and level {value} both choose parameters: give {family} and a level, or "
            "the task without a level"
        )
    if not task.levels:
        raise UserError(f"task {family[:120]} has no levels: leave the level out")
    return f"{family}/level{value}"


def _family_and_variant(path: str) -> tuple[str, str, Task[Any]]:
    """Split a name without its query, and find its family. Of our own families, only that one is imported."""
    if is_in_file(path):
        task = _file_task(path).task
        target = plugins.split(path)
        assert target is not None  # `_file_task` has split it
        return str(target), target.rest.removeprefix("/"), task
    family, _, variant = path.partition("/")
    if family in _own_modules():
        return family, variant, _own_task(family)
    if family in families():
        return family, variant, families()[family]
    summaries = {name: task.summary for name, task in families().items()}
    raise unknown("task", path, [*families(), *tasks()], summaries)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def params_json(params: Any) -> Json:
    """Return a record of parameters as plain JSON, for seeds, manifests and rows."""
    return dataclasses.asdict(params)
