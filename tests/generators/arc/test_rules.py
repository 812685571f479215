"""Test what every rule promises, for every class in the files of concepts.

A new rule is tested without being listed here.
"""

from __future__ import annotations

import json
import re
from importlib import import_module
from itertools import pairwise

import numpy as np
import pytest

from tests.support.sampled_rules import every_concept, every_rule, made, noise, sampled
from vizbench.generators.arc.certify import shortcut
from vizbench.generators.arc.facts import Demos, pair
from vizbench.generators.arc.library import rules
from vizbench.generators.arc.random_draws import Draw
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
    """Return (name, text) if a name has a word and the text only its opposite.

    The id of the family is compared with its sentences and values, and a parameter's name with its values.
    """
    pairs: set[tuple[str, str]] = set()
    for rule in family.settings():
        values = {name: value for name, value in rule.parameters.items() if isinstance(value, str)}
        pairs |= {(family.id(), text) for text in (*values.values(), rule.sentence)}
        pairs |= {*values.items()}
    return {(name, text) for name, text in pairs if contradicts({*name.split("-")}, text)}


def contradicts(name: set[str], text: str) -> bool:
    """Return whether the words of a name have one side of an opposition, and the text the other side."""
    words = {*re.findall("[a-z]+", text.lower().replace("not the same", "different"))}
    for one, other in (*OPPOSITES, *((other, one) for one, other in OPPOSITES)):
        is_one_sided = one & name and not other & name
        if is_one_sided and other & words and not one & words:
            return True
    return False


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
        if family.id() not in twins:
            continue
        for one in sampled(family):
            for shown in one.pairs:
                answer = twins[family.id()](shown.question.grid.tolist(), **one.rule.parameters)
                assert answer == shown.answer.grid.tolist(), one.rule.sentence


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
    """Allow 0.2 % of 2,000 pairs, which is 1 % of 10,000. `benchmarks.rules --pairs 10000` counts these."""
    rule, draw = sampled(family)[1].rule, Draw(1)
    assert len({made(rule, draw).question.key for _ in range(2000)}) >= 1992


@every_rule
def test_any_grid_has_an_answer_or_none(family: type[Rule]):
    for one in sampled(family):
        for grid in noise(family):
            before = grid.copy()
            answer = one.rule.answer(Scene(grid))
            assert np.array_equal(grid, before), "the question was painted on"
            if answer is not None:
                assert answer.dtype == np.uint8 and answer.ndim == 2
                assert answer.size and int(answer.max()) <= 9


@every_rule
def test_fit_finds_the_rule_and_only_rules_that_explain(family: type[Rule]):
    for one in sampled(family):
        for count in (1, 3):
            fits = family.fit(Demos(one.pairs[:count]))
            assert one.rule in fits
            assert all(rule.explains(shown) for rule in fits for shown in one.pairs[:count])


@every_rule
def test_fit_misses_no_setting(family: type[Rule]):
    """Compare narrowed settings with all settings, on demonstrations of the rule and of others."""
    others = [sampled(other)[0] for other in rules() if other is not family]
    for one in (*sampled(family)[:3], *others):
        for count in (1, 2):
            demos = Demos(one.pairs[:count])
            every = [rule for rule in family.settings() if all(map(rule.explains, demos.pairs))]
            assert list(family.fit(demos)) == every


@every_rule
def test_the_second_check_takes_right_answers_and_refuses_others(family: type[Rule]):
    faults: list[str] = []
    rng = np.random.default_rng(3)
    for one in sampled(family):
        for shown, next_one in pairwise(one.pairs):
            question, answer = shown.question, shown.answer.grid
            assert one.rule.check(question, answer.copy()) == ""
            assert one.rule.check(question, question.grid) != "", "a copy of the question passes"

            # Wrong answers, and answers with one wrong cell.
            others = [next_one.answer.grid, answer[::-1].copy(), np.zeros_like(answer), answer[:, :-1]]
            wrong = [other for other in others if other.size and not np.array_equal(other, answer)]
            for _ in range(3):
                near = answer.copy()
                near.flat[rng.integers(near.size)] += rng.integers(1, 9, dtype=np.uint8)
                wrong.append(near % 10)
            faults += [one.rule.check(question, other) for other in wrong]

    noticed = sum(fault != "" for fault in faults)
    assert noticed >= 0.8 * len(faults), f"{noticed} of {len(faults)} wrong answers are noticed"


@every_rule
def test_the_second_check_never_raises_on_its_own_questions(family: type[Rule]):
    for one in sampled(family):
        for shown, grid in zip(one.pairs * 9, noise(family), strict=False):
            assert isinstance(one.rule.check(shown.question, grid), str)
            h, w = shown.answer.grid.shape
            assert isinstance(one.rule.check(shown.question, np.resize(grid, (h, w))), str)


@every_rule
def test_no_answer_without_a_rule_is_right(family: type[Rule]):
    """Allow a tenth of single pairs: episodes that a shortcut solves are drawn anew."""
    solved = tested = 0
    for one in sampled(family):
        demo, *tests = [(shown.question.grid, shown.answer.grid) for shown in one.pairs]
        solved += sum(shortcut([demo], [test]) != "" for test in tests)
        tested += len(tests)
    assert solved <= 0.1 * tested


@every_rule
def test_no_second_rule_is_the_same(family: type[Rule]):
    """Two rules are the same if each explains all pairs of the other."""
    for other in rules():
        if other is not family and explains_all(other, family):
            assert not explains_all(family, other), other.id()


def explains_all(family: type[Rule], other: type[Rule]) -> bool:
    """Return whether a family has, for every sampled rule of another, a rule that explains its pairs."""
    return all(family.fit(Demos(one.pairs)) for one in sampled(other))


def test_a_pair_knows_its_colours():
    shown = pair(np.array([[1, 0], [2, 2]], np.uint8), np.array([[1, 3], [2, 2]], np.uint8))
    assert (shown.before, shown.after, shown.painted) == (0b110, 0b1110, 0b1000)
