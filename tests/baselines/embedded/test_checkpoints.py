"""Test the packaged weights: their cards are true, and they learn what they are made to learn."""

from __future__ import annotations

from pathlib import Path

import pytest

from vizbench.baselines.embedded.pretrain import card, parameters_in
from vizbench.baselines.embedded.worlds import HELD_OUT, OVERLAPS
from vizbench.baselines.embedded.worlds.excluded import ECA, LIFE
from vizbench.harness.plan.plan import Plan
from vizbench.harness.records.records import read_trial
from vizbench.harness.run.run import run
from vizbench.harness.stats.metrics import summaries

CHECKPOINTS = Path(__file__).parents[3] / "vizbench" / "baselines" / "embedded" / "checkpoints"
FAMILIES = ("cogvideox", "qwen3")
STEPS = {"cogvideox": 120}
"""Steps of families that have learned a rule before all of their own steps."""


@pytest.mark.parametrize("family", FAMILIES)
def test_weights_are_small_and_the_card_counts_them(family: str) -> None:
    weights = (CHECKPOINTS / f"{family}-tiny.safetensors").read_bytes()
    assert len(weights) <= 12_000_000
    assert f"{parameters_in(weights):,} parameters" in (CHECKPOINTS / f"{family}-tiny.md").read_text()


def test_the_two_models_are_of_one_size() -> None:
    video, text = (
        parameters_in((CHECKPOINTS / f"{family}-tiny.safetensors").read_bytes()) for family in FAMILIES
    )
    assert abs(video - text) <= 0.1 * video


@pytest.mark.parametrize("family", FAMILIES)
def test_cards_name_every_excluded_rule_and_every_near_task(family: str) -> None:
    text = (CHECKPOINTS / f"{family}-tiny.md").read_text()
    listed = [line for line in text.splitlines() if line.startswith("- `")]
    assert listed == [f"- `{task}`: {relative}" for task, relative in OVERLAPS.items()]
    made = card(family, {"seed": 7, "batch": 4}, [{"step": 1, "loss": 1.0, "seconds": 1.0, "exact": {}}], 1)
    stream = [one[one.index("**Never in the data.**") : one.index("**Held out**")] for one in (made, text)]
    assert stream[0] == stream[1]  # what is known of the stream today
    assert f"labelled *inside*: {', '.join(HELD_OUT)}." in text
    assert all(rule in text for rule in LIFE)
    assert ", ".join(map(str, ECA)) in text


def test_a_card_is_made_from_config_and_log_only() -> None:
    log = [
        {"step": 10, "loss": 0.5, "seconds": 2.0, "exact": {"flood": 0.25}},
        {"step": 20, "loss": 0.25, "seconds": 4},
    ]
    text = card("cogvideox", {"seed": 7, "batch": 4}, log, 123)
    assert "from seed 7" in text
    assert "80 pairs" in text
    assert "| 20 | 0.2500 | 4 |" in text
    assert "0.25" in text


@pytest.mark.parametrize("family", FAMILIES)
def test_thirty_boards_teach_the_embedded_model_a_rule_it_never_saw(family: str, tmp_path: Path) -> None:
    """cogvideox has 46 of 50 right after 120 of its 300 steps."""
    plan = Plan(models=(family,), tasks=("life/conway",), shots=(30,), n_test=50, steps=STEPS.get(family))
    trials = [read_trial(outcome.directory) for outcome in run(plan, tmp_path)]
    rows = {row.model: row for row in summaries(trials)}
    assert rows[family].exact >= (0.8 if family in STEPS else 0.85)
    assert rows["copy"].exact < 0.05
    assert rows["nearest"].exact < 0.05
