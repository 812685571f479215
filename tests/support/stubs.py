"""Models for tests, named from plans as `tests/support/stubs.py:Class`."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np

from vizbench.errors import UserError
from vizbench.model import CheckedModel, FrameSpec, Model, Progress
from vizbench.seeds import keys, stream

FILE = str(Path(__file__))


@final
class Batcher(Model[Any]):
    """Random answers that depend on the whole batch, its seed and the adaptation's, as a sampler in batches
    gives.

    STUB_DELAY: seconds an answer; STUB_HOLD: how many it gives before it waits for ever; STUB_PIDS: a file
    that takes the number of each process that answers."""

    modality = "grid"

    def adapt(self, examples, context):
        self.codes = context.verifier.codes
        self.seed = context.seed
        self.delay = float(os.environ.get("STUB_DELAY", "0"))
        self.left = int(os.environ.get("STUB_HOLD", "-1"))
        context.report(Progress(1, 1, 0.5))
        if "STUB_PIDS" in os.environ:
            with Path(os.environ["STUB_PIDS"]).open("a") as file:
                file.write(f"{os.getpid()}\n")
        return {"steps": 1.0, "loss": float("nan")}

    def predict(self, questions, attempts, seed):
        batch = [question.tolist() for question in questions]
        for i, question in enumerate(questions):
            while self.left == 0:
                time.sleep(60)
            self.left -= 1
            time.sleep(self.delay)
            origin = stream(self.seed, seed, i, batch)
            draws = keys(origin, 0, attempts * question.size) % np.uint64(self.codes)
            yield list(draws.astype(np.uint8).reshape(attempts, *question.shape))


@final
class Spy(Model[Any]):
    """Keeps everything that it is handed. It is told its modality by its checkpoint."""

    seen: ClassVar[list[Any]] = []
    shown: ClassVar[list[Any]] = []
    contexts: ClassVar[list[Any]] = []
    frames = FrameSpec(count=2, cell=2)

    def __init__(self, checkpoint):
        vars(self)["modality"] = checkpoint
        self.weights = "0123"

    def adapt(self, examples, context):
        Spy.shown.extend(examples)
        Spy.contexts.append(context)
        self.answer = examples[0].target
        return {}

    def predict(self, questions: Sequence[Any], attempts, seed):
        Spy.seen.append(questions)
        for question in questions:
            if isinstance(question, np.ndarray):
                question[:] = 0  # a model may scribble on what it is handed
            yield [self.answer] * attempts


@final
class Talker(Model[Any]):
    """Gives one object as every answer, whatever is asked."""

    modality = "text"
    says: ClassVar[Any] = "no grid"

    def adapt(self, examples, context):
        return {}

    def predict(self, questions, attempts, seed):
        for _ in questions:
            yield [Talker.says] * attempts


@final
class Fails(Model[Any]):
    """Breaks in the way that its checkpoint says."""

    modality = "grid"

    def __init__(self, checkpoint):
        self.way = checkpoint

    def adapt(self, examples, context):
        if self.way == "adapt":
            raise RuntimeError("out of <memory>")
        return {}

    def predict(self, questions, attempts, seed):
        if self.way == "call":
            raise KeyError("gone")
        yield [questions[0]] * attempts
        if self.way == "later":
            raise RuntimeError("out of\nmemory")
        if self.way == "interrupt":
            raise KeyboardInterrupt
        if self.way == "attempts":
            yield [questions[1]] * (attempts + 1)


@final
class Miscounts(Model[Any]):
    """Gives answers in the shape that its checkpoint says: too many, too few, or no lists at all."""

    modality = "grid"

    def __init__(self, checkpoint):
        self.way = checkpoint

    def adapt(self, examples, context):
        return {}

    def predict(self, questions, attempts, seed):
        each = [[question] * attempts for question in questions]
        odd = {
            "none": None,
            "nan": float("nan"),
            "nans": np.full(questions[0].shape, np.nan),
            "hole": [[None, 1]],
        }
        shapes: dict[str, Any] = {
            "right": lambda: each,
            "generators": lambda: (iter(answers) for answers in each),
            "array": lambda: np.array(each),
            "many": lambda: iter([*each, each[0]]),
            "many in a list": lambda: [*each, each[0]],
            "few in a list": lambda: each[:-1],
            "without end": lambda: itertools.cycle(each),
            "a dict": lambda: dict(enumerate(each)),
            "a set": lambda: {(1,), (2,)},
            "a text": lambda: "[[1]]",
            "a number": lambda: 7,
            "nothing": lambda: None,
            "answers without end": lambda: (itertools.repeat(answers[0]) for answers in each),
            "bare grids": lambda: iter(questions),
            "dicts": lambda: ({0: answers[0]} for answers in each),
            "texts": lambda: ("[[1]]"[:attempts] for _ in each),
            "bare nothing": lambda: (None for _ in each),
        }
        return (
            shapes[self.way]()
            if self.way in shapes
            else ([odd[self.way], *a[1:]] if k == 1 else a for k, a in enumerate(each))
        )


@final
class Picky(CheckedModel[Any]):
    """Takes as many examples as its checkpoint says and no more; `broken` and `exit` cannot even count
    them."""

    modality = "grid"

    def __init__(self, checkpoint):
        self.most = checkpoint

    def check(self, examples, context):
        if self.most == "broken":
            raise KeyError("most")
        if self.most == "exit":
            raise SystemExit(3)
        if len(examples) > int(self.most):
            raise UserError(f"{len(examples)} examples do not fit: give {self.most} or fewer")

    def adapt(self, examples, context):
        self.check(examples, context)
        return {}

    def predict(self, questions, attempts, seed):
        for question in questions:
            yield [question] * attempts


@final
class Trainer(Model[Any]):
    """Takes the steps that it is told to, 100 by itself, each of STUB_STEP seconds; says `taken` over all its
    lives."""

    modality = "grid"
    taken: ClassVar[int] = 0

    def adapt(self, examples, context):
        steps = context.schedule.count(len(examples), min(len(examples), 4), 100)
        for step in range(steps):
            time.sleep(float(os.environ.get("STUB_STEP", "0")))
            Trainer.taken += 1
            context.report(Progress(step + 1, steps, 1.0))
        return {"steps": steps}

    def predict(self, questions, attempts, seed):
        for question in questions:
            time.sleep(float(os.environ.get("STUB_DELAY", "0")))
            yield [question] * attempts


@final
class Dies(Model[Any]):
    """Takes its process with it, by the signal of its checkpoint or by sys.exit."""

    modality = "grid"

    def __init__(self, checkpoint):
        self.way = checkpoint

    def adapt(self, examples, context):
        if self.way == "exit":
            raise SystemExit(3)
        os.kill(os.getpid(), int(self.way))
        return {}

    def predict(self, questions, attempts, seed):
        yield from ()


@final
class Filmer(Model[Any]):
    """Nine frames of a black and white grid, in which one cell after the other of the upper row turns, in
    attempt k 5 + k of them; by its checkpoint only `two` frames, the ends, or `still` ones, the end."""

    modality = "frames"
    frames = FrameSpec(count=9, cell=2)

    def __init__(self, checkpoint):
        self.way = checkpoint

    def adapt(self, examples, context):
        return {}

    def predict(self, questions, attempts, seed):
        for question in questions:
            yield [self.clip(question, 5 + attempt) for attempt in range(attempts)]

    def clip(self, question, changed):
        clip = np.repeat(question[None], 9, axis=0)
        for k, frame in enumerate(clip):
            upper = frame[:2, : 2 * (changed * k // 8)]
            upper[:] = 255 - upper
        return {"two": clip[[0, -1]], "still": clip[[-1] * 9]}.get(self.way, clip)
