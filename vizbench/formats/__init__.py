"""Read and write data sets on disk, and read the corpora of others."""

from vizbench.formats.manifest import FORMATS, Manifest, Settings
from vizbench.formats.reader import check, read
from vizbench.formats.writer import Execution, write, write_splits

__all__ = ["FORMATS", "Execution", "Manifest", "Settings", "check", "read", "write", "write_splits"]
