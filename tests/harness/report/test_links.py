"""Test that every row and every point leads to the very trial that it counts."""

from __future__ import annotations

import itertools
from dataclasses import replace

import msgspec
import pytest

from tests.support.made_results import answered, record, trial_result
from vizbench.harness.report import curves, links, tables
from vizbench.harness.report.viewer import payload
from vizbench.harness.stats.metrics import distinct, summaries


def of(run, **header):
    """Return the run with other entries in its header."""
    return replace(run, header=msgspec.structs.replace(run.header, **header))


def many(attempts=1, model="mine", right=0, names="ab", seed=0, **more):
    records = [record(name, k, exact=n < right) for n, name in enumerate(names) for k in range(attempts)]
    return trial_result(records, seed, model, names=names, attempts=attempts, **more)


BASE = many()
CHANGES = {
    "task": many(task="t/y"),
    "model": many(model="other"),
    "checkpoint": many(checkpoint="large"),
    "steps": many(steps=300),
    "shots": many(shots=3),
    "seed": many(seed=1),
    "attempts": many(attempts=3),
    "version": many(version=2),
    "weights": of(BASE, weights="feed"),
    "file": of(BASE, code="beef"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_each_part_of_a_trial_makes_another_id(what):
    assert links.trial_id(CHANGES[what]) != links.trial_id(BASE)


def test_the_data_of_a_file_makes_another_id():
    one, other = (
        many(shots=None, task="arc-json:x.json", digest=digest) for digest in ("0123456", "fedcba9")
    )
    assert links.trial_id(one) != links.trial_id(other)
    assert set(links.trial_labels([one, other]).values()) == {
        "mine"
    }  # the file's row says in what they differ


def test_more_questions_and_another_time_make_the_same_trial():
    later = of(many(names="abcd"), created="later", environment={"machine": "other"})
    assert links.trial_id(later) == links.trial_id(BASE)


def test_every_row_has_its_own_trials_in_any_order():
    trials = [*CHANGES.values(), BASE, many(seed=1, attempts=3), trial_result([], model="silent", names="ab")]
    for some in (trials, trials[::-1]):
        once = distinct(some)
        rows = summaries(once)
        groups = links.trials_of_rows(rows, once)
        linked = [links.trial_id(run) for group in groups for run in group]
        assert sorted(linked) == sorted(links.trial_id(run) for run in once if run.records)
        for row, group in zip(rows, groups, strict=True):
            assert summaries(group) == [replace(row, mark="")]  # without others it needs none


def test_rows_of_other_weights_lead_each_to_its_own():
    right = [of(many(right=k), weights=f"{k}" * 8) for k in (2, 0, 1)]
    for some in itertools.permutations(right):
        rows = summaries(some)
        for row, [run] in zip(rows, links.trials_of_rows(rows, some), strict=True):
            assert row.exact == sum(one.exact for one in run.records) / 2


def test_models_that_would_be_called_alike_say_in_what_they_differ():
    trials = [
        BASE,
        of(BASE, weights="feed5678ab"),
        many(model="a/m.py:M"),
        many(model="b/m.py:M"),
        of(many(model="c/x.py:X"), code="beef1234ff"),
        many(version=2, task="t/y"),
    ]
    named = links.trial_labels(trials)
    assert [named[links.trial_id(run)] for run in trials] == [
        "mine · weights none", "mine · weights feed5678", "m.py:M · from a", "m.py:M · from b", "x.py:X",
        "mine",
    ]  # fmt: skip


def test_the_table_has_attempts_and_a_link_to_each_trial():
    trials = [BASE, CHANGES["attempts"], many(seed=1)]
    rows = summaries(trials)
    table = links.link_table(tables.results(rows, {}), rows, trials)
    keys = [column["key"] for column in table["columns"]]
    assert keys[keys.index("shots") + 1] == "attempts"
    assert [(row["attempts"], row["trial"], row["seeds"]) for row in table["rows"]] == [
        (1, links.trial_id(BASE), (0, 1)),
        (3, links.trial_id(CHANGES["attempts"]), (0,)),
    ]
    plain = links.link_table(tables.results(rows[:1], {}), rows[:1], trials[::2])
    assert "attempts" not in [column["key"] for column in plain["columns"]]


def test_points_of_one_link_lead_each_to_its_own_trial():
    trials = [
        many(right=1),
        many(right=2, attempts=3),
        many(model="copy"),
        many(model="copy", right=1, attempts=3),
    ]
    rows = summaries(trials)
    [panel] = links.link_panels(curves.panels(rows), rows, trials)
    ids = {
        curve.entry.kind: [point.link.rpartition("trial=")[2] for point in curve.points]
        for curve in panel.curves
    }
    assert ids["model"] == [links.trial_id(trials[0]), links.trial_id(trials[1])]
    assert ids["baseline"] == [links.trial_id(trials[3])]  # the better of the two


def test_each_of_two_weights_has_a_curve_and_its_points_lead_to_its_own_trials():
    trials = [of(many(right=k, shots=n), weights=f"{k}" * 9) for k in (1, 2) for n in (3, 16)]
    rows = summaries(trials)
    [panel] = links.link_panels(curves.panels(rows), rows, trials)
    ids = {curve.entry.name: [p.link.rpartition("trial=")[2] for p in curve.points] for curve in panel.curves}
    assert ids == {
        "mine · weights 11111111": [links.trial_id(run) for run in trials[:2]],
        "mine · weights 22222222": [links.trial_id(run) for run in trials[2:]],
    }
    assert len({curve.entry.role for curve in panel.curves}) == 2


def test_published_points_lead_nowhere():
    trials = [answered([True], task="life/seeds", shots=10)]
    rows = summaries(trials)
    [panel] = links.link_panels(curves.panels(rows), rows, trials)
    published = [curve for curve in panel.curves if curve.entry.kind == "paper"]
    assert {point.link for curve in published for point in curve.points} == {""}


def test_sets_of_one_task_and_seed_are_distinguished():
    ours = many(digest="aaaaaaaa")
    other = replace(many(names="cd", digest="bbbbbbbb", model="copy"), directory=ours.directory)
    index = payload([ours, other, many(seed=1)]).index
    assert [one["label"] for one in index["sets"]] == [
        "t/x, seed 0, version 1, data aaaaaa", "t/x, seed 0, version 1, data bbbbbb", "t/x, seed 1",
    ]  # fmt: skip
    assert len({run["id"] for run in index["trials"]}) == 3
