"""Measure the CPU seconds per optimizer step of each embedded checkpoint.

    python -m experiments.embedded.adaptation

Prints one line per family and checkpoint: median seconds per step, and the ratio to LoRA in the same run.

The from-scratch controls train for the same *time* as the LoRA. The `scratch_steps` of the two
`AdaptationConfig`s were set by these ratios: as many steps for the video model, more for the language model,
whose steps on all weights cost less than those with LoRA. The checkpoints take turns in one run, so that
other work on the machine slows them alike.
"""

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
"""LoRA, and all weights. `tiny` computes the same as `tiny-random`."""


def main() -> None:
    """Print one line per family and checkpoint."""
    import vizbench as vb
    from vizbench.baselines.embedded.language import model as language
    from vizbench.baselines.embedded.video import model as video
    from vizbench.model import Model

    # Few steps suffice: only the seconds per step are measured.
    video_config = replace(video.AdaptationConfig(), steps=STEPS, scratch_steps=STEPS)
    language_config = replace(language.AdaptationConfig(), steps=STEPS, scratch_steps=STEPS)
    families: dict[str, Callable[[str], Model[Any]]] = {
        "cogvideox": lambda checkpoint: video.embedded_model(checkpoint, video_config),
        "qwen3": lambda checkpoint: language.embedded_model(checkpoint, language_config),
    }

    # The checkpoints take turns, so that a busy machine slows both alike.
    data = vb.load(TASK, seed=0)
    for family, build in families.items():
        seconds: dict[str, list[float]] = {checkpoint: [] for checkpoint in CHECKPOINTS}
        for _ in range(ROUNDS):
            for checkpoint in CHECKPOINTS:
                seconds[checkpoint].append(_seconds_per_step(build(checkpoint), data))
        lora = statistics.median(seconds[CHECKPOINTS[0]])
        for checkpoint, measured in seconds.items():
            step = statistics.median(measured)
            print(f"{family:10} {checkpoint:13} {step:.3f} s per step, {step / lora:.2f} of LoRA")


def _seconds_per_step(model: Any, data: Any) -> float:
    """Return the CPU seconds per optimizer step of one adaptation."""
    from vizbench.harness.run.codec import codec_for
    from vizbench.model import Context

    shots = data.train.head(SHOTS)
    examples = codec_for(model, data.verifier, shots, ()).examples(shots)
    context = Context(data.verifier, data.params, 0, lambda progress: None)
    began = time.process_time()
    model.adapt(examples, context)
    return (time.process_time() - began) / STEPS


if __name__ == "__main__":
    main()
