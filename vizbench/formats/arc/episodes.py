"""Write generated episodes as ARC files, one episode per file. `arc-json:FOLDER` reads them back.

Beside `train` and `test` a file holds `task` (the name under which vizbench makes the episode again), `rule`,
`sentence`, `parameters`, `agree` (other rules that explain the demonstrations and answer the same), and
`rejected`.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Final

import msgspec

from vizbench._util.background import run_in_background
from vizbench._util.files import write_new
from vizbench.dataset.splits import POOL, Dataset, demonstrated_dataset
from vizbench.errors import UserError
from vizbench.formats.folder import replace_folder
from vizbench.formats.lookup import is_corpus
from vizbench.generators.arc.task import MAX_NUMBER
from vizbench.seeds import check_seed, keys, stream
from vizbench.task.registry import params_json, spec
from vizbench.types import Json

MAX_EPISODES: Final = 1_000_000
"""Episodes that one call may write."""


def write(name: str, n: int, seed: int, out: Path, overwrite: bool = False) -> int:
    """Write n different episodes of `arc/CONCEPT` to the folder `out`, and return their number.

    The folder appears in whole or not at all. The seed decides which episodes.

    Raises UserError if the task is another one, or if the name gives a rule or an episode.
    """
    task = spec(name)
    if task.task.family != "arc" or not is_corpus(name) or params_json(task.params)["episode"]:
        raise UserError(
            f"{name[:80]} does not name the episodes of a concept: give one as arc/center, without rule and "
            "episode"
        )
    if not 1 <= n <= MAX_EPISODES:
        raise UserError(f"n={n} is not in 1 … {MAX_EPISODES:,}: choose a whole number there")
    with replace_folder(out, overwrite) as folder:
        for at, number in enumerate(numbers(task.name, n, seed)):
            # In the background, Ctrl-C ends it at once.
            episode = run_in_background(functools.partial(_episode, task.name, seed, number))
            path = folder / f"{task.params.concept}-{at:06d}.json"
            write_new(path, msgspec.json.encode(as_json(episode)) + b"\n")
    return n


def _episode(name: str, seed: int, number: int) -> Dataset:
    """Return the demonstrations and tests of one episode."""
    episode = spec(name, {"episode": number})
    return demonstrated_dataset(episode, episode.params.shown(), seed, POOL)


def numbers(name: str, n: int, seed: int) -> list[int]:
    """Return the numbers of n different episodes: the first ones of a stream that depends on the seed."""
    drawn: dict[int, None] = {}
    origin = stream("episodes", name, check_seed(seed))
    while len(drawn) < n:
        drawn = dict.fromkeys((keys(origin, 0, 2 * len(drawn) + n) % MAX_NUMBER).tolist())
    return list(drawn)[:n]


def as_json(episode: Dataset) -> Json:
    """Return an episode in ARC's JSON layout."""
    train = [{"input": row.question.tolist(), "output": row.target.tolist()} for row in episode.train]
    test = [{"input": row.question.tolist(), "output": row.target.tolist()} for row in episode.test]
    facts = {key: value for key, value in episode.train[0].meta.items() if key not in ("item", "inputs")}
    return {"train": train, "test": test, "task": episode.name, **facts}
