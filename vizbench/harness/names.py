"""What tasks and models are called where people read them."""

from __future__ import annotations

from typing import Final

from vizbench.harness.plugin import DEFAULT

NONE: Final = "none"
"""The checkpoint, and the training, of what has none."""

OWN: Final = "the model's own"
"""How long a model trains where the plan does not say it."""


def task_label(task: str, origin: str = "") -> str:
    """A task's name, short enough for a table: of a file its folder and name, and its `origins.origins`, if any."""
    kind, _, path = task.partition(":")
    label = f"{kind}: {'/'.join(path.removesuffix('.json').split('/')[-2:])}" if path else task
    return f"{label} ({origin})" if origin else label


def model_label(model: str, checkpoint: str, training: str = OWN) -> str:
    """A model's name, of a file its name and class; with its checkpoint where it has one to choose, and with its
    training where the plan fixed it."""
    parts = [model.rpartition("/")[2]]
    parts += [checkpoint] if checkpoint not in (NONE, DEFAULT) else []
    parts += [training] if training not in (NONE, OWN) else []
    return " · ".join(parts)


def cell_text(text: str) -> str:
    """A name as a cell of a CSV file, quoted where a spreadsheet would run it as a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def model_key(model: str, checkpoint: str, training: str = OWN) -> str:
    """The model in an address within the report."""
    return f"{model}@{checkpoint}" + (f"@{training}" if training not in (NONE, OWN) else "")
