"""Test tasks of named rules and of episodes: their rule, their rows and the verdicts on answers."""

from __future__ import annotations

import json

import numpy as np
import pytest

import vizbench as vb
from vizbench import loading
from vizbench.formats import lookup
from vizbench.generators.arc.facts import pair
from vizbench.generators.arc.library import concepts, rules
from vizbench.generators.arc.task import Params, rule_of
from vizbench.task import registry


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
