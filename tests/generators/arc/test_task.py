"""Test tasks of named rules and of episodes: their rule, their rows and the verdicts on answers."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vizbench as vb
from vizbench import loading
from vizbench.formats import lookup
from vizbench.generators.arc.facts import SAME_SIZE, pair
from vizbench.generators.arc.library import concepts, rules
from vizbench.generators.arc.scene import Scene
from vizbench.generators.arc.task import TASK, Params, rule_of
from vizbench.task import registry
from vizbench.types import Grid


@pytest.mark.parametrize("family", rules(), ids=lambda family: family.id())
def test_a_named_rule_has_rows_of_its_own(family: type):
    data = vb.load(f"arc/{family.concept()}?rule={family.id()}&setting=3", seed=5, pool=50)
    rule = rule_of(data.params)
    assert type(rule) is family
    assert rule == rule_of(data.test[2].params)
    for row in (*data.train.head(4), data.test[2]):
        assert rule.explains(pair(row.question, row.target))
        verdict = vb.verify(row, row.target)
        assert verdict.valid and verdict.exact
        wrong = row.target.copy()
        wrong.flat[0] = (int(wrong.flat[0]) + 1) % 10
        assert not vb.verify(row, wrong).valid


def test_settings_are_rules_of_one_family():
    assert len({rule_of(Params("count", "count-objects", setting)) for setting in range(40)}) > 10


def test_an_episode_is_a_task_with_its_own_demonstrations():
    data = vb.load("arc/center", seed=1, episode=9)
    assert data.name == "arc/center?episode=9"
    assert data.train.count in range(2, 6) and data.test.count in range(1, 4)
    same = vb.load("arc/center?episode=9", seed=77)
    assert [row.question.tolist() for row in same.test] == [row.question.tolist() for row in data.test]
    meta = json.loads(json.dumps(dict(data.test[0].meta)))
    assert meta["rule"] in {family.id() for family in rules("center")}
    assert {meta["rule"], *meta["agree"], *meta["rejected"]} == {family.id() for family in rules()}
    assert meta["sentence"].endswith(".") and meta["inputs"] == data.test.count
    for row in (*data.train, *data.test):
        assert vb.verify(row, row.target).exact
        assert not vb.verify(row, row.question).valid


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 12))
def test_difficulty_counts_the_objects_and_colours_of_scenes(seed: int, height: int, width: int):
    rng = np.random.default_rng(seed)
    question = rng.integers(0, 4, (3, height, width), np.uint8)
    target = rng.integers(0, 10, (3, width, height), np.uint8)
    figures = TASK.difficulty_batch(Params("count"), question, target)
    for i in range(3):
        before, after = Scene(question[i]), Scene(target[i])
        assert figures["objects"][i] == len(before.shapes)
        assert figures["colours"][i] == len({*before.colours, *after.colours})


def test_validity_does_not_depend_on_the_stored_target():
    row = vb.load("arc/count?rule=parity-cells").train[0]
    wrong = vb.Instance(row.task, row.params, 0, "train", 0, row.question, row.question, row.question[None])
    verdict = vb.verify(wrong, row.target)
    assert verdict.valid and not verdict.exact


def test_a_task_without_an_episode_stands_for_many():
    names = loading.expand("arc/count")
    assert names[:2] == ["arc/count", "arc/count?episode=1"]
    assert len(set(names)) == len(names) == loading.EPISODES
    assert loading.expand("arc/count?episode=0") == ["arc/count"]
    assert loading.expand("arc/count?rule=extreme-spots") == ["arc/count?rule=extreme-spots"]
    assert lookup.is_corpus("arc/count")
    for name in (
        "arc/count?rule=extreme-spots",
        "arc/count?rule=none",
        "life/conway",
        "no/such",
        "life-rle:x.rle",
    ):
        assert not lookup.is_corpus(name)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("arc/centre", "did you mean arc/center"),
        ("arc/center?rule=midpiont", "did you mean midpoint"),
        ("arc/center?rule=extreme-spots", "rule of center"),
        ("arc/center?concept=nothing", "is none of"),
        ("arc/center?setting=2", "belongs to a rule"),
        ("arc/center?episode=2&rule=midpoint", "a rule of its own"),
        ("arc/center?episode=100000000000", "is outside 0"),
    ],
)
def test_a_wrong_task_name_is_refused(name: str, part: str):
    with pytest.raises(vb.UserError, match=part):
        registry.spec(name)


def test_rows_of_many_sizes_are_padded_in_arrays_and_whole_by_themselves():
    split = vb.load("arc/count?rule=bar-chart").train
    batch, rows = split.batch(0, 20), split.head(20)
    assert batch.question.shape == batch.target.shape == (20, 30, 30)
    assert len({row.target.shape for row in rows}) > 3
    for k, row in enumerate(rows):
        question, target = batch.pair(k)
        assert np.array_equal(question, row.question) and np.array_equal(target, row.target)
        h, w = row.question.shape
        assert not batch.question[k, h:].any() and not batch.question[k, :, w:].any()


def test_every_concept_is_a_variant():
    assert [*registry.families()["arc"].variants] == [*concepts()]


def parts(question: Grid, target: Grid, answer: Grid) -> dict[str, float]:
    """Return the parts of an answer of the target's size."""
    columns = TASK.parts_batch(Params(), question[None], target[None], answer[None])
    return {name: float(column[0]) for name, column in columns.items()}


def parts_by_clauses(question: Grid, target: Grid, answer: Grid) -> dict[str, float]:
    """Return the parts, computed from their clauses cell by cell."""
    groups: dict[tuple[bool, int], list[bool]] = {}
    touched: list[bool] = []
    for (row, column), color in np.ndenumerate(target):
        inside = row < question.shape[0] and column < question.shape[1]
        before = int(question[row, column]) if inside else 0
        is_right = bool(answer[row, column] == color)
        groups.setdefault((before != color, int(color)), []).append(is_right)
        if answer[row, column] != before:
            touched.append(is_right)
    shares: dict[bool, list[float]] = {False: [1.0], True: [1.0]}
    for (is_due, _), cells in groups.items():
        shares[is_due].append(sum(cells) / len(cells))
    precise = sum(touched) / len(touched) if touched else 0.0
    return {"changed": min(shares[True]), "kept": min(shares[False]), "precise": precise**2}


@given(st.data())
def test_parts_are_those_of_their_clauses(data: st.DataObject):
    def drawn(height: int, width: int) -> Grid:
        cells = data.draw(st.lists(st.integers(0, 3), min_size=height * width, max_size=height * width))
        return np.array(cells, np.uint8).reshape(height, width)

    sides = st.integers(1, 5)
    question = drawn(data.draw(sides), data.draw(sides))
    target = drawn(*(question.shape if data.draw(st.booleans()) else (data.draw(sides), data.draw(sides))))
    answer = drawn(*target.shape)
    is_kept = drawn(*target.shape) > 0
    answer[is_kept] = target[is_kept]
    assert parts(question, target, answer) == pytest.approx(parts_by_clauses(question, target, answer))


def test_parts_of_answers_read_by_hand():
    question = np.array([[1, 0, 0, 0], [0, 0, 0, 0]], np.uint8)
    target = np.array([[1, 2, 2, 0], [3, 0, 0, 0]], np.uint8)
    for answer, changed, kept, precise in (
        ([[1, 2, 2, 0], [3, 0, 0, 0]], 1, 1, 1),
        ([[1, 2, 0, 0], [3, 0, 0, 0]], 0.5, 1, 1),  # half of color 2
        ([[1, 2, 2, 0], [0, 0, 0, 0]], 0, 1, 1),  # no cell of color 3
        ([[1, 2, 2, 2], [3, 0, 0, 0]], 1, 0.75, 0.5625),  # a cell too many
        ([[0, 2, 2, 0], [3, 0, 0, 0]], 1, 0, 0.5625),  # the object is lost
    ):
        result = parts(question, target, np.array(answer, np.uint8))
        assert result == {"changed": changed, "kept": kept, "precise": precise}
    cut = parts(question, question[:1, :3], question[:1, :3])
    assert cut == {"changed": 1, "kept": 1, "precise": 0}  # a cut question is no work


@pytest.mark.parametrize("params", TASK.levels, ids=lambda params: params.rule)
def test_levels_are_rules_that_keep_the_size(params: Params):
    assert rule_of(params).keeps & SAME_SIZE


def test_a_named_rule_is_put_in_words_and_that_of_an_episode_is_not():
    for family in rules():
        named = Params(family.concept(), family.id())
        wordings = TASK.instructions(named)
        sentence = rule_of(named).sentence
        for colour, usual in (("grey", "gray"), ("sky", "light blue"), ("maroon", "dark red")):
            sentence = sentence.replace(colour, usual)
        assert all(sentence in text for text in wordings)
        assert all(text.isascii() and 40 <= len(text) <= 900 for text in wordings)
    for concept in concepts():
        sentence = rule_of(Params(concept)).sentence
        assert not any(sentence in text for text in TASK.instructions(Params(concept)))
