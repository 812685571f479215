"""Test what the terminal shows during a run."""

from __future__ import annotations

import pytest

from vizbench.console import progress as module
from vizbench.harness.plan.plan import Trial
from vizbench.harness.run.trial import Event

TRIAL = Trial("life/conway", "qwen3", "tiny", 16, 0, 20, 1)


def test_a_name_is_not_read_as_markup() -> None:
    from rich.console import Console

    bars = module.ProgressBars()
    trial = Trial("arc-json:a[/x]\x1b[2J.json", "qwen3", "tiny", 16, 0, 20, 1)
    bars.show(Event("adapt", trial, 1, 1, 3, 20))
    console = Console(width=200)
    with console.capture() as shown:
        console.print(bars._bars.get_renderable())
    assert "a[/x]\\x1b[2J.json" in shown.get()


def test_a_bar_shows_loss_speed_and_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    bars = module.ProgressBars()
    descriptions: list[str] = []
    for done, seconds, memory in ((1, 0.0, None), (11, 5.0, 3_250_000_000)):
        now[0] += seconds
        bars.show(Event("adapt", TRIAL, 1, 1, done, 20, 0.25, memory))
        descriptions.append(str(bars._bars.tasks[-1].description))
    assert descriptions[0].endswith("adapts, loss 0.25")
    assert descriptions[1].endswith("adapts, loss 0.25, 2/s, 3.2 GB")


def test_a_bar_begins_with_what_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    bar = module.RowBar(60_000)
    bar.resume(4, 20_000)
    (task,) = bar._bar.tasks
    assert (task.completed, task.speed) == (20_000, None)  # kept rows were not made in this time
    bar.show(25_000)
    bar.show(30_000)
    assert task.remaining == 30_000 and task.speed is not None
    assert capsys.readouterr().err == "vizbench: 4 finished shards kept (20,000 rows)\n"
