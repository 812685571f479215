"""Read and write data sets on disk, and read the corpora of others."""

from vizbench.formats.manifest import FORMATS, Manifest
from vizbench.formats.reader import check, read
from vizbench.formats.writer import write

__all__ = ["FORMATS", "Manifest", "check", "read", "write"]
