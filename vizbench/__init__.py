"""vizbench: visual-reasoning tasks without end, with answers that can be checked exactly.

import vizbench as vb
data = vb.load("life/conway", seed=0)
instance = data.test[17]
vb.verify(instance, instance.target)       # Verdict(valid=True, exact=True, cells=1.0, reason='', parts={})

Every name below is imported when it is first used, so that `import vizbench` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from vizbench._util.version import __version__

if TYPE_CHECKING:
    from vizbench.dataset import Dataset, Split
    from vizbench.errors import UserError
    from vizbench.formats.registry import verifier_of
    from vizbench.loading import expand, instance, load, render, verify, verify_steps
    from vizbench.renderers.decode import decode
    from vizbench.renderers.text import from_text, to_text
    from vizbench.task import tasks
    from vizbench.types import Answer, Batch, DecodeFailure, Instance, Look, Verdict

__all__ = [
    "Answer",
    "Batch",
    "Dataset",
    "DecodeFailure",
    "Instance",
    "Look",
    "Split",
    "UserError",
    "Verdict",
    "__version__",
    "decode",
    "expand",
    "from_text",
    "instance",
    "load",
    "render",
    "tasks",
    "to_text",
    "verifier_of",
    "verify",
    "verify_steps",
]

_HOMES = {
    "vizbench.dataset": ("Dataset", "Split"),
    "vizbench.errors": ("UserError",),
    "vizbench.renderers.decode": ("decode",),
    "vizbench.renderers.text": ("from_text", "to_text"),
    "vizbench.formats.registry": ("verifier_of",),
    "vizbench.loading": ("expand", "instance", "load", "render", "verify", "verify_steps"),
    "vizbench.task": ("tasks",),
    "vizbench.types": ("Answer", "Batch", "DecodeFailure", "Instance", "Look", "Verdict"),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            value = globals()[name] = getattr(importlib.import_module(module), name)
            return value
    raise AttributeError(f"module 'vizbench' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
