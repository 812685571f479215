"""Reasons why answers hold no grid, counted by kind."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

MOST: Final = 8
"""Kinds that are named; the rest are counted as OTHER."""

OTHER: Final = "other reasons"

_LONGEST: Final = 120


def kind(reason: str) -> str:
    """The reason without what is of one answer only: numbers become N, and quoted words go."""
    plain = re.sub(r"'[^']*'|\"[^\"]*\"|`[^`]*`", "…", reason)
    plain = re.sub(r"(?<![A-Za-z])\d+(?:[.,x]\d+)*", "N", plain)
    return " ".join(plain.split())[:_LONGEST] or "no reason given"


def by_kind(reasons: Iterable[str]) -> dict[str, int]:
    """How many answers each kind of reason cost, the most frequent first."""
    counts = Counter(kind(reason) for reason in reasons).most_common()
    kept = dict(counts[:MOST])
    rest = sum(count for _, count in counts[MOST:])
    return kept | ({OTHER: rest} if rest else {})
