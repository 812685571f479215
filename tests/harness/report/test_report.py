"""Test that the report is made from the run directory only, is escaped and needs no network.

test_report_page uses it in a browser.
"""

from __future__ import annotations

import base64
import html
import json
import re
import zlib
from dataclasses import replace

import msgspec
import numpy as np
import pytest

import vizbench as vb
from tests.support.made_results import answered, record, share, trial_result
from tests.support.stubs import FILE
from vizbench.errors import UserError
from vizbench.harness.plan.plan import Plan
from vizbench.harness.records.records import read_runs
from vizbench.harness.report import curves, figures, svg
from vizbench.harness.report.report import render_report, write_figures, write_report
from vizbench.harness.report.viewer import MAX_STATES, pack_grid, pack_trajectory, payload
from vizbench.harness.run.run import run
from vizbench.harness.stats import paper
from vizbench.harness.stats.arc import concepts, overlaps
from vizbench.harness.stats.compare import shots_needed
from vizbench.harness.stats.metrics import leaks, summaries
from vizbench.harness.stats.model_key import ModelKey

EVIL = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>&\"'{{7*7}}$x$"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs")
    tasks = ("life/conway", "sudoku/mini", "langton/3")
    plan = Plan(models=(f"{FILE}:Batcher",), tasks=tasks, shots=(3, 16), n_test=6, attempts=2)
    run(
        plan,
        out,
        pretraining_overlap=lambda task: "near: others" if task.startswith("life/") else "far: none",
    )
    return out


@pytest.fixture(scope="module")
def trials(runs):
    return read_runs([runs])


def data_of(text, name):
    """Return what an element of the page holds, as JSON."""
    [content] = re.findall(rf'<script id="{name}" type="application/json">(.*?)</script>', text)
    return json.loads(html.unescape(content))


def blob_of(text, number):
    """Return a blob of the page, unpacked."""
    [content] = re.findall(rf'<script id="blob-{number}" type="text/plain">(.*?)</script>', text)
    return json.loads(zlib.decompress(base64.b64decode(content, validate=True)))


def grid_of(entry):
    width, text = entry
    return ((np.array([ord(letter) for letter in text]) - 48) % 256).reshape(-1, width)


def test_it_is_written_whole_and_fetches_nothing(trials, tmp_path):
    path = tmp_path / "r.html"
    write_report(trials, (), path)
    text = path.read_text()
    assert text.lstrip().startswith("<!DOCTYPE html>")
    assert text.rstrip().endswith("</html>")
    assert "default-src 'none'" in text
    markup = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert not re.search(r"""src\s*=|url\((?!#)|@import|href="(?!#)|xlink""", markup)
    assert not re.search(r"https?://", text)
    assert [name.name for name in tmp_path.iterdir()] == ["r.html"]


def test_every_row_of_the_table_is_in_it_with_its_flags(trials):
    data = data_of(render_report(trials), "rows")
    rows = summaries(trials)
    shown = {(row["task"], row["model"], row["shots"]): row for row in data["rows"]}
    assert len(shown) == len(rows) == 3 * 7 * 2
    leaky = leaks(rows)
    assert leaky.keys() == {row["task"] for row in data["rows"] if row["leaky"]}
    for row in rows:
        one = shown[row.task, curves.label_of(ModelKey(row.model, row.checkpoint, row.training)), row.shots]
        assert one["exact_span"] == [row.exact_low, row.exact_high]
        assert one["exact@2"] == row.exact_at[2]
        assert one["pretraining_overlap"] == ("near" if row.task.startswith("life/") else "far")
        assert one["trivial"] == (row.model != f"{FILE}:Batcher")
    assert {row["model"] for row in data["rows"] if row["trivial"]} == {
        "copy", "blank", "majority", "random", "nearest", "solver",
    }  # fmt: skip


def test_only_a_leaky_task_is_reported():
    names = [str(k) for k in range(100)]
    for valid, leaky in ((6, True), (4, False)):
        records = [record(name, valid=k < valid) for k, name in enumerate(names)]
        text = render_report([trial_result(records, model="nearest", names=names)])
        assert ('<section id="leaky">' in text) == leaky


def test_every_grid_answer_and_step_is_in_the_viewer(trials):
    text = render_report(trials)
    index = data_of(text, "data")
    [at] = [k for k, one in enumerate(index["sets"]) if one["task"] == "langton/3"]
    instances = vb.load("langton/3").test.head(6)
    asked = blob_of(text, index["sets"][at]["blob"])
    assert asked["ids"] == [instance.id for instance in instances]
    for k, instance in enumerate(instances):
        assert np.array_equal(grid_of(asked["questions"][k]), instance.question)
        assert np.array_equal(grid_of(asked["targets"][k]), instance.target)
        first, changes, answer = asked["trajectories"][k]
        assert answer == len(instance.steps)
        state = grid_of(first)
        assert np.array_equal(state, instance.question)
        for change, step in zip(changes, instance.steps, strict=True):
            state.flat[change[::2]] = change[1::2]
            assert np.array_equal(state, step)
    mine = next(
        c for c in trials if (c.header.trial.task, c.header.trial.model) == ("langton/3", f"{FILE}:Batcher")
    )
    entry = {"set": at, "shots": mine.header.data.shots, "label": "stubs.py:Batcher"}
    [run_of] = [one for one in index["trials"] if entry.items() <= one.items()]
    shown = blob_of(text, run_of["blob"])
    for one in mine.records:
        verdict, reason, _, grid = shown[[i.id for i in instances].index(one.id)][one.attempt]
        assert (index["verdicts"][verdict], reason) == ("exact" if one.exact else "wrong", one.reason)
        assert grid == 0 if one.exact else np.array_equal(grid_of(grid), one.answer)


def test_equal_blobs_are_kept_once_and_other_questions_are_another_set(trials):
    copies = [c for c in trials if c.header.trial.model == "copy" and c.header.trial.task == "life/conway"]
    index = payload(copies).index
    assert len(copies) == 2
    assert len({run["blob"] for run in index["trials"]}) == len(index["sets"]) == 1
    other = replace(
        copies[1], questions=[msgspec.structs.replace(q, id=q.id + "x") for q in copies[1].questions]
    )
    assert len(payload([copies[0], other]).index["sets"]) == 2
    shorter = replace(copies[1], questions=copies[1].questions[:3])
    both = payload([shorter, copies[0]])
    assert sorted(run["count"] for run in both.index["trials"]) == [3, 6]
    [longest] = both.index["sets"]
    blob = both.blobs[int(longest["blob"])]
    assert len(json.loads(zlib.decompress(base64.b64decode(blob)))["ids"]) == 6


def test_the_viewer_holds_fewer_and_says_so(trials):
    most = sum(map(len, payload(trials).blobs)) * 2 // 3
    text = render_report(trials, most_bytes=most)
    held = re.findall(r"The viewer holds the first (\d) of 6 questions per trial", text)
    assert held
    assert int(held[0]) < 6
    index = data_of(text, "data")
    assert all(len(blob_of(text, run["blob"])) == int(held[0]) for run in index["trials"])
    assert payload(trials, 1).held == 1
    assert len(payload(trials, 1).index["trials"]) == len(trials)
    assert "The viewer holds" not in render_report(trials)


def test_grids_of_every_code_and_long_trajectories_survive_the_packing():
    codes = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(grid_of(json.loads(json.dumps(pack_grid(codes.tolist())))), codes)
    states = [np.full((1, 1), k % 7, np.uint8) for k in range(5000)]
    first, changes, answer = pack_trajectory(states, -1)
    assert answer == MAX_STATES - 1
    assert grid_of(first)[0, 0] == 0
    assert len(changes) == MAX_STATES - 1
    assert changes[-1] in ([], [0, 4999 % 7])


def test_a_task_of_another_version_or_none_has_no_trajectory(trials):
    one = next(c for c in trials if (c.header.trial.task, c.header.trial.model) == ("langton/3", "copy"))

    def trajectories(changed):
        last = payload([changed]).blobs[-1]
        return json.loads(zlib.decompress(base64.b64decode(last)))["trajectories"]

    assert all(trajectories(one))
    task = msgspec.structs.replace(one.header.task, version=999)
    assert trajectories(replace(one, header=msgspec.structs.replace(one.header, task=task))) == [None] * 6
    trial = msgspec.structs.replace(one.header.trial, task="nothing/here")
    assert trajectories(replace(one, header=msgspec.structs.replace(one.header, trial=trial))) == [None] * 6
    wild = [msgspec.structs.replace(q, question=[[255] * 8] * 8) for q in one.questions]
    assert trajectories(replace(one, questions=wild)) == [None] * 6


def test_an_incomplete_trial_is_reported(trials):
    cut = [replace(trials[0], records=trials[0].records[:3], error=EVIL), *trials[1:]]
    text = render_report(cut)
    assert "3 of 12 answers" in text
    assert html.escape("onerror=alert(1)>") in text
    assert "3 of 12 answers" not in render_report(trials)
    assert "0 of 12 answers" in render_report([replace(trials[0], records=[])])


def hostile(trial):
    header = trial.header
    evil = msgspec.structs.replace(header.trial, task=EVIL, model="x/" + EVIL, checkpoint=EVIL)
    rows = [msgspec.structs.replace(row, id=EVIL + row.id) for row in trial.questions]
    records = [
        msgspec.structs.replace(r, id=EVIL + r.id, reason=EVIL, valid=False, exact=False)
        for r in trial.records
    ]
    header = msgspec.structs.replace(
        header, trial=evil, pretraining_overlap=EVIL + ":", environment={EVIL: EVIL}
    )
    return replace(trial, header=header, questions=rows, records=records, error=EVIL)


def test_hostile_names_and_reasons_stay_text(trials, tmp_path):
    two = [hostile(trials[0]), hostile(trials[1])]
    text = render_report([*two, *trials])
    assert EVIL not in text
    assert "<img" not in text
    assert "49$x$" not in text  # no template in a template
    assert text.count("<script") == text.count("</script>") == text.count("<script id=") + 1
    write_figures(two, tmp_path)
    for path in tmp_path.glob("*.svg"):
        assert "<img" not in path.read_text()


def test_where_it_cannot_be_written_is_said(trials, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a folder: name a file"):
        write_report(trials, (), tmp_path)
    with pytest.raises(UserError, match="a part of that path is a file"):
        write_report(trials, (), tmp_path / "file" / "r.html")
    with pytest.raises(UserError, match="name a folder for the figures"):
        write_figures(trials, tmp_path / "file")


def test_figures_are_written_in_every_kind_and_alike(trials, tmp_path):
    arc = [answered([True], model=name, task="arc-json:a/x.json", shots=None) for name in ("one", "two")]
    first = write_figures([*trials, *arc], tmp_path / "a")
    second = write_figures([*trials, *arc], tmp_path / "b")
    assert [path.name for path in first if path.suffix == ".svg"] == [
        "curve-langton-3.svg", "curve-life-conway.svg", "curve-sudoku-mini.svg",
        "shots-needed.svg", "overlap.svg",
    ]  # fmt: skip
    assert [path.suffix for path in first[:3]] == [".svg", ".pdf", ".png"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert b"langton/3" in first[0].read_bytes()
    assert b"fa57" not in first[0].read_bytes()  # no stand-in for a colour


def test_the_best_baseline_is_never_the_solver(trials):
    rows = [replace(row, exact=0.3) if row.model == "nearest" else row for row in summaries(trials)]
    assert [entry.name for entry in curves.legend(rows)] == ["stubs.py:Batcher", curves.BEST_BASELINE]
    panel = curves.panels(rows)[0]
    [baseline] = [curve for curve in panel.curves if curve.entry.kind == "baseline"]
    assert "(nearest)" in baseline.points[0].label
    assert "30.0% exact" in baseline.points[0].label
    baselines = [row for row in rows if row.model in ("copy", "solver")]
    assert [entry.name for entry in curves.legend(baselines)] == ["copy", "solver"]


def test_two_files_with_a_class_of_one_name_have_a_curve_each():
    rows = summaries([answered([k], model=f"{k}/m.py:M") for k in range(2)])
    assert [entry.name for entry in curves.legend(rows)] == [
        "m.py:M · from 0",
        "m.py:M · from 1",
        curves.BEST_BASELINE,
    ]
    shares = [curve.points[0].share for curve in curves.panels(rows)[0].curves]
    assert shares == [0.0, 1.0]


def marks_of(drawing):
    """Return the titles of a drawing's marks as the page shows them."""
    return re.findall(r"<title>(.*?)</title>", svg.inline(drawing, 0))


def test_the_papers_curves_are_behind_ours():
    mine = [answered(share(0.5), task="life/seeds", shots=n, model="mine") for n in (10, 100)]
    rows = summaries(mine)
    [panel] = curves.panels(rows)
    assert [curve.entry.kind for curve in panel.curves] == ["paper", "paper", "model"]
    published = panel.curves[0]
    assert [(p.shots, p.share) for p in published.points] == list(paper.curves("life/seeds")[paper.VIDEO])
    drawn = svg.inline(figures.curves(panel, titled=False), 0)
    assert drawn.count('class="paper"') == 4  # a line and its points for each of two models
    assert "var(--p0)" in drawn
    assert "fa57" not in drawn
    assert marks_of(figures.curves(panel, titled=False)) == [
        "mine, 10 shots: 50.0% exact (43% to 57%), 200 questions",
        "mine, 100 shots: 50.0% exact (43% to 57%), 200 questions",
    ]


def test_the_bars_show_our_shots_and_both_of_the_papers_if_they_differ():
    curve = {10: 0.5, 100: 0.8, 1000: 1.0}
    mine = [answered(share(value), task="life/seeds", shots=n, model="mine") for n, value in curve.items()]
    never = [answered(share(0.5), task="eca/8", shots=n, model="mine") for n in curve]
    titles = marks_of(figures.shots_needed(shots_needed([*mine, *never]), curves.legend(summaries(mine))))
    assert "paper, Qwen3-4B, life/seeds: 300 shots by its tables" in titles
    assert (
        "paper, Qwen3-4B, life/seeds: 100 shots as its figure draws it, which its tables do not say" in titles
    )
    assert any(one.startswith("mine, life/seeds: 316 shots (95%: ") for one in titles)
    assert sum(one.startswith("mine, eca/8: &gt; 1,000 shots") for one in titles) == 3  # bar, arrow, interval


def test_the_overlap_and_the_wheel_show_ours_and_the_papers():
    solved = {"one": (True, True, False), "two": (True, False, False)}
    files = ("AboveBelow/a1", "Center/c1", "Center/c2")
    arc = [
        answered([hit], model=model, task=f"arc-json:c/{file}.json", shots=None)
        for model, hits in solved.items()
        for file, hit in zip(files, hits, strict=True)
    ]
    legend = curves.legend(summaries(arc))
    titles = marks_of(figures.overlap(overlaps(arc), legend))
    assert titles == ["only one: 1 of 3 tasks", "both: 1 of 3 tasks", "only two: 0 of 3 tasks"]
    published = [replace(row, published=True) for row in overlaps(arc)]
    assert marks_of(figures.overlap(published, legend))[3:] == [
        "paper: only CogVideoX1.5-5B: 52 of 400 tasks", "paper: both: 15 of 400 tasks",
        "paper: only Qwen3-4B: 17 of 400 tasks",
    ]  # fmt: skip
    wheel = marks_of(figures.radar(concepts(arc), legend))
    assert not any("paper" in one for one in wheel)
    whole = [replace(row, published=row.concept == "Center") for row in concepts(arc)]
    assert "paper: CogVideoX1.5-5B" in marks_of(figures.radar(whole, legend))
    assert any(one.startswith("one, Center: 50% of 2 (") for one in wheel)
    text = render_report(arc)
    assert '<section id="overlap">' in text
    assert '<section id="concepts">' in text
    assert "The paper measured 10 tasks of each concept" in text
    assert not any("paper" in column["title"] for column in data_of(text, "concept-rows")["columns"])
    assert not any("paper" in row["corpus"] for row in data_of(text, "overlap-rows")["rows"])
    baseline = answered([False], model="copy", task="arc-json:c/Center/c1.json", shots=None)
    assert "copy" in {
        row["model"] for row in data_of(render_report([*arc, baseline]), "concept-rows")["rows"]
    }
    assert '<section id="curves">' not in text
