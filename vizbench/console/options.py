"""What the command line's options are, and how their text is read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from vizbench._util.text import is_utf8
from vizbench.errors import UserError
from vizbench.formats.layouts import FORMS

if TYPE_CHECKING:
    from vizbench.dataset import Split
    from vizbench.types import Instance


def complete_task(incomplete: str) -> list[str]:
    """The tasks that begin so, for the shell."""
    from vizbench.task import families, tasks

    return [name for name in [*families(), *tasks()] if name.startswith(incomplete)]


def complete_model(incomplete: str) -> list[str]:
    """The models that begin so, and behind `NAME=` the checkpoints, for the shell."""
    from vizbench.model import families

    name, equals, _ = incomplete.partition("=")
    family = families().get(name)
    if equals and family is not None:
        known = [f"{name}={checkpoint}" for checkpoint in family.checkpoints]
    else:
        known = list(families())
    return [each for each in known if each.startswith(incomplete)]


def complete_suite(incomplete: str) -> list[str]:
    """The suites that begin so, for the shell."""
    from vizbench.harness.plan.plan import SUITES

    return [name for name in SUITES if name.startswith(incomplete)]


TaskOption = Annotated[
    str,
    typer.Option(
        "--task",
        help=f"Task name, see `vizbench tasks`; FILE.py:NAME; or {FORMS}.",
        autocompletion=complete_task,
    ),
]
FileTaskOption = Annotated[
    str | None,
    typer.Option(
        "--task",
        metavar="FILE.py:NAME",
        help="The Python file of the data set's task, if it has one. Its code is run.",
    ),
]
PoolOption = Annotated[
    int | None,
    typer.Option(
        metavar="ROWS",
        help="Test rows keep their distance from so many of the first train rows; without it 5000.",
    ),
]
SeedOption = Annotated[int, typer.Option(help="Names a data set: another seed, other instances.")]
SplitOption = Annotated[Literal["train", "test"], typer.Option(help="Which split.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a parameter of the task.")
]


def from_config(context: typer.Context, path: Path | None) -> Path | None:
    """Take a plan's keys as the defaults of the flags, so that a flag that is given wins."""
    from vizbench.harness.plan.config import read_config

    if path is not None:
        context.default_map = read_config(path)
    return path


JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


def numbers(what: str, text: str) -> tuple[int, ...]:
    """A list such as 3,30,300."""
    from vizbench._util.params import read

    try:
        return tuple(read(what, part.strip(" "), int) for part in text.split(","))
    except UserError:
        raise UserError(
            f"--{what} {text[:80]!r} is no list of whole numbers: write it as --{what} 3,30,300"
        ) from None


def import_named(task: str | None) -> None:
    """Import the Python file of a task that the option names."""
    from vizbench.task import import_task, is_in_file

    if task is None:
        return
    if not is_in_file(task):
        raise UserError(f"--task {task[:80]!r} is no FILE.py:NAME: leave it out, the data set names its task")
    import_task(task)


def pool_of(pool: int | None) -> int:
    """The pool that the option names."""
    from vizbench.dataset import POOL, check_pool

    return POOL if pool is None else check_pool(pool)


def split_of(task: str, overrides: list[str] | None, seed: int, split: str, pool: int | None = None) -> Split:
    """The split that the options name."""
    from vizbench.loading import load

    data = load(with_overrides(task, overrides or []), seed, pool_of(pool))
    return data.train if split == "train" else data.test


def all_rows(task: str, overrides: list[str] | None, seed: int) -> tuple[Instance, ...]:
    """Every row of a task that has its own demonstrations: these, then the tests."""
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
    """The task's name with KEY=VALUE options as its query, where the registry checks them."""
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
