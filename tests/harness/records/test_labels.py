"""Test labels of tasks and models: short, on one line, and all different in any output."""

from __future__ import annotations

import csv
import io
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.made_results import answered, record, trial_result
from vizbench.console import results as printed
from vizbench.harness.records.labels import OWN, disambiguate, model_label, model_marks, shortened
from vizbench.harness.records.records import TrialResult
from vizbench.harness.report import curves, figures, tables
from vizbench.harness.report.export import csv_text, markdown
from vizbench.harness.report.links import trial_id, trial_labels
from vizbench.harness.stats import compare
from vizbench.harness.stats.incomplete import incomplete_trials
from vizbench.harness.stats.metrics import summaries

LONG = "model-" + "x" * 90
PAIRS = {
    "organisations": ("org1/sora-2", "org2/sora-2"),
    "organisation or none": ("sora-2", "org2/sora-2"),
    "case": ("org1/Sora-2", "org2/sora-2"),
    "case only": ("sora-2", "Sora-2"),
    "long middle": (f"{LONG}-a-{LONG}", f"{LONG}-b-{LONG}"),
    "long folder": (f"{LONG}/a/m", f"{LONG}/b/m"),
    "escape": ("a\x1bb", "a\x1ab"),
    "escape and its name": ("a\x1bb", "a\\x1bb"),
    "line end": ("a\nb", "a b"),
    "spaces": ("a b", "a  b"),
    "zero width": ("ab", "a\u200bb"),
    "composed": ("caf\u00e9", "cafe\u0301"),
}


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_two_models_differ_in_every_output(pair, capsys):
    trials = [answered([True, False], model, shots) for model in pair for shots in (3, 10)]
    rows = summaries(trials)
    text = markdown(trials)
    results = [row.split(" | ")[0] for row in text.split("## ")[1].splitlines() if row.startswith("| ")][2:]
    assert len(set(results)) == 2, results
    ((first, second),) = {(row.a, row.b) for row in compare.differences(trials)}
    assert curves.label_of(first) != curves.label_of(second)
    assert len({key.name for key in curves.legend(rows)}) == 3
    assert len({row["model"] for row in tables.results(rows, {})["rows"]}) == 2
    assert len({trial_labels(trials)[trial_id(run)] for run in trials[::2]}) == 2
    table = list(csv.DictReader(io.StringIO(csv_text(rows))))
    assert len({(row["model"], row["mark"]) for row in table}) == 2
    assert text.isprintable() or all(line.isprintable() for line in text.splitlines())
    printed.print_results(rows, ())
    shown = "".join(capsys.readouterr().out.split())
    names = list(printed._names_of_models(rows).values())
    assert len(set(names)) == 2
    assert all("".join(name.split())[:8] in shown for name in names)
    incomplete = incomplete_trials([answered([None], model) for model in pair], ())
    assert len({one.who() for one in incomplete}) == 2


def test_short_names_stay_short():
    trials = [answered([True], model) for model in ("org1/sora-2", "org2/veo-3", "copy")]
    assert [curves.label_of(curves.model_of(row)) for row in summaries(trials)] == ["sora-2", "veo-3", "copy"]
    assert "| sora-2 |" in markdown(trials)
    names = [("org1/sora-2", "none", OWN), ("org2/sora-2", "none", OWN), ("org3/other", "none", OWN)]
    assert list(model_marks(names).values()) == ["from org1", "from org2", ""]


NAMES = st.text(st.sampled_from("aA/ ·\n\x1b\\.x1b\u00e9\u0301e#"), min_size=1, max_size=6)


@given(
    st.sets(
        st.tuples(
            NAMES,
            st.sampled_from(["none", "default", "a", "a · a"]),
            st.sampled_from([OWN, "5 optimizer steps"]),
        ),
        max_size=8,
    )
)
@settings(max_examples=200, deadline=None)
def test_labels_are_distinct_and_printable(models):
    marks = model_marks(models)
    labels = [
        model_label(name, checkpoint, own, marks[name, checkpoint, own]) for name, checkpoint, own in models
    ]
    assert len(set(labels)) == len(models)
    assert all(label.isprintable() for label in labels)


@given(st.sets(st.text(max_size=30), max_size=8), st.integers(10, 30))
@settings(max_examples=200, deadline=None)
def test_cut_names_are_distinct_and_fit(names, most):
    short = shortened(names, most)
    assert len(set(short.values())) == len(names)
    assert all(len(line) <= most and line.isprintable() for line in short.values())


def test_files_of_one_label_say_how_they_differ():
    tasks = ["arc-json:a/b/c.json", "arc-json:a/b/c", "arc-json:d/b/c.json", "arc-json:a/b/d.json"]
    runs = [trial_result([record("a")], 0, "mine", None, names="a", task=task) for task in tasks]
    assert disambiguate(runs) == ["in a, file c.json", "in a, file c", "in d", ""]


def test_a_figure_shows_names_as_they_are(tmp_path):
    trials = [
        answered([True, False], f"$x^2$ {side}{LONG}$", n) for side, n in itertools.product("ab", (3, 10))
    ]
    drawn = {key.name: key for key in curves.legend(summaries(trials))}
    short = shortened(drawn, 60)
    assert len(set(short.values())) == len(drawn) == 3
    assert figures._verbatim("$x^2$") == r"\$x^2\$"


def arc_run(folder: str, hit: bool, model: str = "mine", digest: str = "") -> TrialResult:
    return answered(
        [hit], model, None, task=f"arc-json:{folder}/Copy/Copy1.json", digest=digest or 16 * str(+hit)
    )


FOLDERS = [arc_run("/d/a", True, digest="ab" * 8), arc_run("/d/b", False, digest="ab" * 8)]
CHANGED = [arc_run("/d/a", True), arc_run("/d/a", False)]


def test_what_differs_is_added_and_nothing_if_there_is_no_other() -> None:
    assert disambiguate(FOLDERS) == ["in /d/a", "in /d/b"]
    assert disambiguate(CHANGED) == ["data 111111", "data 000000"]
    assert disambiguate([*FOLDERS, *CHANGED]) == [
        "in /d/a, data ababab", "in /d/b", "in /d/a, data 111111", "in /d/a, data 000000",
    ]  # fmt: skip
    assert disambiguate([FOLDERS[0], arc_run("/d/a", False, "other", "ab" * 8)]) == ["", ""]
    assert disambiguate([answered([True], digest="a"), answered([True], digest="b", seed=1)]) == ["", ""]
    episodes = [answered([True], "mine", None, task="arc/count", digest=d) for d in ("one111", "two222")]
    assert disambiguate(episodes) == ["data one111", "data two222"]


@pytest.mark.parametrize("runs", [FOLDERS, CHANGED])
def test_no_two_rows_of_files_look_alike(runs: list[TrialResult], capsys: pytest.CaptureFixture[str]) -> None:
    rows = summaries(runs)
    origins = [row.origin for row in rows]
    assert len(set(origins)) == 2
    table = list(csv.DictReader(io.StringIO(csv_text(rows))))
    assert [line["origin"] for line in table] == origins
    text = markdown(runs)
    for origin, row in zip(origins, rows, strict=True):
        section = text.partition(f"## arc-json: Copy/Copy1 ({origin})\n")[2].partition("## ")[0]
        assert f"{row.exact:.1%} [" in section
        assert section.count("mine") == 1
    labels = [row["label"] for row in tables.results(rows, {})["rows"]]
    assert labels == [f"arc-json: Copy/Copy1 ({origin})" for origin in origins]
    printed.print_results(rows, ())
    heads = [line for line in capsys.readouterr().out.splitlines() if line.startswith("arc-json:")]
    assert len(set(heads)) == 2
    assert all(any(origin in head for head in heads) for origin in origins)


@pytest.mark.parametrize("pair", [FOLDERS, CHANGED])
def test_differences_name_their_file(pair: list[TrialResult]) -> None:
    digests = [run.header.data.digest for run in pair]
    tasks = [run.header.trial.task for run in pair]
    other = [answered([False], "other", None, task=t, digest=d) for t, d in zip(tasks, digests, strict=True)]
    rows = compare.differences([*pair, *other])
    assert sorted(row.origin for row in rows) == sorted(disambiguate(pair))
    assert len({row["label"] for row in tables.differences(rows)["rows"]}) == 2
