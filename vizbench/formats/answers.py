"""Judging a file of answers to a data set on disk: JSON Lines of `{"id": ..., "answer": grid or text}`."""

from __future__ import annotations

import codecs
import io
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NoReturn, TypeAlias, cast, final

import msgspec

from vizbench._util.files import open_regular
from vizbench._util.text import encoding_of, plural, replace_lone_surrogates
from vizbench.errors import UserError
from vizbench.formats import manifest as manifests
from vizbench.formats.reader import read
from vizbench.formats.registry import verifier_and_params
from vizbench.renderers.text import from_text
from vizbench.types import DecodeFailure, Json, Verdict

MAX_LINE: Final = 64 << 20
"""Bytes of the longest line that is read: a process of many states is long."""

MOST_SHOWN: Final = 5
"""Faults of a file that are kept in words; of the rest only the number."""

Said: TypeAlias = "Json | DecodeFailure"
"""What a line says as its answer, or why it cannot be read."""

_MISSING = Verdict(False, False, 0.0, "there is no answer")
_KEYS: Final = (b'"id"', b'"answer"')
_CONSTANT: Final = re.compile(rb'(?P<text>"(?:[^"\\]|\\.)*+")|-?(?:NaN|Infinity)')
_NO_TEXT: Final = {
    b"PK\x03\x04": "an archive: unpack it",
    b"\x1f\x8b": "an archive: unpack it",
    b"\x28\xb5\x2f\xfd": "an archive: unpack it",
    b"\x89PNG": "a picture: give the folder of all of them",
    b"\xff\xd8\xff": "a picture: give the folder of all of them",
}
"""Files that are given in place of a file of answers, by their first bytes."""
_BLANK: Final = b" \t\r\n\0"  # a file system that lost power leaves NUL bytes at the end


@final
class AnswerLine(msgspec.Struct, frozen=True):
    """One line of a file of answers. Other keys are left alone."""

    id: str | int
    """The row's id. A number names no row; it is kept to be reported."""
    answer: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    """JSON of a grid as nested lists, a text that holds one, or a list of grids (a process)."""


@final
@dataclass(slots=True)
class Faults:
    """Lines of a file that hold no answer. Every other line is judged."""

    broken: int = 0
    """Lines that cannot be read: no JSON, no UTF-8, too long, nested too deeply, a key that appears twice."""
    keyless: int = 0
    """Lines with an id and without the key `answer`: their rows are not answered."""
    shown: list[str] = field(default_factory=list[str])
    """The first MOST_SHOWN of both, each with its line's number and the reason."""

    def note(self, number: int, reason: str) -> None:
        """Keep the reason why the line of that number holds no answer."""
        if len(self.shown) < MOST_SHOWN:
            self.shown.append(f"line {number}: {reason}")


@final
class Summary(msgspec.Struct, frozen=True):
    """What a file of answers is worth. answered + missing = rows."""

    task: str
    rows: int
    answered: int
    missing: int
    """Rows without an answer. They count as wrong."""
    unknown: int
    """Answers to rows that the data set lacks."""
    duplicates: int
    """Answers to a row that was answered before. The first counts."""
    broken: int
    """Lines that cannot be read, see `Faults`."""
    keyless: int
    """Lines without the key `answer`."""
    faults: list[str]
    """The first of these lines, with their numbers and reasons."""
    valid: float
    """A mean over all rows, as the next two."""
    exact: float
    cells: float


@final
class Judged(msgspec.Struct, frozen=True):
    """The summary, and a verdict for each row by its id, in the data set's order."""

    summary: Summary
    verdicts: dict[str, Verdict]


def verify_answers(dataset: Path | str, answers: Path | str) -> Judged:
    """Judge the answers in the file `answers` to the data set in the folder `dataset`.

    An answer that is no grid, or text without one, is wrong and keeps its reason. A line that cannot be read
    is reported, and its row is wrong as any row without an answer. UserError for a file of which no line can
    be read, or none is to a row of the data set, and for a data set that `read` refuses."""
    task = manifests.load(Path(dataset)).spec.task
    verifier, _ = verifier_and_params(task)
    faults = Faults()
    given, duplicates = _answers(Path(answers), faults)
    verdicts: dict[str, Verdict] = {}
    answered = 0
    strangers = dict(given)
    for instance in read(dataset):
        if instance.id not in given:
            verdicts[instance.id] = _MISSING
            continue
        answered += 1
        answer = strangers.pop(instance.id)
        height, width = instance.question.shape
        shape = None if verifier.resizes else (height, width)
        decoded = from_text(answer, shape=shape) if isinstance(answer, str) else answer
        if isinstance(decoded, DecodeFailure):
            verdicts[instance.id] = Verdict(False, False, 0.0, decoded.reason)
        else:
            verdicts[instance.id] = verifier.verify(instance, getattr(decoded, "grid", decoded))
    if strangers and not answered:
        refuse_strangers(Path(answers), Path(dataset), list(strangers), next(iter(verdicts)))
    rows = len(verdicts)
    valid, exact, cells = (
        math.fsum(figures) / rows
        for figures in zip(*((v.valid, v.exact, v.cells) for v in verdicts.values()), strict=True)
    )
    summary = Summary(
        task=task,
        rows=rows,
        answered=answered,
        missing=rows - answered,
        unknown=len(strangers),
        duplicates=duplicates,
        broken=faults.broken,
        keyless=faults.keyless,
        faults=faults.shown,
        valid=valid,
        exact=exact,
        cells=cells,
    )
    return Judged(summary, verdicts)


def refuse_strangers(answers: Path, dataset: Path, strangers: list[str], example: str) -> NoReturn:
    """Raise the UserError for answers of which none is to a row of the data set: a score of 0 would hide the
    cause."""
    names = ", ".join(repr(name[:60]) for name in strangers[:3]) + (" …" if len(strangers) > 3 else "")
    raise UserError(
        f"{answers} holds {plural(len(strangers), 'answer')} ({names}) and none to a row of {dataset}, whose ids are "
        f"as {example!r}: name each answer by its row"
    )


def _answers(path: Path, faults: Faults) -> tuple[dict[str, Said], int]:
    """The answers by id, and how many came for an id that had one."""
    given: dict[str, Said] = {}
    duplicates = 0
    for name, answer in answer_lines(path, faults):
        duplicates += name in given
        given.setdefault(name, answer)
    return given, duplicates


def answer_lines(path: Path, faults: Faults) -> Iterator[tuple[str, Said]]:
    """Yield each line's id and answer, in order.

    JSON that no number can hold (1e400) comes as its text, and an answer with NaN as a DecodeFailure, so that
    only their rows are wrong. Lines without an answer are counted in `faults`. UserError if the file holds
    broken lines and none that can be read."""
    whole = 0
    for number, line in _lines(path):
        try:
            one = _parsed(line)
        except (ValueError, RecursionError) as error:  # those of msgspec are of ValueError
            faults.broken += 1
            faults.note(
                number, "it is nested too deeply" if isinstance(error, RecursionError) else str(error)[:200]
            )
            continue
        whole += 1
        if isinstance(one, _Keyless):
            faults.keyless += 1
            faults.note(number, one.reason)
        else:
            yield one.id, one.answer
    if faults.broken and not whole:
        line, _, reason = faults.shown[0].partition(": ")
        raise UserError(
            f"{line} of {path} is no answer ({reason}), and no other line is one: "
            'write {"id": "...", "answer": [[0, 1], ...]}'
        )


@final
@dataclass(frozen=True, slots=True)
class _Line:
    id: str
    answer: Said


@final
@dataclass(frozen=True, slots=True)
class _Keyless:
    reason: str


@final
class _Constant(str):
    """NaN, Infinity or -Infinity: Python writes them as JSON, and JSON has no such numbers."""

    __slots__ = ()


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file of answers as UTF-8, with their numbers from 1. Blank ones are left out.

    A line that is too long is passed over in pieces, and comes empty. Byte order marks, commas after a line
    and lone brackets, which other writers of JSON leave, are removed. A file in UTF-16 with its mark is read:
    PowerShell's `>` makes one."""
    with open_regular(path, "file of answers") as file:
        start = file.read(4)
        for mark, what in _NO_TEXT.items():
            if start.startswith(mark):
                raise UserError(f"{path} is no file of JSON Lines but {what}")
        encoding = encoding_of(start)
        file.seek(0)
        text = (
            None
            if encoding == "utf-8-sig"
            else io.TextIOWrapper(file, encoding, errors="replace", newline="\n")
        )

        def next_line() -> bytes:
            return file.readline(MAX_LINE + 1) if text is None else text.readline(MAX_LINE + 1).encode()

        number = 0
        while line := next_line():
            number += 1
            if len(line) > MAX_LINE:
                while line and not line.endswith(b"\n"):
                    line = next_line()
                yield number, b""
                continue
            line = line.strip(_BLANK).removeprefix(codecs.BOM_UTF8).removesuffix(b",")
            if line not in (b"", b"[", b"]"):
                yield number, line


def _parsed(line: bytes) -> _Line | _Keyless:
    """Read one line. Raises ValueError with the reason, or RecursionError, for what is no answer."""
    if not line:
        raise ValueError(f"it is over {MAX_LINE:,} bytes, the most that is read")
    line = replace_lone_surrogates(line)
    try:
        one = _DECODER.decode(line)
        _refuse_twice(line)
        if not isinstance(one.answer, msgspec.UnsetType):
            return _Line(str(one.id), _value(one.answer))
        others = ", ".join(
            repr(key[:40]) for key in list(msgspec.json.decode(line, type=dict[str, msgspec.Raw]))[:8]
        )
        return _Keyless(f'there is no key "answer" (its keys are {others})')
    except UnicodeDecodeError:
        raise ValueError("it is no UTF-8") from None
    except msgspec.DecodeError:
        if re.search(rb"NaN|Infinity", line) and (lenient := _with_constants(line)) is not None:
            _refuse_twice(line)
            return lenient
        raise


_DECODER: Final = msgspec.json.Decoder(AnswerLine)


def _value(answer: msgspec.Raw) -> Json:
    try:
        return msgspec.json.decode(answer)
    except msgspec.ValidationError:  # a number that nothing holds
        return bytes(answer).decode()


def _refuse_twice(line: bytes) -> None:
    """Raise ValueError if the id or the answer appears twice: which one is meant cannot be known."""
    if all(line.count(key) == 1 for key in _KEYS) and b"\\u" not in line:
        return
    pairs = json.loads(line, object_pairs_hook=list, parse_int=str, parse_float=str, parse_constant=str)
    keys = [pair[0] for pair in cast("list[Any]", pairs)] if line.startswith(b"{") else []
    for key in ("id", "answer"):
        if keys.count(key) > 1:
            raise ValueError(f'the key "{key}" appears twice')


def _with_constants(line: bytes) -> _Line | None:
    """Read a line that holds NaN or an infinity; None if that is not its fault alone."""
    value: Any = json.loads(line, parse_constant=_Constant, parse_float=str, parse_int=str)
    fields = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    if not isinstance(fields.get("id"), str) or "answer" not in fields:
        return None
    name = _constant_in(fields["answer"])
    if name is not None:
        return _Line(fields["id"], DecodeFailure(f"the answer holds {name}, which is no whole number"))
    # The constants are in keys that are left alone.
    one = _DECODER.decode(_CONSTANT.sub(lambda found: found["text"] or b"null", line))
    return None if isinstance(one.answer, msgspec.UnsetType) else _Line(str(one.id), _value(one.answer))


def _constant_in(value: Any) -> str | None:
    """The first NaN or infinity in nested lists and objects."""
    remaining = [value]
    while remaining:
        each = remaining.pop()
        if isinstance(each, _Constant):
            return each
        if isinstance(each, list):
            remaining += cast("list[Any]", each)[::-1]
        elif isinstance(each, dict):
            remaining += cast("dict[str, Any]", each).values()
    return None
