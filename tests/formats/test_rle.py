"""Test pattern files: their cells, their place, their rule, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.oracles import cells as naive
from tests.support.commands import Run
from vizbench import formats, loading
from vizbench.errors import UserError
from vizbench.formats import lookup
from vizbench.formats.rle import MAX_BYTES, MAX_SIDE, parse
from vizbench.generators.life import TASK
from vizbench.types import Grid

GLIDER = "x = 3, y = 3, rule = B3/S23\nbob$2bo$3o!\n"
CELLS = [[0, 1, 0], [0, 0, 1], [1, 1, 1]]
STRANGE = {
    "is not known": ("WireWorld", "HighLife", "34 Life", "B", "B3/S23|B36/S23", "B" + "3" * 500),
    "marks cells with more than two states": ("LifeHistory", "B3/S23History", "LifeSuper"),
    "Generations": ("345/2/4", "B2/S/C3", "B2/S/3", "/2/3", "B2/S3/G4", "B2S3C4", "23/3/8", "G3/B2/S"),
    "counts other neighbours": ("B2/S34H", "B3/S23V", "B3/S23L", "23/3V", "b2/s/h", "B2-a/S12V"),
    "not totalistic": (
        "B2-a/S12",
        "B2a/S12",
        "B3/S23-q",
        "B2ce3aiy/S12aei3r",
        "b3s2-i34q",
        "23-a/3",
        "S2a/B3",
        "B2a",
    ),
    "names 9 neighbours": ("B9/S23", "9/3", "B3/S239", "S9/B3"),
    "of one dimension": ("W30", "w110"),
    "lists every neighbourhood": (
        "MAPARYXfhZofugWaH7oaIDogBZofuhogOiAaIDogIAAgAAWaH7oaIDogGiA6ICAAIAAAaIDogIAAgACAAIAAAAAAAA",
    ),
    "Larger than Life": ("R5,C0,M1,S34..58,B34..45,NM", "R2,C2,S2-4,B3", "5,34,45,34,58"),
}
ODD_GRIDS = (
    "",
    "T",
    "T0,20",
    "P30,0",
    "T30+5,20",
    "T30,20-2",
    "K30*,20",
    "C30,20",
    "S30",
    "T30,20,4",
    "T-3,2",
    "T٣,٣",
)


@pytest.fixture
def glider(tmp_path: Path) -> str:
    (tmp_path / "glider.rle").write_text(GLIDER)
    return f"life-rle:{tmp_path}/glider.rle"


def run_of(state: str, length: int, rng: np.random.Generator) -> str:
    """Write one run; a length of 1 and a line break are written half and a tenth of the time."""
    count = str(length) if length > 1 or rng.random() < 0.5 else ""
    return count + state + ("\n" if rng.random() < 0.1 else "")


def written(grid: Grid, rng: np.random.Generator) -> str:
    """Write a grid in runs as the format allows: split or whole, lines broken, dead ends left out or not."""
    body = ""
    for row in grid.tolist():
        cells = "".join("bo"[cell] for cell in row)
        for part in re.findall("b+|o+", cells.rstrip("b") if rng.random() < 0.5 else cells):
            cut = int(rng.integers(0, len(part) + 1))
            for length in (cut, len(part) - cut):
                body += run_of(part[0], length, rng) if length else ""
        body += "$"
    body = re.sub(r"\$\$+", lambda run: f"{len(run[0])}$", body)
    runs = body.rstrip("$") if rng.random() < 0.5 else body
    return f"#N random\nx={grid.shape[1]},y = {grid.shape[0]}\n{runs}!"


@given(
    hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 1)),
    st.data(),
)
def test_any_pattern_is_read_back(grid: Grid, data: st.DataObject) -> None:
    pattern = parse(written(grid, np.random.default_rng(data.draw(st.integers(0, 2**32)))))
    assert pattern.cells.tolist() == grid.tolist()
    assert pattern.rule is None


@pytest.mark.parametrize(
    "text",
    [
        GLIDER,
        "x=3,y=3\nbo$bbo$ooo!",
        "X = 3 , Y = 3\r\nbo$2bo\r\n$3o\r\n!\r\nanything after the end, 7xyz",
        "#N Glider\n#C B O $ !\n#O someone\n\nx = 3, y = 3, rule = b3/s23\n#C between\nbo$\n2b o\t$3o$!",
        "x = 3, y = 3\n1b1o1$2b1o1$3o3$!",
        "x = 3, y = 3\n.A$2.A$xyz!\n#r WireWorld",
        "#CXRLE Pos=-1,5 Gen=3\nx = 3, y = 3, rule = B3/S23 \nbo$2bo$3o!",
        "#CXRLE Pos=?\nx = 3, y = 3, rule = B3/S23,\nbo$2bo$3o!",
        *(
            f"#C one{mark}two\nx = 3, y = 3\n#C{mark}x\nbo$2bo$3o!"
            for mark in "\u2028\u2029\x85\f\v\x1c\x1d\x1e"
        ),
        "#N Glider\rx = 3, y = 3, rule = B3/S23\rbo$2bo$\r3o!\r",
    ],
)
def test_the_same_pattern_in_many_hands(text: str) -> None:
    assert parse(text).cells.tolist() == CELLS


@pytest.mark.parametrize(
    ("rule", "meant"),
    [
        ("B3/S23", "B3/S23"),
        ("b36/s23", "B36/S23"),
        ("B2S", "B2/S"),
        ("S23/B3", "B3/S23"),
        ("s23b3", "B3/S23"),
        ("B2/S", "B2/S"),
        ("23/3", "B3/S23"),
        ("/2", "B2/S"),
        ("34678/3678", "B3678/S34678"),
        ("B2", "B2/S"),
        ("B/S", "B/S"),
        ("/", "B/S"),
        ("Life", "B3/S23"),
        ("Seeds", "B2/S"),
        ("maze", "B3/S12345"),
        ("Day & Night", "B3678/S34678"),
        ("DayAndNight", "B3678/S34678"),
        ("day-and-night", "B3678/S34678"),
    ],
)
def test_rules_of_two_states_in_both_notations(rule: str, meant: str) -> None:
    assert parse(f"x = 1, y = 1, rule = {rule}\no!").rule == meant
    assert parse(f"#r {rule}\nx = 1, y = 1\no!").rule == meant
    assert parse(f"#r B1/S1\nx = 1, y = 1, rule = B1/S\n#random\n#r {rule}\no!\n#r B1/S").rule == meant


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no header"),
        ("bob$2bo$3o!", "no header"),
        ("x = 3\nbo!", "no header"),
        ("x = -3, y = 3\nbo!", "no header"),
        ("x = 3, y = 3, colour = red\nbo!", "no header"),
        ("x = ٣, y = 3\nbo!", "no header"),
        ("x = 0, y = 3\n!", "not in 1 … 256"),
        (f"x = 3, y = {MAX_SIDE + 1}\n!", "not in 1 … 256"),
        ("x = 999999999, y = 999999999\no!", "not in 1 … 256"),
        ("x = 3, y = 3\nbob$2bo$3o", "ends without !"),
        ("x = 3, y = 3", "ends without !"),
        pytest.param("x = 3, y = 3\n" + "1" * 10**6, "ends without !", id="digits"),
        pytest.param("x = 3, y = 3\n" + " 1" * 10**5 + "o!", "row 0 has a blank between", id="blanks"),
        ("x = 3, y = 3\n3", "ends without !"),
        ("x = 3, y = 3\n3\no!", "row 0 has a line's end between a count and its o: write 3o"),
        ("x = 3, y = 3\n$2 o!", "row 1 has a blank between a count and its o: write 2o"),
        ("x = 3, y = 3\n1 2o!", "row 0 has a blank between a count and its o: write 2o"),
        ("x = 3, y = 3\n2B!", "'B' is in it"),
        ("x = 3, y = 3\n2C!", "'C' is in it"),
        ("x = 3, y = 3\n2O!", "'O' is in it"),
        ("x = 3, y = 3\n-2o!", "'-' is in it"),
        ("x = 3, y = 3\n\0o!", "is in it"),
        ("x = 3, y = 3\n٣o!", "is in it"),
        ("x = 3, y = 3\n4o!", "row 0 has a cell outside"),
        ("x = 3, y = 3\n2ob2o!", "row 0 has a cell outside"),
        ("x = 3, y = 3\n999999999o!", "row 0 has a cell outside"),
        ("x = 3, y = 3\n9999999999999999999999o!", "row 0 has a count of 22 digits"),
        ("x = 3, y = 3\n3$o!", "row 3 has a cell outside"),
        ("x = 3, y = 3\n999999999$999999999$o!", "has a cell outside"),
        ("x = 3, y = 3\n0o!", "count of 0"),
        *(
            (
                f"x = 3, y = 3, rule = {rule}\n.B!",
                f"its rule '{re.escape(rule[:40])}' .*{what}.*: only rules of two states",
            )
            for what, rules in STRANGE.items()
            for rule in rules
        ),
        *(
            (f"x = 3, y = 3, rule = B3/S23:{grid}\no!", "is not read: write a torus as T30,20")
            for grid in ODD_GRIDS
        ),
        ("#CXRLE Pos=1\nx = 3, y = 3, rule = B3/S23:T9\no!", "its line '#CXRLE Pos=1' gives no position"),
        (
            "#CXRLE Pos=9999999999,1\nx = 3, y = 3, rule = B3/S23:T9\no!",
            "gives no position: write two whole numbers",
        ),
    ],
)
def test_what_is_no_pattern_is_refused_in_one_sentence(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        parse(text)
    (tmp_path / "bad.rle").write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        loading.load(f"life-rle:{tmp_path}/bad.rle")
    assert str(caught.value).startswith(f"pattern file {tmp_path}/bad.rle: ")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


@given(st.binary(max_size=60), st.sampled_from([b"", b"x = 3, y = 3\n", b"x = 9, y = 9, rule = "]))
def test_bytes_of_any_kind_are_read_or_refused(body: bytes, header: bytes) -> None:
    try:
        pattern = parse((header + body).decode("utf-8", "replace"))
    except UserError as error:
        assert 10 < len(str(error)) < 300 and "\n" not in str(error)
    else:
        assert pattern.cells.max() <= 1


def naive_cells(runs: str, height: int, width: int) -> list[list[int]] | None:
    """Return what the runs draw, read letter by letter, or None if they draw nothing."""
    rows = [[0] * width for _ in range(height)]
    count, row, column = "", 0, 0
    for letter in runs:
        if letter in " \n":
            if count:
                return None
        elif letter in "0123456789":
            count += letter
        elif letter == "!":
            return rows if count.strip("0") or not count else None
        else:
            if count and not count.strip("0"):
                return None
            for _ in range(int(count or 1)):
                if letter == "$":
                    row, column = row + 1, 0
                elif row >= height or column >= width:
                    return None
                else:
                    rows[row][column] = int(letter == "o")
                    column += 1
            count = ""
    return None


@given(st.text("bo$!012 \n", max_size=14), st.integers(1, 3), st.integers(1, 4))
def test_any_runs_are_read_as_a_naive_reader_reads_them(runs: str, height: int, width: int) -> None:
    expected = naive_cells(runs, height, width)
    try:
        got = parse(f"x = {width}, y = {height}\n{runs}").cells.tolist()
    except UserError:
        got = None
    assert got == expected


def golly(text: str) -> tuple[list[list[int]], tuple[int, int] | None]:
    """Return the rows and the position of a file in a small dialect, read letter by letter.

    The dialect has line ends, comments, Pos and runs.
    """
    lines = [""]
    for k, letter in enumerate(text):
        if letter == "\r" or (letter == "\n" and text[k - 1 : k] != "\r"):
            lines.append("")
        elif letter != "\n":
            lines[-1] += letter
    position, runs, size = None, "", (0, 0)
    for line in lines:
        if line[:6] == "#CXRLE":
            column, row = line[line.index("=") + 1 :].split(" ")[0].split(",")
            position = int(row), int(column)
        elif line[:1] == "x":
            words = line.replace(",", " ").split()
            size = int(words[5]), int(words[2])
        elif line[:1] != "#":
            runs += line + "\n"
    return naive_cells(runs, *size) or [], position


def placed(
    rows: list[list[int]], position: tuple[int, int] | None, height: int, width: int
) -> list[list[int]] | None:
    """Return Golly's bounded grid with the pattern, or None if a cell is outside.

    Cells are placed one by one in the plane's coordinates.
    """
    top, left = int(-height / 2), int(-width / 2)  # to zero, as C divides
    y, x = position or (-int(len(rows) / 2), -int(len(rows[0]) / 2))
    live = {(y + int(r), x + int(c)) for r, c in np.argwhere(rows)}
    board = [[int((r, c) in live) for c in range(left, left + width)] for r in range(top, top + height)]
    return board if sum(map(sum, board)) == len(live) else None


@given(
    grid=hnp.arrays(np.uint8, st.tuples(st.integers(1, 4), st.integers(1, 4)), elements=st.integers(0, 1)),
    side=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    position=st.none() | st.tuples(st.integers(-5, 5), st.integers(-5, 5)),
    kind=st.sampled_from("TPtp"),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    mark=st.sampled_from("\u2028\x85\f\v "),
)
def test_a_pattern_is_placed_as_golly_places_it(
    tmp_path_factory: pytest.TempPathFactory,
    grid: Grid,
    side: tuple[int, int],
    position: tuple[int, int] | None,
    kind: str,
    end: str,
    mark: str,
) -> None:
    (height, width), (high, wide) = side, grid.shape
    where = [] if position is None else [f"#CXRLE Pos={position[1]},{position[0]} Gen=7"]
    runs = "$".join("".join("bo"[cell] for cell in row) for row in grid.tolist()) + "!"
    head = f"x = {wide}, y = {high}, rule = B3/S23:{kind}{width},{height}"
    text = end.join([*where, f"#C one{mark}two", head, runs])
    path = tmp_path_factory.getbasetemp() / "golly.rle"
    path.write_bytes(text.encode())
    rows, corner = golly(text)
    assert (rows, corner) == (grid.tolist(), position)
    expected = placed(rows, corner, height, width)
    if position is None and (high > height or wide > width):
        expected = None
    try:
        got = loading.load(f"life-rle:{path}").train[0].question.tolist()
    except UserError as error:
        assert re.search("does not hold the pattern|puts live cells outside its bounded grid", str(error))
        got = None
    assert got == expected


def test_a_bounded_grid_puts_the_pattern_where_golly_does(tmp_path: Path) -> None:
    def board(rule: str, *comments: str, **extra: Any) -> list[list[int]]:
        text = "\n".join([*comments, f"x = 3, y = 3, rule = {rule}", "bo$2bo$3o!"])
        (tmp_path / "placed.rle").write_text(text)
        question = loading.load(f"life-rle:{tmp_path}/placed.rle", **extra).train[0].question
        return np.argwhere(question)[0].tolist() + list(question.shape)

    # The box is at -1, -1, and cell 0, 0 of the plane at 5, 5.
    assert board("B3/S23:P10,10") == board("B3/S23:T10,10") == [4, 5, 10, 10]
    assert board("B3/S23", height=10, width=10) == [4, 5, 10, 10]
    assert board("B3/S23:P10,10", "#CXRLE Pos=-3,-2 Gen=0") == [3, 3, 10, 10]
    assert board("B3/S23:P10,10", "#N a", "#CXRLE Gen=12 Pos = -3, -2") == [3, 3, 10, 10]
    assert board("B3/S23:P10,10", "#CXRLE Gen=12") == [4, 5, 10, 10]
    assert board("B3/S23", "#CXRLE Pos=-3,-2 Gen=0") == [1, 2, 5, 5]  # an endless board has no place to keep
    with pytest.raises(
        UserError, match=r"Pos=3,0 puts live cells outside .* columns are -5 … 4 and rows -5 … 4"
    ):
        board("B3/S23:P10,10", "#CXRLE Pos=3,0")


def test_a_bounded_grid_is_the_board(tmp_path: Path) -> None:
    def pattern(rule: str) -> str:
        (tmp_path / "bounded.rle").write_text(f"x = 3, y = 3, rule = {rule}\nbo$2bo$3o!")
        return f"life-rle:{tmp_path}/bounded.rle"

    data = loading.load(pattern("23/3:T8,5"), steps=40)
    row = data.train[0]
    assert (row.question.shape, row.params.torus, row.params.rule) == ((5, 8), True, "B3/S23")
    assert np.array_equal(row.target, np.roll(row.question, (10, 10), (0, 1)))  # a glider goes round
    assert loading.load(data.name).name == data.name and loading.load(data.name).params == data.params
    plane = loading.load(pattern("Life:p4")).train[0]
    assert (plane.question.shape, plane.params.torus) == ((4, 4), False)
    assert plane.target.tolist() == naive.life_next(plane.question.tolist(), "B3/S23", False)
    # No margin is needed.
    assert loading.load(pattern("B0/S8:T4"), steps=3).train[0].target.shape == (4, 4)
    refusals: tuple[tuple[str, dict[str, Any], str], ...] = (
        ("B3/S23:T8,5", {"width": 9}, "its bounded grid says width=8 and another width was given"),
        ("B3/S23:T8,5", {"torus": "false"}, "its bounded grid says torus=true and another torus was given"),
        ("B3/S23:T2,9", {}, "width=2 does not hold the pattern"),
        ("B3/S23:T257,9", {}, "width=257 is not in 1 … 256"),
    )
    for rule, extra, message in refusals:
        with pytest.raises(UserError, match=message):
            loading.load(pattern(rule), **extra)


def test_a_pattern_goes_on_as_on_an_endless_board(glider: str) -> None:
    data = loading.load(glider, steps=4)
    row = data.train[0]
    assert row.question.shape == (11, 11) and row.question[4:7, 4:7].tolist() == CELLS
    assert np.array_equal(row.target, np.roll(row.question, (1, 1), (0, 1)))  # a glider's way in four steps
    assert [state.tolist() for state in row.steps[:1]] == [
        naive.life_next(row.question.tolist(), "B3/S23", False)
    ]
    assert len(row.steps) == 4 and row.steps[:, [0, -1]].sum() == row.steps[:, :, [0, -1]].sum() == 0
    assert (
        data.verifier is TASK
        and loading.verify(row, row.target).exact
        and loading.verify_steps(row, row.steps).exact
    )
    assert not loading.verify(row, row.question).valid
    assert row.meta["file"] == "glider" and 0 <= row.meta["difficulty"]["score"] <= 1


def test_a_pattern_lies_in_the_middle_of_a_board_of_given_size(glider: str) -> None:
    row = loading.load(f"{glider}?width=8&height=5", steps=1).train[0]
    assert row.question.shape == (5, 8) and row.question[1:4, 3:6].tolist() == CELLS
    round_torus = loading.load(glider, steps=32, height=8, width=8, torus=True).train[0]
    assert np.array_equal(round_torus.target, round_torus.question)
    exact = loading.load(glider, height=3, width=3).train[0]
    assert exact.question.tolist() == CELLS


def test_a_pattern_has_one_canonical_name_that_needs_no_file_to_be_verified(glider: str) -> None:
    data = loading.load(glider, steps="4", torus="true")
    assert data.name == f"{glider}?height=11&steps=4&torus=true&width=11" == data.train[0].task
    assert loading.load(data.name).name == data.name == loading.load(f"{glider}?steps=4", torus=True).name
    assert loading.load(data.name).train[0].question.tolist() == data.train[0].question.tolist()
    Path(glider.removeprefix("life-rle:")).unlink()
    assert lookup.verifier_and_params(data.name) == (TASK, data.params)
    assert lookup.verifier_of("life-rle:/dev/zero?steps=2") is TASK


def test_the_rule_of_the_file_holds(glider: str, tmp_path: Path) -> None:
    assert loading.load(glider, rule="b3/s23").params.rule == "B3/S23"
    with pytest.raises(UserError, match="its rule is B3/S23 and rule=B36/S23 was given"):
        loading.load(glider, rule="B36/S23")
    (tmp_path / "free.rle").write_text("x = 3, y = 3\nbo$2bo$3o!")
    free = f"life-rle:{tmp_path}/free.rle"
    assert loading.load(free).params.rule == "B3/S23"
    assert loading.load(free, rule="B2/S").name == f"{free}?height=5&rule=B2/S&width=5"
    (tmp_path / "seeds.rle").write_text("x = 3, y = 3, rule = /2\nbo$2bo$3o!")
    seeds = loading.load(f"life-rle:{tmp_path}/seeds.rle")
    assert lookup.verifier_and_params(seeds.name)[1] == seeds.params and seeds.params.rule == "B2/S"


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"height": 2}, "height=2 does not hold the pattern: give at least 3"),
        ({"width": 257}, "width=257"),
        ({"steps": 127}, "height of 257, over 256: give height="),
        ({"steps": 0}, "steps=0"),
        ({"steps": "two"}, "not a whole number"),
        ({"density": 0.3}, "leave it out"),
        ({"speed": 1}, "unknown parameter"),
        ({"rule": "nonsense"}, "B/S notation"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(glider: str, params: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        loading.load(f"{glider}?{urlencode(params)}")


def test_a_rule_that_wakes_the_empty_plane_needs_a_board(tmp_path: Path) -> None:
    (tmp_path / "b0.rle").write_text("x = 1, y = 1, rule = B0/S8\no!\n", encoding="utf-8-sig")
    name = f"life-rle:{tmp_path}/b0.rle"
    with pytest.raises(UserError, match="no margin is wide enough"):
        loading.load(name, steps=3)
    assert loading.load(name, steps=3, height=7, width=7).train[0].target.shape == (7, 7)
    assert loading.load(name, steps=3, torus=True).train[0].target.shape == (7, 7)


def test_a_pattern_is_one_question(glider: str) -> None:
    data = loading.load(glider)
    assert (data.train.count, data.test.count) == (1, 0)
    with pytest.raises(
        UserError, match=r"it has 1 \(a pattern is one question.*alike are life/conway\?height=5"
    ):
        data.train.head(2)
    with pytest.raises(UserError, match=r"it has 0 \(a pattern is one question"):
        data.test[0]


def test_files_are_bounded_regular_and_found_in_folders(glider: str, tmp_path: Path) -> None:
    (tmp_path / "large.rle").write_text(GLIDER + " " * MAX_BYTES)
    with pytest.raises(UserError, match="over 1,048,576 bytes"):
        loading.load(f"life-rle:{tmp_path}/large.rle")
    for name, message in (
        ("", "names no path"),
        ("?steps=2", "names no path"),
        (str(tmp_path), "is a folder"),
    ):
        with pytest.raises(UserError, match=message):
            loading.load(f"life-rle:{name}")
    with pytest.raises(UserError, match="cannot be opened"):
        loading.load(f"life-rle:{tmp_path}/missing.rle")
    with pytest.raises(UserError, match="not a regular file"):
        loading.load("life-rle:/dev/zero")
    assert loading.expand(f"life-rle:{tmp_path}?steps=2") == [
        f"{glider}?steps=2",
        f"life-rle:{tmp_path}/large.rle?steps=2",
    ]
    (tmp_path / "is it?.rle").write_text(GLIDER)
    assert loading.load(f"life-rle:{tmp_path}/is it?.rle?steps=1").train[0].question.shape == (5, 5)


def test_a_pattern_is_written_and_read_like_any_other_row(glider: str, tmp_path: Path) -> None:
    split = loading.load(glider, steps=3).train
    formats.write(split, 1, tmp_path / "out", formats.Settings("jsonl"))
    (row,) = formats.read(tmp_path / "out")
    assert row.id == split[0].id and np.array_equal(row.steps, split[0].steps)
    assert loading.verify_steps(row, row.steps).exact
    assert formats.check(tmp_path / "out").rows == 1


def test_the_command_line_shows_a_pattern(glider: str, run: Run) -> None:
    done = run("show", glider, "--set", "steps=4", "--set", "width=5", "--set", "height=3")
    assert ["00100", "00000"] in [line.split() for line in done.out.splitlines()]
    refused = run("show", glider, "--set", "rule=B2/S")
    assert refused.code == 2 and "its rule is B3/S23" in refused.err
