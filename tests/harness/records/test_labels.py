"""Names that people read: short, on one line, and no two alike in any output."""

from __future__ import annotations

import csv
import io
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.made_results import answered, cell_run, record
from vizbench.harness.records.labels import OWN, model_label, model_marks, shortened
from vizbench.harness.records.origins import origins
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
def test_two_models_are_told_apart_in_every_output(pair, capsys):
    cells = [answered([True, False], model, shots) for model in pair for shots in (3, 10)]
    found = summaries(cells)
    text = markdown(cells)
    results = [row.split(" | ")[0] for row in text.split("## ")[1].splitlines() if row.startswith("| ")][2:]
    assert len(set(results)) == 2, results
    (gap,) = {(row.a, row.b) for row in compare.differences(cells)}
    assert curves.label_of(gap[0]) != curves.label_of(gap[1])
    assert len({key.name for key in curves.legend(found)}) == 3
    assert len({row["model"] for row in tables.results(found, {})["rows"]}) == 2
    assert len({trial_labels(cells)[trial_id(run)] for run in cells[::2]}) == 2
    rows = list(csv.DictReader(io.StringIO(csv_text(found))))
    assert len({(row["model"], row["mark"]) for row in rows}) == 2
    assert text.isprintable() or all(line.isprintable() for line in text.splitlines())
    results.print_results(found, ())
    shown = "".join(capsys.readouterr().out.split())
    wanted = list(results._names_of_models(found).values())
    assert len(set(wanted)) == 2
    assert all("".join(name.split())[:8] in shown for name in wanted)
    lost = incomplete_trials([answered([None], model) for model in pair], ())
    assert len({one.who() for one in lost}) == 2


def test_short_names_stay_short():
    cells = [answered([True], model) for model in ("org1/sora-2", "org2/veo-3", "copy")]
    assert [curves.label_of(curves.model_of(row)) for row in summaries(cells)] == ["sora-2", "veo-3", "copy"]
    assert "| sora-2 |" in markdown(cells)
    names = [("org1/sora-2", "none", OWN), ("org2/sora-2", "none", OWN), ("org3/other", "none", OWN)]
    assert list(model_marks(names).values()) == ["from org1", "from org2", ""]


NAMES = st.text(st.sampled_from("aA/ ·\n\x1b\\.x1b\u00e9\u0301e#"), min_size=1, max_size=6)


@given(
    st.sets(
        st.tuples(
            NAMES, st.sampled_from(["none", "default", "a", "a · a"]), st.sampled_from([OWN, "5 steps"])
        ),
        max_size=8,
    )
)
@settings(max_examples=200, deadline=None)
def test_labels_are_distinct_and_printable(models):
    marks = model_marks(models)
    found = [
        model_label(name, checkpoint, own, marks[name, checkpoint, own]) for name, checkpoint, own in models
    ]
    assert len(set(found)) == len(models)
    assert all(label.isprintable() for label in found)


@given(st.sets(st.text(max_size=30), max_size=8), st.integers(10, 30))
@settings(max_examples=200, deadline=None)
def test_cut_names_are_distinct_and_fit(names, most):
    short = shortened(names, most)
    assert len(set(short.values())) == len(names)
    assert all(len(line) <= most and line.isprintable() for line in short.values())


def test_files_of_one_label_say_what_tells_them_apart():
    tasks = ["arc-json:a/b/c.json", "arc-json:a/b/c", "arc-json:d/b/c.json", "arc-json:a/b/d.json"]
    runs = [cell_run([record("a")], 0, "mine", None, names="a", task=task) for task in tasks]
    assert origins(runs) == ["in a, file c.json", "in a, file c", "in d", ""]


def test_a_figure_shows_names_as_they_are(tmp_path):
    cells = [
        answered([True, False], f"$x^2$ {side}{LONG}$", n) for side, n in itertools.product("ab", (3, 10))
    ]
    drawn = {key.name: key for key in curves.legend(summaries(cells))}
    short = shortened(drawn, 60)
    assert len(set(short.values())) == len(drawn) == 3
    assert figures._verbatim("$x^2$") == r"\$x^2\$"
