"""Read a task's parameters: `key=value&key=value` in its name, or values of Python."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import parse_qsl

import numpy as np

from vizbench.errors import UserError, unknown

MAX_DIGITS = 18
"""Digits of the longest whole number. It fits into 64 bits, and errors may print it."""

_WHOLE = re.compile(rf"-?[0-9]{{1,{MAX_DIGITS}}}")
_REAL = re.compile(
    r"-?([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})(e[-+]?[0-9]{1,3})?", re.IGNORECASE | re.ASCII
)
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_FAULTS: Mapping[type, str] = {
    bool: "not true or false: give one of these",
    int: f"not a whole number of up to {MAX_DIGITS} digits: write it as 2",
    float: "not a number: write it as 0.5",
    str: "not text: give some",
    tuple: "not a list of words: write it as a,b",
}


def query(text: str) -> dict[str, str]:
    """Return the parameters in `key=value&key=value`, percent-decoded.

    Raises UserError if a key is given twice.
    """
    pairs = parse_qsl(text, keep_blank_values=True)
    values = dict(pairs)
    if len(values) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise UserError(f"the parameter {twice[:40]!r} is given {keys.count(twice)} times: give it once")
    return values


def override(name: str, base: Any, changes: Mapping[str, object]) -> Any:
    """Return the record `base` with some fields changed.

    name: the task, for errors. Raises UserError for unknown fields, and for values of a wrong type.
    """
    kinds: dict[str, type] = {f.name: type(getattr(base, f.name)) for f in dataclasses.fields(base)}
    values: dict[str, object] = {}
    for key, value in changes.items():
        if key not in kinds:
            raise unknown(f"parameter of {name}", key, kinds)
        values[key] = read(f"{name}: {key}", value, kinds[key])
    return dataclasses.replace(base, **values)


def read(what: str, value: object, kind: type) -> Any:
    """Return a value of the type `kind`: bool, int, float, str, or tuple of words.

    value: of that type, or text. Digits are ASCII, without `_` and `+`: Python's own readers accept `1_0`,
    ` 1` and the digits of every script. what: the noun for errors. Raises UserError for any other value.
    """
    if isinstance(value, np.generic):  # NumPy's numbers are numbers too
        value = cast("object", value.item())
    text = isinstance(value, str)
    if text and kind is bool and value.lower() in _BOOLEANS:
        return _BOOLEANS[value.lower()]
    if text and kind in (int, float) and (_WHOLE if kind is int else _REAL).fullmatch(value):
        return kind(value) + kind()  # -0.0 becomes 0.0, so that one value has one stream of instances
    if text and kind is tuple:
        return tuple(value.split(","))
    small = type(value) is not int or abs(value) < 10**MAX_DIGITS  # Python refuses to print 5,000 digits
    if kind is float and small and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) + 0.0
    if type(value) is kind and small:
        return value
    shown = ""
    if text:
        shown = f"={str(value)[:40]!r}"
    elif small:
        shown = f"={str(value)[:40]}"
    raise UserError(f"{what}{shown} is {_FAULTS[kind]}")


def path_and_params(rest: str) -> tuple[str, Mapping[str, str]]:
    """Split `PATH?key=value&key=value` at the last `?`, because a path may contain `?`."""
    path, mark, text = rest.rpartition("?")
    return (path, query(text)) if mark else (rest, {})
