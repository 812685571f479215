"""Put the parts of a data set together that `--shard i/n` made."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, cast

import msgspec

from vizbench._util.background import run_in_background
from vizbench._util.files import open_regular
from vizbench.engines.shard import WHOLE, in_order
from vizbench.errors import UserError
from vizbench.formats import journal
from vizbench.formats import manifest as manifests
from vizbench.formats.draft import Draft
from vizbench.formats.draft_of import draft_of
from vizbench.formats.fetched import fetched
from vizbench.formats.format_base import Format, Place
from vizbench.formats.journal import Finished
from vizbench.formats.manifest import Manifest, Shard
from vizbench.formats.parts import DIGESTS, DatasetPart, load
from vizbench.formats.stores import Store, Where, located
from vizbench.formats.writer import format_named

_BLOCK: Final = 1 << 20
_OWN: Final = ("shards", "digest")
"""Fields of the manifest that differ between the parts."""


def merge(folders: Sequence[Path | str], out: Path | str, overwrite: bool = False) -> Manifest:
    """Put the parts of a data set together at `out`. The bytes are those of an undivided data set.

    folders, out: folders, or URLs in object stores.

    Raises UserError, with nothing written, if a part is missing, doubled, damaged or of another data set.
    """
    parts = _in_order([located(folder) for folder in folders])
    shards = _interleaved([part.manifest.shards for _, part in parts])
    head = parts[0][1].manifest
    if sum(shard.rows for shard in shards) != head.rows:
        raise UserError(f"the parts do not hold {head.rows:,} rows in all: generate them again")
    base = msgspec.structs.replace(head, shards=[], digest="")
    command = journal.command([base], max(shard.rows for shard in shards), WHOLE)
    with tempfile.TemporaryDirectory(prefix="vizbench-") as local:
        blocks = [_checked_digests(*each, Path(local) / str(number)) for number, each in enumerate(parts)]
        with draft_of(out, overwrite, command, resumes=False) as draft:
            content = _copy(parts, blocks, shards, draft)
            made = msgspec.structs.replace(head, shards=shards, digest=content)
            manifests.save([made], draft.folder)
    return made


def _in_order(folders: Sequence[Where]) -> list[tuple[Where, DatasetPart]]:
    """Read the parts, and return them in order. Raises UserError if they are not those of one data set."""
    read = [(folder, load(folder)) for folder in folders]
    first, head = read[0]
    for folder, part in read:
        if difference := _difference(head, part):
            raise UserError(
                f"{first} and {folder} are parts of different data sets ({difference}): give the parts of one"
            )
    return in_order(read)


def _difference(one: DatasetPart, other: DatasetPart) -> str:
    """Return in words the first field in which two parts must agree and do not. "" if there is none."""
    if one.parts != other.parts:
        return f"one of {one.parts:,} and one of {other.parts:,} parts"
    for name, value in _identity(one).items():
        theirs = _identity(other).get(name)
        if value != theirs:
            return f"{name} is {str(value)[:80]} and {str(theirs)[:80]}"
    return ""


def _identity(part: DatasetPart) -> dict[str, Any]:
    """Return what is the same for all parts of a data set."""
    fields: dict[str, Any] = msgspec.to_builtins(part.manifest)
    identity = {name: fields.get(name) for name in Manifest.__struct_fields__ if name not in _OWN}
    spec = cast("dict[str, Any]", identity.pop("spec"))
    return spec | identity


def _interleaved(shards: Sequence[Sequence[Shard]]) -> list[Shard]:
    """Return the shards of all parts in order. Raises UserError if their numbers do not fit."""
    count = sum(map(len, shards))
    for number, own in enumerate(shards):
        if len(own) != len(range(number, count, len(shards))):
            raise UserError(
                f"part {number}/{len(shards)} has {len(own):,} of {count:,} shards, which is not its share: "
                "generate it again"
            )
    return [shards[number % len(shards)][number // len(shards)] for number in range(count)]


def _checked_digests(folder: Where, part: DatasetPart, local: Path) -> Path:
    """Return the file with the digests of a part's blocks. One of a store is fetched to the folder `local`.

    Raises UserError if it is not as it was written.
    """
    if isinstance(folder, Store):
        run_in_background(lambda: folder.fetch([DIGESTS], local))
    path = (local if isinstance(folder, Store) else folder) / DIGESTS
    total = hashlib.sha256()
    size = 0
    with open_regular(path, "file") as file:
        while block := file.read(_BLOCK):
            total.update(block)
            size += len(block)
    if total.hexdigest() != part.digests or size != sum(part.sizes):
        raise UserError(
            f"{folder}/{DIGESTS} is not as it was written (its digest differs): generate the part again"
        )
    return path


def _copy(
    parts: Sequence[tuple[Where, DatasetPart]], blocks: Sequence[Path], shards: Sequence[Shard], draft: Draft
) -> str:
    """Copy the shards' files, and return the digest of all rows. Raises UserError if a file is damaged."""
    head = parts[0][1].manifest
    chosen = format_named(head.format)
    content = hashlib.sha256()
    taken = [0] * len(parts)
    first = 0
    for number, shard in enumerate(shards):
        owner = number % len(parts)
        folder, part = parts[owner]
        place = Place(draft.folder, head.spec.split, number, first, shard.rows)
        with fetched(folder, chosen, place) as source:
            _copy_shard(chosen, folder, source, shard, draft.folder)
        size = part.sizes[number // len(parts)]
        with open_regular(blocks[owner], "file") as file:
            file.seek(taken[owner])
            digests = file.read(size)
        draft.add(chosen, place, Finished(place.stem, shard.rows, shard.sha256, digests))
        content.update(digests)
        taken[owner] += size
        first += shard.rows
    return content.hexdigest()


def _copy_shard(format: Format, folder: Where, place: Place, shard: Shard, new: Path) -> None:
    """Copy the files of a shard, which are read once: what is copied is what is checked."""
    total = hashlib.sha256()
    for name in format.files(place):
        target = new / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with open_regular(place.folder / name, "shard") as source, target.open("xb") as copy:
            while block := source.read(_BLOCK):
                total.update(block)
                copy.write(block)
    if total.hexdigest() != shard.sha256:
        raise UserError(
            f"{folder}: shard {place.stem} is not as it was written (its digest differs): "
            "generate the part again"
        )
