"""What the command line prints: columns, tables, pictures, progress. Results go to stdout, talk to stderr."""

from __future__ import annotations

import codecs
import logging
import os
import select
import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import zip_longest
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast, final

from vizbench._util.text import escape_control, plural

if TYPE_CHECKING:  # each of these costs what `vizbench --help` may not
    from rich.console import Console, RenderableType
    from rich.table import Table

    from vizbench.formats import Judged
    from vizbench.harness.plan.plan import Trial
    from vizbench.harness.records.records import TrialResult
    from vizbench.harness.run.estimate import Estimate
    from vizbench.harness.run.trial import Outcome
    from vizbench.harness.score.score import Score, Scored
    from vizbench.harness.stats.incomplete import IncompleteTrial
    from vizbench.harness.stats.metrics import Summary
    from vizbench.harness.stats.model_key import ModelKey
    from vizbench.model import MemoryEstimate
    from vizbench.types import Grid, Instance, Look, Verdict


MAX_PICTURES = 3
"""Instances that `eval` draws in the terminal; the report has them all."""

FREE = 0.1
"""Seconds under which a cell of a plan costs nothing: a dry run folds such cells into one line."""

JUDGED_BY = {"videos": "last frame", "vmevalkit": "last frame", "sequences": "last picture"}
"""What `score` judges of answers of a kind, if that is not the answer itself."""

MAX_REASONS = 20
"""Tasks that could not be read of which `eval` says why; the rest are counted."""


READER_LEFT: Final = 141
"""The exit code when whoever reads stdout has left: 128 and SIGPIPE, as shells have it."""

_STAND_INS: Final[Mapping[str, str]] = {
    "…": "...", "·": "-", "×": "x", "–": "-", "—": "-", "−": "-", "≤": "<=", "≥": ">=", "±": "+-", "’": "'",
}  # fmt: skip
"""What is shown in place of characters that a terminal's encoding lacks. Of all others, their number is."""


def prepare_streams() -> None:
    """Make stdout and stderr take any text, whatever their encoding, and exist also if the shell closed
    them."""
    codecs.register_error("vizbench", _stand_in)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        with suppress(OSError):
            _occupy(number)
        if getattr(sys, name) is None:
            mode = "w" if number else "r"
            stream = open(os.devnull, mode, encoding="utf-8", errors="replace")  # noqa: SIM115 open as long as the process
            setattr(sys, name, stream)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a test's stand-in may lack it
            cast("Any", stream).reconfigure(errors="vizbench")


def _occupy(number: int) -> None:
    """Open a standard descriptor that the shell closed: the next file that is opened would take its place,
    and get what is printed."""
    try:
        os.fstat(number)
    except OSError:
        opened = os.open(os.devnull, os.O_RDWR)
        if opened != number:
            os.dup2(opened, number)
            os.close(opened)
        os.set_inheritable(number, True)


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    """What is written in place of characters that an encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_STAND_INS.get(c) or ascii(c)[1:-1] for c in lacking), error.end


@contextmanager
def reader() -> Generator[None]:
    """Within the block, a reader of stdout that leaves ends the command in silence."""
    try:
        yield
    except BrokenPipeError:
        if not _reader_left():
            raise
        _hush()
        raise SystemExit(READER_LEFT) from None


def flush() -> None:
    """Write out what stdout still holds. What it cannot take ends the command; a disk that refuses is
    said."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _hush()
        raise SystemExit(READER_LEFT) from None
    except OSError as error:
        _refuse(error)
    except ValueError:  # who called has closed it
        pass


def _refuse(error: OSError) -> NoReturn:
    """End the command because stdout cannot be written."""
    _hush()
    note(f"stdout cannot be written ({error.strerror or error}): lead it elsewhere")
    raise SystemExit(2) from None


@contextmanager
def _writing() -> Generator[None]:
    """Around what writes to stdout: say so if it cannot be written, for the error itself names no file."""
    try:
        yield
    except BrokenPipeError:  # whoever read it has left, which `reader` handles
        raise
    except OSError as error:
        _refuse(error)


def _reader_left() -> bool:
    """Return whether nobody reads stdout any more: another pipe may have broken."""
    if not hasattr(select, "poll"):  # Windows
        return True
    poll = select.poll()
    try:
        poll.register(sys.stdout.fileno(), 0)
    except (OSError, ValueError):
        return True
    return any(event & (select.POLLERR | select.POLLHUP | select.POLLNVAL) for _, event in poll.poll(0))


def _hush() -> None:
    """Lead stdout to nowhere, so that nothing is said of it at the end."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


@final
class Notes(logging.Handler):
    """Writes what is logged as notes."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        note(record.getMessage())


def out(line: str = "") -> None:
    """One line of result, on stdout."""
    with _writing():
        sys.stdout.write(f"{escape_control(line)}\n")


def out_json(value: Any) -> None:
    """A result that a program reads, on stdout: plain data or msgspec records. JSON's own escapes stand for
    what a terminal would obey or cannot show."""
    import msgspec

    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    whole = _shows("\U0010ffff")
    shown = (c if c == "\n" or (c.isprintable() and (whole or c.isascii())) else dumps(c)[1:-1] for c in text)
    with _writing():
        sys.stdout.write(f"{''.join(shown)}\n")


def note(text: str) -> None:
    """One line that is no result, on stderr. A reader of stderr that has left does not end the work."""
    with suppress(BrokenPipeError):
        sys.stderr.write(f"vizbench: {escape_control(text)}\n")


def _shows(text: str) -> bool:
    """Return whether stdout's encoding has these characters."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def print_columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Aligned columns under a header. The last column is wrapped to the terminal's width."""
    widths = [max(len(row[k]) for row in (header, *rows)) for k in range(len(header) - 1)]
    indent = sum(widths) + 2 * len(widths)
    room = max(shutil.get_terminal_size((100, 24)).columns - indent, 24)
    for row in (header, *rows):
        start = "".join(cell.ljust(width) + "  " for cell, width in zip(row, widths, strict=False))
        lines = textwrap.wrap(row[-1], room) or [""]
        out((start + lines[0]).rstrip())
        for line in lines[1:]:
            out(" " * indent + line)


def print_memory(found: Mapping[str, Sequence[MemoryEstimate]], json: bool) -> None:
    """Estimates of memory by family, in GB (10^9 bytes)."""
    rows = [(name, row) for name, memories in found.items() for row in memories]
    if json:
        keys = ("checkpoint", "settings", "parts")
        out_json([{"model": name, **{key: getattr(row, key) for key in keys}} for name, row in rows])
        return
    table = [
        (
            name,
            f"{row.checkpoint}?{row.settings}",
            f"{sum(row.parts.values()) / 1e9:.1f}",
            ", ".join(f"{part} {size / 1e9:.1f}" for part, size in row.parts.items()),
        )
        for name, row in rows
    ]
    print_columns(("model", "checkpoint", "GB", "of these"), table)


def terminal(width: int | None = None) -> Console:
    """Rich's view of stdout: colours if it is a terminal, plain text if it is a file."""
    from rich.console import Console

    class Terminal(Console):
        def on_broken_pipe(self) -> NoReturn:
            raise BrokenPipeError  # `reader` ends the command; rich would do so with code 1

    return Terminal(highlight=False, width=width)


def draw(*what: RenderableType) -> None:
    """Rich things, on stdout. A terminal that is too narrow for a table's figures wraps its lines: none is
    cut."""
    from rich.table import Table

    console = terminal()
    needed = max((_least_width(console, each) for each in what if isinstance(each, Table)), default=0)
    if needed > console.width:
        console = terminal(needed)
    with _writing():
        console.print(*what, sep="\n")


def _least_width(console: Console, table: Table) -> int:
    """Return the width that holds every column whose cells may not be wrapped, and the others at their
    narrowest."""
    from rich.cells import cell_len

    for column in table.columns:
        if column.no_wrap:
            column.min_width = max(cell_len(str(cell)) for cell in (column.header, *column.cells))
    return console.measure(table, options=console.options.update(width=1000)).minimum


def print_pictures(grids: Mapping[str, Grid | None], look: Look) -> None:
    """Titled grids side by side: colours where stdout has them, else one line of codes a row."""
    from vizbench.renderers.terminal import side_by_side
    from vizbench.renderers.text import to_text

    if terminal().color_system is not None and _shows("▀"):
        draw(side_by_side(grids, look))
        return
    blocks = [
        [title, *("no grid" if grid is None else to_text(grid, "rows")).splitlines()]
        for title, grid in grids.items()
    ]
    widths = [max(map(len, block)) for block in blocks]
    for line in zip_longest(*blocks, fillvalue=""):
        out("   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def print_instance(row: Instance, look: Look) -> None:
    """One instance: its name, its grids, its facts."""
    out(row.id)
    print_pictures({"question": row.question, "target": row.target}, look)
    facts = {"steps": len(row.steps), **row.meta}
    print_columns(("fact", "value"), [(name, _short(value)) for name, value in facts.items()])


def save_pairs(path: Path, rows: Sequence[Instance], look: Look) -> None:
    """Write each question beside its target, a row below the other, as a palette-mode PNG."""
    import numpy as np
    from PIL import Image

    from vizbench.renderers.frames import index_palette, render_indices
    from vizbench.renderers.layout import common_board
    from vizbench.renderers.pictures import atomic_path

    palette = index_palette(look)
    lines: list[Grid] = []
    for row in rows:
        board = common_board(row.question.shape, row.target.shape)
        left, right = (render_indices(grid[None], look, board)[0] for grid in (row.question, row.target))
        gap = np.full((len(left), 16), len(palette), np.uint8)  # one colour more, for the white between them
        lines.append(np.concatenate([left, gap, right], axis=1))
    width = max(line.shape[1] for line in lines)
    wide = [
        np.pad(line, ((0, 16), (0, width - line.shape[1])), constant_values=len(palette)) for line in lines
    ]
    picture = Image.fromarray(np.concatenate(wide)[:-16])
    picture.putpalette(palette.tobytes() + b"\xff\xff\xff")
    with atomic_path(path) as part:
        picture.save(part, "PNG")


def print_judged(result: Judged) -> None:
    """What a file of answers is worth, and why answers were wrong."""
    summary = result.summary
    out(
        f"{summary.task}: {plural(summary.rows, 'row')}, {summary.answered:,} answered, {summary.missing:,} missing"
    )
    if summary.unknown or summary.duplicates:
        note(
            f"left aside: answers to unknown rows: {summary.unknown:,}; second answers to a row: {summary.duplicates:,}"
        )
    _faults(summary.broken, summary.keyless, summary.faults)
    print_columns(
        ("valid", "exact", "cells"), [[f"{x:.4f}" for x in (summary.valid, summary.exact, summary.cells)]]
    )
    _why(result.verdicts)


def print_score(result: Scored) -> None:
    """What saved answers are worth, what was left out of them, and why answers were wrong."""
    score = result.score
    rows = plural(score.rows, "row")
    out(f"{score.task}: {rows}, {score.answered:,} answered by {score.kind}, {score.missing:,} missing")
    for count, one, many, what in (
        (score.missing, "row", "rows", "without an answer, counted as wrong"),
        (score.undecodable, "answer holds", "answers hold", "no grid, counted as wrong"),
        (score.duplicates, "further answer", "further answers", "to a row, left aside"),
        (
            score.unknown,
            "answer",
            "answers",
            f"to no row of the data set, left aside: {_some(score.strangers)}",
        ),
    ):
        if count:
            note(f"{plural(count, one, many)} {what}")
    for reason, count in score.undecodable_by.items():
        note(f"no grid: {count:,} x {reason}")
    _faults(score.broken, score.keyless, score.faults)
    valid, exact = (
        f"{share:.4f} [{low:.4f}, {high:.4f}]"
        for share, low, high in (
            (score.valid, score.valid_low, score.valid_high),
            (score.exact, score.exact_low, score.exact_high),
        )
    )
    print_columns(
        ("judged", "valid [95%]", "exact [95%]", "cells"),
        [(_judged_by(score), valid, exact, f"{score.cells:.4f}")],
    )
    _why(result.verdicts)


def _faults(broken: int, keyless: int, shown: Sequence[str]) -> None:
    """The lines of a file that hold no answer: how many, and why the first of them do not."""
    for count, what in (
        (broken, "that cannot be read, left aside"),
        (keyless, 'without the key "answer", counted as no answer'),
    ):
        if count:
            note(f"{plural(count, 'line')} {what}")
    for fault in shown:
        note(f"  {fault}")
    if broken + keyless > len(shown):
        note(f"  and {broken + keyless - len(shown):,} more")


def _why(verdicts: Mapping[str, Verdict]) -> None:
    """The reasons for which most answers were wrong."""
    reasons = Counter(verdict.reason for verdict in verdicts.values() if not verdict.valid)
    if reasons:
        out()
        print_columns(
            ("rows", "why wrong"), [(f"{count:,}", reason) for reason, count in reasons.most_common(5)]
        )


def _judged_by(score: Score) -> str:
    return "all states" if score.process else JUDGED_BY.get(score.kind, "answer")


def _some(names: Sequence[str]) -> str:
    return ", ".join(repr(name[:60]) for name in names) + (" …" if len(names) == 5 else "")


def print_results(rows: Sequence[Summary], asked: Sequence[str]) -> None:
    """The tables of a run, one a task: the models that were asked for stand in bold beside the baselines."""
    from rich.table import Table
    from rich.text import Text

    from vizbench.harness.report.curves import model_of
    from vizbench.harness.stats.metrics import leaks

    for task, origin in dict.fromkeys((row.task, row.origin) for row in rows):
        here = [row for row in rows if (row.task, row.origin) == (task, origin)]
        out()
        out(
            f"{task}{origin and f', {origin}'} ({(here[0].pretraining_overlap or 'near or far unknown').partition(':')[0]})"
        )
        for flaw in here[0].flagged:
            out(f"flagged: {flaw}")
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("model", overflow="fold", min_width=8)
        several = sorted({row.attempts for row in here if row.attempts > 1})
        if several:
            out("exact, valid: of first attempts; @k: one of k answers, unbiased")
        at = [f"{what}@{k}" for what in ("exact", "valid") for k in several]
        cells = [] if several else ["cells"]  # 80 columns do not hold both; the report does
        for name in ("shots", "n", "exact [95% interval]", "valid", *cells, *at, "adapted in"):
            table.add_column(name, justify="right", no_wrap=True)
        called = _called(here)
        for row in sorted(here, key=lambda row: row.shots):
            table.add_row(
                Text(called[model_of(row)]),
                str(row.shots),
                str(row.n),
                f"{row.exact:.3f} [{row.exact_low:.3f}, {row.exact_high:.3f}]",
                f"{row.valid:.3f}",
                *([] if several else [f"{row.cells:.3f}"]),
                *(
                    f"{share[k]:.3f}" if k in share else ""
                    for share in (row.exact_at, row.valid_at)
                    for k in several
                ),
                f"{row.seconds:.0f} s" if row.seconds >= 0.5 else "",
                style="bold" if row.model in asked else None,
            )
        draw(table)
    found = [f"{task} ({row.model} {row.valid:.1%} valid, n {row.n:,})" for task, row in leaks(rows).items()]
    if found:
        out()
        out(f"leaky, a trivial baseline passes: {', '.join(found)}")
    out()
    out("near, far: whether a relative of the task was among the embedded pair's pretraining worlds")
    if any((row.pretraining_overlap or "").startswith("inside") for row in rows):
        out("inside: the task's own rule was, or may have been, among them")


def _called(rows: Sequence[Summary]) -> dict[ModelKey, str]:
    """What each model of a table is called: its full name and checkpoint, and if two are alike there, its
    label."""
    from vizbench.harness.report.curves import label_of, model_of

    names = {
        model_of(row): escape_control(
            row.model if row.checkpoint in ("none", "default") else f"{row.model} {row.checkpoint}"
        )
        for row in rows
    }
    count = Counter(names.values())
    return {model: name if count[name] == 1 else label_of(model) for model, name in names.items()}


def print_fewer_examples(cells: Sequence[TrialResult]) -> None:
    """Say where a file has fewer test questions than the plan asked for: its cells took all that there
    are."""
    short = [c.header for c in cells if c.header.data.questions < c.header.trial.n_test]
    if short:
        asked, tasks = short[0].trial.n_test, len({header.trial.task for header in short})
        have = sorted({header.data.questions for header in short})
        some = str(have[0]) if len(have) == 1 else f"{have[0]} to {have[-1]}"
        note(
            f"fewer test questions than the {asked:,} asked for: {some}, all that there are, in {plural(tasks, 'task')}"
        )


def print_flagged(cells: Sequence[TrialResult]) -> None:
    """Name the measured tasks whose data is known to be wrong: they are in the figures."""
    from vizbench.harness.stats.metrics import flaws

    known = {cell.header.trial.task: found for cell in cells if (found := flaws([cell]))}
    if known:
        out(f"flagged, and in these figures: {len(known):,} tasks with a known error in their data")
        print_columns(
            ("task", "what is wrong"), [(task, what) for task, found in known.items() for what in found]
        )


def print_dropped(known: Mapping[str, Sequence[str]]) -> None:
    """Name the tasks that the plan leaves out because their data is known to be wrong."""
    for task, found in known.items():
        note(f"dropped as flagged: {task}: {'; '.join(found)}")


def print_left_out(outcomes: Sequence[Outcome]) -> None:
    """Say which tasks could not be read and why, once a task however many models wanted it, and count
    them."""
    reasons = {outcome.trial.task: outcome.error or "" for outcome in outcomes if not outcome.data}
    if not reasons:
        return
    for reason in list(dict.fromkeys(reasons.values()))[:MAX_REASONS]:
        note(f"left out: {reason}")
    of = len({outcome.trial.task for outcome in outcomes})
    note(f"left out: {len(reasons):,} of {plural(of, 'task')}; the error.txt of each one's cells says why")


def print_incomplete(gaps: Sequence[IncompleteTrial]) -> None:
    """Name the cells that lack answers, each with its error, at most MAX_REASONS; and count them."""
    for gap in gaps[:MAX_REASONS]:
        note(f"unfinished: {gap.who()}: {gap.state()}")
    if gaps:
        note(
            f"unfinished: {plural(len(gaps), 'cell')} in all; the same `vizbench eval` goes on from what is there"
        )


def print_answers(cells: Sequence[TrialResult]) -> None:
    """A few questions, targets and answers of these cells, at most MAX_PICTURES."""
    import numpy as np

    from vizbench.formats.registry import verifier_of

    last = {(cell.header.trial.task, cell.header.trial.model): cell for cell in cells}  # with the most shots
    shown = list(last.values())[:MAX_PICTURES]
    for cell in shown:
        known = {question.id: question for question in cell.questions}
        for record in cell.records[: MAX_PICTURES // len(shown)]:
            question = known[record.id]
            out()
            out(
                f"{record.id}  {cell.header.trial.model}: {'exact' if record.exact else record.reason or 'valid'}"
            )
            found = {"question": question.question, "target": question.target, "answer": record.answer}
            grids = {
                title: None if rows is None else np.array(rows, np.uint8) for title, rows in found.items()
            }
            print_pictures(grids, verifier_of(record.id.partition("#")[0]).look)
    out()


def print_estimate(cells: Sequence[Estimate], jobs: int, folder: Path) -> None:
    """What a plan will take: a line a cell that takes time, one for those that take none, then the time of
    all."""
    from vizbench.harness.run.estimate import total

    free = [cell for cell in cells if not cell.problem and cell.seconds is not None and cell.seconds < FREE]
    folded = free if len(free) > 1 else []
    rows = [
        (trial_name(c.trial), _number(c.examples), _number(c.questions), f"{c.answers:,}", _time(c))
        for c in cells
        if c not in folded
    ]
    if folded:
        rows.append(_folded(folded))
    print_columns(("cell", "examples", "questions", "to answer", "time"), rows)
    unfinished, answers = sum(cell.answers > 0 for cell in cells), sum(cell.answers for cell in cells)
    out()
    left = f"{unfinished:,} of them unfinished: {plural(answers, 'answer')} to give"
    out(f"{plural(len(cells), 'cell')} under {folder}, {left}")
    whole = span(total(cells))
    out(f"about {whole} by one process" + (f", {span(total(cells) / jobs)} by {jobs}" if jobs > 1 else ""))
    out("measured: a few steps and answers of each model; ~: the mean of the model's measured tasks")
    unknown = sum(cell.seconds is None for cell in cells)
    if unknown:
        note(f"the time of {plural(unknown, 'cell')} could not be told and is not in the sum")


def _folded(free: Sequence[Estimate]) -> tuple[str, str, str, str, str]:
    """One line for cells that cost nothing: which models', how many, their data, and what of them is done."""
    models = ", ".join(dict.fromkeys(each.trial.model for each in free))
    done = sum(each.state == "done" for each in free)
    time = "done" if done == len(free) else f"under {FREE} s each" + (f", {done:,} done" if done else "")
    data = _range(each.examples for each in free), _range(each.questions for each in free)
    return f"{plural(len(free), 'cell')} of {models}", *data, f"{sum(each.answers for each in free):,}", time


def _range(values: Iterable[int | None]) -> str:
    """What each of several cells needs: one number, or the least and the most."""
    known = sorted({value for value in values if value is not None})
    return " to ".join(f"{value:,}" for value in dict.fromkeys((known[0], known[-1]))) if known else "?"


def _time(cell: Estimate) -> str:
    if cell.state == "done":
        return "done"
    if cell.seconds is None:
        return cell.problem or "not known"
    return ("" if cell.measured else "~") + span(cell.seconds)


def _number(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"


def span(seconds: float) -> str:
    """A time in the unit that suits it."""
    for unit, length in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} s"


def trial_name(cell: Trial) -> str:
    """A cell in one line: who, on what, with how many examples. A checkpoint is written as `--model` takes
    it."""
    from vizbench.harness.records.labels import NONE
    from vizbench.model import DEFAULT

    model = cell.model if cell.checkpoint in (NONE, DEFAULT) else f"{cell.model}={cell.checkpoint}"
    shots = "" if cell.shots is None else f", {plural(cell.shots, 'shot')}"
    return f"{model} on {cell.task}{shots}" + (f", seed {cell.seed}" if cell.seed else "")


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name}={_short(item)}" for name, item in cast("dict[str, Any]", value).items())
    return f"{value:.3g}" if isinstance(value, float) else str(value)
