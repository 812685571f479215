"""Test comparisons: the paper's accuracies give its thresholds, and no records give no rows."""

from __future__ import annotations

import itertools
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from tests.support.made_results import answered, record, share, trial_result
from vizbench import loading
from vizbench.console import arc_tables
from vizbench.harness.stats import arc, compare, paper
from vizbench.harness.stats.metrics import mean, summaries
from vizbench.harness.stats.model_key import ModelKey
from vizbench.harness.stats.thresholds import Span

# `known_disagreements` of the reference: as drawn in figures 7 and 9, and as tables 13 and 16 imply.
KNOWN = {
    ("life/seeds", "Qwen3-4B"): (100, 300),
    ("eca/108", "CogVideoX1.5-5B"): (100, None),
    ("eca/250", "CogVideoX1.5-5B"): (100, 50),
}


@pytest.fixture(scope="module")
def accuracies() -> dict[tuple[str, str, int], float]:
    """Map task, model and shots to the paper's accuracy."""
    points: dict[tuple[str, str, int], float] = {}
    for task, models in paper.paper().accuracy_by_shots.items():
        for model, curve in models.items():
            points |= {(task, model, shots): accuracy for shots, accuracy in curve}
    return points


@pytest.fixture(scope="module")
def published(accuracies):
    """Return trials whose accuracies are the paper's, with 200 questions each."""
    return [
        answered(share(accuracy), task=task, model=model, shots=shots)
        for (task, model, shots), accuracy in accuracies.items()
    ]


def test_the_papers_accuracies_come_back(published, accuracies):
    ours = {(row.task, row.model, row.shots): row.exact for row in summaries(published)}
    assert ours == accuracies
    assert len(accuracies) > 400


def test_the_papers_thresholds_come_back_and_its_figures_differ_where_known(published):
    rows = {(row.task, row.model.name): row for row in compare.shots_needed(published)}
    drawn = {
        (task, model): n
        for task, models in paper.paper().shots_to_reach_90_percent.items()
        for model, n in models.items()
    }
    assert len(rows) == 66
    assert len(drawn) == 42
    assert {key: (n, rows[key].first) for key, n in drawn.items() if rows[key].first != n} == KNOWN
    disagreements = {
        (one.task, one.model): (one.drawn, one.tables) for one in paper.thresholds() if one.disagrees
    }
    assert disagreements == KNOWN
    assert {(one.task, one.model): one.tables for one in paper.thresholds()} == {
        k: row.first for k, row in rows.items()
    }


def test_interpolated_shots_are_between_those_of_the_tables(published):
    rising = [row for row in compare.shots_needed(published) if list(row.shares) == sorted(row.shares)]
    assert len(rising) > 30
    for row in rising:
        under = [n for n, s in zip(row.shots, row.shares, strict=True) if s < 0.9]
        if row.first is None:
            assert row.at == Span(float(row.shots[-1]), None)
        else:
            assert row.at.point is not None
            assert under[-1] < row.at.point <= row.first


def test_intervals_hold_their_shots(published):
    for row in compare.shots_needed(published):
        assert (row.interval.low or 0) <= (row.at.low or row.shots[0])
        assert (row.interval.high or np.inf) >= (row.at.high or row.shots[-1])


def test_data_efficiency_of_the_papers_two_models(published):
    rows = {row.task: row for row in compare.ratios(published)}
    assert len(rows) == 33
    assert {row.a.name for row in rows.values()} == {"CogVideoX1.5-5B"}
    conway, seeds = rows["life/conway"], rows["eca/150"]
    # video: .9 is at .9375 of the distance from 10 to 30; text: at .63 of that from 100 to 300
    video, text = 10 * 3 ** (0.9 / 0.96), 100 * 3 ** (0.17 / 0.27)
    assert conway.at.point == pytest.approx(text / video)
    assert conway.interval.low is not None and conway.interval.low > 5
    assert seeds.at.point is not None and seeds.at.point < 0.2  # the text model needs fewer there
    unreached = rows["navigation/shortest-path"]  # text stays at .77 with 5000
    assert unreached.at.high is None and unreached.at.low is not None and unreached.at.low > 5
    neither = rows["sudoku/easy"]
    assert neither.at == neither.interval == Span(None, None)
    assert neither.text() == "not reached by either"
    assert conway.text() == conway.at.text() == "7.13"


def test_the_overlap_on_arc_comes_back():
    """400 tasks of one test input, two attempts: 67 and 32 solved, 15 by both."""
    runs = []
    for model, solved in ((paper.VIDEO, range(67)), (paper.TEXT, range(52, 84))):
        for k in range(400):
            attempts = [record("a", 0), record("a", 1, exact=k in solved)]
            runs.append(trial_result(attempts, 0, model, None, 2, "a", task=f"arc-json:/d/arc/{k:04}.json"))
    [row] = arc.overlaps(runs)
    published = paper.paper().arc_agi_1
    assert (row.only_a, row.both, row.only_b) == tuple(published.overlap.values()) == (52, 15, 17)
    assert (row.tasks, row.attempts, row.corpus, row.published) == (published.tasks, 2, "/d/arc", False)
    assert (row.only_a + row.both) / row.tasks == published.two_attempts[paper.VIDEO] == 0.1675
    assert (row.both + row.only_b) / row.tasks == published.two_attempts[paper.TEXT] == 0.08


def test_an_arc_task_counts_only_if_every_test_input_is_solved():
    def task(model, name, *records, names="ab", attempts=1):
        return trial_result(list(records), 0, model, None, attempts, names, task=f"arc-json:/d/{name}.json")

    a, b, right = record("a", exact=True), record("b"), record("b", exact=True)
    runs = [task("m", "1", a, b), task("o", "1", a, right), task("m", "2", a), task("o", "2", a, right)]
    [row] = arc.overlaps(runs)
    assert (row.tasks, row.only_a, row.both, row.only_b) == (1, 0, 0, 1)  # task 2 is incomplete
    [beside] = arc.overlaps([*runs[:1], task("nearest", "1", a, right), task("copy", "2", a, right)])
    assert (beside.a.name, beside.b.name, beside.only_a, beside.both, beside.only_b) == (
        "m",
        "nearest",
        0,
        0,
        1,
    )
    assert arc.overlaps([task("copy", "1", a, right), task("nearest", "1", a, right)]) == []
    assert arc.overlaps([*runs[:1], task("o", "3", a, right)]) == []


MODELS = ("CogVideoX1.5-5B", "Qwen3-4B", "Wan2.1-14B", "LTX-13B", "LTX-2B", "Qwen3-8B", "Llama3.1-8B")


def test_the_concept_averages_of_conceptarc_come_back():
    """Ten tasks of three test inputs per concept, three attempts, accuracies of two digits."""
    table = paper.paper().conceptarc_accuracy
    runs = []
    for model in MODELS:
        for concept, accuracy in table[model].items():
            right = [k < round(30 * accuracy) for k in range(30)]
            for number in range(10):
                names = "abc"
                three = right[3 * number : 3 * number + 3]
                records = [
                    record(n, k, exact=r and k == 2)
                    for n, r in zip(names, three, strict=True)
                    for k in range(3)
                ]
                path = f"arc-json:/d/concept-arc/{concept}/{concept}{number + 1}.json"
                runs.append(trial_result(records, 0, model, None, 3, names, task=path))
    rows = arc.concepts(runs)
    shares = {model: {} for model in MODELS}
    for row in rows:
        shares[row.model.name][row.concept] = round(row.share, 2)
    assert shares == {model: table[model] for model in MODELS}
    assert {(row.n, row.attempts) for row in rows} == {(30, 3)}
    for model in MODELS:
        ours = mean(row.share for row in rows if row.model.name == model)
        assert ours == pytest.approx(mean(table[model].values()), abs=0.005)
    assert [row.concept for row in rows[:16]] == list(table[paper.VIDEO])
    assert {row.corpus for row in arc.overlaps(runs)} == {"/d/concept-arc"}
    assert all(row.published for row in rows)


def test_the_papers_tasks_are_recognized():
    """Names and numbers of tasks, test inputs and attempts must all be the paper's."""

    def published(tasks, inputs=3, attempts=3, seeds=(0,), folder="d"):
        names = "abc"[:inputs]
        records = [record(name, k) for name in names for k in range(attempts)]
        runs = []
        for seed, task in itertools.product(seeds, tasks):
            where = f"arc-json:{folder}/Center/{task}.json"
            runs.append(trial_result(records, seed, "m", None, attempts, names, task=where))
        (row,) = arc.concepts(runs)
        assert row.n == len(tasks) * inputs * len(seeds)
        return row.published

    ten = [f"Center{k}" for k in range(1, 11)]
    assert published(ten) and published(ten, seeds=(0, 1)) and published(ten, folder="any/where.zip")
    assert not any(
        map(published, (ten[:5], ten[5:], ten[:9], [*ten, "Center11"], [*ten[:9], "CenterMinimal"]))
    )
    assert not published(ten, inputs=2) and not published(ten, attempts=2)

    ids = [name.rpartition("/")[2] for name in loading.expand("arc-agi-1:evaluation")]

    def solved(tasks, attempts=2, pattern="arc-agi-1:evaluation/{}"):
        runs = []
        records = [record("a", k) for k in range(attempts)]
        for name, model in itertools.product(tasks, ("m", "o")):
            runs.append(trial_result(records, 0, model, None, attempts, "a", task=pattern.format(name)))
        published = {row.published for row in (*arc.solved(runs), *arc.overlaps(runs))}
        assert len(published) == 1
        return published.pop()

    assert solved(ids) and solved(ids, pattern="arc-json:ARC-AGI/data/evaluation/{}.json")
    assert not solved(ids[1:]) and not solved([*ids, "new"]) and not solved(ids, attempts=1)
    training = [name.rpartition("/")[2] for name in loading.expand("arc-agi-1:training")]
    assert not solved(training, pattern="arc-agi-1:training/{}")


def test_a_table_shows_the_papers_shares_beside_its_tasks_only(capsys):
    def printed(protocol, tasks, attempts, inputs):
        names = "abc"[:inputs]
        records = [record(name, k) for name in names for k in range(attempts)]
        runs = [trial_result(records, 0, "m", None, attempts, names, task=task) for task in tasks]
        arc_tables.table(protocol, runs, ["m"])
        lines = capsys.readouterr().out.splitlines()
        return {line.split("  ")[0]: line.split()[-2:] for line in lines}, "\n".join(lines)

    concepts = list(paper.paper().conceptarc_accuracy[paper.VIDEO])
    every = [f"arc-json:d/{name}/{name}{k}.json" for name in concepts for k in range(1, 11)]
    rows, text = printed("concept-arc", every, 3, 3)
    assert rows["Count"] == ["0.57", "0.13"] and rows["mean of concepts"] == ["0.33", "0.24"]
    assert "* the paper's" in text and "left out" not in text
    rows, text = printed("concept-arc", every[1:], 3, 3)
    assert rows["AboveBelow"] == rows["mean of concepts"] == ["–", "–"] and rows["Count"] == ["0.57", "0.13"]
    assert "The paper measured 10 tasks of each concept" in text
    rows, text = printed("concept-arc", [task for task in every if "10" not in task], 3, 3)
    assert "video*" not in text and "paper's C" not in text and "left out beside other tasks." in text
    rows, text = printed("concept-arc", [task for task in every if "/Count/" in task], 3, 3)
    assert rows["Count"] == ["0.57", "0.13"] and rows["mean of concepts"] == ["–", "–"]

    agi = loading.expand("arc-agi-1:evaluation")
    rows, text = printed("arc-agi", [*agi, "arc-agi-1:training/007bbfb7"], 2, 1)
    assert rows["arc-agi-1:evaluation"] == ["0.168", "0.080"] and rows["arc-agi-1:training"] == ["–", "–"]
    assert "The paper measured the 400 tasks of arc-agi-1:evaluation" in text
    rows, text = printed("arc-agi", agi[:-1], 2, 1)
    assert "text*" not in text and "0.168" not in text


def test_a_difference_is_of_shared_questions_only():
    mine = [True] * 30 + [False] * 10 + [None] * 10
    other = [None] * 20 + [True] * 5 + [False] * 25
    runs = [answered(mine), answered(other, model="other"), answered(other, shots=3)]
    [row] = compare.differences(runs)
    assert (row.n, row.a_share, row.b_share, row.difference) == (20, 0.5, 0.25, 0.25)
    assert (row.a, row.b) == (
        ModelKey("mine", "none", "the model's own"),
        ModelKey("other", "none", "the model's own"),
    )
    assert row.low < 0.25 < row.high
    assert compare.differences(runs) == [row]


def curve(model, *trials, shots=(10, 100, 1000), **more):
    return [answered(hits, model, n, **more) for n, hits in zip(shots, trials, strict=True)]


def test_a_ratio_is_of_shared_questions_only():
    """On the first 20 questions both models have .5 and .9; the other 20 would make one learn later."""
    half, most = [True] * 10 + [False] * 10, [True] * 18 + [False] * 2
    mine = curve("mine", half + [False] * 20, most + [False] * 20, [True] * 40)
    other = curve("other", half, most, [True] * 20)
    [row] = compare.ratios([*mine, *other])
    assert row.a_at == row.b_at
    assert row.b_at.point == pytest.approx(100)
    assert row.at.point == pytest.approx(1)
    assert [one.at.point for one in compare.shots_needed([*mine, *other])] == [
        pytest.approx(10 ** (2 + 9 / 11)),
        100,
    ]


def test_a_ratio_takes_shared_questions_by_number_of_shots():
    """One model has answered 10 of 20 questions at 100 shots, and none at 30."""
    half, most, full = [True] * 10 + [False] * 10, [False] * 10 + [True] * 10, [True] * 20
    mine = curve("mine", half, most, most, full, shots=(10, 30, 100, 1000))
    other = curve("other", half + [True] * 7, [None] * 10 + most[10:], full)
    strangers = answered([None] * 20 + [True] * 9, "other", 300)
    [row] = compare.ratios([*mine, *other, strangers])
    assert row.a_at.point == pytest.approx(30 * (100 / 30) ** 0.8)  # .5, .5, 1, 1
    assert row.b_at.point == pytest.approx(10 * 10**0.8)
    assert compare.ratios([*mine, strangers, other[0]]) == []  # one number of shots is left


def test_a_ratio_of_models_that_know_all_from_the_start_says_so():
    runs = [answered([True] * 9, model, n) for model in ("mine", "other") for n in (3, 30)]
    [row] = compare.ratios(runs)
    assert row.text() == "reached by both with the fewest shots"
    assert row.a_at == row.b_at == Span(None, 3.0)


def test_pairing_narrows_and_clusters_widen():
    random = np.random.default_rng(1)
    hard = random.random(200)
    one, two = (list(map(bool, hard < p)) for p in (0.7, 0.6))
    mixed = [two[k] for k in random.permutation(200)]
    [paired] = compare.differences([answered(one), answered(two, model="other")])
    [loose] = compare.differences([answered(one), answered(mixed, model="other")])
    assert paired.high - paired.low < 0.7 * (loose.high - loose.low)
    runs = [
        answered(one),
        answered(two, model="other"),
        answered(one, seed=1),
        answered(mixed, seed=1, model="other"),
    ]
    more = [
        answered(list(map(bool, random.random(200) < p)), seed=2, model=m)
        for m, p in (("mine", 0.9), ("other", 0.5))
    ]
    [wide] = compare.differences([*runs, *more])
    assert wide.seeds == (0, 1, 2)
    assert wide.high - wide.low > paired.high - paired.low


def test_models_that_agree_on_all_may_still_differ():
    [row] = compare.differences([answered([True] * 200), answered([True] * 200, model="other")])
    assert row.difference == 0
    assert -0.03 < row.low < 0 < row.high < 0.03


@pytest.mark.parametrize("other", [{"seed": 1}, {"task": "t/y"}, {"version": 2}, {"shots": 3}])
def test_what_was_not_the_same_question_is_not_compared(other):
    assert compare.differences([answered([True] * 9), answered([False] * 9, model="other", **other)]) == []


def test_a_corpus_that_changed_is_another_task():
    runs = [answered([True], shots=None, task="arc-json:/a.json", digest="1")]
    runs.append(answered([True], "other", None, task="arc-json:/a.json", digest="2"))
    assert compare.differences(runs) == []


def test_nothing_gives_nothing():
    runs = [answered([None] * 5), answered([None] * 5, shots=3), trial_result([], model="other", names="")]
    assert compare.shots_needed(runs) == compare.ratios(runs) == compare.differences(runs) == []
    assert compare.shots_needed([answered([True])]) == []  # one number of shots is no curve
    assert arc.concepts(runs) == arc.overlaps(runs) == []


def test_trials_with_hardly_an_answer_have_shots_needed_without_a_fault():
    runs = [answered([k == n for k in range(9)], shots=n + 3) for n in range(2)]
    lone = []
    for n in range(60):
        answers = [*[None] * n, True, *[None] * (59 - n)]
        lone.append(answered(answers, shots=n + 3))
    assert compare.shots_needed(runs)[0].interval == Span(4.0, None)
    assert compare.shots_needed(lone)[0].interval == Span(None, None)


def test_valid_answers_have_shots_needed_of_their_own():
    def run(n, valid):
        return trial_result(
            [record(str(k), valid=valid) for k in range(20)], 0, "mine", n, names=[str(k) for k in range(20)]
        )

    runs = [run(10, False), run(100, True)]
    [exact], [valid] = compare.shots_needed(runs), compare.shots_needed(runs, "valid")
    assert (exact.first, exact.at) == (None, Span(100.0, None))
    assert (valid.first, valid.at.point) == (100, pytest.approx(10 * 10**0.9))


def test_seeds_are_clusters_of_the_shots_needed():
    def curve(seed, *shares):
        return [answered(share(s), shots=n, seed=seed) for n, s in zip((10, 100, 1000), shares, strict=True)]

    alike = [*curve(0, 0.2, 0.8, 1.0), *curve(1, 0.2, 0.81, 1.0), *curve(2, 0.2, 0.79, 1.0)]
    apart = [*curve(0, 0.2, 0.6, 1.0), *curve(1, 0.2, 0.8, 1.0), *curve(2, 0.2, 0.97, 1.0)]
    [near], [far] = compare.shots_needed(alike), compare.shots_needed(apart)
    assert near.seeds == far.seeds == (0, 1, 2)
    assert near.at.point == pytest.approx(100 * 10**0.5, rel=1e-6)
    assert near.interval.low is not None
    assert near.interval.high is not None
    assert near.interval.high / near.interval.low < 1.5
    assert (far.interval.high or np.inf) / (far.interval.low or 1) > 3


def test_two_trainings_of_one_model_are_two_models():
    runs = [
        answered(share(s, 50), shots=n, steps=steps) for steps, s in ((9, 0.5), (99, 1.0)) for n in (3, 30)
    ]
    assert [row.model.training for row in compare.shots_needed(runs)] == [
        "9 optimizer steps",
        "99 optimizer steps",
    ]
    assert [row.difference for row in compare.differences(runs)] == [-0.5, -0.5]


def test_answers_of_another_model_file_or_weights_make_no_curve_pair_or_concept_with_the_first():
    def of(what, fact, run):
        return replace(run, header=msgspec.structs.replace(run.header, **{what: fact}))

    for what, word in (("code", "file"), ("weights", "weights")):
        old = [of(what, "a" * 16, answered(share(s), shots=n)) for n, s in ((3, 0.2), (30, 0.5))]
        new = [of(what, "b" * 16, answered(share(s), shots=n)) for n, s in ((30, 0.95), (300, 1.0))]
        rows = compare.shots_needed([*old, *new])
        assert [(row.model.mark, row.shots, row.shares) for row in rows] == [
            (f"{word} aaaaaaaa", (3, 30), (0.2, 0.5)), (f"{word} bbbbbbbb", (30, 300), (0.95, 1.0)),
        ]  # fmt: skip
        [only] = compare.shots_needed(old)
        assert only == replace(rows[0], model=replace(rows[0].model, mark=""))
        [row] = compare.differences([*old, *new])
        assert (row.shots, row.difference) == (30, pytest.approx(-0.45))
        task = "arc-json:/d/Center/Center1.json"
        both = [
            of(what, fact, answered([hit] * 3, shots=None, task=task))
            for fact, hit in (("a", True), ("b", False))
        ]
        assert [(row.n, row.hits) for row in arc.concepts(both)] == [(3, 3), (3, 0)]
        assert [(row.tasks, row.solved) for row in arc.solved(both)] == [(1, 1), (1, 0)]
        [pair] = arc.overlaps(both)
        assert (pair.only_a, pair.both, pair.only_b) == (1, 0, 0)
