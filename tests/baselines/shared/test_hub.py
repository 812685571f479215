"""Test real weights: folders, a stub of the hub, and one sentence for everything that may be missing."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub import constants
from huggingface_hub.utils import disable_progress_bars, enable_progress_bars

from tests.support.hub_server import COMMIT, Hub, serving
from vizbench.baselines.shared import hub as weights
from vizbench.baselines.shared.hub import MODEL_FILES, PIPELINE_FILES, fetch, is_real, require
from vizbench.errors import UserError

FILES = {
    "config.json": b"{}",
    "model.safetensors": b"weights",
    "tokenizer.json": b"{}",
    "pytorch_model.bin": b"a pickle",
    "modeling.py": b"code",
    "original/params.json": b"{}",
}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Serve a hub that can be reached, with an empty cache and no token."""
    monkeypatch.delenv("VIZBENCH_OFFLINE", raising=False)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    disable_progress_bars()
    with serving(Hub("org/name", FILES)) as served:
        monkeypatch.setattr(constants, "ENDPOINT", served.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", served.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        huggingface_hub.close_session()
        yield served
    huggingface_hub.close_session()
    enable_progress_bars()


def sentence(*arguments: Any) -> str:
    with pytest.raises(UserError) as caught:
        fetch(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def folder(path: Path, *names: str) -> Path:
    for name in names:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(name.encode())
    return path


def test_a_snapshot_is_fetched_once_without_pickles_and_code(hub: Hub) -> None:
    fetched = fetch("qwen3", "org/name")
    assert fetched.digest == COMMIT[:16]
    assert sorted(p.name for p in fetched.folder.rglob("*") if p.is_file()) == [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
    ]
    asked = len(hub.asked)
    assert fetch("qwen3", "org/name") == fetched
    assert len(hub.asked) == asked  # from the cache, no request at all


def test_a_cached_snapshot_serves_offline(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = fetch("qwen3", "org/name")
    monkeypatch.setenv("VIZBENCH_OFFLINE", "1")
    hub.asked.clear()
    assert fetch("qwen3", "org/name") == fetched
    (fetched.folder / "model.safetensors").unlink()  # a snapshot that lacks a file is none
    assert "forbids fetching" in sentence("qwen3", "org/name")
    assert not hub.asked


def test_a_file_of_the_cache_that_was_changed_is_another_identity(hub: Hub) -> None:
    fetched = fetch("qwen3", "org/name")
    (fetched.folder / "tokenizer.json").resolve().write_bytes(b"{ }")  # through the link
    through = fetch("qwen3", "org/name")
    (fetched.folder / "tokenizer.json").unlink()
    (fetched.folder / "tokenizer.json").write_bytes(b"{  }")  # in place of the link
    beside = fetch("qwen3", "org/name")
    assert len({fetched.digest, through.digest, beside.digest}) == 3


def test_offline_and_uncached_is_one_sentence_without_a_request(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIZBENCH_OFFLINE", "1")
    said = sentence("qwen3", "org/name")
    assert "not in" in said
    assert "--offline" in said
    assert "hf download org/name" in said
    assert not hub.asked


def test_no_network_is_reported(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # the port of "discard": nothing listens
    said = sentence("qwen3", "org/name")
    assert "cannot be reached" in said
    assert "hf download org/name" in said
    assert not hub.asked


@pytest.mark.parametrize(("token", "why"), [(None, "no token is set"), ("hf_x", "has no access")])
def test_a_gated_model_is_distinguished(
    hub: Hub, token: str | None, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.status, hub.code = 403 if token else 401, "GatedRepo"
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    said = sentence("llama", "org/name")
    assert "gated" in said
    assert why in said
    assert "hf auth login" in said
    assert "hf_x" not in said


def test_unknown_ids_and_broken_hubs_are_reported(hub: Hub) -> None:
    assert "shows no org/other" in sentence("qwen3", "org/other")
    hub.status = 503
    assert "status 503" in sentence("qwen3", "org/name")


def test_a_disk_that_is_too_small_is_reported_before_a_byte_comes(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(weights.shutil, "disk_usage", lambda _: usage._replace(free=9))  # 11 bytes are needed
    said = sentence("qwen3", "org/name")
    assert "GB free" in said
    assert "HF_HOME" in said
    assert not list(Path(constants.HF_HUB_CACHE).rglob("*.safetensors"))


def test_a_disk_that_fills_meanwhile_is_reported(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    real = huggingface_hub.snapshot_download

    def full(*arguments: Any, **options: Any) -> Any:
        if options.get("dry_run") or options.get("local_files_only"):
            return real(*arguments, **options)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", full)
    assert "give the same command again" in sentence("qwen3", "org/name")


def test_a_local_folder_is_named_by_its_bytes(tmp_path: Path) -> None:
    made = folder(tmp_path / "m", "config.json", "model.safetensors")
    fetched = fetch("qwen3", str(made))
    assert fetched.folder == made
    (made / "model.safetensors").write_bytes(b"other")
    assert fetch("qwen3", str(made)).digest != fetched.digest


def test_folders_that_cannot_be_read_safely_are_refused(tmp_path: Path) -> None:
    assert "finds no folder" in sentence("wan", "./nothing")
    assert "neither config.json nor" in sentence("wan", str(folder(tmp_path / "a", "x.safetensors")))
    assert "pickle" in sentence("wan", str(folder(tmp_path / "b", "model_index.json", "vae/model.bin")))
    assert "it holds no weights" in sentence("wan", str(folder(tmp_path / "c", "config.json")))
    assert "write it as org/name" in sentence("wan", "tiny-randon")


@pytest.mark.parametrize(
    ("checkpoint", "real"),
    [
        ("tiny", False),
        ("org/name", True),
        ("org/name@main", True),
        ("./x", True),
        ("/a/b", True),
        ("smollm2", False),
    ],
)
def test_names_and_places_are_distinguished(checkpoint: str, real: bool) -> None:
    assert is_real(checkpoint) is real


def test_patterns_leave_single_files_and_copies_away() -> None:
    from huggingface_hub.utils import filter_repo_objects

    tree = [
        "model_index.json",
        "vae/a.safetensors",
        "ltx-13b.safetensors",
        "vae/a.bin",
        "tokenizer/spiece.model",
    ]
    kept = list(
        filter_repo_objects(
            tree, allow_patterns=list(PIPELINE_FILES), ignore_patterns=list(weights.IGNORED_FILES)
        )
    )
    assert kept == ["model_index.json", "vae/a.safetensors", "tokenizer/spiece.model"]
    tree = [
        "model-00001-of-00002.safetensors",
        "consolidated.safetensors",
        "original/params.json",
        "tokenizer.model",
    ]
    kept = list(
        filter_repo_objects(
            tree, allow_patterns=list(MODEL_FILES), ignore_patterns=list(weights.IGNORED_FILES)
        )
    )
    assert kept == ["model-00001-of-00002.safetensors", "tokenizer.model"]


def test_a_missing_package_names_the_extra() -> None:
    require("qwen3", "torch")
    with pytest.raises(UserError, match=r"needs gone_.*pip install '\.\[models\]'"):
        require("qwen3", "torch", "gone_package")
