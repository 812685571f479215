"""Make readable labels of tasks and models, and keep those of equal names apart."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Final, TypeAlias, TypeVar

from vizbench._util.text import escape_control
from vizbench.harness.records.records import TrialResult
from vizbench.model import DEFAULT

K = TypeVar("K")

ModelName: TypeAlias = tuple[str, str, str]
"""A model's name, checkpoint and training, unabridged."""

_FORMULAS: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""What makes a spreadsheet read a value as a formula."""

NONE: Final = "none"
"""Stands for the checkpoint and the training of a model that has none."""

OWN: Final = "the model's own"
"""Stands for the training of a model that chooses itself how long to train."""


MOST_NAMED: Final = 3
"""Tasks of one prompt that are named; the others are counted."""


def task_label(task: str, origin: str = "") -> str:
    """Return the name of a task in a form that fits into a table.

    Of a file it is the folder and the name.

    origin: what keeps it apart from others (`disambiguate`), or "".
    """
    layout, _, path = task.partition(":")
    label = task
    if path:
        label = f"{layout}: {'/'.join(path.removesuffix('.json').split('/')[-2:])}"
    return escape_control(f"{label} ({origin})" if origin else label)


def disambiguate(runs: Sequence[TrialResult]) -> list[str]:
    """Return for each run what keeps its task apart from others of the same label; "" if nothing is needed.

    The folder, if files in other folders have the same name. The whole file name, if only the ending
    differs. The digest of the data, if the file held other data, or if other questions were asked.
    """
    variants: dict[tuple[str, str], set[str]] = {}
    for run in runs:
        if run.is_corpus:
            task = run.header.trial.task
            variants.setdefault(("folder", task_label(task)), set()).add(_above(task))
            variants.setdefault(("file", _full_label(task)), set()).add(task)
            variants.setdefault(("data", task), set()).add(run.header.data.digest[:6])
    return [origin(run, variants) if run.is_corpus else "" for run in runs]


def origin(run: TrialResult, variants: Mapping[tuple[str, str], Set[str]]) -> str:
    """Return what keeps the task of a corpus run apart.

    variants: the folders of each label, the files of each folder and label, and the digests of each file.
    """
    task = run.header.trial.task
    parts: list[str] = []
    if len(variants["folder", task_label(task)]) > 1:
        parts.append(f"in {_above(task)}")
    if len(variants["file", _full_label(task)]) > 1:
        parts.append(f"file {task.rpartition('/')[2]}")
    if len(variants["data", task]) > 1:
        parts.append(f"data {run.header.data.digest[:6]}")
    return ", ".join(parts)


def prompts(runs: Sequence[TrialResult]) -> list[tuple[str, str]]:
    """Return the prompts that models read, each with the tasks whose first question had it."""
    tasks: dict[str, dict[str, None]] = {}
    for run in runs:
        if run.header.first_prompt is not None:
            tasks.setdefault(run.header.first_prompt, {})[task_label(run.header.trial.task)] = None
    named: list[tuple[str, str]] = []
    for prompt, names in tasks.items():
        listed = ", ".join(list(names)[:MOST_NAMED])
        more = len(names) - MOST_NAMED
        named.append((f"{listed} and {more:,} more" if more > 0 else listed, escape_control(prompt)))
    return named


def model_label(model: str, checkpoint: str, training: str = OWN, mark: str = "") -> str:
    """Return the name of a model in a readable form, on one line.

    Of a path it is the last part. The checkpoint is added if there is a choice of them, and the training if
    the plan prescribes it.

    mark: what keeps it apart from others of the same label (`model_marks`), or "".
    """
    parts = [model.rpartition("/")[2]]
    if checkpoint not in (NONE, DEFAULT):
        parts.append(checkpoint)
    if training not in (NONE, OWN):
        parts.append(training)
    if mark:
        parts.append(mark)
    return escape_control(" · ".join(parts))


def model_marks(models: Iterable[ModelName]) -> dict[ModelName, str]:
    """Return for each model what its label needs so that no two labels look alike; "" if nothing.

    Models whose labels are equal, or differ only in case, get the part of the path that was left out. If
    that is not enough, because names differ in spaces or in how a letter is encoded, they get a digest of
    the full name.
    """
    marks = dict.fromkeys(models, "")
    for group in _alike(marks, str.casefold):
        for model in group:
            folder = model[0].rpartition("/")[0]
            marks[model] = f"from {folder}" if folder else ""
    for group in _alike(marks, str):
        for model in group:
            digest = f"#{short_digest(model)}"
            marks[model] = f"{marks[model]} · {digest}" if marks[model] else digest
    return marks


def shortened(names: Iterable[str], most: int) -> dict[str, str]:
    """Return each name on one line of at most `most` characters, no two alike.

    A long name loses its middle.
    """
    lines: dict[str, str] = {}
    half = (most - 1) // 2
    for name in names:
        line = escape_control(name)
        lines[name] = line if len(line) <= most else f"{line[: most - 1 - half]}…{line[-half:]}"
    for group in _groups(lines, lambda name: lines[name]):
        for name in group:
            digest = short_digest(name)
            lines[name] = f"{escape_control(name)[: most - 1 - len(digest)]}…{digest}"
    return lines


def short_digest(value: object) -> str:
    """Return six characters that identify a value among a few."""
    return hashlib.blake2b(repr(value).encode("utf-8", "surrogatepass"), digest_size=3).hexdigest()


def spreadsheet_text(text: str) -> str:
    """Return a name for a CSV file: on one line, with control characters escaped.

    An apostrophe is put in front if a spreadsheet would run the name as a formula.
    """
    line = escape_control(text)
    return f"'{line}" if line.lstrip().startswith(_FORMULAS) else line


def model_key(model: str, checkpoint: str, training: str = OWN) -> str:
    """Return the model as a part of an address within the report."""
    key = f"{model}@{checkpoint}"
    return key if training in (NONE, OWN) else f"{key}@{training}"


def _above(task: str) -> str:
    """Return the part of a file's path that its label leaves out."""
    return "/".join(task.partition(":")[2].split("/")[:-2]) or "."


def _full_label(task: str) -> str:
    return f"{task_label(task)} in {_above(task)}"


def _alike(marks: Mapping[ModelName, str], read: Callable[[str], str]) -> list[list[ModelName]]:
    """Return the groups of models whose labels are equal after `read`, as a page shows them."""
    return _groups(marks, lambda model: read(_seen(model_label(*model, marks[model]))))


def _groups(values: Iterable[K], key: Callable[[K], str]) -> list[list[K]]:
    """Return the groups of two or more values with the same key."""
    groups: dict[str, list[K]] = {}
    for value in values:
        groups.setdefault(key(value), []).append(value)
    return [group for group in groups.values() if len(group) > 1]


def _seen(label: str) -> str:
    """Return a label as a page shows it: with single spaces, and letters in one encoding."""
    return " ".join(unicodedata.normalize("NFKC", label).split())
