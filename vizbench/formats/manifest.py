"""Write and read the manifest of a data set: its spec, the versions that made it, and its digests."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias, final, get_args

import msgspec
import numpy as np
from msgspec import Meta

from vizbench._util.background import run_in_background
from vizbench._util.files import read_bounded, write_new
from vizbench._util.text import plural, text_of
from vizbench._util.version import __version__
from vizbench.dataset.mixture import is_mixture, mixture_spec
from vizbench.dataset.splits import SplitSpec
from vizbench.errors import UserError
from vizbench.formats.lookup import source_of
from vizbench.formats.stores import Store, Where
from vizbench.formats.workspace import moved_aside, shards_left
from vizbench.renderers.looks import LookName
from vizbench.task.registry import code_of
from vizbench.types import SplitName

NAME = "manifest.json"
"""The name of the file in the folder of a data set."""

MAX_DATASET = 10**8
"""Rows of the largest data set on disk."""

MAX_SHARDS = 20_000
"""Shards of the largest data set."""

_MAX_BYTES = 8 << 20
"""Bytes of the largest manifest that is read: twice what MAX_SHARDS of two splits take."""

FormatName = Literal["jsonl", "parquet", "png", "webdataset", "video"]
"""The name of a format, and of its module in this package."""

FORMATS: tuple[FormatName, ...] = get_args(FormatName)
"""The names of all formats."""

MAX_CLIP: Final = 1024
"""Frames of the longest clip, unless it has one per state."""

Frames: TypeAlias = Annotated[int, Meta(ge=2, le=MAX_CLIP)] | Literal["states"]
"""How many frames a clip has, or "states" for the question and one per state."""

DEFAULT_FRAMES: Final[Frames] = 9
"""Frames of the paper's clips."""

PromptName = Literal["text", "vision", "image", "video", "none"]
"""Who reads the prompts of the rows, see `renderers.prompts.Reader`; "none" if they are left out."""

PROMPTS: tuple[PromptName, ...] = ("text", "vision", "image", "video", "none")
"""All choices of prompts."""

_Digest: TypeAlias = Annotated[str, Meta(max_length=64)]
_Version: TypeAlias = Annotated[str, Meta(max_length=64)]


@final
class Shard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One shard of a data set."""

    rows: Annotated[int, Meta(ge=1, le=MAX_DATASET)]
    """The number of its rows."""
    sha256: _Digest
    """The digest of its files' bytes, one file after the other in the format's order."""


@final
class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a data set was made from, and the digests to check it."""

    vizbench: _Version
    """The version of vizbench that made it."""
    numpy: _Version
    """The version of NumPy that made it."""
    format: FormatName
    """The format of its files."""
    rows: Annotated[int, Meta(ge=1, le=MAX_DATASET)]
    """The number of its rows."""
    steps: bool
    """Whether the trajectories were kept."""
    spec: SplitSpec
    """The split whose first rows it holds."""
    block: Annotated[int, Meta(ge=1, le=MAX_DATASET)]
    """Rows per block. The digest of the data set is made from the digests of its blocks."""
    digest: _Digest
    """The digest of all rows in order, the same for every format and shard size: see `formats.digests`."""
    shards: Annotated[list[Shard], Meta(max_length=MAX_SHARDS)]
    """Its shards, in order."""
    code: _Digest | None = None
    """Digest of the Python file that the task comes from; left out for other tasks.

    In a mixture, the digest of these digests.
    """
    prompt: PromptName = "none"
    """Who reads the rows' prompts; left out if they have none."""
    look: LookName = "paper"
    """How pictures and clips are drawn."""
    packed: bool = False
    """Whether Parquet holds grids as bytes."""
    pictures: bool = False
    """Whether Parquet holds pictures too."""
    frames: Frames = DEFAULT_FRAMES
    """The frames of each clip of format video."""


@final
class _Several(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a file says of a data set with several splits."""

    splits: Annotated[list[Manifest], Meta(min_length=2, max_length=2)]
    """The manifest of each split."""


@final
class _Signature(msgspec.Struct, frozen=True):
    """What every version's manifest holds, and the `manifest.json` of other programs does not."""

    vizbench: str
    spec: msgspec.Raw
    shards: msgspec.Raw


@final
class _Signatures(msgspec.Struct, frozen=True):
    """The same of a data set with several splits."""

    splits: Annotated[list[_Signature], Meta(min_length=1)]


@final
class _Kind(msgspec.Struct, frozen=True):
    """Shows whether a manifest has one split or several."""

    splits: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


@final
@dataclass(frozen=True, slots=True)
class Settings:
    """How rows are written. The fields are those of `Manifest`."""

    format: FormatName = "jsonl"
    """The format of the files."""
    steps: bool = True
    """Whether the trajectories are kept."""
    prompt: PromptName = "text"
    """Who reads the rows' prompts."""
    look: LookName = "paper"
    """How pictures and clips are drawn."""
    packed: bool = False
    """Whether Parquet holds grids as bytes."""
    pictures: bool = False
    """Whether Parquet holds pictures too."""
    frames: Frames | None = None
    """The frames of each clip of format video; None for the default."""


def new(
    spec: SplitSpec, settings: Settings, rows: int, block: int, digest: str, shards: list[Shard]
) -> Manifest:
    """Return a manifest by this version of vizbench."""
    return Manifest(
        __version__,
        np.__version__,
        settings.format,
        rows,
        settings.steps,
        spec,
        block,
        digest,
        shards,
        code_digest(spec.task),
        settings.prompt,
        settings.look,
        settings.packed,
        settings.pictures,
        settings.frames or DEFAULT_FRAMES,
    )


def code_digest(name: str) -> str | None:
    """Return the digest of the Python files of a task or a mixture, or None if it has none.

    The files must have been imported.
    """
    if not is_mixture(name):
        return code_of(name) if source_of(name) is None else None
    codes = [code_of(each.spec.name) or "" for each in mixture_spec(name, imports=False).tasks]
    return hashlib.sha256(",".join(codes).encode()).hexdigest() if any(codes) else None


def save(made: Sequence[Manifest], folder: Path) -> None:
    """Write the manifests of all splits of a data set into one file, indented for readers."""
    plain = msgspec.json.encode(made[0] if len(made) == 1 else _Several(list(made)))
    write_new(folder / NAME, msgspec.json.format(plain, indent=1) + b"\n")


def signed(folder: Path) -> bytes | None:
    """Return the bytes of the manifest in `folder` if any version of vizbench wrote it, else None."""
    try:
        data = read_bounded(folder / NAME, "manifest", _MAX_BYTES)
        msgspec.json.decode(data, type=_Signatures if _has_several(data) else _Signature)
    except (OSError, ValueError, RecursionError):
        return None
    return data


def load(folder: Where, split: SplitName | None = None) -> Manifest:
    """Read the manifest of a split of the data set in `folder`. split: may be None if there is only one.

    Raises UserError if there is none, or it is malformed or contradicts itself.
    """
    data = _of_store(folder) if isinstance(folder, Store) else _of_folder(folder)
    path = f"{folder}/{NAME}"
    try:
        several = _decoded(text_of(data))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is malformed ({error}): generate the data set again") from None
    for manifest in several:
        if sum(shard.rows for shard in manifest.shards) != manifest.rows:
            rows = plural(manifest.rows, "row")
            raise UserError(f"{path} is malformed (its shards do not hold {rows}): generate it again")
    return _chosen(folder, {manifest.spec.split: manifest for manifest in several}, split)


def _of_folder(folder: Path) -> bytes:
    """Return the manifest in a folder. Raises UserError if there is none."""
    path = folder / NAME
    if not path.is_file():
        if not folder.exists() and (old := moved_aside(folder.resolve())) is not None:
            raise UserError(
                f"{folder} was moved to {old} by a `generate --overwrite` that was killed: give that command "
                "again, which puts it back first"
            )
        if not folder.exists() and (space := shards_left(folder.resolve())) is not None:
            raise UserError(
                f"{folder} is unfinished, its shards are in {space}: wait for its `vizbench generate`, or "
                "give that command again"
            )
        raise UserError(
            f"{folder} holds no {NAME}: give the folder of a data set that `vizbench generate` made"
        )
    return read_bounded(path, "manifest", _MAX_BYTES)


def _of_store(store: Store) -> bytes:
    """Return the manifest in a store. Raises UserError if there is none."""
    data = run_in_background(lambda: store.read(NAME, _MAX_BYTES))
    if data is not None:
        return data
    if run_in_background(store.files):
        raise UserError(
            f"{store} is unfinished, it has no {NAME} yet: wait for its `vizbench generate`, or give that "
            "command again"
        )
    raise UserError(f"{store} holds no {NAME}: give the URL of a data set that `vizbench generate` made")


def _decoded(text: str) -> list[Manifest]:
    """Return the manifests of all splits. Raises ValueError if they contradict each other."""
    if not _has_several(text):
        return [msgspec.json.decode(text, type=Manifest)]
    several = msgspec.json.decode(text, type=_Several).splits
    one, other = (_shared(manifest) for manifest in several)
    if one != other or several[0].spec.split == several[1].spec.split:
        raise ValueError("its splits are not those of one data set")
    return several


def _has_several(text: str | bytes) -> bool:
    return msgspec.json.decode(text, type=_Kind).splits is not msgspec.UNSET


def _shared(manifest: Manifest) -> Manifest:
    """Return the manifest without what differs between the splits of a data set."""
    spec = replace(manifest.spec, split="train")
    return msgspec.structs.replace(manifest, spec=spec, rows=1, digest="", shards=[])


def _chosen(folder: Where, manifests: Mapping[SplitName, Manifest], split: SplitName | None) -> Manifest:
    names = " and ".join(manifests)
    if split is None and len(manifests) > 1:
        raise UserError(f"{folder} holds the splits {names}: choose one by --split, e.g. --split test")
    if split is None:
        return next(iter(manifests.values()))
    if split not in manifests:
        raise UserError(f"{folder} holds the split {names} and not {str(split)[:40]}: choose --split {names}")
    return manifests[split]
