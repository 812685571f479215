"""Adapt a language model to pairs by LoRA, and ask it in text, pictures or both."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, final

import numpy as np
import torch
from torch.nn import functional

from vizbench._util.cache import content, digest
from vizbench._util.files import disk_errors, write_atomically
from vizbench.baselines.language.chat_format import IGNORED, ChatFormat, Tokenized
from vizbench.baselines.language.checkpoint import (
    LanguageCheckpoint,
    Loaded,
    adapted,
    seeded,
    set_checkpointing,
)
from vizbench.baselines.language.config import SAMPLING, LanguageConfig
from vizbench.baselines.language.decode import generate
from vizbench.baselines.language.train import OptimizerConfig, TrainingLoop
from vizbench.baselines.shared.memory import within_memory
from vizbench.baselines.shared.merging import merged
from vizbench.baselines.shared.passes import Passes, run_within
from vizbench.baselines.shared.training_state import StateWriter
from vizbench.distributed import collectives
from vizbench.distributed.env import rank
from vizbench.errors import UserError
from vizbench.model import CheckedModel, Context, Example, Modality, Progress, split_prompt
from vizbench.seeds import stream

POOL: Final = 16
"""The most optimizer steps whose examples are sorted by length together."""


COMPARED: Final = 4
"""Questions that are answered once with the LoRA merged and once without, to see whether that matters."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """An answer to decode."""

    prompt: Tokenized
    """The question."""
    sampling: str
    """A name in SAMPLING."""
    seed: int
    """The seed of its draws."""

    @property
    def order(self) -> tuple[str, int]:
        """Return the key to sort by: the longest prompts come first, as they take the most memory."""
        return self.sampling, -len(self.prompt.ids)


class LanguageLora(CheckedModel[Any]):
    """Adapt a frozen language model by LoRA."""

    split = True
    reads_prompts = True

    @abstractmethod
    def prompt(self, chat: ChatFormat, question: Any) -> Tokenized:
        """Return a question, which may be a `Prompted`, as tokens."""

    @final
    def __init__(
        self,
        name: str,
        config: LanguageConfig,
        checkpoint: LanguageCheckpoint,
        weights: str | None,
        home: Path,
    ) -> None:
        """Load nothing yet: the checkpoint is loaded at the first use.

        name: of the family.
        home: the folder of states, samples and adapters.
        """
        self.weights = weights
        self.config = config
        self._name = name
        self._checkpoint = checkpoint
        self._home = home
        self._chat: ChatFormat | None = None
        self._loaded: Loaded | None = None
        self._model: Any = None
        self._limit = 0
        self._first: list[Tokenized] = []
        self._merges: bool | None = None

    @final
    def check(self, examples: Sequence[Example[Any]], context: Context) -> None:
        self._rows(examples, context)

    @final
    @within_memory()
    def adapt(self, examples: Sequence[Example[Any]], context: Context) -> Mapping[str, float]:
        began, cpu_began = time.perf_counter(), time.process_time()
        with collectives.shared_errors(), within_memory():
            rows = self._prepare(examples, context)
        if not rows:  # the model answers by the prompt, as it is
            return {"seconds": time.perf_counter() - began, "steps": 0.0, "trainable": 0.0}
        config, loaded, model = self.config, self._loaded, self._model
        assert loaded is not None
        training = TrainingLoop(
            [(name, p) for name, p in model.named_parameters() if p.requires_grad],
            OptimizerConfig(
                config.lr, config.warmup, config.schedule, config.betas, config.weight_decay, config.clip
            ),
        )
        own_steps = max(config.steps, -(-len(rows) // config.batch))  # at least one pass over the examples
        steps = context.schedule.count(len(rows), config.batch, own_steps)
        name = self._name_of(rows, context.seed, steps)
        state: StateWriter | None = None
        if config.save_minutes:
            state = StateWriter(self._home / "trainings" / f"{name}.safetensors", config.save_minutes)
        longest = max(rows, key=lambda row: len(row.ids))
        passes = self._checkpoint.passes(len(longest.ids), len(longest.ids) - longest.start)

        def report(progress: Progress) -> None:
            context.report(progress)
            step = progress.done
            if config.sample_every and step % config.sample_every == 0 and rank() == 0:
                self._sample(loaded, examples[0], self._home / "samples" / name / f"step-{step:07}.txt")

        def backward(step: int) -> float:
            # Dropout differs between the processes; nothing else is drawn here.
            own_rank = [rank()] if rank() else []
            dropout_seed = stream("llm", "step", context.seed, step, *own_rank) >> 1
            batch = chosen(rows, config.batch, context.seed, step)

            def attempt(way: Passes) -> float:
                training.optimizer.zero_grad()  # of an attempt that filled the memory
                set_checkpointing(loaded.model, way.checkpointing)
                with seeded(loaded.device, dropout_seed), loaded.without_casts(model):
                    return backward_in_parts(loaded, model, way.rows, batch)

            loss = run_within(passes, attempt)
            return collectives.all_reduce_gradients(training.trained.values(), loss)

        model.train()
        training.run(steps, backward, report, state)
        model.eval()
        self._first = [self.prompt(loaded.chat, pair.question) for pair in examples[:COMPARED]]
        if config.keep and rank() == 0:
            self.save(self._home / "adapters" / name)
        return {
            "seconds": time.perf_counter() - began,
            "cpu_seconds": time.process_time() - cpu_began,
            "steps": float(steps),
            "loss": training.loss,
            "trainable": float(sum(p.numel() for p in training.trained.values())),
            "tokens": float(len(longest.ids)),
            "rows_per_pass": float(passes[0].rows),
            "checkpointing": float(passes[0].checkpointing),
        }

    @final
    def _prepare(self, examples: Sequence[Example[Any]], context: Context) -> list[Tokenized]:
        """Load the model under a new adapter, and return the examples as tokens.

        Raises UserError if the examples are too long, or the memory does not suffice.
        """
        if self._model is not None:
            self._model.unload()  # the frozen weights as they were
            self._model = None
        self._first, self._merges = [], None
        chat, rows = self._rows(examples, context)
        self._limit = self.config.max_new_tokens
        if rows:
            longest_answer = max(len(row.ids) - row.start for row in rows)
            self._limit = min(longest_answer + self.config.slack, self._limit)
        self._loaded = self._loaded or self._checkpoint.load(chat)
        self._model = adapted(self._loaded.model, self.config, stream("llm", "lora", context.seed) >> 1)
        if not rows:
            self._model.eval()
        return rows

    @final
    def _name_of(self, rows: Sequence[Tokenized], seed: int, steps: int) -> str:
        """Return the name of a training, by all that decides its outcome."""
        return digest(self.weights, self.config, seed, steps, [_data(row) for row in rows])

    @final
    def _rows(self, examples: Sequence[Example[Any]], context: Context) -> tuple[ChatFormat, list[Tokenized]]:
        """Return the examples as tokens. Raises UserError if they are too long, or exceed the memory.

        Also raises it if there are none and the model is not told what to do, or cannot follow it.
        """
        if not examples and context.prompt == "none":
            raise UserError(f"{self._name} adapts to examples: give at least one")
        self._chat = chat = self._chat or self._checkpoint.chat()
        if not examples:
            if not chat.follows_instructions:
                raise UserError(
                    f"this checkpoint of {self._name} has no chat template, so that it follows no prompt "
                    "without examples: use one that is tuned on instructions, or give --shots 1"
                )
            return chat, []
        rows = [chat.pair(self.prompt(chat, pair.question), pair.target) for pair in examples]
        longest = max(rows, key=lambda row: len(row.ids))
        tokens, limit = len(longest.ids), self.config.max_length
        if tokens > limit:
            raise UserError(
                f"an example takes {tokens:,} tokens and max_length is {limit:,}: give smaller grids, or set "
                f"?max_length={tokens}"
            )
        self._checkpoint.check(tokens, tokens - longest.start)
        return chat, rows

    @final
    def predict(self, questions: Sequence[Any], attempts: int, seed: int) -> Iterator[Sequence[str]]:
        if self._model is None or self._loaded is None:
            raise UserError(f"{self._name} has not adapted to examples yet: call adapt first")
        loaded, jobs = self._loaded, list[Job]()
        for number, question in enumerate(questions):
            prompt = self.prompt(loaded.chat, question)
            for attempt in range(attempts):
                sampling = "paper" if attempt else self.config.sampling
                jobs.append(Job(prompt, sampling, stream("llm", "predict", seed, number, attempt) >> 1))
        with within_memory(), merged(self._model, self._merging(loaded)):
            texts = self._decoded(loaded, jobs)
        for start in range(0, len(texts), attempts):
            yield texts[start : start + attempts]

    @final
    def _merging(self, loaded: Loaded) -> bool:
        """Return whether the model may answer with its LoRA merged.

        That rounds other numbers, so the answers to the first examples are compared once. They are questions
        of the training: no resumed run decides otherwise.
        """
        if self._merges is None:
            jobs = [Job(prompt, "greedy", 0) for prompt in self._first]
            plain = self._decoded(loaded, jobs)
            with merged(self._model):
                self._merges = self._decoded(loaded, jobs) == plain
        return self._merges

    @final
    def _decoded(self, loaded: Loaded, jobs: Sequence[Job]) -> list[str]:
        """Return the answer of each job. Prompts of like lengths share a batch."""
        order = sorted(range(len(jobs)), key=lambda number: jobs[number].order)
        texts = [""] * len(jobs)
        while order:
            first = jobs[order[0]]
            size = self._checkpoint.decoding_rows(len(first.prompt.ids), self._limit)
            batch = [number for number in order[:size] if jobs[number].sampling == first.sampling]
            order = order[len(batch) :]
            for number, text in zip(batch, self._batch(loaded, [jobs[n] for n in batch]), strict=True):
                texts[number] = text
        return texts

    @final
    def _batch(self, loaded: Loaded, jobs: Sequence[Job]) -> list[str]:
        """Return the answers of one batch. If the GPU is full, it is halved."""
        try:
            return generate(
                loaded, self._model, [job.prompt for job in jobs], self._limit, SAMPLING[jobs[0].sampling],
                [job.seed for job in jobs],
            )  # fmt: skip
        except torch.OutOfMemoryError:
            if len(jobs) == 1:
                raise
        torch.cuda.empty_cache()
        middle = len(jobs) // 2
        return self._batch(loaded, jobs[:middle]) + self._batch(loaded, jobs[middle:])

    @final
    def _sample(self, loaded: Loaded, example: Example[Any], path: Path) -> None:
        """Write an answer in the middle of a training, above the target."""
        self._model.eval()
        prompt = self.prompt(loaded.chat, example.question)
        (text,) = generate(loaded, self._model, [prompt], self._limit, SAMPLING["greedy"])
        self._model.train()
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, f"{text}\n{example.target}\n".encode())

    @final
    def save(self, folder: Path) -> None:
        """Write the adapter in peft's format: `PeftModel.from_pretrained(base, folder)` loads it."""
        if self._model is None:
            raise UserError(f"{self._name} has not adapted to examples yet: call adapt first")
        # "auto" would add all of lm_head
        self._model.save_pretrained(str(folder), save_embedding_layers=False)


def _data(row: Tokenized) -> tuple[object, ...]:
    return row.ids, row.start, None if row.image is None else content(row.image)


@final
class TextLora(LanguageLora):
    """Ask in compact JSON."""

    modality: ClassVar[Modality] = "text"

    def prompt(self, chat: ChatFormat, question: Any) -> Tokenized:
        words, text = split_prompt(question)
        return chat.question(text, words=words)


@final
class ImageLora(LanguageLora):
    """Ask in pictures."""

    modality: ClassVar[Modality] = "image"

    def prompt(self, chat: ChatFormat, question: Any) -> Tokenized:
        words, image = split_prompt(question)
        return chat.question(None, image, words)


@final
class BothLora(LanguageLora):
    """Ask in pictures with their JSON."""

    modality: ClassVar[Modality] = "both"

    def prompt(self, chat: ChatFormat, question: Any) -> Tokenized:
        words, (image, text) = split_prompt(question)
        return chat.question(text, image, words)


def backward_in_parts(loaded: Loaded, model: Any, size: int, rows: Sequence[Tokenized]) -> float:
    """Add the gradient of the mean loss per answer token of this process's rows, and return their loss.

    size: rows per forward pass. Each of the launched processes takes its shard of the rows; their gradients
    and losses are to be summed up.
    """
    rows = sorted(rows, key=lambda row: len(row.ids))
    answer_tokens = sum(len(row.ids) - row.start for row in rows)
    loss = 0.0
    own = collectives.shard(rows)
    for start in range(0, len(own), size):
        part = loss_sum(loaded, model, own[start : start + size]) / answer_tokens
        part.backward()
        loss += float(part.detach())
    return loss


def loss_sum(loaded: Loaded, model: Any, rows: Sequence[Tokenized]) -> torch.Tensor:
    """Return the summed negative log likelihood of the rows' answers, their ends included."""
    inputs, labels = loaded.inputs(rows)
    # The logits of the prompts would take most of the memory.
    kept = labels.shape[1] - min(row.start for row in rows) + 1
    with loaded.products():
        output = model(**inputs, use_cache=False, logits_to_keep=kept)
    logits = output.logits[:, :-1].float()  # (B, kept - 1, vocabulary)
    targets = labels[:, labels.shape[1] - kept + 1 :]
    return functional.cross_entropy(
        logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction="sum"
    )


def chosen(rows: Sequence[Tokenized], size: int, seed: int, step: int) -> list[Tokenized]:
    """Return the rows of an optimizer step, a function of its number.

    The rows pass in ever new orders, one epoch after the other. Within a pool (an epoch, or POOL steps if
    these are fewer) rows of similar length share a step, and the steps are shuffled.
    """
    pool = min(POOL, -(-len(rows) // size))
    block, place = divmod(step, pool)
    first, last = block * pool * size, (block + 1) * pool * size
    numbers: list[int] = []
    for epoch in range(first // len(rows), -(-last // len(rows))):
        order = np.random.default_rng(stream("llm", "order", seed, epoch)).permutation(len(rows)).tolist()
        begin = epoch * len(rows)
        numbers += order[max(0, first - begin) : max(0, last - begin)]
    numbers.sort(key=lambda number: len(rows[number].ids))  # stable: equal lengths stay shuffled
    shuffled = np.random.default_rng(stream("llm", "mixed", seed, block)).permutation(pool)
    start = int(shuffled[place]) * size
    return [rows[number] for number in numbers[start : start + size]]
