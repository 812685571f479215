"""Read answers from JSON Lines of `{"id": ..., "answer": grid or text}`.

A bad line never costs another row: it is counted, and its row has no answer.
"""

from __future__ import annotations

import codecs
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeAlias, cast, final

import msgspec

from vizbench._util.files import open_regular
from vizbench._util.text import encoding_of, replace_lone_surrogates
from vizbench.errors import UserError
from vizbench.types import DecodeFailure, Json

MAX_LINE: Final = 64 << 20
"""Bytes of the longest line that is read: a trajectory of many states makes a long line."""

MAX_REASONS: Final = 5
"""Faulty lines of a file whose reasons are kept. The others are only counted."""

LineAnswer: TypeAlias = "Json | DecodeFailure"
"""The answer of a line, or the reason why it cannot be read."""

_KEYS: Final = (b'"id"', b'"answer"')
_CONSTANT: Final = re.compile(rb'(?P<text>"(?:[^"\\]|\\.)*+")|-?(?:NaN|Infinity)')
_NOT_TEXT: Final = {
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
    """One line of a file of answers. Other keys are ignored."""

    id: str | int
    """The row's id. A number names no row; it is kept so that it can be reported."""
    answer: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    """JSON of a grid as nested lists, of a text that holds one, or of a list of grids (a trajectory)."""


@final
@dataclass(slots=True)
class Faults:
    """The lines of a file that hold no answer."""

    broken: int = 0
    """Lines that cannot be read: no JSON, no UTF-8, too long, nested too deeply, a key that appears twice."""
    keyless: int = 0
    """Lines with an id and without the key `answer`. Their rows are not answered."""
    shown: list[str] = field(default_factory=list[str])
    """The first MAX_REASONS of both, each with its line's number and the reason."""

    def note(self, number: int, reason: str) -> None:
        """Keep the reason why the line with this number holds no answer."""
        if len(self.shown) < MAX_REASONS:
            self.shown.append(f"line {number}: {reason}")


@final
@dataclass(frozen=True, slots=True)
class _Line:
    id: str
    answer: LineAnswer


@final
@dataclass(frozen=True, slots=True)
class _Keyless:
    reason: str


@final
class _Constant(str):
    """NaN, Infinity or -Infinity: Python writes them as JSON, and JSON has no such numbers."""

    __slots__ = ()


def answer_lines(path: Path, faults: Faults) -> Iterator[tuple[str, LineAnswer]]:
    """Yield the id and the answer of each line, in order.

    A number that nothing can hold (1e400) comes as its text, and an answer with NaN as a DecodeFailure, so
    that only their rows are wrong. Lines without an answer are counted in `faults`. Raises UserError if the
    file holds broken lines and no line that can be read.
    """
    readable = 0
    for number, line in _lines(path):
        try:
            parsed = _parsed(line)
        except RecursionError:
            faults.broken += 1
            faults.note(number, "it is nested too deeply")
            continue
        except ValueError as error:  # msgspec's errors are ValueErrors
            faults.broken += 1
            faults.note(number, str(error)[:200])
            continue
        readable += 1
        if isinstance(parsed, _Keyless):
            faults.keyless += 1
            faults.note(number, parsed.reason)
        else:
            yield parsed.id, parsed.answer
    if faults.broken and not readable:
        line, _, reason = faults.shown[0].partition(": ")
        raise UserError(
            f"{line} of {path} is no answer ({reason}), and no other line is one: "
            'write {"id": "...", "answer": [[0, 1], ...]}'
        )


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file of answers as UTF-8, with their numbers from 1, without blank ones.

    A line that is too long is skipped in pieces and comes empty. Byte order marks, commas after a line and
    lone brackets are removed, because other writers of JSON leave them. A file in UTF-16 with its mark is
    read, because PowerShell's `>` makes one.
    """
    with open_regular(path, "file of answers") as file:
        next_line = _line_reader(path, file)
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


def _line_reader(path: Path, file: BinaryIO) -> Callable[[], bytes]:
    """Return a function that reads one line, or a part of at most MAX_LINE + 1, as UTF-8; empty at the end.

    Raises UserError if the first bytes are those of an archive or a picture.
    """
    start = file.read(4)
    for mark, kind in _NOT_TEXT.items():
        if start.startswith(mark):
            raise UserError(f"{path} is no file of JSON Lines but {kind}")
    file.seek(0)
    encoding = encoding_of(start)
    if encoding == "utf-8-sig":
        return lambda: file.readline(MAX_LINE + 1)
    text = io.TextIOWrapper(file, encoding, errors="replace", newline="\n")
    return lambda: text.readline(MAX_LINE + 1).encode()


def _parsed(line: bytes) -> _Line | _Keyless:
    """Read one line. Raises ValueError with the reason, or RecursionError, if it is no answer."""
    if not line:
        raise ValueError(f"it is over {MAX_LINE:,} bytes, the most that is read")
    line = replace_lone_surrogates(line)
    try:
        entry = _DECODER.decode(line)
        _refuse_twice(line)
        if not isinstance(entry.answer, msgspec.UnsetType):
            return _Line(str(entry.id), _value(entry.answer))
        keys = list(msgspec.json.decode(line, type=dict[str, msgspec.Raw]))
        listed = ", ".join(repr(key[:40]) for key in keys[:8])
        return _Keyless(f'there is no key "answer" (its keys are {listed})')
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
    except msgspec.ValidationError:  # a number that no type can hold
        return bytes(answer).decode()


def _refuse_twice(line: bytes) -> None:
    """Raise ValueError if the id or the answer appears twice: it cannot be known which one is meant."""
    if all(line.count(key) == 1 for key in _KEYS) and b"\\u" not in line:
        return
    pairs = json.loads(line, object_pairs_hook=list, parse_int=str, parse_float=str, parse_constant=str)
    keys = [pair[0] for pair in cast("list[Any]", pairs)] if line.startswith(b"{") else []
    for key in ("id", "answer"):
        if keys.count(key) > 1:
            raise ValueError(f'the key "{key}" appears twice')


def _with_constants(line: bytes) -> _Line | None:
    """Read a line that holds NaN or an infinity. Return None if the line has another fault too."""
    value: Any = json.loads(line, parse_constant=_Constant, parse_float=str, parse_int=str)
    fields = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    if not isinstance(fields.get("id"), str) or "answer" not in fields:
        return None
    name = _constant_in(fields["answer"])
    if name is not None:
        return _Line(fields["id"], DecodeFailure(f"the answer holds {name}, which is no whole number"))
    # The constants are in keys that are ignored: null is read in their place.
    entry = _DECODER.decode(_CONSTANT.sub(lambda match: match["text"] or b"null", line))
    if isinstance(entry.answer, msgspec.UnsetType):
        return None
    return _Line(str(entry.id), _value(entry.answer))


def _constant_in(value: Any) -> str | None:
    """Return the first NaN or infinity in nested lists and objects."""
    remaining = [value]
    while remaining:
        item = remaining.pop()
        if isinstance(item, _Constant):
            return item
        if isinstance(item, list):
            remaining += cast("list[Any]", item)[::-1]
        elif isinstance(item, dict):
            remaining += cast("dict[str, Any]", item).values()
    return None
