"""Test forest fires against a slow twin, and dry ones against the distances of networkx."""

from __future__ import annotations

import networkx as nx
import numpy as np

from tests.support.simulations import Rows, agree, agree_on_noise, cells_of, drawn
from vizbench.generators.forest_fire import TASK, VARIANTS, Params


def step(board: Rows) -> Rows:
    """Return the forest after one step."""
    places = cells_of(board)
    for (r, c), code in places.items():
        near = [places.get(place) for place in ((r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1))].count(3)
        if code == 3:
            board[r][c] = 4
        elif code in (1, 2) and near >= code:
            board[r][c] = 3
    return board


def test_states_are_those_of_the_twin():
    for params in (*VARIANTS.values(), Params(size=5, wet=0.5, ground=0, fires=5)):
        agree(TASK, params, step)
        agree_on_noise(TASK, params, step)


def test_a_dry_forest_burns_by_distance():
    params = VARIANTS["dry"]
    batch = drawn(TASK, params, 2000)
    for question, target in zip(batch.question, batch.target, strict=True):
        graph = nx.grid_2d_graph(params.size, params.size)
        graph.remove_nodes_from([tuple(cell) for cell in np.argwhere(question == 0).tolist()])
        fires = {tuple(cell) for cell in np.argwhere(question == 3).tolist()}
        expected = question.copy()
        distances = nx.multi_source_dijkstra_path_length(graph, fires, cutoff=params.steps)
        for cell, distance in distances.items():
            expected[cell] = 3 if distance == params.steps else 4
        assert np.array_equal(target, expected)
