"""Test that the pretraining stream is deterministic, well-formed, and free of every law of a suite's task."""

from __future__ import annotations

import numpy as np
import pytest

from vizbench.baselines.embedded.worlds import (
    CAPTION,
    OVERLAPS,
    WIDENING,
    WORLDS,
    opened,
    pretraining_overlap,
    sample,
    shows,
)
from vizbench.baselines.embedded.worlds.automata import around, diagram, rows, turmite
from vizbench.baselines.embedded.worlds.excluded import (
    ANTS,
    ECA,
    ECA_RULES,
    LIFE,
    LIFE_BITS,
    LIMIT,
    eca_alike,
    eca_family,
    life_alike,
    life_bits,
    life_complement,
    turmite_alike,
)
from vizbench.baselines.embedded.worlds.motion import bounce, gravity, shift
from vizbench.baselines.embedded.worlds.random_draws import Draw
from vizbench.baselines.embedded.worlds.scene import Scene
from vizbench.task.registry import families, tasks


def _scenes(world: str, count: int) -> list[Scene]:
    side = 6 if world == "latin" else 8
    return [WORLDS[world][0](Draw("test", world, k), 4, side, side) for k in range(count)]


def test_a_batch_is_a_pure_function_of_seed_and_step() -> None:
    one, two = sample(3, 9000, 24), sample(3, 9000, 24)
    assert np.array_equal(one.question, two.question)
    assert np.array_equal(one.target, two.target)
    assert one.words == two.words
    assert not np.array_equal(one.question, sample(4, 9000, 24).question[: len(one.question)])


@pytest.mark.parametrize("world", WORLDS)
def test_scenes_are_grids_of_ten_codes_with_a_caption(world: str) -> None:
    for scene in _scenes(world, 10):
        assert scene.question.shape == scene.target.shape
        assert scene.question.dtype == scene.target.dtype == np.uint8
        assert max(scene.question.max(), scene.target.max()) <= 9
        assert all(0 <= value < values for value, values in scene.knobs)
        assert len(WORLDS) + len(scene.knobs) < CAPTION
    assert any(not np.array_equal(s.question, s.target) for s in _scenes(world, 10))


def test_captions_tell_laws_apart() -> None:
    batch = sample(0, 10_000, 64)
    assert batch.caption.shape == (64, CAPTION)
    assert np.abs(batch.caption).max() <= 1.0
    assert all(len(w) <= 24 and w.isalnum() and w == w.lower() for w in batch.words)
    captions: dict[str, set[tuple[float, ...]]] = {}
    for words, caption in zip(batch.words, batch.caption, strict=True):
        captions.setdefault(words, set()).add(tuple(caption))
    assert all(len(same_words) == 1 for same_words in captions.values())


def test_the_stream_opens_world_by_world() -> None:
    assert opened(0.0) == WIDENING[0][1]
    assert opened(4000 / 14000) == WIDENING[1][1]
    assert opened(0.49) == WIDENING[1][1]
    assert set(opened(1.0)) == set(WORLDS)
    assert set(WIDENING[0][1]) < set(WIDENING[1][1]) < set(WORLDS)
    for share in (0.0, 0.3, 0.9):
        seen = {name for step in range(60) for name in sample(0, step, 32, opened(share)).names}
        assert seen == set(opened(share))


def test_excluded_rules_are_those_of_the_task_families() -> None:
    life, eca = families()["life"].variants, families()["eca"].variants
    assert {p.rule for p in life.values()} == set(LIFE)
    assert {p.rule for p in eca.values()} == set(ECA)


def test_life_like_worlds_never_use_a_suite_rule_or_its_complement() -> None:
    assert life_bits("B3/S23") in LIFE_BITS
    assert life_complement(life_complement(life_bits("B2/S"))) == life_bits("B2/S")
    assert life_complement(life_bits("B3678/S34678")) == life_bits(
        "B3678/S34678"
    )  # known: it is its own complement
    for k in range(2000):
        bits = tuple(value for value, _ in around(Draw("test", k), 1, 4, 4).knobs[:18])
        assert bits not in LIFE_BITS
        assert life_alike(bits) < LIMIT


def test_laws_that_answer_most_boards_as_an_excluded_one_are_excluded() -> None:
    assert life_alike(life_bits("B3/S23")) == 1.0
    assert life_alike(life_bits("B38/S23")) > 0.9  # eight live neighbours around a dead cell hardly occur
    assert life_alike(life_bits("B36/S23")) >= LIMIT  # HighLife
    assert life_alike(life_bits("B4/S23")) < 0.05
    assert eca_alike(110) == eca_alike(124) == 1.0
    assert eca_alike(0) >= LIMIT  # as 8 and 32, it soon leaves nothing
    assert eca_alike(18) < LIMIT
    right = life_bits("B3/S23")
    rng = np.random.default_rng(0)
    for _ in range(20):  # by hand: both laws on boards drawn as the panel is
        bits = tuple(int(b) ^ int(flip) for b, flip in zip(right, rng.random(18) < 0.1, strict=True))
        soups = (rng.random((400, 8, 8)) < rng.uniform(0.2, 0.6, (400, 1, 1))).astype(np.uint8)
        same = np.mean(
            [np.array_equal(_by_neighbours(soup, bits), _by_neighbours(soup, right)) for soup in soups]
        )
        assert life_alike(bits) >= same - 0.12


def _by_neighbours(soup: np.ndarray, bits: tuple[int, ...]) -> list[list[int]]:
    """Make a life-like step from the definition, cell by cell; cells outside are dead."""
    h, w = soup.shape
    live = {(int(r), int(c)) for r, c in np.argwhere(soup)}

    def cell(r: int, c: int) -> int:
        block = sum((r + y, c + x) in live for y in (-1, 0, 1) for x in (-1, 0, 1))
        alive = (r, c) in live
        return bits[9 * alive + block - alive]

    return [[cell(r, c) for c in range(w)] for r in range(h)]


def test_nothing_shifts_by_one_cell() -> None:
    for k in range(500):
        (dy, _), (dx, _), _ = shift(Draw("test", k), 1, 4, 4).knobs
        assert abs(dy - 2) + abs(dx - 2) != 1


def test_elementary_worlds_never_use_a_suite_rule_its_mirror_image_or_complement() -> None:
    assert eca_family(110) == {110, 124, 137, 193}  # known from Wolfram's tables
    assert {110, 124, 137, 193} <= ECA_RULES
    for law in (rows, diagram):
        for k in range(2000):
            bits = [value for value, _ in law(Draw("test", k), 1, 4, 4).knobs[:8]]
            assert sum(bit << place for place, bit in enumerate(bits)) not in ECA_RULES


def test_turmites_are_never_langtons_ant() -> None:
    for ant in ANTS:
        assert all(turmite_alike(ant, steps) == 1.0 for steps in (1, 2, 3))
    half = (
        (1, 1),
        (0, 0),
    )  # the ant's on white: its first step on half of the boards, its second on a quarter
    assert turmite_alike(half, 1) >= LIMIT > turmite_alike(half, 2)
    for k in range(3000):
        (white, _), (black, _), (flip_white, _), (flip_black, _), (before, _) = turmite(
            Draw("test", k), 1, 4, 4
        ).knobs
        table = ((white, flip_white), (black, flip_black))
        assert table not in ANTS
        if before == 0:
            assert not any(table[colour] == ant[colour] for ant in ANTS for colour in (0, 1))


def test_latin_squares_are_never_four_by_four() -> None:
    for step in range(400):
        batch = sample(0, step, 4, only=("latin",))
        assert batch.question.shape[1] in (3, 5, 6, 7)
        size = batch.question.shape[1]
        for square in batch.target:
            codes = set(square[0].tolist())
            assert len(codes) == size  # nine codes may have changed places, so they need not be 1 … size
            assert all(set(line.tolist()) == codes for line in (*square, *square.T))


def test_near_names_are_real() -> None:
    assert all(name in families() or name in tasks() for name in OVERLAPS)
    assert {text.split(":")[0] for text in OVERLAPS.values()} <= set(WORLDS)


def test_pretraining_overlap_reads_every_form_of_a_task_name() -> None:
    assert str(pretraining_overlap("life/conway?steps=2")).startswith("near: around")
    assert str(pretraining_overlap("life")).startswith("near: ")
    assert str(pretraining_overlap("eca/110?rule=18")).startswith("inside: ")
    assert (
        pretraining_overlap("arc-json:life/Center1.json?rule=18")
        is pretraining_overlap("arc-json:training/1e0a9b12.json")
        is None
    )
    assert (
        pretraining_overlap("arc-agi-1:evaluation/1e0a9b12")
        is pretraining_overlap("arc-agi-2:training/007bbfb7")
        is None
    )
    assert (
        pretraining_overlap("maze/9")
        == pretraining_overlap("arc/count?rule=bar-chart")
        == "far: no relative among the worlds"
    )
    assert str(pretraining_overlap("arc/order?episode=3")).startswith("near: order")


def test_new_codes_are_never_recoloured() -> None:
    for step in range(20_000, 20_060):
        batch = sample(1, step, 16)
        for name, question, target in zip(batch.names, batch.question, batch.target, strict=True):
            if name == "growth" and not shows(question, target):
                assert target.max() == 2  # the rim keeps its code, or the answer would be unknown


def test_gravity_and_bounce_by_hand() -> None:
    for k in range(20):
        scene = gravity(Draw("test", k), 2, 5, 7)
        assert np.array_equal(np.bincount(scene.question.ravel()), np.bincount(scene.target.ravel()))
    for k in range(20):
        scene = bounce(Draw("test", k), 3, 6, 6)
        assert (scene.target.sum((1, 2)) == 1).all()
