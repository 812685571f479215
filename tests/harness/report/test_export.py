"""Test that CSV and Markdown hold every row, and that hostile names stay text."""

from __future__ import annotations

import csv
import io
import re

import pytest
from msgspec.structs import replace

from tests.support.commands import refused
from tests.support.made_results import answered, record, share, trial_result
from vizbench.console import results
from vizbench.harness.report import tables as page
from vizbench.harness.report.export import csv_text, markdown
from vizbench.harness.stats import compare
from vizbench.harness.stats.incomplete import incomplete_trials, write_incomplete
from vizbench.harness.stats.metrics import COVERAGE, summaries

EVIL = '=cmd|"/c calc"!A1\n| <script>alert(1)</script> | [x](javascript:1) `'


def curve(model, *shares, task="life/conway", seed=0, shots=(3, 10, 30)):
    return [answered(share(s), model, n, seed, task=task) for n, s in zip(shots, shares, strict=True)]


def read(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def tables(text):
    """Heading -> rows of values of the table below it."""
    sections = {}
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        lines = [line for line in part.splitlines() if line.startswith("| ")]
        rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines]
        assert len({len(row) for row in rows}) <= 1, part
        sections[part.partition("\n")[0]] = [[value.strip() for value in row] for row in rows]
    return sections


def test_csv_has_every_row_with_its_figures():
    attempts = [record("a", exact=True), record("a", 1), record("b"), record("b", 1)]
    trials = [*curve("mine", 0.1, 0.5, 0.95), trial_result(attempts, model="twice", attempts=2, names="ab")]
    rows = summaries(trials)
    lines = read(csv_text(rows))
    assert len(lines) == len(rows) == 4
    for row, line in zip(rows, lines, strict=True):
        assert (line["task"], line["model"], int(line["shots"])) == (row.task, row.model, row.shots)
        assert float(line["exact"]) == row.exact  # to the last digit
        assert float(line["valid_high"]) == row.valid_high
    assert [line["exact@2"] for line in lines] == ["", "", "", "0.5"]
    assert lines[3]["psr"] == ""
    assert "exact_at" not in lines[0]


def test_undecodable_answers_are_listed_by_reason():
    undecodable = [
        replace(record(name, undecodable=True), reason=f"row {n} holds 'x{n}'")
        for n, name in enumerate("abc")
    ]
    undecodable.append(replace(record("d", undecodable=True), reason="abstained: the board | was not found"))
    text = markdown([trial_result(undecodable, model="mine")])
    section = text.partition("## Undecodable answers\n")[2].partition("## ")[0]
    assert "mine, 16 shots: 3 x row N holds …; 1 x abstained: the board" in section
    assert "Undecodable answers" not in markdown([answered([True, False])])


def test_a_seed_list_and_a_formula_in_csv():
    trials = [answered([True], model=EVIL, task="@t"), answered([True], model=EVIL, task="@t", seed=7)]
    [line] = read(csv_text(summaries(trials)))
    assert line["seeds"] == "0 7"
    assert line["model"] == "'" + EVIL.replace("\n", "\\n")
    assert line["task"] == "'@t"


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\r\nb\x00", "a\\r\\nb\\x00"),
        ("a\u202eb\u200b\u2028", "a\\u202eb\\u200b\\u2028"),
        ("=1+1", "'=1+1"),
        ("  @x", "'  @x"),
        ("\uff1dcmd", "'\uff1dcmd"),
        ("\t=1", "\\t=1"),
        ("-1", "'-1"),
        ('a,b;"c"', 'a,b;"c"'),
    ],
)
def test_names_in_csv_are_shown_and_never_run(name, cell, tmp_path):
    [line] = read(csv_text(summaries([answered([True], model=name, task=f"t{name}", checkpoint=name)])))
    assert (line["model"], line["checkpoint"]) == (cell, cell)
    write_incomplete(incomplete_trials([answered([None], name, error=name)], ()), tmp_path / "incomplete.csv")
    [line] = read((tmp_path / "incomplete.csv").read_text())
    assert (line["model"], line["error"]) == (cell, cell)


def test_markdown_has_a_section_for_each_question():
    trials = [*curve("mine", 0.1, 0.5, 0.95), *curve("other", 0.0, 0.2, 0.4), *curve("copy", 0.06, 0.0, 0.0)]
    sections = tables(markdown(trials))
    assert len(sections["life/conway"]) == 2 + 9
    assert sections["life/conway"][4][:4] == ["mine", "30", "200", "95.0% [91.0, 97.3]"]
    head, _, mine, other, baseline = sections["Shots to reach 90%"]
    assert head[-2:] == ["paper, CogVideoX1.5-5B", "paper, Qwen3-4B"]
    assert (mine[3], other[3], other[4]) == ("30", "–", "> 30")
    assert mine[-2:] == ["30", "300"]
    assert baseline[1:6] == ["copy", "1", "–", "not reached", "> 30"]
    [ratio] = sections["Data efficiency"][2:]  # copy learns nothing
    assert re.fullmatch(r"> [0-9.]+ \(B not reached\)", ratio[3])
    assert COVERAGE in markdown(trials)
    assert not re.search(r"\?|over seeds for several", markdown(trials))
    rows = sections["Models and baselines on the same questions"][2:]
    assert [row[1] for row in rows] == ["3", "10", "30", "3", "3", "10", "10", "30", "30"]
    assert [row[3] for row in rows] == ["other"] * 3 + ["copy"] * 6
    assert "`copy` gives 6.0% valid answers (3.5, 10.2) of 200 with 3 shots" in markdown(trials)
    assert "Our choices, which the paper does not report" in sections
    assert "Incomplete" not in sections
    assert not {"ARC tasks solved", "Concepts"} & set(sections)


def test_a_ratio_that_neither_model_lets_know_says_why():
    trials = [*curve("mine", 0.1, 0.2, 0.5), *curve("other", 0.0, 0.2, 0.4)]
    assert tables(markdown(trials))["Data efficiency"][2][3:] == ["not reached by either", "any"]
    [row] = page.ratios(compare.ratios(trials))["rows"]
    assert row["at"][1] == "not reached by either"
    assert "?" not in str(page.ratios(compare.ratios(trials)))


def test_shots_that_the_papers_figure_draws_elsewhere_show_both():
    sections = tables(
        markdown(curve("mine", 0.1, 0.5, 0.95, task="eca/108") + curve("mine", 0, 0, 1, task="t/own"))
    )
    by_task = {row[0]: row[-2:] for row in sections["Shots to reach 90%"][2:]}
    assert by_task == {"eca/108": ["not reached (drawn: 100)", "100"], "t/own": ["", ""]}


def test_attempts_have_columns_of_exact_and_valid():
    answers = [record("a"), record("a", 1, valid=True), record("b", exact=True), record("b", 1, exact=True)]
    text = markdown([trial_result(answers, attempts=2, names="ab")])
    head, _, row = tables(text)["t/x"]
    assert (head[-2:], row[-2:]) == (["exact@2", "valid@2"], ["50.0%", "100.0%"])
    assert "All of first attempts, but @k" in text
    assert "first attempts" not in markdown([answered([True])])


def test_what_is_incomplete_is_reported():
    trials = [answered([True, None], error="it <broke>"), answered([None], shots=3)]
    text = markdown(trials)
    assert r"1 of 2 answers; it \<broke\>" in text
    assert "3 shots, seed 0: 0 of 1 answer" in text
    assert markdown(trials[1:]).count("##") == 1  # no row, no table, no zero


def test_paths_and_corpora_have_their_columns():
    walked = trial_result([record("a", valid=True, figures={"psr": 1.0, "rpl": 1.25})], names="a")
    arc = [
        trial_result([record("a", exact=e)], 0, m, None, names="a", task="arc-json:/d/Copy/Copy1.json")
        for m, e in (("mine", True), ("other", False), ("copy", False))
    ]
    half = trial_result([record("a")], 0, "other", None, names="a", task="arc-json:/d/Count/Count1.json")
    sections = tables(markdown([walked, *arc]))
    assert sections["t/x"][2][-2:] == ["100.0%", "1.250"]
    assert sections["ARC tasks solved"][2:] == [
        ["/d", "1", "1", "mine", "other", "1", "0", "0"], ["/d", "1", "1", "mine", "copy", "1", "0", "0"],
        ["/d", "1", "1", "other", "copy", "0", "0", "0"],
    ]  # fmt: skip
    assert [name.rpartition(",")[0] for name in sections["Concepts"][0][1:]] == ["mine", "other", "copy"]
    shares = ["100.0%", "0.0%", "0.0%"]
    assert sections["Concepts"][2:] == [["Copy", *shares], ["mean", *shares]]
    assert tables(markdown([*arc, half]))["Concepts"][-1] == [
        "mean",
        "",
        "0.0%",
        "",
    ]  # mine was not asked of both


def test_hostile_names_stay_text_in_markdown():
    trials = [answered([True, False], EVIL, n, task=EVIL, checkpoint=EVIL) for n in (3, 30)]
    text = markdown([*trials, answered([None], "b", error=EVIL)])
    assert "<script>" not in text
    assert "[x](" not in text
    assert all(len(rows) in (3, 4) for rows in tables(text).values() if rows)


def test_the_command_writes_what_it_is_asked_for(run, tmp_path):
    run("eval", "--task", "life/conway", "--shots", "3,5", "--n-test", 4, "--out", "r")
    assert run("report", "r", "--csv", "t.csv", "--md", "t.md").out == "t.csv\nt.md\n"
    assert len(read((tmp_path / "t.csv").read_text(encoding="utf-8"))) == 12
    assert "life/conway" in tables((tmp_path / "t.md").read_text(encoding="utf-8"))
    twice = run("report", "r", "r", "--csv", "again.csv")
    assert twice.code == 0
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "t.csv").read_bytes()


def test_the_command_refuses_in_one_sentence(run, tmp_path):
    run("eval", "--task", "life/conway", "--shots", "3", "--n-test", 2, "--out", "r")
    assert "--html FILE, --csv FILE" in refused(run("report", "r"))
    assert "is a folder" in refused(run("report", "r", "--csv", "r"))
    assert "the folder does not exist" in refused(run("report", "r", "--md", "nowhere/t.md"))
    assert "holds no run" in refused(run("report", "nowhere", "--csv", "t.csv"))
    assert not (tmp_path / "t.csv").exists()


def test_the_command_draws_figures(run, tmp_path):
    run("eval", "--task", "life/conway", "--shots", "3,5", "--n-test", 4, "--out", "r")
    assert run("report", "r", "--figures", "f").out == "f\n"
    starts = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}
    files = list((tmp_path / "f").iterdir())
    assert {file.suffix for file in files} == set(starts)
    assert all(file.read_bytes().startswith(starts[file.suffix]) for file in files)


def test_the_terminal_shows_attempts_and_names_leaky_tasks(capsys):
    answers = [record("a"), record("a", 1, valid=True), record("b", exact=True), record("b", 1, exact=True)]
    results.print_results(summaries([trial_result(answers, attempts=2, names="ab", model="mine")]), ())
    text = capsys.readouterr().out
    assert "exact@2" in text and "valid@2" in text and "0.500 1.000" in " ".join(text.split())
    assert "exact, valid: of first attempts" in text and "cells" not in text
    assert "leaky" not in text
    results.print_results(
        summaries([answered(share(0.06), "copy", task=task) for task in ("t/x", "t/y")]), ()
    )
    text = capsys.readouterr().out
    assert "solves t/x (copy 6.0% valid, n 200), t/y (copy 6.0% valid, n 200)\n" in text
    assert "first attempts" not in text
