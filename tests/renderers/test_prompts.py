"""Test that prompts say what is asked, for every task and every reader."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import vizbench as vb
from tests.support.contract import every_task, instances
from vizbench.renderers.palettes import PALETTES, colour_names
from vizbench.renderers.prompts import READERS, STYLES
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
            assert all(noun in text for noun in verifier.legend)
        if reader != "text":
            assert all(colour in texts[0] for colour in colour_names(verifier.look.palette)[: verifier.codes])


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
