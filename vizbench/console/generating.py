"""Read the options of `generate`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vizbench.console.options import data_of, pool_of
from vizbench.errors import UserError

if TYPE_CHECKING:
    from vizbench.dataset.splits import Split
    from vizbench.engines.shard import Part
    from vizbench.formats.manifest import Frames

_SPLITS: Final = ("train", "test")


def counts_of(n: int, n_test: int | None, split: str | None, splits: str | None) -> dict[str, int]:
    """Return how many rows of each split are to be written.

    Raises UserError for names that are no splits, and for numbers of rows that no data set has.
    """
    from vizbench.formats.manifest import MAX_DATASET

    for option, rows in (("n", n), ("n-test", n_test)):
        if rows is not None and not 1 <= rows <= MAX_DATASET:
            raise UserError(
                f"{option}={str(rows)[:40]} is not in 1 … {MAX_DATASET:,}: choose a whole number there"
            )
    if split is not None and splits is not None:
        raise UserError("--splits names all splits: leave --split out")
    names = [split or "train"] if splits is None else splits.split(",")
    if len(set(names)) < len(names) or not set(names) <= set(_SPLITS):
        raise UserError(f"--splits {str(splits)[:40]!r} are no splits: give train,test, or one of the two")
    if n_test is not None and len(names) == 1:
        raise UserError(f"--n-test counts rows beside those of train: give --splits {','.join(_SPLITS)} too")
    counts = {"train": n, "test": n if n_test is None else n_test}
    return {name: counts[name] for name in _SPLITS if name in names}


def splits_of(
    task: str,
    overrides: list[str] | None,
    seed: int,
    pool: int | None,
    levels: str | None,
    counts: Mapping[str, int],
) -> list[tuple[Split, int]]:
    """Return the splits with the numbers of their rows. They are of one data set, and share no question."""
    data = data_of(task, overrides or [], seed, pool_of(pool), levels)
    splits: dict[str, Split] = {"train": data.train, "test": data.test}
    return [(splits[name], n) for name, n in counts.items()]


def frames_of(text: str | None) -> Frames | None:
    """Return the value of `--frames`. Its range is checked later."""
    if text is None or text == "states":
        return text
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise UserError(f'--frames {text[:40]!r} is not a number of frames: give e.g. 9, or "states"')
    return int(text)


def folder_of(splits: Sequence[tuple[Split, int]], options: Mapping[str, object], part: Part) -> Path:
    """Return a folder named after the data. options: those that change the data, None if not given."""
    from vizbench.harness.plan.plan import slug

    spec = splits[0][0].spec
    named = [slug(spec.task), *(f"{split.name}-{n}" for split, n in splits)]
    named += [f"seed{spec.seed}"] if spec.seed else []
    named += [f"{name}{value}" for name, value in options.items() if value is not None]
    named += [] if part.is_whole else [f"part{part.index}of{part.count}"]
    return Path("-".join(named))


def refuse_for_episodes(options: Mapping[str, object], is_elsewhere: bool) -> None:
    """Raise UserError for options that do not apply to episodes.

    options: by flag; None or False if left out. is_elsewhere: whether another machine is to make them.
    """
    if is_elsewhere:
        raise UserError("episodes are made on this machine: leave --engine and --shard out")
    for option, value in options.items():
        if value is not None and value is not False:
            raise UserError(f"an episode has its own demonstrations: leave {option} out with --format arc")
