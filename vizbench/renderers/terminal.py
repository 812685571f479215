"""Draw grids in the terminal: half-block characters, two rows of cells per line, in palette colours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vizbench.renderers.palettes import with_outside
from vizbench.types import Grid, Look

if TYPE_CHECKING:  # rich is loaded only when something is drawn
    from rich.columns import Columns
    from rich.text import Text

MAX_CELLS = 64
"""The most rows and columns that are drawn. A note below a larger grid gives its size."""


def grid_text(grid: Grid, look: Look | str) -> Text:
    """Return a grid `(h, w)` as coloured half-blocks, each cell one character wide.

    A code without a colour gets the outside colour.
    """
    from rich.style import Style
    from rich.text import Text

    colours = with_outside(look.palette if isinstance(look, Look) else look)
    names = ["#{:02x}{:02x}{:02x}".format(*colour) for colour in colours.tolist()]
    shown: list[list[int]] = grid[:MAX_CELLS, :MAX_CELLS].tolist()
    text = Text(no_wrap=True)
    for i in range(0, len(shown), 2):
        if i:
            text.append("\n")
        for j, upper in enumerate(shown[i]):
            lower = None
            if i + 1 < len(shown):
                lower = names[min(shown[i + 1][j], len(names) - 1)]
            text.append("▀", Style(color=names[min(upper, len(names) - 1)], bgcolor=lower))
    if max(grid.shape) > MAX_CELLS:
        text.append(f"\n… {grid.shape[0]}x{grid.shape[1]} cells in all")
    return text


def side_by_side(grids: Mapping[str, Grid | None], look: Look | str) -> Columns:
    """Return titled grids in a row, such as question, target and answer. It wraps in a narrow terminal.

    A grid that is None is drawn as "no grid".
    """
    from rich.columns import Columns
    from rich.text import Text

    titled: list[Text] = []
    for title, grid in grids.items():
        body = Text("no grid", style="red") if grid is None else grid_text(grid, look)
        titled.append(Text.assemble((title, "bold"), "\n", body, no_wrap=True))
    return Columns(titled, padding=(1, 3))
