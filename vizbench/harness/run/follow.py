"""What every launched process but the first does."""

from __future__ import annotations

import signal

import msgspec

from vizbench import loading
from vizbench.errors import UserError
from vizbench.harness.plan.plan import Cell
from vizbench.harness.run.model_cache import Stage
from vizbench.harness.run.predict import channel_of, context_of
from vizbench.harness.run.trial import data_of


def follow() -> None:
    """Adapt to the cells that the first process names, until it names none; answer nothing and write nothing.

    What this process refuses, data, models or its own want of memory, the first says. An error in the middle of a
    training ends this process, and by the launcher all of them. Ctrl-C is for the first, which dismisses this one.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from vizbench.distributed import collectives

    stage = Stage({})
    while told := collectives.hear():
        cell = msgspec.json.decode(told, type=Cell)
        try:
            _adapt(cell, stage)
        except UserError as error:
            if collectives.lost():
                raise
            collectives.agree(str(error))


def _adapt(cell: Cell, stage: Stage) -> None:
    asking = data_of(cell, loading.load)
    model = stage(cell.model, cell.checkpoint)
    model.adapt(channel_of(asking, model).examples(asking.shown), context_of(asking, lambda _: None))
