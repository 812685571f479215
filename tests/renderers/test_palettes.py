"""Test palettes: their sizes, the distances between their colours, and unknown names."""

from __future__ import annotations

import numpy as np
import pytest

from vizbench.errors import UserError
from vizbench.renderers.palettes import PALETTES, palette, separation, with_outside

# The least distance of two cells, and of any two colours once the outside is among them.
LEAST = {
    "binary": (441, 219),
    "eca": (147, 147),
    "langton": (179, 126),
    "fill": (284, 179),
    "maze": (197, 170),
    "sudoku": (179, 126),
    "connect4": (254, 254),
    "hanoi": (179, 126),
    "hitori": (179, 179),
    "chess": (179, 179),
    "tiles": (179, 179),
    "lights": (255, 220),
    "sokoban": (179, 127),
    "trapfield": (255, 219),
    "keys": (179, 127),
    "cars": (179, 179),
    "arc": (73, 73),
    "blocks": (179, 127),
    "sandpile": (179, 127),
    "labels": (179, 127),
    "wireworld": (255, 220),
    "forest-fire": (180, 128),
    "bounce": (255, 219),
    "turmite": (127, 127),
    "snake": (179, 127),
    "powers": (179, 127),
    "laser": (179, 127),
    "folding": (255, 219),
    "transform": (179, 179),
    "dice": (179, 127),
    "binairo": (147, 147),
    "nonogram": (179, 127),
    "light-up": (180, 128),
    "tents": (179, 127),
    "skyscrapers": (179, 127),
    "futoshiki": (179, 127),
    "numberlink": (179, 127),
    "numbrix": (89, 89),
    "shikaku": (179, 127),
    "slitherlink": (180, 127),
}
SIZES = {
    "binary": 2,
    "eca": 3,
    "langton": 10,
    "fill": 3,
    "maze": 5,
    "sudoku": 10,
    "hitori": 9,
    "connect4": 3,
    "hanoi": 10,
    "chess": 13,
    "tiles": 13,
    "lights": 4,
    "sokoban": 7,
    "trapfield": 5,
    "keys": 11,
    "cars": 13,
    "arc": 10,
    "blocks": 10,
    "sandpile": 8,
    "labels": 12,
    "wireworld": 4,
    "forest-fire": 5,
    "bounce": 6,
    "turmite": 11,
    "snake": 8,
    "powers": 14,
    "laser": 11,
    "folding": 7,
    "transform": 13,
    "dice": 13,
    "binairo": 3,
    "nonogram": 13,
    "light-up": 8,
    "tents": 10,
    "skyscrapers": 9,
    "futoshiki": 13,
    "numberlink": 10,
    "numbrix": 37,
    "shikaku": 12,
    "slitherlink": 8,
}


def test_every_palette_has_its_size():
    assert {name: len(colours) for name, colours in PALETTES.items()} == SIZES


@pytest.mark.parametrize("name", PALETTES)
def test_colours_are_far_apart(name):
    cells, all_colours = LEAST[name]
    assert separation(palette(name)) >= cells
    assert separation(with_outside(name)) >= all_colours


def test_separation_sees_a_repeated_and_a_near_colour():
    assert separation(np.array([[0, 0, 0], [9, 9, 9], [0, 0, 0]], np.uint8)) == 0
    assert separation(np.array([[0, 0, 0], [255, 255, 255], [252, 255, 251]], np.uint8)) == 5


def test_palettes_cannot_be_changed_by_accident():
    with pytest.raises(ValueError, match="read-only"):
        palette("arc")[0, 0] = 1


def test_an_unknown_name_lists_near_ones():
    with pytest.raises(UserError, match=r"unknown palette 'sudokku': did you mean sudoku"):
        palette("sudokku")
