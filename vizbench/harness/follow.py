"""What every launched process but the first does."""

from __future__ import annotations

import gc
import signal
from typing import Any

import msgspec

from vizbench import sources
from vizbench.errors import UserError
from vizbench.harness.asking import context_of
from vizbench.harness.cell import data_of
from vizbench.harness.channel import channel_for
from vizbench.harness.model import Model
from vizbench.harness.plan import Cell
from vizbench.harness.plugin import load_model


def follow() -> None:
    """Adapt to the cells that the first process names, until it names none; answer nothing and write nothing.

    What this process refuses, data, models or its own want of memory, the first says. An error in the middle of a
    training ends this process, and by the launcher all of them. Ctrl-C is for the first, which dismisses this one.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from vizbench.baselines.shared import crew

    models: dict[tuple[str, str], Model[Any]] = {}
    while told := crew.hear():
        cell = msgspec.json.decode(told, type=Cell)
        ref = cell.model, cell.checkpoint
        try:
            asking = data_of(cell, sources.load)
            if ref not in models:
                models.clear()  # cells come model by model
                gc.collect()
                models[ref] = load_model(*ref)
            channel = channel_for(models[ref], asking.judge, asking.shown, [i.question for i in asking.test])
            models[ref].adapt(channel.examples(asking.shown), context_of(asking, lambda _: None))
        except UserError as error:
            if crew.lost():
                raise
            crew.agree(str(error))
