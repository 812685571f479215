"""Print what saved answers are worth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from vizbench._util.text import plural
from vizbench.console.streams import print_line, print_note
from vizbench.console.tables import print_table

if TYPE_CHECKING:  # each of these costs what `vizbench --help` may not
    from vizbench.formats import Judged
    from vizbench.harness.score.score import Score, Scored
    from vizbench.types import Verdict


JUDGED_BY = {"videos": "last frame", "vmevalkit": "last frame", "sequences": "last picture"}
"""What `score` judges of answers of a kind, if that is not the answer itself."""


def print_judged(result: Judged) -> None:
    """What a file of answers is worth, and why answers were wrong."""
    summary = result.summary
    print_line(
        f"{summary.task}: {plural(summary.rows, 'row')}, {summary.answered:,} answered, {summary.missing:,} missing"
    )
    if summary.unknown or summary.duplicates:
        print_note(
            f"left aside: answers to unknown rows: {summary.unknown:,}; second answers to a row: {summary.duplicates:,}"
        )
    _faults(summary.broken, summary.keyless, summary.faults)
    print_table(
        ("valid", "exact", "cells"), [[f"{x:.4f}" for x in (summary.valid, summary.exact, summary.cells)]]
    )
    _why(result.verdicts)


def print_score(result: Scored) -> None:
    """What saved answers are worth, what was left out of them, and why answers were wrong."""
    score = result.score
    rows = plural(score.rows, "row")
    print_line(
        f"{score.task}: {rows}, {score.answered:,} answered by {score.kind}, {score.missing:,} missing"
    )
    for count, one, many, what in (
        (score.missing, "row", "rows", "without an answer, counted as wrong"),
        (score.undecodable, "answer holds", "answers hold", "no grid, counted as wrong"),
        (score.duplicates, "further answer", "further answers", "to a row, left aside"),
        (
            score.unknown,
            "answer",
            "answers",
            f"to no row of the data set, left aside: {_some(score.strangers)}",
        ),
    ):
        if count:
            print_note(f"{plural(count, one, many)} {what}")
    for reason, count in score.undecodable_by.items():
        print_note(f"no grid: {count:,} x {reason}")
    _faults(score.broken, score.keyless, score.faults)
    valid, exact = (
        f"{share:.4f} [{low:.4f}, {high:.4f}]"
        for share, low, high in (
            (score.valid, score.valid_low, score.valid_high),
            (score.exact, score.exact_low, score.exact_high),
        )
    )
    print_table(
        ("judged", "valid [95%]", "exact [95%]", "cells"),
        [(_judged_by(score), valid, exact, f"{score.cells:.4f}")],
    )
    _why(result.verdicts)


def _faults(broken: int, keyless: int, shown: Sequence[str]) -> None:
    """The lines of a file that hold no answer: how many, and why the first of them do not."""
    for count, what in (
        (broken, "that cannot be read, left aside"),
        (keyless, 'without the key "answer", counted as no answer'),
    ):
        if count:
            print_note(f"{plural(count, 'line')} {what}")
    for fault in shown:
        print_note(f"  {fault}")
    if broken + keyless > len(shown):
        print_note(f"  and {broken + keyless - len(shown):,} more")


def _why(verdicts: Mapping[str, Verdict]) -> None:
    """The reasons for which most answers were wrong."""
    reasons = Counter(verdict.reason for verdict in verdicts.values() if not verdict.valid)
    if reasons:
        print_line()
        print_table(
            ("rows", "why wrong"), [(f"{count:,}", reason) for reason, count in reasons.most_common(5)]
        )


def _judged_by(score: Score) -> str:
    return "all states" if score.process else JUDGED_BY.get(score.kind, "answer")


def _some(names: Sequence[str]) -> str:
    return ", ".join(repr(name[:60]) for name in names) + (" …" if len(names) == 5 else "")
