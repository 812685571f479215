"""Measure what training and predicting save, each way beside the one it replaces, in one run on one thread.

    python -m benchmarks.training [NAME ...]

Prints a line per case: CPU seconds of the old way, of the new one, and their ratio. The models are random
ones of the real classes with 1-30 M parameters. The two ways take turns, and the best of ROUNDS counts,
because other programs only slow them down. What is compared gives the same losses and answers, which
`tests/baselines` checks.

- decode: 32 answers of many lengths, in batches of 16 as they come; at once, sorted, without those that ended
- merged: answers with the LoRA beside the weights; added to them
- casts, video-casts: a bfloat16 step with peft's casts of inputs; without
- checkpointing: a step that computes each block twice; once
- passes: a step of 8 sequences one by one; at once
- states: what a state on disk holds up the training, if it is written at once; in the background
- together: 4 clips sampled one by one; at once

On a GPU, it measures seconds instead. That was not run yet.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
import transformers

from vizbench.baselines.language.chat_format import Tokenized
from vizbench.baselines.language.checkpoint import Loaded, adapted, set_checkpointing
from vizbench.baselines.language.config import SAMPLING, LanguageConfig
from vizbench.baselines.language.decode import generate
from vizbench.baselines.language.model import backward_in_parts
from vizbench.baselines.shared.merging import merged
from vizbench.baselines.shared.optimizers import adamw
from vizbench.baselines.shared.training_state import snapshot, write_state
from vizbench.distributed.collectives import device

ROUNDS = 2
"""Measurements of each way, after one that does not count."""

VOCABULARY = 2048
END, COUNT = 1, 100
"""The token that ends an answer, and the one from which tokens count down to it."""

library: Any = transformers
numbers: Any = torch


class Chat:
    """Batches of made-up tokens, in place of `ChatFormat`, which needs a tokenizer."""

    end = pad = END

    def batch(self, rows: Sequence[Tokenized], left: bool = False) -> tuple[dict[str, Any], Any]:
        """Return the inputs and labels, as `ChatFormat.batch`."""
        length = max(len(row.ids) for row in rows)
        ids, mask, labels = (torch.zeros(len(rows), length, dtype=torch.long) for _ in range(3))
        labels -= 100
        for number, row in enumerate(rows):
            place = slice(length - len(row.ids), length) if left else slice(0, len(row.ids))
            ids[number, place] = torch.tensor(row.ids)
            mask[number, place] = 1
            labels[number, place][row.start :] = torch.tensor(row.ids[row.start :], dtype=torch.long)
        return {"input_ids": ids, "attention_mask": mask}, labels

    def text(self, ids: Sequence[int]) -> str:
        """Return the tokens as text."""
        return " ".join(map(str, ids))


def language(dtype: torch.dtype = torch.float32, layers: int = 6, hidden: int = 256) -> tuple[Loaded, Any]:
    """Return a random Qwen3, and a LoRA on it whose output is not zero."""
    numbers.manual_seed(0)
    config = library.Qwen3Config(
        vocab_size=VOCABULARY, hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=8,
        num_key_value_heads=4, head_dim=hidden // 8, intermediate_size=3 * hidden, pad_token_id=END,
        eos_token_id=END, bos_token_id=END,
    )  # fmt: skip
    model = library.Qwen3ForCausalLM(config).to(device(), dtype).eval().requires_grad_(False)
    model.generation_config = library.GenerationConfig()
    loaded: Any = Loaded(model, Chat(), device(), dtype)  # type: ignore[arg-type]  # Chat has only the methods that are called here
    lora = adapted(model, LanguageConfig(rank=16), 0)
    for name, parameter in lora.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.02)
    return loaded, lora.eval()


def count_down(model: Any) -> None:
    """Let a model answer with the tokens from the last one of its prompt down to COUNT, then END."""

    def forced(_module: Any, _unnamed: Any, named: dict[str, Any], output: Any) -> None:
        last = named["input_ids"][:, -1]
        token = torch.where(last > COUNT, last - 1, END)
        output.logits[:, -1] = 0.0
        output.logits[:, -1].scatter_(1, token[:, None], 1.0)

    model.register_forward_hook(forced, with_kwargs=True)


def boards(number: int, largest: int) -> list[Tokenized]:
    """Return prompts of boards of many sizes, with answers of nearly the same size by `count_down`."""
    draw = random.Random(0)
    prompts: list[Tokenized] = []
    for _ in range(number):
        cells = draw.randint(3, largest) * draw.randint(3, largest)
        answer = max(4, round(cells * draw.choice((0.3, 1.0, 1.0, 1.0))))
        ids = (*(draw.randrange(2, COUNT) for _ in range(cells)), COUNT + answer)
        prompts.append(Tokenized(ids, len(ids)))
    return prompts


def pairs(number: int, tokens: int) -> list[Tokenized]:
    """Return random questions with answers of the same length."""
    draw = random.Random(0)
    rows: list[Tokenized] = []
    for _ in range(number):
        length = draw.randint(tokens // 2, tokens)
        rows.append(Tokenized(tuple(draw.randrange(2, VOCABULARY) for _ in range(length)), length // 2))
    return rows


Ways = tuple[Callable[[], object], Callable[[], object]]


def decode() -> Ways:
    """Return both ways to decode boards."""
    loaded, model = language(layers=4, hidden=128)
    count_down(loaded.model)
    prompts = boards(32, 14)
    limit = max(prompt.ids[-1] - COUNT for prompt in prompts) + 32
    settings = library.GenerationConfig(
        max_new_tokens=limit, do_sample=False, eos_token_id=END, pad_token_id=END
    )

    def old() -> list[str]:
        texts: list[str] = []
        for start in range(0, len(prompts), 16):
            inputs, _ = loaded.chat.batch(prompts[start : start + 16], left=True)
            inputs = {name: tensor.to(loaded.device) for name, tensor in inputs.items()}
            with torch.no_grad():
                output = model.generate(**inputs, generation_config=settings)
            rows = output[:, inputs["input_ids"].shape[1] :].tolist()
            texts += [" ".join(map(str, row[: row.index(END)])) for row in rows]
        return texts

    def new() -> list[str]:
        order = sorted(range(len(prompts)), key=lambda number: -len(prompts[number].ids))
        texts = [""] * len(prompts)
        answers = generate(loaded, model, [prompts[n] for n in order], limit, SAMPLING["greedy"])
        for number, text in zip(order, answers, strict=True):
            texts[number] = " ".join(text.split()[: text.split().index(str(END))])
        return texts

    if old() != new():
        raise SystemExit("the two ways to decode gave different answers")
    return old, new


def merging() -> Ways:
    """Return both ways to predict with a LoRA."""
    loaded, model = language()
    count_down(loaded.model)
    prompts = boards(8, 9)

    def predict(active: bool) -> None:
        with merged(model, active):
            generate(loaded, model, prompts, 60, SAMPLING["greedy"])

    return lambda: predict(False), lambda: predict(True)


def step(
    dtype: torch.dtype = torch.float32, rows: int = 8, casts: bool = False, checkpointing: bool = False
) -> Callable[[], object]:
    """Return an optimizer step of a language model on 8 examples."""
    loaded, model = language(dtype)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer: Any = adamw(trained, 1e-4, (0.9, 0.999), 0.01)
    examples = pairs(8, 160)
    set_checkpointing(loaded.model, checkpointing)

    def run() -> None:
        model.train()
        with nullcontext() if casts else loaded.without_casts(model):
            backward_in_parts(loaded, model, rows, examples)
        optimizer.step()
        optimizer.zero_grad()

    return run


def video(casts: bool) -> Callable[[], object]:
    """Return forward and backward of a CogVideoX transformer in bfloat16."""
    import diffusers
    from peft.helpers import disable_input_dtype_casting

    from vizbench.baselines.cogvideox import CONFIG
    from vizbench.baselines.video.model import start
    from vizbench.baselines.video.train import plain_attention

    numbers.manual_seed(0)
    kind: Any = diffusers.CogVideoXTransformer3DModel  # pyright: ignore[reportPrivateImportUsage] found on access
    model = kind(
        num_attention_heads=8, attention_head_dim=32, num_layers=6, in_channels=8, out_channels=4,
        patch_size=2, patch_size_t=2, time_embed_dim=32, ofs_embed_dim=32, text_embed_dim=64,
        max_text_seq_length=16, use_rotary_positional_embeddings=True, patch_bias=False,
    )  # fmt: skip
    model = model.to(device(), torch.bfloat16)
    start(SimpleNamespace(transformer=model), replace(CONFIG, rank=16), 0)
    model.train()
    side = 12
    inputs = {
        "hidden_states": torch.randn(2, 4, 8, 2 * side, 2 * side),
        "encoder_hidden_states": torch.randn(2, 16, 64),
        "ofs": torch.full((1,), 2.0),
    }
    inputs = {name: tensor.to(device(), torch.bfloat16) for name, tensor in inputs.items()}
    places = torch.zeros(2 * side * side, 32, device=device())
    timesteps = torch.full((2,), 500, device=device())

    def run() -> None:
        with plain_attention(device()), disable_input_dtype_casting(model, not casts):
            with torch.autocast(device().type, torch.bfloat16):
                output = model(
                    **inputs, timestep=timesteps, image_rotary_emb=(places, places), return_dict=False
                )[0]
            output.float().square().mean().backward()
        model.zero_grad()

    return run


def states() -> Ways:
    """Return both ways to keep a state: written at once, or copied for a thread that writes it."""
    loaded, model = language(hidden=512)
    del loaded
    trained = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    optimizer: Any = adamw(list(trained.values()), 1e-4, (0.9, 0.999), 0.01)
    for parameter in trained.values():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    folder = tempfile.TemporaryDirectory()

    def old() -> None:
        write_state(Path(folder.name) / "state", trained, [optimizer], {})

    return old, lambda: snapshot(trained, [optimizer], {})


def together() -> Ways:
    """Return both ways to sample clips."""
    from vizbench.baselines.embedded.video.model import embedded_model

    model: Any = embedded_model("tiny")
    pipe, text = model._source.open(0)
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(4, 64, 64, 3, generator=generator).mul(255).byte().numpy()
    model._config = replace(model._config, sampling_steps=10)

    def sample(size: int) -> None:
        for start in range(0, 4, size):
            model._sample(pipe, text, list(images[start : start + size]), list(range(start, start + size)))

    return lambda: sample(1), lambda: sample(4)


CASES: dict[str, Callable[[], Ways]] = {
    "decode": decode,
    "merged": merging,
    "casts": lambda: (step(torch.bfloat16, casts=True), step(torch.bfloat16)),
    "video-casts": lambda: (video(True), video(False)),
    "checkpointing": lambda: (step(checkpointing=True), step()),
    "passes": lambda: (step(rows=1), step(rows=8)),
    "states": states,
    "together": together,
}


def seconds(act: Callable[[], object]) -> float:
    """Return the CPU seconds of a call, or on a GPU its seconds."""
    gpu = torch.cuda.is_available()
    clock = time.perf_counter if gpu else time.process_time
    start = clock()
    act()
    if gpu:
        torch.cuda.synchronize()
    return clock() - start


def main() -> None:
    """Measure the named cases, or all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", choices=[[], *CASES])
    torch.set_num_threads(1)
    library.utils.logging.disable_progress_bar()
    print(f"{'case':<16}{'old s':>10}{'new s':>10}{'ratio':>10}")
    for name in parser.parse_args().names or CASES:
        ways = CASES[name]()
        taken: list[list[float]] = [[], []]
        for _ in range(1 + ROUNDS):
            for way, times in zip(ways, taken, strict=True):
                times.append(seconds(way))
        old, new = (min(times[1:]) for times in taken)
        print(f"{name:<16}{old:>10.3f}{new:>10.3f}{old / new:>9.2f}x", flush=True)


if __name__ == "__main__":
    main()
