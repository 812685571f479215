"""Measure seconds and memory of an optimizer step at the true model sizes. Needs a CUDA GPU.

    python -m benchmarks.compute [--tiny]

Prints the device and a Markdown table. The cases are CogVideoX1.5-5B-I2V's transformer with random weights at
272x272 and 336x336, 9 frames, and Qwen3-4B at 512 tokens: bfloat16, the paper's LoRA and batch, checkpointing
on and off.

- s per step: forward, backward, clipping and AdamW on random latents or tokens
- s per pass: one forward without gradients; a sample takes one per denoising step, plus the VAE
- peak GB: the largest memory of a step

`--tiny` runs the same code with two narrow blocks on any machine, to test it. Its figures say nothing about
the true sizes.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

ROUNDS, WARM = 10, 3

PASS = 2
"""Sequences per forward pass of the language model."""


def main() -> None:
    """Print the device, and a line of the table per case."""
    import torch

    tiny = "--tiny" in sys.argv[1:]
    if not tiny and not torch.cuda.is_available():
        raise SystemExit(
            "benchmarks.compute measures the true sizes on a CUDA GPU, and found none: run it on a machine "
            "with one, or with --tiny to test the code on a CPU"
        )
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU, tiny models"
    print(f"{name}, torch {torch.__version__}\n")
    print("| model | size | batch | checkpointing | s per step | s per pass | peak GB |")
    print("|---|---|---|---|---|---|---|")
    for case in (*_video(tiny), *_language(tiny)):
        print(_row(*case), flush=True)


def _video(tiny: bool) -> Iterator[tuple[Any, ...]]:
    """Yield the arguments of `_row` for the video model."""
    import diffusers
    import torch

    from vizbench.baselines.cogvideox import CONFIG
    from vizbench.baselines.video.model import start
    from vizbench.distributed.collectives import device

    kind: Any = diffusers.CogVideoXTransformer3DModel  # pyright: ignore[reportPrivateImportUsage] found on access
    sizes: dict[str, Any] = {
        "num_attention_heads": 2 if tiny else 48, "attention_head_dim": 64, "num_layers": 2 if tiny else 42,
        "in_channels": 32, "out_channels": 16, "patch_size": 2, "patch_size_t": 2, "patch_bias": False,
        "time_embed_dim": 512, "ofs_embed_dim": 512, "text_embed_dim": 4096,
        "use_rotary_positional_embeddings": True,
    }  # fmt: skip
    for side in (32, 64) if tiny else (272, 336):
        for checkpointing in (True, False):
            with device():
                model = kind(**sizes).to(torch.bfloat16)
                config = replace(CONFIG, checkpointing="true" if checkpointing else "false")
                start(SimpleNamespace(transformer=model), config, 0)
                tokens = 2 * (side // 16) ** 2  # 3 latent frames and one in front, two per token
                noisy = torch.randn(CONFIG.batch, 4, 32, side // 8, side // 8, dtype=torch.bfloat16)
                inputs = {
                    "hidden_states": noisy,
                    "encoder_hidden_states": torch.randn(CONFIG.batch, 226, 4096, dtype=torch.bfloat16),
                    "timestep": torch.full((CONFIG.batch,), 500),
                    "ofs": torch.full((1,), 2.0, dtype=torch.bfloat16),
                    "image_rotary_emb": (torch.zeros(tokens, 64), torch.zeros(tokens, 64)),
                }
            name = "tiny CogVideoX" if tiny else "CogVideoX1.5-5B-I2V"
            yield name, f"{side}x{side}, 9 frames", CONFIG.batch, checkpointing, model, _first(inputs)


QWEN3_4B = {"hidden_size": 2560, "num_hidden_layers": 36, "head_dim": 128, "intermediate_size": 9728}
QWEN3_TINY = {"hidden_size": 128, "num_hidden_layers": 2, "head_dim": 8, "intermediate_size": 256}


def _language(tiny: bool) -> Iterator[tuple[Any, ...]]:
    """Yield the arguments of `_row` for the language model."""
    import torch
    import transformers

    from vizbench.baselines.language.checkpoint import adapted
    from vizbench.baselines.qwen3 import CONFIG
    from vizbench.distributed.collectives import device

    library: Any = transformers
    sizes = QWEN3_TINY if tiny else QWEN3_4B
    config = library.Qwen3Config(
        vocab_size=151_936, num_attention_heads=32, num_key_value_heads=8, tie_word_embeddings=True, **sizes
    )
    for checkpointing in (True, False):
        with device():
            model = library.Qwen3ForCausalLM(config).to(torch.bfloat16).requires_grad_(False)
            if checkpointing:
                model.activation_checkpointing_enable()
            ids = torch.randint(0, 1000, (PASS, 64 if tiny else 512))
        yield (
            "tiny Qwen3" if tiny else "Qwen3-4B", f"{ids.shape[1]} tokens", PASS, checkpointing,
            adapted(model, CONFIG, 0), _first({"input_ids": ids, "use_cache": False}),
        )  # fmt: skip


def _first(inputs: dict[str, Any]) -> Callable[[Any], Any]:
    """Return a function that computes a model's output for these inputs."""
    return lambda model: model(**inputs, return_dict=False)[0]


def _row(
    name: str, size: str, batch: int, checkpointing: bool, model: Any, forward: Callable[[Any], Any]
) -> str:
    """Measure a case. Return its line of the table."""
    import torch

    # Only the adapter is trained, in mixed precision as the baselines do it.
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer: Any = torch.optim.AdamW(trained, lr=1e-4)
    kind = trained[0].device.type

    def step() -> None:
        with torch.autocast(kind, torch.bfloat16):
            loss = forward(model).float().square().mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    def predict() -> None:
        with torch.no_grad(), torch.autocast(kind, torch.bfloat16):
            forward(model)

    # The peak covers the steps only, so it is read before the predictions.
    if kind == "cuda":
        torch.cuda.reset_peak_memory_stats()
    model.train()
    taken = _seconds(step, kind)
    peak = f"{torch.cuda.max_memory_allocated() / 1e9:.1f}" if kind == "cuda" else "not measured"
    model.eval()
    state = "on" if checkpointing else "off"
    return f"| {name} | {size} | {batch} | {state} | {taken:.3f} | {_seconds(predict, kind):.3f} | {peak} |"


def _seconds(act: Callable[[], None], kind: str) -> float:
    """Return the median seconds of ROUNDS calls, after WARM that do not count."""
    import torch

    taken: list[float] = []
    for _ in range(WARM + ROUNDS):
        clock = time.perf_counter()
        act()
        if kind == "cuda":
            torch.cuda.synchronize()
        taken.append(time.perf_counter() - clock)
    return statistics.median(taken[WARM:])


if __name__ == "__main__":
    main()
