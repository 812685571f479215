"""Declare the options of `vizbench eval`, and read them from a TOML file.

`Options` is the one list of these options. A plan file sets the same names as the flags do; `n-test` and
`n_test` are the same. `plan.plan_of` turns options into a plan.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, final

import msgspec

from vizbench._util.files import read_bounded
from vizbench._util.text import text_of
from vizbench.dataset.splits import POOL
from vizbench.errors import UserError, unknown

MAX_BYTES: Final = 1 << 20
"""The largest plan file."""


class PlanOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options that a plan takes over as they are. Abstract: the base of `Options` and `plan.Plan`."""

    suite: str | None = None
    """A name of `suites.names`. Its tasks come after the named tasks."""
    data: str | None = None
    """ARC files for the suites in `suites.CORPORA`: a folder, a zip archive or one file."""
    checkpoint: str | None = None
    """Weights of the one model that is named. None: the default of each model."""
    n_test: int = 200
    """Test questions per trial, 1 … 10,000."""
    pool: int = POOL
    """Test questions keep their distance from so many of the first train rows, 0 … 1,000,000."""
    attempts: int | None = None
    """Answers per question, 1 … 100. None: those of the protocol, or one."""
    protocol: str | None = None
    """A name of `suites.PROTOCOLS`. None: that of the suite, if it has one."""
    steps: int | None = None
    """Optimizer steps at every number of shots, 1 … 10^7. None: as the model chooses."""
    epochs: int | None = None
    """Passes over the examples in place of `steps`, 1 … 10^5."""
    flagged: str = "keep"
    """`drop` leaves out ARC tasks whose data is known to be wrong."""
    prompt: str | None = None
    """`task` puts the task's prompt before questions, `none` does not. None: as each model family says."""
    limit: int | None = None
    """Stop each trial after so many questions. A later run continues; the plan stays the same."""
    supervision: str = "target"
    """What models are shown of each example: its target, or every state of its process (`SUPERVISIONS`)."""
    look: str = "paper"
    """How grids are drawn for models that see pictures (`renderers.looks.LOOKS`)."""


@final
class Options(PlanOptions, frozen=True, kw_only=True):
    """The options of `vizbench eval`, named as the flags, with their defaults."""

    model: str | list[str] = []
    """Models: NAME, FILE.py:Class, or either with =CHECKPOINT."""
    task: str | list[str] = []
    """Tasks by name, or LAYOUT:PATH for files."""
    shots: int | str | list[int] = "16"
    """Numbers of training examples: 3, "3,30,300" or [3, 30, 300]."""
    seed: int = 0
    """The first seed, of the data and of training."""
    seeds: int = 1
    """How many seeds."""
    augment: str | list[str] = []
    """Variants of ARC demonstrations to train on (`augment.KINDS`): "symmetries,colours" or a list."""
    jobs: int | None = None
    """Processes that run trials, each with a model of its own. None: 1, or on a cluster its cores."""
    devices: int = 1
    """GPUs that train each model together."""
    engine: str = "local"
    """Where trials run: local or ray."""
    address: str | None = None
    """The Ray cluster. None: RAY_ADDRESS, or a cluster on this machine."""
    shard: str | None = None
    """The part of the trials to run, as in 0/8. None: all."""
    out: str | None = None
    """Folder of the run. None: runs/MODEL_TASK."""
    offline: bool = False
    """Refuse models that need a network."""
    dry_run: bool = False
    """Print the trials and the time they take, and write nothing."""
    json: bool = False
    """Print JSON."""


def options_of(flags: Mapping[str, object]) -> Options:
    """Return the options that the flags of the command line set. Flags that are None keep the default."""
    given = {name: value for name, value in flags.items() if name in Options.__struct_fields__}
    texts = {name: str(value) if isinstance(value, Path) else value for name, value in given.items()}
    return msgspec.convert({name: value for name, value in texts.items() if value is not None}, Options)


def read_config(path: Path) -> dict[str, Any]:
    """Return the options that a plan file sets, as values for the flags.

    `model` and `task` become lists, `shots` and `augment` become text. Relative paths in the file refer to
    the current folder, as those of flags do.

    Raises UserError if the file is not TOML, has an unknown key, or has a value of another type.
    """
    try:
        table = tomllib.loads(text_of(read_bounded(path, "plan", MAX_BYTES)))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"plan {path} is no TOML ({error}): write lines such as shots = [3, 30]") from None
    given = _by_option(table, path)
    try:
        options = msgspec.convert(given, Options)
    except msgspec.ValidationError as error:
        raise UserError(
            f"plan {path} has a wrong value ({error}): write it as the flag of that name expects it"
        ) from None
    return {name: _as_flag(name, getattr(options, name)) for name in given}


def _by_option(table: Mapping[str, object], path: Path) -> dict[str, object]:
    """Return the table by the names of options. Raises UserError if a key is unknown or given twice."""
    given: dict[str, object] = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in Options.__struct_fields__:
            flags = [field.replace("_", "-") for field in Options.__struct_fields__]
            raise unknown(f"key in plan {path}", key, flags)
        if name in given:
            raise UserError(f"plan {path} says {name.replace('_', '-')} twice, once with _: leave one out")
        given[name] = value
    return given


def _as_flag(name: str, value: Any) -> object:
    """Return the value in the form that the flag of this name takes."""
    if name in ("model", "task"):
        return [value] if isinstance(value, str) else value
    if name in ("shots", "augment"):
        return ",".join(map(str, value)) if isinstance(value, list) else str(value)  # pyright: ignore[reportUnknownArgumentType] Options says what it holds
    return value
