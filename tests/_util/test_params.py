"""Test parameters in text: numbers have only ASCII digits, and no key is given twice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vizbench as vb
from vizbench._util.params import query, read
from vizbench._util.text import plural
from vizbench.errors import UserError


@pytest.mark.parametrize(
    "text",
    ["", " 1", "1 ", "1_0", "+1", "١", "१", "1\n", "0x1", "1.0", "1e3", "--1", "nan", "1" * 19, "9" * 5000],
)
def test_what_is_no_whole_number(text: str) -> None:
    with pytest.raises(UserError, match="is not a whole number of up to 18 digits: write it as 2") as caught:
        read("steps", text, int)
    assert len(str(caught.value)) < 200
    with pytest.raises(UserError, match="steps="):
        vb.load("life", steps=text)


@pytest.mark.parametrize(
    "text", ["", " 1", "1_0.5", "+1", "١.٥", "1.5\n", "nan", "inf", "-inf", "1e", ".", "1.5.2"]
)
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(UserError, match=r"is not a number: write it as 0\.5"):
        read("density", text, float)


@given(st.integers(-(10**18) + 1, 10**18 - 1))
def test_whole_numbers_are_read_back(number: int) -> None:
    assert read("n", str(number), int) == number == read("n", number, int)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_read_back(number: float) -> None:
    assert read("x", str(number), float) == number == read("x", number, float)


@given(st.text(max_size=6), st.sampled_from([int, float, bool]))
def test_texts_are_read_or_refused(text: str, kind: type) -> None:
    try:
        value = read("x", text, kind)
    except UserError as error:
        assert "x=" in str(error)
    else:
        assert text.isascii() and type(value) is kind


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        (2.0, int, "x=2.0 is not a whole number"),
        (True, int, "x=True is not a whole number"),
        (1, bool, "x=1 is not true or false"),
        ("yes", bool, "x='yes' is not true or false"),
        (3, str, "x=3 is not text"),
        (None, float, "x=None is not a number"),
    ],
)
def test_other_types_are_refused(value: object, kind: type, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read("x", value, kind)


def test_a_value_has_one_name() -> None:
    assert str(read("x", "-0.0", float)) == str(read("x", -0.0, float)) == "0.0"
    assert vb.load("fill", noise="-0.0").name == vb.load("fill", noise=0).name


def test_numbers_too_long_to_print_are_refused() -> None:
    for kind in (int, float, str):
        with pytest.raises(UserError, match=r"^x is not "):
            read("x", 10**5000, kind)


def test_a_key_is_given_once() -> None:
    assert query("a=1&b=&c") == {"a": "1", "b": "", "c": ""}
    assert query("rule=B3%2FS23") == {"rule": "B3/S23"}
    with pytest.raises(UserError, match="'a' is given 2 times: give it once"):
        query("b=1&a=1&a=1")
    for name in ("life?steps=3&steps=4", "life-rle:x.rle?steps=3&steps=3", "lichess-csv:x.csv?mate=1&mate=2"):
        with pytest.raises(UserError, match="is given 2 times"):
            vb.load(name)


def test_counts() -> None:
    assert [plural(n, "cell") for n in (0, 1, 2, 1000)] == ["0 cells", "1 cell", "2 cells", "1,000 cells"]
    assert [plural(n, "cell lies", "cells lie") for n in (1, 2)] == ["1 cell lies", "2 cells lie"]


def test_numpys_numbers_are_numbers() -> None:
    assert vb.load("life/conway", steps=np.int64(2)).name == "life/conway?steps=2"
    assert read("x", np.float32(0.5), float) == 0.5
    with pytest.raises(UserError, match="is not a whole number"):
        read("x", np.float64(2.0), int)
