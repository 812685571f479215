"""Generated episodes as ARC files: one a file, `arc-json:FOLDER` reads them back.

Beside `train` and `test` a file holds `task` (the name under which vizbench makes the episode again), `rule`,
`sentence`, `parameters`, `agree` (other rules that explain the demonstrations and answer the same), and
`rejected`."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Final

import msgspec

from vizbench._util.background import run_in_background
from vizbench.dataset import POOL, Dataset, demonstrated_dataset
from vizbench.errors import UserError
from vizbench.formats.folder import replace_folder
from vizbench.formats.registry import is_corpus
from vizbench.generators.arc.task import MAX_NUMBER
from vizbench.seeds import check_seed, keys, stream
from vizbench.task import params_json, spec
from vizbench.types import Json

MAX_EPISODES: Final = 1_000_000


def write(name: str, n: int, seed: int, out: Path, overwrite: bool = False) -> int:
    """Write n different episodes of `arc/CONCEPT` to the new folder `out`, which stands in whole or not at
    all; returns how many. The seed decides which. UserError for another task, or one of which the rule or the
    episode is named."""
    found = spec(name)
    if found.task.family != "arc" or not is_corpus(name) or params_json(found.params)["episode"]:
        raise UserError(
            f"{name[:80]} is no concept's episodes: name one as arc/center, without rule and episode"
        )
    if not 1 <= n <= MAX_EPISODES:
        raise UserError(f"n={n} is not in 1 … {MAX_EPISODES:,}: choose a whole number there")
    with replace_folder(out, overwrite) as folder:
        for at, number in enumerate(numbers(found.name, n, seed)):
            episode = run_in_background(
                functools.partial(_episode, found.name, seed, number)
            )  # Ctrl-C ends it at once
            path = folder / f"{found.params.concept}-{at:06d}.json"
            path.write_bytes(msgspec.json.encode(as_json(episode)) + b"\n")
    return n


def _episode(name: str, seed: int, number: int) -> Dataset:
    """The demonstrations and tests of one episode."""
    episode = spec(name, {"episode": number})
    return demonstrated_dataset(episode, episode.params.shown(), seed, POOL)


def numbers(name: str, n: int, seed: int) -> list[int]:
    """Numbers of n different episodes: the first of a stream that the seed names, so that 10 are the head of
    100."""
    drawn: dict[int, None] = {}
    origin = stream("episodes", name, check_seed(seed))
    while len(drawn) < n:
        drawn = dict.fromkeys((keys(origin, 0, 2 * len(drawn) + n) % MAX_NUMBER).tolist())
    return list(drawn)[:n]


def as_json(episode: Dataset) -> Json:
    """An episode as ARC's JSON."""
    train, test = (
        [{"input": row.question.tolist(), "output": row.target.tolist()} for row in split]
        for split in (episode.train, episode.test)
    )
    told = {key: value for key, value in episode.train[0].meta.items() if key not in ("item", "inputs")}
    return {"train": train, "test": test, "task": episode.name, **told}
