"""Where tasks come from: rooms by `family/variant`, and files by `LAYOUT:PATH`, e.g. `arc-json:data/task.json`."""

from __future__ import annotations

import importlib
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, SupportsIndex, cast

import msgspec

from vizbench._util import params as parameters
from vizbench._util.grids import as_states
from vizbench._util.paths import visible_files
from vizbench._util.text import is_text
from vizbench.dataset import POOL, Dataset, check_pool, generated, shown
from vizbench.errors import UserError, unknown
from vizbench.formats.registry import CORPORA, LAYOUTS
from vizbench.seeds import check_seed
from vizbench.task import Demonstrated, Judge, Task, spec
from vizbench.types import Answer, DecodeFailure, Instance, Verdict

EPISODES = 16
"""Episodes that `arc/CONCEPT` stands for where a list of tasks is asked for; `arc/CONCEPT?episode=7` is one."""

MAX_FILES = 100_000
"""Tasks that one name may stand for."""

_ID = re.compile(
    r"(?P<task>.+)#(?P<seed>\d{1,19})-(?P<split>train|test)-(?P<index>\d{1,9})(-pool(?P<pool>\d{1,7}))?",
    re.ASCII | re.DOTALL,
)
"""What `Instance.id` writes."""


class FileSource(ABC):
    """A layout of files that hold tasks."""

    suffix: ClassVar[str]
    """How the names of such files end."""

    @abstractmethod
    def parse(self, rest: str) -> tuple[str, Mapping[str, str]]:
        """The path and the parameters in what follows `LAYOUT:`. Opens no file."""

    @abstractmethod
    def rules(self, params: Mapping[str, object]) -> tuple[Judge, Any]:
        """The judge and its record of parameters. Opens no file."""

    @abstractmethod
    def expand(self, path: Path) -> list[str]:
        """The paths of the tasks that a path stands for. Reads none of them, so that a bad one fails alone."""

    @abstractmethod
    def load(self, path: Path, params: Mapping[str, object], seed: int, pool: int) -> Dataset:
        """One file as a data set, named so that `rules` of its name's parameters are its rules."""


def load(name: str, seed: SupportsIndex = 0, pool: SupportsIndex = POOL, **params: object) -> Dataset:
    """The data set of a task: `family`, `family/variant`, `family/variant?key=value`, or `LAYOUT:FILE`.

    seed: 0 … 2^63 - 1; pool: how many of the first train rows test rows keep away from; params override the variant's.
    Raises UserError for unknown names (with near ones) and for values that the room refuses. Makes no row yet.
    """
    seed = check_seed(seed)
    pool = check_pool(pool)
    source = _source(name)
    if source is None:
        found = spec(name, params)
        grids = found.params.shown() if isinstance(found.params, Demonstrated) else None
        return generated(found, seed, pool) if grids is None else shown(found, grids, seed, pool)
    path, given, _ = _parts(name, source)
    return source.load(path, {**given, **params}, seed, pool)


def instance(id: str) -> Instance:
    """Make the instance that an id names, the same bytes again: `vizbench.instance("maze/9#0-train-17")`.

    id: what `Instance.id` gives, as it is in rows of data sets and in records of runs. A file's task is read again from
    its path. Raises UserError if the text is no id, or names a row that does not exist.
    """
    text = cast("object", id)
    parts = _ID.fullmatch(id) if isinstance(text, str) else None
    if parts is None:
        given = repr(id[:80]) if isinstance(text, str) else f"an object of type {type(text).__name__}"
        raise UserError(f"{given} is not an id of an instance: write TASK#SEED-SPLIT-INDEX, e.g. maze/9#0-train-17")
    data = load(parts["task"], int(parts["seed"]), int(parts["pool"] or POOL))
    return (data.train if parts["split"] == "train" else data.test)[int(parts["index"])]


def expand(name: str) -> list[str]:
    """The task names that `name` stands for: `LAYOUT:FOLDER` gives one a file below it, sorted; else one.

    `arc-json:FILE.zip` gives one a file in the archive, `arc-agi-1:evaluation` one a task. A file that cannot be read
    is among them: `load` says why, and the rest are not lost with it.
    """
    source = _source(name)
    if source is None:
        return _episodes(name) if is_corpus(name) and "episode=" not in name else [spec(name).name]
    path, _, tail = _parts(name, source)
    layout = name.partition(":")[0]
    return [f"{layout}:{task}{tail}" for task in source.expand(path)]


def is_corpus(name: str) -> bool:
    """Whether the task is fixed, with its own demonstrations (an ARC file, an episode), not pairs without end."""
    if name.partition(":")[0] in CORPORA:
        return True
    try:
        params = spec(name).params if _source(name) is None else None
    except UserError:  # runs may hold tasks of other versions: what is unknown brings nothing
        return False
    return isinstance(params, Demonstrated) and params.fixed


def flaws(name: str) -> list[str]:
    """What is known to be wrong in a task's data, a sentence a faulty pair; nothing of a task that cannot be read.

    Reads the file of a corpus' task where its name is among the known ones, and no other.
    """
    from vizbench.formats.arc import errata

    if not is_corpus(name) or PurePosixPath(name).stem not in errata.TASKS:
        return []
    try:
        rows = load(name).train
    except UserError:  # who measures it is told why
        return []
    return rows[0].meta.get("flagged", [])


def path_and_params(rest: str) -> tuple[str, Mapping[str, str]]:
    """PATH?key=value&key=value as path and parameters; split at the last `?`, because a path may hold others."""
    path, mark, query = rest.rpartition("?")
    return (path, parameters.query(query)) if mark else (rest, {})


def files_below(path: Path, suffix: str) -> list[str]:
    """The path itself, or, of a folder, the files below it whose names end so, sorted. Hidden names are left out."""
    if not path.is_dir():
        return [path.as_posix()]
    files: list[str] = []
    for file in visible_files(path):
        if file.name.endswith(suffix):
            files.append(file.as_posix())
        if len(files) > MAX_FILES:
            raise UserError(f"{path} holds over {MAX_FILES:,} {suffix} files: give a smaller folder")
    if not files:
        raise UserError(f"{path} holds no {suffix} file: give a folder of them, or one file")
    for file in files:
        _check_text(file)
    return sorted(files)


def judge_of(row: Instance | str) -> Judge:
    """Who judges this row, or the rows of the task of this name. Opens no file, whatever path the name holds."""
    return rules_of(row if isinstance(row, str) else row.task)[0]


def rules_of(name: str) -> tuple[Judge, Any]:
    """The judge of a task and its record of parameters. Opens no file, whatever path the name holds."""
    source = _source(name)
    if source is None:
        found = spec(name)
        return found.task, found.params
    return source.rules(_parts(name, source)[1])


def version_of(judge: Judge) -> int:
    """The version of the task that a judge belongs to."""
    if isinstance(judge, Task):
        return judge.version
    from vizbench.formats.arc import task_files

    return task_files.VERSION


def verify(instance: Instance, answer: object) -> Verdict:
    """Judge any object as the answer to an instance. Never raises: what is no grid is a wrong answer with a reason.

    answer: a grid `(h, w)`, rows as nested lists, a text (read by `from_text`), an `Answer`, a `DecodeFailure` (wrong,
    with its reason), or a picture in the task's own look: a `PIL.Image` or an array `(H, W, 3)` uint8.
    """
    judge = judge_of(instance)
    grid = _read(judge, instance, answer)
    if type(grid) is DecodeFailure:  # `isinstance` would ask a hostile object
        return Verdict(False, False, 0.0, grid.reason)
    return judge.verify(instance, grid)


def verify_steps(instance: Instance, states: object) -> Verdict:
    """Judge a whole process: the states after the question that lead to an answer.

    Each state must follow from the one before by one move, and the last be right, or in a game, which is then played to
    its end, the first; the reason names the step. Never raises, whatever `states` is; UserError if the task has no
    rule for moves (ARC files).

    states: a list of whatever `verify` reads, grids `(k, h, w)`, or a clip `(k, H, W, 3)` uint8 with one state per
    frame. A text is a list of grids in JSON, `[[[0,1]],[[1,0]]]`, and nothing else: which of the grids in prose are
    states is not guessed.
    """
    judge = judge_of(instance)
    if not isinstance(judge, Task):
        raise UserError(f"{instance.task[:80]} has answers without a way to them: judge the last state by verify")
    grids = _read_states(cast("Task[Any]", judge), instance, states)
    if type(grids) is DecodeFailure:
        return Verdict(False, False, 0.0, grids.reason, {"legal": 0.0})
    return judge.verify_steps(instance, grids)


def _read_states(judge: Judge, instance: Instance, states: object) -> object:
    """The states with texts and pictures read, or a DecodeFailure that names the first that holds no grid."""
    from vizbench.renderers.coerce import is_picture  # as in `_read`

    if issubclass(type(states), str):
        states = _json_states(str.__str__(cast("str", states)))
        if type(states) is DecodeFailure:
            return states
    elif type(states) in (Answer, DecodeFailure) or is_picture(states):
        states = [states]
    items = as_states(states)
    if isinstance(items, str):
        return DecodeFailure(items)
    grids: list[object] = []
    for number, state in enumerate(items, 1):
        grid = _read(judge, instance, state)
        if type(grid) is DecodeFailure:  # `isinstance` would ask a hostile object
            return DecodeFailure(f"step {number}: {grid.reason}")
        grids.append(grid)
    return grids


def _json_states(text: str) -> object:
    """The list of grids that a text is."""
    try:
        return msgspec.json.decode(text.strip(), type=list[list[list[int]]])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return DecodeFailure("the text is no process: give a list of grids in JSON, [[[0,1]],[[1,0]]]")


def _read(judge: Judge, instance: Instance, answer: object) -> object:
    """An answer with a text or a picture read in the task's own look and size."""
    from vizbench.renderers.coerce import read_handed  # the kernels that read pictures take a second to load

    rows, columns = instance.target.shape
    if judge.resizes:
        return read_handed(answer, judge.look, None)
    question = instance.question if instance.question.shape == instance.target.shape else None
    return read_handed(answer, judge.look, (rows, columns), question)


def _episodes(name: str) -> list[str]:
    """The episodes that a task stands for where it says none."""
    return [spec(name, {"episode": number}).name for number in range(EPISODES)]


def _source(name: str) -> FileSource | None:
    """What reads the files of a name's layout; None for a room's task."""
    layout, colon, _ = name.partition("?")[0].partition(":")
    if layout in LAYOUTS:
        return importlib.import_module(LAYOUTS[layout]).SOURCES[layout]
    if colon:
        raise unknown("layout of files", layout, LAYOUTS)
    return None


def _parts(name: str, source: FileSource) -> tuple[Path, Mapping[str, str], str]:
    """The path, the parameters, and the text of these."""
    layout, _, rest = name.partition(":")
    _check_text(rest)
    path, params = source.parse(rest)
    if not path or "\0" in path:
        raise UserError(f"{name[:80]!r} names no path: give a file or a folder, e.g. {layout}:data/task{source.suffix}")
    return Path(path), params, rest[len(path) :]


def _check_text(name: str) -> None:
    """UserError for a name that no record could hold."""
    if not is_text(name):
        raise UserError(f"the name {name[-80:]!r} is not UTF-8: rename the file")
