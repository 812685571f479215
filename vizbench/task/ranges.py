"""Check that a task's parameters have values that they may have."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

from vizbench.errors import UserError


def check_ranges(params: Any, **ranges: tuple[float, float]) -> None:
    """Raise UserError if a parameter is not in its range, both ends included.

    params: a record whose fields have defaults. ranges: the least and the largest value of a field, by name.
    """
    usual: dict[str, Any] = {field.name: field.default for field in dataclasses.fields(params)}
    for name, (least, most) in ranges.items():
        value = getattr(params, name)
        if not least <= value <= most:
            example = min(max(usual[name], least), most)  # a range may depend on other parameters
            raise UserError(
                f"{name}={value} is not in {least} … {most}: choose a value there, e.g. {example}"
            )


def check_choice(params: Any, **choices: Collection[str]) -> None:
    """Raise UserError if a parameter is not one of its values.

    choices: the values that a field may have, by name.
    """
    for name, allowed in choices.items():
        value = getattr(params, name)
        if not isinstance(value, str) or value not in allowed:
            raise UserError(f"{name}={str(value)[:20]!r} is unknown: choose {', '.join(allowed)}")
