"""What is to be measured: a plan is a product of tasks, models, budgets and seeds; each combination is a cell."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Final, final

import msgspec

from vizbench import sources
from vizbench.errors import UserError, unknown
from vizbench.harness.plugin import ModelRef, resolve
from vizbench.seeds import check_seed

TRIVIAL: Final = ("copy", "blank", "majority", "random", "nearest", "solver")
"""Baselines that stand beside every model, on the same questions."""

SUITES: Final[dict[str, tuple[str, ...]]] = {
    "core": ("life/conway", "life/seeds", "fill/small", "maze/9", "sudoku/mini", "langton/2"),
}
"""Named lists of tasks. core: small, minutes on a laptop."""


@final
class Cell(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One measurement. shots: training examples, None: all that the task brings (ARC's demonstrations)."""

    task: str
    model: str
    checkpoint: str
    shots: int | None
    seed: int
    n_test: int
    attempts: int

    @property
    def directory(self) -> str:
        """A folder name that tells cells of different data or models apart. n_test and attempts are left out: a
        change of these is a changed plan, not another cell."""
        shots = "all" if self.shots is None else str(self.shots)
        return "__".join([slug(self.task), slug(self.model), slug(self.checkpoint), f"n{shots}", f"s{self.seed}"])


@final
class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `vizbench eval` was asked for.

    tasks: names, `arc-json:PATH` too; suite: a name of SUITES, its tasks come after `tasks`; checkpoint: for every
    model, None: each model's own default; shots: 1 … 5000 each; seeds: each gives other data and another training
    run; n_test: 1 … 10,000 questions a cell; attempts: 1 … 100 answers a question; limit: stop each cell after so many
    questions and leave the rest for a later run (it does not change the plan).
    """

    models: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    suite: str | None = None
    checkpoint: str | None = None
    shots: tuple[int, ...] = (16,)
    seeds: tuple[int, ...] = (0,)
    n_test: int = 200
    attempts: int = 1
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.suite is not None and self.suite not in SUITES:
            raise unknown("suite", self.suite, SUITES)
        if not self.tasks and self.suite is None:
            raise UserError(f"the plan has no task: name one, or a suite ({', '.join(SUITES)})")
        _each("shots", self.shots, 1, 5000, 11)
        _each("seeds", self.seeds, 0, (1 << 63) - 1, 100)
        _check("n_test", self.n_test, 1, 10_000)
        _check("attempts", self.attempts, 1, 100)
        if self.limit is not None:
            _check("limit", self.limit, 1, 10_000)

    def cells(self) -> tuple[Cell, ...]:
        """Every cell, trivial baselines first, then the models, task by task. Reads ARC folders; builds no model."""
        if self.checkpoint is not None and self.models and set(self.models) <= set(TRIVIAL):
            raise UserError(f"checkpoint {self.checkpoint[:80]!r}: a trivial baseline has none, leave it out")
        chosen = [resolve(name, self.checkpoint) for name in self.models if name not in TRIVIAL]
        refs = [*(resolve(name) for name in TRIVIAL), *chosen]
        names = [name for task in (*self.tasks, *SUITES.get(self.suite or "", ())) for name in sources.expand(task)]
        cells = [
            Cell(name, ref.name, ref.checkpoint, shots, seed, self.n_test, self.attempts)
            for ref in dict.fromkeys(refs)
            for name in dict.fromkeys(names)
            if _serves(ref, name)
            for shots in ((None,) if is_corpus(name) else dict.fromkeys(self.shots))
            for seed in dict.fromkeys(self.seeds)
        ]
        return tuple(cells)

    @property
    def name(self) -> str:
        """A folder name for the run: its models and its tasks, short."""
        parts = [*(m for m in self.models if m not in TRIVIAL), *([self.checkpoint] if self.checkpoint else [])]
        what = [*([self.suite] if self.suite else []), *self.tasks]
        return slug("-".join(parts) or "trivial") + "_" + slug("-".join(what))


def seed_list(first: int, count: int) -> tuple[int, ...]:
    """The seeds first … first+count-1 (1 … 100 of them). Neighbours share nothing: each passes through a hash."""
    _check("seeds", count, 1, 100)
    check_seed(first + count - 1)
    return tuple(range(check_seed(first), first + count))


def is_corpus(task: str) -> bool:
    """Whether the task is a fixed file with its own demonstrations rather than a generator."""
    return task.startswith("arc-json:")


def slug(text: str) -> str:
    """`text` as a short folder name; what the name loses comes back as a digest."""
    plain = text.replace("/", "-")
    if re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,39}", plain):
        return plain
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return re.sub(r"[^a-z0-9._-]+", "-", plain.lower()).strip(".-")[:31].rstrip(".-") + f"-{digest}"


def _serves(ref: ModelRef, task: str) -> bool:
    return not (ref.name == "solver" and is_corpus(task))  # ARC's rules are not known


def _each(what: str, values: Sequence[int], low: int, high: int, most: int) -> None:
    if not 1 <= len(values) <= most:
        raise UserError(f"{what} has {len(values)} values: give 1 … {most}")
    for value in values:
        _check(what, value, low, high)


def _check(what: str, value: int, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:  # pyright: ignore[reportUnnecessaryIsInstance] callers are users
        raise UserError(f"{what} {str(value)[:40]} is outside {low} … {high}: choose a whole number there")
