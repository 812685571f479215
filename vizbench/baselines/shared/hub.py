"""Where real weights come from: a folder, or the Hugging Face hub by way of its own library and cache.

A checkpoint is a folder that a library's `save_pretrained` wrote, or a hub id `org/name`, with a branch, tag
or commit behind an @ where one is wanted. What is read is configuration, tokenizers and safetensors: no
pickle, no code, and nothing outside of the folder (`shared.checkpoint`). A cached snapshot is taken as it is,
so that a benchmark keeps its weights; only what is missing is fetched, and nothing under `--offline`."""

from __future__ import annotations

import errno
import hashlib
import importlib.util
import json
import os
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, cast, final

from vizbench._util.files import read_bounded
from vizbench.baselines.shared.checkpoint import ADAPTER, PICKLES, check_files, digest_of, files_of
from vizbench.errors import UserError, missing

MODEL_FILES: Final = (
    "*.json",
    "model*.safetensors",
    "*.model",
    "*.model.v*",
    "*.tiktoken",
    "*.txt",
    "*.jinja",
)
"""What is fetched of a transformers model, at the root of its repository. `checkpoint.files_of` has all of
it."""

PIPELINE_FILES: Final = (
    "model_index.json", "*/*.json", "*/*.safetensors", "*/*.model", "*/*.tiktoken", "*/*.txt", "*/*.jinja",
)  # fmt: skip
"""What is fetched of a diffusers pipeline: the folders of its parts. Single-file copies at the root stay
away."""

LEFT: Final = ("original/*", "*.fp16.safetensors", "*.non_ema.safetensors", "*.py")
"""What never comes along: copies in other shapes, and code."""

_HUB_ID = re.compile(
    r"(?P<repo>[A-Za-z0-9][\w.-]{0,95}/[\w.-]{1,96})(?:@(?P<revision>[\w./-]{1,100}))?", re.ASCII
)


@final
@dataclass(frozen=True, slots=True)
class Weights:
    """Weights on this machine."""

    folder: Path
    """Holds configuration, tokenizer and safetensors."""
    digest: str
    """16 characters that name, for the record, every file that is loaded: the commit of a hub snapshot that
    is as it was fetched, else the bytes of the folder."""


def require(family: str, *packages: str, extra: str = "models") -> None:
    """UserError where one of the importable `packages` is missing; nothing is imported."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise missing(family, package, extra)


def offline() -> bool:
    """Whether the network is forbidden, by `--offline` or by the hub library's own variable."""
    from huggingface_hub import constants

    return bool(os.environ.get("VIZBENCH_OFFLINE")) or constants.is_offline_mode()


def is_real(checkpoint: str) -> bool:
    """Whether the checkpoint is written as a folder or a hub id, and not as one of a family's names."""
    return (
        Path(checkpoint).expanduser().is_dir()
        or _looks_local(checkpoint)
        or bool(_HUB_ID.fullmatch(checkpoint))
    )


def fetch(family: str, checkpoint: str, files: Sequence[str] = MODEL_FILES) -> Weights:
    """The checkpoint as a local folder. family: named in messages; files: patterns of what is fetched from
    the hub.

    Raises UserError for a folder without safetensors, for weights that are not cached and cannot be fetched,
    for gated and unknown ids, and for a disk that is too small."""
    require(family, "huggingface_hub")
    folder = Path(checkpoint).expanduser()
    if folder.is_dir() or _looks_local(checkpoint):
        return Weights(_checked(family, folder, str(folder)), digest_of(folder))
    match = _HUB_ID.fullmatch(checkpoint)
    if match is None:
        raise UserError(
            f"checkpoint {checkpoint[:120]!r} is neither a folder nor a hub id: write it as org/name"
        )
    repo, revision = match["repo"], match["revision"]
    found = _cached(repo, revision, files) or _download(family, repo, revision, files)
    _checked(family, found, repo)
    return Weights(found, found.name[:16] if _as_fetched(found) else digest_of(found))


def read_object(path: Path) -> dict[str, Any]:
    """A folder's configuration. UserError for what is no JSON object of at most 1 MiB."""
    data = read_bounded(path, "the configuration", 1 << 20)
    try:
        told: Any = json.loads(data)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise UserError(f"{path} is no JSON object: give a folder that save_pretrained wrote")
    return cast("dict[str, Any]", told)


def _looks_local(checkpoint: str) -> bool:
    """Whether it can only be a path."""
    return checkpoint.startswith((".", "/", "~")) or checkpoint.count("/") > 1 or "\\" in checkpoint


def _checked(family: str, folder: Path, name: str) -> Path:
    """The folder, if a library can read it without running anything."""
    if not folder.is_dir():
        raise UserError(
            f"{family} finds no folder {name[:200]!r}: give one that save_pretrained wrote, or a hub id"
        )
    if (folder / ADAPTER).is_file():
        check_files(folder)  # refuses it
    if not any((folder / known).is_file() for known in ("config.json", "model_index.json")):
        raise UserError(
            f"{name[:200]} holds neither config.json nor model_index.json: {family} reads folders that save_pretrained "
            f"wrote"
        )
    check_files(folder)
    if not any(folder.rglob("*.safetensors")):
        pickles = any(path.suffix in PICKLES for path in folder.rglob("*"))
        why = "its pickle files could run code and are not read" if pickles else "no weights lie in it"
        raise UserError(
            f"{name[:200]} holds no safetensors ({why}): save it anew with safe_serialization=True"
        )
    return folder


def _as_fetched(snapshot: Path) -> bool:
    """Whether the small files of a snapshot in the hub's cache are those of its commit.

    The cache names each file by its hash, as git counts it, or SHA-256 for large files. Weights are not read
    again."""
    for path in files_of(snapshot):
        blob = path.resolve()
        if blob.parent == path.parent:
            return False  # a copy, or a file that was put in place of the link
        if path.suffix != ".safetensors":
            data = blob.read_bytes()
            kind = (
                hashlib.sha256(data)
                if len(blob.name) == 64
                else hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False)
            )
            if kind.hexdigest() != blob.name:
                return False
    return True


def _cached(repo: str, revision: str | None, files: Sequence[str]) -> Path | None:
    """The snapshot in the hub's cache if it is whole; no network is touched."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repo, local_files_only=True, **_wanted(revision, files)))
    except LocalEntryNotFoundError:  # or its subclass for a snapshot that is known to lack files
        return None


def _download(family: str, repo: str, revision: str | None, files: Sequence[str]) -> Path:
    """Fetch into the hub's cache, once it is known to fit. What a stopped download left there is gone on
    with."""
    from huggingface_hub import constants, snapshot_download

    if offline():
        raise UserError(
            f"{family} needs the weights of {repo}, which are not in {constants.HF_HUB_CACHE}, and --offline (or "
            f"HF_HUB_OFFLINE) forbids fetching them: run `hf download {repo}` where there is a network"
        )
    wanted = _wanted(revision, files)
    coming: list[Any] = _told(family, repo, partial(snapshot_download, repo, dry_run=True, **wanted))
    _check_disk(
        repo, Path(constants.HF_HUB_CACHE), sum(file.file_size or 0 for file in coming if file.will_download)
    )
    return Path(_told(family, repo, partial(snapshot_download, repo, **wanted)))


def _wanted(revision: str | None, files: Sequence[str]) -> dict[str, Any]:
    return {"revision": revision, "allow_patterns": list(files), "ignore_patterns": list(LEFT)}


def _check_disk(repo: str, cache: Path, size: int) -> None:
    """UserError where `size` bytes do not fit beside a margin of 1%."""
    place = next(path for path in (cache, *cache.parents) if path.exists())
    free = shutil.disk_usage(place).free
    if size * 1.01 > free:
        raise UserError(
            f"{repo} takes {size / 1e9:.1f} GB and {cache} has {free / 1e9:.1f} GB free: make room there, or set "
            f"HF_HOME to a folder on a larger disk"
        )


def _told(family: str, repo: str, call: Callable[[], Any]) -> Any:
    """What the call returns; the hub's complaints as one sentence each."""
    from huggingface_hub import errors

    try:
        return call()
    except errors.DryRunError as error:  # its cause says why the repository could not be listed
        fault = error.__cause__ or error
    except (errors.HTTPError, errors.LocalEntryNotFoundError, ConnectionError, TimeoutError) as error:
        fault = (
            error.__cause__
            if isinstance(error, errors.LocalEntryNotFoundError) and error.__cause__
            else error
        )
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise UserError(
            f"the disk is full before {repo} is whole: make room, and the same command goes on"
        ) from None
    raise UserError(_sentence(family, repo, fault)) from None


def _sentence(family: str, repo: str, fault: BaseException) -> str:
    from huggingface_hub import constants, errors, get_token

    page = f"{constants.ENDPOINT}/{repo}"
    if isinstance(fault, errors.GatedRepoError):
        why = "the token that is set has no access" if get_token() else "no token is set"
        return (
            f"{repo} is gated and {why}: ask for access at {page}, then run `hf auth login` or set HF_TOKEN to a token "
            f"that may read it"
        )
    if isinstance(fault, errors.RevisionNotFoundError):
        return f"{repo} has no such revision: leave out what stands behind @, or see {page}"
    if isinstance(fault, errors.RepositoryNotFoundError):
        return (
            f"the hub shows no {repo}: check its spelling at {page}, or run `hf auth login` if it is private"
        )
    if isinstance(fault, errors.HfHubHTTPError):
        return f"the hub answers {repo} with status {fault.response.status_code}: run the same command again later"
    return (
        f"{family} needs the weights of {repo}, which are not cached, and {constants.ENDPOINT} cannot be reached "
        f"({type(fault).__name__}): mend the network, or run `hf download {repo}` elsewhere and copy the cache"
    )
