"""Apply a rule as in ARC (Chollet 2019), for the concepts of ConceptARC (Moskvichev et al. 2023).

Codes are ARC's colours. Colour 0 is the black ground. A variant is a concept. Each concept has rules of
different mechanism, and each rule has parameters.

With `rule`, the task is this rule. It has any number of pairs, in different sizes. The number `setting`
chooses the values of the rule's parameters.

Without `rule`, the task is one *episode*, chosen by its number: two to five demonstrations and one to three
tests of a rule that is not given. All rules of the library that explain all demonstrations give the same
answer to each test. Copying, turning or mirroring the question, or repeating the last answer, does not solve
it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Final, final, overload

import numpy as np
import numpy.typing as npt

from vizbench.errors import UserError
from vizbench.generators.arc.answers import colour_parts
from vizbench.generators.arc.certify import Episode, episode
from vizbench.generators.arc.facts import Pair
from vizbench.generators.arc.library import concepts, rule
from vizbench.generators.arc.random_draws import Draw
from vizbench.generators.arc.rule import COLOURS, MAX_SIDE, Rule
from vizbench.generators.arc.scene import Scene
from vizbench.generators.arc.scene_kernels import count_batch
from vizbench.seeds import keys, stream
from vizbench.task.contract import Demonstrations, HasDemonstrations, Metric, Reasoning, Task, check_equal
from vizbench.types import Batch, CheckResult, Grid, Grids, Keys, Look, Trajectories

ANY: Final = "any"
"""The value of `Params.rule` for an episode."""

MAX_NUMBER: Final = 10**11
"""Episodes and settings are numbered 0 … MAX_NUMBER - 1."""

_BITS: Final = 4
"""Bits of a colour 0 … 9."""


@final
@dataclass(frozen=True)
class Params(HasDemonstrations):
    """Choose a rule and its parameters, or an episode.

    Raises UserError if a name is unknown, a number is out of range, or `setting` or `episode` has no use.
    """

    concept: str = "center"
    """A concept of the library."""
    rule: str = ANY
    """The id of one of the concept's rules, or `any` for an episode."""
    setting: int = 0
    """The number of the rule's parameters, 0 … 99,999,999,999. Only with a rule."""
    episode: int = 0
    """The number of the episode, 0 … 99,999,999,999. Only without a rule."""

    def __post_init__(self) -> None:
        if self.concept not in concepts():
            raise UserError(
                f"concept={self.concept[:40]!r} is none of {', '.join(concepts())}: choose one of these"
            )
        if self.rule != ANY:
            rule(self.concept, self.rule)  # raises UserError if there is no such rule
        for name in ("setting", "episode"):
            if not 0 <= getattr(self, name) < MAX_NUMBER:
                raise UserError(
                    f"{name}={getattr(self, name)} is outside 0 … {MAX_NUMBER - 1:,}: choose one there"
                )
        if self.setting and self.rule == ANY:
            raise UserError(
                f"setting={self.setting} belongs to a rule: name one by rule=ID, or leave the setting out"
            )
        if self.episode and self.rule != ANY:
            raise UserError(
                f"episode={self.episode} has a rule of its own: leave out the episode, or rule={self.rule}"
            )

    @property
    def fixed(self) -> bool:
        """Whether this is an episode: no rule is given."""
        return self.rule == ANY

    def shown(self) -> Demonstrations | None:
        """Return the episode, or None if a rule is given."""
        if self.rule != ANY:
            return None
        drawn = episode(self.concept, self.episode)
        return Demonstrations(_grids(drawn.demos), _grids(drawn.tests), story(drawn))


_LEVELS: Final = (
    ("extend-to-boundary", "stem-from-the-middle", 0),
    ("center", "line-through-the-middle", 0),
    ("center", "crossbar-to-the-middle", 1),
    ("move-to-boundary", "stem-first", 1),
    ("same-different", "lines-the-same-way", 1),
    ("clean-up", "wipe-stain", 0),
    ("top-bottom-2d", "fill-beyond-objects", 1),
    ("above-below", "colour-of-stacked", 1),
    ("order", "sort-cells-by-top-row", 0),
    ("inside-outside", "marked-box", 0),
)
"""Concept, rule and setting of each level. The pairs rise in objects, colours and changed cells."""


@final
class Levels(Sequence[Params]):
    """Make the parameters of a level when they are asked for. So listing tasks imports no rules."""

    def __len__(self) -> int:
        return len(_LEVELS)

    @overload
    def __getitem__(self, index: int) -> Params: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Params]: ...
    def __getitem__(self, index: int | slice) -> Params | Sequence[Params]:
        if isinstance(index, slice):
            return [Params(*level) for level in _LEVELS[index]]
        return Params(*_LEVELS[index])


def _grids(pairs: Sequence[Pair]) -> tuple[tuple[Grid, Grid], ...]:
    """Return the questions and answers of the pairs."""
    return tuple((pair.question.grid, pair.answer.grid) for pair in pairs)


def story(drawn: Episode) -> dict[str, object]:
    """Return the `meta` of an episode's rows, as plain JSON.

    `agree` are other rules that explain the demonstrations and give the same answers. `rejected` are those
    that do not explain the demonstrations.
    """
    chosen = drawn.rule
    agree = {each.id() for each in drawn.fits} - {chosen.id()}
    return {
        "rule": chosen.id(),
        "sentence": chosen.sentence,
        "parameters": dict(chosen.parameters),
        "agree": sorted(agree),
        "rejected": list(drawn.rejected),
    }


@lru_cache(maxsize=1024)
def rule_of(params: Params) -> Rule:
    """Return the rule that the parameters choose, with the values of its own parameters."""
    if params.rule == ANY:
        return episode(params.concept, params.episode).rule
    return rule(params.concept, params.rule).sample(Draw(stream("setting", params.rule, params.setting)))


def _pair(chosen: Rule, key: int) -> tuple[Grid, Grid]:
    """Draw a question and its answer."""
    draw = Draw(key)
    while True:
        drawn = chosen.pair(draw)
        # It is None once in many thousands of draws, for rules with crowded scenes.
        if drawn is not None:
            return drawn.question.grid, drawn.answer.grid


_USUAL: Final[Mapping[str, str]] = {"grey": "gray", "sky": "light blue", "maroon": "dark red"}
"""Colours of rules by the names that prompts use for them."""


def _in_usual_words(sentence: str) -> str:
    """Return the sentence of a rule with the names of colours that prompts use."""
    for colour, usual in _USUAL.items():
        sentence = re.sub(rf"\b{colour}\b", usual, sentence)
    return sentence


@final
class Arc(Task[Params]):
    """Apply a rule to a grid."""

    family = "arc"
    version = 3
    summary = "Find the rule that the demonstrations share, and apply it to the test grid."
    reasoning = Reasoning.INDUCTION
    look = Look("arc", canvas=400, line=2)
    codes = 10
    resizes = True
    parts: ClassVar[Mapping[str, str]] = {
        "changed": "the share of the cells that had to become a color and did, for the color with the least "
        "share; an answer of another size starts from the top left of the question, black beyond it",
        "kept": "the share of the cells that had to keep a color and did, for the color with the least share",
        "precise": "the share of the changed cells that are right, squared",
    }
    legend = tuple(_USUAL.get(colour, colour) for colour in COLOURS)
    metric = Metric.JACCARD
    # As a share of the cells that are coloured in either grid. Moving one of six objects is too little.
    min_distance = 0.3
    variants: Mapping[str, Params] = {name: Params(name) for name in concepts()}
    levels = Levels()

    def instructions(self, params: Params) -> tuple[str, str, str]:
        """Return what is asked. If the rule is named, it is given in words."""
        if params.rule == ANY:
            keep = (
                "Black is the empty ground. The answer may have another size than the grid, and cells that "
                "the rule leaves alone keep their colors."
            )
            return (
                "All examples share one rule that turns the grid of a question into its answer. "
                f"Find the rule, and apply it to this grid. {keep}",
                f"Work out which rule explains every example, and answer this question by it. {keep}",
                f"One rule made the answers of all examples. {keep} What does it make of this grid?",
            )
        sentence = _in_usual_words(rule_of(params).sentence)
        keep = "Black is the empty ground, and cells that the rule leaves alone keep their colors."
        return (
            f"Apply this rule to the grid, once. {sentence} {keep}",
            f"Change the grid by one rule, and show the result. {sentence} {keep}",
            f"{sentence} {keep} What does the grid look like after this rule was applied?",
        )

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        chosen = rule_of(params)
        question = np.zeros((len(keys), MAX_SIDE, MAX_SIDE), np.uint8)
        target = np.zeros_like(question)
        sizes = np.empty((len(keys), 4), np.int64)
        for i, key in enumerate(keys.tolist()):
            question_grid, target_grid = _pair(chosen, key)
            sizes[i] = *question_grid.shape, *target_grid.shape
            question[i, : sizes[i, 0], : sizes[i, 1]] = question_grid
            target[i, : sizes[i, 2], : sizes[i, 3]] = target_grid
        return Batch(question, target, sizes=sizes)

    def steps(self, params: Params, question: Grid, target: Grid) -> Grids:
        """Return the target as the only state: a rule has no steps."""
        return target[None]

    def steps_batch(self, params: Params, question: Grids, target: Grids) -> Trajectories:
        """Return the targets, one state each."""
        return Trajectories(target, np.arange(len(target) + 1))

    def step_count(self, params: Params, question: Grid) -> int:
        """Return 1."""
        return 1

    def check_step(self, params: Params, question: Grid, before: Grid, after: Grid) -> CheckResult:
        """Check the answer, which is the only step."""
        return self.check(params, question, after)

    def features(self, params: Params, batch: Batch) -> npt.NDArray[np.uint8]:
        """Return the bits of the colours of 30x30 cells, black outside the grid.

        One bit per cell, coloured or not, is not enough: all wallpapers without a black cell would be equal.
        """
        whole = np.zeros((len(batch), _BITS, MAX_SIDE, MAX_SIDE), np.uint8)
        height, width = (min(side, MAX_SIDE) for side in batch.question.shape[1:])
        for bit in range(_BITS):
            whole[:, bit, :height, :width] = batch.question[:, :height, :width] >> bit & 1
        return whole.reshape(len(batch), -1)

    def difficulty_batch(
        self, params: Params, question: Grids, target: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return the sizes of the pairs.

        - `effort`: objects + colours + sqrt(changed)
        - `objects`: objects of one colour in the question
        - `colours`: different colours of the question and the target
        - `changed`: cells that change, or all of the target's if its array has another size
        - `score`: effort / (effort + 16)
        """
        n = len(question)
        objects, colours = np.empty(n), np.empty(n)
        count_batch(np.ascontiguousarray(question), np.ascontiguousarray(target), objects, colours)
        if question.shape == target.shape:
            changed = (question != target).reshape(n, -1).sum(axis=1).astype(np.float64)
        else:
            changed = np.full(n, float(target[:1].size))
        effort = objects + colours + np.sqrt(changed)
        return {
            "score": effort / (effort + 16),
            "effort": effort,
            "objects": objects,
            "colours": colours,
            "changed": changed,
        }

    def parts_batch(
        self, params: Params, question: Grids, target: Grids, answer: Grids
    ) -> Mapping[str, npt.NDArray[np.float64]]:
        """Return `changed`, `kept` and `precise`, see `colour_parts`. `precise` is squared.

        A stain that is wiped off but put elsewhere, as in a mirrored question, would otherwise get 0.13. If
        the sizes differ, changes count from the top left of the question, with black beyond it. From an
        all-black grid, the question cut to size would get a quarter of the reward.
        """
        n = len(question)
        before = np.zeros_like(target)
        height, width = np.minimum(question.shape[1:], target.shape[1:]).tolist()
        before[:, :height, :width] = question[:, :height, :width]
        flat = [np.ascontiguousarray(grids).reshape(n, -1) for grids in (before, target, answer)]
        changed, kept, precise = np.empty(n), np.empty(n), np.empty(n)
        colour_parts(*flat, changed, kept, precise)
        return {"changed": changed, "kept": kept, "precise": precise**2}

    def check(self, params: Params, question: Grid, answer: Grid) -> CheckResult:
        """Compare the answer with the rule's answer to the question.

        If they differ, a second verifier that does not run the rule describes what is wrong.
        """
        chosen = rule_of(params)
        expected = chosen.answer(Scene(question))
        if expected is None:
            return CheckResult(False, "the rule does not apply to this question")
        result = check_equal(answer, expected, "differ from the rule's answer")
        if result.valid or answer.shape != expected.shape:
            return result
        fault = chosen.check(Scene(question), answer)
        return CheckResult(False, f"{fault}; {result.reason}") if fault else result

    def check_batch(self, params: Params, question: Grids, answer: Grids) -> npt.NDArray[np.bool_]:
        """Compare answers with the rule's. A rule is a program for one grid, so it runs row by row."""
        chosen = rule_of(params)
        valid = np.zeros(len(question), np.bool_)
        for row, grid in enumerate(question):
            expected = chosen.answer(Scene(grid))
            valid[row] = expected is not None and np.array_equal(expected, answer[row])
        return valid

    def solve(self, params: Params, question: Grid) -> Grid | None:
        return rule_of(params).answer(Scene(question))

    def guess(self, params: Params, question: Grid, key: int) -> Grid | None:
        """Return random cells in the target's size: black, or one of the question's colours."""
        expected = self.solve(params, question)
        if expected is None:
            return None
        colours = np.union1d(question, np.zeros(1, np.uint8))
        picks = keys(key, 0, expected.size) % np.uint64(len(colours))
        return colours[picks].reshape(expected.shape)


TASK = Arc()
