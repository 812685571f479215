"""Make batches for a training loop, without end and without repeats.

    python examples/training_batches.py

The rows of a batch depend only on the task, the seed and their index.
"""

from __future__ import annotations

import numpy as np

import vizbench as vb

BATCH = 256
STEPS = 4

data = vb.load("maze/9", seed=0)
for step in range(STEPS):
    batch = data.train.batch(step * BATCH, BATCH)  # question and target: (256, 9, 9) uint8
    inputs = batch.question.astype(np.float32)
    targets = batch.target.astype(np.int64)
    # A training step goes here: forward, loss, backward, optimizer step.
    changed = (inputs != targets).mean()
    print(f"step {step}: {inputs.shape} inputs, {changed:.1%} of the cells change")

picture = vb.render(data.train[0])
print(f"a question as a video model sees it: {picture.shape} {picture.dtype}")
print(f"as a language model sees it: {vb.to_text(data.train[0].question)[:40]} ...")
