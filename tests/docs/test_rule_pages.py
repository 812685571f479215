"""Test that docs/rules/ is exactly what scripts/rule_pages.py makes now."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from scripts import rule_pages as script
from vizbench.generators.arc.library import concepts, rules

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "rules"
HOW = "run: python scripts/rule_pages.py"


def test_no_file_is_missing_or_left_over() -> None:
    expected = {f"{concept}.md" for concept in concepts()} | {f"{family.id()}.png" for family in rules()}
    assert {path.name for path in FOLDER.iterdir()} == expected, HOW


@pytest.mark.parametrize("concept", concepts())
def test_a_concepts_page_is_current(concept: str) -> None:
    assert script.page(concept) == (FOLDER / f"{concept}.md").read_text(encoding="utf-8"), HOW
    for family in rules(concept):
        drawn = script.picture(family)
        with Image.open(FOLDER / f"{family.id()}.png") as picture:
            assert picture.mode == "P"
            assert picture.size == drawn.size, HOW
            assert picture.convert("RGBA").tobytes() == drawn.convert("RGBA").tobytes(), HOW
