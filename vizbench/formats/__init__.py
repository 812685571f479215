"""Write and read data sets on disk, verify files of answers, and read the corpora of others."""

from vizbench.formats.answers import Judged, Summary, verify_answers
from vizbench.formats.manifest import FORMATS, Manifest
from vizbench.formats.reader import check, read
from vizbench.formats.writer import write

__all__ = ["FORMATS", "Judged", "Manifest", "Summary", "check", "read", "verify_answers", "write"]
