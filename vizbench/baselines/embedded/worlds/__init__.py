"""The stream of procedural worlds on which both embedded models are pretrained: one as frames, one as text.

Every law is drawn anew; a model that has seen thousands of them can be adapted to a new one from few
examples. None is a law of a suite's task (`excluded.py`). `OVERLAPS` says, for the tables, which families
have a relative among the worlds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
import numpy.typing as npt

from vizbench.baselines.embedded.worlds import automata, motion, shape
from vizbench.baselines.embedded.worlds.draw import Draw
from vizbench.baselines.embedded.worlds.scene import Boards, Scene

Law: TypeAlias = Callable[[Draw, int, int, int], Scene]

WORLDS: Mapping[str, tuple[Law, float]] = {
    "around": (automata.around, 4.0),
    "cross": (automata.cross, 1.0),
    "rows": (automata.rows, 1.0),
    "diagram": (automata.diagram, 2.0),
    "turmite": (automata.turmite, 1.5),
    "shift": (motion.shift, 1.0),
    "bounce": (motion.bounce, 0.5),
    "gravity": (motion.gravity, 1.0),
    "rays": (motion.rays, 1.0),
    "walker": (motion.walker, 1.0),
    "mirror": (motion.mirror, 1.0),
    "growth": (shape.growth, 1.0),
    "flood": (shape.flood, 2.0),
    "symmetry": (shape.symmetry, 0.7),
    "order": (shape.order, 0.5),
    "latin": (shape.latin, 2.0),
}
"""Each world with its weight in the stream: more for the broad ones, less for those that are learned at
once."""

WIDENING: tuple[tuple[float, tuple[str, ...]], ...] = (
    (0, ("around", "growth", "flood", "latin", "turmite")),
    (
        2 / 7,
        (
            "around",
            "growth",
            "flood",
            "latin",
            "turmite",
            "cross",
            "rays",
            "symmetry",
            "walker",
            "shift",
            "gravity",
        ),
    ),
    (1 / 2, tuple(WORLDS)),
)
"""From which share of a pretraining run on which worlds are in the stream. With all sixteen from the start,
no world had passed 10% of its held-out boards after 1,000 steps, and `around` alone had halved its loss after
600."""

OVERLAPS: Mapping[str, str] = {
    "life": "around: other rules of the same neighbourhood",
    "eca": "diagram: elementary rules outside the suite and their mirror images and complements",
    "langton": "turmite: walkers with other tables",
    "fill": "flood: water from springs, not enclosed regions",
    "sudoku": "latin: squares of other sizes",
    "arc/complete-shape": "symmetry: patterns of which one half is missing",
    "arc/extend-to-boundary": "rays: light from lamps to walls",
    "arc/filled-not-filled": "flood: water from springs, not enclosed regions",
    "arc/move-to-boundary": "gravity: cells that fall to one side",
    "arc/order": "order: bars sorted by length",
}
"""Task families, or variants, that are *near*: a relative was in the stream. The others are *far*."""


HELD_OUT: Mapping[str, str] = {
    "1e0a9b12": "gravity", "3906de3d": "gravity", "25ff71a9": "shift", "3c9b0459": "mirror", "6150a2bd": "mirror",
    "67a3c6ac": "mirror", "68b16354": "mirror", "74dd1130": "mirror", "9dfd6313": "mirror", "ed36ccf7": "mirror",
    "496994bd": "symmetry", "f25ffba3": "symmetry", "4258a5f9": "growth",
}  # fmt: skip
"""Training tasks of ARC-AGI-1 and 2, which no suite asks, whose rule is a law of the stream; its world."""


def pretraining_overlap(task: str) -> str | None:
    """`near: …` with the relative that was in the stream, or `far: …`, for the name of a task.

    `inside: …` for a task of HELD, and where the rule of an automaton is overridden: only the suites' own
    rules are kept out of the stream. None for all other tasks from files, which are not classed."""
    variant, _, query = task.partition("?")
    family = variant.partition("/")[0]
    if ":" in variant:
        held = (
            HELD_OUT.get(variant.rpartition("/")[2])
            if family in ("arc-agi-1:training", "arc-agi-2:training")
            else None
        )
        return f"inside: its rule is a law of {held}" if held else None
    if family in ("life", "eca") and "rule=" in query:
        return "inside: the stream may have held this very rule"
    relative = OVERLAPS.get(variant) or OVERLAPS.get(family)
    return f"near: {relative}" if relative else "far: no relative among the worlds"


CAPTION = 64
"""Length of a caption vector: one place a world, then the knobs scaled to -1 … 1."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class WorldBatch:
    """count pairs of one board shape from several laws.

    question, target `(count, h, w)` uint8 codes 0..9; caption `(count, 64)` float32; words: the captions as
    text, at most 24 characters of [a-z0-9]; names: the worlds."""

    question: Boards
    target: Boards
    caption: npt.NDArray[np.float32]
    words: tuple[str, ...]
    names: tuple[str, ...]


def opened(share: float) -> tuple[str, ...]:
    """The worlds in the stream after this share of a run, 0 … 1."""
    return [worlds for first, worlds in WIDENING if first <= share][-1]


def sample(seed: int, step: int, count: int, only: tuple[str, ...] = tuple(WORLDS)) -> WorldBatch:
    """Batch `step` of the stream `seed`: laws are shared by up to 4 pairs.

    only: the worlds to draw from, by name.
    """
    draw = Draw("worlds", seed, step, count, list(only))
    names = [name for name in WORLDS if name in only]
    others = [name for name in names if name != "latin"]
    weight = sum(WORLDS[name][1] for name in names)
    if not others or ("latin" in names and draw.chance(WORLDS["latin"][1] / weight)):
        h = w = (3, 5, 6, 6, 7)[draw.one(5)]  # a batch has one shape, and Latin squares have their own
        return _batch(draw, ["latin"], count, h, w)
    h, w = _shape(draw)
    return _batch(draw, others, count, h, w)


def _shape(draw: Draw) -> tuple[int, int]:
    """Every other time 8x8; else sides of 5 … 16 with at most 128 cells, so that steps cost about the same.

    Sides to 12 were tried: adapted to an elementary rule on rings of 16, the language model then had every
    cell right but those at the ends of a row, which read across (errors at n = 30: first cell .09, last two
    .08 and .31)."""
    if draw.chance(0.5):
        return 8, 8
    side = 5 + draw.one(12)
    other = 5 + draw.one(min(12, 128 // side - 4))
    return (side, other) if draw.chance(0.5) else (other, side)


def _batch(draw: Draw, names: list[str], count: int, h: int, w: int) -> WorldBatch:
    edges = np.cumsum([WORLDS[name][1] for name in names])
    scenes: list[tuple[str, Scene]] = []
    have = 0
    while have < count:
        name = names[int(np.searchsorted(edges, draw.between(0, float(edges[-1])), side="right"))]
        n = min(4, count - have)
        scenes.append((name, _recoloured(draw, WORLDS[name][0](draw, n, h, w))))
        have += n
    captions = np.concatenate([np.repeat(_caption(n, s)[None], len(s.question), 0) for n, s in scenes])
    return WorldBatch(
        np.concatenate([s.question for _, s in scenes]),
        np.concatenate([s.target for _, s in scenes]),
        captions.astype(np.float32),
        tuple(_words(n, s) for n, s in scenes for _ in s.question),
        tuple(n for n, s in scenes for _ in s.question),
    )


def _recoloured(draw: Draw, scene: Scene) -> Scene:
    """The codes 1 … 9 exchanged among each other in every third scene; 0 stays the ground.

    Only where the questions show every code of the targets: nobody could know the code of a trace or a rim
    else."""
    if not draw.chance(0.35) or not all(
        shows(q, t) for q, t in zip(scene.question, scene.target, strict=True)
    ):
        return scene
    table = np.concatenate([[0], 1 + draw.permutation(9)]).astype(np.uint8)
    return Scene(table[scene.question], table[scene.target], scene.knobs)


def shows(question: Boards, target: Boards) -> bool:
    """Whether every code of the target stands in the question."""
    return bool(np.isin(target, question).all())


def _caption(name: str, scene: Scene) -> npt.NDArray[np.float64]:
    vector = np.zeros(CAPTION)
    vector[list(WORLDS).index(name)] = 1.0
    for k, (value, values) in enumerate(scene.knobs):
        vector[len(WORLDS) + k] = 2.0 * value / (values - 1) - 1.0
    return vector


def _words(name: str, scene: Scene) -> str:
    return chr(ord("a") + list(WORLDS).index(name)) + "".join(str(value) for value, _ in scene.knobs)
