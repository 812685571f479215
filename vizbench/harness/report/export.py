"""Write runs for other programs: the table as CSV, and everything that is computed as Markdown.

Whatever comes from a run may be hostile. A CSV value that a spreadsheet would run as a formula is quoted, and
the mark-up in a name is escaped in Markdown.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Final, cast

from vizbench._util.files import write_atomically
from vizbench._util.text import escape_control, plural
from vizbench.errors import UserError
from vizbench.harness.plan.plan import TRIVIAL, UNREPORTED
from vizbench.harness.records.labels import prompts, spreadsheet_text, task_label
from vizbench.harness.records.records import TrialResult, UnstartedTrial
from vizbench.harness.report.curves import label_of, model_of
from vizbench.harness.stats import arc, compare, paper
from vizbench.harness.stats.incomplete import incomplete_trials
from vizbench.harness.stats.metrics import COVERAGE, LEAK, Summary, leaks, mean, summaries
from vizbench.harness.stats.model_key import ModelKey

_MARKS: Final = str.maketrans({mark: f"\\{mark}" for mark in r"\`*_[]<>|~$&"})


def write_csv(trials: Sequence[TrialResult], path: Path) -> None:
    """Write one row per task, model and number of shots: the fields of `Summary`.

    Shares are in 0..1. A field without a value is empty.
    """
    _write(path, csv_text(summaries(trials)))


def write_markdown(
    trials: Sequence[TrialResult], path: Path, unstarted: Sequence[UnstartedTrial] = ()
) -> None:
    """Write the tables of a report, see `markdown`."""
    _write(path, markdown(trials, unstarted))


def csv_text(rows: Sequence[Summary]) -> str:
    """Return the rows as CSV (RFC 4180), with a column of pass@k for each k that occurs."""
    names = [field.name for field in fields(Summary) if field.name not in ("exact_at", "valid_at")]
    # pass@k for each k, after the fields.
    ks = sorted({k for row in rows for k in row.exact_at})
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([*names, *(f"exact@{k}" for k in ks), *(f"valid@{k}" for k in ks)])
    for row in rows:
        values = [getattr(row, name) for name in names]
        at = [share.get(k) for share in (row.exact_at, row.valid_at) for k in ks]
        writer.writerow([_plain(value) for value in (*values, *at)])
    return out.getvalue()


def markdown(trials: Sequence[TrialResult], unstarted: Sequence[UnstartedTrial] = ()) -> str:
    """Return the report as Markdown: pipe tables under headings, without empty sections.

    There are results by task, shots to reach 90%, ratios, differences, ARC, and what is wrong with the data.

    unstarted: trials that could not begin.
    """
    rows = summaries(trials)
    sections = [_incomplete(trials, unstarted), _leaky(rows), _flagged(rows)]
    for task, origin in dict.fromkeys((row.task, row.origin) for row in rows):
        chosen = [row for row in rows if (row.task, row.origin) == (task, origin)]
        sections.append(_results(task_label(task, origin), chosen))
    sections += [
        _undecodable(rows),
        _prompts(trials),
        _shots_needed(trials),
        _ratios(trials),
        _differences(trials),
        _overlaps(trials),
        _concepts(trials),
        _choices(rows),
        f"## Intervals\n\n{COVERAGE}" if rows else "",
    ]
    return "\n\n".join(["# vizbench results", *filter(None, sections)]) + "\n"


def _incomplete(trials: Sequence[TrialResult], unstarted: Sequence[UnstartedTrial]) -> str:
    incomplete = incomplete_trials(trials, unstarted)
    return _list(
        "## Incomplete\n", [f"- {_text(trial.who())}: {_text(trial.state())}" for trial in incomplete]
    )


def _leaky(rows: Sequence[Summary]) -> str:
    lines: list[str] = []
    for task, row in leaks(rows).items():
        share = f"{row.valid:.1%} valid answers ({_interval(row.valid_low, row.valid_high)}) of {row.n:,}"
        label = _text(task_label(task, row.origin))
        lines.append(f"- {label}: `{row.model}` gives {share} with {plural(row.shots, 'shot')}")
    head = (
        "## Leaky tasks\n\n"
        f"A trivial baseline is over {LEAK:.0%} valid: read other models' shares against its share.\n"
    )
    return _list(head, lines)


def _flagged(rows: Sequence[Summary]) -> str:
    known = {row.task: row.flagged for row in rows if row.flagged}
    lines = [f"- {_text(task_label(task))}: {_text('; '.join(flaws))}" for task, flaws in known.items()]
    head = "## Flagged tasks\n\nTheir data is known to be wrong; they are in the figures.\n"
    return _list(head, lines)


def _undecodable(rows: Sequence[Summary]) -> str:
    lines: list[str] = []
    for row in rows:
        if row.undecodable_by:
            reasons = [f"{count:,} x {_text(reason)}" for reason, count in row.undecodable_by.items()]
            task, model = _text(task_label(row.task, row.origin)), _text(label_of(model_of(row)))
            lines.append(f"- {task}, {model}, {plural(row.shots, 'shot')}: {'; '.join(reasons)}")
    head = "## Undecodable answers\n\nFirst attempts that hold no grid, by reason; they are wrong answers.\n"
    return _list(head, lines)


def _list(head: str, lines: Sequence[str]) -> str:
    """Return a section of lines, or nothing if there are none."""
    return "\n".join([head, *lines]) if lines else ""


def _results(title: str, rows: Sequence[Summary]) -> str:
    has_paths = any(row.psr is not None for row in rows)
    has_processes = any(row.process_valid is not None for row in rows)
    attempts = sorted({row.attempts for row in rows if row.attempts > 1})
    head = ["model", "shots", "n", "exact [95%]", "valid [95%]", "cells", "undecodable"]
    head += [f"{what}@{k}" for what in ("exact", "valid") for k in attempts]
    head += ("psr", "rpl") if has_paths else ()
    head += ("process valid", "legal", "first illegal") if has_processes else ()
    lines = [[*_result(row, attempts, has_paths), *(_process(row) if has_processes else ())] for row in rows]
    note = "All of first attempts, but @k: one of k answers, unbiased.\n\n" if attempts else ""
    return f"## {_text(title)}\n\n{note}{_table(head, lines, 1)}"


def _result(row: Summary, attempts: Sequence[int], has_paths: bool) -> list[str]:
    line = [
        _text(label_of(model_of(row))),
        f"{row.shots}",
        f"{row.n}" if row.n == row.asked else f"{row.n} of {row.asked}",
        f"{row.exact:.1%} [{_interval(row.exact_low, row.exact_high)}]",
        f"{row.valid:.1%} [{_interval(row.valid_low, row.valid_high)}]",
        f"{row.cells:.1%}",
        f"{row.undecodable:.1%}",
    ]
    line += [_share(at.get(k)) for at in (row.exact_at, row.valid_at) for k in attempts]
    if has_paths:
        line += [_share(row.psr), "" if row.rpl is None else f"{row.rpl:.3f}"]
    return line


def _process(row: Summary) -> list[str]:
    """Return the measures of a row's processes."""
    first = "" if row.first_illegal is None else f"{row.first_illegal:.1f}"
    return [_share(row.process_valid), _share(row.process_legal), first]


def _shots_needed(trials: Sequence[TrialResult]) -> str:
    # One line per model and task. The paper's shots are beside models only.
    rows: list[list[str]] = []
    for row in compare.shots_needed(trials):
        line = [
            _text(task_label(row.task)),
            _name(row.model),
            f"{len(row.seeds)}",
            "–" if row.first is None else f"{row.first:,}",
            row.text(),
            row.interval.text(),
        ]
        rows.append([*line, *(("", "") if row.model.trivial else _published(row.task))])
    if not rows:
        return ""

    # What the columns mean, because Markdown has no hints on columns.
    models = [f"paper, {name}" for name in (paper.VIDEO, paper.TEXT)]
    head = ["task", "model", "seeds", "first measured", "interpolated", "95%", *models]
    text = (
        "First measured: the fewest measured shots with 90% exact. "
        "Interpolated: the same on the monotone curve, straight over log n, never beyond what was measured. "
        f"Intervals resample {compare.RESAMPLED}. "
        "They cannot know how a curve runs between two measured points. any: both ends are open. "
        "The trivial baselines, and the solver as oracle, are after the models. "
        "The paper's shots are those that its tables give; in brackets those that its figures draw, "
        "if they differ."
    )
    return f"## Shots to reach 90%\n\n{text}\n\n{_table(head, rows, 2)}"


def _published(task: str) -> list[str]:
    """Return the paper's shots to reach 90% of its two models."""
    thresholds = {threshold.model: threshold for threshold in paper.thresholds() if threshold.task == task}
    return [thresholds[name].text() if name in thresholds else "" for name in (paper.VIDEO, paper.TEXT)]


def _ratios(trials: Sequence[TrialResult]) -> str:
    rows = [
        [_text(task_label(row.task)), _name(row.a), _name(row.b), row.text(), row.interval.text()]
        for row in compare.ratios(trials)
    ]
    text = (
        "How many times as many shots B needs as A to reach 90% exact, on the questions that both answered. "
        f"Models, then models beside the baselines that learn; {compare.NO_RATIO}. "
        f"Intervals resample {compare.RESAMPLED}. any: both ends are open."
    )
    table = _table(["task", "A", "B", "B / A", "95%"], rows, 3)
    return f"## Data efficiency\n\n{text}\n\n{table}" if rows else ""


def _differences(trials: Sequence[TrialResult]) -> str:
    # Shares in percent, and their difference in points.
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
        for row in compare.differences(trials)
    ]
    text = (
        "Share of exact answers on the questions that both answered, "
        "and A - B in points with its paired 95% interval. Models, then each model beside each baseline. "
        f"Intervals resample {compare.RESAMPLED}."
    )
    head = ["task", "shots", "A", "B", "n", "A exact", "B exact", "A - B [95%]"]
    table = _table(head, rows, 4)
    return f"## Models and baselines on the same questions\n\n{text}\n\n{table}" if rows else ""


def _overlaps(trials: Sequence[TrialResult]) -> str:
    rows: list[list[str]] = []
    for row in arc.overlaps(trials):
        asked = [_text(row.corpus), f"{row.attempts}", f"{row.tasks}", _name(row.a), _name(row.b)]
        rows.append([*asked, f"{row.only_a}", f"{row.both}", f"{row.only_b}"])
    head = ["corpus", "attempts", "tasks", "A", "B", "only A", "both", "only B"]
    return f"## ARC tasks solved\n\n{_table(head, rows, 5)}" if rows else ""


def _concepts(trials: Sequence[TrialResult]) -> str:
    """Return the shares by concept.

    Only a model that was asked every concept has a mean: a mean of fewer is another figure.
    """
    concepts = arc.concepts(trials, TRIVIAL)
    if not concepts:
        return ""
    models = {(row.model, row.attempts) for row in concepts}
    columns = sorted(models, key=lambda column: (column[0].name in TRIVIAL, *column))
    shares = {(row.model, row.attempts, row.concept): row.share for row in concepts}
    names = list(dict.fromkeys(row.concept for row in concepts))
    body = [[name, *(_share(shares.get((*column, name))) for column in columns)] for name in names]
    means: list[str] = []
    for column in columns:
        known = [shares[*column, name] for name in names if (*column, name) in shares]
        means.append(_share(mean(known)) if len(known) == len(names) else "")
    head = ["concept", *(f"{_name(model)}, {attempts} attempts" for model, attempts in columns)]
    return f"## Concepts\n\n{_table(head, [*body, ['mean', *means]], 1)}"


def _prompts(trials: Sequence[TrialResult]) -> str:
    """Return the prompts that models read, if any did."""
    lines = [[_text(tasks), _text(prompt)] for tasks, prompt in prompts(trials)]
    return (
        f"## Prompts, of the first question of each task\n\n{_table(['task', 'prompt'], lines, 2)}"
        if lines
        else ""
    )


def _choices(rows: Sequence[Summary]) -> str:
    """Return what the paper leaves open and we chose, if one of its tasks was measured."""
    if not any(paper.curves(row.task) for row in rows):
        return ""
    lines = [[what, choice] for what, choice in UNREPORTED.items()]
    return f"## Our choices, which the paper does not report\n\n{_table(['not reported', 'here'], lines, 2)}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], left: int) -> str:
    """Return a pipe table. The first `left` columns are text, the others are aligned to the right."""
    rule = [":--" if k < left else "--:" for k in range(len(head))]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *rows))


def _name(model: ModelKey) -> str:
    return _text(label_of(model))


def _text(text: str) -> str:
    """Return a name on one line, with mark-up and control characters escaped."""
    return escape_control(text).translate(_MARKS)


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _interval(low: float, high: float) -> str:
    return f"{100 * low:.1f}, {100 * high:.1f}"


def _plain(value: Any) -> str:
    """Return a value as text for CSV."""
    if value is None:
        return ""
    if isinstance(value, tuple):
        value = " ".join(map(str, cast("tuple[object, ...]", value)))
    if isinstance(value, str):
        return spreadsheet_text(value)
    return repr(value) if isinstance(value, float) else str(value)


def _write(path: Path, text: str) -> None:
    if path.is_dir():
        raise UserError(f"{path} is a folder: name a file in it")
    write_atomically(path, text.encode("utf-8", "replace"))
