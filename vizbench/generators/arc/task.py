"""Rules in the manner of ARC (Chollet 2019) for the concepts of ConceptARC (Moskvichev et al. 2023).

Codes are ARC's colours, 0 the black ground. A variant is a concept; each concept has rules of different
mechanism, and each rule has parameters. With `rule` named, the task is that rule: pairs without end, in sizes
of their own, the rule's parameters set by the number `setting`. Without it, the task is one *episode*, by its
number: two to five demonstrations and one to three tests of a rule that is not told. No rule of the whole
library that explains all demonstrations gives another answer to the tests, nor does copying, turning or
mirroring the question, or repeating the last answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, final

import numpy as np
import numpy.typing as npt

from vizbench.errors import UserError
from vizbench.generators.arc.certify import Episode, episode
from vizbench.generators.arc.draw import Draw
from vizbench.generators.arc.library import concepts, rule
from vizbench.generators.arc.rule import MAX_SIDE, Rule
from vizbench.generators.arc.scene import Scene
from vizbench.seeds import keys, stream
from vizbench.task import Demonstrations, HasDemonstrations, Metric, Task, check_equal
from vizbench.types import Batch, CheckResult, Grid, Grids, Keys, Look

ANY: Final = "any"

_BITS: Final = 4  # of a colour, 0 … 9

MAX_NUMBER: Final = 10**11
"""Episodes and settings are numbered 0 … MAX_NUMBER - 1."""


@final
@dataclass(frozen=True)
class Params(HasDemonstrations):
    """concept: one that has rules; rule: the id of one of them, or any: the episode's; setting: number of the
    rule's parameters, with a rule alone; episode: number, without a rule alone; both 0 … 99,999,999,999."""

    concept: str = "center"
    rule: str = ANY
    setting: int = 0
    episode: int = 0

    def __post_init__(self) -> None:
        if self.concept not in concepts():
            raise UserError(
                f"concept={self.concept[:40]!r} is none of {', '.join(concepts())}: choose one of these"
            )
        if self.rule != ANY:
            rule(self.concept, self.rule)
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
        """Whether no rule is named: an episode then."""
        return self.rule == ANY

    def shown(self) -> Demonstrations | None:
        """The episode, where no rule is named."""
        if self.rule != ANY:
            return None
        found = episode(self.concept, self.episode)
        demos, tests = (
            tuple((pair.question.grid, pair.answer.grid) for pair in pairs)
            for pairs in (found.demos, found.tests)
        )
        return Demonstrations(demos, tests, story(found))


def story(found: Episode) -> dict[str, object]:
    """What is told of an episode beside its grids, as plain JSON: the rule, its parameters, which rules
    explain the demonstrations too and answer the same, and which were tried and do not."""
    chosen = found.rule
    agree = sorted({each.id() for each in found.fits} - {chosen.id()})
    told: dict[str, object] = {
        "rule": chosen.id(),
        "sentence": chosen.sentence,
        "parameters": dict(chosen.parameters),
    }
    return told | {"agree": agree, "rejected": list(found.rejected)}


@lru_cache(maxsize=1024)
def rule_of(params: Params) -> Rule:
    """The rule that a record names, its parameters filled in."""
    if params.rule == ANY:
        return episode(params.concept, params.episode).rule
    return rule(params.concept, params.rule).sample(Draw(stream("setting", params.rule, params.setting)))


def _pair(chosen: Rule, key: int) -> tuple[Grid, Grid]:
    draw = Draw(key)
    while True:
        found = chosen.pair(draw)  # None once in many thousands, where a rule's scenes are crowded
        if found is not None:
            return found.question.grid, found.answer.grid


@final
class Arc(Task[Params]):
    """Apply a rule to a scene."""

    family = "arc"
    version = 2
    summary = "Find the rule that the demonstrations share, and apply it to the test grid."
    look = Look("arc", canvas=400, line=2)
    codes = 10
    resizes = True
    metric = Metric.JACCARD
    # Of what is coloured in either: a scene of which one object of six was moved is too near.
    min_distance = 0.3
    variants: Mapping[str, Params] = {name: Params(name) for name in concepts()}

    def generate_batch(self, params: Params, keys: Keys) -> Batch:
        chosen = rule_of(params)
        question = np.zeros((len(keys), MAX_SIDE, MAX_SIDE), np.uint8)
        target = np.zeros_like(question)
        sizes = np.empty((len(keys), 4), np.int64)
        for i, key in enumerate(keys.tolist()):
            asked, told = _pair(chosen, key)
            sizes[i] = *asked.shape, *told.shape
            question[i, : sizes[i, 0], : sizes[i, 1]] = asked
            target[i, : sizes[i, 2], : sizes[i, 3]] = told
        return Batch(question, target, sizes=sizes)

    def steps(self, params: Params, question: Grid, target: Grid) -> Grids:
        """The answer at once: a rule has no way to it."""
        return target[None]

    def step_count(self, params: Params, question: Grid) -> int:
        """One."""
        return 1

    def check_step(self, params: Params, question: Grid, before: Grid, after: Grid) -> CheckResult:
        """The answer at once."""
        return self.check(params, question, after)

    def features(self, params: Params, batch: Batch) -> npt.NDArray[np.uint8]:
        """The bits of the colours of 30x30 cells, black where there is no grid.

        Which cells are coloured is not enough: a wallpaper that has no black cell was as near to every other.
        """
        whole = np.zeros((len(batch), _BITS, MAX_SIDE, MAX_SIDE), np.uint8)
        h, w = (min(side, MAX_SIDE) for side in batch.question.shape[1:])
        for bit in range(_BITS):
            whole[:, bit, :h, :w] = batch.question[:, :h, :w] >> bit & 1
        return whole.reshape(len(batch), -1)

    def difficulty(self, params: Params, question: Grid, target: Grid) -> Mapping[str, float]:
        """score: x / (x + 16) with x = objects + colours + sqrt(cells that change): how much there is to look
        at.

        objects: of one colour; colours: of the question and the target; changed: cells, all of the target's
        where its size is another."""
        objects, colours = (
            len(Scene(question).shapes),
            len({*Scene(question).colours, *Scene(target).colours}),
        )
        same = question.shape == target.shape
        changed = float(np.count_nonzero(question != target) if same else target.size)
        load = objects + colours + changed**0.5
        figures = {"objects": float(objects), "colours": float(colours), "changed": changed}
        return {"score": load / (load + 16)} | figures

    def check(self, params: Params, question: Grid, answer: Grid) -> CheckResult:
        """Equal to what the rule makes of the question; a second look, which does not run it, says what is
        wrong."""
        chosen = rule_of(params)
        wanted = chosen.answer(Scene(question))
        if wanted is None:
            return CheckResult(False, "the rule says nothing about this question")
        ruling = check_equal(answer, wanted, "differ from what the rule makes")
        if ruling.valid or answer.shape != wanted.shape:
            return ruling
        fault = chosen.check(Scene(question), answer)
        return CheckResult(False, f"{fault}; {ruling.reason}" if fault else ruling.reason)

    def solve(self, params: Params, question: Grid) -> Grid | None:
        return rule_of(params).answer(Scene(question))

    def guess(self, params: Params, question: Grid, key: int) -> Grid | None:
        """Noise of the answer's size: each cell black or one of the question's colours."""
        wanted = self.solve(params, question)
        if wanted is None:
            return None
        colours = np.union1d(question, np.zeros(1, np.uint8))
        return colours[keys(key, 0, wanted.size) % np.uint64(len(colours))].reshape(wanted.shape)


TASK = Arc()
