"""Test grids as text: written ones come back, replies of models are read, other texts give a reason."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vizbench.errors import UserError
from vizbench.renderers.text import from_text, to_text
from vizbench.types import Answer, DecodeFailure

SHAPE = st.tuples(st.integers(1, 12), st.integers(1, 12))


def read(text) -> list[list[int]]:
    decoded = from_text(text)
    assert isinstance(decoded, Answer), decoded
    assert decoded.grid.dtype == np.uint8
    assert (decoded.confidence == 1).all()
    return decoded.grid.tolist()


def why(text, **options) -> str:
    decoded = from_text(text, **options)
    assert isinstance(decoded, DecodeFailure), decoded
    return decoded.reason


@settings(max_examples=100, deadline=None)
@given(arrays(np.uint8, SHAPE))
def test_json_comes_back(grid):
    assert read(to_text(grid)) == grid.tolist()
    assert read(f"Let me think [1].\n```json\n{to_text(grid)}\n```\nDone [2].") == grid.tolist()


@settings(max_examples=100, deadline=None)
@given(arrays(np.uint8, SHAPE, elements=st.integers(0, 35)))
def test_rows_come_back(grid):
    assert read(to_text(grid, "rows")) == grid.tolist()


def test_the_texts_are_as_written_here():
    grid = np.array([[0, 1], [10, 35]], np.uint8)
    assert to_text(grid) == "[[0,1],[10,35]]"
    assert to_text(grid, "rows") == "01\naz"


@pytest.mark.parametrize(
    ("grid", "layout"),
    [([[36]], "rows"), ([[0]], "xml"), ([[]], "json"), ([0, 1], "json")],
)
def test_what_cannot_be_written_is_refused(grid, layout):
    with pytest.raises(UserError):
        to_text(np.array(grid, np.uint8), layout)


A, B, W = [[0, 1], [1, 0]], [[2, 3]], [[0, 1, 2], [1, 0, 2]]
WIDE = to_text(np.array(W, np.uint8))

FORGIVEN = {
    "spaces": (" [ [ 0 , 1 ] ,\n\t[1,0 ] ] ", A),
    "trailing commas": ("[[0,1,],[1,0,],]", A),
    "numpy's print": ("[[0 1]\n [1 0]]", A),
    "prose around": ("I see a grid.\nAnswer: [[0,1],[1,0]]. I am sure.", A),
    "a fence": ("```json\n[[0,1],\n [1,0]]\n```", A),
    "one number a line": ("[\n[\n0,\n1\n],\n[\n1,\n0\n]\n]", A),
    "the last of two": ("question [[2,3]] answer [[0,1],[1,0]]", A),
    "the last of two in reverse": ("[[0,1],[1,0]] [[2,3]]", B),
    "an object": ('{"answer": [[0,1],[1,0]], "sure": true}', A),
    "a citation after": ("[[0,1],[1,0]] as in [3] and [[note]]", A),
    "an open bracket before": ("see [the grid [[0,1],[1,0]]", A),
    "a flat list around": ("[7, [[0,1],[1,0]]]", A),
    "a bracket more": ("[[[0,1],[1,0]]]", A),
    "a broken grid before": ("[[1,1],[0, [[0,1],[1,0]]", A),
    "leading zeros": ("[[00,01],[1,000]]", A),
    "a lone number after": ("[[0,1],[1,0]]\n42", A),
    "a lone number after a fence": ("```\n01\n10\n```\n42", A),
    "a lone number between": ("01\n10\n\n7\n\n11", A),
    "one row after a prefix": ("01\n11\n\nAnswer: 23", B),
    "a row below a prefix and a gap": ("01\n11\n\nAnswer:\n\n23", B),
    "a row below a prefix": ("01\n11\n\nAnswer:\n23", B),
    "a started citation after": ("[[0,1],[1,0]] as in [3", A),
    "an empty bracket after": ("[[0,1],[1,0]] and [[", A),
    "rows": ("01\n10", A),
    "rows with spaces": ("0 1\n1 0\n", A),
    "rows with commas": ("0,1\n1,0", A),
    "rows with commas and spaces": ("0, 1\n1 , 0", A),
    "rows with tabs": ("0\t1\n1\t0", A),
    "rows in columns": ("0  1\n1  0", A),
    "a list a line": ("Answer:\n[0, 1]\n[1, 0]\nThat is all.", A),
    "a list a line, with commas": ("Answer: [0, 1],\n[ 1,0 ],", A),
    "a list of large codes": ("[10, 200]\n[3, 4]", [[10, 200], [3, 4]]),
    "a list after rows": ("01\n10\n[1]\n", A),
    "rows after a list": ("[3, 4]\n01\n10", A),
    "lists after another grid of lists": ("Question:\n[2, 3]\n[4, 5]\nAnswer:\n[0, 1]\n[1, 0]", A),
    "lists after JSON": ("[[2,3],[4,5]]\nAnswer:\n[0, 1]\n[1, 0]", A),
    "lists without commas": ("[0 1]\n[1 0]", A),
    "lists in a list": ("[2, 3]\n[4, 5]\n[\n[0, 1],\n[1, 0]\n]", A),
    "numpy's print of four rows": ("[[0 1]\n [1 0]\n [0 1]\n [1 0]]", A + A),
    "numbers as JSON has them, in lists": ("[-0, 1.0]\n[1e0, 00]", A),
    "a citation below the answer": ("Answer: [[0,1],[1,0]]\n[3]", A),
    "a place below the answer": ("Answer:\n[[0,1],[1,0]]\n\nThe walker began at\n[2, 3]", A),
    "a place below the answer in a fence": (
        "Output:\n```json\n[[0,1],[1,0]]\n```\n\nIt starts at\n[2, 3]\nand turns.",
        A,
    ),
    "a bracket below the answer": ("Answer:\n[[0,1],[1,0]]\n[", A),
    "places below the answer": ("Answer: [[0,1],[1,0]]\nChanged cells:\n[0, 1]\n[1, 1]\n[0, 0]", A),
    "a number announced below JSON": ("[[0,1],[1,0]]\nResult: 7", A),
    "a list beside JSON": ("[[0,1],[1,0]] [0, 1]\n[1, 1]", A),
    "rows announced below JSON": ("[[2,3],[4,5]]\nAnswer:\n01\n10", A),
    "rows announced below JSON, and more": ("[[2,3],[4,5]]\nAnswer:\n[0, 1]\n[1, 0]\n\n42\n43", A),
    "a bold label": ("**Answer:** 01\n10", A),
    "a bold answer": ("**Answer: [[0,1],[1,0]]**", A),
    "a heading": ("Question: [[2,3],[4,5]]\n\n## Answer\n\n01\n10", A),
    "a bold heading": ("Question:\r\n23\r\n45\r\n\r\n**Final answer**\r\n\r\n01\r\n10\r\n", A),
    "a long label": ("Input: [[2,3],[4,5]]\nThe final answer is:\n```\n01\n10\n```", A),
    "places below a bold answer": (f"**Answer:** {WIDE}\n\nThe changed cells are:\n[0, 1]\n[1, 1]", W),
    "places below no label": (f"It becomes\n```json\n{WIDE}\n```\nChanged:\n[0, 1]\n[1, 1]", W),
    "references": (f"The grid is {WIDE}.\n\nReferences:\n[1]\n[2]", W),
    "boxes to tick": (f"{WIDE}\n\n[ ]\n[ ]", W),
    "places below rows": ("Answer:\n012\n102\n\nChanged cells:\n[0, 1]\n[1, 1]", W),
    "places below rows and no label": ("```\n012\n102\n```\nChanged cells:\n[0, 1]\n[1, 1]", W),
    "a place cut off below rows": ("Answer:\n012\n102\n\nChanged:\n[0, 1", W),
    "places above rows": ("Live cells:\n[0, 1]\n[1, 0]\n\nSo it becomes\n01\n10", A),
    "places above lists": ("Live cells:\n[0, 1]\n[1, 0]\n\nSo it becomes\n[0, 1, 2]\n[1, 0, 2]", W),
    "places below lists": ("Answer:\n[0, 1, 2]\n[1, 0, 2]\n\nChanged:\n[0, 1]\n[1, 1]", W),
    "a place called target": (f"Answer: {WIDE}\n\nStart: [0, 0]\nTarget: [1, 1]", W),
    "a place called grid": (f"Answer: {WIDE}\n\nGrid: [2, 3]", W),
    "a place called target below rows": ("Answer:\n012\n102\n\nTarget: [1, 1]", W),
    "a number called result": ("Answer:\n012\n102\n\nResult: 1", W),
    "a row called result": ("Result: 012\n", [[0, 1, 2]]),
    "a size called output": (f"{WIDE}\nOutput: 2x3", W),
    "an answer that points back": (f"So it becomes {WIDE}\n\nAnswer: the grid above.", W),
    "examples before": (f"Input: [[1]]\nOutput: [[2]]\n\nTest input: [[3]]\nTest output:\n{WIDE}", W),
    "a question below an answer": (f"Input: [[1]]\nOutput: [[2]]\n\nInput: [[3]], which becomes {WIDE}", W),
    "a citation cut off": (f"{WIDE}\n[3", W),
    "a bracket below": ("01\n10\n[", A),
    "a citation below": ("[[0,1],[1,0]]\n[3]", A),
    "letters below a gap": ("\n\nab\ncd\n", [[10, 11], [12, 13]]),
    "places in prose": ("01\n10\n\nFrom [0, 1], [1, 0] on", A),
    "numbers as JSON has them": ("So: [[-0, 1.0], [1e0, 0]]", A),
    "rows in prose": ("The answer is\n\n01\n10\n\nHope it helps.", A),
    "rows in a fence": ("```\n01\n10\n```", A),
    "rows after a prefix": ("Answer: 01\n10", A),
    "rows below a prefix": ("Output:\n01\n10", A),
    "words at the edge": ("done\n01\n10\nok", A),
    "letters inside a block": ("so:\n0a\nbc\n10", [[0, 10], [11, 12], [1, 0]]),
    "letters alone": ("ab\ncd", [[10, 11], [12, 13]]),
    "the last block": ("01\n11\n\nthen\n\n01\n10", A),
    "Windows lines": ("01\r\n10\r\n", A),
    "one cell": ("[[7]]", [[7]]),
    "a row": ("answer = 0110", [[0, 1, 1, 0]]),
    "rows of many digits": ("Question:\n01\n10\nAnswer:\n0 10\n10 0", [[0, 10], [10, 0]]),
    "strings": ('[["0","1"]]', [[0, 1]]),
}


@pytest.mark.parametrize(("text", "grid"), FORGIVEN.values(), ids=FORGIVEN)
def test_what_models_write_is_read(text, grid):
    assert read(text) == grid


QUESTION = "Question:\n[0, 1]\n[1, 0]\nAnswer:\n"

REFUSED = {
    "empty": ("", "the text is empty"),
    "blank": (" \n ", "the text is empty"),
    "prose": ("I cannot see a grid here.", "no complete grid"),
    "a flat list": ("[0,1,1,0]", "not a complete grid"),
    "a flat list after a prefix": ("Answer: [0, 1]", "not a complete grid"),
    "empty lists": ("[]", "not a complete grid"),
    "lists over 255": ("[0, 1]\n[1, 256]", "row 2 holds 256, not a code 0 … 255"),
    "ragged lists": ("[0, 1]\n[1]", "row 2 has 1 cell, but row 1 has 2"),
    "lists with a negative": (QUESTION + "[0, -1]\n[1, 0]", "row 1 holds -1, not a code"),
    "lists with a fraction": (QUESTION + "[0, 1]\n[1.5, 0]", "row 2 holds 1.5"),
    "lists with four digits": (QUESTION + "[5, 5]\n[1, 1000]", "row 2 holds 1000"),
    "lists cut off": (QUESTION + "[1, 0]\n[0, 1", "ends in row 2 of a grid that is not closed"),
    "lists cut off after a comma": (QUESTION + "[1, 0]\n[0, ", "ends in row 2 of a grid"),
    "lists cut off at a bracket": (QUESTION + "[1, 0]\n[", "ends in row 2 of a grid"),
    "lists cut off in the first row": ("[0, 1]\n[1, 0]\n\n[1, 0", "ends in row 1 of a grid"),
    "lists cut off after JSON": ("[[0,1],[1,0]]\nAnswer:\n[1, 0]\n[0", "ends in row 2 of a grid"),
    "lists of which one is empty": (QUESTION + "[0, 1]\n[]", "row 2 is empty"),
    "JSON cut off after two brackets": ("[[0,1],[1,0]]\nAnswer: [[", "ends in row 1 of a grid"),
    "JSON cut off after two brackets, and rows": ("Question:\n01\n10\nAnswer: [[", "ends in row 1 of a grid"),
    "JSON cut off after two brackets, and lists": (QUESTION + "[[", "ends in row 1 of a grid"),
    "an ellipsis after the question": (
        "Question: [[0,1],[1,0]]\nAnswer: [[0,1],...,[1,0]]",
        "leaves cells or rows out",
    ),
    "a hole after the question": (
        "Question: [[0,1],[1,0]]\n**Answer:** [[0,null],[1,0]]",
        "row 1 holds null",
    ),
    "capitals after the question": ("Input:\n01\n10\nOutput:\n0A\nB0", "no complete grid"),
    "holes in lists after the question": (
        QUESTION + "[0, x]\n[1, x]",
        "row 1 holds cells that cannot be read",
    ),
    "no answer": ("Question: [[0,1],[1,0]]\nAnswer: I cannot tell.", "gives up"),
    "a bold answer cut off": ("Question: [[0,1],[1,0]]\n**Answer:** [[", "ends in row 1 of a grid"),
    "a fence cut off": ("[[0,1],[1,0]]\nAnswer:\n```json\n[\n  [", "ends in row 1 of a grid"),
    "one list below JSON": ("[[0,1],[1,0]]\nAnswer: [7, 7]", "a single list is not a complete grid"),
    "one list after the question": (QUESTION + "[7, 7]", "a single list is not a complete grid"),
    "one list and a number": (QUESTION + "[7, 7]\n\n42", "a single list is not a complete grid"),
    "a place left out": ("0,,1\n1,,0", "row 1 holds cells that cannot be read"),
    "an empty row": ("[[0],[]]", "row 2 is empty"),
    "an empty first row": ("[[],[0]]", "row 1 is empty"),
    "cut off": ("[[0,1],[1,", "ends in row 2 of a grid that is not closed"),
    "cut off after a good one": ("[[0,1],[1,0]] and [[1,1],[0", "ends in row 2 of a grid that is not closed"),
    "cut off after the question": ("Question [[0]]. Answer [[1", "ends in row 1 of a grid"),
    "cut off before the last bracket": ("[[0,1],[1,0]", "ends in row 2 of a grid"),
    "ragged": ("[[0,1],[1,0],[1]]", "row 3 has 1 cell, but row 1 has 2"),
    "ragged, after a good one": ("[[0,1],[1,0]] then [[0,1],[1]]", "row 2 has 1 cell, but"),
    "ragged rows": ("01\n1", "row 2 has 1 cell, but row 1 has 2"),
    "over 255": ("[[0,256]]", "row 1 holds 256, not a code 0 … 255"),
    "negative": ("[[0],[-1]]", "row 2 holds -1"),
    "a fraction": ("[[0.5]]", "row 1 holds 0.5"),
    "a huge number": ("[[" + "9" * 10_000 + "]]", "row 1 holds 99999999999999999999, not"),
    "null": ("[[null]]", "no complete grid"),
    "an ellipsis": ("[[0,1],...,[1,0]]", "leaves cells or rows out"),
    "too many rows": ("[" + "[0]," * 1025 + "]", "1025x1: sides over 1024"),
    "too long a row": ("0" * 1025, "1x1025: sides over 1024"),
}


@pytest.mark.parametrize(("text", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_grid_says_why(text, reason):
    assert reason in why(text)


def test_the_longest_grid_is_read():
    assert len(read("[" + "[0]," * 1024 + "]")) == 1024
    assert len(read(to_text(np.full((1024, 1024), 255, np.uint8)))) == 1024


@pytest.mark.parametrize("text", [None, 3, b"[[0]]", [[0]], np.zeros((2, 2), np.uint8)])
def test_what_is_no_text_is_refused(text):
    assert "not text" in why(text)


def test_long_texts_are_refused_unread():
    assert "over 5000000 are not read" in why("[" * 100_000_000)
    assert "over 5 are" in why("[[0]] ", max_chars=5)
    assert from_text("[[0]]", max_chars=5) == from_text("[[0]]") or read("[[0]]") == [[0]]


LONG = 40_000
HOSTILE = [
    "[",
    "]",
    "[]",
    "[[",
    "[1",
    "[[1,",
    "(",
    "# ",
    "**",
    "[1\n",
    " ",
    "\n",
    "`",
    "```\n",
    '"',
    '"a": ',
    "_",
    ".",
    "-",
    "|",
    "+ ",
    "0 ",
    "a\n",
    "Answer: x\n",
    "Answer: [1 ",
    "Answer: [[1,2],[2,1]] wait ",
    "[[1,2],[2,1]] ",
    "[1],",
    "1 2\n\n",
    "1 2\n",
    "| 1 ",
    "| 1 |\n|---|\n",
    "- - 1\n",
    "1;2;",
    "1,",
    "123/",
    "<think>",
    "</think>",
    "<think></reasoning>",
    "<details ",
    "<",
    "<|channel|>analysis",
    "\\begin{matrix}1&2\\\\",
    "\\boxed{",
    "\\boxed{1}",
    "<tr>",
    "<tr><td>1",
    "the answer is ",
    "a, the ",
    "no ",
    "no, ",
    "but ",
    "which ",
    "is wrong ",
    "if ",
    "i cannot find ",
    "Row 1: ",
    "Row 1: 1; ",
    "1 2 ... ",
    "(a",
    "1 2 (a",
    "->",
    "a -> ",
    '[["1"],',
]


@pytest.mark.parametrize("part", HOSTILE)
@pytest.mark.parametrize("end", ["", "x"])
def test_long_hostile_texts_are_read_in_one_pass(part, end):
    """A step that takes more than linear time would take minutes on one of these texts."""
    from_text(part * (LONG // len(part)) + end, shape=(2, 2))


@pytest.mark.parametrize(
    "part",
    ["Answer: x\n", "[[1,2],[2,1]] ", "| 1 |\n|---|\n", "1 2\n\n", '"a": ', "<think></think>", "\\boxed{1} "],
)
def test_twice_the_text_is_twice_the_work(part):
    def calls(text):
        count = 0

        def note(frame, event, argument):
            nonlocal count
            count += 1

        sys.setprofile(note)
        try:
            from_text(text)
        finally:
            sys.setprofile(None)
        return count

    assert calls(part * 400) <= 2.3 * calls(part * 200)


@settings(max_examples=300, deadline=None)
@given(st.text() | st.text(alphabet="[], \n01a9.-:`Answer\ud800\x00", max_size=80))
def test_no_text_raises(text):
    decoded = from_text(text)
    if isinstance(decoded, Answer):
        assert decoded.grid.ndim == 2
        assert decoded.grid.size
    else:
        assert decoded.reason
