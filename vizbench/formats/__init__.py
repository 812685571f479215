"""How data sets lie on disk, and the corpora of others that can be read."""

from vizbench.formats.answers import Judged, Summary, verify_answers
from vizbench.formats.manifest import FORMATS, Manifest
from vizbench.formats.reader import check, read
from vizbench.formats.writer import write

__all__ = ["FORMATS", "Judged", "Manifest", "Summary", "check", "read", "verify_answers", "write"]
