"""Test the formats with pictures: WebDataset, clips, and pictures in Parquet, as their readers see them."""

from __future__ import annotations

import io
import json
import random
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image as Pictures

import vizbench as vb
from vizbench import formats
from vizbench.errors import UserError
from vizbench.formats import manifest
from vizbench.formats.format_base import Place
from vizbench.formats.manifest import Frames
from vizbench.formats.webdataset import WebDataset
from vizbench.renderers.frames import render
from vizbench.renderers.looks import LookName, look_of
from vizbench.renderers.video import clip, frames, process
from vizbench.types import Image, Instance

MIXED = vb.mixture("eca/110=2,life=3,sudoku/mini", seed=5, pool=20)


def pixels(file: bytes) -> Image:
    with Pictures.open(io.BytesIO(file)) as picture:
        assert picture.mode == "P"
        return np.asarray(picture.convert("RGB"))


def drawn(row: Instance, look: LookName, side: str) -> Image:
    return render(getattr(row, side), look_of(vb.verifier_of(row), look, row))


# WebDataset


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write 12 rows of a mixture, each in other colours."""
    folder = tmp_path_factory.mktemp("tar") / "out"
    formats.write(MIXED.train, 12, folder, formats.Settings("webdataset", prompt="image", look="shuffled"))
    return folder / "train-00000.tar"


def test_any_reader_of_tar_files_finds_pictures_and_rows(shard: Path) -> None:
    with tarfile.open(shard, "r:") as tar:
        members = tar.getmembers()
        files = {each.name: tar.extractfile(each).read() for each in members}  # pyright: ignore[reportOptionalMemberAccess] they are files
    assert {(each.mtime, each.uid, each.gid, each.uname, each.mode) for each in members} == {
        (0, 0, 0, "", 0o644)
    }
    assert len(members) == len(files) == 36
    for place, row in enumerate(MIXED.train.head(12)):
        key = f"{place:08d}"
        for side in ("question", "target"):
            assert np.array_equal(pixels(files[f"{key}.{side}.png"]), drawn(row, "shuffled", side))
        plain = json.loads(files[f"{key}.json"])
        assert (plain["id"], plain["steps"]) == (row.id, row.steps.tolist())
        assert plain["prompt"] == vb.prompt(row, "image", None, "shuffled")


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # it leaves the file to be closed
def test_the_package_webdataset_reads_it(shard: Path) -> None:
    webdataset: Any = pytest.importorskip("webdataset", reason="a package of the extra dev")
    samples = list(webdataset.WebDataset(str(shard), shardshuffle=False).decode("rgb8"))
    for sample, row in zip(samples, MIXED.train.head(12), strict=True):
        assert sample["json"]["id"] == row.id
        assert np.array_equal(sample["question.png"], drawn(row, "shuffled", "question"))
        assert np.array_equal(sample["target.png"], drawn(row, "shuffled", "target"))


def test_a_tar_file_that_is_cut_or_changed_is_said(shard: Path, tmp_path: Path) -> None:
    """Headers and what fills up blocks are as they were written, or the file is refused."""
    place = Place(tmp_path, "train", 0, 0, 12)
    data = shard.read_bytes()
    with tarfile.open(shard, "r:") as tar:
        contents = [range(each.offset_data, each.offset_data + each.size) for each in tar.getmembers()]
    inside = set().union(*contents)
    rng = random.Random(1)
    outside = [at for at in rng.sample(range(len(data)), 400) if at not in inside]
    outside += [at for content in contents for at in (content.start - 512, content.start - 380)]
    broken = [data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :] for at in outside]
    broken += [data[:length] for length in range(0, len(data), 997)] + [data + b"\0", data[:-1], data * 2]
    for other in broken:
        (tmp_path / "train-00000.tar").write_bytes(other)
        with pytest.raises(UserError, match=r"train-00000\.tar (does not|ends)"):
            list(WebDataset().read(place))
    huge = data[:124] + b"7" * 11 + data[135:]
    (tmp_path / "train-00000.tar").write_bytes(huge)
    with pytest.raises(UserError, match=r"does not hold 00000000\.question\.png next"):
        list(WebDataset().read(place))
    bad = data.replace(b'{"id"', b'{"i\xff"', 1)
    (tmp_path / "train-00000.tar").write_bytes(bad)
    with pytest.raises(UserError, match=r"00000000\.json in .* is not a row"):
        list(WebDataset().read(place))


# Pictures in Parquet


@pytest.mark.parametrize("packed", [False, True])
def test_parquet_may_hold_pictures(packed: bool, tmp_path: Path) -> None:
    made = formats.write(
        MIXED.test,
        9,
        tmp_path / "out",
        formats.Settings("parquet", look="human", packed=packed, pictures=True),
    )
    table = pq.read_table(tmp_path / "out" / "test-00000.parquet")
    image = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    assert features == {name: {"_type": "Image"} for name in ("question_image", "target_image")}
    for side in ("question", "target"):
        assert table.schema.field(f"{side}_image").type == image
        for value, row in zip(table.column(f"{side}_image").to_pylist(), MIXED.test.head(9), strict=True):
            assert value["path"] is None
            assert np.array_equal(pixels(value["bytes"]), drawn(row, "human", side))
    assert formats.check(tmp_path / "out") == made
    assert (made.packed, made.pictures) == (packed, True)


def test_the_package_datasets_decodes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets: Any = pytest.importorskip("datasets", reason="a package of the extra dev")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    both = [(MIXED.train, 9), (MIXED.test, 4)]
    kinds = {"_image": formats.Settings("parquet", pictures=True), ".png": formats.Settings("webdataset")}
    for columns, settings in kinds.items():
        kind = settings.format
        formats.write_splits(both, tmp_path / kind, settings)
        loaded = datasets.load_dataset(str(tmp_path / kind), cache_dir=str(tmp_path / "cache"))
        assert {name: len(rows) for name, rows in loaded.items()} == {"train": 9, "test": 4}
        for split, n in both:
            for read, row in zip(loaded[split.name], split.head(n), strict=True):
                for side in ("question", "target"):
                    picture = np.asarray(read[side + columns].convert("RGB"))
                    assert np.array_equal(picture, drawn(row, "paper", side))


# Clips


@pytest.mark.parametrize("length", [9, 2, "states"])
@pytest.mark.parametrize("look", ["paper", "glyphs", "shuffled"])
def test_clips_are_exact_and_valid(length: Frames, look: LookName, tmp_path: Path) -> None:
    formats.write(MIXED.train, 6, tmp_path / "out", formats.Settings("video", look=look, frames=length))
    assert manifest.load(tmp_path / "out").frames == length
    for place, row in enumerate(MIXED.train.head(6)):
        shown = look_of(vb.verifier_of(row), look, row)
        made = np.stack(
            [f.image() for f in frames(tmp_path / "out" / "train" / "video" / f"{place:08d}.mp4")]
        )
        if length == "states":
            assert np.array_equal(made, process(row.question, row.steps, shown))
        else:
            assert np.array_equal(made, clip(row.question, row.target, shown, length))
        question, answer = (vb.decode(frame, shown, row.target.shape) for frame in (made[0], made[-1]))
        assert isinstance(question, vb.Answer) and np.array_equal(question.grid, row.question)
        assert isinstance(answer, vb.Answer) and vb.verify(row, answer.grid).exact


def test_a_clip_of_unequal_grids_fills_one_board(tmp_path: Path) -> None:
    """Questions and targets of ARC differ in size, and a canvas holds both."""
    pair = {"input": [[1, 2, 3]], "output": [[4], [5]]}
    (tmp_path / "task.json").write_text(json.dumps({"train": [pair], "test": [pair]}))
    split = vb.load(f"arc-json:{tmp_path / 'task.json'}").train
    formats.write(split, 1, tmp_path / "out", formats.Settings("video"))
    made = [frame.image() for frame in frames(tmp_path / "out" / "train" / "video" / "00000000.mp4")]
    expected = clip(split[0].question, split[0].target, vb.verifier_of(split[0]).look)
    assert np.array_equal(np.stack(made), expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"format": "webdataset", "packed": True}, "webdataset has no packed grids: choose --format parquet"),
        ({"format": "png", "pictures": True}, "png has no columns for pictures: choose --format parquet"),
        ({"format": "png", "frames": 9}, "png has no clips: choose --format video"),
        ({"format": "video", "frames": 1}, r"frames=1 is not in 2 … 1,024"),
        ({"format": "video", "frames": "all"}, r"frames=all is not in 2 … 1,024"),
        ({"format": "video", "frames": "states", "steps": False}, "leave one of the two out"),
        ({"format": "parquet", "look": "human"}, "format parquet holds no pictures, so look human"),
    ],
)
def test_options_that_contradict_the_format_are_refused(
    arguments: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        formats.write(MIXED.train, 3, tmp_path / "out", formats.Settings(**arguments))
    assert list(tmp_path.iterdir()) == []
