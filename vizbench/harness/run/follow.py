"""What every launched process but the first does."""

from __future__ import annotations

import signal

import msgspec

from vizbench import loading
from vizbench.errors import UserError
from vizbench.harness.plan.plan import Trial
from vizbench.harness.run.model_cache import ModelCache
from vizbench.harness.run.predict import codec_of, context_of
from vizbench.harness.run.trial import trial_data


def follow() -> None:
    """Adapt to the cells that the first process names, until it names none; answer nothing and write nothing.

    What this process refuses, data, models or its own want of memory, the first says. An error in the middle
    of a training ends this process, and by the launcher all of them. Ctrl-C is for the first, which dismisses
    this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from vizbench.distributed import collectives

    stage = ModelCache({})
    while told := collectives.hear():
        cell = msgspec.json.decode(told, type=Trial)
        try:
            _adapt(cell, stage)
        except UserError as error:
            if collectives.lost():
                raise
            collectives.agree(str(error))


def _adapt(cell: Trial, stage: ModelCache) -> None:
    asking = trial_data(cell, loading.load)
    model = stage.get(cell.model, cell.checkpoint)
    model.adapt(codec_of(asking, model).examples(asking.shown), context_of(asking, lambda _: None))
