"""Provide models for tests, named in plans as `tests/support/stubs.py:Class`."""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, cast, final

import numpy as np

from vizbench.errors import UserError
from vizbench.model import CheckedModel, FrameSpec, Model, Progress
from vizbench.renderers.text import states_to_text
from vizbench.seeds import keys, stream
from vizbench.task.contract import Task

FILE = str(Path(__file__))


@final
class Batcher(Model[Any]):
    """Gives random answers that depend on the whole batch and on both seeds, like a batched sampler.

    STUB_DELAY: seconds per answer.
    STUB_HOLD: how many answers it gives before it waits for ever.
    STUB_PIDS: a file to which each process that answers writes its number.
    """

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
    """Keeps everything that it is given. Its checkpoint names its modality."""

    seen: ClassVar[list[Any]] = []
    shown: ClassVar[list[Any]] = []
    contexts: ClassVar[list[Any]] = []
    reads_prompts = True
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
                question[:] = 0  # a model may change what it is given
            yield [self.answer] * attempts


@final
class Talker(Model[Any]):
    """Gives the same object as every answer."""

    modality = "text"
    says: ClassVar[Any] = "no grid"

    def adapt(self, examples, context):
        return {}

    def predict(self, questions, attempts, seed):
        for _ in questions:
            yield [Talker.says] * attempts


@final
class Fails(Model[Any]):
    """Fails as its checkpoint says."""

    modality = "grid"

    def __init__(self, checkpoint):
        self.mode = checkpoint

    def adapt(self, examples, context):
        if self.mode == "adapt":
            raise RuntimeError("out of <memory>")
        return {}

    def predict(self, questions, attempts, seed):
        if self.mode == "call":
            raise KeyError("gone")
        yield [questions[0]] * attempts
        if self.mode == "later":
            raise RuntimeError("out of\nmemory")
        if self.mode == "interrupt":
            raise KeyboardInterrupt
        if self.mode == "attempts":
            yield [questions[1]] * (attempts + 1)


@final
class Miscounts(Model[Any]):
    """Gives answers in the form that its checkpoint names: too many, too few, or no lists."""

    modality = "grid"

    def __init__(self, checkpoint):
        self.mode = checkpoint

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
            "generators": lambda: map(iter, each),
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
            "answers without end": lambda: map(itertools.cycle, each),
            "bare grids": lambda: iter(questions),
            "dicts": lambda: ({0: answers[0]} for answers in each),
            "texts": lambda: iter(["[[1]]"[:attempts]] * len(each)),
            "bare nothing": lambda: iter([None] * len(each)),
        }
        if self.mode in shapes:
            return shapes[self.mode]()
        each[1][0] = odd[self.mode]
        return iter(each)


@final
class Picky(CheckedModel[Any]):
    """Refuses more examples than its checkpoint says. `broken` and `exit` fail at the check."""

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
    """Takes the steps of the schedule, or 100, each of STUB_STEP seconds. `taken` counts all of them."""

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
    """Ends its process, by the signal that its checkpoint names or by sys.exit."""

    modality = "grid"

    def __init__(self, checkpoint):
        self.mode = checkpoint

    def adapt(self, examples, context):
        if self.mode == "exit":
            raise SystemExit(3)
        os.kill(os.getpid(), int(self.mode))
        return {}

    def predict(self, questions, attempts, seed):
        yield from ()


@final
class Filmer(Model[Any]):
    """Answers with nine frames in which one cell after the other of the upper row turns, 5 + k in attempt k.

    Checkpoint `two`: only the first and the last frame. `still`: nine times the last frame.
    """

    modality = "frames"
    frames = FrameSpec(count=9, cell=2)

    def __init__(self, checkpoint):
        self.mode = checkpoint

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
        return {"two": clip[[0, -1]], "still": clip[[-1] * 9]}.get(self.mode, clip)


@final
class Echo(Model[Any]):
    """Answers with clips of the question, in the look in which it is asked."""

    modality = "frames"
    frames = FrameSpec(count=3)

    def adapt(self, examples, context):
        return {}

    def predict(self, questions, attempts, seed):
        for question in questions:
            yield [np.repeat(question[None], 3, axis=0)] * attempts


@final
class Writer(Model[Any]):
    """Writes every state by the rules, one per line, or only the answer if targets are shown.

    Checkpoint `late`: all states are right but the second. `mute`: no grid.
    """

    modality = "text"

    def __init__(self, checkpoint):
        self.mode = checkpoint

    def adapt(self, examples, context):
        self.task, self.params, self.supervision = context.verifier, context.params, context.supervision
        return {}

    def predict(self, questions, attempts, seed):
        for text in questions:
            question = np.array(json.loads(text), np.uint8)
            task = cast("Task[Any]", self.task)
            target = task.solve(self.params, question)
            assert target is not None
            states = task.steps(self.params, question, target).copy()
            if self.mode == "late":
                states[1] = 1 - states[1]
            lines = states_to_text(list(states if self.supervision == "process" else states[-1:]))
            yield ["I do not know." if self.mode == "mute" else lines] * attempts
