"""One HTML file that shows runs: figures, tables, and every question with its answers. It needs no network.

Whatever comes from a run is text to be escaped: names and reasons may hold anything. The page is put together
from `page/`: a template, a style and the scripts, all written into the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, final

from vizbench._util import text as words
from vizbench._util.files import disk_errors, write_atomically
from vizbench.errors import UserError
from vizbench.harness.plan.plan import TRIVIAL, UNREPORTED, slug
from vizbench.harness.records import labels as names
from vizbench.harness.records.provenance import now
from vizbench.harness.records.records import TrialResult, UnstartedTrial
from vizbench.harness.report import curves, links, svg, tables
from vizbench.harness.report import figures as figure
from vizbench.harness.report.viewer import MAX_BYTES, payload
from vizbench.harness.stats import arc, compare, paper
from vizbench.harness.stats.incomplete import incomplete_trials
from vizbench.harness.stats.metrics import COVERAGE, LEAK, Summary, distinct, leaks, summaries
from vizbench.types import Json

KINDS: Final[tuple[Literal["svg", "pdf", "png"], ...]] = ("svg", "pdf", "png")
"""What `write_figures` writes of each figure."""


def write_report(cells: Sequence[TrialResult], lost: Sequence[UnstartedTrial], html: Path) -> None:
    """Write the report of these cells, one or more, to `html`, whole or not at all. lost: cells that could
    not begin. UserError where the disk refuses."""
    if html.is_dir():
        raise UserError(f"{html} is a folder: name a file, e.g. {html / 'report.html'}")
    write_atomically(html, render_report(cells, lost).encode("utf-8", "replace"))


def write_figures(cells: Sequence[TrialResult], folder: Path) -> list[Path]:
    """Write every figure of the report to `folder` as SVG, PDF and PNG; the files, in the order of
    writing."""
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file: name a folder for the figures")
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    found = _gather(cells)
    drawings = [figure.curves(panel, titled=True) for panel in curves.panels(found.rows)]
    written: list[Path] = []
    for drawing in [*drawings, *found.drawings().values()]:
        for kind in KINDS:
            path = folder / f"{slug(drawing.name)}.{kind}"
            write_atomically(path, svg.save(drawing, kind))
            written.append(path)
    return written


def render_report(
    cells: Sequence[TrialResult], lost: Sequence[UnstartedTrial] = (), most_bytes: int = MAX_BYTES
) -> str:
    """The report as HTML text. lost: cells that could not begin; most_bytes: what the viewer's questions and
    answers may take of it."""
    import jinja2

    found = _gather(cells)
    panels = links.link_panels(curves.panels(found.rows), found.rows, found.cells)
    drawings = found.drawings()
    packed = payload(found.cells, most_bytes)
    heads = [cell.header.trial for cell in found.cells]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "page"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("report.html").render(
        names=names,
        words=words,
        inks=svg.ROLES,
        tasks=len({head.task for head in heads}),
        models=len({head.model for head in heads} - set(TRIVIAL)),
        seeds=sorted({head.seed for head in heads}),
        made=now(),
        gaps=incomplete_trials(found.cells, lost),
        overlaps=bool(found.overlaps),
        leaky=leaks(found.rows),
        leak=LEAK,
        flagged={row.task: row.flagged for row in found.rows if row.flagged},
        attempts=max((row.attempts for row in found.rows), default=1),
        keys=found.keys,
        paper_keys=curves.paper_legend(panels),
        paper_pair=curves.PAPER_KEYS if any(row.published for row in found.concepts) else (),
        paper_overlap=any(row.published for row in found.overlaps),
        elsewhere=paper.other_concepts([row.published for row in found.concepts]),
        resampled=compare.RESAMPLED,
        no_ratio=compare.NO_RATIO,
        coverage=COVERAGE,
        video=paper.VIDEO,
        text=paper.TEXT,
        panels=[
            (panel.task, svg.inline(figure.curves(panel, titled=False), k)) for k, panel in enumerate(panels)
        ],
        figures={
            name: svg.inline(drawing, len(panels) + k) for k, (name, drawing) in enumerate(drawings.items())
        },
        data=found.tables() | {"data": packed.index},
        blobs=packed.blobs,
        held=packed.held,
        most=packed.most,
        unreported=UNREPORTED,
        trained=_trained(found.cells),
        source=paper.paper().source,
        environments=_environments(found.cells),
    )


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Findings:
    """Everything that is computed from the cells."""

    cells: Sequence[TrialResult]
    rows: Sequence[Summary]
    keys: Sequence[curves.LegendEntry]
    budgets: Sequence[compare.Budget]
    ratios: Sequence[compare.Ratio]
    differences: Sequence[compare.Difference]
    overlaps: Sequence[arc.Overlap]
    concepts: Sequence[arc.Concept]

    def drawings(self) -> dict[str, svg.Drawing]:
        """The figures of which there is one each, those that have something to show."""
        found: dict[str, svg.Drawing] = {}
        drawn = {
            key.model for key in self.keys
        }  # the baselines where there is no model, and else models alone
        bars = [row for row in self.budgets if row.model in drawn]
        if bars:
            found["budgets"] = figure.budgets(bars, self.keys)
        shared = [row for row in self.overlaps if row.b in drawn]
        if shared:
            found["overlap"] = figure.overlap(shared, self.keys)
        if self.concepts:
            found["concepts"] = figure.radar(self.concepts, self.keys)
        return found

    def tables(self) -> dict[str, Json]:
        """What the tables show, by the id of the element that holds it."""
        return {
            "rows": links.link_table(tables.results(self.rows, leaks(self.rows)), self.rows, self.cells),
            "budget-rows": tables.budgets(self.budgets),
            "ratio-rows": tables.ratios(self.ratios),
            "difference-rows": tables.differences(self.differences),
            "overlap-rows": tables.overlaps(self.overlaps),
            "concept-rows": tables.concepts(arc.concepts(self.cells, TRIVIAL)),
        }


def _gather(cells: Sequence[TrialResult]) -> _Findings:
    once = distinct(cells)
    rows = summaries(once)
    return _Findings(
        once,
        rows,
        curves.legend(rows),
        compare.budgets(once),
        compare.ratios(once),
        compare.differences(once),
        arc.overlaps(once),
        arc.concepts(once),
    )


def _trained(cells: Sequence[TrialResult]) -> list[tuple[str, str]]:
    """Each model with how long the plan had it train."""
    heads = [cell.header.trial for cell in cells if cell.header.trial.model not in TRIVIAL]
    marks = names.model_marks((head.model, head.checkpoint, names.OWN) for head in heads)
    labels = {one: names.model_label(*one, mark) for one, mark in marks.items()}
    return sorted({(labels[head.model, head.checkpoint, names.OWN], head.training) for head in heads})


def _environments(cells: Sequence[TrialResult]) -> list[dict[str, str]]:
    """The machines and versions that took part, each once."""
    found: list[dict[str, str]] = []
    for environment in (
        e for cell in cells for e in (cell.header.environment, *(s.environment for s in cell.sessions))
    ):
        if environment not in found:
            found.append(environment)
    return found
