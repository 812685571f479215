"""Find the answers that another program saved, by the row that each answers.

They are in a file of JSON Lines or in a folder of files. These layouts of folders are read; `docs/answers.md`
lists them for users.

- flat: one file per row in the folder itself or below more folders, `17.png`, `wan/maze_task/maze_0017.mp4`
- runs, as VMEvalKit and VBVR-EvalKit write them: a folder `video` below the row's folder,
  `.../maze_0017/RUN/video/NAME.mp4` or `.../maze_0017/video/NAME.mp4`, perhaps with more folders in `video`
- a folder per row, `17/output.mp4`, or `17/001.png`, `17/002.png`: the last picture is the answer

All answers must be of one model and one task. `row_keys.RowKeys` reads the names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeAlias, final

from vizbench._util.paths import visible_files
from vizbench._util.text import escape_non_utf8, plural
from vizbench.dataset.mixture import MixedSplit
from vizbench.dataset.splits import SplitSpec
from vizbench.errors import UserError
from vizbench.formats.manifest import NAME
from vizbench.harness.score.answer_lines import Faults, LineAnswer, answer_lines
from vizbench.harness.score.row_keys import RowKeys, has_notes, is_numbered, listed, step_of
from vizbench.types import DecodeFailure

MAX_FILES: Final = 1_000_000
"""Folders with more files are refused."""

PICTURES: Final = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".tif", ".tiff", ".bmp"})
VIDEOS: Final = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm"})
_UNREAD: Final = frozenset({".apng", ".avi", ".avif", ".flv", ".heic", ".mpeg", ".mpg", ".wmv"})
"""Pictures and videos of formats that are not read."""

Kind: TypeAlias = Literal["lines", "pictures", "videos", "vmevalkit", "sequences"]
"""How the answers are saved. "sequences" are several numbered pictures per row."""


@final
@dataclass(frozen=True, slots=True)
class Pictures:
    """Several pictures that answer one row."""

    files: tuple[Path, ...]
    """In order: the last is the answer, and the earlier ones are its trajectory."""


SavedAnswer: TypeAlias = "LineAnswer | Path | Pictures"
"""One answer that is not decoded yet: a value of JSON, a file, or several pictures."""

_SHARD = re.compile(r"(train|test)-[0-9]{5}\.(jsonl|parquet|tar)")

_OWN_FOLDERS: Final = ("question", "target", "video")
"""Folders of pictures and clips that a data set has for each split."""

_CLIP_FOLDERS: Final = frozenset({"video", "videos"})
_PICTURE_FOLDERS: Final = frozenset({"image", "images", "picture", "pictures", "frames", "steps"})
"""Folders in a row's folder that hold its answer, in lower case."""

_QUESTION_FOLDERS: Final = frozenset(
    {"question", "questions", "input", "inputs", "reference", "ground_truth"}
)
_QUESTION_FILES: Final = frozenset({"first_frame", "final_frame", "ground_truth", "first_video"})
"""What tools copy beside an answer: the question and the reference."""

_LAST: Final = frozenset({"answer", "final", "output", "prediction", "result", "solution", "last"})
"""Names of the last picture of a sequence, if it has no number."""


_OWN_ANSWERS: Final = (
    "give the model's own, a file of JSON Lines or a folder of files named by row, 0.png, 1.png …"
)


@final
@dataclass(frozen=True, slots=True)
class Predictions:
    """The saved answers of one model, by row id, not decoded yet."""

    kind: Kind
    """How they are saved."""
    answers: dict[str, SavedAnswer]
    """The answer to each row that has one, by the row's id."""
    strangers: list[str]
    """Names of answers to rows that the data set lacks."""
    duplicates: int
    """Answers to a row that already had one."""
    faults: Faults = field(default_factory=Faults)
    """Lines that hold no answer."""


def read_predictions(path: Path, spec: SplitSpec, rows: int, mixed: MixedSplit | None = None) -> Predictions:
    """Return the answers in a file or folder to the first `rows` rows of a split.

    The first answer to a row counts. Files come in the order of their names, those without notes (`_seed1`)
    first. Hidden files are left out. mixed: the split if it is of a mixture.

    Raises UserError if there are no answers, if none is to a row, if they are of several models or tasks, if
    pictures are beside videos, and if no line of a file can be read.
    """
    _refuse_data_set(path)
    keys = RowKeys(spec, rows, mixed)
    predictions = _from_folder(path, keys) if path.is_dir() else _from_lines(path, keys)
    if predictions.strangers and not predictions.answers:
        names = sorted(set(predictions.strangers))
        raise UserError(
            f"{path} holds {plural(len(predictions.strangers), 'answer')} ({listed(names)}) "
            "and none to a row of the data set: name each by its row, "
            f"in lines by an id as {keys.id_of(0)!r}, in folders by a number, 17.png or maze_0017.mp4"
        )
    return predictions


def _refuse_data_set(path: Path) -> None:
    """Raise UserError for a data set or a part of one: its targets are no model's answers."""
    if (path / NAME).is_file():
        raise UserError(
            f"{path} is a data set and holds no model's answers "
            f"(its target folder or rows hold the targets): {_OWN_ANSWERS}"
        )
    folder = _data_set_around(path)
    if folder is not None:
        raise UserError(
            f"{path} is a part of the data set {folder} and holds no model's answers: {_OWN_ANSWERS}"
        )


def _data_set_around(path: Path) -> Path | None:
    """Return the data set whose own rows, pictures or clips are at a path, or None."""
    folder = path.parent
    is_part = path.name in ("train", "test") or _SHARD.fullmatch(path.name) is not None
    if path.name in _OWN_FOLDERS and folder.name in ("train", "test"):
        is_part, folder = True, folder.parent
    return folder if is_part and (folder / NAME).is_file() else None


def _from_lines(path: Path, keys: RowKeys) -> Predictions:
    answers: dict[str, SavedAnswer] = {}
    strangers: list[str] = []
    duplicates = 0
    faults = Faults()
    for name, answer in answer_lines(path, faults):
        if keys.row_of_id(name) is None:  # an id is read letter by letter
            strangers.append(name)
        elif name in answers:
            duplicates += 1
        else:
            answers[name] = answer
    return Predictions("lines", answers, strangers, duplicates, faults)


@final
@dataclass(frozen=True, slots=True)
class _Place:
    """Where a file is, as one layout sees it."""

    file: Path
    """Its path in the folder of answers."""
    group: tuple[str, ...]
    """The folders above the key: those of a model, of a task."""
    key: str
    """The name that says the row."""

    @property
    def below(self) -> tuple[str, ...]:
        """What is below the row's folder: a run's folder, the file. Empty if the key is the file itself."""
        return self.file.parts[len(self.group) + 1 :]


_Layout: TypeAlias = Callable[[Path], _Place | None]
"""Returns the place of a file in the folder of answers, or None if the file is not in this layout."""


def _from_folder(path: Path, keys: RowKeys) -> Predictions:
    unread: list[Path] = []
    predictions = _from_media(path, keys, _media(path, unread))
    _refuse_unread(path, keys, unread, predictions)
    return predictions


def _refuse_unread(path: Path, keys: RowKeys, unread: Sequence[Path], predictions: Predictions) -> None:
    """Raise UserError if files of other formats are the only ones that answer a row: they would be lost."""
    rows: dict[Path, int] = {}
    for file in unread:
        for name in file.parts[-2:]:
            row = keys.own(Path(name).stem)
            if row is not None:
                rows[file] = row
    unanswered = [str(file) for file, row in rows.items() if keys.id_of(row) not in predictions.answers]
    if unanswered:
        raise UserError(
            f"{path} holds answers of formats that are not read ({listed(unanswered)}): convert them to "
            f"{_names(PICTURES)}, or to {_names(VIDEOS)}"
        )


def _from_media(path: Path, keys: RowKeys, files: list[Path]) -> Predictions:
    """Return the answers in pictures or videos, by the layout in which the names are keys of rows."""
    runs = _places(path, keys, [file for file in files if _is_video(file)], _outer_run, _inner_run)
    if runs:
        return _predictions("vmevalkit", path, keys, runs)
    files = [file for file in files if len(file.parts) == 1 and _has_digit(file.stem)] or files
    pictures = [file for file in files if not _is_video(file)]
    videos = [file for file in files if _is_video(file)]
    if bool(pictures) == bool(videos):
        content = "pictures and videos" if pictures else "neither pictures nor videos"
        raise UserError(
            f"{path} holds {content}: give a folder of {_names(PICTURES)}, or one of {_names(VIDEOS)}"
        )
    if videos:
        return _predictions("videos", path, keys, _places(path, keys, videos, _row_folder, _flat))
    places = _places(path, keys, pictures, _outer_pictures, _inner_pictures)
    places = places or _places(path, keys, pictures, _row_folder, _flat)
    named_by_row = all(place.key == place.file.stem for place in places)
    return _predictions("pictures" if named_by_row else "sequences", path, keys, places)


def _media(path: Path, unread: list[Path]) -> list[Path]:
    """Return the pictures and videos below a folder as sorted paths in it, without questions and references.

    unread: gets those of other formats.
    """
    files: list[Path] = []
    for count, file in enumerate(visible_files(path)):
        if count >= MAX_FILES:
            raise UserError(f"{path} holds over {MAX_FILES:,} files: give a smaller folder")
        if file.suffix.lower() in PICTURES | VIDEOS:
            files.append(file.relative_to(path))
        elif file.suffix.lower() in _UNREAD and not _is_question(file.relative_to(path)):
            unread.append(file.relative_to(path))
    return sorted(file for file in files if not _is_question(file))


def _is_question(file: Path) -> bool:
    """Return whether a file is a question or a reference that a tool copied beside an answer."""
    if file.stem.lower() in _QUESTION_FILES:
        return True
    return any(part.lower() in _QUESTION_FOLDERS for part in file.parts[:-1])


def _is_video(file: Path) -> bool:
    return file.suffix.lower() in VIDEOS


def _flat(file: Path) -> _Place | None:
    return _Place(file, file.parts[:-1], file.stem)


def _row_folder(file: Path) -> _Place | None:
    return _Place(file, file.parts[:-2], file.parts[-2]) if len(file.parts) > 1 else None


def _outer_run(file: Path) -> _Place | None:
    return _above(file, _CLIP_FOLDERS, 2)


def _inner_run(file: Path) -> _Place | None:
    return _above(file, _CLIP_FOLDERS, 1)


def _outer_pictures(file: Path) -> _Place | None:
    return _above(file, _PICTURE_FOLDERS, 2)


def _inner_pictures(file: Path) -> _Place | None:
    return _above(file, _PICTURE_FOLDERS, 1)


def _above(file: Path, folders: Collection[str], levels: int) -> _Place | None:
    """Return the place of a file whose key is `levels` folders above the first folder of these names."""
    for position, part in enumerate(file.parts[:-1]):
        if position and part.lower() in folders:
            key = position - levels
            return _Place(file, file.parts[:key], file.parts[key]) if key >= 0 else None
    return None


def _places(path: Path, keys: RowKeys, files: Sequence[Path], outer: _Layout, inner: _Layout) -> list[_Place]:
    """Return the places of the files in one of two layouts: the one in which the names are keys.

    outer: the layout whose key is further up. Layouts above a known folder (`video`, `images`) may both not
    fit; then the list is empty. Raises UserError if both fit and it cannot be known which one is meant, and
    for keys in several folders.
    """
    above, below = _placed(files, outer), _placed(files, inner)
    anchored = inner is not _flat
    if not any(_is_keyed(keys, place.key, anchored) for place in (*above, *below)):
        return [] if anchored else below  # names without numbers are reported as no row's
    if anchored and all(_is_flat(keys, places) for places in (above, below) if places):
        return []

    # The layout with more keys is meant. Names that say the row by themselves go first.
    own_above, own_below = _count_own(keys, above), _count_own(keys, below)
    keyed_above, keyed_below = _count_keyed(keys, above, anchored), _count_keyed(keys, below, anchored)
    if own_above != own_below:
        places = above if own_above > own_below else below
    elif keyed_above != keyed_below and not own_above:
        places = above if keyed_above > keyed_below else below
    else:
        places = _undecided(path, keys, above, below, anchored)
    _refuse_several(path, places)
    _refuse_variants(path, [place for place in places if _is_video(place.file)])
    return places


def _placed(files: Sequence[Path], layout: _Layout) -> list[_Place]:
    """Return the places of the files that are in a layout."""
    places = (layout(file) for file in files)
    return [place for place in places if place is not None]


def _count_own(keys: RowKeys, places: Sequence[_Place]) -> int:
    return sum(keys.own(place.key) is not None for place in places)


def _count_keyed(keys: RowKeys, places: Sequence[_Place], anchored: bool) -> int:
    return sum(_is_keyed(keys, place.key, anchored) for place in places)


def _is_flat(keys: RowKeys, places: Sequence[_Place]) -> bool:
    """Return whether the files say the rows, and the folders above `video` or `images` the models."""
    names = {place.key for place in places}
    stems = {place.file.stem for place in places}
    if any(keys.own(name) is not None for name in names):
        return False
    if any(keys.own(stem) is not None for stem in stems):
        return True
    return len(names) < len(places) and len(names) < len([stem for stem in stems if _has_digit(stem)])


def _is_keyed(keys: RowKeys, key: str, anchored: bool) -> bool:
    """Return whether a key holds a number.

    The folder of a run is no key: its number may be that of the run, or the time.
    """
    if not anchored:
        return _has_digit(key)
    return keys.own(key) is not None or is_numbered(key)


def _undecided(
    path: Path, keys: RowKeys, above: list[_Place], below: list[_Place], anchored: bool
) -> list[_Place]:
    """Return the places in the one of two layouts that makes sense, if both fit equally well."""
    outer, inner = {place.key for place in above}, {place.key for place in below}
    own = any(keys.own(name) is not None for name in outer)
    if len(inner) == 1 or [place.key for place in above] == [place.key for place in below]:
        return above
    if len(outer) == 1:  # the folder of a model or a task, or that of the only row that is answered
        (name,) = outer
        if own and name.isdigit():
            raise UserError(
                f"{path} holds answers below {name!r}, which may be the folder of one row or of all: "
                f"if it is a row's, name it row_{name}, else give that folder itself"
            )
        return above if own and not keys.is_task(name) else below
    pictures = not _is_video(above[0].file)
    if own:
        return above if anchored or pictures else below
    if not anchored:
        return below
    rows = [_rows_or_none(path, keys, places) for places in (above, below)]
    if rows[1] is not None and rows[0] != rows[1]:
        raise UserError(
            f"{path} holds folders of two kinds with numbers ({listed(sorted(outer))} and below them "
            f"{listed(sorted(inner))}), and which are the rows cannot be known: "
            "name the rows' folders maze_0017 or 17"
        )
    return above


def _rows_or_none(path: Path, keys: RowKeys, places: Sequence[_Place]) -> list[int | None] | None:
    """Return the row of each place, or None if the names do not say it."""
    try:
        rows = keys.rows({place.key for place in places}, str(path))
    except UserError:
        return None
    return [rows[place.key] for place in places]


def _refuse_several(path: Path, places: Sequence[_Place]) -> None:
    """Raise UserError for keys in folders of several models or tasks: their answers would be mixed."""
    groups = {place.group for place in places if _has_digit(place.key)}
    if len(groups) < 2:
        return
    same = 0
    while len({group[same : same + 1] for group in groups}) == 1:
        same += 1
    names = sorted({"/".join(group[: same + 1]) or "." for group in groups})
    raise UserError(
        f"{path} holds answers in {len(names)} folders ({listed(names)}), "
        "which are of several models or tasks: give one of these folders "
        "(those of rows are named 17 or maze_0017)"
    )


def _refuse_variants(path: Path, places: Sequence[_Place]) -> None:
    """Raise UserError if several names of clips recur in the folders of rows: those of several models.

    Names that differ only in numbers, as those of runs and seeds, are of one model. Names that do not recur
    are random.
    """
    rows: dict[tuple[str, str], dict[str, _Place]] = {}
    for place in places:
        if place.below:
            run, file = place.below[0], Path(place.below[-1]).stem
            variant = _variant(run, place.key), _variant(file, place.key)
            rows.setdefault(variant, {}).setdefault(place.key, place)
    recurring = [by_key for by_key in rows.values() if len(by_key) > 1]
    if len(recurring) > 1:
        names = sorted("/".join(next(iter(by_key.values())).below) for by_key in recurring)
        raise UserError(
            f"{path} holds answers of several kinds per row ({listed(names)}), "
            "which may be of several models: keep the answers of one model"
        )


def _variant(name: str, key: str) -> str:
    """Return what a name below a row's folder says beside the row.

    Of `svd_maze_0017_20250103` below `maze_0017` it is `svd_`.
    """
    if key in name and not key.isdigit():
        return name.partition(key)[0]
    return re.sub(r"[\W_0-9]+", "", name).lower()


def _predictions(kind: Kind, path: Path, keys: RowKeys, places: Sequence[_Place]) -> Predictions:
    """Return the answers of places that are of one model and one task."""
    # The files of each key, those without notes first.
    rows = keys.rows({place.key for place in places}, str(path))
    files: dict[str, list[Path]] = {}
    for place in sorted(places, key=lambda place: (has_notes(place.key), place.file)):
        files.setdefault(place.key, []).append(place.file)
    if kind == "pictures" and (joined := _steps_joined(files, rows)) != files:
        kind, files = "sequences", joined

    # The first answer to a row counts.
    answers: dict[str, SavedAnswer] = {}
    strangers: list[str] = []
    duplicates = 0
    for key, paths in files.items():
        row = rows[key]
        saved = [_sequence(path, paths)] if kind == "sequences" else [path / file for file in paths]
        if row is None:
            strangers += [escape_non_utf8(key)] * len(saved)
        else:
            duplicates += len(saved) - (keys.id_of(row) not in answers)
            answers.setdefault(keys.id_of(row), saved[0])
    return Predictions(kind, answers, strangers, duplicates)


def _steps_joined(files: Mapping[str, list[Path]], rows: Mapping[str, int | None]) -> dict[str, list[Path]]:
    """Return the files by key, with the steps of one row under the row's first key.

    Steps of one row are `0_step1` and `0_step2`.
    """
    by_row: dict[int | None, list[str]] = {}
    for key in files:
        by_row.setdefault(rows[key], []).append(key)
    joined: dict[str, list[Path]] = {}
    for row, names in by_row.items():
        if row is not None and all(step_of(name) is not None for name in names):
            joined[names[0]] = [file for name in names for file in files[name]]
        else:
            joined |= {name: files[name] for name in names}
    return joined


def _sequence(path: Path, files: Sequence[Path]) -> SavedAnswer:
    """Return the pictures of one row in the order of their numbers.

    A picture that is named as the answer is the last.
    """
    if len(files) == 1:
        return path / files[0]
    numbered = sorted((file for file in files if _has_digit(file.stem)), key=_number_of)
    named = [file for file in files if file.stem.lower() in _LAST]
    if len(named) > 1 or not (numbered or named):
        names = listed(file.name for file in files)
        return DecodeFailure(f"the pictures of the row do not say which is the last ({names}): number them")
    return Pictures(tuple(path / file for file in (*numbered, *named)))


def _number_of(file: Path) -> tuple[list[int], str]:
    """Return the key that sorts the pictures of a row: 2 goes before 10."""
    step = step_of(file.stem)
    numbers = [int(number[-18:]) for number in re.findall(r"[0-9]+", file.stem)]
    return numbers if step is None else [step], file.name


def _has_digit(name: str) -> bool:
    return re.search(r"[0-9]", name) is not None


def _names(suffixes: Iterable[str]) -> str:
    return ", ".join(sorted(suffixes))
