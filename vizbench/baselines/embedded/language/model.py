"""Adapt the embedded language model, which reads and writes grids as rows of digits.

Checkpoints:

- `tiny`: pretrained, frozen, with a LoRA.
- `tiny-random`: the same network without pretraining, frozen, with a LoRA of the same size.
- `tiny-scratch`: the same network without pretraining. All weights are trained for the same time.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np

from vizbench.baselines.shared.checkpoint import digest_of_file
from vizbench.baselines.shared.hub import require
from vizbench.baselines.shared.threads import one_thread
from vizbench.errors import UserError, unknown
from vizbench.model import CheckedModel, Context, Example, Modality, TextSpec
from vizbench.seeds import stream

if TYPE_CHECKING:
    from vizbench.baselines.embedded.language.tokens import Tokens

WEIGHTS = Path(__file__).parents[1] / "checkpoints" / "qwen3-tiny.safetensors"
WINDOW = 3
"""Pages of a process, with its question, that an example shows in one step, from a random page on.

A page sees only the one before. On `eca/110`, whole processes took over five times as long.
"""
CHECKPOINTS = ("tiny", "tiny-random", "tiny-scratch")


@final
@dataclass(frozen=True, slots=True)
class AdaptationConfig:
    """Hyper-parameters of the adaptation."""

    steps: int = 150
    """Optimizer steps with LoRA."""
    scratch_steps: int = 175
    """Optimizer steps of `tiny-scratch`, chosen to take as long as `steps` with LoRA.

    Measured by `experiments/embedded/adaptation.py`.
    """
    batch: int = 16
    """Examples per optimizer step."""
    rank: int = 16
    """Rank of the LoRA, which is on every linear layer."""
    alpha: int = 32
    """Scale of the LoRA."""
    lora_lr: float = 3e-3
    """Peak learning rate of the LoRA."""
    full_lr: float = 2e-3
    """Peak learning rate if all weights are trained."""
    warmup: int = 10
    """Steps over which the learning rate rises."""
    corrupted: float = 0.15
    """Share of the answer cells that are replaced in the input (see `train.corrupt`)."""
    extra_tokens: int = 8
    """Tokens that an answer may have beyond its question and the training answers."""
    predict_batch: int = 64
    """Questions decoded in one batch."""
    temperature: float = 0.7
    """Temperature of all attempts but the first, which is greedy."""


@final
class EmbeddedLanguage(CheckedModel[str]):
    """A Qwen3 with 1.2 M parameters that reads and writes rows of digits."""

    modality: ClassVar[Modality] = "text"
    text: ClassVar[TextSpec] = TextSpec(layout="rows")

    def __init__(
        self, checkpoint: str, weights: Path = WEIGHTS, config: AdaptationConfig | None = None
    ) -> None:
        if checkpoint not in CHECKPOINTS:
            raise unknown("checkpoint of qwen3", checkpoint, CHECKPOINTS)
        require("qwen3", "torch", "transformers", "peft", "safetensors")
        if checkpoint == "tiny" and weights.is_file():
            self.weights = digest_of_file(weights)
        self._checkpoint = checkpoint
        self._weights = weights
        self._config = config or AdaptationConfig()
        self._network: Any = None
        self._longest = 0
        self._states = False

    def check(self, examples: Sequence[Example[str]], context: Context) -> None:
        """Raise UserError if a process is too long. Other examples are checked by `adapt`."""
        if context.supervision == "process":
            self._rows(examples, context)

    @one_thread()
    def adapt(self, examples: Sequence[Example[str]], context: Context) -> Mapping[str, float]:
        """Train on the examples. Return seconds, CPU seconds, steps, loss and the number of parameters."""
        from vizbench.baselines.embedded.language.train import backward
        from vizbench.baselines.language.train import OptimizerConfig, TrainingLoop

        config = self._config
        rows = self._rows(examples, context)
        self._states = context.supervision == "process"
        # A state is the question of the next one, which a wrong cell would make another.
        corrupted = 0.0 if self._states else config.corrupted
        self._longest = max(len(pair.target) + 1 for pair in examples)
        began, cpu_began = time.perf_counter(), time.process_time()

        # Network and optimizer.
        network = self._start(context.seed)
        scratch = self._checkpoint == "tiny-scratch"
        lr, default_steps = (
            (config.full_lr, config.scratch_steps) if scratch else (config.lora_lr, config.steps)
        )
        steps = context.schedule.count(len(rows), config.batch, default_steps)
        loop = TrainingLoop(
            [(name, p) for name, p in network.named_parameters() if p.requires_grad],
            OptimizerConfig(lr, config.warmup, "cosine", betas=(0.9, 0.95), weight_decay=0.0, clip=1.0),
        )

        # Training.
        random = np.random.default_rng(stream("qwen3", "adapt", context.seed))
        batches = _batches(rows, steps, config.batch, random)
        if self._states:
            batches = _windows(batches, random)
        loop.run(steps, lambda _: backward(network, next(batches), corrupted, random), context.report)
        self._network = _merged(network)
        return {
            "seconds": time.perf_counter() - began,
            "cpu_seconds": time.process_time() - cpu_began,
            "steps": steps,
            "loss": loop.loss,
            "trainable": sum(p.numel() for p in loop.trained.values()),
        }

    def predict(self, questions: Sequence[str], attempts: int, seed: int) -> Iterator[Sequence[str]]:
        """Yield the attempts of each question, in order."""
        if self._network is None:
            raise UserError("qwen3 has not adapted to examples yet: call adapt first")
        questions = list(questions)
        size = self._config.predict_batch
        for start in range(0, len(questions), size):
            yield from self._answers(questions[start : start + size], start, attempts, seed)

    def _rows(self, examples: Sequence[Example[str]], context: Context) -> list[Tokens]:
        """Return the examples as tokens. Raises UserError if there are none, or if they are too large."""
        from vizbench.baselines.embedded.language.tokens import example, process

        if not examples:
            raise UserError("qwen3 adapts to examples: give at least one")
        made = process if context.supervision == "process" else example
        return [made(pair.question, pair.target) for pair in examples]

    def _start(self, seed: int) -> Any:
        """Return the network to train. Its random weights depend only on checkpoint and seed."""
        import torch

        from vizbench.baselines.embedded.language.network import NetworkConfig, build_network, load_network

        if self._checkpoint == "tiny":
            model = load_network(NetworkConfig(), self._weights)
        else:
            model = build_network(NetworkConfig(), stream("qwen3", self._checkpoint, seed) >> 1)
        if self._checkpoint == "tiny-scratch":
            return model
        from peft import LoraConfig, get_peft_model

        lora = LoraConfig(r=self._config.rank, lora_alpha=self._config.alpha, target_modules="all-linear")
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            # peft 0.21 calls a function of transformers 5.23 by its old name.
            warnings.simplefilter("ignore", FutureWarning)
            torch.manual_seed(stream("qwen3", "lora", seed) >> 1)
            return get_peft_model(model, lora)

    def _answers(
        self, questions: Sequence[str], start: int, attempts: int, seed: int
    ) -> Iterator[Sequence[str]]:
        """Yield the attempts of the questions, of which the first has the index `start`."""
        from vizbench.baselines.embedded.language.decode import generate
        from vizbench.baselines.embedded.language.tokens import prompt, text

        # Questions of one length are decoded together.
        prompts = [prompt(question) for question in questions]
        groups: dict[int, list[int]] = {}
        for number, tokens in enumerate(prompts):
            groups.setdefault(len(tokens.ids), []).append(number)

        answers: list[list[str]] = [[] for _ in questions]
        for length, members in groups.items():
            batch = [prompts[member] for member in members]
            limit = max(length, self._longest) + self._config.extra_tokens
            for attempt in range(attempts):
                seeds = [stream("qwen3", "predict", seed, start + member, attempt) for member in members]
                temperature = self._config.temperature if attempt else 0.0
                with one_thread():
                    written = generate(self._network, batch, limit, temperature, seeds, self._states)
                for member, tokens in zip(members, written, strict=True):
                    answers[member].append(text(tokens, self._states))
        yield from answers


def embedded_model(checkpoint: str, config: AdaptationConfig | None = None) -> EmbeddedLanguage:
    """Return the model of an embedded checkpoint: `tiny`, `tiny-random` or `tiny-scratch`."""
    return EmbeddedLanguage(checkpoint, config=config)


def _batches(
    rows: Sequence[Tokens], steps: int, size: int, random: np.random.Generator
) -> Iterator[list[Tokens]]:
    """Yield `steps` batches. Rows are drawn without replacement until all were used, then shuffled again."""
    waiting: list[int] = []
    for _ in range(steps):
        while len(waiting) < size:
            waiting += random.permutation(len(rows)).tolist()
        yield [rows[i] for i in waiting[:size]]
        waiting = waiting[size:]


def _windows(batches: Iterable[list[Tokens]], random: np.random.Generator) -> Iterator[list[Tokens]]:
    """Yield the batches with WINDOW pages of each process, from a random page on. Short ones stay whole."""
    from vizbench.baselines.embedded.language.tokens import pages, window

    for batch in batches:
        shown: list[Tokens] = []
        for row in batch:
            last = int(pages(row.positions).max())
            first = int(random.integers(max(last + 2 - WINDOW, 1)))
            shown.append(window(row, first, WINDOW))
        yield shown


def _merged(network: Any) -> Any:
    """Add the LoRA to the weights of its network, which decodes faster and gives the same answers."""
    from peft import PeftModel

    whole: Any = network.merge_and_unload() if isinstance(network, PeftModel) else network
    return whole.eval().requires_grad_(False)
