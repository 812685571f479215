"""Define the exception whose text is for the user, and describe any error in one sentence."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, final

_EXTRAS = ("torch", "diffusers", "transformers", "peft", "safetensors", "accelerate")
"""Modules of the extra `[models]`."""


@final
class UserError(ValueError):
    """Report input that vizbench cannot use.

    The text is one sentence: what was given, what is allowed, what to do next. The command line prints it and
    exits with code 2.
    """


NEAR: Final = 4
"""The most near names that an error lists."""


def unknown(kind: str, name: str, known: Iterable[str], about: Mapping[str, str] | None = None) -> UserError:
    """Return an error for a name that is not known, with near ones.

    kind: what the name should have been ("task", "model").
    known: every valid name. Equally near ones are offered in this order.
    about: the meaning of some of the names, in words.
    """
    names = list(dict.fromkeys(known))
    near = _near(name[:80].lower(), names, about or {})
    known_names = f"known: {', '.join(names[:12])}{' …' if len(names) > 12 else ''}"
    hint = f"did you mean {', '.join(near)}?" if near else known_names
    return UserError(f"unknown {kind} {name[:80]!r}: {hint}")


def _near(name: str, known: Sequence[str], about: Mapping[str, str]) -> list[str]:
    """Return the known names that are nearest to `name` (in small letters): by value, letters, or words."""
    spelled = {each.lower(): each for each in known}
    if name in spelled:
        return [spelled[name]]
    families = {each.partition("/")[0] for each in spelled if "/" in each}
    joined = re.fullmatch(r"([a-z]+)[-_ ]?([0-9].*)", name)
    if joined and joined[1] in families:  # maze10
        name = f"{joined[1]}/{joined[2]}"
    family, slash, variant = name.partition("/")
    if slash and family in families:
        variants = [each.partition("/")[2] for each in spelled if each.startswith(f"{family}/")]
        near = _near_variants(variant, variants)
        return [spelled[f"{family}/{each}"] for each in near]
    meant = _by_words(name, spelled, about)
    close = difflib.get_close_matches(name, list(spelled), n=NEAR, cutoff=0.6 if meant else 0.5)
    part = [each for each in spelled if name and name in each]
    ranked = [*close[:1], *meant, *close, *([] if close or meant else part)]
    return [spelled[each] for each in dict.fromkeys(ranked)][:NEAR]


def _near_variants(variant: str, known: Sequence[str]) -> list[str]:
    """Return the nearest variants of a family: by value, by letters, or the first ones."""
    numbers = _numbers(variant)
    counted = [each for each in known if numbers and _numbers(each)]
    by_value = sorted(counted, key=lambda each: _apart(numbers, _numbers(each)))[: NEAR - 1]
    if by_value:
        return by_value
    close = difflib.get_close_matches(variant, known, n=NEAR, cutoff=0.5)
    return close or difflib.get_close_matches(variant.partition("/")[0], known, n=NEAR) or list(known[:NEAR])


def _numbers(text: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"[0-9]{1,18}", text)]


def _apart(a: Sequence[int], b: Sequence[int]) -> tuple[int, int]:
    """Return a sort key for the distance of two lists of numbers. Lists of different lengths come last."""
    return sum(abs(x - y) for x, y in zip(a, b, strict=False)), abs(len(a) - len(b))


_COMMON_WORDS: Final = {"the", "of", "and", "rule"}


def _by_words(name: str, known: Iterable[str], about: Mapping[str, str]) -> list[str]:
    """Return the names that share a word with `name`, then those whose meaning does.

    `game-of-life` gives `life`.
    """
    words = {word.removesuffix("s") for word in re.findall(r"[a-z]{3,}|[0-9]+", name)} - _COMMON_WORDS
    shared: list[str] = []
    explained: list[str] = []
    for each in known:
        parts = {part.removesuffix("s") for part in re.split(r"[^a-z0-9]+", each)}
        meaning = {part.removesuffix("s") for part in re.findall(r"[a-z]{3,}", about.get(each, "").lower())}
        if words & parts:
            shared.append(each)
        elif {word for word in words & meaning if len(word) > 2}:
            explained.append(each)
    return [*shared, *explained]


def missing(what: str, package: str, extra: str = "models") -> UserError:
    """Return the error for a missing package.

    what: the feature that needs it.

    vizbench is installed already, from a wheel or from sources, so pip adds only the packages.
    """
    return UserError(
        f"{what} needs {package}, which is not installed: pip install 'vizbench[{extra}]', or pip install "
        f"'.[{extra}]' in the folder of its sources"
    )


def sentence(error: Exception) -> tuple[str, int]:
    """Return the text to print for an error, and the exit code."""
    if isinstance(error, UserError):
        return str(error), 2
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in _EXTRAS:
        return str(missing("this", str(error.name))), 2
    if isinstance(error, MemoryError):
        return f"there is not enough memory ({error}): ask for fewer rows, a lower index or smaller grids", 2
    if isinstance(error, OSError):
        cause = error.strerror or str(error) or type(error).__name__
        if error.filename:
            return f"{cause} ({error.filename}): give another path", 2
        return f"the system refused what this needs ({cause}): VIZBENCH_TRACEBACK=1 shows what", 2
    name = type(error).__name__
    return f"unexpected {name}: {error}; run it again with VIZBENCH_TRACEBACK=1 to see its traceback", 1
