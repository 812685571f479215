"""Runs as files for other programs: the table as CSV, and everything that is computed as Markdown.

Whatever comes from a run may be hostile: a CSV cell that a spreadsheet would run as a formula is quoted, and
Markdown holds no mark-up of a name's own."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Final, cast

from vizbench._util.files import write_atomically
from vizbench._util.text import escape_control
from vizbench.errors import UserError
from vizbench.harness.plan.plan import TRIVIAL, UNREPORTED
from vizbench.harness.records.labels import spreadsheet_text, task_label
from vizbench.harness.records.records import TrialResult, UnstartedTrial
from vizbench.harness.report.curves import label_of, model_of
from vizbench.harness.stats import arc, compare, paper
from vizbench.harness.stats.incomplete import incomplete_trials
from vizbench.harness.stats.metrics import COVERAGE, LEAK, Summary, leaks, mean, summaries
from vizbench.harness.stats.model_key import ModelKey

_MARKS: Final = str.maketrans({mark: f"\\{mark}" for mark in r"\`*_[]<>|~$&"})


def write_csv(cells: Sequence[TrialResult], path: Path) -> None:
    """Write one row a task, model and budget: the fields of `Summary`, shares in 0..1, empty where there is
    none."""
    _write(path, csv_text(summaries(cells)))


def write_markdown(cells: Sequence[TrialResult], path: Path, lost: Sequence[UnstartedTrial] = ()) -> None:
    """Write the tables of a report: results by task, budgets to reach 90%, ratios, differences, ARC, what is
    amiss. lost: cells that could not begin."""
    _write(path, markdown(cells, lost))


def csv_text(rows: Sequence[Summary]) -> str:
    """The rows as CSV (RFC 4180). Of pass@k there is a column for each k that occurs."""
    names = [field.name for field in fields(Summary) if field.name not in ("exact_at", "valid_at")]
    steps = sorted({k for row in rows for k in row.exact_at})
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([*names, *(f"exact@{k}" for k in steps), *(f"valid@{k}" for k in steps)])
    for row in rows:
        values = [getattr(row, name) for name in names]
        at = [share.get(k) for share in (row.exact_at, row.valid_at) for k in steps]
        writer.writerow([_plain(value) for value in (*values, *at)])
    return out.getvalue()


def markdown(cells: Sequence[TrialResult], lost: Sequence[UnstartedTrial] = ()) -> str:
    """The report as Markdown: pipe tables under headings, a section only where there is something to say."""
    rows = summaries(cells)
    sections = [
        _amiss(cells, lost),
        _leaky(rows),
        _flagged(rows),
        *(
            _results(task_label(*file), [row for row in rows if (row.task, row.origin) == file])
            for file in dict.fromkeys((row.task, row.origin) for row in rows)
        ),
        _undecodable(rows),
        _budgets(cells),
        _ratios(cells),
        _differences(cells),
        _overlaps(cells),
        _concepts(cells),
        _ours(rows),
        f"## Intervals\n\n{COVERAGE}" if rows else "",
    ]
    return "\n\n".join(["# vizbench results", *filter(None, sections)]) + "\n"


def _amiss(cells: Sequence[TrialResult], lost: Sequence[UnstartedTrial]) -> str:
    lines = [f"- {_text(gap.who())}: {_text(gap.state())}" for gap in incomplete_trials(cells, lost)]
    return "\n".join(["## Unfinished\n", *lines]) if lines else ""


def _leaky(rows: Sequence[Summary]) -> str:
    lines = [
        f"- {_text(task_label(task, row.origin))}: `{row.model}` gives {row.valid:.1%} valid answers "
        f"({_interval(row.valid_low, row.valid_high)}) of {row.n:,} with {row.shots} examples"
        for task, row in leaks(rows).items()
    ]
    head = f"## Leaky tasks\n\nA trivial baseline passes {LEAK:.0%} valid: read other models' shares against its.\n"
    return "\n".join([head, *lines]) if lines else ""


def _flagged(rows: Sequence[Summary]) -> str:
    known = {row.task: row.flagged for row in rows if row.flagged}
    lines = [f"- {_text(task_label(task))}: {_text('; '.join(found))}" for task, found in known.items()]
    head = "## Flagged tasks\n\nTheir data is known to be wrong; they are in the figures.\n"
    return "\n".join([head, *lines]) if lines else ""


def _undecodable(rows: Sequence[Summary]) -> str:
    lines = [
        f"- {_text(task_label(row.task, row.origin))}, {_text(label_of(model_of(row)))}, {row.shots} examples: "
        + "; ".join(f"{count:,} x {_text(reason)}" for reason, count in row.undecodable_by.items())
        for row in rows
        if row.undecodable_by
    ]
    head = "## Undecodable answers\n\nFirst attempts that hold no grid, by reason; they are wrong answers.\n"
    return "\n".join([head, *lines]) if lines else ""


def _results(title: str, rows: Sequence[Summary]) -> str:
    paths = any(row.psr is not None for row in rows)
    attempts = sorted({row.attempts for row in rows if row.attempts > 1})
    head = ["model", "examples", "n", "exact [95%]", "valid [95%]", "cells", "undecodable"]
    head += [f"{what}@{k}" for what in ("exact", "valid") for k in attempts]
    head += ("psr", "rpl") if paths else ()
    lines = [
        [
            _text(label_of(model_of(row))),
            f"{row.shots}",
            f"{row.n}" if row.n == row.asked else f"{row.n} of {row.asked}",
            f"{row.exact:.1%} [{_interval(row.exact_low, row.exact_high)}]",
            f"{row.valid:.1%} [{_interval(row.valid_low, row.valid_high)}]",
            f"{row.cells:.1%}",
            f"{row.undecodable:.1%}",
            *(_share(at.get(k)) for at in (row.exact_at, row.valid_at) for k in attempts),
            *((_share(row.psr), "" if row.rpl is None else f"{row.rpl:.3f}") if paths else ()),
        ]
        for row in rows
    ]
    told = "All of first attempts, but @k: one of k answers, unbiased.\n\n" if attempts else ""
    return f"## {_text(title)}\n\n{told}{_table(head, lines, 1)}"


def _budgets(cells: Sequence[TrialResult]) -> str:
    rows = [
        [
            _text(task_label(row.task)),
            _name(row.model),
            f"{len(row.seeds)}",
            "–" if row.first is None else f"{row.first:,}",
            row.text(),
            row.interval.text(),
            *(("", "") if row.model.trivial else _published(row.task)),
        ]
        for row in compare.budgets(cells)
    ]
    if not rows:
        return ""
    models = [f"paper, {name}" for name in (paper.VIDEO, paper.TEXT)]
    head = ["task", "model", "seeds", "first measured", "interpolated", "95%", *models]
    text = (
        "The smallest measured budget with 90% exact, and the same on the monotone curve, straight over log n, never "
        "continued beyond what was measured. "
        f"For the interval are resampled {compare.RESAMPLED}; "
        "how a curve runs between two measured budgets it cannot know, and any means that both its ends are open. "
        "The trivial baselines, and the solver as ceiling, stand behind the models. "
        "The paper's budgets as its tables give them; in brackets what its figures draw, where that differs."
    )
    return f"## Examples to reach 90%\n\n{text}\n\n{_table(head, rows, 2)}"


def _published(task: str) -> list[str]:
    found = {one.model: one for one in paper.thresholds() if one.task == task}
    return [found[name].text() if name in found else "" for name in (paper.VIDEO, paper.TEXT)]


def _ratios(cells: Sequence[TrialResult]) -> str:
    rows = [
        [_text(task_label(row.task)), _name(row.a), _name(row.b), row.text(), row.interval.text()]
        for row in compare.ratios(cells)
    ]
    text = (
        "How many times as many examples B needs as A to reach 90% exact, on the questions that both answered: models, "
        f"then models beside the baselines that learn; {compare.NO_RATIO}. "
        f"For the interval are resampled {compare.RESAMPLED}; any means that both its ends are open."
    )
    return (
        f"## Data efficiency\n\n{text}\n\n{_table(['task', 'A', 'B', 'B / A', '95%'], rows, 3)}"
        if rows
        else ""
    )


def _differences(cells: Sequence[TrialResult]) -> str:
    rows = [
        [
            _text(task_label(row.task, row.origin)),
            f"{row.shots}",
            _name(row.a),
            _name(row.b),
            f"{row.n}",
            f"{row.a_share:.1%}",
            f"{row.b_share:.1%}",
            f"{100 * row.difference:+.1f} [{100 * row.low:+.1f}, {100 * row.high:+.1f}]",
        ]
        for row in compare.differences(cells)
    ]
    text = (
        "Share of exact answers on the questions that both answered, and A - B in points with its paired 95% interval; "
        "first models, then each model beside each baseline. "
        f"For the interval are resampled {compare.RESAMPLED}."
    )
    head = ["task", "examples", "A", "B", "n", "A exact", "B exact", "A - B [95%]"]
    return (
        f"## Models and baselines on the same questions\n\n{text}\n\n{_table(head, rows, 4)}" if rows else ""
    )


def _overlaps(cells: Sequence[TrialResult]) -> str:
    rows = [
        [_text(row.corpus), f"{row.attempts}", f"{row.tasks}", _name(row.a), _name(row.b)]
        + [f"{n}" for n in (row.only_a, row.both, row.only_b)]
        for row in arc.overlaps(cells)
    ]
    head = ["corpus", "attempts", "tasks", "A", "B", "only A", "both", "only B"]
    return f"## ARC tasks solved\n\n{_table(head, rows, 5)}" if rows else ""


def _concepts(cells: Sequence[TrialResult]) -> str:
    """A model's mean stands where it has every concept: a mean of fewer is no lower or higher, but another
    figure."""
    found = arc.concepts(cells, TRIVIAL)
    if not found:
        return ""
    columns = sorted(
        {(row.model, row.attempts) for row in found}, key=lambda one: (one[0].name in TRIVIAL, *one)
    )
    shares = {(row.model, row.attempts, row.concept): row.share for row in found}
    names = list(dict.fromkeys(row.concept for row in found))
    body = [[name, *(_share(shares.get((*column, name))) for column in columns)] for name in names]
    every = [[shares.get((*column, name)) for name in names] for column in columns]
    means = [
        None if None in column else mean(share for share in column if share is not None) for column in every
    ]
    head = ["concept", *(f"{_name(model)}, {attempts} attempts" for model, attempts in columns)]
    return f"## Concepts\n\n{_table(head, [*body, ['mean', *map(_share, means)]], 1)}"


def _ours(rows: Sequence[Summary]) -> str:
    """What the paper leaves open and we chose, where one of its tasks was measured."""
    if not any(paper.curves(row.task) for row in rows):
        return ""
    lines = [[what, choice] for what, choice in UNREPORTED.items()]
    return f"## Ours, where the paper is silent\n\n{_table(['not reported', 'here'], lines, 2)}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], left: int) -> str:
    """A pipe table; the first `left` columns are text, the rest stand to the right."""
    rule = [":--" if k < left else "--:" for k in range(len(head))]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *rows))


def _name(model: ModelKey) -> str:
    return _text(label_of(model))


def _text(text: str) -> str:
    """A name on one line, without mark-up; what a terminal would obey is escaped."""
    return escape_control(text).translate(_MARKS)


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _interval(low: float, high: float) -> str:
    return f"{100 * low:.1f}, {100 * high:.1f}"


def _plain(value: Any) -> str:
    """A value as a CSV cell."""
    if value is None:
        return ""
    if isinstance(value, tuple):
        value = " ".join(map(str, cast("tuple[object, ...]", value)))
    return (
        repr(value)
        if isinstance(value, float)
        else spreadsheet_text(value)
        if isinstance(value, str)
        else str(value)
    )


def _write(path: Path, text: str) -> None:
    if path.is_dir():
        raise UserError(f"{path} is a folder: name a file in it")
    write_atomically(path, text.encode("utf-8", "replace"))
