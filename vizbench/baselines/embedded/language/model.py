"""The family `qwen3`: a language model that reads and writes grids as rows of digits, adapted by LoRA.

Checkpoints: `tiny` is pretrained on procedural worlds and frozen under a LoRA; `tiny-random` is the same
network without pretraining, equally frozen; `tiny-scratch` trains all weights from a random start, for the
same time."""

from __future__ import annotations

import hashlib
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np

from vizbench.baselines.shared.hub import require
from vizbench.baselines.shared.threads import one_thread
from vizbench.errors import UserError, unknown
from vizbench.model import Context, Example, Modality, Model, TextSpec
from vizbench.seeds import stream

if TYPE_CHECKING:
    from vizbench.baselines.embedded.language.tokens import Tokens

WEIGHTS = Path(__file__).parents[1] / "checkpoints" / "qwen3-tiny.safetensors"
CHECKPOINTS = ("tiny", "tiny-random", "tiny-scratch")


@final
@dataclass(frozen=True, slots=True)
class AdaptationConfig:
    """How the twin adapts. steps, batch: optimizer steps and sequences in each; scratch_steps: as many as
    take `tiny-scratch` the time of `steps` with LoRA (`experiments/embedded/adaptation.py`); rank, alpha: of the LoRA
    on every linear layer; lora_rate, whole_rate: peak learning rates with LoRA and with all weights;
    corrupted: share of answer cells that are read wrong; slack: tokens an answer may be longer than question
    and training answers."""

    steps: int = 150
    scratch_steps: int = 175
    batch: int = 16
    rank: int = 16
    alpha: int = 32
    lora_rate: float = 3e-3
    whole_rate: float = 2e-3
    warm: int = 10
    corrupted: float = 0.15
    slack: int = 8
    together: int = 64
    """Questions decoded side by side."""
    temperature: float = 0.7
    """Of the attempts after the first, which is greedy."""


@final
class EmbeddedLanguage(Model[str]):
    """A Qwen3 of 1.2 M parameters that reads and writes rows of digits."""

    modality: ClassVar[Modality] = "text"
    text: ClassVar[TextSpec] = TextSpec(layout="rows")

    def __init__(
        self, checkpoint: str, weights: Path = WEIGHTS, plan: AdaptationConfig | None = None
    ) -> None:
        if checkpoint not in CHECKPOINTS:
            raise unknown("checkpoint of qwen3", checkpoint, CHECKPOINTS)
        require("qwen3", "torch", "transformers", "peft", "safetensors")
        if checkpoint == "tiny" and weights.is_file():
            self.weights = hashlib.sha256(weights.read_bytes()).hexdigest()[:16]
        self._checkpoint = checkpoint
        self._weights = weights
        self._plan = plan or AdaptationConfig()
        self._network: Any = None
        self._longest = 0

    @one_thread()
    def adapt(self, examples: Sequence[Example[str]], context: Context) -> Mapping[str, float]:
        from vizbench.baselines.embedded.language.tokens import example
        from vizbench.baselines.embedded.language.train import backward
        from vizbench.baselines.language.train import OptimizerConfig, TrainingLoop

        plan = self._plan
        rows = [example(pair.question, pair.target) for pair in examples]
        if not rows:
            raise UserError("qwen3 adapts to examples: give at least one")
        self._longest = max(len(pair.target) + 1 for pair in examples)
        began, worked = time.perf_counter(), time.process_time()
        adapted = self._start(context.seed)
        scratch = self._checkpoint == "tiny-scratch"
        rate, own = (plan.whole_rate, plan.scratch_steps) if scratch else (plan.lora_rate, plan.steps)
        steps = context.schedule.count(len(rows), plan.batch, own)
        training = TrainingLoop(
            [(name, p) for name, p in adapted.named_parameters() if p.requires_grad],
            OptimizerConfig(rate, plan.warm, "cosine", betas=(0.9, 0.95), weight_decay=0.0, clip=1.0),
        )
        random = np.random.default_rng(stream("qwen3", "adapt", context.seed))
        batches = _batches(rows, steps, plan.batch, random)
        training.run(
            steps, lambda _: backward(adapted, next(batches), plan.corrupted, random), context.report
        )
        self._network = _merged(adapted)
        return {
            "seconds": time.perf_counter() - began,
            "cpu_seconds": time.process_time() - worked,
            "steps": steps,
            "loss": training.loss,
            "trainable": sum(p.numel() for p in training.trained.values()),
        }

    def predict(self, questions: Sequence[str], attempts: int, seed: int) -> Iterator[Sequence[str]]:
        if self._network is None:
            raise UserError("qwen3 has not adapted to examples yet: call adapt first")
        questions = list(questions)
        for start in range(0, len(questions), self._plan.together):
            yield from self._answers(questions[start : start + self._plan.together], start, attempts, seed)

    def _start(self, seed: int) -> Any:
        """The network to train, from the checkpoint; its randomness is a function of seed alone."""
        import torch

        from vizbench.baselines.embedded.language.network import NetworkConfig, load, network

        if self._checkpoint == "tiny":
            model = load(NetworkConfig(), self._weights)
        else:
            model = network(NetworkConfig(), stream("qwen3", self._checkpoint, seed) >> 1)
        if self._checkpoint == "tiny-scratch":
            return model
        from peft import LoraConfig, get_peft_model

        settings = LoraConfig(r=self._plan.rank, lora_alpha=self._plan.alpha, target_modules="all-linear")
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # peft 0.21 asks transformers 5.23 by an old name
            torch.manual_seed(stream("qwen3", "lora", seed) >> 1)
            return get_peft_model(model, settings)

    def _answers(
        self, questions: Sequence[str], start: int, attempts: int, seed: int
    ) -> Iterator[Sequence[str]]:
        """Answers to questions that stand from `start` on: those of one length are decoded side by side."""
        import torch

        from vizbench.baselines.embedded.language.decode import generate
        from vizbench.baselines.embedded.language.tokens import prompt, text

        prompts = [prompt(question) for question in questions]
        groups: dict[int, list[int]] = {}
        for number, tokens in enumerate(prompts):
            groups.setdefault(len(tokens.ids), []).append(number)
        answers: list[list[str]] = [[] for _ in questions]
        for length, members in groups.items():
            limit = max(length, self._longest) + self._plan.slack
            for attempt in range(attempts):
                random = torch.Generator().manual_seed(
                    stream("qwen3", "predict", seed, start, length, attempt) >> 1
                )
                temperature = self._plan.temperature if attempt else 0.0
                with one_thread():
                    written = generate(
                        self._network, [prompts[m] for m in members], limit, temperature, random
                    )
                for member, tokens in zip(members, written, strict=True):
                    answers[member].append(text(tokens))
        yield from answers


def _batches(
    rows: Sequence[Tokens], steps: int, size: int, random: np.random.Generator
) -> Iterator[list[Tokens]]:
    """`steps` batches that walk through ever new orders of the rows."""
    waiting: list[int] = []
    for _ in range(steps):
        while len(waiting) < size:
            waiting += random.permutation(len(rows)).tolist()
        yield [rows[i] for i in waiting[:size]]
        waiting = waiting[size:]


def _merged(adapted: Any) -> Any:
    """The network with the LoRA added into its weights, which decodes faster and says the same."""
    from peft import PeftModel

    whole: Any = adapted.merge_and_unload() if isinstance(adapted, PeftModel) else adapted
    return whole.eval().requires_grad_(False)
