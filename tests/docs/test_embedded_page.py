"""Test that the tables of docs/embedded.md are those of experiments/embedded/results.csv."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from experiments.embedded.measure import config_digests
from experiments.embedded.tables import Measured, best_trivial, blocks, comparison, figure, read

DOCUMENT = Path(__file__).parents[2] / "docs" / "embedded.md"
TRIAL = Measured("life/conway", "cogvideox", "tiny", 30, 0, 200, 190, 190, 0.99, 44.0, "config", "abc", "cpu")


def test_the_measured_trials_are_of_the_present_configs() -> None:
    digests = config_digests()
    assert {(row.model, row.config) for row in read() if row.model in digests} == set(digests.items())


def test_the_document_is_current() -> None:
    text = DOCUMENT.read_text()
    for name, block in blocks(sorted(read(), key=lambda row: row.task)).items():
        assert f"<!-- begin {name} -->\n{block}\n<!-- end {name} -->" in text, (
            "run python -m experiments.embedded.measure --minutes 0"
        )


def test_figures_say_their_interval_and_their_seeds() -> None:
    assert figure([]) == "–"
    assert figure([TRIAL]) == "0.95 [0.91, 0.97] (1)"
    three = [replace(TRIAL, seed=seed) for seed in range(3)]
    assert figure(three) == "0.95 [0.93, 0.96]"  # they agree to the digit
    apart = [replace(TRIAL, seed=seed, hits=hits) for seed, hits in enumerate((200, 190, 180))]
    assert figure(apart) == "0.95 [0.69, 0.99]"


def test_better_and_worse_need_intervals_apart() -> None:
    scratch = replace(TRIAL, checkpoint="tiny-scratch")

    def row(*trials: Measured) -> str:
        return comparison(trials, "cogvideox").splitlines()[-1]

    assert row(TRIAL, replace(scratch, hits=60)) == "| `life/conway` | 30 |  |  |"
    assert row(replace(TRIAL, hits=60), scratch) == "| `life/conway` |  | 30 |  |"
    assert row(TRIAL, replace(scratch, hits=185)) == "| `life/conway` |  |  | 30 |"
    assert row(TRIAL) == "| `life/conway` |  |  |  |"


def test_the_best_trivial_baseline_is_named() -> None:
    rows = [
        replace(TRIAL, model=name, checkpoint="none", hits=hits)
        for name, hits in (("copy", 2), ("nearest", 6))
    ]
    assert best_trivial(rows, "life/conway", 30) == "0.03 nearest"
    assert best_trivial(rows, "life/conway", 300) == "–"
