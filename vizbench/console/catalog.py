"""List task families, their variants, and models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vizbench._util.text import escape_control
from vizbench.console.streams import print_line
from vizbench.console.tables import draw, new_table, print_table
from vizbench.errors import UserError, unknown

if TYPE_CHECKING:
    from vizbench.model import ModelFamily
    from vizbench.task.contract import Space

_MEASURED: Final = 20
"""Instances per level whose effort is measured."""


def task_records(family: str | None = None) -> list[dict[str, Any]]:
    """Return a JSON record per variant, of all families or of one.

    Raises UserError if there is no such family.
    """
    from vizbench.task.registry import families, params_json

    if family is not None:
        _check_family(family)
    records: list[dict[str, Any]] = []
    for name, task in families().items():
        if family not in (None, name):
            continue

        # One record per variant. The first variant is the default.
        default = next(iter(task.variants))
        for variant, params in task.variants.items():
            space = task.space(params)
            records.append(
                {
                    "task": f"{name}/{variant}",
                    "default": variant == default,
                    "version": task.version,
                    "summary": task.summary,
                    "reasoning": None if task.reasoning is None else task.reasoning.title,
                    "space": None if space is None else {"count": space.count, "of": space.of},
                    "params": params_json(params),
                }
            )
    return records


def ladder(family: str | None = None) -> list[dict[str, Any]]:
    """Return a JSON record per level, of all families that have levels or of one.

    effort: the mean over the first train rows of seed 0, see `Task.difficulty_batch`. Only for one family,
    because it takes the compiled kernels of the tasks.

    Raises UserError if there is no such family, or it has no levels.
    """
    from vizbench.task.registry import families, params_json

    if family is not None:
        _check_family(family)
        if not families()[family].levels:
            raise UserError(f"task {family} has no levels: leave --levels out")
    records: list[dict[str, Any]] = []
    for name, task in families().items():
        if family not in (None, name):
            continue
        for level, params in enumerate(task.levels):
            record: dict[str, Any] = {"task": f"{name}/level{level}", "family": name, "level": level}
            record["version"] = task.version
            if family is not None:
                record["effort"] = _mean_effort(f"{name}/level{level}")
            records.append(record | {"params": params_json(params)})
    return records


def _mean_effort(name: str) -> float | None:
    """Return the mean effort of a task's first train rows, or None if the task does not measure it."""
    from vizbench.loading import load

    train = load(name).train
    rows = train.head(_MEASURED if train.count is None else min(_MEASURED, train.count))
    efforts = [row.meta.get("difficulty", {}).get("effort") for row in rows]
    measured = [effort for effort in efforts if effort is not None]
    return round(sum(measured) / len(measured), 3) if measured else None


def changing(records: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Return the parameters that differ among the levels of each family, by its name."""
    first: dict[str, dict[str, Any]] = {}
    names: dict[str, set[str]] = {}
    for record in records:
        family, params = record["family"], record["params"]
        lowest = first.setdefault(family, params)
        names.setdefault(family, set()).update(key for key in params if params[key] != lowest[key])
    return names


def print_ladder(records: list[dict[str, Any]]) -> None:
    """Print one row per level: its effort if it was measured, and the parameters that change with it."""
    shown = changing(records)
    is_measured = any(record.get("effort") is not None for record in records)
    rows: list[tuple[str, ...]] = []
    for record in records:
        own = shown[record["family"]]
        settings = " ".join(f"{key}={value}" for key, value in record["params"].items() if key in own)
        effort = (f"{record['effort']:,.4g}",) if is_measured else ()
        rows.append((record["task"], *effort, settings))
    print_table(("task", *(("effort",) if is_measured else ()), "parameters that change"), rows)
    print_line()
    if is_measured:
        print_line(f"effort: the mean over {_MEASURED} instances, which docs/tasks.md explains")
    print_line("Use a level: --task FAMILY --level 3. Mix levels: --level 0-4.")


def print_families() -> None:
    """Print one row per task family: its question, and the names of its variants."""
    from rich.text import Text

    from vizbench.task.listing import listed

    table = new_table("family")
    table.add_column("what is asked, and the variants", overflow="fold", min_width=24)
    for each in listed():
        text = Text(escape_control(each.summary))
        text.append("\n" + escape_control(", ".join(each.variants)), style="cyan")
        table.add_row(Text(escape_control(each.family)), text)
    draw(table)
    print_line()
    print_line("A task is named FAMILY/VARIANT, for example maze/9.")
    print_line("FAMILY without a variant is its first one. Parameters: vizbench tasks FAMILY")
    print_line("A task of your own: --task path/to/file.py:TASK")


def print_variants(family: str) -> None:
    """Print one row per variant of a family: its number of questions, and its parameters.

    Raises UserError if there is no such family.
    """
    from vizbench.task.registry import families, params_json

    _check_family(family)
    task = families()[family]
    rows: list[tuple[str, str, str]] = []
    for variant, params in task.variants.items():
        settings = " ".join(f"{key}={value}" for key, value in params_json(params).items())
        rows.append((f"{family}/{variant}", _size(task.space(params)), settings))
    print_line(task.summary)
    print_line()
    print_table(("task", "questions", "parameters (--set KEY=VALUE)"), rows)
    print_line()
    print_line("questions: their number in train and test together, if it is known")


def _check_family(name: str) -> None:
    from vizbench.task.registry import families

    if name not in families():
        raise unknown("task family", name, families())


def _size(space: Space | None) -> str:
    return "" if space is None else str(space).removesuffix(" questions")


def print_models() -> None:
    """Print the models that can be trained with their checkpoints, then the baselines."""
    from vizbench.model import families

    learners = [family for family in families().values() if family.checkpoints != ("none",)]
    baselines = [family for family in families().values() if family.checkpoints == ("none",)]
    _print_learners(learners)
    print_line()
    print_table(("baseline", "what it answers"), [(family.name, family.summary) for family in baselines])
    print_line()
    print_line("The first checkpoint is the default. Another one: --model NAME=CHECKPOINT")
    print_line("A model of your own: --model path/to/file.py:Class")


def _print_learners(learners: list[ModelFamily]) -> None:
    """Print one row per model: what it sees, what it is, and its checkpoints on the next line."""
    from rich.text import Text

    table = new_table("model", "sees")
    table.add_column("what it is, and the checkpoints", overflow="fold", min_width=36)
    for family in learners:
        text = Text(escape_control(family.summary))
        text.append("\n" + escape_control(", ".join(family.checkpoints)), style="cyan")
        table.add_row(Text(escape_control(family.name)), Text(family.modality), text)
    draw(table)
