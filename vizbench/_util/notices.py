"""Give each notice to the user once: in the log, or through the process that started this one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager

_LOG = logging.getLogger("vizbench")
_said: set[object] = set()
_sink: list[Callable[[str, object], None]] = []


def notice(text: str, key: object) -> None:
    """Give a notice, unless one with this key was given before. key: plain data."""
    if key in _said:
        return
    _said.add(key)
    if _sink:
        _sink[-1](text, key)
    else:
        _LOG.warning("%s", text)


@contextmanager
def notices_to(sink: Callable[[str, object], None]) -> Generator[None]:
    """Within the block, pass notices and their keys to `sink` instead of the log."""
    _sink.append(sink)
    try:
        yield
    finally:
        _sink.pop()
