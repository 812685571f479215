"""Define the options of the command line, and read their text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from vizbench._util.text import is_utf8
from vizbench.errors import UserError
from vizbench.formats.layout_names import FORMS

if TYPE_CHECKING:
    from vizbench.dataset import Split
    from vizbench.model import MemoryRequest
    from vizbench.types import Instance


def complete_task(incomplete: str) -> list[str]:
    """Return the tasks that begin with a text, for the shell."""
    from vizbench.task import families, tasks

    return [name for name in [*families(), *tasks()] if name.startswith(incomplete)]


def complete_family(incomplete: str) -> list[str]:
    """Return the task families that begin with a text, for the shell."""
    from vizbench.task import families

    return [name for name in families() if name.startswith(incomplete)]


def complete_model(incomplete: str) -> list[str]:
    """Return the models that begin with a text, or after `NAME=` its checkpoints, for the shell."""
    from vizbench.model import families

    name, equals, _ = incomplete.partition("=")
    family = families().get(name)
    if equals and family is not None:
        names = [f"{name}={checkpoint}" for checkpoint in family.checkpoints]
    else:
        names = list(families())
    return [each for each in names if each.startswith(incomplete)]


def complete_suite(incomplete: str) -> list[str]:
    """Return the suites that begin with a text, for the shell."""
    from vizbench.harness.plan.suites import SUITES

    return [name for name in SUITES if name.startswith(incomplete)]


TaskOption = Annotated[
    str,
    typer.Option(
        "--task",
        help=f"A name from `vizbench tasks`, FILE.py:NAME, or a file: {FORMS}.",
        autocompletion=complete_task,
    ),
]
FileTaskOption = Annotated[
    str | None,
    typer.Option(
        "--task",
        metavar="FILE.py:NAME",
        help="The data set's task, if it is in a Python file. The file is run.",
    ),
]
PoolOption = Annotated[
    int | None,
    typer.Option(
        metavar="ROWS",
        help="Test questions keep a distance from the first ROWS train questions. Default: 5000.",
    ),
]
SeedOption = Annotated[int, typer.Option(help="Seed of the data. Each seed gives other instances.")]
SplitOption = Annotated[Literal["train", "test"], typer.Option(help="Split of the task.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Set a parameter of the task. May be given several times."
    ),
]


def from_config(context: typer.Context, path: Path | None) -> Path | None:
    """Use the keys of a plan file as defaults of the flags. A flag on the command line wins."""
    from vizbench.harness.plan.options import read_config

    if path is not None:
        context.default_map = read_config(path)
    return path


JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs to read.")]

# The options of `eval`. Their defaults are those of `harness.plan.options.Options`, which a test compares.

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        help="TOML file with these options as keys. Options on the command line win.",
        is_eager=True,
        callback=from_config,
        metavar="FILE",
    ),
]
ModelsOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME[=CHECKPOINT]",
        help="A name from `vizbench models`, or FILE.py:Class. =CHECKPOINT chooses its weights. May be given "
        "several times. Default: only the trivial baselines.",
        autocompletion=complete_model,
    ),
]
ShotsOption = Annotated[
    str, typer.Option(help="Numbers of training examples, as in 3,30,300. ARC files have their own.")
]
TasksOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TASK",
        help=f"A name from `vizbench tasks`, FILE.py:NAME, or a file: {FORMS}. May be given several times. "
        "Default: life/conway.",
        autocompletion=complete_task,
    ),
]
SuiteOption = Annotated[
    str | None,
    typer.Option(
        help="A named set of tasks: core, paper/games, paper/navigation, paper/automata, paper/arc, paper, "
        "concept-arc, arc-agi-1, arc-agi-2.",
        autocompletion=complete_suite,
    ),
]
DataOption = Annotated[
    str | None,
    typer.Option(
        help="ARC files for the suites concept-arc, paper/arc and paper: a folder, a zip or one file."
    ),
]
TestOption = Annotated[int, typer.Option(help="Test questions per trial.")]
FirstSeedOption = Annotated[int, typer.Option(help="First seed of the data and of training.")]
SeedsOption = Annotated[int, typer.Option(help="Number of seeds, counted up from --seed.")]
AttemptsOption = Annotated[
    int | None, typer.Option(help="Answers per question. Default: as the protocol says, or 1.")
]
ProtocolOption = Annotated[
    str | None,
    typer.Option(help="How ARC tasks are scored: arc-agi or concept-arc. ARC suites choose their own."),
]
CheckpointOption = Annotated[
    str | None,
    typer.Option(help="Weights of the model, if only one is named. For several: --model NAME=CHECKPOINT."),
]
StepsOption = Annotated[
    int | None,
    typer.Option(help="Optimizer steps for every number of shots. Default: the model decides."),
]
EpochsOption = Annotated[
    int | None, typer.Option(help="Passes over the examples for every number of shots, instead of --steps.")
]
AugmentOption = Annotated[
    str | None,
    typer.Option(
        help="Also train on variants of ARC demonstrations: symmetries, colours, or symmetries,colours."
    ),
]
FlaggedOption = Annotated[
    str, typer.Option(help="keep or drop ARC tasks with a known error in their data. They are named.")
]
LimitOption = Annotated[
    int | None, typer.Option(help="Stop each trial after this many questions. A later run continues.")
]
JobsOption = Annotated[
    int, typer.Option(help="Number of worker processes that run trials. Each loads its own model.")
]
DevicesOption = Annotated[
    int,
    typer.Option(help="Number of GPUs that train each model together. Without a GPU: processes on the CPU."),
]
RunOption = Annotated[Path | None, typer.Option(help="Folder of the run. Default: runs/MODEL_TASK.")]
OfflineOption = Annotated[
    bool, typer.Option("--offline", help="Use no network. Models that need it are refused.")
]
DryRunOption = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="Print the trials, their data and an estimate of their time. Writes nothing."
    ),
]


def import_named(task: str | None) -> None:
    """Import the Python file of the task in `--task`, if one is given."""
    from vizbench.task import import_task, is_in_file

    if task is None:
        return
    if not is_in_file(task):
        raise UserError(
            f"--task {task[:80]!r} is not FILE.py:NAME: leave it out, because the data set names its task"
        )
    import_task(task)


def pool_of(pool: int | None) -> int:
    """Return the value of `--pool`, or the default."""
    from vizbench.dataset import POOL, check_pool

    return POOL if pool is None else check_pool(pool)


def split_of(task: str, overrides: list[str] | None, seed: int, split: str, pool: int | None = None) -> Split:
    """Return the split that the options name."""
    from vizbench.loading import load

    data = load(with_overrides(task, overrides or []), seed, pool_of(pool))
    return data.train if split == "train" else data.test


def all_rows(task: str, overrides: list[str] | None, seed: int) -> tuple[Instance, ...]:
    """Return every row of a task that has its own demonstrations: these, then the tests.

    Raises UserError if the task has unlimited rows.
    """
    from vizbench.formats.lookup import is_corpus
    from vizbench.loading import load

    name = with_overrides(task, overrides or [])
    if not is_corpus(name):
        raise UserError(f"{name[:80]} has unlimited rows: leave --all out, or name an ARC file or an episode")
    data = load(name, seed)
    return (*data.train, *data.test)


def with_overrides(task: str, overrides: list[str]) -> str:
    """Return the task's name with KEY=VALUE options as its query. `task.spec` checks them later."""
    from urllib.parse import quote

    from vizbench.formats.layout_names import CORPORA

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


def memory_request(tokens: int | None, canvas: str | None, frames: int | None) -> MemoryRequest:
    """Return the sizes for which memory is estimated. Raises UserError if one is out of range."""
    from vizbench.model import MemoryRequest

    default = MemoryRequest()
    tokens = default.tokens if tokens is None else tokens
    frames = default.frames if frames is None else frames
    canvas = f"{default.height}x{default.width}" if canvas is None else canvas
    if not 2 <= tokens <= 1_000_000:
        raise UserError(
            f"--tokens {tokens} is outside 2 … 1,000,000: 512 are enough for two grids of 8x8 in a prompt"
        )
    if not 2 <= frames <= 1000:
        raise UserError(f"--frames {frames} is outside 2 … 1000: the paper's clips have 9")
    sides = canvas.split("x")
    if len(sides) != 2 or not all(_is_side(side) for side in sides):
        raise UserError(
            f"--canvas {canvas[:40]!r} is not HEIGHTxWIDTH with sides in 1 … 4096: write it as 272x272"
        )
    return MemoryRequest(tokens, int(sides[0]), int(sides[1]), frames)


def _is_side(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= 4096
