"""The tables of ARC's protocols, as the command line prints them: each model asked for, the best trivial
baseline as the floor, and the paper's figures beside the tasks that it measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any, Final, final

from vizbench._util.text import plural
from vizbench.console import output
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
    """What is printed."""

    head: Sequence[str]
    """Titles of the columns, without the paper's."""
    body: Sequence[Sequence[str]]
    """Rows, without the paper's columns."""
    published: Sequence[Sequence[str] | None]
    """The paper's shares of each row, in words. None if it measured other tasks."""
    elsewhere: str
    """A sentence on the rows without them, "" if there are none."""

    def rows(self) -> list[Sequence[str]]:
        """Head and body, with the paper's columns if it measured the tasks of a row."""
        if not any(self.published):
            return [self.head, *self.body]
        shares = [row or [_share(None)] * len(_PAPER) for row in self.published]
        return [
            [*self.head, *_PAPER],
            *([*row, *theirs] for row, theirs in zip(self.body, shares, strict=True)),
        ]


def table(protocol: str, cells: Sequence[TrialResult], models: Sequence[str]) -> None:
    """Print what the cells are worth by the protocol. models: those that were asked for. A task that was not
    asked in whole is in no figure, and is counted on stderr."""
    attempts = PROTOCOLS[protocol]
    output.out()
    output.out(f"protocol {protocol}: {plural(attempts, 'attempt')} a test input")
    found = (_concepts if protocol == "concept-arc" else _solved)(cells, models)
    if found is None:
        output.note(
            "no task was asked in whole, or for concept-arc none lies in a folder named by its concept"
        )
        return
    head, *body = found.rows()
    output.print_columns(head, body)  # a table of rich would drop columns where the terminal is narrow
    if any(found.published):
        output.out(f"* the paper's {paper.VIDEO} and {paper.TEXT}")
    if found.elsewhere:
        output.out(found.elsewhere)
    output.print_flagged(cells)
    open_tasks = {cell.header.trial.task for cell in cells if not cell.complete}
    if open_tasks:
        lack = plural(len(open_tasks), "task has", "tasks have")
        output.note(f"{lack} open questions for some model and no part in its figures")


def _concepts(cells: Sequence[TrialResult], models: Sequence[str]) -> _Table | None:
    """Shares by concept and their means."""
    rows = arc.concepts(cells, TRIVIAL)
    if not rows:
        return None
    found = {(row.model, row.concept): row for row in rows}
    order = list(paper.paper().conceptarc_accuracy[paper.VIDEO])
    names = sorted({row.concept for row in rows}, key=order.index)
    others = {row.concept for row in rows if not row.published}
    shown, floor = _divided([row.model for row in rows], models)

    def line(title: str, which: Sequence[str]) -> list[str]:
        def worth(model: ModelKey) -> tuple[float, float, float] | None:
            rows = [found[model, name] for name in which if (model, name) in found]
            return (
                mean_interval([(row.share, row.low, row.high) for row in rows])
                if len(rows) == len(which)
                else None
            )

        inputs = max(
            sum(found[model, name].n for name in which if (model, name) in found)
            for model in {*shown, *floor}
        )
        best = max((span[0] for model in floor if (span := worth(model))), default=None)
        return [title, f"{inputs}", *(_span(worth(model)) for model in shown), _share(best)]

    published: list[list[str] | None] = [
        None if name in others else _concept_shares([name]) for name in names
    ]
    published.append(None if others or names != order else _concept_shares(order))
    return _Table(
        ["concept", "inputs", *_heads(shown), "best trivial"],
        [*(line(name, [name]) for name in names), line("mean of concepts", names)],
        published,
        paper.other_concepts([share is not None for share in published]),
    )


def _concept_shares(concepts: Sequence[str]) -> list[str]:
    """The paper's means over these concepts, of each of its two models, in its two digits."""
    published = paper.paper().conceptarc_accuracy
    shares = [mean(published[name][concept] for concept in concepts) for name in (paper.VIDEO, paper.TEXT)]
    return [f"{share:.2f}" for share in shares]


def _solved(cells: Sequence[TrialResult], models: Sequence[str]) -> _Table | None:
    """Tasks solved, a corpus a line."""
    rows = arc.solved(cells, TRIVIAL)
    if not rows:
        return None
    shown, floor = _divided([row.model for row in rows], models)
    shares = paper.paper().arc_agi_1.two_attempts
    body: list[list[str]] = []
    published: list[list[str] | None] = []
    for name in dict.fromkeys(row.corpus for row in rows):
        here = {row.model: row for row in rows if row.corpus == name}
        ours = [(row.share, row.low, row.high) if (row := here.get(model)) else None for model in shown]
        best = max((row.share for model, row in here.items() if model in floor), default=None)
        body.append([name, f"{max(row.tasks for row in here.values())}", *map(_span, ours), _share(best)])
        whole = all(row.published for row in here.values())
        published.append([_share(shares[who]) for who in (paper.VIDEO, paper.TEXT)] if whole else None)
    return _Table(
        ["corpus", "tasks", *_heads(shown), "best trivial"],
        body,
        published,
        paper.other_corpora([share is not None for share in published]),
    )


def _divided(found: Sequence[ModelKey], models: Sequence[str]) -> tuple[list[ModelKey], list[ModelKey]]:
    """The models asked for, and the baselines, among which these may be."""
    every = list(dict.fromkeys(found))
    asked = [model for model in every if model.name in models or model.name not in TRIVIAL]
    return asked, [model for model in every if model.name in TRIVIAL]


def _heads(models: Sequence[ModelKey]) -> list[str]:
    return [f"{label_of(model)} [95%]" for model in models]


def _span(span: tuple[float, float, float] | None) -> str:
    return "–" if span is None else f"{span[0]:.3f} [{span[1]:.3f}, {span[2]:.3f}]"


def _share(value: Any) -> str:
    return "–" if value is None else f"{value:.3f}"
