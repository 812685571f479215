"""What every rule promises, asked of every class in the files of concepts: a new rule is tested by lying
there."""

from __future__ import annotations

import json
import re
from importlib import import_module
from itertools import pairwise

import numpy as np
import pytest

from tests.support.sampled_rules import every_concept, every_rule, made, noise, sampled
from vizbench.generators.arc.certify import shortcut
from vizbench.generators.arc.draw import Draw
from vizbench.generators.arc.facts import Demos, pair
from vizbench.generators.arc.library import rules
from vizbench.generators.arc.rule import Rule
from vizbench.generators.arc.scene import Scene

OPPOSITES = tuple(
    (frozenset(one.split()), frozenset(other.split()))
    for one, other in (
        ("most commonest", "fewest rarest"),
        ("even", "odd"),
        ("large larger largest big longest", "small smaller smallest short shortest"),
        (
            "top topmost above up upper high higher highest cap rise",
            "bottom bottommost below down low lower lowest fall",
        ),
        ("over on", "under beneath"),
        ("left leftmost", "right rightmost"),
        ("row rows horizontal", "column columns vertical"),
        ("inside inner", "outside outer"),
        ("filled full", "hollow empty"),
        ("same alike", "different"),
        ("next after", "before previous"),
        ("near nearest", "far farthest"),
        ("first", "last"),
        ("keep", "take"),
    )
)


def contradictions(family: type[Rule]) -> set[tuple[str, str]]:
    """(name, setting) where an id or a parameter's name holds a word and the setting only its opposite."""
    found: set[tuple[str, str]] = set()
    named = {family.id(): family.id().split("-")}
    for rule in family.settings():
        values = {name: value for name, value in rule.parameters.items() if isinstance(value, str)}
        told = [*((family.id(), text) for text in (*values.values(), rule.sentence)), *values.items()]
        for name, text in told:
            said = re.findall("[a-z]+", text.lower().replace("not the same", "different"))
            for one, other in (*OPPOSITES, *((other, one) for one, other in OPPOSITES)):
                title = named.get(name, [name])
                if one & {*title} and not other & {*title} and other & {*said} and not one & {*said}:
                    found.add((name, text))
    return found


def test_no_name_contradicts_a_setting():
    assert {pair for family in rules() for pair in contradictions(family)} == set()


@pytest.mark.parametrize(
    ("name", "contradictory"),
    [
        ("parity-cells", "EvenCells"),
        ("parity-cells", "OddCells"),
        ("extreme-spots", "MostSpots"),
        ("beyond-the-pivot", "HigherThanPivot"),
        ("as-large-as-the-loner", "AsLargeAsTheFilled"),
        ("link-by-likeness", "LinkTheSame"),
        ("shared-trait", "KeepTheAlike"),
        ("neighbour-in-top-row", "NextInTopRow"),
        ("view-along-columns", "ViewFromAbove"),
        ("take-lines-by-layer", "TakeLinesBeneath"),
        ("repeat-by-dots", "RepeatInRow"),
    ],
)
def test_a_name_of_one_side_is_found(name: str, contradictory: str):
    family: type[Rule] = type(contradictory, tuple(each for each in rules() if each.id() == name), {})
    assert contradictions(family)


def test_rules_have_names_of_their_own():
    names = [family.id() for family in rules()]
    assert len(set(names)) == len(names)


@every_concept
def test_a_concept_has_eight_rules_and_a_twin(concept: str):
    assert len(rules(concept)) >= 8
    twins = import_module(f"tests.oracles.arc_concepts.{concept.replace('-', '_')}").TWINS
    assert {*twins} & {family.id() for family in rules(concept)} == {*twins} != set()


@every_concept
def test_twins_written_from_the_sentence_agree(concept: str):
    twins = import_module(f"tests.oracles.arc_concepts.{concept.replace('-', '_')}").TWINS
    for family in rules(concept):
        for one in sampled(family) if family.id() in twins else ():
            for shown in one.pairs:
                found = twins[family.id()](shown.question.grid.tolist(), **one.rule.parameters)
                assert found == shown.answer.grid.tolist(), one.rule.sentence


@every_rule
def test_a_rule_describes_itself(family: type[Rule]):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", family.id())
    for one in sampled(family):
        sentence = one.rule.sentence
        assert sentence.endswith(".") and "{" not in sentence and "\n" not in sentence and len(sentence) < 200
        assert json.loads(json.dumps(dict(one.rule.parameters))) == dict(one.rule.parameters)
        for name in one.rule.parameters:
            assert "{" + name in family.says, f"the sentence does not say {name}"
    settings = family.settings()
    assert len({rule.sentence for rule in settings}) == len(settings) <= 2000


@every_rule
def test_pairs_are_grids_on_which_the_rule_is_visible(family: type[Rule]):
    for one in sampled(family):
        for shown in one.pairs:
            question, answer = shown.question.grid, shown.answer.grid
            for grid in (question, answer):
                assert grid.dtype == np.uint8 and grid.ndim == 2
                assert min(grid.shape) >= 1 and max(grid.shape) <= 30 and int(grid.max()) <= 9
            assert not np.array_equal(question, answer)
            assert one.rule.explains(pair(question.copy(), answer))
            assert family.keeps & ~shown.facts == 0, "`keeps` promises a fact that does not hold"


@every_rule
def test_the_same_key_makes_the_same_pair(family: type[Rule]):
    rule = sampled(family)[0].rule
    one, same, other = (made(rule, Draw(key)) for key in (5, 5, 6))
    assert one.question.key == same.question.key and one.answer.key == same.answer.key
    assert one.question.key != other.question.key


@every_rule
def test_pairs_seldom_repeat(family: type[Rule]):
    """1 % of 10,000 is 0.2 % of 2,000; `benchmarks.rules --pairs 10000` counts the former."""
    rule, draw = sampled(family)[1].rule, Draw(1)
    assert len({made(rule, draw).question.key for _ in range(2000)}) >= 1992


@every_rule
def test_an_answer_is_found_or_refused_for_any_grid(family: type[Rule]):
    for one in sampled(family):
        for grid in noise(family):
            before = grid.copy()
            answer = one.rule.answer(Scene(grid))
            assert np.array_equal(grid, before), "the question was painted on"
            if answer is not None:
                assert (
                    answer.dtype == np.uint8 and answer.ndim == 2 and answer.size and int(answer.max()) <= 9
                )


@every_rule
def test_fit_finds_the_rule_and_only_rules_that_explain(family: type[Rule]):
    for one in sampled(family):
        for count in (1, 3):
            found = family.fit(Demos(one.pairs[:count]))
            assert one.rule in found
            assert all(rule.explains(shown) for rule in found for shown in one.pairs[:count])


@every_rule
def test_fit_misses_no_setting(family: type[Rule]):
    """Narrowed settings against all settings, on the rule's own demonstrations and on those of others."""
    others = [sampled(other)[0] for other in rules() if other is not family]
    for one in (*sampled(family)[:3], *others):
        for count in (1, 2):
            demos = Demos(one.pairs[:count])
            every = [rule for rule in family.settings() if all(map(rule.explains, demos.pairs))]
            assert list(family.fit(demos)) == every


@every_rule
def test_the_second_check_takes_right_answers_and_refuses_others(family: type[Rule]):
    caught = asked = 0
    rng = np.random.default_rng(3)
    for one in sampled(family):
        for shown, next_one in pairwise(one.pairs):
            question, answer = shown.question, shown.answer.grid
            assert one.rule.check(question, answer.copy()) == ""
            assert one.rule.check(question, question.grid) != "", "a copy of the question passes"
            others = [next_one.answer.grid, answer[::-1].copy(), np.zeros_like(answer), answer[:, :-1]]
            for other in others:
                if other.size and not np.array_equal(other, answer):
                    asked, caught = asked + 1, caught + (one.rule.check(question, other) != "")
            for _ in range(3):
                near = answer.copy()
                near.flat[rng.integers(near.size)] += rng.integers(1, 9, dtype=np.uint8)
                asked, caught = asked + 1, caught + (one.rule.check(question, near % 10) != "")
    assert caught >= 0.8 * asked, f"{caught} of {asked} near misses are noticed"


@every_rule
def test_the_second_check_never_raises_on_its_own_questions(family: type[Rule]):
    for one in sampled(family):
        for shown, grid in zip(one.pairs * 9, noise(family), strict=False):
            assert isinstance(one.rule.check(shown.question, grid), str)
            h, w = shown.answer.grid.shape
            assert isinstance(one.rule.check(shown.question, np.resize(grid, (h, w))), str)


@every_rule
def test_no_answer_without_a_rule_is_right(family: type[Rule]):
    """Of single pairs a tenth may be: episodes that fall to a shortcut are drawn anew."""
    found = 0
    for one in sampled(family):
        grids = [(shown.question.grid, shown.answer.grid) for shown in one.pairs]
        found += sum(shortcut(grids[:1], [test]) != "" for test in grids[1:])
    assert found <= 0.1 * len(sampled(family)) * (len(sampled(family)[0].pairs) - 1)


@every_rule
def test_no_second_rule_is_the_same(family: type[Rule]):
    """A rule that explains all of another's pairs is the other again, unless one of the two is a special
    case."""
    for other in rules():
        if other is not family:
            alike = [bool(other.fit(Demos(one.pairs))) for one in sampled(family)]
            assert not all(alike) or not all(bool(family.fit(Demos(one.pairs))) for one in sampled(other)), (
                other.id()
            )


def test_the_pair_in_the_docstring_is_as_the_kernel_sees_it():
    shown = pair(np.array([[1, 0], [2, 2]], np.uint8), np.array([[1, 3], [2, 2]], np.uint8))
    assert (shown.before, shown.after, shown.painted) == (0b110, 0b1110, 0b1000)
