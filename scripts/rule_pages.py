"""Write docs/rules/: a page per concept with a sentence and three pairs of question and target per rule.

    python scripts/rule_pages.py

Prints the folder, the number of pages and pictures, and their bytes. A test fails if a line or a pixel is out
of date.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from vizbench.generators.arc.library import concepts, rules
from vizbench.generators.arc.random_draws import Draw
from vizbench.generators.arc.rule import Rule
from vizbench.generators.arc.task import TASK
from vizbench.renderers.frames import index_palette, render_indices
from vizbench.seeds import stream
from vizbench.types import Grid

FOLDER = Path(__file__).parents[1] / "docs" / "rules"
PAIRS = 3
LOOK = replace(TASK.look, cell=8, line=1, canvas=None, margin=1)
CLEAR = len(index_palette(LOOK))
"""The transparent code."""
NEAR, FAR = 6, 22
"""Pixels between a question and its target, and between pairs."""

HEAD = """# arc/{concept}

Written by `python scripts/rule_pages.py`; a test keeps it current. {count} rules, each with one
choice of its parameters, in three pairs of question and target. `vizbench show arc/{concept} --set
rule=ID` draws other pairs of one rule. `vizbench show arc/{concept} --all` draws an episode:
demonstrations of a rule that is not named, and its tests.
"""


@functools.cache
def shown(family: type[Rule]) -> tuple[Rule, tuple[tuple[Grid, Grid], ...]]:
    """Return a rule of the family and its pairs, always the same."""
    draw = Draw(stream("gallery", family.id()))
    rule = family.sample(draw)
    pairs: list[tuple[Grid, Grid]] = []
    while len(pairs) < PAIRS:
        pair = rule.pair(draw)
        if pair is not None:
            pairs.append((pair.question.grid, pair.answer.grid))
    return rule, tuple(pairs)


def drawn(grid: Grid, height: int) -> npt.NDArray[np.uint8]:
    """Return a grid in palette codes, centred in a transparent strip of this height."""
    codes = render_indices(grid[None], LOOK)[0]
    above = (height - len(codes)) // 2
    return np.pad(codes, ((above, height - len(codes) - above), (0, 0)), constant_values=CLEAR)


def picture(family: type[Rule]) -> Image.Image:
    """Return the pairs from left to right, in palette mode on a transparent ground."""
    _, pairs = shown(family)
    height = max(len(render_indices(grid[None], LOOK)[0]) for pair in pairs for grid in pair)
    far, near = (np.full((height, width), CLEAR, np.uint8) for width in (FAR, NEAR))
    parts: list[npt.NDArray[np.uint8]] = []
    for question, answer in pairs:
        parts += [far, drawn(question, height), near, drawn(answer, height)]
    strip = Image.fromarray(np.hstack(parts[1:]))  # mode L, until it gets a palette
    strip.putpalette(index_palette(LOOK).tobytes() + bytes([255, 255, 255]))
    strip.info["transparency"] = CLEAR
    return strip


def page(concept: str) -> str:
    """Return the page of a concept."""
    families = rules(concept)
    lines = [HEAD.format(concept=concept, count=len(families))]
    for family in families:
        rule, _ = shown(family)
        lines += [
            f"## {family.id()}",
            "",
            rule.sentence,
            "",
            f"![{family.id()}: three pairs]({family.id()}.png)",
            "",
        ]
    return "\n".join(lines)


def pages() -> dict[str, str]:
    """Return every page, by its file name."""
    return {f"{concept}.md": page(concept) for concept in concepts()}


def pictures() -> dict[str, Image.Image]:
    """Return every picture, by its file name."""
    return {f"{family.id()}.png": picture(family) for family in rules()}


def main() -> None:
    """Write pages and pictures, and remove all other files of the folder."""
    FOLDER.mkdir(exist_ok=True)
    texts, strips = pages(), pictures()
    for path in FOLDER.iterdir():
        if path.name not in texts.keys() | strips.keys():
            path.unlink()
    for name, text in texts.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    for name, strip in strips.items():
        strip.save(FOLDER / name, "PNG", optimize=True)
    size = sum(path.stat().st_size for path in FOLDER.iterdir())
    print(f"{FOLDER}: {len(texts)} pages, {len(strips)} pictures, {size:,} bytes")


if __name__ == "__main__":
    main()
