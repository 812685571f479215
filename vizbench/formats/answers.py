"""Judging a file of answers to a data set on disk: JSON Lines of `{"id": ..., "answer": grid or text}`."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import final

import msgspec

from vizbench.errors import UserError
from vizbench.formats import manifest as manifests
from vizbench.formats.jsonl import lines
from vizbench.formats.reading import read
from vizbench.renderers.text import from_text
from vizbench.sources import rules_of
from vizbench.types import DecodeFailure, Json, Verdict

MAX_LINE = 16 << 20

_MISSING = Verdict(False, False, 0.0, "there is no answer")


@final
class AnswerLine(msgspec.Struct, frozen=True):
    """One line. answer: JSON of a grid as nested lists, a text that holds one, or a list of grids (a process); other
    keys are left alone."""

    id: str
    answer: msgspec.Raw = msgspec.Raw(b"null")


@final
class Summary(msgspec.Struct, frozen=True):
    """What a file of answers is worth. valid, exact, cells: means over all rows, missing ones counted as wrong.

    answered + missing = rows; unknown: answers to rows that the data set lacks; duplicates: answers to a row that was
    answered before (the first counts).
    """

    task: str
    rows: int
    answered: int
    missing: int
    unknown: int
    duplicates: int
    valid: float
    exact: float
    cells: float


@final
class Judged(msgspec.Struct, frozen=True):
    """The summary, and a verdict for each row by its id, in the data set's order."""

    summary: Summary
    verdicts: dict[str, Verdict]


def verify_answers(dataset: Path | str, answers: Path | str) -> Judged:
    """Judge the answers in the file `answers` to the data set in the folder `dataset`.

    An answer that is no grid, or text without one, is wrong and keeps its reason. UserError for a line that is not
    `{"id", "answer"}` (with its number), and for a data set that `read` refuses.
    """
    task = manifests.load(Path(dataset)).recipe.task
    judge, _ = rules_of(task)
    given, duplicates = _answers(Path(answers))
    verdicts: dict[str, Verdict] = {}
    answered = 0
    for instance in read(dataset):
        if instance.id not in given:
            verdicts[instance.id] = _MISSING
            continue
        answered += 1
        answer = given.pop(instance.id)
        decoded = from_text(answer) if isinstance(answer, str) else answer
        if isinstance(decoded, DecodeFailure):
            verdicts[instance.id] = Verdict(False, False, 0.0, decoded.reason)
        else:
            verdicts[instance.id] = judge.verify(instance, getattr(decoded, "grid", decoded))
    rows = len(verdicts)
    valid, exact, cells = (
        float(sum(figures)) / rows
        for figures in zip(*((v.valid, v.exact, v.cells) for v in verdicts.values()), strict=True)
    )
    return Judged(Summary(task, rows, answered, rows - answered, len(given), duplicates, valid, exact, cells), verdicts)


def _answers(path: Path) -> tuple[dict[str, Json], int]:
    """The answers by id, and how many came for an id that had one."""
    given: dict[str, Json] = {}
    duplicates = 0
    for name, answer in answer_lines(path):
        duplicates += name in given
        given.setdefault(name, answer)
    return given, duplicates


def answer_lines(path: Path) -> Iterator[tuple[str, Json]]:
    """Each line's id and answer. UserError, with the line, for what is none.

    JSON that no number can hold (1e400) comes as its text, so that its row alone is wrong.
    """
    decoder = msgspec.json.Decoder(AnswerLine)
    for number, line in lines(path, "file of answers", MAX_LINE):
        try:
            answer = decoder.decode(line.removeprefix(codecs.BOM_UTF8) if number == 1 else line)
            value = _value(answer.answer)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise UserError(
                f'line {number} of {path} is no answer ({error}): write {{"id": "...", "answer": [[0, 1], ...]}}'
            ) from None
        yield answer.id, value


def _value(answer: msgspec.Raw) -> Json:
    try:
        return msgspec.json.decode(answer)
    except msgspec.ValidationError:
        return bytes(answer).decode()
