"""CPU seconds a step of each embedded checkpoint's adaptation: `python -m experiments.embedded.adaptation`.

The from-scratch controls train for the same *time* as the LoRA. The ratios below are what `scratch_steps` of
the two `Adaptation`s were set by: as many steps for the video net, more for the language model, whose steps
on all weights cost less than those with adapters. The checkpoints take turns in one run, so that a busy
machine slows them alike."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

ROUNDS, STEPS = 5, 20
TASK, SHOTS = "life/conway", 30
CHECKPOINTS = ("tiny-random", "tiny-scratch")
"""LoRA and all weights; `tiny` computes what `tiny-random` does."""


def main() -> None:
    """Print one line a family and checkpoint: median seconds a step, and the ratio to LoRA in the same
    run."""
    import vizbench as vb
    from vizbench.baselines.embedded.language import model as llm_lora
    from vizbench.baselines.embedded.language.model import EmbeddedLanguage
    from vizbench.baselines.embedded.video import model as embedded
    from vizbench.harness.run.codec import codec_for
    from vizbench.model import Context, Model

    data = vb.load(TASK, seed=0)
    families: dict[str, Callable[[str], Model[Any]]] = {
        "cogvideox": lambda c: embedded.embedded(
            c, replace(embedded.AdaptationConfig(), steps=STEPS, scratch_steps=STEPS)
        ),
        "qwen3": lambda c: EmbeddedLanguage(
            c, plan=replace(llm_lora.AdaptationConfig(), steps=STEPS, scratch_steps=STEPS)
        ),
    }
    for family, build in families.items():
        seconds: dict[str, list[float]] = {checkpoint: [] for checkpoint in CHECKPOINTS}
        for _ in range(ROUNDS):
            for checkpoint in CHECKPOINTS:
                model = build(checkpoint)
                shots = data.train.head(SHOTS)
                examples = codec_for(model, data.verifier, shots, ()).examples(shots)
                context = Context(data.verifier, data.params, 0, lambda progress: None)
                began = time.process_time()
                model.adapt(examples, context)
                seconds[checkpoint].append((time.process_time() - began) / STEPS)
        for checkpoint, taken in seconds.items():
            step = statistics.median(taken)
            ratio = step / statistics.median(seconds[CHECKPOINTS[0]])
            print(f"{family:10} {checkpoint:13} {step:.3f} s a step, {ratio:.2f} of LoRA")


if __name__ == "__main__":
    main()
