"""The one exception that speaks to the user, the hint that unknown names get, and what any error comes to."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import final

_EXTRAS = ("torch", "diffusers", "transformers", "peft", "safetensors", "accelerate")
"""Modules of the extra `[models]`."""


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


def missing(what: str, package: str, extra: str = "models") -> UserError:
    """An error for a package of an extra that `what` needs. No index of packages is named: vizbench is on none, and
    the name there may one day be another's."""
    return UserError(
        f"{what} needs {package}, which is not installed: pip install '.[{extra}]' in the folder of vizbench's sources"
    )


def sentence(error: Exception) -> tuple[str, int]:
    """What to say of an error, and the exit code."""
    if isinstance(error, UserError):
        return str(error), 2
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in _EXTRAS:
        return str(missing("this", str(error.name))), 2
    if isinstance(error, MemoryError):
        return f"the memory does not suffice ({error}): ask for fewer rows, a lower index or smaller boards", 2
    if isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename else ""
        return f"{error.strerror or error}{where}", 2
    return f"unexpected {type(error).__name__}: {error}; run it again with VIZBENCH_TRACEBACK=1 to see where", 1
