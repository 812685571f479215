"""Test data sets in object stores, against a real server of the S3 protocol on this machine."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands import Run, refused
from tests.support.paused_process import held
from tests.support.s3_server import KEY, SECRET, S3Server
from vizbench import formats, loading
from vizbench.dataset.splits import Split
from vizbench.errors import UserError
from vizbench.formats import writer
from vizbench.formats.manifest import FormatName
from vizbench.formats.stores import Store


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    pytest.importorskip("moto", reason="moto is not installed: pip install 'vizbench[dev]'")
    server = S3Server()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.settings.items():
            patch.setenv(name, value)
        server.make_bucket("bkt")
        yield server
    server.stop()


@pytest.fixture
def url(server: S3Server, request: pytest.FixtureRequest) -> str:
    """Return the URL of a place of its own."""
    return f"s3://bkt/{request.node.name.replace('[', '-').strip(']')}"


def objects(server: S3Server, url: str) -> dict[str, bytes]:
    return server.objects("bkt", url.removeprefix("s3://bkt/") + "/")


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Make shards of three rows, as `held` does. Shards on their way have a folder of their own."""
    monkeypatch.setattr(writer, "SHARD_ROWS", 3)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))


@pytest.fixture
def split() -> Split:
    return loading.load("life/conway").train


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", formats.FORMATS)
def test_a_store_holds_what_a_folder_would(
    name: FormatName, url: str, server: S3Server, split: Split, tmp_path: Path
) -> None:
    made = formats.write(split, 8, tmp_path / "here", formats.Settings(name))
    assert formats.write(split, 8, url, formats.Settings(name)) == made
    assert objects(server, url) == tree(tmp_path / "here")
    assert formats.check(url) == made
    assert [row.id for row in formats.read(url)] == [row.id for row in split.head(8)]
    assert tree(tmp_path / "temporary") == {}


def test_commands_take_urls(url: str, server: S3Server, run: Run, tmp_path: Path) -> None:
    words = ("generate", "--task", "life/conway", "--n", 8, "--out")
    assert run(*words, "whole").code == 0
    for part in (0, 1):
        done = run(*words, f"{url}/{part}", "--shard", f"{part}/2", "--workers", 1 + part)
        assert (done.code, done.err) == (0, "")
        assert "holds no part.json" not in done.out and f"{url}/{part}: part {part}/2" in done.out
    assert "is unfinished, it has no manifest.json yet" in refused(run("verify", f"{url}/0", "x.jsonl"))
    done = run("merge", f"{url}/0", f"{url}/1", "--out", f"{url}/all")
    assert (done.code, done.err) == (0, "") and done.out.startswith(f"{url}/all: 8 rows of life/conway train")
    assert objects(server, f"{url}/all") == tree(tmp_path / "whole")

    rows = list(formats.read(f"{url}/all"))
    lines = [f'{{"id": "{row.id}", "answer": {row.target.tolist()}}}' for row in rows]
    Path("x.jsonl").write_text("\n".join(lines))
    assert run("score", "x.jsonl", "--dataset", f"{url}/all").out == run("verify", "whole", "x.jsonl").out
    assert run("merge", f"{url}/0", f"{url}/1", "--out", "local").code == 0
    assert tree(tmp_path / "local") == tree(tmp_path / "whole")


IN_STORE = ("vizbench.formats.journal.line", 3)
"""A thread is about to record the third shard, after the lines of the command and of two shards."""


def recorded_in(server: S3Server, url: str) -> list[str]:
    """Return the records of finished shards in the store."""
    return [name for name in objects(server, url) if name.startswith(".vizbench/train")]


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_command_continues(
    stop: signal.Signals, url: str, server: S3Server, split: Split, tmp_path: Path
) -> None:
    with held(IN_STORE, "--out", url, "--n", 14) as child:
        while len(recorded_in(server, url)) < 2:  # they are sent in the background
            time.sleep(0.05)
        child.send_signal(stop)
        _, said = child.communicate(timeout=60)
    assert child.returncode == (-9 if stop == signal.SIGKILL else 130) and "Traceback" not in said
    left, recorded = objects(server, url), recorded_in(server, url)
    assert len(recorded) >= 2 and "manifest.json" not in left
    with pytest.raises(UserError, match=r"is unfinished, it has no manifest\.json yet: wait for its"):
        formats.read(url)
    with pytest.raises(UserError, match=r"shards of another command \(n is 14 there and 15 here\)"):
        formats.write(split, 15, url)

    # What is not as recorded is made again.
    damaged = recorded[0].removeprefix(".vizbench/") + ".jsonl"
    server.change("bkt", f"{url.removeprefix('s3://bkt/')}/{damaged}", left[damaged][:-1])
    counts: list[int] = []
    made = formats.write(
        split, 14, url, execution=formats.Execution(resumed=lambda shards, _: counts.append(shards))
    )
    assert counts == [len(recorded) - 1]
    assert formats.write(split, 14, tmp_path / "whole") == made
    assert objects(server, url) == tree(tmp_path / "whole")
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize("name", ["jsonl", "png"])
def test_a_server_that_dies_in_the_middle(
    name: FormatName, url: str, server: S3Server, split: Split, tmp_path: Path
) -> None:
    def dies(rows: int) -> None:
        if rows == 9:
            server.stop()

    try:
        with pytest.raises(UserError, match=r"cannot be (written|read).*: check the network and") as error:
            formats.write(split, 60, url, formats.Settings(name), formats.Execution(progress=dies))
        assert "\n" not in str(error.value)
    finally:
        server.start()
    assert "manifest.json" not in objects(server, url)
    assert formats.write(split, 60, url, formats.Settings(name)) == formats.write(
        split, 60, tmp_path / "whole", formats.Settings(name)
    )
    assert objects(server, url) == tree(tmp_path / "whole")


def test_what_a_store_refuses_is_said(
    url: str, server: S3Server, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("generate", "--task", "life/conway", "--n", 8, "--out")
    server.change("bkt", f"{url.removeprefix('s3://bkt/')}/thesis/one.txt", b"years of work")
    for place, sentence in (
        (url, "is not empty: choose another place, or delete what is there first"),
        ("s3://nobody/a", "NO_SUCH_BUCKET .*: make the bucket first, or correct its name"),
        ("s3://bkt", "is a whole bucket: add a path, as in s3://bkt/data"),
        (f"s3://{KEY}:{SECRET}@bkt/a", "^a URL with credentials in it ends up in logs"),
        (f"s3://bkt/a?secret_key={SECRET}", "'s3://bkt/a' is not the URL of a folder in a store"),
        (f"s3://{KEY}:{SECRET}@bkt/a#b", r"'s3://\*\*\*@bkt/a' is not the URL of a folder in a store"),
        ("file:///tmp/a", "or the path of a folder on this machine"),
        ("s4://bkt/a", r"s4://bkt/a cannot be used \(Protocol not known: s4\)"),
        ("sftp://host/a", "a package for its store, which is not installed: pip install 'vizbench"),
        ("abfs://bkt/a", "account"),
    ):
        said = refused(run(*words, place))
        assert re.search(sentence, said), said
        assert SECRET not in said
    assert "--overwrite cannot replace" in refused(run(*words, f"{url}/b", "--overwrite"))
    assert "episodes are written to this machine" in refused(
        run("generate", "--task", "arc/copy", "--n", 1, "--format", "arc", "--out", url)
    )
    assert "holds no manifest.json: give the URL" in refused(run("verify", f"{url}/none", "x"))
    with pytest.raises(UserError, match=r"was made from a URL.* give the URL as a text"):
        formats.read(Path("s3://bkt/a"))
    assert list(objects(server, url)) == ["thesis/one.txt"]

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    for command in ((*words, url), ("verify", url, "x")):
        assert "Could not connect to server): check the network" in refused(run(*command))


def test_without_credentials_it_is_said(
    url: str, server: S3Server, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("generate", "--task", "life/conway", "--n", 8, "--out", url)
    with server.guarded():
        said = refused(run(*words))
        assert "check the credentials in the environment" in said
        assert KEY not in said and SECRET not in said
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        assert "check the credentials in the environment" in refused(run(*words))


def test_an_error_that_repeats_credentials_hides_them(server: S3Server) -> None:
    store = Store("s3://bkt/a")
    text = f"server http://user:pass@host refused {KEY} signed with {SECRET}\nand more"
    with pytest.raises(UserError) as error, store._errors("read"):
        raise OSError(text)
    said = "s3://bkt/a cannot be read (server http://***@host refused *** signed with ***): "
    assert str(error.value).startswith(said)


def test_other_stores_are_reached_through_fsspec(split: Split, tmp_path: Path) -> None:
    pytest.importorskip("fsspec", reason="fsspec is not installed: pip install 'vizbench[cloud]'")
    import fsspec

    system = fsspec.filesystem("memory")
    made = formats.write(split, 8, "memory://data/life", formats.Settings("png"))
    assert formats.check("memory://data/life") == made
    formats.write(split, 8, tmp_path / "here", formats.Settings("png"))
    for name, data in tree(tmp_path / "here").items():
        assert system.cat(f"/data/life/{name}") == data
    assert len(system.find("/data/life")) == len(tree(tmp_path / "here"))


def test_a_shard_in_a_store_is_checked(url: str, server: S3Server, split: Split) -> None:
    formats.write(split, 8, url)
    name = "train-00001.jsonl"
    data = objects(server, url)[name]
    for change in (data[:-9], data.replace(b"1", b"0", 1)):
        server.change("bkt", f"{url.removeprefix('s3://bkt/')}/{name}", change)
        with pytest.raises(UserError, match=rf"{url}: shard train-00001 is not as it was .*digest differs"):
            formats.check(url)
