"""Define the options of the command line, and read their text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from vizbench._util.text import is_utf8
from vizbench.errors import UserError
from vizbench.formats.layouts import FORMS

if TYPE_CHECKING:
    from vizbench.dataset import Split
    from vizbench.model import MemoryRequest
    from vizbench.types import Instance


def complete_task(incomplete: str) -> list[str]:
    """Return the tasks that begin so, for the shell."""
    from vizbench.task import families, tasks

    return [name for name in [*families(), *tasks()] if name.startswith(incomplete)]


def complete_family(incomplete: str) -> list[str]:
    """Return the task families that begin so, for the shell."""
    from vizbench.task import families

    return [name for name in families() if name.startswith(incomplete)]


def complete_model(incomplete: str) -> list[str]:
    """Return the models that begin so, and after `NAME=` the checkpoints, for the shell."""
    from vizbench.model import families

    name, equals, _ = incomplete.partition("=")
    family = families().get(name)
    if equals and family is not None:
        names = [f"{name}={checkpoint}" for checkpoint in family.checkpoints]
    else:
        names = list(families())
    return [each for each in names if each.startswith(incomplete)]


def complete_suite(incomplete: str) -> list[str]:
    """Return the suites that begin so, for the shell."""
    from vizbench.harness.plan.plan import SUITES

    return [name for name in SUITES if name.startswith(incomplete)]


TaskOption = Annotated[
    str,
    typer.Option(
        "--task", help=f"Task name, see `vizbench tasks`; or {FORMS}.", autocompletion=complete_task
    ),
]
PoolOption = Annotated[
    int | None,
    typer.Option(
        metavar="ROWS",
        help="Test rows keep their distance from this many of the first train rows. Default: 5000.",
    ),
]
SeedOption = Annotated[int, typer.Option(help="Another seed gives other instances.")]
SplitOption = Annotated[Literal["train", "test"], typer.Option(help="The split.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a parameter of the task.")
]


def from_config(context: typer.Context, path: Path | None) -> Path | None:
    """Use a plan's keys as defaults of the flags. A flag that is given wins."""
    from vizbench.harness.plan.config import read_config

    if path is not None:
        context.default_map = read_config(path)
    return path


JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


def numbers(what: str, text: str) -> tuple[int, ...]:
    """Return the numbers of a list such as `3,30,300`. Raises UserError if it is no such list."""
    from vizbench._util.params import read

    try:
        return tuple(read(what, part.strip(" "), int) for part in text.split(","))
    except UserError:
        raise UserError(
            f"--{what} {text[:80]!r} is no list of whole numbers: write it as --{what} 3,30,300"
        ) from None


def pool_of(pool: int | None) -> int:
    """Return the pool that the option names, or the default."""
    from vizbench.dataset import POOL, check_pool

    return POOL if pool is None else check_pool(pool)


def split_of(task: str, overrides: list[str] | None, seed: int, split: str, pool: int | None = None) -> Split:
    """Return the split that the options name."""
    from vizbench.loading import load

    data = load(with_overrides(task, overrides or []), seed, pool_of(pool))
    return data.train if split == "train" else data.test


def all_rows(task: str, overrides: list[str] | None, seed: int) -> tuple[Instance, ...]:
    """Return every row of a task that has its own demonstrations: these, then the tests.

    Raises UserError if the task makes rows without end.
    """
    from vizbench.formats.registry import is_corpus
    from vizbench.loading import load

    name = with_overrides(task, overrides or [])
    if not is_corpus(name):
        raise UserError(
            f"{name[:80]} has rows without end: leave --all out, or name an ARC file or an episode"
        )
    data = load(name, seed)
    return (*data.train, *data.test)


def with_overrides(task: str, overrides: list[str]) -> str:
    """Return the task's name with KEY=VALUE options as its query. The registry checks them later."""
    from urllib.parse import quote

    from vizbench.formats.layouts import CORPORA

    for item in overrides:
        if "=" not in item:
            raise UserError(f"--set {item[:80]!r} is not KEY=VALUE: write it as --set steps=2")
        if not is_utf8(item):
            raise UserError(f"--set {item[:80]!r} is not UTF-8: write it as --set steps=2")
    if not overrides or task.partition(":")[0] in CORPORA:
        if overrides:
            raise UserError("an ARC task takes no parameters: leave --set out")
        return task
    query = "&".join(
        f"{quote(key)}={quote(value)}" for key, _, value in (item.partition("=") for item in overrides)
    )
    return f"{task}{'&' if '?' in task else '?'}{query}"


def memory_request(tokens: int, canvas: str, frames: int) -> MemoryRequest:
    """Return what memory is estimated for. Raises UserError for sizes out of range."""
    from vizbench.model import MemoryRequest

    if not 2 <= tokens <= 1_000_000:
        raise UserError(
            f"--tokens {tokens} is outside 2 … 1,000,000: 512 hold two boards of 8x8 and their frame"
        )
    if not 2 <= frames <= 1000:
        raise UserError(f"--frames {frames} is outside 2 … 1000: the paper's clips have 9")
    sides = canvas.split("x")
    if len(sides) != 2 or not all(_is_side(side) for side in sides):
        raise UserError(f"--canvas {canvas[:40]!r} is no HEIGHTxWIDTH of 1 … 4096: write it as 272x272")
    return MemoryRequest(tokens, int(sides[0]), int(sides[1]), frames)


def _is_side(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= 4096
