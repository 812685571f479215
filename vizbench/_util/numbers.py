"""Check numbers that users give."""

from __future__ import annotations


def is_whole(value: object, low: int, high: int) -> bool:
    """Return whether a value is a Python int in low … high. True is no int here, and neither is 1.0."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
