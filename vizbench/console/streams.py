"""Write to stdout and stderr: results go to stdout, notes to stderr."""

from __future__ import annotations

import codecs
import logging
import os
import select
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from json import dumps
from typing import Any, Final, NoReturn, cast, final

from vizbench._util.text import escape_control

READER_LEFT: Final = 141
"""The exit code if the reader of stdout has closed it: 128 + SIGPIPE, as in shells."""

_REPLACEMENTS: Final[Mapping[str, str]] = {
    "…": "...", "·": "-", "×": "x", "–": "-", "—": "-", "−": "-", "≤": "<=", "≥": ">=", "±": "+-", "’": "'",
}  # fmt: skip
"""Replacements of characters that the encoding of a terminal lacks. Others become escapes."""


def prepare_streams() -> None:
    """Make stdout and stderr accept any text, whatever their encoding, even if the shell closed them."""
    codecs.register_error("vizbench", _replacement)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        with suppress(OSError):
            _reopen(number)
        if getattr(sys, name) is None:
            mode = "w" if number else "r"
            stream = open(os.devnull, mode, encoding="utf-8", errors="replace")  # noqa: SIM115 open as long as the process
            setattr(sys, name, stream)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # the stream of a test may lack it
            cast("Any", stream).reconfigure(errors="vizbench")


def _reopen(number: int) -> None:
    """Open a standard descriptor that the shell closed.

    Otherwise the next file to be opened would get its number, and receive all that is printed.
    """
    try:
        os.fstat(number)
    except OSError:
        opened = os.open(os.devnull, os.O_RDWR)
        if opened != number:
            os.dup2(opened, number)
            os.close(opened)
        os.set_inheritable(number, True)


def _replacement(error: UnicodeError) -> tuple[str, int]:
    """Return the replacement of characters that an encoding lacks, and where encoding continues."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_REPLACEMENTS.get(c) or ascii(c)[1:-1] for c in lacking), error.end


@contextmanager
def end_with_reader() -> Generator[None]:
    """Within the block, end the command silently if the reader of stdout closes it."""
    try:
        yield
    except BrokenPipeError:
        if not _reader_left():
            raise
        _close_stdout()
        raise SystemExit(READER_LEFT) from None


def flush() -> None:
    """Flush stdout. Ends the command with a note if it cannot be written."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _close_stdout()
        raise SystemExit(READER_LEFT) from None
    except OSError as error:
        _end_unwritable(error)
    except ValueError:  # the caller has closed it
        pass


def _end_unwritable(error: OSError) -> NoReturn:
    """End the command because stdout cannot be written."""
    _close_stdout()
    print_note(f"stdout cannot be written ({error.strerror or error}): redirect it")
    raise SystemExit(2) from None


@contextmanager
def writing() -> Generator[None]:
    """Within the block, end the command with a note if stdout cannot be written."""
    try:
        yield
    except BrokenPipeError:  # `end_with_reader` handles it
        raise
    except OSError as error:
        _end_unwritable(error)


def _reader_left() -> bool:
    """Return whether stdout has no reader any more. Another pipe may have broken instead."""
    if not hasattr(select, "poll"):  # Windows
        return True
    poll = select.poll()
    try:
        poll.register(sys.stdout.fileno(), 0)
    except (OSError, ValueError):
        return True
    return any(event & (select.POLLERR | select.POLLHUP | select.POLLNVAL) for _, event in poll.poll(0))


def _close_stdout() -> None:
    """Send stdout to the null device, so that Python reports no error about it at exit."""
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


@final
class NoteHandler(logging.Handler):
    """Prints log records as notes."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        print_note(record.getMessage())


def print_line(line: str = "") -> None:
    """Print one line of results to stdout."""
    with writing():
        sys.stdout.write(f"{escape_control(line)}\n")


def print_json(value: Any) -> None:
    """Print plain data or msgspec records to stdout as JSON.

    Control characters, and characters that the terminal cannot show, become JSON escapes.
    """
    import msgspec

    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    any_script = can_show("\U0010ffff")
    shown: list[str] = []
    for character in text:
        is_safe = character == "\n" or (character.isprintable() and (any_script or character.isascii()))
        shown.append(character if is_safe else dumps(character)[1:-1])
    with writing():
        sys.stdout.write(f"{''.join(shown)}\n")


def print_note(text: str) -> None:
    """Print a note in one line to stderr. The command continues if stderr has no reader any more."""
    with suppress(BrokenPipeError):
        sys.stderr.write(f"vizbench: {escape_control(text)}\n")


def can_show(text: str) -> bool:
    """Return whether stdout's encoding has these characters."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
