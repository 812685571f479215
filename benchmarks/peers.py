"""Make items with other packages that generate the same kinds of tasks, each by its own function.

    pip install reasoning-gym cellpylib mazelib
    pip install --no-deps maze-dataset zanj && pip install jaxtyping tqdm pandas 'muutils<0.8.9'

`python -m benchmarks.generators` prints their rates below ours. maze-dataset needs an older muutils. Jupyter
and Torch, which it and zanj require, are not needed here. None of the packages makes Hitori, Connect Four,
chess or Langton's ant.
"""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Make = Callable[[], int]
"""Makes some items and returns their number."""


def reasoning_gym(dataset: str, **config: Any) -> Make:
    package = importlib.import_module("reasoning_gym")
    items = package.create_dataset(dataset, size=10**6, seed=0, **config)
    index = itertools.count()

    def make() -> int:
        items[next(index)]
        return 1

    return make


def cellpylib_life() -> Make:
    package = importlib.import_module("cellpylib")
    rng = np.random.default_rng(0)

    def make() -> int:
        board = (rng.random((1, 8, 8)) < 0.4).astype(int)
        package.evolve2d(board, timesteps=2, apply_rule=package.game_of_life_rule, neighbourhood="Moore")
        return 1

    return make


def cellpylib_eca(rule: int) -> Make:
    package = importlib.import_module("cellpylib")

    def apply(neighbours: Any, _cell: int, _step: int) -> int:
        return package.nks_rule(neighbours, rule)

    def make() -> int:
        package.evolve(package.init_random(16), timesteps=8, apply_rule=apply)
        return 1

    return make


def mazelib(size: int) -> Make:
    maze = importlib.import_module("mazelib").Maze(seed=0)
    maze.generator = importlib.import_module("mazelib.generate.Wilsons").Wilsons(size, size)
    maze.solver = importlib.import_module("mazelib.solve.BacktrackingSolver").BacktrackingSolver()

    def make() -> int:
        maze.generate()
        maze.start, maze.end = (1, 1), (2 * size - 1, 2 * size - 1)
        maze.solve()
        return 1

    return make


def maze_dataset(size: int, algorithm: str) -> Make:
    package = importlib.import_module("maze_dataset.generation")
    generate = getattr(package.LatticeMazeGenerators, algorithm)

    def make() -> int:
        generate((size, size)).find_shortest_path((0, 0), (size - 1, size - 1))
        return 1

    return make


def _gym_maze(side: int) -> Make:
    return reasoning_gym("maze", min_grid_size=side, max_grid_size=side, min_dist=1, max_dist=99)


def _mazes(size: int) -> list[tuple[str, Callable[[], Make]]]:
    return [
        ("mazelib, Wilson", lambda: mazelib(size)),
        ("maze-dataset, Wilson", lambda: maze_dataset(size, "gen_wilson")),
        ("maze-dataset, Kruskal", lambda: maze_dataset(size, "gen_kruskal")),
        ("maze-dataset, depth first", lambda: maze_dataset(size, "gen_dfs")),
    ]


# The most similar generators. Differences: cellpylib's boards are toruses. Mazes of reasoning-gym have random
# walls and are not trees, and in its shortest paths some goals cannot be reached.
PEERS: Mapping[str, list[tuple[str, Callable[[], Make]]]] = {
    "life/conway": [
        (
            "reasoning-gym",
            lambda: reasoning_gym("game_of_life", grid_size_x=8, grid_size_y=8, simulation_steps=1),
        ),
        ("cellpylib", cellpylib_life),
    ],
    "eca/110": [("cellpylib", lambda: cellpylib_eca(110))],
    "maze/base": [("reasoning-gym", lambda: _gym_maze(21)), *_mazes(10)],
    "maze/small": [("reasoning-gym", lambda: _gym_maze(13)), *_mazes(6)],
    "navigation/shortest-path": [
        (
            "reasoning-gym",
            lambda: reasoning_gym("shortest_path", min_rows=15, max_rows=15, min_cols=15, max_cols=15),
        ),
    ],
    "sudoku/easy": [("reasoning-gym", lambda: reasoning_gym("sudoku", min_empty=41, max_empty=41))],
    "sudoku/medium": [("reasoning-gym", lambda: reasoning_gym("sudoku", min_empty=49, max_empty=49))],
    "sudoku/mini": [("reasoning-gym", lambda: reasoning_gym("mini_sudoku", min_empty=8, max_empty=8))],
    "hanoi/5": [
        (
            "reasoning-gym",
            lambda: reasoning_gym("tower_of_hanoi", min_disks=5, max_disks=5, min_pegs=3, max_pegs=3),
        ),
    ],
}
"""Name and function of each peer, by task."""
