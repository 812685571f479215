"""Verify the replies of a model that vizbench does not run.

    python examples/score_outside_answers.py

A reply may hold prose, a drafted grid and a code fence. docs/judging.md says how the final answer is
found.
"""

from __future__ import annotations

import vizbench as vb

instance = vb.load("life/conway", seed=0).test[0]
right = vb.to_text(instance.target)
replies = {
    "the answer in prose": f"I counted the neighbours of each cell.\n\nFinal answer:\n```json\n{right}\n```",
    "the question, copied": vb.to_text(instance.question),
    "an answer of another size": "[[0, 1], [1, 0]]",
    "no answer": "I cannot solve this.",
}
for what, reply in replies.items():
    verdict = vb.verify(instance, reply)
    print(f"{what}: valid={verdict.valid}, cells={verdict.cells:.2f} {verdict.reason}")

steps = vb.verify_steps(instance, instance.steps)  # a process: every state follows from the one before
print(f"the process: valid={steps.valid}")
