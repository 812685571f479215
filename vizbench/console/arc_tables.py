"""Print the tables of the ARC protocols.

Each table has the models of the plan and the best trivial baseline. The paper's figures are beside the tasks
that the paper measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Final, final

from vizbench._util.text import plural
from vizbench.console.results import print_flagged
from vizbench.console.streams import print_line, print_note
from vizbench.console.tables import print_table
from vizbench.harness.plan.plan import TRIVIAL
from vizbench.harness.plan.suites import PROTOCOLS
from vizbench.harness.records.records import TrialResult
from vizbench.harness.report.curves import label_of
from vizbench.harness.stats import arc, paper
from vizbench.harness.stats.intervals import mean_interval
from vizbench.harness.stats.model_key import ModelKey

_PAPER: Final = ("video*", "text*")


@final
@dataclass(frozen=True, slots=True)
class _Table:
    """A table with the paper's figures beside it."""

    head: Sequence[str]
    """Titles of the columns, without the paper's."""
    body: Sequence[Sequence[str]]
    """Rows, without the paper's columns."""
    published: Sequence[Sequence[str] | None]
    """The paper's shares per row, as text. None if the paper measured other tasks."""
    elsewhere: str
    """A sentence about the rows without the paper's shares, or "" if there are none."""

    def rows(self) -> list[Sequence[str]]:
        """Return head and body. They have the paper's columns if any row has its shares."""
        if not any(self.published):
            return [self.head, *self.body]
        rows: list[Sequence[str]] = [[*self.head, *_PAPER]]
        for row, shares in zip(self.body, self.published, strict=True):
            rows.append([*row, *(shares or [_share(None)] * len(_PAPER))])
        return rows


def table(protocol: str, trials: Sequence[TrialResult], models: Sequence[str]) -> None:
    """Print the results of trials by a protocol.

    models: the models of the plan. A task with open questions is in no figure. Such tasks are counted on
    stderr.
    """
    attempts = PROTOCOLS[protocol]
    print_line()
    print_line(f"protocol {protocol}: {plural(attempts, 'attempt')} per test input")
    arc_table = (_concepts if protocol == "concept-arc" else _solved)(trials, models)
    if arc_table is None:
        print_note(
            "no figures: no task is complete, or for concept-arc no task is in a folder named by its concept"
        )
        return
    head, *body = arc_table.rows()
    print_table(head, body)
    if any(arc_table.published):
        print_line(f"* the paper's {paper.VIDEO} and {paper.TEXT}")
    if arc_table.elsewhere:
        print_line(arc_table.elsewhere)
    print_flagged(trials)
    open_tasks = {trial.header.trial.task for trial in trials if not trial.complete}
    if open_tasks:
        count = plural(len(open_tasks), "task has", "tasks have")
        print_note(f"{count} open questions for some model: that model's figures lack them")


def _concepts(trials: Sequence[TrialResult], models: Sequence[str]) -> _Table | None:
    """Return the shares per concept and their means, or None if no concept was measured."""
    rows = arc.concepts(trials, TRIVIAL)
    if not rows:
        return None
    shares = {(row.model, row.concept): row for row in rows}
    order = list(paper.paper().conceptarc_accuracy[paper.VIDEO])
    names = sorted({row.concept for row in rows}, key=order.index)
    unpublished = {row.concept for row in rows if not row.published}
    shown, trivial = _divided([row.model for row in rows], models)

    def share_of(model: ModelKey, concepts: Sequence[str]) -> tuple[float, float, float] | None:
        """Return a model's mean share over concepts, with its interval. None if it lacks one of them."""
        measured = [shares[model, name] for name in concepts if (model, name) in shares]
        if len(measured) < len(concepts):
            return None
        return mean_interval([(row.share, row.low, row.high) for row in measured])

    def line(title: str, concepts: Sequence[str]) -> list[str]:
        """Return a row of the table: the most inputs of any model, the models, the best trivial baseline."""
        asked: list[int] = []
        for model in {*shown, *trivial}:
            asked.append(sum(shares[model, name].n for name in concepts if (model, name) in shares))
        baselines = [share_of(model, concepts) for model in trivial]
        best = max((span[0] for span in baselines if span is not None), default=None)
        return [title, f"{max(asked)}", *(_span(share_of(model, concepts)) for model in shown), _share(best)]

    # One row per concept and one for their mean, then the paper's shares of the same rows.
    body = [line(name, [name]) for name in names]
    body.append(line("mean of concepts", names))
    published: list[list[str] | None] = []
    for name in names:
        published.append(None if name in unpublished else _concept_shares([name]))
    is_whole = not unpublished and names == order
    published.append(_concept_shares(order) if is_whole else None)
    return _Table(
        ["concept", "inputs", *_heads(shown), "best trivial"],
        body,
        published,
        paper.other_concepts([share is not None for share in published]),
    )


def _concept_shares(concepts: Sequence[str]) -> list[str]:
    """Return the paper's mean over these concepts for each of its two models, with two digits as there."""
    published = paper.paper().conceptarc_accuracy
    shares = [mean(published[name][concept] for concept in concepts) for name in (paper.VIDEO, paper.TEXT)]
    return [f"{share:.2f}" for share in shares]


def _solved(trials: Sequence[TrialResult], models: Sequence[str]) -> _Table | None:
    """Return the shares of solved tasks per corpus, or None if no corpus was measured."""
    rows = arc.solved(trials, TRIVIAL)
    if not rows:
        return None
    shown, trivial = _divided([row.model for row in rows], models)
    shares = paper.paper().arc_agi_1.two_attempts
    paper_shares = [_share(shares[who]) for who in (paper.VIDEO, paper.TEXT)]

    # One row per corpus.
    body: list[list[str]] = []
    published: list[list[str] | None] = []
    for name in dict.fromkeys(row.corpus for row in rows):
        by_model = {row.model: row for row in rows if row.corpus == name}
        spans: list[str] = []
        for model in shown:
            row = by_model.get(model)
            spans.append(_span(None if row is None else (row.share, row.low, row.high)))
        best = max((row.share for model, row in by_model.items() if model in trivial), default=None)
        tasks = max(row.tasks for row in by_model.values())
        body.append([name, f"{tasks}", *spans, _share(best)])
        is_whole = all(row.published for row in by_model.values())
        published.append(paper_shares if is_whole else None)
    return _Table(
        ["corpus", "tasks", *_heads(shown), "best trivial"],
        body,
        published,
        paper.other_corpora([share is not None for share in published]),
    )


def _divided(keys: Sequence[ModelKey], models: Sequence[str]) -> tuple[list[ModelKey], list[ModelKey]]:
    """Return the models to show, and the trivial baselines. A baseline in the plan is in both."""
    every = list(dict.fromkeys(keys))
    asked = [model for model in every if model.name in models or model.name not in TRIVIAL]
    return asked, [model for model in every if model.name in TRIVIAL]


def _heads(models: Sequence[ModelKey]) -> list[str]:
    return [f"{label_of(model)} [95%]" for model in models]


def _span(span: tuple[float, float, float] | None) -> str:
    return "–" if span is None else f"{span[0]:.3f} [{span[1]:.3f}, {span[2]:.3f}]"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
