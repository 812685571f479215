"""Feed rows to PyTorch's DataLoader: the same rows in the same order for any number of workers.

Both data sets find a row by its index. So ranks and workers share the rows without talking to each other, and
training continues from any row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, SupportsIndex, final

import numpy as np
import torch
from torch.utils.data import Dataset, IterableDataset, Sampler, get_worker_info

from vizbench import seeds
from vizbench.dataset.splits import MAX_ROWS, Split
from vizbench.distributed import env
from vizbench.errors import UserError
from vizbench.types import Instance

Transform = Callable[[Instance], Any]
"""Turns an instance into what a batch is collated from. With several workers it must be picklable."""


def tensors(instance: Instance) -> dict[str, Any]:
    """Return the `id`, and `question` and `target` `(h, w)` as uint8 tensors."""
    return {
        "id": instance.id,
        "question": torch.tensor(instance.question),
        "target": torch.tensor(instance.target),
    }


@final
class InstanceStream(IterableDataset[Any]):
    """Yield rows `start`, `start` + 1 … of a split, without end or up to row `stop`.

    Step k of the training takes world_size * batch_size rows, from start + k * world_size * batch_size on.
    The first `batch_size` of them go to rank 0, the next to rank 1, and so on. Worker w of K makes the
    batches w, w + K … of its rank, because a DataLoader asks its workers in turn. To continue after k steps,
    give the first row of step k as `start`.
    """

    def __init__(
        self,
        split: Split,
        batch_size: int,
        *,
        start: int = 0,
        stop: int | None = None,
        transform: Transform = tensors,
        rank: int | None = None,
        world_size: int | None = None,
    ) -> None:
        """Make no row yet.

        batch_size: the same as that of the DataLoader. stop: all rows of a finite split, by default. rank,
        world_size: those of `torchrun` or `accelerate launch`, by default. Give 0 and 1 if something else
        shares out the rows, such as `accelerator.prepare`.

        Raises UserError if a number is out of range, or the rows cannot be shared out equally to the ranks.
        """
        super().__init__()
        self._split = split
        self._rank, self._world_size = _place(rank, world_size)
        self._batch_size = _number("batch_size", batch_size, 1, MAX_ROWS)
        end = MAX_ROWS if split.count is None else split.count
        self._stop = end if stop is None else _number("stop", stop, 0, end)
        self._start = _number("start", start, 0, self._stop)
        self._transform = transform
        if split.count is not None or stop is not None:
            self._check_shares()

    def _check_shares(self) -> None:
        rows, step = self._stop - self._start, self._world_size * self._batch_size
        if self._world_size > 1 and rows % step:
            raise UserError(
                f"rows {self._start:,} … {self._stop - 1:,} are {rows:,}, which {self._world_size} ranks "
                f"cannot share equally in batches of {self._batch_size}: choose e.g. "
                f"stop={self._start + rows - rows % step}"
            )

    def __iter__(self) -> Iterator[Any]:
        worker = get_worker_info()
        number, workers = (0, 1) if worker is None else (worker.id, worker.num_workers)
        step = self._world_size * self._batch_size
        at = self._start + number * step + self._rank * self._batch_size
        while at < self._stop:
            for instance in self._split.rows(at, min(self._batch_size, self._stop - at)):
                yield self._transform(instance)
            at += workers * step


@final
class InstanceMap(Dataset[Any]):
    """Hold the first n rows of a split by index, each made when it is asked for."""

    def __init__(self, split: Split, n: int | None = None, *, transform: Transform = tensors) -> None:
        """Make no row yet. n: all rows of a finite split, by default.

        Raises UserError if n is out of range, or missing for a split without end.
        """
        if n is None and split.count is None:
            raise UserError(f"{split.spec.task} {split.name} has rows without end: give n, e.g. n=10000")
        end = MAX_ROWS if split.count is None else split.count
        self._n = end if n is None else _number("n", n, 0, end)
        self._split = split
        self._transform = transform

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, index: SupportsIndex) -> Any:
        at = index.__index__()
        if not -self._n <= at < self._n:
            raise IndexError(f"index {at} of {self._n} rows")
        return self._transform(self._split[at % self._n])

    def __getitems__(self, indexes: Iterable[SupportsIndex]) -> list[Any]:
        """Return the rows of a batch. Rows that follow each other are made at once."""
        places = [index.__index__() for index in indexes]
        first, n = (places[0], len(places)) if places else (0, 0)
        if first < 0 or first + n > self._n or places != list(range(first, first + n)):
            return [self[place] for place in places]
        return [self._transform(row) for row in self._split.rows(first, n)]


@final
class ShardSampler(Sampler[int]):
    """Give each rank its share of the indexes 0 … n-1, in order or shuffled anew in each epoch.

    The order depends on `seed` and the epoch. Rank r takes the places r, r + world_size … of it. All ranks
    take equally many: up to world_size - 1 places at the end are left out. To continue an epoch after all
    ranks together took p places, give `start=p`. Later epochs start from 0.
    """

    def __init__(
        self,
        n: int,
        *,
        seed: SupportsIndex | None = None,
        epoch: int = 0,
        start: int = 0,
        rank: int | None = None,
        world_size: int | None = None,
    ) -> None:
        """seed: of the shuffling, 0 … 2^63 - 1. None: in order. Others as in InstanceStream.

        Raises UserError if a number is out of range.
        """
        self._n = _number("n", n, 0, MAX_ROWS)
        self._rank, self._world_size = _place(rank, world_size)
        self._seed = None if seed is None else seeds.check_seed(seed)
        self._epoch = _number("epoch", epoch, 0, MAX_ROWS)
        self._start = _number("start", start, 0, self._n)

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next loop, which is a whole epoch."""
        self._epoch, self._start = _number("epoch", epoch, 0, MAX_ROWS), 0

    def __len__(self) -> int:
        return (self._n - self._start) // self._world_size

    def __iter__(self) -> Iterator[int]:
        order = np.arange(self._n)
        if self._seed is not None:
            keys = seeds.keys(seeds.stream("order", self._seed, self._epoch), 0, self._n)
            order = np.argsort(keys, kind="stable")
        mine = order[self._start :][self._rank :: self._world_size]
        yield from mine[: len(self)].tolist()


def _place(rank: int | None, world_size: int | None) -> tuple[int, int]:
    """Return the rank and the world size, by default those of the launched processes."""
    size = env.world_size() if world_size is None else _number("world_size", world_size, 1, MAX_ROWS)
    number = env.rank() if rank is None else rank
    return _number("rank", number, 0, size - 1), size


def _number(name: str, value: SupportsIndex, least: int, most: int) -> int:
    """Return a number as Python's int. Raises UserError if it is not an integer in least … most."""
    number = seeds.integer(value)
    if number is None or not least <= number <= most:
        raise UserError(
            f"{name}={str(value)[:40]} is not an integer in {least:,} … {most:,}: choose one there"
        )
    return number
