"""What `Draw` promises beyond chance."""

from __future__ import annotations

from vizbench.generators.arc.draw import Draw, block, frame


def test_draws_mix_share_and_colour():
    for key in range(200):
        draw = Draw(key)
        mixed = draw.mixed(2, 5)
        assert 2 <= len(mixed) <= 5 and {*mixed} == {True, False}
        shares = draw.shares((3, 1, 2))
        assert [shares.count(colour) for colour in dict.fromkeys(shares)] == [3, 1, 2] and 0 not in shares
        pixels = draw.coloured(frame(4, 5), [7, 8])
        assert {*pixels[frame(4, 5)].tolist()} <= {7, 8} and not pixels[~frame(4, 5)].any()
    many = Draw(1).coloured(block(30, 30), [0, 0, 0, 4])
    assert {*many.ravel().tolist()} == {0, 4} and 0.18 < (many == 4).mean() < 0.32
    assert {len(Draw(key).mixed(2, 4)) for key in range(50)} == {2, 3, 4}
