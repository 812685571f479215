"""Provide what the twins of ARC rules share: grids as lists of rows, their objects, and their transpose."""

from __future__ import annotations

from itertools import chain
from typing import TypeAlias

Rows: TypeAlias = list[list[int]]
"""A grid as a list of rows of colours 0 to 9; 0 is ground."""

Place: TypeAlias = tuple[int, int]
"""Row and column of a cell."""


def colours_of(rows: Rows) -> list[int]:
    """Return the colour of every cell that is no ground, row by row."""
    return [colour for colour in chain(*rows) if colour]


def transposed(rows: Rows) -> Rows:
    """Exchange rows and columns, so that a twin for rows serves for columns too."""
    return [list(column) for column in zip(*rows, strict=True)]


def places_by_colour(rows: Rows) -> dict[int, list[Place]]:
    """Return the places of each colour, in reading order; ground is left out."""
    places: dict[int, list[Place]] = {}
    for r, row in enumerate(rows):
        for c, colour in enumerate(row):
            if colour:
                places.setdefault(colour, []).append((r, c))
    return places


def objects(rows: Rows) -> list[tuple[int, set[Place]]]:
    """Return colour and places of each object: cells of one colour that touch, corners included."""
    remaining: dict[Place, int] = {}
    for colour, places in places_by_colour(rows).items():
        for place in places:
            remaining[place] = colour

    things: list[tuple[int, set[Place]]] = []
    while remaining:
        start, colour = next(iter(remaining.items()))
        reached, rim = {start}, [start]
        while rim:
            r, c = rim.pop()
            around = {(r + down, c + right) for down in (-1, 0, 1) for right in (-1, 0, 1)}
            new = {place for place in around - reached if remaining.get(place) == colour}
            reached |= new
            rim += new
        for place in reached:
            del remaining[place]
        things.append((colour, reached))
    return things
