"""Test data sets of mixtures: every format, any number of workers, and what forged ones say."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from PIL import Image

import vizbench as vb
from vizbench import formats
from vizbench.errors import UserError
from vizbench.formats import manifest, writer
from vizbench.formats.manifest import PROMPTS, FormatName, PromptName
from vizbench.formats.rows import encode
from vizbench.renderers.prompts import READERS
from vizbench.task import registry
from vizbench.types import Instance

MIXED = vb.mixture("eca/110=2,life=3,sudoku/mini", seed=5, pool=20)
EXAMPLE = Path(__file__).parents[2] / "examples" / "own_task.py"


def files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def plain(row: Instance) -> Any:
    return json.loads(encode(row, True))


@pytest.mark.parametrize("name", formats.FORMATS)
def test_what_is_written_is_read_back(
    name: FormatName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "SHARD_ROWS", 8)
    made = formats.write(MIXED.test, 20, tmp_path / "one", formats.Settings(name))
    formats.write(MIXED.test, 20, tmp_path / "two", formats.Settings(name), formats.Execution(workers=2))
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert formats.check(tmp_path / "one") == made
    rows = list(formats.read(tmp_path / "one"))
    assert [plain(row) for row in rows] == [plain(row) for row in MIXED.test.head(20)]
    for row in rows:
        assert plain(vb.instance(row.id)) == plain(row)
        assert vb.verify(row, row.target).exact


def test_every_format_has_the_same_digest(tmp_path: Path) -> None:
    digests = {
        formats.write(MIXED.train, 13, tmp_path / name, formats.Settings(name)).digest
        for name in formats.FORMATS
    }
    assert len(digests) == 1
    assert (
        formats.write(MIXED.train, 13, tmp_path / "none", formats.Settings(prompt="none")).digest
        not in digests
    )


def test_a_longer_data_set_begins_with_a_shorter_one(tmp_path: Path) -> None:
    for n in (7, 20):
        formats.write(MIXED.train, n, tmp_path / str(n))
    short, long = ((tmp_path / str(n) / "train-00000.jsonl").read_bytes() for n in (7, 20))
    assert long.startswith(short)


def test_pictures_are_named_by_the_place_in_the_data_set(tmp_path: Path) -> None:
    formats.write(MIXED.train, 12, tmp_path / "out", formats.Settings("png"))
    for place, row in enumerate(MIXED.train.head(12)):
        with Image.open(tmp_path / "out" / "train" / "question" / f"{place:08d}.png") as picture:
            pixels = np.asarray(picture.convert("RGB"))
        assert np.array_equal(pixels, vb.render(row))


def test_the_manifest_names_every_task(tmp_path: Path) -> None:
    formats.write(MIXED.train, 3, tmp_path / "out")
    plain: dict[str, Any] = json.loads((tmp_path / "out" / manifest.NAME).read_bytes())
    spec = plain["spec"]
    assert spec["task"] == "mixture:eca/110=2,life/conway=3,sudoku/mini=1"
    assert [(each["task"], each["weight"]) for each in spec["params"]] == [
        ("eca/110", 2),
        ("life/conway", 3),
        ("sudoku/mini", 1),
    ]
    again = vb.mixture(spec["task"], spec["seed"], spec["pool"])
    formats.write(getattr(again, spec["split"]), plain["rows"], tmp_path / "again")
    assert files(tmp_path / "out") == files(tmp_path / "again")


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good") / "data"
    formats.write(MIXED.train, 10, folder)
    return folder


def sentence(folder: Path) -> str:
    with pytest.raises(UserError) as error:
        formats.check(folder)
    message = str(error.value)
    assert "\n" not in message and len(message) < 900
    with pytest.raises(UserError):
        list(formats.read(folder))
    return message


def forge(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    plain = json.loads((folder / manifest.NAME).read_bytes())
    change(plain)
    (folder / manifest.NAME).write_text(json.dumps(plain))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda spec: spec["params"][1].update(version=99), "version 99 of life/conway"),
        (lambda spec: spec["params"][1].pop("version"), "version None of life/conway"),
        (lambda spec: spec.update(version=7), "version 7 of mixture:"),
        (lambda spec: spec["params"][1].update(weight=1), "parameters in"),
        (lambda spec: spec["params"][1]["params"].update(steps=2), "parameters in"),
        (lambda spec: spec["params"].pop(), "parameters in"),
        (lambda spec: spec.update(params={"a": 1}), "parameters in"),
        (lambda spec: spec.update(params=[1, 2, 3]), "version None of eca/110"),
        (lambda spec: spec.update(task="mixture:eca/110=4,life/conway=6,sudoku/mini=2"), "parameters in"),
        (lambda spec: spec.update(task="mixture:"), "is not the name"),
        (lambda spec: spec.update(task="mixture:" + "a" * 4000), "unknown task"),
        (lambda spec: spec.update(task="mixture:/tmp/none.py:TASK=1,life=1"), "is run only if you name it"),
        (lambda spec: spec.update(seed=-1), "seed -1"),
        (lambda spec: spec.update(pool=-1), "pool -1"),
        (lambda spec: spec.update(seed=6), "row 0 is row 0 of"),
        (lambda spec: spec.update(split="test"), "cannot be opened"),
    ],
)
def test_a_manifest_that_says_another_mixture(
    change: Callable[[dict[str, Any]], object], reason: str, good: Path, tmp_path: Path
) -> None:
    shutil.copytree(good, tmp_path / "out")
    forge(tmp_path / "out", lambda plain: change(plain["spec"]))
    assert reason in sentence(tmp_path / "out")


def other_order(lines: list[bytes]) -> list[bytes]:
    """Return the lines with the first two of different tasks exchanged."""
    tasks = [json.loads(line)["task"] for line in lines]
    other = next(place for place, task in enumerate(tasks) if task != tasks[0])
    lines[0], lines[other] = lines[other], lines[0]
    return lines


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (other_order, "row 0 is row"),
        (lambda lines: [*lines[:-1], lines[0]], "row 9 is row 0 of"),
        (lambda lines: [line.replace(b'"seed":5', b'"seed":6') for line in lines], "seed 6"),
        (lambda lines: [line.replace(b'"prompt":"', b'"prompt":"x') for line in lines], "not those of its"),
        (lambda lines: [line.replace(b'"prompt"', b'"prompts"') for line in lines], "is not a row"),
        (lambda lines: [b"{}", *lines[1:]], "is not a row"),
    ],
)
def test_rows_that_are_not_the_mixtures(
    change: Callable[[list[bytes]], list[bytes]], reason: str, good: Path, tmp_path: Path
) -> None:
    shutil.copytree(good, tmp_path / "out")
    path = tmp_path / "out" / "train-00000.jsonl"
    data = b"".join(line + b"\n" for line in change(path.read_bytes().splitlines()))
    path.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    forge(tmp_path / "out", lambda plain: plain["shards"][0].update(sha256=digest))
    with pytest.raises(UserError) as error:
        formats.check(tmp_path / "out")
    assert reason in str(error.value) and "\n" not in str(error.value)


def test_a_prompt_that_the_manifest_does_not_announce(good: Path, tmp_path: Path) -> None:
    shutil.copytree(good, tmp_path / "out")
    forge(tmp_path / "out", lambda plain: plain.pop("prompt"))
    assert "row 0 has a prompt, and the manifest says none" in sentence(tmp_path / "out")
    forge(tmp_path / "out", lambda plain: plain.update(prompt="song"))
    assert "malformed" in sentence(tmp_path / "out")


def test_a_mixture_keeps_the_code_of_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_imported", {})
    own = tmp_path / "own.py"
    shutil.copy(EXAMPLE, own)
    mixed = vb.mixture([f"{own}:TASK", "life=2"])
    made = formats.write(mixed.train, 9, tmp_path / "out", execution=formats.Execution(workers=1))
    assert made.code is not None
    assert formats.check(tmp_path / "out") == made

    # Another process reads it once the user names the file, and only if the file is the same.
    monkeypatch.setattr(registry, "_imported", {})
    assert "is run only if you name it" in sentence(tmp_path / "out")
    registry.import_task(f"{own}:TASK")
    assert formats.check(tmp_path / "out") == made
    own.write_text(own.read_text() + "# changed\n")
    registry.import_task(f"{own}:TASK")
    assert "was made by other code of mixture:" in sentence(tmp_path / "out")


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize("name", formats.FORMATS)
def test_rows_carry_the_prompt_that_they_draw(name: FormatName, prompt: PromptName, tmp_path: Path) -> None:
    made = formats.write(MIXED.train, 12, tmp_path / "out", formats.Settings(name, prompt=prompt))
    assert formats.check(tmp_path / "out") == made
    assert made.prompt == prompt
    place = writer.Place(tmp_path / "out", "train", 0, 0, 12)
    for row, instance in zip(writer.format_named(name).read(place), MIXED.train.head(12), strict=True):
        expected = "" if prompt == "none" else vb.prompt(instance, prompt, style=None)
        assert row.prompt == expected


def test_prompts_are_for_all_readers() -> None:
    assert (*READERS, "none") == PROMPTS == get_args(PromptName)


def test_an_unknown_prompt_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unknown prompt 'txt': did you mean text"):
        wrong: Any = "txt"
        formats.write(MIXED.train, 2, tmp_path / "out", formats.Settings(prompt=wrong))
    assert not (tmp_path / "out").exists()
