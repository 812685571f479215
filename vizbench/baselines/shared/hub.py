"""Get real weights: from a folder, or from the Hugging Face hub by its own library and cache.

A checkpoint is a folder that a library's `save_pretrained` wrote, or a hub id `org/name`. A branch, tag or
commit may follow an @. Only configuration, tokenizers and safetensors are read: no pickle, no code, and
nothing outside of the folder (`shared.checkpoint`). A cached snapshot is used as it is, so that a benchmark
keeps its weights. Only missing files are fetched, and none under `--offline`.
"""

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
from vizbench.errors import UserError, missing, unknown

MODEL_FILES: Final = (
    "*.json",
    "model*.safetensors",
    "*.model",
    "*.model.v*",
    "*.tiktoken",
    "*.txt",
    "*.jinja",
)
"""Files that are fetched of a transformers model. `checkpoint.files_of` includes all of them."""

PIPELINE_FILES: Final = (
    "model_index.json", "*/*.json", "*/*.safetensors", "*/*.model", "*/*.tiktoken", "*/*.txt", "*/*.jinja",
)  # fmt: skip
"""Files that are fetched of a diffusers pipeline: the folders of its parts, and no copy in a single file."""

IGNORED_FILES: Final = ("original/*", "*.fp16.safetensors", "*.non_ema.safetensors", "*.py")
"""Files that are never fetched: copies in other formats, and code."""

_HUB_ID = re.compile(
    r"(?P<repo>[A-Za-z0-9][\w.-]{0,95}/[\w.-]{1,96})(?:@(?P<revision>[\w./-]{1,100}))?", re.ASCII
)


@final
@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of a checkpoint on this machine."""

    folder: Path
    """Holds configuration, tokenizer and safetensors."""
    digest: str
    """16 characters that name every loaded file: the commit of an unchanged hub snapshot, or a hash."""


def require(family: str, *packages: str, extra: str = "models") -> None:
    """Raise UserError if one of the packages is missing. Imports none of them."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise missing(family, package, extra)


def offline() -> bool:
    """Return whether the network is forbidden, by `--offline` or by the hub library's own variable."""
    from huggingface_hub import constants

    return bool(os.environ.get("VIZBENCH_OFFLINE")) or constants.is_offline_mode()


def unknown_checkpoint(family: str, place: str, names: Sequence[str]) -> UserError:
    """Return the error for a name that is neither a folder nor a hub id.

    names: the other checkpoints of the family. They take no settings, so one with settings is unknown.
    """
    if place in names:
        return UserError(
            f"checkpoint {place!r} of {family} is embedded and takes no settings: leave out the ? and what "
            "follows"
        )
    return unknown(f"checkpoint of {family}", place, names)


def is_real(checkpoint: str) -> bool:
    """Return whether the checkpoint is a folder or a hub id, and not one of a family's names."""
    is_folder = Path(checkpoint).expanduser().is_dir()
    return is_folder or _looks_local(checkpoint) or bool(_HUB_ID.fullmatch(checkpoint))


def fetch(family: str, checkpoint: str, files: Sequence[str] = MODEL_FILES) -> Weights:
    """Return the checkpoint as a local folder.

    family: its name in messages.
    files: patterns of what is fetched from the hub.

    Raises UserError if a folder holds no safetensors, if weights are not cached and cannot be fetched, if an
    id is gated or unknown, or if the disk is too small.
    """
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
    snapshot = _cached(repo, revision, files) or _download(family, repo, revision, files)
    _checked(family, snapshot, repo)
    return Weights(snapshot, snapshot.name[:16] if _as_fetched(snapshot) else digest_of(snapshot))


def read_object(path: Path) -> dict[str, Any]:
    """Return a JSON object. Raises UserError if the file is anything else, or over 1 MiB."""
    data = read_bounded(path, "the configuration", 1 << 20)
    try:
        content: Any = json.loads(data)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise UserError(f"{path} is not a JSON object: give a folder that save_pretrained wrote")
    return cast("dict[str, Any]", content)


def _looks_local(checkpoint: str) -> bool:
    """Return whether the checkpoint can only be a path."""
    return checkpoint.startswith((".", "/", "~")) or checkpoint.count("/") > 1 or "\\" in checkpoint


def _checked(family: str, folder: Path, name: str) -> Path:
    """Return the folder. Raises UserError if a library cannot read it without running code."""
    if not folder.is_dir():
        raise UserError(
            f"{family} finds no folder {name[:200]!r}: give one that save_pretrained wrote, or a hub id"
        )
    if (folder / ADAPTER).is_file():
        check_files(folder)  # refuses it
    if not any((folder / known).is_file() for known in ("config.json", "model_index.json")):
        raise UserError(
            f"{name[:200]} holds neither config.json nor model_index.json: {family} reads folders that "
            f"save_pretrained wrote"
        )
    check_files(folder)
    if not any(folder.rglob("*.safetensors")):
        pickles = any(path.suffix in PICKLES for path in folder.rglob("*"))
        why = "its pickle files could run code and are not read" if pickles else "it holds no weights"
        raise UserError(
            f"{name[:200]} holds no safetensors ({why}): save it again with safe_serialization=True"
        )
    return folder


def _as_fetched(snapshot: Path) -> bool:
    """Return whether the small files of a snapshot in the hub's cache are those of its commit.

    The cache names each file by its git hash, or by its SHA-256 if it is large. Weights are not read.
    """
    for path in files_of(snapshot):
        blob = path.resolve()
        if blob.parent == path.parent:
            return False  # a copy, or a file in place of the link
        if path.suffix != ".safetensors" and _blob_name(blob) != blob.name:
            return False
    return True


def _blob_name(blob: Path) -> str:
    """Return the name that the hub's cache gives to these bytes: their SHA-256, or git's hash."""
    with blob.open("rb") as file:
        if len(blob.name) == 64:
            return hashlib.file_digest(file, "sha256").hexdigest()
        size = os.fstat(file.fileno()).st_size
        as_git = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
        return hashlib.file_digest(file, lambda: as_git).hexdigest()


def _cached(repo: str, revision: str | None, files: Sequence[str]) -> Path | None:
    """Return the snapshot in the hub's cache if it is whole. Uses no network."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repo, local_files_only=True, **_selection(revision, files)))
    except LocalEntryNotFoundError:  # or its subclass for a snapshot that is known to lack files
        return None


def _download(family: str, repo: str, revision: str | None, files: Sequence[str]) -> Path:
    """Fetch into the hub's cache if it fits. Resumes a download that was stopped."""
    from huggingface_hub import constants, snapshot_download

    if offline():
        raise UserError(
            f"{family} needs the weights of {repo}, which are not in {constants.HF_HUB_CACHE}, and --offline "
            f"(or HF_HUB_OFFLINE) forbids fetching them: run `hf download {repo}` where there is a network"
        )
    selection = _selection(revision, files)
    listed: list[Any] = _request(family, repo, partial(snapshot_download, repo, dry_run=True, **selection))
    size = sum(file.file_size or 0 for file in listed if file.will_download)
    _check_disk(repo, Path(constants.HF_HUB_CACHE), size)
    return Path(_request(family, repo, partial(snapshot_download, repo, **selection)))


def _selection(revision: str | None, files: Sequence[str]) -> dict[str, Any]:
    return {"revision": revision, "allow_patterns": list(files), "ignore_patterns": list(IGNORED_FILES)}


def _check_disk(repo: str, cache: Path, size: int) -> None:
    """Raise UserError if `size` bytes and 1% do not fit onto the disk."""
    place = next(path for path in (cache, *cache.parents) if path.exists())
    free = shutil.disk_usage(place).free
    if size * 1.01 > free:
        raise UserError(
            f"{repo} takes {size / 1e9:.1f} GB and {cache} has {free / 1e9:.1f} GB free: free some space, or "
            f"set HF_HOME to a folder on a larger disk"
        )


def _request(family: str, repo: str, call: Callable[[], Any]) -> Any:
    """Return what the call returns. Errors of the hub are raised as UserError."""
    from huggingface_hub import errors

    try:
        return call()
    except errors.DryRunError as error:
        cause = error.__cause__ or error  # why the repository could not be listed
    except errors.LocalEntryNotFoundError as error:
        cause = error.__cause__ or error
    except (errors.HTTPError, ConnectionError, TimeoutError) as error:
        cause = error
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise UserError(
            f"the disk is full before {repo} is whole: free some space, and give the same command again"
        ) from None
    raise UserError(_sentence(family, repo, cause)) from None


def _sentence(family: str, repo: str, cause: BaseException) -> str:
    """Say why a download failed, and what to do."""
    from huggingface_hub import constants, errors, get_token

    # The hub answered: from the most special error to the most general.
    page = f"{constants.ENDPOINT}/{repo}"
    if isinstance(cause, errors.GatedRepoError):
        why = "the token that is set has no access" if get_token() else "no token is set"
        return (
            f"{repo} is gated and {why}: ask for access at {page}, then run `hf auth login` or set HF_TOKEN "
            "to a token that may read it"
        )
    if isinstance(cause, errors.RevisionNotFoundError):
        return f"{repo} has no such revision: leave out the @ and what follows, or see {page}"
    if isinstance(cause, errors.RepositoryNotFoundError):
        return (
            f"the hub shows no {repo}: check its spelling at {page}, or run `hf auth login` if it is private"
        )
    if isinstance(cause, errors.HfHubHTTPError):
        status = cause.response.status_code
        return f"the hub answers {repo} with status {status}: run the same command again later"

    # It did not answer.
    return (
        f"{family} needs the weights of {repo}, which are not cached, and {constants.ENDPOINT} cannot be "
        f"reached ({type(cause).__name__}): check the network, or run `hf download {repo}` elsewhere and "
        "copy the cache"
    )
