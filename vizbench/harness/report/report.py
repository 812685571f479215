"""Write one HTML file that shows runs: figures, tables, and every question with its answers.

The file needs no network. Whatever comes from a run is escaped: names and reasons may hold anything. The
page is made from `page/`: a template, a style and the scripts are all written into the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, final

from vizbench._util import text as words
from vizbench._util.files import disk_errors, write_atomically
from vizbench.errors import UserError
from vizbench.harness.plan.plan import TRIVIAL, UNREPORTED, slug
from vizbench.harness.records import labels
from vizbench.harness.records.provenance import now
from vizbench.harness.records.records import TrialResult, UnstartedTrial
from vizbench.harness.report import curves, links, svg, tables
from vizbench.harness.report import figures as figure
from vizbench.harness.report.viewer import MAX_BYTES, payload
from vizbench.harness.stats import arc, compare, paper
from vizbench.harness.stats.incomplete import incomplete_trials
from vizbench.harness.stats.metrics import COVERAGE, LEAK, Summary, distinct, leaks, summaries
from vizbench.types import Json

if TYPE_CHECKING:
    from markupsafe import Markup

KINDS: Final[tuple[Literal["svg", "pdf", "png"], ...]] = ("svg", "pdf", "png")
"""File types in which `write_figures` writes each figure."""


def write_report(trials: Sequence[TrialResult], unstarted: Sequence[UnstartedTrial], html: Path) -> None:
    """Write the report of one or more trials to `html`, whole or not at all.

    unstarted: trials that could not begin. Raises UserError if the file cannot be written.
    """
    if html.is_dir():
        raise UserError(f"{html} is a folder: name a file, e.g. {html / 'report.html'}")
    write_atomically(html, render_report(trials, unstarted).encode("utf-8", "replace"))


def write_figures(trials: Sequence[TrialResult], folder: Path) -> list[Path]:
    """Write every figure of the report to `folder` as SVG, PDF and PNG.

    Returns the files in the order of writing.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file: name a folder for the figures")
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    findings = _compute(trials)
    drawings = [figure.curves(panel, titled=True) for panel in curves.panels(findings.rows)]
    written: list[Path] = []
    for drawing in [*drawings, *findings.drawings().values()]:
        for kind in KINDS:
            path = folder / f"{slug(drawing.name)}.{kind}"
            write_atomically(path, svg.save(drawing, kind))
            written.append(path)
    return written


def render_report(
    trials: Sequence[TrialResult], unstarted: Sequence[UnstartedTrial] = (), most_bytes: int = MAX_BYTES
) -> str:
    """Return the report as HTML text.

    unstarted: trials that could not begin.
    most_bytes: bytes of the page that the viewer's questions and answers may take.
    """
    import jinja2

    # Everything that the page shows.
    findings = _compute(trials)
    panels = links.link_panels(curves.panels(findings.rows), findings.rows, findings.trials)
    packed = payload(findings.trials, most_bytes)

    # Names and reasons may hold anything, so every value is escaped, and an unknown name is an error.
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "page"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("report.html").render(
        labels=labels,
        words=words,
        colour_roles=svg.ROLES,
        incomplete=incomplete_trials(findings.trials, unstarted),
        data=findings.tables() | {"data": packed.index},
        blobs=packed.blobs,
        held=packed.held,
        most=packed.most,
        resampled=compare.RESAMPLED,
        no_ratio=compare.NO_RATIO,
        coverage=COVERAGE,
        unreported=UNREPORTED,
        **_overview(findings),
        **_drawn(findings, panels),
        **_published(findings, panels),
    )


def _overview(findings: _Findings) -> dict[str, Any]:
    """Return what the page says of the runs as a whole."""
    heads = [trial.header.trial for trial in findings.trials]
    tasks, models = {head.task for head in heads}, {head.model for head in heads}
    attempts = [row.attempts for row in findings.rows]
    return {
        "tasks": len(tasks),
        "models": len(models - set(TRIVIAL)),
        "seeds": sorted({head.seed for head in heads}),
        "attempts": max(attempts, default=1),
        "leaky": leaks(findings.rows),
        "leak": LEAK,
        "flagged": _flagged(findings.rows),
        "made": now(),
        "trained": _trained(findings.trials),
        "prompts": labels.prompts(findings.trials),
        "environments": _environments(findings.trials),
    }


def _drawn(findings: _Findings, panels: Sequence[curves.Panel]) -> dict[str, Any]:
    """Return the figures of the page, each with its own number, and their legend."""
    panel_figures: list[tuple[str, Markup]] = []
    for number, panel in enumerate(panels):
        panel_figures.append((panel.task, svg.inline(figure.curves(panel, titled=False), number)))
    figures: dict[str, Markup] = {}
    for number, (name, drawing) in enumerate(findings.drawings().items(), len(panels)):
        figures[name] = svg.inline(drawing, number)
    return {
        "panels": panel_figures,
        "figures": figures,
        "legend": findings.legend,
        "overlaps": bool(findings.overlaps),
    }


def _published(findings: _Findings, panels: Sequence[curves.Panel]) -> dict[str, Any]:
    """Return what the page shows of the paper's results."""
    published_concepts = [row.published for row in findings.concepts]
    return {
        "paper_legend": curves.paper_legend(panels),
        "paper_pair": curves.PAPER_ENTRIES if any(published_concepts) else (),
        "paper_overlap": any(row.published for row in findings.overlaps),
        "other_concepts": paper.other_concepts(published_concepts),
        "video": paper.VIDEO,
        "text": paper.TEXT,
        "source": paper.paper().source,
    }


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Findings:
    """Everything that is computed from the trials."""

    trials: Sequence[TrialResult]
    rows: Sequence[Summary]
    legend: Sequence[curves.LegendEntry]
    shots_needed: Sequence[compare.ShotsNeeded]
    ratios: Sequence[compare.Ratio]
    differences: Sequence[compare.Difference]
    overlaps: Sequence[arc.Overlap]
    concepts: Sequence[arc.Concept]

    def drawings(self) -> dict[str, svg.Drawing]:
        """Return the figures of which there is only one, without those that have nothing to show."""
        drawings: dict[str, svg.Drawing] = {}
        drawn = {entry.model for entry in self.legend}  # the models, or without any the baselines
        bars = [row for row in self.shots_needed if row.model in drawn]
        if bars:
            drawings["shots_needed"] = figure.shots_needed(bars, self.legend)
        shared = [row for row in self.overlaps if row.b in drawn]
        if shared:
            drawings["overlap"] = figure.overlap(shared, self.legend)
        if self.concepts:
            drawings["concepts"] = figure.radar(self.concepts, self.legend)
        return drawings

    def tables(self) -> dict[str, Json]:
        """Return what the tables show, by the id of the element that holds it."""
        results = tables.results(self.rows, leaks(self.rows))
        return {
            "rows": links.link_table(results, self.rows, self.trials),
            "shots-needed-rows": tables.shots_needed(self.shots_needed),
            "ratio-rows": tables.ratios(self.ratios),
            "difference-rows": tables.differences(self.differences),
            "overlap-rows": tables.overlaps(self.overlaps),
            "concept-rows": tables.concepts(arc.concepts(self.trials, TRIVIAL)),
        }


def _compute(trials: Sequence[TrialResult]) -> _Findings:
    once = distinct(trials)
    rows = summaries(once)
    return _Findings(
        once,
        rows,
        curves.legend(rows),
        compare.shots_needed(once),
        compare.ratios(once),
        compare.differences(once),
        arc.overlaps(once),
        arc.concepts(once),
    )


def _flagged(rows: Sequence[Summary]) -> dict[str, tuple[str, ...]]:
    """Return what is known to be wrong with the data of each flagged task."""
    return {row.task: row.flagged for row in rows if row.flagged}


def _trained(trials: Sequence[TrialResult]) -> list[tuple[str, str]]:
    """Return each model with how long the plan trained it, and whether it read the task's prompt."""
    heads = [trial.header.trial for trial in trials if trial.header.trial.model not in TRIVIAL]
    marks = labels.model_marks((head.model, head.checkpoint, labels.OWN) for head in heads)
    names = {model: labels.model_label(*model, mark) for model, mark in marks.items()}
    return sorted({(names[head.model, head.checkpoint, labels.OWN], head.training) for head in heads})


def _environments(trials: Sequence[TrialResult]) -> list[dict[str, str]]:
    """Return the machines and versions that took part, each once."""
    once: list[dict[str, str]] = []
    for trial in trials:
        sessions = [session.environment for session in trial.sessions]
        for environment in (trial.header.environment, *sessions):
            if environment not in once:
                once.append(environment)
    return once
