"""Show the progress of a run or of a data set on stderr, with rich's bars."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, final

from vizbench._util.text import escape_control, plural
from vizbench.console.estimates import trial_name
from vizbench.console.streams import print_note

if TYPE_CHECKING:
    from vizbench.harness.run.trial import Event


@final
class ProgressBars:
    """Shows a bar for all trials and one per running trial. A log gets one line per trial that ends."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TaskID,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn("{task.description}", markup=False),  # a name from a file may hold brackets
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(compact=True),
        )
        self._console = Console(stderr=True, highlight=False)
        self._bars = Progress(
            *columns, console=self._console, disable=not self._console.is_terminal, transient=True
        )
        self._all = self._bars.add_task("trials", total=None)
        self._working: dict[int, TaskID] = {}
        self._begun: dict[tuple[int, str], tuple[float, int]] = {}

    def __enter__(self) -> ProgressBars:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def show(self, event: Event) -> None:
        """Update the bars from one event of the run."""
        name = escape_control(trial_name(event.trial))
        self._bars.update(self._all, total=event.trials)
        if event.kind in ("adapt", "predict"):
            self._show_running(name, event)
        if event.kind in ("skip", "done", "failed"):
            self._show_finished(name, event)

    def _show_running(self, name: str, event: Event) -> None:
        doing = "adapts" if event.kind == "adapt" else "answers"
        if event.position not in self._working:
            self._working[event.position] = self._bars.add_task("")
        self._bars.update(
            self._working[event.position],
            description=f"{name}: {doing}{self._figures(event)}",
            total=event.total,
            completed=event.done,
        )

    def _show_finished(self, name: str, event: Event) -> None:
        self._bars.advance(self._all)
        if event.position in self._working:
            self._bars.remove_task(self._working.pop(event.position))
        if not self._console.is_terminal:
            state = "was done" if event.kind == "skip" else event.kind
            print_note(f"{event.position}/{event.trials} {name}: {state}")

    def _figures(self, event: Event) -> str:
        """Return loss, speed and memory, if they are known. Speed is measured from the first event."""
        now = time.monotonic()
        began, first = self._begun.setdefault((event.position, event.kind), (now, event.done))
        figures = "" if event.loss is None else f", loss {event.loss:.3g}"
        if event.done > first and now > began:
            figures += f", {(event.done - first) / (now - began):.3g}/s"
        if event.memory is not None:
            figures += f", {event.memory / 1e9:.1f} GB"
        return figures


@final
class RowBar:
    """Shows rows of a data set that are written, rows per second and the time left. A log gets nothing."""

    def __init__(self, rows: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
        from rich.text import Text

        class Speed(ProgressColumn):
            """Shows rows per second."""

            def render(self, task: Task) -> Text:
                return Text("" if task.speed is None else f"{task.speed:,.0f} rows/s")

        console = Console(stderr=True, highlight=False)
        columns = (BarColumn(), TextColumn("{task.completed:,} of {task.total:,} rows"), Speed())
        self._bar = Progress(
            *columns,
            TimeRemainingColumn(compact=True),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._rows = self._bar.add_task("", total=rows)

    def __enter__(self) -> RowBar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def resume(self, shards: int, rows: int) -> None:
        """Begin with the rows of finished shards, which an interrupted command left."""
        print_note(f"{plural(shards, 'finished shard')} kept ({plural(rows, 'row')})")
        self._bar.reset(self._rows, completed=rows)  # they do not count for the speed

    def show(self, done: int) -> None:
        """Show that so many rows are written."""
        self._bar.update(self._rows, completed=done)
