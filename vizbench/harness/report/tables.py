"""The tables of the page as plain data, which its script sorts, filters and writes out.

A table is {"columns": [...], "rows": [...]}; a column's `kind` says how its values read: text; count; share,
0..1; span, two shares; worded, [the number to sort by, the text]; ratio; seconds. None is shown as a dash and
sorted last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from vizbench.harness.plan.plan import TRIVIAL
from vizbench.harness.records import labels
from vizbench.harness.report.curves import label_of
from vizbench.harness.stats import paper
from vizbench.harness.stats.arc import Concept, Overlap
from vizbench.harness.stats.compare import RESAMPLED, Budget, Difference, Ratio
from vizbench.harness.stats.metrics import Summary
from vizbench.harness.stats.thresholds import Span
from vizbench.types import Json

_LAST: Final = 1e12
"""What sorts behind every budget."""


SEEDS: Final = (
    "95% interval: Wilson's for one seed, and for baselines that learn nothing; for several seeds of what learns, "
    "seeds as clusters, since each is one training run."
)
"""What the intervals of shares speak of."""


_FLOOR: Final = "the trivial baselines, and the solver, which is the ceiling."


ANY: Final = "any: both ends are open."
"""What an interval without ends is told to be."""


def results(rows: Sequence[Summary], leaky: dict[str, Summary]) -> Json:
    """Every row of the summaries. leaky: task -> its worst trivial baseline (`metrics.leaks`)."""
    steps = sorted({k for row in rows for k in row.exact_at if k > 1})
    columns = [
        _column("label", "task", "text", "What is asked."),
        _column(
            "overlap",
            "overlap",
            "text",
            "Of the embedded pair's pretraining. near: it held a relative; far: none; "
            "inside: this very rule, surely or perhaps.",
        ),
        _column("model", "model", "text", "Grey: a trivial baseline, or the solver, which is the ceiling."),
        _column("shots", "examples", "count", "Training examples."),
        _column("asked", "questions", "worded", "Questions answered, over all seeds."),
        _column("exact", "exact", "share", "Equal to the stored answer."),
        _column("exact_span", "95%", "span", f"Of exact. {SEEDS}"),
        _column("valid", "valid", "share", "Obeys the task's rules, whatever the stored answer."),
        _column("valid_span", "95%", "span", f"Of valid. {SEEDS}"),
        _column("cells", "cells", "share", "Cells as in the stored answer, the mean over answers."),
        _column("undecodable", "undecodable", "share", "No grid could be read; counted as wrong."),
        *(
            _column(f"exact@{k}", f"exact@{k}", "share", f"pass@{k}, unbiased: one of {k} answers exact.")
            for k in steps
        ),
        *(
            _column(f"valid@{k}", f"valid@{k}", "share", f"pass@{k}, unbiased: one of {k} answers valid.")
            for k in steps
        ),
        _column("psr", "psr", "share", "Paths that join start and goal without a break."),
        _column(
            "rpl", "rpl", "ratio", "Path length over the shortest's, of unbroken paths without stray cells."
        ),
        _column("seconds", "adapted in", "seconds", "Seconds of adaptation, the mean of a cell."),
        _column("predict_seconds", "an answer in", "seconds", "Seconds of an answer."),
    ]
    kept = [c for c in columns if c["key"] not in ("psr", "rpl") or any(row.psr is not None for row in rows)]
    return {"columns": kept, "rows": [_result(row, leaky.get(row.task), steps) for row in rows]}


def _result(row: Summary, leak: Summary | None, steps: Sequence[int]) -> dict[str, Json]:
    answered = f"{row.n:,}" if row.n == row.asked else f"{row.n:,} of {row.asked:,}"
    model = labels.model_key(row.model, row.checkpoint, row.training)
    found: dict[str, Json] = {
        "task": row.task,
        "label": labels.task_label(row.task, row.origin),
        "overlap": (row.pretraining_overlap or "").partition(":")[0] or None,
        "overlap_help": row.pretraining_overlap or "",
        "undecodable_help": "; ".join(
            f"{count:,} x {reason}" for reason, count in row.undecodable_by.items()
        ),
        "model": labels.model_label(row.model, row.checkpoint, row.training, row.mark),
        "trivial": row.model in TRIVIAL,
        "leaky": leak
        and f"leaky: the trivial baseline {leak.model} gives {leak.valid:.1%} valid answers of {leak.n:,}",
        "flagged": "; ".join(row.flagged),
        "place": {"task": row.task, "seed": row.seeds[0], "model": model, "shots": row.shots},
        "asked": [row.n, answered],
        "exact_span": [row.exact_low, row.exact_high],
        "valid_span": [row.valid_low, row.valid_high],
    }
    for key in (
        "shots",
        "exact",
        "valid",
        "cells",
        "undecodable",
        "psr",
        "rpl",
        "seconds",
        "predict_seconds",
    ):
        found[key] = getattr(row, key)
    found |= {f"exact@{k}": row.exact_at.get(k) for k in steps}
    return found | {f"valid@{k}": row.valid_at.get(k) for k in steps}


def budgets(rows: Sequence[Budget]) -> Json:
    """Examples needed for 90%, beside the paper's."""
    published = {(one.task, one.model): one for one in paper.thresholds()}
    columns = [
        _column("label", "task", "text", "What is asked."),
        _column("model", "model", "text", f"Models, then grey: {_FLOOR}"),
        _column("seeds", "seeds", "count", f"Resampled for the interval: {RESAMPLED}."),
        _column(
            "first", "first measured", "count", "The smallest measured budget with 90%, the paper's way."
        ),
        _column("at", "interpolated", "worded", "Where the monotone curve, straight over log n, passes 90%."),
        _column("interval", "95%", "worded", f"Bootstrap interval of the interpolated budget. {ANY}"),
        *(
            _column(
                name,
                f"paper, {name}",
                "worded",
                "As its tables imply; in brackets as its figure draws, if other.",
            )
            for name in (paper.VIDEO, paper.TEXT)
        ),
    ]
    body = [
        {
            "label": labels.task_label(row.task),
            "model": label_of(row.model),
            "seeds": len(row.seeds),
            "trivial": row.model.trivial,
            "first": row.first,
            "at": [_span(row.at)[0], row.text()],
            "interval": _span(row.interval),
            **{
                name: None if row.model.trivial else _published(published.get((row.task, name)))
                for name in (paper.VIDEO, paper.TEXT)
            },
        }
        for row in rows
    ]
    return {"columns": columns, "rows": body}


def _published(one: paper.Threshold | None) -> Json:
    if one is None:
        return None
    return [one.tables or one.drawn or _LAST, one.text()]


def _span(span: Span) -> tuple[float, str]:
    number = span.high if span.low is None else span.low
    return _LAST if number is None else number, span.text()


def ratios(rows: Sequence[Ratio]) -> Json:
    """How many times as many examples one model needs as another."""
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
            "Budget of B to reach 90% over that of A; or why none is known.",
        ),
        _column("interval", "95%", "worded", f"{ANY} Resampled: {RESAMPLED}."),
    ]
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
    """Two models, or a model and a baseline, on the same questions."""
    columns = [
        _column("label", "task", "text", "What is asked."),
        _column("shots", "examples", "count", "Training examples of both."),
        _column("a", "A", "text", "One model."),
        _column("b", "B", "text", f"The other. Behind the models, grey: {_FLOOR}"),
        _column("n", "questions", "count", "Questions that both answered."),
        _column("a_share", "A exact", "share", "Exact answers of A."),
        _column("b_share", "B exact", "share", "Exact answers of B."),
        _column(
            "gap", "A - B, points", "worded", f"In points; 95% interval, paired. Resampled: {RESAMPLED}."
        ),
    ]
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
            "gap": [
                row.difference,
                f"{100 * row.difference:+.1f} ({100 * row.low:+.1f} to {100 * row.high:+.1f})",
            ],
        }
        for row in rows
    ]
    return {"columns": columns, "rows": body}


def overlaps(rows: Sequence[Overlap]) -> Json:
    """Tasks solved alone and together, the paper's pair last if its tasks are among them."""
    columns = [
        _column("corpus", "files", "text", "The folder of ARC files."),
        _column("a", "A", "text", "One model."),
        _column("b", "B", "text", "The other; grey: a trivial baseline."),
        _column("attempts", "attempts", "count", "Answers to a test input, one of which must be exact."),
        _column(
            "tasks", "tasks", "count", "Tasks that both were asked; one counts if every test input is solved."
        ),
        _column("only_a", "only A", "count", "Solved by A alone."),
        _column("both", "both", "count", "Solved by both."),
        _column("only_b", "only B", "count", "Solved by B alone."),
    ]
    body: list[dict[str, Json]] = [
        {key: getattr(row, key) for key in ("attempts", "tasks", "only_a", "both", "only_b")}
        | {"corpus": row.corpus, "a": label_of(row.a), "b": label_of(row.b), "trivial": row.b.trivial}
        for row in rows
    ]
    if any(row.published for row in rows):
        body.append(_paper_overlap())
    return {"columns": columns, "rows": body}


def _paper_overlap() -> dict[str, Json]:
    """The row of the paper's two models."""
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
    """Shares by concept, each model's beside the paper's two if its tasks are the paper's."""
    published = paper.paper().conceptarc_accuracy if any(row.published for row in rows) else {}
    theirs = [name for name in (paper.VIDEO, paper.TEXT) if name in published]
    columns = [
        _column("concept", "concept", "text", "ConceptARC's name of it."),
        _column("model", "model", "text", "Models, and the trivial baselines as their floor."),
        _column("attempts", "attempts", "count", "Answers to a test input, one of which must be exact."),
        _column("n", "test inputs", "count", "Test inputs asked."),
        _column("share", "solved", "share", "Share of test inputs solved."),
        _column(
            "span",
            "95%",
            "span",
            "Of tasks as clusters: inputs of one task are alike. More seeds do not narrow it.",
        ),
        *(
            _column(name, f"paper, {name}", "share", "Three attempts at all ten tasks of the concept.")
            for name in theirs
        ),
    ]
    body: list[dict[str, Any]] = [
        {key: getattr(row, key) for key in ("concept", "attempts", "n", "share")}
        | {"model": label_of(row.model), "span": [row.low, row.high], "trivial": row.model.trivial}
        | {name: published[name].get(row.concept) if row.published else None for name in theirs}
        for row in rows
    ]
    return {"columns": columns, "rows": body}


def _column(key: str, title: str, kind: str, told: str) -> dict[str, str]:
    return {"key": key, "title": title, "kind": kind, "help": told}
