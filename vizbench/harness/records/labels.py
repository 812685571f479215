"""What tasks and models are called where people read them."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias, TypeVar

from vizbench._util.text import escape_control
from vizbench.model import DEFAULT

K = TypeVar("K")

ModelName: TypeAlias = tuple[str, str, str]
"""A model's name, checkpoint and training, in full."""

_FORMULAS: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠")

NONE: Final = "none"
"""The checkpoint, and the training, of what has none."""

OWN: Final = "the model's own"
"""How long a model trains where the plan does not say it."""


def task_label(task: str, origin: str = "") -> str:
    """A task's name, short enough for a table: of a file its folder and name, and its `origins.origins`, if
    any."""
    kind, _, path = task.partition(":")
    label = f"{kind}: {'/'.join(path.removesuffix('.json').split('/')[-2:])}" if path else task
    return escape_control(f"{label} ({origin})" if origin else label)


def model_label(model: str, checkpoint: str, training: str = OWN, mark: str = "") -> str:
    """A model's name as people read it, on one line.

    Of a path it is the last part. The checkpoint follows if there is one to choose, the training if the plan
    fixed it, and the mark that tells it from others of the same name (`model_marks`)."""
    parts = [model.rpartition("/")[2]]
    parts += [checkpoint] if checkpoint not in (NONE, DEFAULT) else []
    parts += [training] if training not in (NONE, OWN) else []
    parts += [mark] if mark else []
    return escape_control(" · ".join(parts))


def model_marks(models: Iterable[ModelName]) -> dict[ModelName, str]:
    """For each model what its label needs so that no two labels look alike: "" if nothing.

    Models whose labels differ in case only, or not at all, get the part of the path that was left out. If
    that is not enough, as with names that differ in spaces or in how a letter is written, they get a digest
    of the full name."""
    marks = dict.fromkeys(models, "")
    for group in _alike(marks, str.casefold):
        marks.update((model, _origin(model)) for model in group)
    for group in _alike(marks, str):
        marks.update(
            (model, " · ".join(filter(None, (marks[model], f"#{short_digest(model)}")))) for model in group
        )
    return marks


def shortened(names: Iterable[str], most: int) -> dict[str, str]:
    """Each name on one line of at most `most` characters, no two alike. A long name loses its middle."""
    found: dict[str, str] = {}
    for name in names:
        line, half = escape_control(name), (most - 1) // 2
        found[name] = line if len(line) <= most else f"{line[: most - 1 - half]}…{line[-half:]}"
    for group in _groups(found, lambda name: found[name]):
        for name in group:
            digest = short_digest(name)
            found[name] = f"{escape_control(name)[: most - 1 - len(digest)]}…{digest}"
    return found


def short_digest(value: object) -> str:
    """Six characters that name a value among a few."""
    return hashlib.blake2b(repr(value).encode("utf-8", "surrogatepass"), digest_size=3).hexdigest()


def spreadsheet_text(text: str) -> str:
    """A name as a cell of a CSV file: on one line, what a terminal would obey escaped, and behind an
    apostrophe if a spreadsheet would run it as a formula."""
    line = escape_control(text)
    return f"'{line}" if line.lstrip().startswith(_FORMULAS) else line


def model_key(model: str, checkpoint: str, training: str = OWN) -> str:
    """The model in an address within the report."""
    return f"{model}@{checkpoint}" + (f"@{training}" if training not in (NONE, OWN) else "")


def _origin(model: ModelName) -> str:
    folder = model[0].rpartition("/")[0]
    return f"from {folder}" if folder else ""


def _alike(marks: Mapping[ModelName, str], read: Callable[[str], str]) -> list[list[ModelName]]:
    """The groups of models whose labels look alike to one who reads them so."""
    return _groups(marks, lambda model: read(_seen(model_label(*model, marks[model]))))


def _groups(values: Iterable[K], key: Callable[[K], str]) -> list[list[K]]:
    """The groups of two or more values that have one key."""
    groups: dict[str, list[K]] = {}
    for value in values:
        groups.setdefault(key(value), []).append(value)
    return [group for group in groups.values() if len(group) > 1]


def _seen(label: str) -> str:
    """A label as a page shows it: runs of spaces as one, letters however they are composed."""
    return " ".join(unicodedata.normalize("NFKC", label).split())
