"""Every row and every point leads to the very cell that it counts: no other seed's, model's, weights' or
attempts'."""

from __future__ import annotations

import itertools
from dataclasses import replace

import msgspec
import pytest

from tests.support.made_results import answered, cell_run, record
from vizbench.harness.report import curves, links, tables
from vizbench.harness.report.viewer import payload
from vizbench.harness.stats.metrics import distinct, summaries


def of(run, **header):
    """The run with other entries in its header."""
    return replace(run, header=msgspec.structs.replace(run.header, **header))


def many(attempts=1, model="mine", right=0, names="ab", seed=0, **more):
    records = [record(name, k, exact=n < right) for n, name in enumerate(names) for k in range(attempts)]
    return cell_run(records, seed, model, names=names, attempts=attempts, **more)


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
def test_each_part_of_a_cell_makes_another_identity(what):
    assert links.trial_id(CHANGES[what]) != links.trial_id(BASE)


def test_the_data_of_a_file_makes_another_identity():
    one, other = (
        many(shots=None, task="arc-json:x.json", digest=digest) for digest in ("0123456", "fedcba9")
    )
    assert links.trial_id(one) != links.trial_id(other)
    assert set(links.trial_labels([one, other]).values()) == {
        "mine"
    }  # the file's row says in what they differ


def test_more_questions_and_another_time_make_the_same_cell():
    later = of(many(names="abcd"), created="later", environment={"machine": "other"})
    assert links.trial_id(later) == links.trial_id(BASE)


def test_every_row_has_its_own_cells_in_any_order():
    cells = [*CHANGES.values(), BASE, many(seed=1, attempts=3), cell_run([], model="silent", names="ab")]
    for some in (cells, cells[::-1]):
        once = distinct(some)
        rows = summaries(once)
        groups = links.trials_of_rows(rows, once)
        assert sorted(links.trial_id(run) for group in groups for run in group) == sorted(
            links.trial_id(run) for run in once if run.records
        )
        for row, group in zip(rows, groups, strict=True):
            assert summaries(group) == [replace(row, mark="")]  # alone it needs none


def test_rows_of_other_weights_lead_each_to_its_own():
    right = [of(many(right=k), weights=f"{k}" * 8) for k in (2, 0, 1)]
    for some in itertools.permutations(right):
        rows = summaries(some)
        for row, [run] in zip(rows, links.trials_of_rows(rows, some), strict=True):
            assert row.exact == sum(one.exact for one in run.records) / 2


def test_models_that_would_be_called_alike_say_in_what_they_differ():
    cells = [
        BASE,
        of(BASE, weights="feed5678ab"),
        many(model="a/m.py:M"),
        many(model="b/m.py:M"),
        of(many(model="c/x.py:X"), code="beef1234ff"),
        many(version=2, task="t/y"),
    ]
    named = links.trial_labels(cells)
    assert [named[links.trial_id(run)] for run in cells] == [
        "mine · weights none", "mine · weights feed5678", "m.py:M · from a", "m.py:M · from b", "x.py:X", "mine",
    ]  # fmt: skip


def test_the_table_has_attempts_and_a_way_to_each_cell():
    cells = [BASE, CHANGES["attempts"], many(seed=1)]
    rows = summaries(cells)
    table = links.link_table(tables.results(rows, {}), rows, cells)
    keys = [column["key"] for column in table["columns"]]
    assert keys[keys.index("shots") + 1] == "attempts"
    assert [(row["attempts"], row["run"], row["seeds"]) for row in table["rows"]] == [
        (1, links.trial_id(BASE), (0, 1)),
        (3, links.trial_id(CHANGES["attempts"]), (0,)),
    ]
    plain = links.link_table(tables.results(rows[:1], {}), rows[:1], cells[::2])
    assert "attempts" not in [column["key"] for column in plain["columns"]]


def test_points_of_one_address_lead_each_to_its_own_cell():
    cells = [
        many(right=1),
        many(right=2, attempts=3),
        many(model="copy"),
        many(model="copy", right=1, attempts=3),
    ]
    rows = summaries(cells)
    [panel] = links.link_panels(curves.panels(rows), rows, cells)
    found = {
        line.key.kind: [point.address.rpartition("run=")[2] for point in line.points] for line in panel.lines
    }
    assert found["model"] == [links.trial_id(cells[0]), links.trial_id(cells[1])]
    assert found["floor"] == [links.trial_id(cells[3])]  # the better of the two


def test_each_of_two_weights_has_a_line_and_its_points_lead_to_its_own_cells():
    cells = [of(many(right=k, shots=n), weights=f"{k}" * 9) for k in (1, 2) for n in (3, 16)]
    rows = summaries(cells)
    [panel] = links.link_panels(curves.panels(rows), rows, cells)
    found = {line.key.name: [p.address.rpartition("run=")[2] for p in line.points] for line in panel.lines}
    assert found == {
        "mine · weights 11111111": [links.trial_id(run) for run in cells[:2]],
        "mine · weights 22222222": [links.trial_id(run) for run in cells[2:]],
    }
    assert len({line.key.role for line in panel.lines}) == 2


def test_published_points_lead_nowhere():
    cells = [answered([True], task="life/seeds", shots=10)]
    rows = summaries(cells)
    [panel] = links.link_panels(curves.panels(rows), rows, cells)
    assert {point.address for line in panel.lines if line.key.kind == "paper" for point in line.points} == {
        ""
    }


def test_sets_of_one_task_and_seed_are_told_apart():
    ours = many(digest="aaaaaaaa")
    other = replace(many(names="cd", digest="bbbbbbbb", model="copy"), directory=ours.directory)
    index = payload([ours, other, many(seed=1)]).index
    assert [one["label"] for one in index["sets"]] == [
        "t/x, seed 0, version 1, data aaaaaa", "t/x, seed 0, version 1, data bbbbbb", "t/x, seed 1",
    ]  # fmt: skip
    assert len({run["id"] for run in index["runs"]}) == 3
