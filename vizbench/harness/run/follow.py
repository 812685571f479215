"""Follow rank 0: adapt to each trial that it runs."""

from __future__ import annotations

import signal
from threading import Event

from vizbench import loading
from vizbench._util import interrupts
from vizbench.distributed.followers import receive_trials
from vizbench.errors import UserError
from vizbench.harness.plan.plan import Trial
from vizbench.harness.run.model_cache import ModelCache
from vizbench.harness.run.predict import codec_of, context_of
from vizbench.harness.run.trial import trial_data


def follow() -> None:
    """Adapt to the trials that rank 0 broadcasts. This process predicts, writes and prints nothing.

    Errors that all processes share are reported by rank 0. Any other error ends this process, after which the
    launcher ends all of them. Ctrl-C is left to rank 0.
    """
    stopped = Event()
    signal.signal(signal.SIGINT, lambda number, frame: stopped.set())
    try:
        _follow(ModelCache({}))
    except RuntimeError:  # rank 0 is gone
        if stopped.is_set():
            raise SystemExit(interrupts.CODE) from None
        raise


def _follow(models: ModelCache) -> None:
    from vizbench.distributed.collectives import is_shared

    for trial in receive_trials():
        try:
            _adapt(trial, models)
        except UserError as error:
            if not is_shared(error):
                raise


def _adapt(trial: Trial, models: ModelCache) -> None:
    from vizbench.distributed.collectives import shared_errors

    with shared_errors():
        data = trial_data(trial, loading.load)
        model = models.get(trial.model, trial.checkpoint)
        examples = codec_of(data, model).examples(data.shown)
    model.adapt(examples, context_of(data, lambda _: None))
