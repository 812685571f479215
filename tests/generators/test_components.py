"""Test numbered regions against a slow twin, and their end against networkx."""

from __future__ import annotations

from itertools import product

import networkx as nx
import numpy as np

from tests.support.simulations import Rows, agree, agree_on_noise, drawn
from vizbench.generators.components import TASK, VARIANTS, Params


def step_of(diagonal: bool):
    """Return the twin's step."""

    def near(board: Rows, r: int, c: int) -> list[int]:
        codes: list[int] = []
        for dr, dc in product((-1, 0, 1), repeat=2):
            y, x = r + dr, c + dc
            inside = 0 <= y < len(board) and 0 <= x < len(board)
            if inside and (dr, dc) != (0, 0) and (diagonal or 0 in (dr, dc)):
                codes.append(board[y][x])
        return codes

    def step(board: Rows) -> Rows:
        places = [(r, c) for r, c in product(range(len(board)), repeat=2) if board[r][c] == 1]
        after = [row[:] for row in board]
        for r, c in places:
            after[r][c] = max([1, *near(board, r, c)])
        if after == board and places and max(map(max, board)) < 10:
            r, c = places[0]
            after[r][c] = max(map(max, board)) + 1
        return after

    return step


def test_states_are_those_of_the_twin():
    for params in (*VARIANTS.values(), Params(size=4)):
        agree(TASK, params, step_of(params.diagonal))
        agree_on_noise(TASK, params, step_of(params.diagonal))


def test_regions_are_those_of_networkx():
    for params in VARIANTS.values():
        batch = drawn(TASK, params, 1000)
        for question, target in zip(batch.question, batch.target, strict=True):
            cells = [tuple(cell) for cell in np.argwhere(question == 1).tolist()]
            graph = nx.Graph()
            graph.add_nodes_from(cells)
            for r, c in cells:
                moves = [(1, 0), (0, 1), *([(1, 1), (1, -1)] if params.diagonal else [])]
                graph.add_edges_from(
                    ((r, c), (r + dr, c + dc)) for dr, dc in moves if (r + dr, c + dc) in graph
                )
            expected = np.zeros_like(question)
            for number, region in enumerate(sorted(nx.connected_components(graph), key=min)):
                expected[tuple(zip(*region, strict=True))] = number + 2
            assert np.array_equal(target, expected)
