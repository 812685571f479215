"""A language model of the harness: LoRA on a frozen backbone, adapted to pairs and asked in text, pictures or
both."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
import torch
from torch.nn import functional

from vizbench._util.files import disk_errors, write_atomically
from vizbench.baselines.language.chat_format import IGNORED, ChatFormat, Tokenized
from vizbench.baselines.language.checkpoint import Checkpoint, Loaded, adapted, seeded
from vizbench.baselines.language.config import SAMPLING, LanguageConfig
from vizbench.baselines.language.decode import generate
from vizbench.baselines.language.train import OptimizerConfig, StateFile, TrainingLoop
from vizbench.baselines.shared.memory import within_memory
from vizbench.baselines.shared.places import content, digest
from vizbench.distributed import collectives
from vizbench.distributed.env import rank
from vizbench.errors import UserError
from vizbench.model import CheckedModel, Context, Example, Modality, Progress
from vizbench.seeds import stream
from vizbench.types import Image

POOL = 16
"""Most steps whose examples are sorted by length together."""


class LanguageLora(CheckedModel[Any]):
    """A frozen language model and the LoRA that it learns."""

    split = True

    @abstractmethod
    def asked(self, script: ChatFormat, question: Any) -> Tokenized:
        """The prompt of a question."""

    @final
    def __init__(
        self, name: str, recipe: LanguageConfig, checkpoint: Checkpoint, weights: str | None, home: Path
    ) -> None:
        """name: of the family; checkpoint: loaded at the first use; home: where states, samples and adapters
        lie."""
        self.weights = weights
        self.config = recipe
        self._name = name
        self._checkpoint = checkpoint
        self._home = home
        self._script: ChatFormat | None = None
        self._loaded: Loaded | None = None
        self._model: Any = None
        self._limit = 0

    @final
    def check(self, examples: Sequence[Example[Any]], context: Context) -> None:
        self._rows(examples)

    @final
    @within_memory()
    def adapt(self, examples: Sequence[Example[Any]], context: Context) -> Mapping[str, float]:
        recipe, seed = self.config, context.seed
        began, worked = time.perf_counter(), time.process_time()
        if self._model is not None:
            self._model.unload()  # the base as it was
            self._model = None
        script, rows = self._rows(examples)
        self._limit = min(max(len(row.ids) - row.start for row in rows) + recipe.slack, recipe.max_new_tokens)
        self._loaded = loaded = self._loaded or self._checkpoint.load(script)
        self._model = model = adapted(loaded.model, recipe, stream("llm", "lora", seed) >> 1)
        training = TrainingLoop(
            [(name, p) for name, p in model.named_parameters() if p.requires_grad],
            OptimizerConfig(
                recipe.lr, recipe.warmup, recipe.schedule, recipe.betas, recipe.weight_decay, recipe.clip
            ),
        )
        size = recipe.batch * recipe.accumulation
        steps = context.schedule.count(len(rows), size, max(recipe.steps, -(-len(rows) // size)))
        seen = [(row.ids, row.start, None if row.image is None else content(row.image)) for row in rows]
        name = digest(self.weights, recipe, seed, steps, seen)
        kept = (
            StateFile(self._home / "trainings" / f"{name}.safetensors", recipe.save_every)
            if recipe.save_every
            else None
        )

        def report(done: Progress) -> None:
            context.report(done)
            if recipe.sample_every and done.done % recipe.sample_every == 0 and not rank():
                self._sample(loaded, examples[0], self._home / "samples" / name / f"step-{done.done:07}.txt")

        def backward(step: int) -> float:
            own = stream("llm", "step", seed, step, *([rank()] if rank() else []))
            with seeded(
                loaded.device, own >> 1
            ):  # for dropout, the one thing that differs between processes and one
                return step_backward(loaded, model, recipe.batch, chosen(rows, size, seed, step))

        if recipe.checkpointing:
            loaded.model.activation_checkpointing_enable()
        model.train()
        with collectives.training():
            training.run(steps, backward, report, kept)
        model.eval()
        if recipe.keep and not rank():
            self.save(self._home / "adapters" / name)
        return {
            "seconds": time.perf_counter() - began,
            "cpu_seconds": time.process_time() - worked,
            "steps": float(steps),
            "loss": training.loss,
            "trainable": float(sum(p.numel() for p in training.trained.values())),
            "tokens": float(max(len(row.ids) for row in rows)),
        }

    @final
    def _rows(self, examples: Sequence[Example[Any]]) -> tuple[ChatFormat, list[Tokenized]]:
        """The examples as tokens. UserError where they are too long, or too much for the memory."""
        if not examples:
            raise UserError(f"{self._name} adapts to examples: give at least one")
        self._script = script = self._script or self._checkpoint.script()
        rows = [script.pair(self.asked(script, pair.question), pair.target) for pair in examples]
        longest = max(rows, key=lambda row: len(row.ids))
        tokens, most = len(longest.ids), self.config.max_length
        if tokens > most:
            raise UserError(
                f"an example takes {tokens:,} tokens and max_length is {most:,}: give smaller boards, or set "
                f"?max_length={tokens}"
            )
        self._checkpoint.check(tokens, tokens - longest.start)
        return script, rows

    @final
    def predict(self, questions: Sequence[Any], attempts: int, seed: int) -> Iterator[Sequence[str]]:
        if self._model is None or self._loaded is None:
            raise UserError(f"{self._name} has not adapted to examples yet: call adapt first")
        recipe, loaded = self.config, self._loaded
        for start in range(0, len(questions), recipe.together):
            chunk = [self.asked(loaded.script, q) for q in questions[start : start + recipe.together]]
            answers: list[list[str]] = [[] for _ in chunk]
            for attempt in range(attempts):
                sampling = SAMPLING["paper" if attempt else recipe.sampling]
                drawn = stream("llm", "predict", seed, start, attempt) >> 1
                with within_memory():
                    said = generate(loaded, self._model, chunk, self._limit, sampling, drawn)
                for answer, text in zip(answers, said, strict=True):
                    answer.append(text)
            yield from answers

    @final
    def _sample(self, loaded: Loaded, example: Example[Any], path: Path) -> None:
        """Write what the model answers to an example in the middle of its training, above the right
        answer."""
        self._model.eval()
        asked = self.asked(loaded.script, example.question)
        (said,) = generate(loaded, self._model, [asked], self._limit, SAMPLING["greedy"], 0)
        self._model.train()
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, f"{said}\n{example.target}\n".encode())

    @final
    def save(self, folder: Path) -> None:
        """Write the adapter as peft writes it: `PeftModel.from_pretrained(base, folder)` loads it."""
        if self._model is None:
            raise UserError(f"{self._name} has not adapted to examples yet: call adapt first")
        self._model.save_pretrained(
            str(folder), save_embedding_layers=False
        )  # "auto" would add all of lm_head


@final
class TextLora(LanguageLora):
    """Asked in compact JSON."""

    modality: ClassVar[Modality] = "text"

    def asked(self, script: ChatFormat, question: Any) -> Tokenized:
        return script.question(question)


@final
class ImageLora(LanguageLora):
    """Asked in pictures."""

    modality: ClassVar[Modality] = "image"

    def asked(self, script: ChatFormat, question: Any) -> Tokenized:
        return script.question(None, question)


@final
class BothLora(LanguageLora):
    """Asked in pictures with their JSON."""

    modality: ClassVar[Modality] = "both"

    def asked(self, script: ChatFormat, question: Any) -> Tokenized:
        image: Image
        image, text = question
        return script.question(text, image)


def step_backward(loaded: Loaded, model: Any, batch: int, rows: Sequence[Tokenized]) -> float:
    """Add the gradient of the mean loss an answer token of all rows, `batch` rows a forward pass; returns the
    loss. Launched processes take a share of the rows each."""
    rows = sorted(rows, key=lambda row: len(row.ids))
    total = sum(len(row.ids) - row.start for row in rows)
    loss = 0.0
    mine = collectives.share(rows)
    for start in range(0, len(mine), batch):
        part = loss_sum(loaded, model, mine[start : start + batch]) / total
        part.backward()
        loss += float(part.detach())
    return collectives.add_up((p for p in model.parameters() if p.requires_grad), loss)


def loss_sum(loaded: Loaded, model: Any, rows: Sequence[Tokenized]) -> torch.Tensor:
    """The summed negative log likelihood of the rows' answers, their ends included."""
    inputs, labels = loaded.script.batch(rows)
    kept = (
        labels.shape[1] - min(row.start for row in rows) + 1
    )  # scores of a prompt would take most of the memory
    with loaded.products():
        said = model(
            **{k: v.to(loaded.device) for k, v in inputs.items()}, use_cache=False, logits_to_keep=kept
        )
    scores = said.logits[:, :-1].float()  # (B, kept - 1, vocabulary)
    goal = labels[:, labels.shape[1] - kept + 1 :].to(loaded.device)
    return functional.cross_entropy(
        scores.flatten(0, 1), goal.flatten(), ignore_index=IGNORED, reduction="sum"
    )


def chosen(rows: Sequence[Tokenized], size: int, seed: int, step: int) -> list[Tokenized]:
    """The rows of a step: a function of its number. The examples pass in ever new orders, end to end; of the
    rows of an epoch, or POOL steps if these are fewer, those of like lengths come together, and the steps are
    mixed."""
    pool = min(POOL, -(-len(rows) // size))
    block, place = divmod(step, pool)
    first, last = block * pool * size, (block + 1) * pool * size
    numbers: list[int] = []
    for epoch in range(first // len(rows), -(-last // len(rows))):
        order = np.random.default_rng(stream("llm", "order", seed, epoch)).permutation(len(rows)).tolist()
        begin = epoch * len(rows)
        numbers += order[max(0, first - begin) : max(0, last - begin)]
    numbers.sort(key=lambda number: len(rows[number].ids))  # stable: equal lengths stay mixed
    mixed = np.random.default_rng(stream("llm", "mixed", seed, block)).permutation(pool)
    start = int(mixed[place]) * size
    return [rows[number] for number in numbers[start : start + size]]
