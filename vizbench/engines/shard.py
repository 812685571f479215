"""Share work out over machines that know nothing of each other: each takes every n-th unit.

Any scheduler does, such as an array job of Slurm. `vizbench merge` puts the parts together.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar, final

from vizbench._util.text import plural
from vizbench.errors import UserError

T = TypeVar("T")

MAX_PARTS: Final = 10_000
"""The most parts."""

NAME: Final = "part.json"
"""The file in the folder of a part that describes it."""


@final
@dataclass(frozen=True, slots=True)
class Part:
    """One part of the work: units `index`, `index + count`, …"""

    index: int = 0
    """Its number, from 0."""
    count: int = 1
    """The number of parts."""

    @property
    def is_whole(self) -> bool:
        """Whether there are no other parts."""
        return self.count == 1

    def of(self, units: Sequence[T]) -> Sequence[T]:
        """Return the units of this part."""
        return units[self.index :: self.count]

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


WHOLE: Final = Part()
"""All the work."""


def read_part(text: str) -> Part:
    """Read the value of `--shard`. Raises UserError if it is not i/n with 0 <= i < n <= MAX_PARTS."""
    match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    if match is None or not 1 <= int(match[2]) <= MAX_PARTS or int(match[1]) >= int(match[2]):
        raise UserError(
            f"--shard {text[:40]!r} is not i/n with n in 1 … {MAX_PARTS:,} and i in 0 … n-1: "
            "write 0/8, 1/8 … 7/8 for eight machines"
        )
    return Part(int(match[1]), int(match[2]))


class Numbered(Protocol):
    """The description of a part."""

    @property
    def part(self) -> int:
        """Its number, from 0."""
        ...

    @property
    def parts(self) -> int:
        """The number of parts."""
        ...


P = TypeVar("P", bound=Numbered)
W = TypeVar("W")
"""The place of a part."""


def in_order(parts: Sequence[tuple[W, P]]) -> list[tuple[W, P]]:
    """Return the folders and descriptions of all parts in order.

    Raises UserError if a part is doubled or missing.
    """
    by_number: dict[int, tuple[W, P]] = {}
    for folder, part in parts:
        if part.part in by_number:
            raise UserError(
                f"{by_number[part.part][0]} and {folder} are both part {part.part}/{part.parts}: "
                "leave one of them out"
            )
        by_number[part.part] = folder, part
    count = parts[0][1].parts
    if error := _missing_parts(by_number, count):
        raise error
    return [by_number[number] for number in range(count)]


def _missing_parts(present: Collection[int], count: int) -> UserError | None:
    """Return the error that names the parts that are not present. None if all are."""
    absent = [number for number in range(count) if number not in present]
    if not absent:
        return None
    names = ", ".join(f"{number}/{count}" for number in absent[:8]) + (" …" if len(absent) > 8 else "")
    verb = "is" if len(absent) == 1 else "are"
    return UserError(f"{plural(len(absent), 'part')} {verb} missing ({names}): give the folders of all parts")
