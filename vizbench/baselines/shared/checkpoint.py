"""The files of a checkpoint: which a library may open, whether that is safe, and the digest of all of them.

A checkpoint is a folder of transformers' layout, or a pipeline of diffusers' layout with a folder for each
part. `files_of` is the one list of what may be opened: `check_files` looks through it before anything is
loaded, and `digest_of` reads every file in it. A file that no library opens may be in it too, which only
makes the identity finer."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any, Final, cast

from vizbench._util.files import read_bounded
from vizbench._util.paths import is_hidden
from vizbench._util.text import escape_control
from vizbench.errors import UserError

TEMPLATES: Final = "additional_chat_templates"
"""The one folder within a model, or within a part of a pipeline, that transformers reads."""

ADAPTER: Final = "adapter_config.json"
"""By this file transformers loads an adapter, and a base model from wherever it says."""

PICKLES: Final = (".bin", ".pt", ".pth", ".ckpt", ".pkl")

_UNREAD: Final = (
    "*.py", "*.md", "license*", "notice*", *(f"*{ending}" for ending in PICKLES),
    "*.gguf", "*.onnx", "*.onnx_data", "*.h5", "*.msgpack", "*.tflite", "*.png", "*.jpg", "*.jpeg", "*.gif", "*.webp",
    "*.mp4", "*.pdf", "*.log", "events.out.tfevents.*",
)  # fmt: skip
"""Names, in lower case, of files that are never opened: code, pickles, weights in other shapes, pages and
pictures. Hidden files are not opened either."""

_VOCABULARIES: Final = ("tokenizer.json", "vocab.json", "added_tokens.json")
"""JSON of words, in which no key names a file."""

_UNOPENED: Final = ("special_tokens_map_file", "added_tokens_file", "tokenizer_config_file")
"""Keys that older tokenizers hold with a path of their author's machine. No library opens it."""

_LIBRARIES: Final = ("diffusers", "transformers")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}", re.ASCII)
_INDEX: Final = re.compile(r"[^.]+\.safetensors\.index\.json")
"""Indexes that are read. Those of pickles and of variants, such as fp16, may be there without their files."""

_FILE: Final = re.compile(r"[^/\\:\x00-\x1f\x7f]{1,255}")

MAX_FILES: Final = 10_000
MAX_JSON: Final = 64 << 20
"""Bytes of a file of JSON: an index of a model with many experts has some 10 MB."""


def files_of(folder: Path) -> list[Path]:
    """Return every file of the checkpoint that a library may open, by name. UserError if there are over
    MAX_FILES."""
    found: list[Path] = []
    pipeline = (folder / "model_index.json").is_file()
    for place in _places(folder, pipeline):
        for path in place.iterdir():
            copy = (
                pipeline and place == folder and path.suffix == ".safetensors"
            )  # the whole model in a single file
            if not copy and not _unread(path.name) and not path.is_dir():
                found.append(path)
            if len(found) > MAX_FILES:
                raise UserError(
                    f"{folder} holds over {MAX_FILES:,} files: give a folder that save_pretrained wrote"
                )
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def digest_of(folder: Path) -> str:
    """Return 16 characters that name the names and bytes of `files_of`. 16 GB take some ten seconds."""
    digest = hashlib.sha256()
    for path in files_of(folder):
        digest.update(f"{path.relative_to(folder).as_posix()}\n".encode(errors="surrogateescape"))
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


def check_files(folder: Path) -> None:
    """UserError if a file leads out of the folder, or names files or code that do; nothing but JSON is
    opened."""
    _check_links(folder)
    for path in files_of(folder):
        if path.name == ADAPTER:
            raise UserError(
                f"{_shown(path)} belongs to an adapter, whose base model is elsewhere: merge it into its model "
                "(merge_and_unload), and save that"
            )
        if path.suffix == ".json" and path.name not in _VOCABULARIES:
            _check_json(path)


def _places(folder: Path, pipeline: bool) -> Iterator[Path]:
    """Yield the folders that libraries look into: the checkpoint's own, its parts', and those of chat
    templates."""
    roots = [folder]
    if pipeline:
        roots += sorted(path for path in folder.iterdir() if path.is_dir() and not is_hidden(path.name))
    for root in roots:
        yield root
        if (root / TEMPLATES).is_dir():
            yield root / TEMPLATES


def _unread(name: str) -> bool:
    return is_hidden(name) or any(fnmatch(name.lower(), pattern) for pattern in _UNREAD)


def _check_links(folder: Path) -> None:
    """UserError for links that lead out of the folder, and for what is neither file nor folder.

    A snapshot in the hub's cache consists of links into the `blobs` of the same repository.
    """
    root = Path(os.path.realpath(folder))
    inside = [root]
    if root.parent.name == "snapshots":
        inside.append(root.parent.parent / "blobs")
    pipeline = (folder / "model_index.json").is_file()
    for path in (*_places(folder, pipeline), *files_of(folder)):
        target = Path(os.path.realpath(path))  # `resolve` raises for links in a circle
        if not any(target.is_relative_to(place) for place in inside):
            raise UserError(
                f"{_shown(path)} is a link that leads out of its checkpoint: copy the file into the folder"
            )
        if not target.is_file() and not target.is_dir():
            raise UserError(
                f"{_shown(path)} is no regular file, or leads nowhere: fetch the checkpoint again"
            )


def _check_json(path: Path) -> None:
    """UserError if the file names files that are not beside it, or code."""
    data = read_bounded(path, "the checkpoint's file", MAX_JSON)
    try:
        content: Any = json.loads(data)
    except (ValueError, RecursionError):
        return  # its reader refuses it, too
    if path.name == "model_index.json":
        _check_parts(path, content)
    for key, value in _entries(content):
        _check_entry(path, key, value)


def _entries(content: object) -> Iterator[tuple[str, object]]:
    """Yield every key of every object within the content, with its value. No recursion: JSON may be deep."""
    waiting = [content]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            entries = cast("dict[str, object]", one)
            yield from entries.items()
            waiting += entries.values()
        elif isinstance(one, list):
            waiting += cast("list[object]", one)


def _check_entry(path: Path, key: str, value: object) -> None:
    if not value:
        return
    if key in ("auto_map", "custom_pipeline", "custom_pipelines"):
        raise UserError(
            f"{_shown(path)} names code of its own ({key}), which is not run: take {key} out if the class of the "
            "library suffices, or give another checkpoint"
        )
    if key in ("audio_tokenizer", "audio_tokenizer_name_or_path"):
        raise UserError(
            f"{_shown(path)} names another model ({key}), which is not read: give another checkpoint"
        )
    if key == "weight_map":
        if not isinstance(value, dict):
            raise UserError(f"{_shown(path)} holds no index of weights: fetch the checkpoint again")
        check = (
            _check_shard if _INDEX.fullmatch(path.name) else _check_name
        )  # else of pickles, or of a variant
        for shard in dict.fromkeys(map(str, cast("dict[str, object]", value).values())):
            check(path, shard)
    elif key == "transformers_weights":
        _check_shard(path, str(value))
    elif key in ("configuration_files", "fast_tokenizer_files"):
        for name in cast("list[object]", value) if isinstance(value, list) else [value]:
            _check_name(path, str(name))
    elif key.endswith("_file") and key not in _UNOPENED and path.name == "tokenizer_config.json":
        _check_name(path, str(value))


def _check_name(path: Path, name: str) -> None:
    if not _FILE.fullmatch(name) or name in (".", ".."):
        raise UserError(
            f"{_shown(path)} names the file {escape_control(name[:80])!r}, which is not beside it: names without folders are "
            "allowed; fetch the checkpoint again"
        )


def _check_shard(path: Path, name: str) -> None:
    """Weights have to be safetensors beside the index: any other file would be read as a pickle."""
    _check_name(path, name)
    if not name.endswith((".safetensors", ".safetensors.index.json")):
        raise UserError(
            f"{_shown(path)} names {escape_control(name[:80])!r} as weights: only .safetensors files are read"
        )
    if not (path.parent / name).is_file():
        raise UserError(
            f"{_shown(path)} names {escape_control(name[:80])!r}, which is missing: fetch the whole checkpoint"
        )


def _check_parts(path: Path, content: object) -> None:
    """UserError if a part of a pipeline is not a folder beside the index with a class of a known library."""
    if not isinstance(content, dict):
        return
    for part, kind in cast("dict[str, object]", content).items():
        if part == "_class_name" and not isinstance(kind, str):
            raise UserError(
                f"{_shown(path)} names a pipeline of its own code, which is not run: give another one"
            )
        if part.startswith("_") or not isinstance(kind, list):
            continue  # no part
        names = cast("list[object]", kind)
        if not any(isinstance(name, str) for name in names):
            continue  # a part that is left out, or a setting
        known = len(names) == 2 and names[0] in _LIBRARIES and bool(_NAME.fullmatch(str(names[1])))
        if not known or not _NAME.fullmatch(part):
            raise UserError(
                f"{_shown(path)} names the part {escape_control(part[:80])!r} as {escape_control(str(kind)[:80])}: a part is a folder "
                f"beside it, of a class of {' or '.join(_LIBRARIES)}"
            )


def _shown(path: Path) -> str:
    """Return the end of a path for a message."""
    return escape_control("/".join(PurePosixPath(path.as_posix()).parts[-3:]))
