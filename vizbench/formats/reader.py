"""Reading data sets back: every byte is checked against the manifest, and the manifest against this
vizbench."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vizbench._util.text import plural
from vizbench._util.version import __version__
from vizbench.errors import UserError
from vizbench.formats import manifest as manifests
from vizbench.formats.manifest import Manifest
from vizbench.formats.registry import verifier_and_params
from vizbench.formats.rows import instance_of, row_digest
from vizbench.formats.shard import Place
from vizbench.formats.writer import format_named
from vizbench.task import Verifier, code_of, params_json
from vizbench.types import Instance


def read(path: Path | str) -> Iterator[Instance]:
    """The instances of the data set in the folder `path`, in order.

    UserError at once where it was made by another version of the task, and on the way at a shard whose digest
    differs or whose rows are not what the manifest says."""
    folder = Path(path)
    manifest = manifests.load(folder)
    verifier, params = _rules(folder, manifest)
    return _rows(folder, manifest, verifier, params)


def check(path: Path | str) -> Manifest:
    """The manifest of the data set in `path`, once every row was read and every digest holds; else
    UserError."""
    folder = Path(path)
    manifest = manifests.load(folder)
    content = hashlib.sha256()
    for instance in _rows(folder, manifest, *_rules(folder, manifest)):
        content.update(row_digest(instance, manifest.steps))
    if content.hexdigest() != manifest.digest:
        raise UserError(f"the rows in {folder} are not those of its {manifests.NAME}: generate it again")
    return manifest


def _rules(folder: Path, manifest: Manifest) -> tuple[Verifier, Any]:
    """The judge and the parameters of the rows, if this vizbench has them as the recipe says."""
    recipe = manifest.spec
    verifier, params = verifier_and_params(recipe.task)
    if manifest.code is not None and manifest.code != code_of(recipe.task):
        raise UserError(
            f"{folder} was made by other code of {recipe.task[:200]}: generate it again, or give the file as it was"
        )
    version = verifier.version
    if recipe.version != version:
        raise UserError(
            f"{folder} was made by version {recipe.version} of {recipe.task} and this vizbench {__version__} has "
            f"version {version}: generate it again, or use vizbench {manifest.vizbench[:20]}"
        )
    if params_json(params) != recipe.params:
        raise UserError(
            f"the parameters in {folder / manifests.NAME} are not those of {recipe.task}: generate it again"
        )
    return verifier, params


def _rows(folder: Path, manifest: Manifest, verifier: Verifier, params: Any) -> Iterator[Instance]:
    chosen = format_named(manifest.format)
    first = 0
    for number, shard in enumerate(manifest.shards):
        place = Place(folder, manifest.spec.split, number, first, shard.rows)
        if chosen.digest(place) != shard.sha256:
            raise UserError(
                f"{folder}: shard {place.stem} is not as it was written (its digest differs): make it again"
            )
        read = 0
        for row in chosen.read(place):
            try:
                instance = instance_of(row, first + read, manifest.spec, verifier, params)
            except UserError as error:
                raise UserError(f"{folder}: {error}: generate it again") from None
            read += 1
            if read <= shard.rows:
                yield instance
        if read != shard.rows:
            raise UserError(
                f"{folder}: shard {place.stem} holds {plural(read, 'row')} and the manifest says "
                f"{shard.rows:,}: make it again"
            )
        first += shard.rows
