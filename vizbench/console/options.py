"""Define the options of the command line, and read their text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from vizbench._util.text import is_utf8
from vizbench.console.engines import EngineName
from vizbench.errors import UserError
from vizbench.formats.layout_names import FORMS

if TYPE_CHECKING:
    from vizbench.dataset.mixture import Mixture
    from vizbench.dataset.splits import Dataset, Split
    from vizbench.model import MemoryRequest
    from vizbench.types import Instance


def complete_task(incomplete: str) -> list[str]:
    """Return the tasks that begin with a text, for the shell."""
    from vizbench.task.listing import listed

    families = listed()
    names = [each.family for each in families]
    for each in families:
        names += [f"{each.family}/{variant}" for variant in each.variants]
    return [name for name in names if name.startswith(incomplete)]


def complete_family(incomplete: str) -> list[str]:
    """Return the task families that begin with a text, for the shell."""
    from vizbench.task.listing import listed

    return [each.family for each in listed() if each.family.startswith(incomplete)]


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
    from vizbench.harness.plan.suites import names

    return [name for name in names() if name.startswith(incomplete)]


FileTaskOption = Annotated[
    list[str] | None,
    typer.Option(
        "--task",
        metavar="FILE.py:NAME",
        help="The data set's task, if it is in a Python file. The file is run. May be given several times.",
    ),
]
LevelOption = Annotated[
    str | None,
    typer.Option(metavar="LEVEL", help="Difficulty 0 … 9, in place of a variant, as in maze --level 3."),
]
LevelsOption = Annotated[
    str | None,
    typer.Option(
        "--level",
        metavar="LEVEL",
        help="Difficulty 0 … 9, in place of a variant, or a range: 0-4 mixes these levels evenly.",
    ),
]
MixableTaskOption = Annotated[
    str,
    typer.Option(
        "--task",
        help="A name from `vizbench tasks`, FILE.py:NAME, or a file: "
        f"{FORMS}. Several with weights are mixed, maze=2,life, as are those of MIXTURE.toml.",
        autocompletion=complete_task,
    ),
]
ReaderOption = Annotated[
    Literal["text", "vision", "image", "video", "none"] | None,
    typer.Option(help="Who reads the rows' prompts; none leaves them out. Default: text."),
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
OneSplitOption = Annotated[
    Literal["train", "test"] | None, typer.Option(help="Split of the task. Default: train.")
]
SplitsOption = Annotated[
    str | None,
    typer.Option(metavar="train,test", help="Write both splits into one folder, --n rows of each."),
]
TestRowsOption = Annotated[
    int | None, typer.Option(help="With --splits: number of test rows, if it is not --n.")
]
ScoredSplitOption = Annotated[
    Literal["train", "test"] | None,
    typer.Option(help="Split that was answered. Needed if the data set has several."),
]
FormatOption = Annotated[
    Literal["jsonl", "parquet", "png", "webdataset", "video", "arc"],
    typer.Option(
        help="Format of the files. video: a lossless clip per row. arc: N episodes of arc/CONCEPT, one file "
        "each."
    ),
]
PicturesOption = Annotated[
    bool,
    typer.Option("--pictures", help="Parquet: add pictures in columns, which the package datasets decodes."),
]
FramesOption = Annotated[
    str | None,
    typer.Option(
        metavar="FRAMES",
        help="Video: number of frames, of which the first half shows the question and the rest the target. "
        "Or states: the question and one frame per state. Default: 9.",
    ),
]
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
    str,
    typer.Option(
        help="Numbers of training examples, as in 3,30,300. 0: only --prompt. ARC files have their own."
    ),
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
        help="A named set of tasks: core, core-v1 (frozen), all, paper/games, paper/navigation, "
        "paper/automata, paper/arc, paper, concept-arc, arc-agi-1, arc-agi-2.",
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
PromptOption = Annotated[
    str | None,
    typer.Option(
        metavar="none|task",
        help="task: tell models in words what is asked. --shots 0 needs it. Default: task for api, none for "
        "models that train.",
    ),
]
SupervisionOption = Annotated[
    str,
    typer.Option(
        help="target: show models the target of each example, as in the paper. process: show every state of "
        "its process, and check the states of answers."
    ),
]
LookOption = Annotated[
    Literal["paper", "glyphs", "shuffled", "human"],
    typer.Option(
        help="How grids are drawn: as in the paper, with digits and pieces, in other colors and sizes per "
        "instance, or large.",
    ),
]
LimitOption = Annotated[
    int | None, typer.Option(help="Stop each trial after this many questions. A later run continues.")
]
JobsOption = Annotated[
    int | None,
    typer.Option(
        help="Number of worker processes that run trials. Each loads its own model. Default: 1. With "
        "--engine ray: the most trials at a time; default: the cores of the cluster."
    ),
]
EngineOption = Annotated[
    EngineName,
    typer.Option(help="Where the work runs: in processes of this machine, or on a Ray cluster."),
]
AddressOption = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT",
        help="Ray cluster. Default: RAY_ADDRESS, or a cluster on this machine, which is started if needed.",
    ),
]
ShardOption = Annotated[
    str | None,
    typer.Option(
        metavar="I/N",
        help="Do only every N-th unit of the work, from unit I: 0/8 … 7/8 for eight machines. "
        "`vizbench merge` puts the parts together.",
    ),
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


def import_named(tasks: list[str] | None) -> None:
    """Import the Python files of the tasks in `--task`."""
    from vizbench.task.registry import import_task, is_in_file

    for task in tasks or ():
        if not is_in_file(task):
            raise UserError(
                f"--task {task[:80]!r} is not FILE.py:NAME: leave it out, because the data set names its task"
            )
        import_task(task)


def pool_of(pool: int | None) -> int:
    """Return the value of `--pool`, or the default."""
    from vizbench.dataset.splits import POOL, check_pool

    return POOL if pool is None else check_pool(pool)


def split_of(
    task: str,
    overrides: list[str] | None,
    seed: int,
    split: str,
    pool: int | None = None,
    levels: str | None = None,
) -> Split:
    """Return the split that the options name, of one task or of a mixture."""
    data = data_of(task, overrides or [], seed, pool_of(pool), levels)
    return data.train if split == "train" else data.test


def data_of(task: str, overrides: list[str], seed: int, pool: int, levels: str | None) -> Dataset | Mixture:
    """Return the data set that the options name, of one task or of a mixture."""
    from vizbench.dataset.mixture import mixture
    from vizbench.loading import load

    if is_mixed(task):
        if overrides or levels is not None:
            raise UserError(
                f"{task[:80]} names several tasks: leave --set and --level out, and write life?steps=2,maze "
                "or a file with levels"
            )
        return mixture(Path(task) if task.endswith(".toml") else task, seed, pool)
    names = [with_overrides(name, overrides) for name in _at_levels(task, levels)]
    return load(names[0], seed, pool) if len(names) == 1 else mixture(names, seed, pool)


def check_one_level(text: str | None) -> None:
    """Raise UserError if `--level` does not give one level."""
    from vizbench.dataset.mixture import levels_of
    from vizbench.task.contract import LEVELS

    if text is not None and text.isdecimal() and len(text) > 1:
        raise UserError(f"level {text[:40]!r} is not in 0 … {LEVELS - 1}: choose one there, e.g. 3")
    if text is not None and len(levels_of(text)) > 1:
        raise UserError(f"--level {text} is a range, and one instance has one level: give --level {text[0]}")


def is_mixed(task: str) -> bool:
    """Return whether the text of `--task` means a mixture: `maze=2,life`, `mixture:…` or a TOML file."""
    from vizbench.dataset.mixture import is_mixture
    from vizbench.formats.layout_names import LAYOUTS

    if task.partition(":")[0] in LAYOUTS:
        return False
    path = task.partition("?")[0]
    return is_mixture(task) or task.endswith(".toml") or "," in path or "=" in path or _is_list(task)


def _is_list(task: str) -> bool:
    """Return whether a comma after parameters begins another task, as in life?steps=2,maze."""
    from vizbench.task.registry import families, is_in_file

    for item in task.split(",")[1:]:
        name = item.partition("?")[0].partition("=")[0]
        if is_in_file(name) or name.partition("/")[0] in families():
            return True
    return False


def _at_levels(task: str, levels: str | None) -> list[str]:
    """Return the names of a task at levels, or the task itself."""
    from vizbench.dataset.mixture import levels_of
    from vizbench.task.registry import import_task, level_name

    if levels is None:
        return [task]
    numbers = levels_of(levels)
    import_task(task)
    return [level_name(task, level) for level in numbers]


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
