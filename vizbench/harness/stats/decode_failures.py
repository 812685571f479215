"""Count the reasons why answers could not be decoded, by kind."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

MOST: Final = 8
"""The most kinds that are named. The rest are counted as OTHER."""

OTHER: Final = "other reasons"
"""Stands for the rarer kinds."""

_LONGEST: Final = 120
"""The most characters of a kind."""


def kind(reason: str) -> str:
    """Return the reason without what belongs to one answer: numbers become N, quoted words …."""
    plain = re.sub(r"'[^']*'|\"[^\"]*\"|`[^`]*`", "…", reason)
    plain = re.sub(r"(?<![A-Za-z])\d+(?:[.,x]\d+)*", "N", plain)
    return " ".join(plain.split())[:_LONGEST] or "no reason given"


def by_kind(reasons: Iterable[str]) -> dict[str, int]:
    """Return the number of answers per kind of reason, the most frequent first."""
    counts = Counter(kind(reason) for reason in reasons).most_common()
    kept = dict(counts[:MOST])
    rest = sum(count for _, count in counts[MOST:])
    return kept | {OTHER: rest} if rest else kept
