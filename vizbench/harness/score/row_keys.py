"""Names of files and folders as keys of rows: `17`, `maze_0017`, `0-test-17`, `maze_0017_seed0`.

A name is read as a whole. What it may say beside the row's number is the task, a word for a row, and the
notes that tools put into names, such as a sampling seed or the time. Other letters are allowed only if they
are the same in all names, because different letters are different models or tasks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Final, NoReturn, final
from urllib.parse import unquote

from vizbench.dataset import SplitSpec
from vizbench.errors import UserError
from vizbench.types import POOL, row_id

MOST_NAMED: Final = 8
"""Names that a message lists at most."""

ROW_WORDS: Final = (
    "row", "sample", "item", "index", "idx", "id", "question", "q", "puzzle", "problem", "instance", "example", "case",
    "task",
)  # fmt: skip
"""Words that may come before a row's number and name no model and no task."""

ANSWER_WORDS: Final = (
    "answer",
    "output",
    "pred",
    "prediction",
    "result",
    "solution",
    "final",
    "generated",
    "video",
)
"""Words that may follow a row's number."""

# Notes are between separators. The first kind never holds the row's number. The second may be all that a name
# says: `step_3.png` is row 3 and `0_step3.png` is row 0.
_START, _END = r"(?:(?<=[\W_])|^)", r"(?=[\W_]|$)"
_NOTES: Final = re.compile(
    rf"{_START}(?:"
    r"[0-9]{8}[-_T ]?[0-9]{6}"  # 20250103_143025
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[-_T ][0-9]{2}[-_:.]?[0-9]{2}[-_:.]?[0-9]{2})?"  # 2025-01-03
    r"|1[0-9]{9}(?:[0-9]{3})?"  # seconds or milliseconds since 1970
    r"|(?:seed|cfg|guidance|scale|strength|temp|temperature|lr)[-_= ]?[0-9]+(?:\.[0-9]+)?"
    r"|[0-9]{2,5}x[0-9]{2,5}"  # 512x512
    r"|[0-9]+(?:p|px|fps|hz|s|sec|steps|frames|f)"
    rf"){_END}",
    re.IGNORECASE,
)
_WEAK_NOTES: Final = re.compile(
    rf"{_START}(?:seed|steps?|run|attempt|try|take|gen|generation|version|v|ver|frames?|variant|candidate|shot|sample"
    rf"|output|out|rep|repeat|trial|epoch|ckpt|checkpoint)[-_= ]?[0-9]+{_END}",
    re.IGNORECASE,
)

_STEP: Final = re.compile(rf"{_START}(?:steps?|frames?)[-_= ]?(?P<step>[0-9]{{1,12}}){_END}", re.IGNORECASE)

_PLACE = re.compile(
    r"(?P<head>.*?)(?P<seed>[0-9]{1,19})-(?P<split>train|test)-(?P<index>[0-9]{1,12})"
    r"(?:-pool(?P<pool>[0-9]{1,7}))?",
    re.DOTALL,
)
_COPY: Final = re.compile(r"(?: - Copy| copy)?(?: ?\([0-9]+\)| [0-9]+)?$", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]+")


@final
class RowKeys:
    """Reads names as keys of one data set's rows."""

    def __init__(self, recipe: SplitSpec, rows: int) -> None:
        """Take the recipe of the data set and the number of its rows."""
        self._recipe = recipe
        self._rows = rows
        self._heads = _heads(recipe)
        self._own: dict[str, int | None] = {}

    def id_of(self, index: int) -> str:
        """Return the id of a row."""
        recipe = self._recipe
        return row_id(recipe.task, recipe.seed, recipe.split, index, recipe.pool)

    def row_of_id(self, name: str) -> int | None:
        """Return the row whose id a name is, letter by letter."""
        placed = _PLACE.fullmatch(name)
        if placed is None or name != self.id_of(int(placed["index"])) or int(placed["index"]) >= self._rows:
            return None
        return int(placed["index"])

    def own(self, name: str) -> int | None:
        """Return the row of a name that says the row, perhaps the task, and notes. None for any other
        name."""
        index = self._said(name)
        return None if index is None or index >= self._rows else index

    def is_task(self, name: str) -> bool:
        """Return whether a name is the task's, as `maze-9` is that of `maze/9`, though it ends in a
        number."""
        return _letters(unquote(name)) in _heads(self._recipe) - {"", self._recipe.split, *ROW_WORDS}

    def rows(self, names: Collection[str], place: str) -> Mapping[str, int | None]:
        """Return the row of each name, or None for a name that speaks of no row of the data set.

        If any name says its row by itself (see `own`), the others are of other tasks or models and speak of
        no row. Else all must be spelt alike but for their numbers, of which only one may change from name to
        name. UserError, with the names, if it cannot be known which row is meant, and if others may be the
        answers to rows that none of the names says by itself. place: what the error calls the folder."""
        own = {name: index for name in names if (index := self._said(name)) is not None}
        others = [
            name for name in names if name not in own and _NUMBER.search(name) and not self._is_foreign(name)
        ]
        if not own:
            own = self._alike(others, place)
        elif gaps := self._filling(others, own):
            _refuse_kinds(place, [next(iter(own)), *gaps])
        return {name: index if (index := own.get(name, self._rows)) < self._rows else None for name in names}

    def _filling(self, others: list[str], own: Mapping[str, int]) -> list[str]:
        """The names that may be the answers to rows that no name says by itself. Copies of a file are
        none."""
        answered = set(own.values())
        return [
            name
            for name in sorted(others)
            if _COPY.sub("", name) not in own
            and any(index < self._rows and index not in answered for index in _numbers(name))
        ]

    def _said(self, name: str) -> int | None:
        """The row that a name says by itself, also one beyond the data set. A name is asked for several
        times."""
        if name not in self._own:
            self._own[name] = self._read(name) if _NUMBER.search(name) else None
        return self._own[name]

    def _read(self, name: str) -> int | None:
        plain = without_notes(unquote(name))
        placed = _PLACE.fullmatch(plain)
        if placed is not None:
            if not self._is_here(placed):
                return None
            return int(placed["index"]) if _letters(placed["head"]) in self._heads else None
        for number in _NUMBER.finditer(plain):
            head, tail = _letters(plain[: number.start()]), _letters(plain[number.end() :])
            attached = plain[number.end() : number.end() + 1].isalpha()
            if head in self._heads and not attached and (not tail or tail in ANSWER_WORDS):
                digits = number[0].lstrip("0")
                return int(digits or "0") if len(digits) <= 12 else None
        return None

    def _is_foreign(self, name: str) -> bool:
        """Whether a name says another seed or split, or is an id of another task."""
        plain = without_notes(unquote(name))
        placed = _PLACE.fullmatch(plain)
        if placed is None:
            other = "test" if self._recipe.split == "train" else "train"
            return re.search(rf"{_START}{other}[\W_]*[0-9]", plain) is not None
        return not self._is_here(placed) or "#" in placed["head"]

    def _is_here(self, placed: re.Match[str]) -> bool:
        """Whether a name says this data set's seed, split and pool. Only the default pool is left out of
        ids."""
        recipe = self._recipe
        pool = recipe.pool if recipe.split == "test" else POOL
        said = int(placed["seed"]), placed["split"], int(placed["pool"] or POOL)
        return said == (recipe.seed, recipe.split, pool)

    def _alike(self, names: list[str], place: str) -> dict[str, int]:
        """The rows of names that do not name the task, if they are spelt alike."""
        names = sorted(names)  # the messages are the same for any order
        spellings = {name: _spelling(name) for name in names}
        counts = Counter(spellings.values())
        if len(counts) > 1:
            common = [spelling for spelling, count in counts.items() if count > 1]
            if len(common) != 1:  # one that recurs has strays beside it
                _refuse_kinds(
                    place, [next(n for n in names if spellings[n] == spelling) for spelling in counts]
                )
            names = [name for name in names if spellings[name] == common[0]]
        numbers = {name: _numbers(name) for name in names}
        at = self._position(list(numbers.values()), ends=bool(names) and _cleaned(names[0])[-1].isdigit())
        if at is None and names:
            raise UserError(
                f"{place} holds names with several numbers ({listed(names)}), and which one is the row cannot be "
                "known: name them by row, 17 or maze_0017, or with a note, 17_seed0"
            )
        return {name: row[at or 0] for name, row in numbers.items()}

    def _position(self, numbers: list[list[int]], ends: bool) -> int | None:
        """Which of the numbers in each name is the row's; None if that cannot be known.

        ends: whether the names end in a number, which is the row's if none changes, as for a single name.
        """
        columns = list(zip(*numbers, strict=True))
        changing = {column: at for at, column in reversed(list(enumerate(columns))) if len(set(column)) > 1}
        if len(changing) > 1:  # equal columns count once; a number beyond the rows is no row's
            changing = {column: at for column, at in changing.items() if max(column) < self._rows}
        if len(changing) == 1:
            return next(iter(changing.values()))
        if not changing and columns and len(set(columns[-1])) == 1 and (ends or len(columns) == 1):
            return len(columns) - 1
        return None


def _refuse_kinds(place: str, names: list[str]) -> NoReturn:
    raise UserError(
        f"{place} holds names of several kinds ({listed(names)}), which may be of several models or tasks: give the "
        "answers of one model to one task, named by row, 17 or maze_0017"
    )


def is_numbered(name: str) -> bool:
    """Return whether a name holds a number that is no note."""
    return bool(_NUMBER.search(_WEAK_NOTES.sub("", _NOTES.sub("", unquote(name)))))


@lru_cache(maxsize=1 << 16)
def without_notes(name: str) -> str:
    """Return a name without the notes of tools, as long as a number is left: `0_step5` is `0_`, and `step5`
    stays."""
    name = _drop(name, _NOTES)
    remaining = list(_WEAK_NOTES.finditer(name))
    for note in reversed(remaining):  # the last first, because a row's number comes before its notes
        shorter = name[: note.start()] + name[note.end() :]
        if not _NUMBER.search(shorter):
            break
        name = shorter
    return name


def has_notes(name: str) -> bool:
    """Return whether a name holds notes beside its row."""
    return without_notes(unquote(name)) != unquote(name)


def step_of(name: str) -> int | None:
    """Return the number that a name gives after the word step or frame."""
    said = list(_STEP.finditer(unquote(name)))
    return int(said[-1]["step"]) if said else None


def listed(names: Iterable[str]) -> str:
    """Return the first names for a message, quoted."""
    some = list(names)
    return ", ".join(repr(name[:60]) for name in some[:MOST_NAMED]) + (" …" if len(some) > MOST_NAMED else "")


def _drop(name: str, notes: re.Pattern[str]) -> str:
    shorter = notes.sub("", name)
    return shorter if _NUMBER.search(shorter) else name


def _cleaned(name: str) -> str:
    """A name without its notes and without separators at the end."""
    return without_notes(unquote(name)).rstrip(" _-.#") or name


def _numbers(name: str) -> list[int]:
    return [int(number[-18:]) for number in _NUMBER.findall(_cleaned(name))]


def _spelling(name: str) -> tuple[str, ...]:
    """What a name says around its numbers."""
    return tuple(_letters(part) for part in _NUMBER.split(_cleaned(name)))


def _letters(text: str) -> str:
    """Text in lower case without separators. Letters of any alphabet count."""
    return re.sub(r"[\W_]", "", text).lower()


def _heads(recipe: SplitSpec) -> frozenset[str]:
    """What may come before a row's number: nothing, the task in one of its spellings, a word for a row."""
    bare = unquote(recipe.task).partition("?")[0]
    _, colon, path = bare.partition(":")
    names = {recipe.task, bare, PurePosixPath(path).stem} if colon else {recipe.task, bare, *bare.split("/")}
    tasks = {_letters(name) for name in names if not name.isdigit()} - {""}
    words = {"", recipe.split, *ROW_WORDS}
    return frozenset({*words, *tasks, *(task + word for task in tasks for word in words)})
