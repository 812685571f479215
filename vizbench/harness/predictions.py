"""Answers that another program saved, by the row that each answers: a file of JSON Lines, or a folder of files.

A file in a folder answers the row that its name ends in: `17.png`, `maze_0017.mp4`, or with the split said as well,
`0-test-17.png`, a row's id from its `#` on. In the layout that VMEvalKit writes, `.../TASK_ID/RUN_ID/video/NAME.mp4`,
it is the folder TASK_ID that names the row.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias, final
from urllib.parse import unquote

from vizbench.dataset import Recipe
from vizbench.errors import UserError
from vizbench.formats.answers import answer_lines
from vizbench.formats.manifest import NAME
from vizbench.types import Json

MAX_LINE: Final = 64 << 20
"""Bytes of the longest line that is read: a process of many states is long."""

MAX_FILES: Final = 1_000_000
"""Folders with more files are refused."""

PICTURES: Final = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".tif", ".tiff", ".bmp"})
VIDEOS: Final = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm"})

Kind: TypeAlias = Literal["lines", "pictures", "videos", "vmevalkit"]

_SHARD = re.compile(r"(train|test)-[0-9]{5}\.(jsonl|parquet)")
_NUMBER = re.compile(r"(?:.*[^0-9])?(?P<index>[0-9]{1,12})", re.DOTALL)
_PLACE = re.compile(r"(?:.*[^0-9])?(?P<seed>[0-9]{1,19})-(?P<split>train|test)-(?P<index>[0-9]{1,12})", re.DOTALL)


@final
@dataclass(frozen=True, slots=True)
class Given:
    """The answers by row id, not yet looked into: a value of JSON, or a file.

    strangers: names of answers to rows that the data set lacks; duplicates: answers to a row that had one.
    """

    kind: Kind
    answers: dict[str, Json | Path]
    strangers: list[str]
    duplicates: int


def read_predictions(path: Path, recipe: Recipe, rows: int) -> Given:
    """The answers in a file or folder to the first `rows` rows of a recipe; the first to a row counts, files in order
    of their names. UserError where there are none, or pictures beside videos, or a line is no answer."""
    _refuse_own(path)
    if not path.is_dir():
        return _sorted_out("lines", answer_lines(path), recipe, rows)
    files = _files(path)
    runs = [file for file in files if file.suffix.lower() in VIDEOS and _of_a_run(file.relative_to(path))]
    if runs:
        return _sorted_out("vmevalkit", ((file.parts[-4], file) for file in runs), recipe, rows)
    here = [file for file in files if file.parent == path]
    pictures = [file for file in here if file.suffix.lower() in PICTURES]
    videos = [file for file in here if file.suffix.lower() in VIDEOS]
    if bool(pictures) == bool(videos):
        fault = "pictures and videos" if pictures else "neither pictures nor videos"
        raise UserError(f"{path} holds {fault}: give a folder of {_names(PICTURES)}, or one of {_names(VIDEOS)}")
    kind: Kind = "pictures" if pictures else "videos"
    return _sorted_out(kind, ((file.stem, file) for file in pictures or videos), recipe, rows)


def _refuse_own(path: Path) -> None:
    """UserError for a data set, or a part of one: it holds the stored answers, and they are no model's."""
    if (path / NAME).is_file():
        raise UserError(
            f"{path} is a data set and holds no model's answers (its target folder or rows are what answers are judged "
            "by): give the model's own, a file of JSON Lines or a folder of files named by row, 0.png, 1.png …"
        )
    if (path.parent / NAME).is_file() and (path.name in ("question", "target") or _SHARD.fullmatch(path.name)):
        raise UserError(
            f"{path} is a part of the data set {path.parent} and holds no model's answers: give the model's own, a "
            "file of JSON Lines or a folder of files named by row, 0.png, 1.png …"
        )


def row_named(name: str, recipe: Recipe, rows: int) -> str | None:
    """The id of the row that a file's name, or an id, speaks of; None where the data set has no such row."""
    name = unquote(name)
    said = _PLACE.fullmatch(name)
    if said is not None and (int(said["seed"]), said["split"]) != (recipe.seed, recipe.split):
        return None
    found = said or _NUMBER.fullmatch(name)
    task, hash_sign, _ = name.rpartition("#")
    if found is None or int(found["index"]) >= rows or (hash_sign and _plain(task) != _plain(recipe.task)):
        return None
    return f"{recipe.task}#{recipe.seed}-{recipe.split}-{int(found['index'])}"


def _sorted_out(kind: Kind, named: Iterable[tuple[str, Json | Path]], recipe: Recipe, rows: int) -> Given:
    answers: dict[str, Json | Path] = {}
    strangers: list[str] = []
    duplicates = 0
    for name, answer in named:
        row = row_named(name, recipe, rows)
        if kind == "lines" and row != name:  # a file's name may leave out what an id says
            row = None
        if row is None:
            strangers.append(name)
        else:
            duplicates += row in answers
            answers.setdefault(row, answer)
    return Given(kind, answers, strangers, duplicates)


def _plain(task: str) -> str:
    """A task's name without what a file's name may not have."""
    return re.sub(r"[^a-z0-9]", "", unquote(task).lower())


def _of_a_run(place: Path) -> bool:
    """Whether a file lies as TASK_ID/RUN_ID/video/NAME."""
    return len(place.parts) >= 4 and place.parent.name == "video"


def _files(path: Path) -> list[Path]:
    """The files below a folder, in order of their names; links to folders are not followed."""
    files: list[Path] = []
    for folder, folders, names in os.walk(path):
        folders.sort()
        files += [Path(folder, name) for name in names]
        if len(files) > MAX_FILES:
            raise UserError(f"{path} holds over {MAX_FILES:,} files: give a smaller folder")
    return sorted(files)


def _names(suffixes: Iterable[str]) -> str:
    return ", ".join(sorted(suffixes))
