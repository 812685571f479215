"""Read data sets. Every byte is checked against the manifest, and the manifest against this vizbench."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vizbench._util.text import plural
from vizbench._util.version import __version__
from vizbench.errors import UserError
from vizbench.formats import manifest as manifests
from vizbench.formats.format_base import Place
from vizbench.formats.lookup import verifier_and_params
from vizbench.formats.manifest import Manifest
from vizbench.formats.rows import instance_of, row_digest
from vizbench.formats.writer import format_named
from vizbench.task import Verifier, code_of, params_json
from vizbench.types import Instance


def read(path: Path | str) -> Iterator[Instance]:
    """Return the instances of the data set in the folder `path`, in order.

    Raises UserError at once if it was made by another version of the task. The iterator raises UserError at a
    shard whose digest differs, or whose rows are not what the manifest says.
    """
    folder = Path(path)
    manifest = manifests.load(folder)
    verifier, params = _verifier_and_params(folder, manifest)
    return _rows(folder, manifest, verifier, params)


def check(path: Path | str) -> Manifest:
    """Read every row of the data set in `path`, and return its manifest.

    Raises UserError if a digest differs, or a row is not what the manifest says.
    """
    folder = Path(path)
    manifest = manifests.load(folder)
    content = hashlib.sha256()
    for instance in _rows(folder, manifest, *_verifier_and_params(folder, manifest)):
        content.update(row_digest(instance, manifest.steps))
    if content.hexdigest() != manifest.digest:
        raise UserError(f"the rows in {folder} are not those of its {manifests.NAME}: generate it again")
    return manifest


def _verifier_and_params(folder: Path, manifest: Manifest) -> tuple[Verifier, Any]:
    """Return the verifier and the parameters of the rows. Raises UserError if this vizbench has others."""
    spec = manifest.spec
    verifier, params = verifier_and_params(spec.task)
    if manifest.code is not None and manifest.code != code_of(spec.task):
        raise UserError(
            f"{folder} was made by other code of {spec.task[:200]}: generate it again, or "
            "give the file as it was"
        )
    version = verifier.version
    if spec.version != version:
        raise UserError(
            f"{folder} was made by version {spec.version} of {spec.task} and this vizbench {__version__} has "
            f"version {version}: generate it again, or use vizbench {manifest.vizbench[:20]}"
        )
    if params_json(params) != spec.params:
        raise UserError(
            f"the parameters in {folder / manifests.NAME} are not those of {spec.task}: generate it again"
        )
    return verifier, params


def _rows(folder: Path, manifest: Manifest, verifier: Verifier, params: Any) -> Iterator[Instance]:
    chosen = format_named(manifest.format)
    first = 0
    for number, shard in enumerate(manifest.shards):
        # The digest is checked before anything is parsed.
        place = Place(folder, manifest.spec.split, number, first, shard.rows)
        if chosen.digest(place) != shard.sha256:
            raise UserError(
                f"{folder}: shard {place.stem} is not as it was written (its digest differs): make it again"
            )

        # Rows beyond those of the manifest are read, to be counted, but not yielded.
        count = 0
        for row in chosen.read(place):
            try:
                instance = instance_of(row, first + count, manifest.spec, verifier, params)
            except UserError as error:
                raise UserError(f"{folder}: {error}: generate it again") from None
            count += 1
            if count <= shard.rows:
                yield instance
        if count != shard.rows:
            raise UserError(
                f"{folder}: shard {place.stem} holds {plural(count, 'row')} and the manifest says "
                f"{shard.rows:,}: make it again"
            )
        first += shard.rows
