"""The figures of a report, drawn with matplotlib: curves, budgets to reach 90%, overlap on ARC, shares by
concept.

Names that come from runs are drawn only in files and beside bars, cut short; the page's own captions are
HTML."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from vizbench.harness.records.labels import shortened, task_label
from vizbench.harness.report.curves import PAPER, Curve, LegendEntry, Panel, label_of, role_of
from vizbench.harness.report.svg import Drawing, Ink, Marks
from vizbench.harness.stats import paper
from vizbench.harness.stats.arc import Concept, Overlap
from vizbench.harness.stats.compare import Budget

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TICKS: Final = (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000)

_BEYOND: Final = 1.15
"""How far, as a factor, an arrow lies beyond the budget that it goes out from."""

_WIDE: Final = 5.2
"""Inches of a figure that stands alone: a phone, 360 pixels wide, shows its text at 8 pixels or more."""


def curves(panel: Panel, titled: bool) -> Drawing:
    """Accuracy by number of examples. titled: with the task's name above it, for a file."""
    return Drawing(
        f"curve-{panel.task}",
        f"Exact answers by training examples, {panel.task}",
        partial(_curves, panel, titled),
    )


def budgets(rows: Sequence[Budget], keys: Sequence[LegendEntry]) -> Drawing:
    """Bars as long as the budget that reaches 90%, with their intervals, and the paper's budgets as marks."""
    return Drawing("budgets", "Training examples needed for 90% exact answers", partial(_budgets, rows, keys))


def overlap(rows: Sequence[Overlap], keys: Sequence[LegendEntry]) -> Drawing:
    """Tasks solved by one of two models, by both, by the other; the paper's pair below, if its tasks are
    among them."""
    return Drawing(
        "overlap", "ARC tasks solved by one model, by both, by the other", partial(_overlap, rows, keys)
    )


def radar(rows: Sequence[Concept], keys: Sequence[LegendEntry]) -> Drawing:
    """Shares by concept of ConceptARC, on a wheel as in the paper's figure."""
    return Drawing("concepts", "Test inputs of ConceptARC solved, by concept", partial(_radar, rows, keys))


def _verbatim(text: str) -> str:
    """The text as matplotlib shows it letter by letter: between two dollar signs it would set a formula."""
    return text.replace("$", r"\$")


def _new(width: float, height: float, ink: Ink, polar: bool = False) -> tuple[Figure, Any]:
    """A figure of so many inches with one plot in it, its frame and text in our colours."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    axes: Any = figure.subplots(subplot_kw={"projection": "polar"} if polar else None)
    axes.patch.set_visible(False)
    axes.tick_params(colors=ink["soft"], length=0)
    for spine in axes.spines.values():
        spine.set_color(ink["rule"])
        spine.set_visible(polar)
    return figure, axes


def _budget_axis(axes: Any, ink: Ink, low: int, high: int) -> None:
    axes.set_xscale("log")
    shown = [n for n in TICKS if low <= n <= high]
    axes.set_xticks(shown, labels=[f"{n:,}" if n < 1000 else f"{n // 1000}k" for n in shown])
    axes.minorticks_off()
    axes.set_xlim(low * 0.85, high * 1.18)
    axes.set_xlabel("training examples (log scale)", color=ink["soft"])


def _curves(panel: Panel, titled: bool, ink: Ink, marks: Marks) -> Figure:
    figure, axes = _new(3.5, 2.3, ink)
    for above, line in enumerate(reversed(panel.lines)):  # the first model lies on top
        _curve(axes, line, above, ink, marks)
    shots = [max(point.shots, 1) for line in panel.lines for point in line.points] or [1]
    _budget_axis(axes, ink, min(3, *shots), max(30, *shots))
    axes.set_ylim(-0.02, 1.03)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], labels=["0%", "25%", "50%", "75%", "100%"])
    axes.grid(axis="y", color=ink["rule"], linewidth=0.6)
    axes.set_axisbelow(True)
    if titled:
        title = shortened([task_label(panel.task)], 38)[task_label(panel.task)]
        axes.set_title(_verbatim(title), color=ink["ink"])
        _legend(axes, [line.key for line in panel.lines], ink)
    return figure


def _curve(axes: Any, line: Curve, above: int, ink: Ink, marks: Marks) -> None:
    colour = ink[line.key.role]
    kind, behind = ("paper", 1) if line.key.kind == "paper" else ("", 3 + above)
    xs, ys = [max(point.shots, 1) for point in line.points], [point.share for point in line.points]
    low, high = [point.low for point in line.points], [point.high for point in line.points]
    if line.key.kind != "paper":
        axes.fill_between(
            xs, low, high, color=colour, alpha=0.16, linewidth=0, zorder=behind, gid=marks.add("band")
        )
        axes.vlines(xs, low, high, color=colour, linewidth=0.8, zorder=behind)
    style = {"model": "-", "floor": (0, (3, 2)), "paper": (0, (1.2, 1.2))}[line.key.kind]
    axes.plot(xs, ys, color=colour, linestyle=style, linewidth=1.4, zorder=behind, gid=marks.add(kind))
    dots = axes.scatter(
        xs, ys, s=9 if kind else 12, color=colour, linewidth=0, zorder=behind + 0.5, gid=marks.add(kind)
    )
    if not kind:
        dots.set_urls([marks.link(point.address, point.label) for point in line.points])


def _legend(axes: Any, keys: Sequence[LegendEntry], ink: Ink) -> None:
    from matplotlib.lines import Line2D

    styles: Mapping[str, Any] = {"model": "-", "floor": "--", "paper": ":"}
    short = shortened((key.name for key in keys), 60)
    handles = [
        Line2D([], [], color=ink[key.role], linestyle=styles[key.kind], label=_verbatim(short[key.name]))
        for key in keys
    ]
    axes.legend(
        handles=handles, frameon=False, labelcolor=ink["ink"], loc="upper left", bbox_to_anchor=(0, -0.2)
    )


def _budgets(rows: Sequence[Budget], keys: Sequence[LegendEntry], ink: Ink, marks: Marks) -> Figure:
    """Bars in groups of a task, in the order of the rows."""
    tasks = list(dict.fromkeys(row.task for row in rows))
    published = {task: [one for one in paper.thresholds() if one.task == task] for task in tasks}
    figure, axes = _new(_WIDE, 0.5 + 0.15 * len(rows) + 0.14 * len(tasks), ink)
    most = max(5000, *(row.budgets[-1] for row in rows))
    place = 0.0
    middles: list[float] = []
    for task in tasks:
        group = [row for row in rows if row.task == task]
        middles.append(place + (len(group) - 1) / 2)
        for one in published[task]:
            _paper_budget(axes, one, middles[-1], len(group), ink, marks)
        for row in group:
            _budget(axes, row, place, ink[role_of(row.model, keys)], ink, marks)
            place += 1
        place += 0.9
    short = shortened(map(task_label, tasks), 28)
    axes.set_yticks(middles, labels=[_verbatim(short[task_label(task)]) for task in tasks])
    axes.set_ylim(place - 0.4, -0.9)
    _budget_axis(axes, ink, 1, most)
    axes.set_xlim(1, most * _BEYOND**3)
    axes.grid(axis="x", color=ink["rule"], linewidth=0.6)
    axes.set_axisbelow(True)
    return figure


def _budget(axes: Any, row: Budget, place: float, colour: str, ink: Ink, marks: Marks) -> None:
    """A bar, pale and with an arrow where it has no known end, and its interval in the colour of text on
    it."""
    says = f"{label_of(row.model)}, {row.task}: {row.at.text()} examples (95%: {row.interval.text()})"
    never, start = row.at.high is None, row.at.low is None
    length = float((row.at.low if never else row.at.high) or row.budgets[-1])
    pale = 0.35 if never or start else 0.85
    bar = axes.barh(place, length - 1, left=1, height=0.78, color=colour, alpha=pale, linewidth=0)
    bar.patches[0].set_gid(marks.add("", says))
    if never or start:
        at, marker = (length * _BEYOND, ">") if never else (length / _BEYOND, "<")
        axes.scatter([at], [place], marker=marker, s=44, color=colour, linewidth=0, gid=marks.add("", says))
    _whiskers(axes, row, place, ink["ink"], marks.add("", says))


def _whiskers(axes: Any, row: Budget, place: float, colour: str, gid: str) -> None:
    """The interval as a line: a stroke at an end that is known, an arrow at one that is open."""
    low, high = row.interval.low, row.interval.high
    left, right = low or row.budgets[0] / _BEYOND**2, high or row.budgets[-1] * _BEYOND**2
    axes.plot(
        [left, right], [place, place], color=colour, linewidth=1, solid_capstyle="butt", zorder=4, gid=gid
    )
    for end, at, arrow in ((low, left, "<"), (high, right, ">")):
        style = (
            {"marker": arrow, "s": 12, "linewidth": 0}
            if end is None
            else {"marker": "|", "s": 30, "linewidth": 1}
        )
        axes.scatter([at], [place], color=colour, zorder=4, **style)


def _paper_budget(axes: Any, one: paper.Threshold, middle: float, rows: int, ink: Ink, marks: Marks) -> None:
    """Full: what the paper's tables imply; hollow: what its figure draws, where that is another."""
    colour, marker = ink[PAPER.get(one.model, "soft")], "D" if one.model == paper.VIDEO else "s"
    y = middle + (-0.2 if one.model == paper.VIDEO else 0.2) * max(rows, 2)
    where = f"paper, {one.model}, {one.task}"
    if one.tables is not None:
        title = f"{where}: {one.tables:,} examples by its tables"
        edge = {"facecolors": colour, "edgecolors": ink["card"], "linewidth": 0.8}
        axes.scatter([one.tables], [y], marker=marker, s=20, zorder=5, gid=marks.add("paper", title), **edge)
    if one.disagrees:
        title = f"{where}: {one.drawn:,} examples as its figure draws it, which its tables do not say"
        hollow = {"facecolors": "none", "edgecolors": colour, "linewidth": 0.9}
        axes.scatter([one.drawn], [y], marker=marker, s=16, zorder=6, gid=marks.add("paper", title), **hollow)


def _overlap(rows: Sequence[Overlap], keys: Sequence[LegendEntry], ink: Ink, marks: Marks) -> Figure:
    figure, axes = _new(_WIDE, 0.3 + 0.55 * (len(rows) + any(row.published for row in rows)), ink)
    files = shortened((row.corpus for row in rows), 30)
    models = shortened((label_of(model) for row in rows for model in (row.a, row.b)), 24)
    for place, row in enumerate(rows):
        parts = (
            (f"only {label_of(row.a)}", row.only_a, ink[role_of(row.a, keys)]),
            ("both", row.both, ink["soft"]),
            (f"only {label_of(row.b)}", row.only_b, ink[role_of(row.b, keys)]),
        )
        a, b = models[label_of(row.a)], models[label_of(row.b)]
        words = _verbatim(f"{files[row.corpus]}, {row.tasks} tasks: {a} | both | {b}")
        _stack(axes, place, parts, (row.tasks, words, ""), ink, marks)
    beside = any(row.published for row in rows)
    if beside:
        published = paper.paper().arc_agi_1
        solved = zip(published.overlap.items(), ("p0", "soft", "p1"), strict=True)
        parts = tuple((f"paper: {what}", count, ink[role]) for (what, count), role in solved)
        words = f"paper, ARC-AGI-1, {published.tasks} tasks: {paper.VIDEO} | both | {paper.TEXT}"
        _stack(axes, len(rows), parts, (published.tasks, words, "paper"), ink, marks)
    axes.set_ylim(len(rows) - 0.5 + beside, -0.75)
    axes.set_yticks([])
    axes.set_xticks([])
    return figure


def _stack(
    axes: Any,
    place: float,
    parts: Sequence[tuple[str, int, str]],
    of: tuple[int, str, str],
    ink: Ink,
    marks: Marks,
) -> None:
    """One bar, its parts with their numbers below. parts: what, how many, colour; of: of how many tasks, the
    words above the bar, the class of it all."""
    tasks, words, kind = of
    total = max(sum(count for _, count, _ in parts), 1)
    at = 0.0
    for what, count, colour in parts:
        bar = axes.barh(place, count / total, left=at, height=0.36, color=colour)
        bar.patches[0].set_gid(marks.add(kind, f"{what}: {count} of {tasks} tasks"))
        if count:
            middle = at + count / total / 2
            axes.text(
                middle, place + 0.2, f"{count}", ha="center", va="top", color=ink["ink"], gid=marks.add(kind)
            )
        at += count / total
    axes.text(0, place - 0.22, words, ha="left", va="bottom", color=ink["ink"], gid=marks.add(kind))


def _radar(rows: Sequence[Concept], keys: Sequence[LegendEntry], ink: Ink, marks: Marks) -> Figure:
    published = paper.paper().conceptarc_accuracy
    concepts = list(published[paper.VIDEO])
    angles = [2 * math.pi * k / len(concepts) for k in range(len(concepts))]
    figure, axes = _new(_WIDE, 4.2, ink, polar=True)
    axes.set_theta_zero_location("N")
    axes.set_theta_direction(-1)
    measured = {row.concept for row in rows} - {row.concept for row in rows if not row.published}
    for model, role in PAPER.items() if measured else ():
        shares = [published[model][concept] if concept in measured else math.nan for concept in concepts]
        axes.plot(
            [*angles, angles[0]],
            [*shares, shares[0]],
            color=ink[role],
            linestyle=(0, (1.2, 1.2)),
            linewidth=1.3,
            marker="" if len(measured) == len(concepts) else ".",  # a single concept makes no line
            gid=marks.add("paper", f"paper: {model}"),
        )
    for model, attempts in dict.fromkeys((row.model, row.attempts) for row in rows):
        shares = {row.concept: row for row in rows if (row.model, row.attempts) == (model, attempts)}
        known = [k for k, concept in enumerate(concepts) if concept in shares]
        values = [shares[concepts[k]].share for k in known]
        colour, name = ink[role_of(model, keys)], label_of(model)
        closed = [*known, *known[:1]] if len(known) == len(concepts) else known
        axes.plot(
            [angles[k] for k in closed],
            [shares[concepts[k]].share for k in closed],
            color=colour,
            linewidth=1.4,
        )
        if len(known) == len(concepts):
            axes.fill([angles[k] for k in known], values, color=colour, alpha=0.1, linewidth=0)
        for k, share in zip(known, values, strict=True):
            row = shares[concepts[k]]
            says = f"{name}, {row.concept}: {share:.0%} of {row.n} ({row.low:.0%} to {row.high:.0%}), {attempts} attempts"
            axes.scatter(
                [angles[k]], [share], s=12, color=colour, linewidth=0, zorder=4, gid=marks.add("", says)
            )
    axes.set_xticks(angles, labels=concepts)
    for label, angle in zip(
        axes.get_xticklabels(), angles, strict=True
    ):  # beside the wheel, not across its rim
        side = math.sin(angle)
        label.set_horizontalalignment("center" if abs(side) < 0.1 else "left" if side > 0 else "right")
    axes.tick_params(axis="x", pad=1)
    axes.set_ylim(0, 1)
    axes.set_yticks([0.25, 0.5, 0.75, 1], labels=["25%", "50%", "75%", ""])
    axes.set_rlabel_position(math.degrees(angles[1]) / 2)
    axes.grid(color=ink["rule"], linewidth=0.6)
    return figure
