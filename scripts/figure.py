"""Draw docs/figure.png: one instance of every family, the question above its target.

python scripts/figure.py
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

import vizbench as vb
from vizbench.task import families

TILE, GAP, LABEL = 168, 14, 24  # pixels
COLUMNS = 6
INK, FRAME = (40, 40, 40), (170, 170, 170)


def main() -> None:
    names = [f"{family}/{next(iter(task.variants))}" for family, task in families().items()]
    deep = LABEL + 2 * (TILE + GAP)  # a band of families: names, questions, targets
    bands = -(-len(names) // COLUMNS)
    sheet = Image.new("RGB", (GAP + COLUMNS * (TILE + GAP), bands * deep), "white")
    draw = ImageDraw.Draw(sheet)
    for k, name in enumerate(names):
        instance = vb.load(name, seed=0).train[0]
        left, top = GAP + k % COLUMNS * (TILE + GAP), k // COLUMNS * deep
        draw.text(
            (left + TILE // 2, top + LABEL // 2 + 2), name, INK, ImageFont.load_default(14), anchor="mm"
        )
        for row, grid in enumerate((instance.question, instance.target)):
            look, side = vb.verifier_of(instance).look, max(grid.shape)
            look = replace(look, cell=(TILE - look.line * (side + 1)) // side, canvas=None, margin=0)
            picture = Image.fromarray(vb.render(grid, look))
            x = left + (TILE - picture.width) // 2
            y = top + LABEL + row * (TILE + GAP // 2) + (TILE - picture.height) // 2
            sheet.paste(picture, (x, y))
            draw.rectangle((x - 1, y - 1, x + picture.width, y + picture.height), outline=FRAME)
    path = Path(__file__).parents[1] / "docs" / "figure.png"
    sheet.quantize(64).save(path, optimize=True)
    print(path)


if __name__ == "__main__":
    main()
