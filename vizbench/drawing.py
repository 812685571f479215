"""Draw what a video model sees: a question in its task's own look, or any grid in a look of choice."""

from __future__ import annotations

from vizbench.errors import UserError
from vizbench.renderers import frames
from vizbench.renderers.layout import Shape
from vizbench.types import Grid, Image, Instance, Look


def render(what: Instance | Grid, look: Look | str | None = None, board: Shape | None = None) -> Image:
    """Draw the question of an instance, or a grid `(h, w)` uint8, as `(H, W, 3)` uint8.

    look: a Look or a palette's name; None: the look of the instance's task. A bare grid names no task and needs a look.
    board: rows and columns of the picture in cells, at least the grid's (None: the grid's own); the grid is at its top
    left. Raises UserError for codes without a colour and for sizes out of range.
    """
    if isinstance(what, Instance):
        from vizbench.loading import judge_of

        return frames.render(what.question, judge_of(what).look if look is None else look, board)
    if look is None:
        raise UserError(
            "a bare grid does not say how its task is drawn: give the instance, vb.render(instance), or a look, "
            "vb.render(grid, vb.judge_of(instance).look)"
        )
    return frames.render(what, look, board)
