"""Make the tables of the page as plain data, which its script sorts, filters and writes.

A table is {"columns": [...], "rows": [...]}. The `kind` of a column says what its values are:

- text
- count: a whole number
- share: 0..1
- span: two shares
- worded: [the number to sort by, the text]
- ratio: a number with three digits
- seconds

None is shown as a dash and sorted last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from vizbench.harness.plan.plan import TRIVIAL
from vizbench.harness.records import labels
from vizbench.harness.report.curves import label_of
from vizbench.harness.stats import paper
from vizbench.harness.stats.arc import Concept, Overlap
from vizbench.harness.stats.compare import RESAMPLED, Difference, Ratio, ShotsNeeded
from vizbench.harness.stats.metrics import Summary
from vizbench.harness.stats.thresholds import Span
from vizbench.types import Json

_LAST: Final = 1e12
"""A number that sorts after every number of shots."""

SEEDS: Final = (
    "95% interval: Wilson's for one seed and for baselines that learn nothing; "
    "for several seeds of a model that learns, seeds as clusters, because each is one training run."
)
"""What the intervals of shares are."""

_BASELINES: Final = "the trivial baselines, and the solver as oracle."

ANY: Final = "any: both ends are open."
"""What an interval without ends means."""

_SHARES: Final = (
    "shots",
    "exact",
    "valid",
    "cells",
    "undecodable",
    "psr",
    "rpl",
    "process_valid",
    "process_legal",
    "first_illegal",
    "seconds",
    "predict_seconds",
)
"""Fields of a summary that are shown as they are."""


def results(rows: Sequence[Summary], leaky: dict[str, Summary]) -> Json:
    """Return every row of the summaries.

    leaky: the worst trivial baseline of each leaky task, see `metrics.leaks`.
    """
    # The columns that every report has. pass@1 is `exact` itself.
    ks = sorted({k for row in rows for k in row.exact_at} - {1})
    columns = [
        _column("label", "task", "text", "What is asked."),
        _column(
            "pretraining_overlap",
            "pretraining overlap",
            "text",
            "Of the embedded pair's pretraining with the task. near: it held a relative; far: none; "
            "inside: this very rule, surely or perhaps.",
        ),
        _column("model", "model", "text", "Grey: a trivial baseline, or the solver, which is the oracle."),
        _column("shots", "shots", "count", "Number of training examples."),
        _column("asked", "questions", "worded", "Questions answered, over all seeds."),
        _column("exact", "exact", "share", "Equal to the target."),
        _column("exact_span", "95%", "span", f"Of exact. {SEEDS}"),
        _column("valid", "valid", "share", "Obeys the task's rules, whatever the target."),
        _column("valid_span", "95%", "span", f"Of valid. {SEEDS}"),
        _column("cells", "cells", "share", "Cells as in the target, the mean over answers."),
        _column("undecodable", "undecodable", "share", "No grid could be read; counted as wrong."),
        *(_pass_column("exact", k) for k in ks),
        *(_pass_column("valid", k) for k in ks),
    ]

    # Measures of paths, only if a task has paths.
    if any(row.psr is not None for row in rows):
        columns += [
            _column("psr", "psr", "share", "Paths that join start and goal without a break."),
            _column(
                "rpl",
                "rpl",
                "ratio",
                "Path length over the shortest path's, of unbroken paths without stray cells.",
            ),
        ]

    # Measures of processes, only if a model was shown some.
    if any(row.process_valid is not None for row in rows):
        columns += [
            _column(
                "process_valid",
                "process valid",
                "share",
                "Answers that follow from their own process, each step legal.",
            ),
            _column(
                "process_legal",
                "legal",
                "share",
                "States before the first illegal one, the mean over answers.",
            ),
            _column(
                "first_illegal",
                "first illegal",
                "ratio",
                "Number of the first illegal state, from 1, the mean over processes that have one.",
            ),
        ]

    columns += [
        _column("seconds", "adapted in", "seconds", "Seconds of adaptation, the mean per trial."),
        _column("predict_seconds", "answered in", "seconds", "Seconds per answer."),
    ]
    return {"columns": columns, "rows": [_result(row, leaky.get(row.task), ks) for row in rows]}


def _pass_column(what: str, k: int) -> dict[str, str]:
    return _column(f"{what}@{k}", f"{what}@{k}", "share", f"pass@{k}, unbiased: one of {k} answers {what}.")


def _result(row: Summary, leak: Summary | None, ks: Sequence[int]) -> dict[str, Json]:
    # Words: what the row's columns show, and the hints beside them.
    overlap = row.pretraining_overlap or ""
    reasons = [f"{count:,} x {reason}" for reason, count in row.undecodable_by.items()]
    line: dict[str, Json] = {
        "task": row.task,
        "label": labels.task_label(row.task, row.origin),
        "pretraining_overlap": overlap.partition(":")[0] or None,
        "pretraining_overlap_help": overlap,
        "undecodable_help": "; ".join(reasons),
        "model": labels.model_label(row.model, row.checkpoint, row.training, row.mark),
        "trivial": row.model in TRIVIAL,
        "leaky": None if leak is None else _leaky(leak),
        "flagged": "; ".join(row.flagged),
        "asked": [row.n, f"{row.n:,}" if row.n == row.asked else f"{row.n:,} of {row.asked:,}"],
        "exact_span": [row.exact_low, row.exact_high],
        "valid_span": [row.valid_low, row.valid_high],
    }

    # Numbers: the shares, and those of the best of k answers.
    line |= {name: getattr(row, name) for name in _SHARES}
    line |= {f"exact@{k}": row.exact_at.get(k) for k in ks}
    line |= {f"valid@{k}": row.valid_at.get(k) for k in ks}
    return line


def _leaky(row: Summary) -> str:
    return f"leaky: the trivial baseline {row.model} gives {row.valid:.1%} valid answers of {row.n:,}"


def shots_needed(rows: Sequence[ShotsNeeded]) -> Json:
    """Return the shots needed for 90%, beside the paper's."""
    # Columns of what was measured here, then one per model of the paper.
    published = {(threshold.task, threshold.model): threshold for threshold in paper.thresholds()}
    columns = [
        _column("label", "task", "text", "What is asked."),
        _column("model", "model", "text", f"Models, then grey: {_BASELINES}"),
        _column("seeds", "seeds", "count", f"Resampled for the interval: {RESAMPLED}."),
        _column(
            "first", "first measured", "count", "The fewest measured shots with 90%, as the paper counts."
        ),
        _column("at", "interpolated", "worded", "Where the monotone curve, straight over log n, passes 90%."),
        _column("interval", "95%", "worded", f"Bootstrap interval of the interpolated shots. {ANY}"),
    ]
    for name in (paper.VIDEO, paper.TEXT):
        hint = "As its tables imply; in brackets as its figure draws, if that differs."
        columns.append(_column(name, f"paper, {name}", "worded", hint))

    # The paper's shots are beside models only, because it has no baselines.
    body: list[dict[str, Json]] = []
    for row in rows:
        line: dict[str, Json] = {
            "label": labels.task_label(row.task),
            "model": label_of(row.model),
            "seeds": len(row.seeds),
            "trivial": row.model.trivial,
            "first": row.first,
            "at": [_span(row.at)[0], row.text()],
            "interval": _span(row.interval),
        }
        for name in (paper.VIDEO, paper.TEXT):
            threshold = None if row.model.trivial else published.get((row.task, name))
            line[name] = None if threshold is None else _published(threshold)
        body.append(line)
    return {"columns": columns, "rows": body}


def _published(threshold: paper.Threshold) -> Json:
    return [threshold.tables or threshold.drawn or _LAST, threshold.text()]


def _span(span: Span) -> tuple[float, str]:
    """Return a span as a worded value."""
    number = span.high if span.low is None else span.low
    return _LAST if number is None else number, span.text()


def ratios(rows: Sequence[Ratio]) -> Json:
    """Return how many times as many shots one model needs as another."""
    # Help texts explain A and B, because the page's text does not.
    columns = [
        _column("label", "task", "text", "What is asked."),
        _column("a", "A", "text", "One model."),
        _column(
            "b", "B", "text", "The other, on the questions that both answered; grey: a baseline that learns."
        ),
        _column(
            "at",
            "B needs, times A",
            "worded",
            "Shots of B to reach 90% over those of A; or why none is known.",
        ),
        _column("interval", "95%", "worded", f"{ANY} Resampled: {RESAMPLED}."),
    ]

    # An open ratio sorts by the bound that it has.
    body = [
        {
            "label": labels.task_label(row.task),
            "a": label_of(row.a),
            "b": label_of(row.b),
            "trivial": row.b.trivial,
            "at": [_span(row.at)[0], row.text()],
            "interval": _span(row.interval),
        }
        for row in rows
    ]
    return {"columns": columns, "rows": body}


def differences(rows: Sequence[Difference]) -> Json:
    """Return two models, or a model and a baseline, on the same questions."""
    # Both shares are over the questions that both answered, so they differ from those of the results.
    columns = [
        _column("label", "task", "text", "What is asked."),
        _column("shots", "shots", "count", "Number of training examples of each."),
        _column("a", "A", "text", "One model."),
        _column("b", "B", "text", f"The other. After the models, grey: {_BASELINES}"),
        _column("n", "questions", "count", "Questions that both answered."),
        _column("a_share", "A exact", "share", "Exact answers of A."),
        _column("b_share", "B exact", "share", "Exact answers of B."),
        _column(
            "difference", "A - B, points", "worded", f"With a paired 95% interval. Resampled: {RESAMPLED}."
        ),
    ]

    # The difference sorts by its number and shows its interval.
    body = [
        {
            "label": labels.task_label(row.task, row.origin),
            "shots": row.shots,
            "a": label_of(row.a),
            "b": label_of(row.b),
            "trivial": row.b.trivial,
            "n": row.n,
            "a_share": row.a_share,
            "b_share": row.b_share,
            "difference": [row.difference, _points(row)],
        }
        for row in rows
    ]
    return {"columns": columns, "rows": body}


def _points(row: Difference) -> str:
    return f"{100 * row.difference:+.1f} ({100 * row.low:+.1f} to {100 * row.high:+.1f})"


def overlaps(rows: Sequence[Overlap]) -> Json:
    """Return how many tasks only one of two models solves, and how many both solve.

    The paper's pair is last, if its tasks are among them.
    """
    # The two models, then the tasks that each of them solves.
    columns = [
        _column("corpus", "files", "text", "The folder of ARC files."),
        _column("a", "A", "text", "One model."),
        _column("b", "B", "text", "The other; grey: a trivial baseline."),
        _column("attempts", "attempts", "count", "Answers to a test input, one of which must be exact."),
        _column(
            "tasks", "tasks", "count", "Tasks that both were asked; one counts if every test input is solved."
        ),
        _column("only_a", "only A", "count", "Solved only by A."),
        _column("both", "both", "count", "Solved by both."),
        _column("only_b", "only B", "count", "Solved only by B."),
    ]

    # One row per pair of models, then the paper's.
    body: list[dict[str, Json]] = [
        {key: getattr(row, key) for key in ("attempts", "tasks", "only_a", "both", "only_b")}
        | {"corpus": row.corpus, "a": label_of(row.a), "b": label_of(row.b), "trivial": row.b.trivial}
        for row in rows
    ]
    if any(row.published for row in rows):
        body.append(_paper_overlap())
    return {"columns": columns, "rows": body}


def _paper_overlap() -> dict[str, Json]:
    """Return the row of the paper's two models."""
    published = paper.paper().arc_agi_1
    return {
        "corpus": "paper: ARC-AGI-1",
        "trivial": False,
        "a": paper.VIDEO,
        "b": paper.TEXT,
        "attempts": paper.ARC_ATTEMPTS,
        "tasks": published.tasks,
        "only_a": published.overlap[f"only {paper.VIDEO}"],
        "both": published.overlap["both"],
        "only_b": published.overlap[f"only {paper.TEXT}"],
    }


def concepts(rows: Sequence[Concept]) -> Json:
    """Return the shares by concept, each model's beside the paper's two if its tasks are the paper's."""
    # Columns of what was measured here, then those of the paper if the tasks are its own.
    published = paper.paper().conceptarc_accuracy if any(row.published for row in rows) else {}
    paper_models = [name for name in (paper.VIDEO, paper.TEXT) if name in published]
    columns = [
        _column("concept", "concept", "text", "ConceptARC's name of it."),
        _column("model", "model", "text", "Models, then grey: the trivial baselines."),
        _column("attempts", "attempts", "count", "Answers to a test input, one of which must be exact."),
        _column("n", "test inputs", "count", "Test inputs asked."),
        _column("share", "solved", "share", "Share of test inputs solved."),
        _column(
            "span",
            "95%",
            "span",
            "Of tasks as clusters: inputs of one task are alike. More seeds do not narrow it.",
        ),
    ]
    for name in paper_models:
        hint = "Three attempts at all ten tasks of the concept."
        columns.append(_column(name, f"paper, {name}", "share", hint))

    # A row of other tasks has no share of the paper beside it.
    body: list[dict[str, Any]] = []
    for row in rows:
        line: dict[str, Any] = {key: getattr(row, key) for key in ("concept", "attempts", "n", "share")}
        line |= {"model": label_of(row.model), "span": [row.low, row.high], "trivial": row.model.trivial}
        for name in paper_models:
            line[name] = published[name].get(row.concept) if row.published else None
        body.append(line)
    return {"columns": columns, "rows": body}


def _column(key: str, title: str, kind: str, help: str) -> dict[str, str]:
    return {"key": key, "title": title, "kind": kind, "help": help}
