"""Progress of a run on stderr, by rich's bars."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, final

from vizbench._util.text import escape_control
from vizbench.console.output import note, trial_name

if TYPE_CHECKING:
    from vizbench.harness.run.trial import Event


@final
class ProgressBars:
    """Progress of a run on stderr: a bar for all cells and one for each in work; in a log, a line a cell."""

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
        """Take one event of the run."""
        name = escape_control(trial_name(event.trial))
        self._bars.update(self._all, total=event.trials)
        if event.kind in ("adapt", "predict"):
            doing = f"{name}: {'adapts' if event.kind == 'adapt' else 'answers'}{self._figures(event)}"
            if event.position not in self._working:
                self._working[event.position] = self._bars.add_task("")
            self._bars.update(
                self._working[event.position], description=doing, total=event.total, completed=event.done
            )
        if event.kind in ("skip", "done", "failed"):
            self._bars.advance(self._all)
            if event.position in self._working:
                self._bars.remove_task(self._working.pop(event.position))
            if not self._console.is_terminal:
                note(
                    f"{event.position}/{event.trials} {name}: {'was done' if event.kind == 'skip' else event.kind}"
                )

    def _figures(self, event: Event) -> str:
        """Loss, pace and memory, as far as they are known. The pace is that since the first event of its
        kind."""
        now = time.monotonic()
        began, first = self._begun.setdefault((event.position, event.kind), (now, event.done))
        told = "" if event.loss is None else f", loss {event.loss:.3g}"
        if event.done > first and now > began:
            told += f", {(event.done - first) / (now - began):.3g}/s"
        return told if event.memory is None else f"{told}, {event.memory / 1e9:.1f} GB"
