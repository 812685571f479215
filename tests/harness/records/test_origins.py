"""Two files of one name are told apart wherever rows of them stand: page, Markdown, CSV, terminal."""

from __future__ import annotations

import csv
import io

import pytest

from tests.support.made_results import answered
from vizbench.console import results
from vizbench.harness.records.origins import origins
from vizbench.harness.records.records import TrialResult
from vizbench.harness.report import tables
from vizbench.harness.report.export import csv_text, markdown
from vizbench.harness.stats import compare
from vizbench.harness.stats.metrics import summaries


def file(folder: str, hit: bool, model: str = "mine", digest: str = "") -> TrialResult:
    return answered(
        [hit], model, None, task=f"arc-json:{folder}/Copy/Copy1.json", digest=digest or 16 * str(+hit)
    )


FOLDERS = [file("/d/a", True, digest="ab" * 8), file("/d/b", False, digest="ab" * 8)]
CHANGED = [file("/d/a", True), file("/d/a", False)]


def test_what_differs_is_told_and_nothing_where_there_is_no_other() -> None:
    assert origins(FOLDERS) == ["in /d/a", "in /d/b"]
    assert origins(CHANGED) == ["data 111111", "data 000000"]
    assert origins([*FOLDERS, *CHANGED]) == [
        "in /d/a, data ababab", "in /d/b", "in /d/a, data 111111", "in /d/a, data 000000",
    ]  # fmt: skip
    assert origins([FOLDERS[0], file("/d/a", False, "other", "ab" * 8)]) == ["", ""]
    assert origins([answered([True], digest="a"), answered([True], digest="b", seed=1)]) == ["", ""]
    assert origins([answered([True], "mine", None, task="arc/count", digest=d) for d in ("one111", "two222")]) == [
        "data one111", "data two222",
    ]  # fmt: skip


@pytest.mark.parametrize("runs", [FOLDERS, CHANGED])
def test_no_two_rows_look_alike(runs: list[TrialResult], capsys: pytest.CaptureFixture[str]) -> None:
    rows = summaries(runs)
    told = [row.origin for row in rows]
    assert len(set(told)) == 2
    found = list(csv.DictReader(io.StringIO(csv_text(rows))))
    assert [line["origin"] for line in found] == told
    text = markdown(runs)
    for origin, row in zip(told, rows, strict=True):
        section = text.partition(f"## arc-json: Copy/Copy1 ({origin})\n")[2].partition("## ")[0]
        assert f"{row.exact:.1%} [" in section
        assert section.count("mine") == 1
    labels = [row["label"] for row in tables.results(rows, {})["rows"]]
    assert labels == [f"arc-json: Copy/Copy1 ({origin})" for origin in told]
    results.print_results(rows, ())
    heads = [line for line in capsys.readouterr().out.splitlines() if line.startswith("arc-json:")]
    assert len(set(heads)) == 2
    assert all(any(origin in head for head in heads) for origin in told)


@pytest.mark.parametrize("pair", [FOLDERS, CHANGED])
def test_differences_name_their_file(pair: list[TrialResult]) -> None:
    digests = [run.header.data.digest for run in pair]
    tasks = [run.header.trial.task for run in pair]
    other = [answered([False], "other", None, task=t, digest=d) for t, d in zip(tasks, digests, strict=True)]
    rows = compare.differences([*pair, *other])
    assert sorted(row.origin for row in rows) == sorted(origins(pair))
    assert len({row["label"] for row in tables.differences(rows)["rows"]}) == 2
