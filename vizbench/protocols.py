"""The tables of ARC's protocols, as the command line prints them: each model asked for, the best trivial baseline as
the floor, and the paper's figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from vizbench import console
from vizbench.harness import corpus, paper
from vizbench.harness.contender import Contender
from vizbench.harness.lines import label_of
from vizbench.harness.metrics import mean_interval
from vizbench.harness.plan import PROTOCOLS, TRIVIAL
from vizbench.harness.records import CellRun
from vizbench.words import plural

_PAPER: Final = ("video*", "text*")


def table(protocol: str, cells: Sequence[CellRun], models: Sequence[str]) -> None:
    """Print what the cells are worth by the protocol. models: those that were asked for. A task that was not asked in
    whole is in no figure, and is counted on stderr."""
    attempts = PROTOCOLS[protocol]
    console.out()
    console.out(f"protocol {protocol}: {plural(attempts, 'attempt')} a test input")
    rows = (_concepts if protocol == "concept-arc" else _solved)(cells, models)
    if rows is None:
        console.note("no task was asked in whole, or for concept-arc none lies in a folder named by its concept")
        return
    head, *body = rows
    console.columns(head, body)  # a table of rich would drop columns where the terminal is narrow
    console.out(f"* the paper's {paper.VIDEO} and {paper.TEXT}")
    console.flagged(cells)
    open_tasks = {cell.header.cell.task for cell in cells if not cell.complete}
    if open_tasks:
        lack = plural(len(open_tasks), "task has", "tasks have")
        console.note(f"{lack} open questions for some model and no part in its figures")


def _concepts(cells: Sequence[CellRun], models: Sequence[str]) -> list[list[str]] | None:
    """Shares by concept and their means."""
    found = {(row.model, row.concept): row for row in corpus.concepts(cells, TRIVIAL)}
    if not found:
        return None
    names = list(dict.fromkeys(row.concept for row in found.values()))
    names.sort(key=list(paper.paper().conceptarc_accuracy[paper.VIDEO]).index)
    shown, floor = _divided([model for model, _ in found], models)
    published = {name: paper.paper().conceptarc_accuracy[name] for name in (paper.VIDEO, paper.TEXT)}

    def line(title: str, which: Sequence[str]) -> list[str]:
        def worth(model: Contender) -> tuple[float, float, float] | None:
            rows = [found[model, name] for name in which if (model, name) in found]
            return mean_interval([(row.share, row.low, row.high) for row in rows]) if len(rows) == len(which) else None

        inputs = max(
            sum(found[model, name].n for name in which if (model, name) in found) for model in {*shown, *floor}
        )
        best = max((span[0] for model in floor if (span := worth(model))), default=None)
        told = [f"{sum(table[name] for name in which) / len(which):.2f}" for table in published.values()]
        return [title, f"{inputs}", *(_span(worth(model)) for model in shown), _share(best), *told]

    head = ["concept", "inputs", *_heads(shown), "best trivial", *_PAPER]
    return [head, *(line(name, [name]) for name in names), line("mean of concepts", names)]


def _solved(cells: Sequence[CellRun], models: Sequence[str]) -> list[list[str]] | None:
    """Tasks solved, a corpus a line."""
    rows = corpus.solved(cells, TRIVIAL)
    if not rows:
        return None
    shown, floor = _divided([row.model for row in rows], models)
    published = paper.paper().arc_agi_1.two_attempts
    body: list[list[str]] = []
    for name in dict.fromkeys(row.corpus for row in rows):
        here = {row.model: row for row in rows if row.corpus == name}
        ours = [(row.share, row.low, row.high) if (row := here.get(model)) else None for model in shown]
        best = max((row.share for model, row in here.items() if model in floor), default=None)
        told = [
            _share(published[who] if name.startswith("arc-agi-1:ev") else None) for who in (paper.VIDEO, paper.TEXT)
        ]
        body.append([name, f"{max(row.tasks for row in here.values())}", *map(_span, ours), _share(best), *told])
    head = ["corpus", "tasks", *_heads(shown), "best trivial", *_PAPER]
    return [head, *body]


def _divided(found: Sequence[Contender], models: Sequence[str]) -> tuple[list[Contender], list[Contender]]:
    """The models asked for, and the baselines, among which these may be."""
    every = list(dict.fromkeys(found))
    asked = [model for model in every if model.name in models or model.name not in TRIVIAL]
    return asked, [model for model in every if model.name in TRIVIAL]


def _heads(models: Sequence[Contender]) -> list[str]:
    return [f"{label_of(model)} [95%]" for model in models]


def _span(span: tuple[float, float, float] | None) -> str:
    return "–" if span is None else f"{span[0]:.3f} [{span[1]:.3f}, {span[2]:.3f}]"


def _share(value: Any) -> str:
    return "–" if value is None else f"{value:.3f}"
