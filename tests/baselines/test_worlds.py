"""The pretraining stream: deterministic, well-formed, and free of every law that a suite's task uses."""

from __future__ import annotations

import numpy as np
import pytest

from vizbench.baselines.worlds import CAPTION, KIN, WIDENING, WORLDS, kin, opened, sample, shows
from vizbench.baselines.worlds.automata import around, diagram, rows, turmite
from vizbench.baselines.worlds.draw import Draw
from vizbench.baselines.worlds.excluded import ECA, ECA_RULES, LIFE, LIFE_BITS, eca_family, life_bits, life_complement
from vizbench.baselines.worlds.motion import bounce, gravity
from vizbench.baselines.worlds.scene import Scene
from vizbench.task import rooms


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
    same_words = {w: {tuple(c) for c, v in zip(batch.caption, batch.words, strict=True) if v == w} for w in batch.words}
    assert all(len(captions) == 1 for captions in same_words.values())


def test_the_stream_opens_world_by_world() -> None:
    assert opened(0.0) == WIDENING[0][1]
    assert opened(4000 / 14000) == WIDENING[1][1]
    assert opened(0.49) == WIDENING[1][1]
    assert set(opened(1.0)) == set(WORLDS)
    assert set(WIDENING[0][1]) < set(WIDENING[1][1]) < set(WORLDS)
    for share in (0.0, 0.3, 0.9):
        seen = {name for step in range(60) for name in sample(0, step, 32, opened(share)).names}
        assert seen == set(opened(share))


def test_excluded_rules_are_those_of_the_rooms() -> None:
    life, eca = rooms()["life"].variants, rooms()["eca"].variants
    assert {p.rule for p in life.values()} == set(LIFE)
    assert {p.rule for p in eca.values()} == set(ECA)


def test_life_like_worlds_never_use_a_suite_rule_or_its_complement() -> None:
    assert life_bits("B3/S23") in LIFE_BITS
    assert life_complement(life_complement(life_bits("B2/S"))) == life_bits("B2/S")
    assert life_complement(life_bits("B3678/S34678")) == life_bits("B3678/S34678")  # known: it is its own complement
    for k in range(2000):
        knobs = around(Draw("test", k), 1, 4, 4).knobs
        assert tuple(value for value, _ in knobs[:18]) not in LIFE_BITS


def test_elementary_worlds_never_use_a_suite_rule_its_mirror_image_or_complement() -> None:
    assert eca_family(110) == {110, 124, 137, 193}  # known from Wolfram's tables
    assert {110, 124, 137, 193} <= ECA_RULES
    for law in (rows, diagram):
        for k in range(2000):
            bits = [value for value, _ in law(Draw("test", k), 1, 4, 4).knobs[:8]]
            assert sum(bit << place for place, bit in enumerate(bits)) not in ECA_RULES


def test_turmites_are_never_langtons_ant() -> None:
    for k in range(3000):
        (white, _), (black, _), (flip_white, _), (flip_black, _), _ = turmite(Draw("test", k), 1, 4, 4).knobs
        ant = flip_white == flip_black == 1 and (white, black) in ((1, 3), (3, 1))
        assert not ant


def test_latin_squares_are_never_four_by_four() -> None:
    for step in range(400):
        batch = sample(0, step, 4, only=("latin",))
        assert batch.question.shape[1] in (3, 5, 6, 7)
        size = batch.question.shape[1]
        wanted = np.arange(1, size + 1)
        codes = np.sort(batch.target, axis=2)
        assert (np.ptp(codes, axis=1) == 0).all()  # every row holds the same codes
        assert codes.shape[2] == len(wanted)


def test_near_names_are_real() -> None:
    assert set(KIN) <= set(rooms())
    assert {text.split(":")[0] for text in KIN.values()} <= set(WORLDS)


def test_kin_reads_every_form_of_a_task_name() -> None:
    assert kin("life/conway?steps=2").startswith("near: around")
    assert kin("life").startswith("near: ")
    assert kin("eca/110?rule=18").startswith("inside: ")
    assert kin("arc-json:life/Center1.json").startswith("far: ")
    assert kin("maze/9").startswith("far: ")


def test_new_codes_are_never_recoloured() -> None:
    for step in range(20_000, 20_060):
        batch = sample(1, step, 16)
        for name, question, target in zip(batch.names, batch.question, batch.target, strict=True):
            if name == "growth" and not shows(question, target):
                assert target.max() == 2  # the rim keeps its code, or nobody could know it


def test_gravity_and_bounce_by_hand() -> None:
    for k in range(20):
        scene = gravity(Draw("test", k), 2, 5, 7)
        assert np.array_equal(np.bincount(scene.question.ravel()), np.bincount(scene.target.ravel()))
    for k in range(20):
        scene = bounce(Draw("test", k), 3, 6, 6)
        assert (scene.target.sum((1, 2)) == 1).all()
