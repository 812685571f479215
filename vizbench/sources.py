"""Where tasks come from: rooms by `family/variant`, and files by `arc-json:PATH`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from vizbench.dataset import POOL, Dataset, check_pool, generated
from vizbench.errors import UserError
from vizbench.seeds import check_seed
from vizbench.task import Judge, Task, spec
from vizbench.types import Instance, Verdict

_ARC = "arc-json:"
_MAX_FILES = 100_000


def load(name: str, seed: int = 0, pool: int = POOL, **params: object) -> Dataset:
    """The data set of a task: `family`, `family/variant`, `family/variant?key=value`, or `arc-json:FILE`.

    seed: 0 … 2^63 - 1; pool: how many of the first train rows test rows keep away from; params override the variant's.
    Raises UserError for unknown names (with near ones) and for values that the room refuses. Makes no row yet.
    """
    check_seed(seed)
    check_pool(pool)
    if not name.startswith(_ARC):
        return generated(spec(name, params), seed, pool)
    if params:
        raise UserError(f"{name[:80]} takes no parameters, and {sorted(params)[0]} was given: leave it out")
    from vizbench.formats import arc

    return arc.load(_arc_path(name), seed, pool)


def expand(name: str) -> list[str]:
    """The task names that `name` stands for: `arc-json:FOLDER` gives one a .json file below it, sorted; else one."""
    if not name.startswith(_ARC):
        return [spec(name).name]
    path = _arc_path(name)
    if not path.is_dir():
        return [_ARC + path.as_posix()]
    files: list[str] = []
    for folder, _, names in os.walk(path):  # does not follow links to folders, so it ends
        files += [(Path(folder) / file).as_posix() for file in names if file.endswith(".json")]
        if len(files) > _MAX_FILES:
            raise UserError(f"{path} holds over {_MAX_FILES:,} .json files: give a smaller folder")
    if not files:
        raise UserError(f"{path} holds no .json file: give a folder of ARC files, or one file")
    return [_ARC + file for file in sorted(files)]


def judge_of(row: Instance | str) -> Judge:
    """Who judges this row, or the rows of the task of this name. Opens no file, whatever path the name holds."""
    return rules_of(row if isinstance(row, str) else row.task)[0]


def rules_of(name: str) -> tuple[Judge, Any]:
    """The judge of a task and its record of parameters. Opens no file, whatever path the name holds."""
    if name.startswith(_ARC):
        from vizbench.formats import arc

        return arc.JUDGE, arc.Params()
    found = spec(name)
    return found.task, found.params


def version_of(judge: Judge) -> int:
    """The version of the task that a judge belongs to."""
    if isinstance(judge, Task):
        return judge.version
    from vizbench.formats import arc

    return arc.VERSION


def verify(instance: Instance, grid: object) -> Verdict:
    """Judge any object as the answer to an instance. Never raises: what is no grid is a wrong answer with a reason."""
    return judge_of(instance).verify(instance, grid)


def _arc_path(name: str) -> Path:
    path = name.removeprefix(_ARC)
    if not path or "\0" in path:
        raise UserError(f"{name[:80]!r} names no path: give a file or a folder, e.g. {_ARC}data/task.json")
    return Path(path)
