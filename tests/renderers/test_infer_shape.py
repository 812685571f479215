"""Test that shapes, edges and colours are found as their slow twins find them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.support.damaged_pictures import LOOKS, blurred, compressed, noisy, resized
from tests.support.slow_shapes import slow_bars, slow_best, slow_clusters, slow_profile, slow_sums
from vizbench.errors import UserError
from vizbench.renderers.colours_kernels import cluster_means
from vizbench.renderers.frames import render
from vizbench.renderers.infer_shape import infer_shape, integral
from vizbench.renderers.kernels import inside_bars
from vizbench.renderers.layout import Layout, layout
from vizbench.renderers.locate_kernels import profile_across, profile_down, steps_across, steps_down
from vizbench.renderers.palettes import palette, with_outside
from vizbench.types import Look

pictures = arrays(np.uint8, st.tuples(st.integers(1, 24), st.integers(1, 24), st.just(3)))

DAMAGES = {
    "none": lambda picture, _: picture,
    "noise": noisy,
    "blur": lambda picture, _: blurred(picture, 2),
    "JPEG": lambda picture, _: compressed(picture, 30),
    "scaled": lambda picture, _: resized(picture, 301, 277),
    "dark": lambda picture, _: (picture * 0.6).astype(np.uint8),
}


def places_of(look: Look, most: int = 30) -> list[Layout]:
    boards = sorted(
        ((h, w) for h in range(1, most + 1) for w in range(1, most + 1)),
        key=lambda board: (board[0] * board[1], board),
    )
    places: list[Layout] = []
    for board in boards:
        try:
            places.append(layout(look, board))
        except UserError:
            continue
    return places


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_shape_is_that_of_a_search_over_all_shapes(damage):
    random = np.random.Generator(np.random.PCG64(7))
    for look in (LOOKS["arc"], Look("arc", canvas=128), Look("connect4", canvas=240, margin=8)):
        places, codes = places_of(look), len(palette(look.palette))
        for seed in range(2):
            shape = random.integers(1, 21, 2).tolist()
            grid = random.integers(0, 1 + random.integers(codes), shape).astype(np.uint8)
            picture = DAMAGES[damage](render(grid, look), seed)
            colours = with_outside(look.palette).astype(np.float64)
            assert infer_shape(picture, look) == places[slow_best(picture, places, colours)].board


@settings(max_examples=40, deadline=None)
@given(pictures, st.sampled_from([-30.0, -5.0, 8.0]))
def test_edges_are_those_of_the_slow_twin(picture, threshold):
    sums = integral(picture, 1024)
    assert np.array_equal(sums, slow_sums(picture))
    assert np.array_equal(profile_across(steps_across(picture), threshold), slow_profile(picture, threshold))
    turned = np.ascontiguousarray(picture.swapaxes(0, 1))
    assert np.array_equal(profile_down(steps_down(picture), threshold), slow_profile(turned, threshold))


@settings(max_examples=40, deadline=None)
@given(pictures, st.integers(0, 60))
def test_bars_are_those_of_the_slow_twin(picture, top):
    flat = np.full((top, picture.shape[1], 3), 77, np.uint8)
    barred = np.concatenate([flat, picture, flat[: top // 2]])
    for each in (picture, barred):
        assert inside_bars(each) == slow_bars(each)
        assert inside_bars(each.swapaxes(0, 1)) == slow_bars(each.swapaxes(0, 1))


@settings(max_examples=40, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 40), st.just(3))), st.sampled_from([4.0, 24.0, 90.0]))
def test_clusters_are_those_of_the_slow_twin(levels, reach):
    means = levels / 3.0
    assert np.array_equal(cluster_means(means, reach, 8), slow_clusters(means, reach, 8))
