"""Test waves against a slow twin, and their end against the shortest paths of networkx."""

from __future__ import annotations

from itertools import chain

import networkx as nx
import numpy as np

from tests.support.simulations import Rows, agree, agree_on_noise, drawn
from vizbench.generators.bfs_levels import TASK, VARIANTS, Params


def wave(board: Rows, limit: int) -> Rows:
    """Return the board after the next wave."""
    size = len(board)
    codes = chain.from_iterable(board)
    number = max((code - 1 for code in codes if 2 <= code <= 10), default=0)
    front = 11 if number == 0 else number + 1

    def near(r: int, c: int) -> list[int]:
        cells = [(r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)]
        return [board[y][x] for y, x in cells if 0 <= y < size and 0 <= x < size]

    after = [row[:] for row in board]
    for r in range(size):
        for c in range(size):
            if board[r][c] == 0 and number < limit and front in near(r, c):
                after[r][c] = number + 2
    return after


def test_states_are_those_of_the_twin():
    for params in (Params(), Params(size=6, sources=3, limit=3), Params(size=4, walls=0)):
        agree(TASK, params, lambda board, limit=params.limit: wave(board, limit))
        agree_on_noise(TASK, params, lambda board, limit=params.limit: wave(board, limit))


def test_numbers_are_distances():
    for params in VARIANTS.values():
        batch = drawn(TASK, params, 1000)
        for question, target in zip(batch.question, batch.target, strict=True):
            graph = nx.grid_2d_graph(params.size, params.size)
            graph.remove_nodes_from([tuple(cell) for cell in np.argwhere(question == 1).tolist()])
            sources = {tuple(cell) for cell in np.argwhere(question == 11).tolist()}
            expected = question.copy()
            distances = nx.multi_source_dijkstra_path_length(graph, sources)
            for cell, distance in distances.items():
                if 1 <= distance <= params.limit:
                    expected[cell] = distance + 1
            assert np.array_equal(target, expected)
