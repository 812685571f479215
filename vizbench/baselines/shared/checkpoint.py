"""List the files of a checkpoint that a library may open, check that they are safe, and hash them.

A checkpoint is a folder in transformers' layout, or a pipeline in diffusers' layout with one folder per part.
`files_of` is the one list of what may be opened. `check_files` checks it before anything is loaded, and
`digest_of` reads every file in it. A file in it that no library opens only makes the digest finer.
"""

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
"""The one subfolder of a model, or of a part of a pipeline, that transformers reads."""

ADAPTER: Final = "adapter_config.json"
"""The file of an adapter. It makes transformers load a base model from wherever it says."""

PICKLES: Final = (".bin", ".pt", ".pth", ".ckpt", ".pkl")

_UNREAD: Final = (
    "*.py", "*.md", "license*", "notice*", *(f"*{ending}" for ending in PICKLES),
    "*.gguf", "*.onnx", "*.onnx_data", "*.h5", "*.msgpack", "*.tflite",
    "*.png", "*.jpg", "*.jpeg", "*.gif", "*.webp", "*.mp4", "*.pdf", "*.log", "events.out.tfevents.*",
)  # fmt: skip
"""Names, in lower case, of files that are never opened: code, pickles, weights in other formats, texts and
pictures. Hidden files are not opened either.
"""

_VOCABULARIES: Final = ("tokenizer.json", "vocab.json", "added_tokens.json")
"""Vocabularies in JSON, whose keys are words and name no file."""

_UNOPENED: Final = ("special_tokens_map_file", "added_tokens_file", "tokenizer_config_file")
"""Keys that hold a path of the author's machine in older tokenizers. No library opens it."""

_LIBRARIES: Final = ("diffusers", "transformers")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}", re.ASCII)
_INDEX: Final = re.compile(r"[^.]+\.safetensors\.index\.json")
"""Indexes that are read. Those of pickles and of variants (fp16) may be there without their files."""

_FILE: Final = re.compile(r"[^/\\:\x00-\x1f\x7f]{1,255}")

MAX_FILES: Final = 10_000
MAX_JSON: Final = 64 << 20
"""The largest JSON file, in bytes. The index of a model with many experts has about 10 MB."""


def files_of(folder: Path) -> list[Path]:
    """Return every file of the checkpoint that a library may open, by name.

    Raises UserError if there are more than MAX_FILES.
    """
    files: list[Path] = []
    pipeline = (folder / "model_index.json").is_file()
    for place in _places(folder, pipeline):
        for path in place.iterdir():
            # a copy of the whole pipeline in a single file
            copy = pipeline and place == folder and path.suffix == ".safetensors"
            if not copy and not _unread(path.name) and not path.is_dir():
                files.append(path)
            if len(files) > MAX_FILES:
                raise UserError(
                    f"{folder} holds over {MAX_FILES:,} files: give a folder that save_pretrained wrote"
                )
    return sorted(files, key=lambda path: path.relative_to(folder).as_posix())


def digest_of(folder: Path) -> str:
    """Return 16 characters for the names and bytes of `files_of`. 16 GB take about ten seconds."""
    digest = hashlib.sha256()
    for path in files_of(folder):
        digest.update(f"{path.relative_to(folder).as_posix()}\n".encode(errors="surrogateescape"))
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


def digest_of_file(path: Path) -> str:
    """Return 16 characters for the bytes of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def check_files(folder: Path) -> None:
    """Raise UserError if a file leads out of the folder, or names code or outside files. Opens JSON only."""
    _check_links(folder)
    for path in files_of(folder):
        if path.name == ADAPTER:
            raise UserError(
                f"{_shown(path)} belongs to an adapter, whose base model is elsewhere: merge it into its "
                "model (merge_and_unload), and save that"
            )
        if path.suffix == ".json" and path.name not in _VOCABULARIES:
            _check_json(path)


def _places(folder: Path, pipeline: bool) -> Iterator[Path]:
    """Yield the folders that libraries read: the checkpoint's own, its parts', and their chat templates'."""
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
    """Raise UserError for a link that leads out of the folder, or a path that is neither a file nor a folder.

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
                f"{_shown(path)} is not a regular file, or leads nowhere: fetch the checkpoint again"
            )


def _check_json(path: Path) -> None:
    """Raise UserError if the file names code, or files that are not beside it."""
    data = read_bounded(path, "the checkpoint's file", MAX_JSON)
    try:
        content: Any = json.loads(data)
    except (ValueError, RecursionError):
        return  # the library refuses it as well
    if path.name == "model_index.json":
        _check_parts(path, content)
    for key, value in _entries(content):
        _check_entry(path, key, value)


def _entries(content: object) -> Iterator[tuple[str, object]]:
    """Yield every key and value of all nested objects. Without recursion, as JSON may be deep."""
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
    """Raise UserError if a key names code, another model, or a file that is not beside the file."""
    if not value:
        return
    if key in ("auto_map", "custom_pipeline", "custom_pipelines"):
        raise UserError(
            f"{_shown(path)} names code of its own ({key}), which is not run: take {key} out if the class of "
            "the library suffices, or give another checkpoint"
        )
    if key in ("audio_tokenizer", "audio_tokenizer_name_or_path"):
        raise UserError(
            f"{_shown(path)} names another model ({key}), which is not read: give another checkpoint"
        )
    if key == "weight_map":
        _check_index(path, value)
    elif key == "transformers_weights":
        _check_shard(path, str(value))
    elif key in ("configuration_files", "fast_tokenizer_files"):
        for name in cast("list[object]", value) if isinstance(value, list) else [value]:
            _check_name(path, str(name))
    elif key.endswith("_file") and key not in _UNOPENED and path.name == "tokenizer_config.json":
        _check_name(path, str(value))


def _check_index(path: Path, weight_map: object) -> None:
    if not isinstance(weight_map, dict):
        raise UserError(f"{_shown(path)} holds no index of weights: fetch the checkpoint again")
    read = _INDEX.fullmatch(path.name)  # not an index of pickles, or of a variant
    for name in dict.fromkeys(map(str, cast("dict[str, object]", weight_map).values())):
        if read:
            _check_shard(path, name)
        else:
            _check_name(path, name)


def _check_name(path: Path, name: str) -> None:
    if not _FILE.fullmatch(name) or name in (".", ".."):
        raise UserError(
            f"{_shown(path)} names the file {_quoted(name)}, which is not beside it: names without folders "
            "are allowed; fetch the checkpoint again"
        )


def _check_shard(path: Path, name: str) -> None:
    """Raise UserError if weights are not safetensors beside the index. Others would be read as pickles."""
    _check_name(path, name)
    if not name.endswith((".safetensors", ".safetensors.index.json")):
        raise UserError(f"{_shown(path)} names {_quoted(name)} as weights: only .safetensors files are read")
    if not (path.parent / name).is_file():
        raise UserError(f"{_shown(path)} names {_quoted(name)}, which is missing: fetch the whole checkpoint")


def _check_parts(path: Path, content: object) -> None:
    """Raise UserError if a part of a pipeline is not a folder beside the index, or of an unknown class."""
    if not isinstance(content, dict):
        return
    for part, kind in cast("dict[str, object]", content).items():
        if part == "_class_name" and not isinstance(kind, str):
            raise UserError(
                f"{_shown(path)} names a pipeline of its own code, which is not run: give another one"
            )
        if part.startswith("_") or not isinstance(kind, list):
            continue  # not a part
        names = cast("list[object]", kind)
        if not any(isinstance(name, str) for name in names):
            continue  # a part that is left out, or a setting
        known = len(names) == 2 and names[0] in _LIBRARIES and bool(_NAME.fullmatch(str(names[1])))
        if not known or not _NAME.fullmatch(part):
            raise UserError(
                f"{_shown(path)} names the part {_quoted(part)} as "
                f"{escape_control(str(kind)[:80])}: a part is a folder beside it, of a class of "
                f"{' or '.join(_LIBRARIES)}"
            )


def _shown(path: Path) -> str:
    """Return the end of a path for a message."""
    return escape_control("/".join(PurePosixPath(path.as_posix()).parts[-3:]))


def _quoted(name: str) -> str:
    """Return the start of a name for a message."""
    return repr(escape_control(name[:80]))
