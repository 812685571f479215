"""Read names of files and folders as keys of rows: `17`, `maze_0017`, `0-test-17`, `maze_0017_seed0`.

A name is read as a whole. Beside the row's number it may say the task, a word for a row, and notes that tools
put into names, such as a sampling seed or the time. Other letters are allowed only if they are the same in
all names, because different letters mean different models or tasks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Final, NoReturn, final
from urllib.parse import unquote

from vizbench.dataset.mixture import MixedSplit
from vizbench.dataset.splits import SplitSpec
from vizbench.errors import UserError
from vizbench.types import POOL, row_id

MAX_LISTED: Final = 8
"""Names that a message lists at most."""

ROW_WORDS: Final = (
    "row", "sample", "item", "index", "idx", "id", "question", "q", "puzzle", "problem", "instance",
    "example", "case", "task",
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

# Notes are between separators. A note of the first kind never holds the row's number. A note of the second
# kind may be the whole name: `step_3.png` is row 3 and `0_step3.png` is row 0.
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

    def __init__(self, spec: SplitSpec, rows: int, mixed: MixedSplit | None = None) -> None:
        """Read names of the first `rows` rows of a split.

        mixed: the split if it is of a mixture. A number is then a row's place in the data set, and an id
        gives a row's number in its own task.
        """
        self._spec = spec
        self._rows = rows
        self._mixed = mixed
        self._heads = _heads(spec) if mixed is None else frozenset({"", spec.split, *ROW_WORDS})
        self._tasks = {} if mixed is None else {_letters(side.task): side.task for side in mixed.sides}
        self._own: dict[str, int | None] = {}

    def id_of(self, index: int) -> str:
        """Return the id of a row."""
        spec, number = (self._spec, index) if self._mixed is None else self._mixed.place(index)
        return row_id(spec.task, spec.seed, spec.split, number, spec.pool)

    def row_of_id(self, name: str) -> int | None:
        """Return the row whose id equals a name letter by letter, or None."""
        match = _PLACE.fullmatch(name)
        if match is None:
            return None
        index = int(match["index"])
        if self._mixed is not None:
            place = self._mixed.position(match["head"].removesuffix("#"), index)
            index = self._rows if place is None else place
        return index if index < self._rows and name == self.id_of(index) else None

    def own(self, name: str) -> int | None:
        """Return the row of a name that says the row by itself: its number, perhaps the task, and notes.

        Return None for any other name.
        """
        index = self._index_in(name)
        return None if index is None or index >= self._rows else index

    def is_task(self, name: str) -> bool:
        """Return whether a name is the task's and no row's: `maze-9` ends in a number and is `maze/9`."""
        return _letters(unquote(name)) in self._heads - {"", self._spec.split, *ROW_WORDS}

    def rows(self, names: Collection[str], place: str) -> Mapping[str, int | None]:
        """Return the row of each name, or None for a name that says no row of the data set.

        If any name says its row by itself (see `own`), the others are of other tasks or models and say no
        row. Otherwise all names must be spelt alike except for their numbers, of which only one may change
        from name to name. In a mixture these say no row: they may count the rows of one task.

        place: what an error calls the folder.

        Raises UserError with the names if it cannot be known which row is meant. The same holds if other
        names may be the answers to rows that no name says by itself.
        """
        indices: dict[str, int] = {}
        others: list[str] = []
        for name in names:
            index = self._index_in(name)
            if index is not None:
                indices[name] = index
            elif _NUMBER.search(name) and not self._is_foreign(name):
                others.append(name)
        if not indices:
            indices = self._alike(others, place) if self._mixed is None else {}
        elif doubtful := self._doubtful(others, indices):
            _refuse_kinds(place, [next(iter(indices)), *doubtful])
        within = {name: index for name, index in indices.items() if index < self._rows}
        return {name: within.get(name) for name in names}

    def _doubtful(self, others: list[str], indices: Mapping[str, int]) -> list[str]:
        """Return the names that may be the answers to rows that no name says by itself.

        The copy of a file is no such answer.
        """
        answered = set(indices.values())
        doubtful: list[str] = []
        for name in sorted(others):
            is_copy = _COPY.sub("", name) in indices
            fills = any(index < self._rows and index not in answered for index in _numbers(name))
            if fills and not is_copy:
                doubtful.append(name)
        return doubtful

    def _index_in(self, name: str) -> int | None:
        """Return the row that a name says by itself, even one beyond the data set, or None."""
        if name not in self._own:  # a name is asked for several times
            self._own[name] = self._read(name) if _NUMBER.search(name) else None
        return self._own[name]

    def _read(self, name: str) -> int | None:
        plain = without_notes(unquote(name))
        match = _PLACE.fullmatch(plain)
        if match is not None and self._mixed is not None:
            task = self._tasks.get(_letters(match["head"]))
            is_row = task is not None and self._is_here(match)
            return self._mixed.position(task, int(match["index"])) if is_row and task else None
        if match is not None:
            is_row = self._is_here(match) and _letters(match["head"]) in self._heads
            return int(match["index"]) if is_row else None
        for number in _NUMBER.finditer(plain):
            head, tail = _letters(plain[: number.start()]), _letters(plain[number.end() :])
            attached = plain[number.end() : number.end() + 1].isalpha()
            if head in self._heads and not attached and (not tail or tail in ANSWER_WORDS):
                digits = number[0].lstrip("0")
                return int(digits or "0") if len(digits) <= 12 else None
        return None

    def _is_foreign(self, name: str) -> bool:
        """Return whether a name says another seed or split, or is an id of another task."""
        plain = without_notes(unquote(name))
        match = _PLACE.fullmatch(plain)
        if match is None:
            other = "test" if self._spec.split == "train" else "train"
            return re.search(rf"{_START}{other}[\W_]*[0-9]", plain) is not None
        return not self._is_here(match) or "#" in match["head"]

    def _is_here(self, match: re.Match[str]) -> bool:
        """Return whether a name says this data set's seed, split and pool."""
        spec = self._spec
        pool = spec.pool if spec.split == "test" else POOL
        named_pool = int(match["pool"] or POOL)  # an id says any pool but the default one
        return (int(match["seed"]), match["split"], named_pool) == (spec.seed, spec.split, pool)

    def _alike(self, names: list[str], place: str) -> dict[str, int]:
        """Return the rows of names that do not name the task, if they are spelt alike."""
        names = sorted(names)  # the messages are the same for any order
        spellings = {name: _spelling(name) for name in names}
        counts = Counter(spellings.values())
        if len(counts) > 1:
            common = [spelling for spelling, count in counts.items() if count > 1]
            if len(common) != 1:  # if one spelling recurs, names of the others are strays
                first_of = {spellings[name]: name for name in reversed(names)}
                _refuse_kinds(place, [first_of[spelling] for spelling in counts])
            names = [name for name in names if spellings[name] == common[0]]
        numbers = {name: _numbers(name) for name in names}
        ends_in_number = bool(names) and _cleaned(names[0])[-1].isdigit()
        position = self._position(list(numbers.values()), ends_in_number)
        if position is None and names:
            raise UserError(
                f"{place} holds names with several numbers ({listed(names)}), and which one is the row "
                "cannot be known: name them by row, 17 or maze_0017, or with a note, 17_seed0"
            )
        return {name: row[position or 0] for name, row in numbers.items()}

    def _position(self, numbers: list[list[int]], ends_in_number: bool) -> int | None:
        """Return which of the numbers in each name is the row's, or None if that cannot be known.

        ends_in_number: whether the names end in a number. That number is the row's if none changes, as for a
        single name.
        """
        columns = list(zip(*numbers, strict=True))
        changing: dict[tuple[int, ...], int] = {}  # equal columns count once, at their first position
        for position, column in enumerate(columns):
            if len(set(column)) > 1:
                changing.setdefault(column, position)
        if len(changing) > 1:  # a number beyond the rows is no row's
            changing = {column: position for column, position in changing.items() if max(column) < self._rows}
        if len(changing) == 1:
            return next(iter(changing.values()))
        is_constant = bool(columns) and len(set(columns[-1])) == 1
        if not changing and is_constant and (ends_in_number or len(columns) == 1):
            return len(columns) - 1
        return None


def _refuse_kinds(place: str, names: list[str]) -> NoReturn:
    raise UserError(
        f"{place} holds names of several kinds ({listed(names)}), which may be of several models or tasks: "
        "give the answers of one model to one task, named by row, 17 or maze_0017"
    )


def is_numbered(name: str) -> bool:
    """Return whether a name holds a number that is no note."""
    return bool(_NUMBER.search(_WEAK_NOTES.sub("", _NOTES.sub("", unquote(name)))))


@lru_cache(maxsize=1 << 16)
def without_notes(name: str) -> str:
    """Return a name without the notes of tools, as long as a number is left.

    `0_step5` becomes `0_`, and `step5` stays.
    """
    name = _drop(name, _NOTES)
    notes = list(_WEAK_NOTES.finditer(name))
    for note in reversed(notes):  # the last first, because a row's number comes before its notes
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
    steps = list(_STEP.finditer(unquote(name)))
    return int(steps[-1]["step"]) if steps else None


def listed(names: Iterable[str]) -> str:
    """Return the first names for a message, quoted."""
    names = list(names)
    quoted = ", ".join(repr(name[:60]) for name in names[:MAX_LISTED])
    return f"{quoted} …" if len(names) > MAX_LISTED else quoted


def _drop(name: str, notes: re.Pattern[str]) -> str:
    shorter = notes.sub("", name)
    return shorter if _NUMBER.search(shorter) else name


def _cleaned(name: str) -> str:
    """Return a name without its notes and without separators at the end."""
    return without_notes(unquote(name)).rstrip(" _-.#") or name


def _numbers(name: str) -> list[int]:
    return [int(number[-18:]) for number in _NUMBER.findall(_cleaned(name))]


def _spelling(name: str) -> tuple[str, ...]:
    """Return what a name says around its numbers."""
    return tuple(_letters(part) for part in _NUMBER.split(_cleaned(name)))


def _letters(text: str) -> str:
    """Return text in lower case without separators. Letters of any alphabet count."""
    return re.sub(r"[\W_]", "", text).lower()


def _heads(spec: SplitSpec) -> frozenset[str]:
    """Return what may come before a row's number: nothing, the task in any spelling, a word for a row."""
    bare = unquote(spec.task).partition("?")[0]
    _, colon, path = bare.partition(":")
    parts = [PurePosixPath(path).stem] if colon else bare.split("/")
    names = {spec.task, bare, *parts}
    tasks = {_letters(name) for name in names if not name.isdigit()} - {""}
    words = {"", spec.split, *ROW_WORDS}
    combined = {task + word for task in tasks for word in words}
    return frozenset(words | tasks | combined)
