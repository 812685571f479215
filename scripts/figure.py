"""Draw docs/figure.png: one instance of every task family, the question above its target.

    python scripts/figure.py

Prints the path of the picture.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

import vizbench as vb
from vizbench.task.registry import families

TILE, GAP, LABEL = 168, 14, 24
"""Side of a grid, space between grids, and height of a name, in pixels."""
COLUMNS = 6
INK, FRAME = (40, 40, 40), (170, 170, 170)


def main() -> None:
    """Draw all families, write the picture and print its path."""
    names = [f"{family}/{next(iter(task.variants))}" for family, task in families().items()]
    band = LABEL + 2 * (TILE + GAP)  # the height of a name, its question and its target
    bands = -(-len(names) // COLUMNS)
    sheet = Image.new("RGB", (GAP + COLUMNS * (TILE + GAP), bands * band), "white")
    for k, name in enumerate(names):
        draw_family(sheet, name, GAP + k % COLUMNS * (TILE + GAP), k // COLUMNS * band)
    path = Path(__file__).parents[1] / "docs" / "figure.png"
    sheet.quantize(64).save(path, optimize=True)
    print(path)


def draw_family(sheet: Image.Image, name: str, left: int, top: int) -> None:
    """Draw the name of a task, and its first instance below."""
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(14)
    draw.text((left + TILE // 2, top + LABEL // 2 + 2), name, INK, font, anchor="mm")
    instance = vb.load(name, seed=0).train[0]
    look = vb.verifier_of(instance).look
    for row, grid in enumerate((instance.question, instance.target)):
        side = max(grid.shape)
        fitted = replace(look, cell=(TILE - look.line * (side + 1)) // side, canvas=None, margin=0)
        picture = Image.fromarray(vb.render(grid, fitted))
        x = left + (TILE - picture.width) // 2
        y = top + LABEL + row * (TILE + GAP // 2) + (TILE - picture.height) // 2
        sheet.paste(picture, (x, y))
        draw.rectangle((x - 1, y - 1, x + picture.width, y + picture.height), outline=FRAME)


if __name__ == "__main__":
    main()
