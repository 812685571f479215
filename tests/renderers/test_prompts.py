"""Test that prompts say what is asked, for every task and every reader."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import vizbench as vb
from tests.support.contract import every_task, instances
from vizbench.renderers.looks import LOOKS, LookName, look_of
from vizbench.renderers.palettes import PALETTES, colour_names
from vizbench.renderers.prompts import READERS, STYLES, legend_of, prompt_of
from vizbench.task import registry


@every_task
def test_a_prompt_is_one_line_that_says_everything(name: str):
    instance = instances(name)[0]
    verifier = registry.spec(name).task
    instructions = verifier.instructions(instance.params)
    for reader in READERS:
        texts = [vb.prompt(instance, reader, style) for style in range(STYLES)]
        assert len(set(texts)) == STYLES
        for text, wording in zip(texts, instructions, strict=True):
            assert text.isascii()
            assert "\n" not in text
            assert text.startswith(wording)
            assert all(noun in text for _, _, noun in legend_of(verifier, instance))
        if reader != "text":
            assert all(colour in texts[0] for _, colour, _ in legend_of(verifier, instance))


@every_task
def test_wordings_are_drawn_by_the_instance(name: str):
    rows = [replace(instances(name)[0], index=index) for index in range(60)]
    drawn = [vb.prompt(row, style=None) for row in rows]
    assert drawn == [vb.prompt(row, style=None) for row in rows]
    assert len(set(drawn)) == STYLES


@pytest.mark.parametrize("name", PALETTES)
def test_no_two_colours_of_a_palette_have_one_name(name: str):
    names = colour_names(name)
    assert len(set(names)) == len(names) == len(PALETTES[name])


def test_unknown_readers_and_styles_are_refused():
    row: Any = instances("life/conway")[0]
    reader: Any = "audio"
    with pytest.raises(vb.UserError, match="choose text, vision, image, video"):
        vb.prompt(row, reader)
    for style in (-1, 3):
        with pytest.raises(vb.UserError, match=r"0 … 2"):
            vb.prompt(row, "text", style)


def test_arguments_of_another_type_are_refused():
    row: Any = instances("life/conway")[0]
    style: Any = "0"
    with pytest.raises(vb.UserError, match=r"style '0' is not in 0 … 2"):
        vb.prompt(row, style=style)
    with pytest.raises(vb.UserError, match="a prompt needs an instance"):
        vb.prompt(row.question)


@every_task
def test_the_colours_that_are_named_are_those_of_the_look(name: str):
    instance = instances(name)[0]
    verifier = registry.spec(name).task
    looks: tuple[LookName, ...] = LOOKS
    for look in looks:
        drawn = look_of(verifier, look, instance)
        names = colour_names(drawn.palette)
        assert len(set(names)) == len(names), look
        assert not any(word.startswith("#") for word in names), look
        text = vb.prompt(instance, "vision", look=look)
        assert text == vb.prompt(instance, "vision", look=drawn)
        for _, colour, noun in legend_of(verifier, instance, drawn):
            assert f"{colour} = {noun}" in text, look


def test_colours_with_one_name_are_called_by_their_values():
    assert colour_names("ff0000 e60000 0000ff 123456 | 808080") == ("#ff0000", "#e60000", "blue", "#123456")


def test_what_is_no_cell_is_named():
    row = vb.load("sudoku/mini").train[0]
    assert "4 rows of 4 cells" in vb.prompt(row, "video")
    assert "White lines and margins are no cells." in vb.prompt(row, "image", look="human")
    assert "Gray margins are no cells." in vb.prompt(row, "vision")
    assert "are no cells" not in vb.prompt(vb.load("eca/110").train[0], "image")
    assert "are no cells" not in vb.prompt(row, "text")


def test_looks_that_do_not_fit_are_refused():
    row: Any = instances("life/conway")[0]
    look: Any = "humn"
    with pytest.raises(vb.UserError, match="did you mean human"):
        vb.prompt(row, "vision", look=look)
    with pytest.raises(vb.UserError, match="the look has 1 colour and the task 2 codes"):
        vb.prompt(row, "vision", look=vb.Look("ffffff | 000000"))
    with pytest.raises(vb.UserError, match=r"unknown look 'humn': choose a look \(paper.*palette \(binary"):
        vb.render(row, look="humn")
    with pytest.raises(vb.UserError, match="a look by name needs the instance"):
        vb.render(row.question, look="human")


@pytest.mark.parametrize("name", ["hitori/5", "eca/110"])
def test_only_codes_that_an_answer_may_hold_are_asked_for(name: str):
    row = vb.load(name).train[0]
    verifier = vb.verifier_of(row)
    assert set(row.target.flat) == set(verifier.answer_codes or ())
    assert vb.prompt(row).endswith("The answer holds only 0 and 1.")
    zero, one = verifier.legend[:2]
    assert vb.prompt(row, "vision").endswith(f" Write 0 for {zero}, 1 for {one}.")


@pytest.mark.parametrize(("name", "last"), [("sudoku/mini", 4), ("sudoku/easy", 9)])
def test_unlimited_answers_name_all_codes_that_occur(name: str, last: int):
    row = vb.load(name).train[0]
    assert "The answer holds only" not in vb.prompt(row)
    assert vb.prompt(row, "vision").endswith(f"{last} for digit {last}.")
    assert f"digit {last + 1}" not in vb.prompt(row)


@every_task
def test_every_code_that_occurs_is_named(name: str):
    verifier = registry.spec(name).task
    for instance in instances(name):
        named = {code for code, _, _ in legend_of(verifier, instance)}
        for grids in (instance.question, instance.target, instance.steps):
            assert named.issuperset(np.unique(grids).tolist())


def test_disks_and_digits_that_do_not_exist_are_not_named():
    row = vb.load("hanoi/3").train[0]
    assert vb.prompt(row).count("= disk") == 3
    assert "digit 6" not in vb.prompt(vb.load("hitori/5").train[0])


@every_task
def test_a_prompt_for_processes_asks_for_states(name: str):
    instance = instances(name)[0]
    verifier = registry.spec(name).task
    where = "first" if verifier.continuation else "last"
    for reader in READERS:
        text = prompt_of(verifier, instance, reader, 0, process=True)
        assert text.isascii()
        if reader == "video":
            assert "must show every state in order" in text
        elif reader != "image":
            assert "one state per line" in text
            assert f"The {where} line is the answer." in text
