"""Make unlimited visual-reasoning tasks with answers that can be checked exactly.

import vizbench as vb
data = vb.load("life/conway", seed=0)
instance = data.test[17]
vb.verify(instance, instance.target)       # Verdict(valid=True, exact=True, cells=1.0, reason='', parts={})

Every name below is imported at its first use, so that `import vizbench` is fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from vizbench._util.version import __version__

if TYPE_CHECKING:
    from vizbench._util.jit import jit
    from vizbench.dataset.mixture import Mixture, mixture
    from vizbench.dataset.splits import Dataset, Split
    from vizbench.errors import UserError
    from vizbench.formats.lookup import verifier_of
    from vizbench.kernels.rng import rng_below, rng_chance, rng_next, rng_seed, rng_shuffle
    from vizbench.loading import expand, instance, load, prompt, render, verify, verify_batch, verify_steps
    from vizbench.model import (
        CheckedModel,
        Context,
        Example,
        FrameSpec,
        Model,
        ModelFamily,
        Progress,
        Prompted,
        Schedule,
        TextSpec,
        load_model,
    )
    from vizbench.renderers.decode import decode
    from vizbench.renderers.text import from_text, to_text
    from vizbench.rewards import reward, reward_batch
    from vizbench.seeds import random_grids
    from vizbench.task.bases import AnswerTask, MoveTask, StepTask
    from vizbench.task.contract import GameContinuation, Metric, Reasoning, Space, Task, Verifier, check_equal
    from vizbench.task.registry import TaskSpec, tasks
    from vizbench.types import (
        Answer,
        Batch,
        CheckResult,
        DecodeFailure,
        Grid,
        Grids,
        Instance,
        Keys,
        Look,
        Reward,
        Trajectories,
        Verdict,
        Verdicts,
    )

__all__ = [
    "Answer",
    "AnswerTask",
    "Batch",
    "CheckResult",
    "CheckedModel",
    "Context",
    "Dataset",
    "DecodeFailure",
    "Example",
    "FrameSpec",
    "GameContinuation",
    "Grid",
    "Grids",
    "Instance",
    "Keys",
    "Look",
    "Metric",
    "Mixture",
    "Model",
    "ModelFamily",
    "MoveTask",
    "Progress",
    "Prompted",
    "Reasoning",
    "Reward",
    "Schedule",
    "Space",
    "Split",
    "StepTask",
    "Task",
    "TaskSpec",
    "TextSpec",
    "Trajectories",
    "UserError",
    "Verdict",
    "Verdicts",
    "Verifier",
    "__version__",
    "check_equal",
    "decode",
    "expand",
    "from_text",
    "instance",
    "jit",
    "load",
    "load_model",
    "mixture",
    "prompt",
    "random_grids",
    "render",
    "reward",
    "reward_batch",
    "rng_below",
    "rng_chance",
    "rng_next",
    "rng_seed",
    "rng_shuffle",
    "tasks",
    "to_text",
    "verifier_of",
    "verify",
    "verify_batch",
    "verify_steps",
]

_HOMES = {
    "vizbench._util.jit": ("jit",),
    "vizbench.task.bases": ("AnswerTask", "MoveTask", "StepTask"),
    "vizbench.dataset.mixture": ("Mixture", "mixture"),
    "vizbench.dataset.splits": ("Dataset", "Split"),
    "vizbench.errors": ("UserError",),
    "vizbench.formats.lookup": ("verifier_of",),
    "vizbench.kernels.rng": ("rng_below", "rng_chance", "rng_next", "rng_seed", "rng_shuffle"),
    "vizbench.loading": (
        "expand",
        "instance",
        "load",
        "prompt",
        "render",
        "verify",
        "verify_batch",
        "verify_steps",
    ),
    "vizbench.model": (
        "CheckedModel",
        "Context",
        "Example",
        "FrameSpec",
        "Model",
        "ModelFamily",
        "Progress",
        "Prompted",
        "Schedule",
        "TextSpec",
        "load_model",
    ),
    "vizbench.renderers.decode": ("decode",),
    "vizbench.renderers.text": ("from_text", "to_text"),
    "vizbench.rewards": ("reward", "reward_batch"),
    "vizbench.seeds": ("random_grids",),
    "vizbench.task.contract": (
        "GameContinuation",
        "Metric",
        "Reasoning",
        "Space",
        "Task",
        "Verifier",
        "check_equal",
    ),
    "vizbench.task.registry": ("TaskSpec", "tasks"),
    "vizbench.types": (
        "Answer",
        "Batch",
        "CheckResult",
        "DecodeFailure",
        "Grid",
        "Grids",
        "Instance",
        "Keys",
        "Look",
        "Reward",
        "Trajectories",
        "Verdict",
        "Verdicts",
    ),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            value = globals()[name] = getattr(importlib.import_module(module), name)
            return value
    raise AttributeError(f"module 'vizbench' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
