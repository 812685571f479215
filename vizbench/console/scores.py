"""Print the score of saved answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from vizbench._util.text import plural
from vizbench.console.streams import print_line, print_note
from vizbench.console.tables import print_table

if TYPE_CHECKING:  # importing these would slow `vizbench --help` down
    from vizbench.harness.score.score import Score, Scored, TaskScore
    from vizbench.types import Verdict


CHECKED = {"videos": "last frame", "vmevalkit": "last frame", "sequences": "last picture"}
"""The part of an answer that `score` checks, by kind of answers. Of other kinds it checks all."""


def print_score(result: Scored) -> None:
    """Print the figures of saved answers, which answers were skipped, and why answers were wrong."""
    score = result.score
    rows = plural(score.rows, "row")
    print_line(
        f"{score.task}: {rows}, {score.answered:,} answered by {score.kind}, {score.missing:,} missing"
    )
    _print_left_out(score)
    valid = f"{score.valid:.4f} [{score.valid_low:.4f}, {score.valid_high:.4f}]"
    exact = f"{score.exact:.4f} [{score.exact_low:.4f}, {score.exact_high:.4f}]"
    print_table(
        ("checked", "valid [95%]", "exact [95%]", "cells"),
        [(_checked(score), valid, exact, f"{score.cells:.4f}")],
    )
    if score.tasks:
        print_line()
        _print_tasks(score.tasks)
    _print_reasons(result.verdicts)


def _print_tasks(tasks: Mapping[str, TaskScore]) -> None:
    """Print the figures of each task of a mixture."""
    rows: list[tuple[str, ...]] = []
    for name, score in tasks.items():
        figures = (f"{score.valid:.4f}", f"{score.exact:.4f}", f"{score.cells:.4f}")
        rows.append((f"{score.rows:,}", *figures, name))
    print_table(("rows", "valid", "exact", "cells", "task"), rows)


def _print_left_out(score: Score) -> None:
    """Report missing and unreadable answers, which count as wrong, and skipped ones."""
    unknown = f"to no row of the data set, skipped: {_quoted(score.strangers)}"
    for count, one, many, fault in (
        (score.missing, "row", "rows", "without an answer, counted as wrong"),
        (score.undecodable, "answer holds", "answers hold", "no grid, counted as wrong"),
        (score.duplicates, "further answer", "further answers", "to a row, skipped"),
        (score.unknown, "answer", "answers", unknown),
    ):
        if count:
            print_note(f"{plural(count, one, many)} {fault}")
    for reason, count in score.undecodable_by.items():
        print_note(f"no grid: {count:,} x {reason}")
    _print_faults(score.broken, score.keyless, score.faults)


def _print_faults(broken: int, keyless: int, shown: Sequence[str]) -> None:
    """Report how many lines of a file have no answer, and why for the first of them."""
    for count, fault in (
        (broken, "that cannot be read, skipped"),
        (keyless, 'without the key "answer", counted as no answer'),
    ):
        if count:
            print_note(f"{plural(count, 'line')} {fault}")
    for reason in shown:
        print_note(f"  {reason}")
    if broken + keyless > len(shown):
        print_note(f"  and {broken + keyless - len(shown):,} more")


def _print_reasons(verdicts: Mapping[str, Verdict]) -> None:
    """Print the most frequent reasons why answers were wrong."""
    reasons = Counter(verdict.reason for verdict in verdicts.values() if not verdict.valid)
    if reasons:
        print_line()
        print_table(
            ("rows", "why wrong"), [(f"{count:,}", reason) for reason, count in reasons.most_common(5)]
        )


def _checked(score: Score) -> str:
    return "all states" if score.process else CHECKED.get(score.kind, "answer")


def _quoted(names: Sequence[str]) -> str:
    """Return the names that a score lists, quoted. An ellipsis says that there may be more."""
    quoted = ", ".join(repr(name[:60]) for name in names)
    return f"{quoted} …" if len(names) == 5 else quoted
