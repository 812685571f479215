"""Draw the figures of a report with matplotlib: curves, shots needed, overlap on ARC, shares by concept.

Names that come from runs are drawn only in files and beside bars, cut short. The page's captions are HTML.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from vizbench.harness.records.labels import shortened, task_label
from vizbench.harness.report.curves import PAPER, Curve, LegendEntry, Panel, label_of, role_of
from vizbench.harness.report.svg import Drawing, Ink, Marks
from vizbench.harness.stats import paper
from vizbench.harness.stats.arc import Concept, Overlap
from vizbench.harness.stats.compare import ShotsNeeded

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TICKS: Final = (0, 1, 3, 10, 30, 100, 300, 1000, 3000, 10_000)
"""Numbers of shots that an axis may show."""

_BEYOND: Final = 1.15
"""The factor between a number of shots and the arrow that points beyond it."""

_WIDE: Final = 5.2
"""Inches of a wide figure: a phone, 360 pixels wide, shows its text at 8 pixels or more."""


def curves(panel: Panel, titled: bool) -> Drawing:
    """Return the share of exact answers by number of shots.

    titled: with the task's name above it and a legend below, for a file.
    """
    label = f"Exact answers by shots, {panel.task}"
    return Drawing(f"curve-{panel.task}", label, partial(_curves, panel, titled))


def shots_needed(rows: Sequence[ShotsNeeded], entries: Sequence[LegendEntry]) -> Drawing:
    """Return bars as long as the shots that reach 90%, with intervals and the paper's shots."""
    return Drawing(
        "shots-needed", "Shots needed for 90% exact answers", partial(_shots_needed, rows, entries)
    )


def overlap(rows: Sequence[Overlap], entries: Sequence[LegendEntry]) -> Drawing:
    """Return bars of the tasks solved by one of two models, by both, by the other.

    The paper's pair is below, if its tasks are among them.
    """
    label = "ARC tasks solved by one model, by both, by the other"
    return Drawing("overlap", label, partial(_overlap, rows, entries))


def radar(rows: Sequence[Concept], entries: Sequence[LegendEntry]) -> Drawing:
    """Return the shares by concept of ConceptARC, on a wheel as in the paper's figure."""
    return Drawing("concepts", "Test inputs of ConceptARC solved, by concept", partial(_radar, rows, entries))


def _verbatim(text: str) -> str:
    """Escape dollar signs: between two of them matplotlib would set a formula."""
    return text.replace("$", r"\$")


def _new(width: float, height: float, ink: Ink, polar: bool = False) -> tuple[Figure, Any]:
    """Return a figure of a size in inches with one plot in it, its frame and text in our colours."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    axes: Any = figure.subplots(subplot_kw={"projection": "polar"} if polar else None)
    axes.patch.set_visible(False)
    axes.tick_params(colors=ink["soft"], length=0)
    for spine in axes.spines.values():
        spine.set_color(ink["rule"])
        spine.set_visible(polar)
    return figure, axes


def _shots_axis(axes: Any, ink: Ink, low: int, high: int) -> None:
    """Make the x axis one of shots from `low` to `high`, on a log scale. 0 is a tick left of 1."""
    if low:
        axes.set_xscale("log")
    else:
        axes.set_xscale("symlog", linthresh=1, linscale=0.5)
    shown = [n for n in TICKS if low <= n <= high]
    axes.set_xticks(shown, labels=[_short_number(n) for n in shown])
    axes.minorticks_off()
    axes.set_xlim(low * 0.85 or -0.15, high * 1.18)
    axes.set_xlabel("shots (log scale)", color=ink["soft"])


def _short_number(n: int) -> str:
    return f"{n:,}" if n < 1000 else f"{n // 1000}k"


def _curves(panel: Panel, titled: bool, ink: Ink, marks: Marks) -> Figure:
    figure, axes = _new(3.5, 2.3, ink)
    for above, curve in enumerate(reversed(panel.curves)):  # the first model is on top
        _curve(axes, curve, above, ink, marks)
    points = [point for curve in panel.curves for point in curve.points]
    shots = [point.shots for point in points] or [1]
    _shots_axis(axes, ink, min(3, *shots), max(30, *shots))
    axes.set_ylim(-0.02, 1.03)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], labels=["0%", "25%", "50%", "75%", "100%"])
    axes.grid(axis="y", color=ink["rule"], linewidth=0.6)
    axes.set_axisbelow(True)
    if titled:
        title = shortened([task_label(panel.task)], 38)[task_label(panel.task)]
        axes.set_title(_verbatim(title), color=ink["ink"])
        _legend(axes, [curve.entry for curve in panel.curves], ink)
    return figure


def _curve(axes: Any, curve: Curve, above: int, ink: Ink, marks: Marks) -> None:
    """Draw a curve, and for one that was measured here its intervals and links.

    above: how many curves it covers.
    """
    entry, colour = curve.entry, ink[curve.entry.role]
    is_paper = entry.kind == "paper"
    kind, order = ("paper", 1) if is_paper else ("", 3 + above)
    xs, ys = [point.shots for point in curve.points], [point.share for point in curve.points]
    low, high = [point.low for point in curve.points], [point.high for point in curve.points]
    if not is_paper:
        band = marks.add("band")
        axes.fill_between(xs, low, high, color=colour, alpha=0.16, linewidth=0, zorder=order, gid=band)
        axes.vlines(xs, low, high, color=colour, linewidth=0.8, zorder=order)
    style = {"model": "-", "baseline": (0, (3, 2)), "paper": (0, (1.2, 1.2))}[entry.kind]
    axes.plot(xs, ys, color=colour, linestyle=style, linewidth=1.4, zorder=order, gid=marks.add(kind))
    size, gid = 9 if is_paper else 12, marks.add(kind)
    dots = axes.scatter(xs, ys, s=size, color=colour, linewidth=0, zorder=order + 0.5, gid=gid)
    if not is_paper:
        dots.set_urls([marks.link(point.link, point.label) for point in curve.points])


def _legend(axes: Any, entries: Sequence[LegendEntry], ink: Ink) -> None:
    from matplotlib.lines import Line2D

    styles: Mapping[str, Any] = {"model": "-", "baseline": "--", "paper": ":"}
    short = shortened((entry.name for entry in entries), 60)
    handles: list[Line2D] = []
    for entry in entries:
        label, style = _verbatim(short[entry.name]), styles[entry.kind]
        handles.append(Line2D([], [], color=ink[entry.role], linestyle=style, label=label))
    axes.legend(
        handles=handles, frameon=False, labelcolor=ink["ink"], loc="upper left", bbox_to_anchor=(0, -0.2)
    )


def _shots_needed(
    rows: Sequence[ShotsNeeded], entries: Sequence[LegendEntry], ink: Ink, marks: Marks
) -> Figure:
    """Draw bars in one group per task, in the order of the rows."""
    # The figure grows with its bars, so that bars are equally thick in every report.
    tasks = list(dict.fromkeys(row.task for row in rows))
    figure, axes = _new(_WIDE, 0.5 + 0.15 * len(rows) + 0.14 * len(tasks), ink)
    most = max(5000, *(row.shots[-1] for row in rows))

    # Groups from top to bottom: the paper's marks, then the bars.
    place = 0.0
    middles: list[float] = []
    for task in tasks:
        group = [row for row in rows if row.task == task]
        middles.append(place + (len(group) - 1) / 2)
        for threshold in paper.thresholds():
            if threshold.task == task:
                _paper_shots(axes, threshold, middles[-1], len(group), ink, marks)
        for row in group:
            _bar(axes, row, place, ink[role_of(row.model, entries)], ink, marks)
            place += 1
        place += 0.9

    # Tasks name the groups. The x axis leaves space for arrows beyond the bars.
    short = shortened(map(task_label, tasks), 28)
    axes.set_yticks(middles, labels=[_verbatim(short[task_label(task)]) for task in tasks])
    axes.set_ylim(place - 0.4, -0.9)
    _shots_axis(axes, ink, 1, most)
    axes.set_xlim(1, most * _BEYOND**3)
    axes.grid(axis="x", color=ink["rule"], linewidth=0.6)
    axes.set_axisbelow(True)
    return figure


def _bar(axes: Any, row: ShotsNeeded, place: float, colour: str, ink: Ink, marks: Marks) -> None:
    """Draw a bar and its interval. A bar without a known end is pale and has an arrow."""
    title = f"{label_of(row.model)}, {row.task}: {row.at.text()} shots (95%: {row.interval.text()})"
    unreached, reached_at_first = row.at.high is None, row.at.low is None
    is_open = unreached or reached_at_first
    length = max(float((row.at.low if unreached else row.at.high) or 0), 1.0)  # 0 shots: no bar
    alpha = 0.35 if is_open else 0.85
    bar = axes.barh(place, length - 1, left=1, height=0.78, color=colour, alpha=alpha, linewidth=0)
    bar.patches[0].set_gid(marks.add("", title))
    if is_open:
        at, marker = (length * _BEYOND, ">") if unreached else (length / _BEYOND, "<")
        gid = marks.add("", title)
        axes.scatter([at], [place], marker=marker, s=44, color=colour, linewidth=0, gid=gid)
    _whiskers(axes, row, place, ink["ink"], marks.add("", title))


def _whiskers(axes: Any, row: ShotsNeeded, place: float, colour: str, gid: str) -> None:
    """Draw the interval as a line: a known end has a stroke, an open one an arrow."""
    low, high = row.interval.low, row.interval.high
    # The axis begins at 1, so 0 shots are drawn there.
    left = max(row.shots[0] / _BEYOND**2 if low is None else low, 1.0)
    right = max(row.shots[-1] * _BEYOND**2 if high is None else high, 1.0)
    axes.plot(
        [left, right], [place, place], color=colour, linewidth=1, solid_capstyle="butt", zorder=4, gid=gid
    )
    for end, at, arrow in ((low, left, "<"), (high, right, ">")):
        if end is None:
            axes.scatter([at], [place], color=colour, zorder=4, marker=arrow, s=12, linewidth=0)
        else:
            axes.scatter([at], [place], color=colour, zorder=4, marker="|", s=30, linewidth=1)


def _paper_shots(
    axes: Any, threshold: paper.Threshold, middle: float, rows: int, ink: Ink, marks: Marks
) -> None:
    """Mark shots of the paper: full as its tables imply, hollow as its figure draws, if that differs."""
    is_video = threshold.model == paper.VIDEO
    colour, marker = ink[PAPER.get(threshold.model, "soft")], "D" if is_video else "s"
    y = middle + (-0.2 if is_video else 0.2) * max(rows, 2)
    name = f"paper, {threshold.model}, {threshold.task}"
    if threshold.tables is not None:
        title = f"{name}: {threshold.tables:,} shots by its tables"
        edge = {"facecolors": colour, "edgecolors": ink["card"], "linewidth": 0.8}
        gid = marks.add("paper", title)
        axes.scatter([threshold.tables], [y], marker=marker, s=20, zorder=5, gid=gid, **edge)
    if threshold.disagrees:
        title = f"{name}: {threshold.drawn:,} shots as its figure draws it, which its tables do not say"
        hollow = {"facecolors": "none", "edgecolors": colour, "linewidth": 0.9}
        gid = marks.add("paper", title)
        axes.scatter([threshold.drawn], [y], marker=marker, s=16, zorder=6, gid=gid, **hollow)


def _overlap(rows: Sequence[Overlap], entries: Sequence[LegendEntry], ink: Ink, marks: Marks) -> Figure:
    # One bar per pair, with names cut short so that they fit above it.
    has_paper = any(row.published for row in rows)
    figure, axes = _new(_WIDE, 0.3 + 0.55 * (len(rows) + has_paper), ink)
    corpora = shortened((row.corpus for row in rows), 30)
    models = shortened((label_of(model) for row in rows for model in (row.a, row.b)), 24)
    for place, row in enumerate(rows):
        parts = (
            (f"only {label_of(row.a)}", row.only_a, ink[role_of(row.a, entries)]),
            ("both", row.both, ink["soft"]),
            (f"only {label_of(row.b)}", row.only_b, ink[role_of(row.b, entries)]),
        )
        a, b = models[label_of(row.a)], models[label_of(row.b)]
        words = _verbatim(f"{corpora[row.corpus]}, {row.tasks} tasks: {a} | both | {b}")
        _stack(axes, place, parts, (row.tasks, words, ""), ink, marks)

    # The paper's pair, only beside the tasks that it measured.
    if has_paper:
        published = paper.paper().arc_agi_1
        solved = zip(published.overlap.items(), ("p0", "soft", "p1"), strict=True)
        parts = tuple((f"paper: {name}", count, ink[role]) for (name, count), role in solved)
        words = f"paper, ARC-AGI-1, {published.tasks} tasks: {paper.VIDEO} | both | {paper.TEXT}"
        _stack(axes, len(rows), parts, (published.tasks, words, "paper"), ink, marks)

    axes.set_ylim(len(rows) - 0.5 + has_paper, -0.75)
    axes.set_yticks([])
    axes.set_xticks([])
    return figure


def _stack(
    axes: Any,
    place: float,
    parts: Sequence[tuple[str, int, str]],
    bar: tuple[int, str, str],
    ink: Ink,
    marks: Marks,
) -> None:
    """Draw one bar with the numbers of its parts below.

    parts: name, tasks and colour of each. bar: all tasks, the words above the bar, the class of its marks.
    """
    tasks, words, kind = bar
    total = max(sum(count for _, count, _ in parts), 1)
    at = 0.0
    for name, count, colour in parts:
        part = axes.barh(place, count / total, left=at, height=0.36, color=colour)
        part.patches[0].set_gid(marks.add(kind, f"{name}: {count} of {tasks} tasks"))
        if count:
            middle, gid = at + count / total / 2, marks.add(kind)
            axes.text(middle, place + 0.2, f"{count}", ha="center", va="top", color=ink["ink"], gid=gid)
        at += count / total
    axes.text(0, place - 0.22, words, ha="left", va="bottom", color=ink["ink"], gid=marks.add(kind))


def _radar(rows: Sequence[Concept], entries: Sequence[LegendEntry], ink: Ink, marks: Marks) -> Figure:
    concepts = list(paper.paper().conceptarc_accuracy[paper.VIDEO])
    angles = [2 * math.pi * k / len(concepts) for k in range(len(concepts))]
    figure, axes = _new(_WIDE, 4.2, ink, polar=True)
    axes.set_theta_zero_location("N")
    axes.set_theta_direction(-1)

    # The paper's shares are shown only beside the same test inputs.
    elsewhere = {row.concept for row in rows if not row.published}
    measured = {row.concept for row in rows} - elsewhere
    if measured:
        _paper_wheels(axes, angles, measured, ink, marks)
    for model, attempts in dict.fromkeys((row.model, row.attempts) for row in rows):
        shares = {row.concept: row for row in rows if (row.model, row.attempts) == (model, attempts)}
        known = [shares.get(concept) for concept in concepts]
        _wheel(axes, angles, known, ink[role_of(model, entries)], marks)

    axes.set_xticks(angles, labels=concepts)
    for label, angle in zip(axes.get_xticklabels(), angles, strict=True):
        label.set_horizontalalignment(_alignment(angle))
    axes.tick_params(axis="x", pad=1)
    axes.set_ylim(0, 1)
    axes.set_yticks([0.25, 0.5, 0.75, 1], labels=["25%", "50%", "75%", ""])
    axes.set_rlabel_position(math.degrees(angles[1]) / 2)
    axes.grid(color=ink["rule"], linewidth=0.6)
    return figure


def _paper_wheels(
    axes: Any, angles: Sequence[float], measured: Collection[str], ink: Ink, marks: Marks
) -> None:
    """Draw the paper's two models on the wheel, at the concepts that were measured."""
    for model, role in PAPER.items():
        published = paper.paper().conceptarc_accuracy[model]
        concepts = list(paper.paper().conceptarc_accuracy[paper.VIDEO])
        shares = [published[concept] if concept in measured else math.nan for concept in concepts]
        axes.plot(
            [*angles, angles[0]],
            [*shares, shares[0]],
            color=ink[role],
            linestyle=(0, (1.2, 1.2)),
            linewidth=1.3,
            marker="" if len(measured) == len(concepts) else ".",  # a single concept makes no line
            gid=marks.add("paper", f"paper: {model}"),
        )


def _wheel(
    axes: Any, angles: Sequence[float], rows: Sequence[Concept | None], colour: str, marks: Marks
) -> None:
    """Draw one model on the wheel.

    rows: its share of each concept, None if it was not asked.
    """
    spokes = [(angle, row) for angle, row in zip(angles, rows, strict=True) if row is not None]
    whole = len(spokes) == len(angles)
    closed = [*spokes, spokes[0]] if whole else spokes
    axes.plot([angle for angle, _ in closed], [row.share for _, row in closed], color=colour, linewidth=1.4)
    if whole:
        shares = [row.share for _, row in spokes]
        axes.fill([angle for angle, _ in spokes], shares, color=colour, alpha=0.1, linewidth=0)
    for angle, row in spokes:
        span = f"{row.low:.0%} to {row.high:.0%}"
        title = (
            f"{label_of(row.model)}, {row.concept}: {row.share:.0%} of {row.n} ({span}), "
            f"{row.attempts} attempts"
        )
        gid = marks.add("", title)
        axes.scatter([angle], [row.share], s=12, color=colour, linewidth=0, zorder=4, gid=gid)


def _alignment(angle: float) -> str:
    """Return the alignment of a label beside the wheel, so that it does not cross the rim."""
    side = math.sin(angle)
    if abs(side) < 0.1:
        return "center"
    return "left" if side > 0 else "right"
