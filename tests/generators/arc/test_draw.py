"""Test what `Draw` promises of every draw."""

from __future__ import annotations

from vizbench.generators.arc.random_draws import Draw, block, frame


def test_mixed_has_both_truth_values():
    for key in range(200):
        mixed = Draw(key).mixed(2, 5)
        assert 2 <= len(mixed) <= 5 and {*mixed} == {True, False}
    assert {len(Draw(key).mixed(2, 4)) for key in range(50)} == {2, 3, 4}


def test_shares_repeats_each_colour_as_often_as_asked():
    for key in range(200):
        shares = Draw(key).shares((3, 1, 2))
        assert [shares.count(colour) for colour in dict.fromkeys(shares)] == [3, 1, 2]
        assert 0 not in shares


def test_coloured_paints_the_mask_only():
    mask = frame(4, 5)
    for key in range(200):
        pixels = Draw(key).coloured(mask, [7, 8])
        assert {*pixels[mask].tolist()} <= {7, 8}
        assert not pixels[~mask].any()


def test_coloured_picks_colours_evenly():
    pixels = Draw(1).coloured(block(30, 30), [0, 0, 0, 4])
    assert {*pixels.ravel().tolist()} == {0, 4}
    assert 0.18 < (pixels == 4).mean() < 0.32
