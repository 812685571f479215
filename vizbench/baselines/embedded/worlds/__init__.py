"""Draw the procedural worlds on which both embedded models are pretrained.

The video model reads them as frames, the language model as text. Every world draws a new law for each group
of pairs. No law is the rule of a task in a suite (see `excluded.py`). `OVERLAPS` names the task families that
are related to a world.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
import numpy.typing as npt

from vizbench.baselines.embedded.worlds import automata, motion, shape
from vizbench.baselines.embedded.worlds.random_draws import Draw
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
"""Each world's law and its weight in the stream.

Broad worlds weigh more. Worlds that are learned quickly weigh less.
"""

_FIRST = ("around", "growth", "flood", "latin", "turmite")
_SECOND = ("cross", "rays", "symmetry", "walker", "shift", "gravity")

WIDENING: tuple[tuple[float, tuple[str, ...]], ...] = (
    (0, _FIRST),
    (2 / 7, (*_FIRST, *_SECOND)),
    (1 / 2, tuple(WORLDS)),
)
"""The worlds in the stream, with the share of the pretraining run from which each row applies.

With all sixteen worlds from the start, no world passed 10% of its held-out boards after 1,000 steps. With
`around` only, the loss had halved after 600.
"""

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
"""Task families, or variants, that are *near*: a related law is in the stream. All others are *far*."""


HELD_OUT: Mapping[str, str] = {
    "1e0a9b12": "gravity", "3906de3d": "gravity", "25ff71a9": "shift", "3c9b0459": "mirror",
    "6150a2bd": "mirror", "67a3c6ac": "mirror", "68b16354": "mirror", "74dd1130": "mirror",
    "9dfd6313": "mirror", "ed36ccf7": "mirror", "496994bd": "symmetry", "f25ffba3": "symmetry",
    "4258a5f9": "growth",
}  # fmt: skip
"""ARC-AGI-1 and 2 training tasks whose rule is a law of the stream, with its world. No suite uses them."""

_ARC_TRAINING = ("arc-agi-1:training", "arc-agi-2:training")


def pretraining_overlap(task: str) -> str | None:
    """Return how the pretraining data relate to a task: `near: …`, `far: …`, `inside: …`, or None.

    `near` names the related world. `inside` means that the stream holds, or may hold, the task's own rule:
    the task is in `HELD_OUT`, or it overrides the rule of an automaton. Only the rules of the suites are
    excluded from the stream. Other tasks from files are not classified: None.
    """
    variant, _, query = task.partition("?")
    family = variant.partition("/")[0]
    if ":" in variant:
        world = HELD_OUT.get(variant.rpartition("/")[2])
        if family not in _ARC_TRAINING or world is None:
            return None
        return f"inside: its rule is a law of {world}"
    if family in ("life", "eca") and "rule=" in query:
        return "inside: the stream may have held this very rule"
    relative = OVERLAPS.get(variant) or OVERLAPS.get(family)
    return f"near: {relative}" if relative else "far: no relative among the worlds"


CAPTION = 64
"""Length of a caption vector: one entry per world, then the law's knobs scaled to -1 … 1."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class WorldBatch:
    """Pairs of one grid shape, drawn from several laws."""

    question: Boards
    """Codes 0 … 9, `(count, h, w)` uint8."""
    target: Boards
    """Codes 0 … 9, `(count, h, w)` uint8."""
    caption: npt.NDArray[np.float32]
    """The law of each pair as a vector, `(count, CAPTION)`."""
    words: tuple[str, ...]
    """The law of each pair as text: at most 24 characters of [a-z0-9]."""
    names: tuple[str, ...]
    """The world of each pair."""


def opened(share: float) -> tuple[str, ...]:
    """Return the worlds in the stream after this share of the run, 0 … 1."""
    return [worlds for first, worlds in WIDENING if first <= share][-1]


def sample(seed: int, step: int, count: int, only: tuple[str, ...] = tuple(WORLDS)) -> WorldBatch:
    """Return batch `step` of the stream `seed`. Up to four pairs share a law.

    `only` restricts the worlds, by name.
    """
    draw = Draw("worlds", seed, step, count, list(only))
    names = [name for name in WORLDS if name in only]
    others = [name for name in names if name != "latin"]
    weight = sum(WORLDS[name][1] for name in names)
    if not others or ("latin" in names and draw.chance(WORLDS["latin"][1] / weight)):
        # A batch has one shape, and Latin squares have shapes of their own.
        h = w = (3, 5, 6, 6, 7)[draw.one(5)]
        return _batch(draw, ["latin"], count, h, w)
    h, w = _shape(draw)
    return _batch(draw, others, count, h, w)


def _shape(draw: Draw) -> tuple[int, int]:
    """Draw a shape: 8x8 half of the time, else sides of 5 … 16 with at most 128 cells.

    The limit of 128 cells makes all optimizer steps cost about the same. Sides of at most 12 were tried
    before. The language model, adapted to an elementary rule on rings of 16, then failed at the ends of a
    row, where a cell reads across the edge (errors with 30 shots: first cell .09, last two .08 and .31).
    """
    if draw.chance(0.5):
        return 8, 8
    side = 5 + draw.one(12)
    other = 5 + draw.one(min(12, 128 // side - 4))
    return (side, other) if draw.chance(0.5) else (other, side)


def _batch(draw: Draw, names: list[str], count: int, h: int, w: int) -> WorldBatch:
    # Draw groups of up to four pairs that share a law.
    edges = np.cumsum([WORLDS[name][1] for name in names])
    scenes: list[tuple[str, Scene]] = []
    have = 0
    while have < count:
        name = names[int(np.searchsorted(edges, draw.between(0, float(edges[-1])), side="right"))]
        n = min(4, count - have)
        scenes.append((name, _recoloured(draw, WORLDS[name][0](draw, n, h, w))))
        have += n

    # Repeat each law's caption for its pairs.
    captions: list[npt.NDArray[np.float64]] = []
    words: list[str] = []
    worlds: list[str] = []
    for name, scene in scenes:
        n = len(scene.question)
        captions += [_caption(name, scene)] * n
        words += [_words(name, scene)] * n
        worlds += [name] * n
    return WorldBatch(
        np.concatenate([scene.question for _, scene in scenes]),
        np.concatenate([scene.target for _, scene in scenes]),
        np.stack(captions).astype(np.float32),
        tuple(words),
        tuple(worlds),
    )


def _recoloured(draw: Draw, scene: Scene) -> Scene:
    """Permute the codes 1 … 9 in every third scene. Code 0 stays the ground.

    Only scenes whose questions show every code of the targets are changed. Otherwise the code of a trace or
    a rim could not be known.
    """
    if not draw.chance(0.35):
        return scene
    if not all(shows(q, t) for q, t in zip(scene.question, scene.target, strict=True)):
        return scene
    table = np.concatenate([[0], 1 + draw.permutation(9)]).astype(np.uint8)
    return Scene(table[scene.question], table[scene.target], scene.knobs)


def shows(question: Boards, target: Boards) -> bool:
    """Return whether the question contains every code of the target."""
    return bool(np.isin(target, question).all())


def _caption(name: str, scene: Scene) -> npt.NDArray[np.float64]:
    """Return the caption vector: a one-hot world, then the knobs."""
    vector = np.zeros(CAPTION)
    vector[list(WORLDS).index(name)] = 1.0
    for k, (value, values) in enumerate(scene.knobs):
        vector[len(WORLDS) + k] = 2.0 * value / (values - 1) - 1.0
    return vector


def _words(name: str, scene: Scene) -> str:
    """Return the caption as text: a letter for the world, then a digit per knob."""
    world = chr(ord("a") + list(WORLDS).index(name))
    return world + "".join(str(value) for value, _ in scene.knobs)
