"""The one exception that speaks to the user, and the hint that unknown names get."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import final


@final
class UserError(ValueError):
    """Input that cannot be served: one sentence that says what, why, and what instead. The CLI prints it, exit 2."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """An error for a name that is not known, listing near ones.

    kind: what the name should have been ("task", "model"); known: every valid name.
    """
    names = sorted(known)
    near = (
        difflib.get_close_matches(name.lower(), names, n=4, cutoff=0.5) or [n for n in names if name and name in n][:4]
    )
    known_names = f"known: {', '.join(names[:12])}{' …' if len(names) > 12 else ''}"
    hint = f"did you mean {', '.join(near)}?" if near else known_names
    return UserError(f"unknown {kind} {name[:80]!r}: {hint}")
