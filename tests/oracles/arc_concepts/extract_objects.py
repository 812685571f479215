"""Twins of rules of ExtractObjects, written from their sentences over lists."""

from __future__ import annotations

from tests.oracles.arc_rows import Rows, colours_of, transposed


def lines_with(rows: Rows, colour: int) -> list[int]:
    """Return the rows that hold a colour."""
    return [r for r, row in enumerate(rows) if colour in row]


def between_the_corner_marks(rows: Rows, mark: int) -> Rows:
    """Cut out what is between the marks."""
    marked_rows, marked_columns = lines_with(rows, mark), lines_with(transposed(rows), mark)
    top, bottom = marked_rows[0] + 1, marked_rows[-1]
    left, right = marked_columns[0] + 1, marked_columns[-1]
    return [row[left:right] for row in rows[top:bottom]]


def frame_made_whole(rows: Rows) -> Rows:
    """Draw the whole frame of the colour with the fewest cells."""
    colours = colours_of(rows)
    rarest = min(set(colours), key=colours.count)
    frame_rows, frame_columns = lines_with(rows, rarest), lines_with(transposed(rows), rarest)
    height = frame_rows[-1] - frame_rows[0] + 1
    width = frame_columns[-1] - frame_columns[0] + 1
    full, hollow = [rarest] * width, [rarest, *[0] * (width - 2), rarest]
    return [full if r in (0, height - 1) else hollow for r in range(height)]


TWINS = {"between-the-corner-marks": between_the_corner_marks, "frame-made-whole": frame_made_whole}
