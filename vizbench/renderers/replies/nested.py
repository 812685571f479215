"""Find grids written as lists in a list: JSON, tuples, sets of tuples, NumPy, and rows as strings.

The reader is a state machine that takes one pass, without recursion. Lists in a list that cannot be read are
a candidate with a problem, so that no other reader takes a part of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, final

from vizbench.renderers.replies.candidates import LEFT_OUT, NUMBER, Candidate, Codes, code, cut_off, no_code

_TOKEN: Final = re.compile(
    # A row of plain numbers, and brackets
    r"(?P<flat>[\[(]\s*+[0-9]{1,3}(?:\s*+,\s*+[0-9]{1,3})*+\s*+[\])])"
    r"|(?P<open>[\[({])|(?P<close>[\])}])"
    # A comment, and dots in place of cells or rows
    r"|(?P<comment>#|//|<-|←|--(?!\d)|%)"
    r"|(?P<dots>\.{2,}|…)"
    # The name of a row, and rows or cells as strings
    r"|(?P<name>[\"']?(?:row|r|line)?[ _#]?[0-9]{1,4}[\"']?[ \t]{0,3}[:=](?!=))"
    r"|\"(?P<string>[0-9a-z][0-9a-z ,\t]*+)\"(?!\s{0,3}:)"
    r"|'(?P<string_too>[0-9a-z][0-9a-z ,\t]*+)'(?!\s{0,3}:)"
    # A comma, and anything else
    r"|(?P<comma>,)|(?P<word>[^\s,\[\](){}\"'.…]+(?:\.(?!\.)[^\s,\[\](){}\"'.…]*+)*+|[.])",
    re.IGNORECASE,
)
_COMPUTED: Final = re.compile(r"[ \t]*(?:\*[ \t]*[0-9]|\+[ \t]*[\[(])")
"""An operator after a list that makes a longer list of it: `[[0, 0]] * 2`."""
_TRUTH: Final = {"true": 1, "false": 0}


@final
class _Reader:
    """Hold the state between two tokens.

    Its methods take one token each, at an index of the text, and return the grid that ends there, if any.
    """

    def __init__(self) -> None:
        self.rows: Codes | None = None
        """The complete rows of the open grid, or None outside a grid."""
        self.row: list[int] | None = None
        """The cells of the open row, or None outside a row."""
        self.start = 0
        """The index at which the open grid begins."""
        self.problem = ""
        """The first problem of the open grid."""
        self.comma = False
        """Whether the last token of the open row was a comma."""
        self.strings = False
        """Whether the rows of the open grid are strings."""

    def open(self, at: int) -> Candidate | None:
        """Take an opening bracket. It begins a grid or a row."""
        broken = None
        if self.rows is None or self.strings:
            self._begin(at)
        elif self.row is None:
            self.row = []
        elif self.row or self.rows:  # a bracket inside a row, so that the text before it is not a grid
            broken = self._broken(at, "a row holds a list")
            self._begin(at)
        else:  # another bracket around the grid, which has no meaning
            self.start = at - 1
        self.comma = False
        return broken

    def _begin(self, at: int) -> None:
        self.rows, self.row, self.problem, self.start, self.strings = [], None, "", at, False

    def whole_row(self, text: str) -> bool:
        """Take a row of plain numbers at once, which is faster than one by one.

        Return False if its tokens must be taken one by one, because no row may begin here or a number is not
        a code.
        """
        if self.rows is None:
            return True  # a single list is not a grid
        if self.row is not None or self.strings:
            return False
        row = [int(word) for word in text[1:-1].split(",")]
        if max(row) > 255:
            return False
        self.rows.append(row)
        return True

    def close(self, at: int) -> Candidate | None:
        """Take a closing bracket. It ends a row or the grid."""
        if self.rows is None:
            return None
        if self.row is not None:
            self.rows.append(self.row)
            self.row = None
            return None
        rows, self.rows = self.rows, None
        if not rows or (self.strings and all(len(row) == 1 for row in rows)):
            return None
        return Candidate(self.start, at + 1, rows, self.problem, listed=True)

    def end(self, at: int) -> Candidate | None:
        """Take the end of the text, which cuts off an open grid."""
        if not self.rows and not self.row:
            return None
        row = len(self.rows or []) + (self.row is not None)
        return Candidate(self.start, at, self.rows or [], cut_off(row), listed=True)

    def number(self, word: str, at: int) -> Candidate | None:
        """Take a number. It is a cell if a row is open."""
        if self.rows is None:
            return None
        if self.row is None:
            return self._stray(at, f"the list holds {word[:20]} beside its rows")
        value = code(word)
        if value is None:
            self.problem = self.problem or no_code(len(self.rows) + 1, word)
        else:
            self.row.append(value)
        self.comma = False
        return None

    def string(self, text: str, at: int) -> Candidate | None:
        """Take a string. It is a cell if a row is open, otherwise a row."""
        if self.rows is None or not any(map(str.isdigit, text)):
            return self.word(text, at)
        if self.row is not None:
            if text.isdigit():
                return self.number(text, at)
            return self._stray(at, no_code(len(self.rows) + 1, text))
        if self.rows and not self.strings:
            return self._stray(at, f"the list holds {text[:20]} beside its rows")
        self.strings = True
        row = _string_row(text)
        if row is None:
            self.problem = self.problem or no_code(len(self.rows) + 1, text)
        self.rows.append(row or [])
        return None

    def dots(self) -> None:
        """Take dots in place of cells or rows."""
        if self.rows is not None:
            self.problem = self.problem or LEFT_OUT

    def separator(self) -> None:
        """Take a comma. Two commas in a row leave out a cell."""
        if self.row is not None:
            if self.comma and self.row:
                self.problem = self.problem or LEFT_OUT
            self.comma = True

    def word(self, word: str, at: int) -> Candidate | None:
        """Take any other word. In a row, true and false are the cells 1 and 0."""
        if self.rows is None:
            return None
        if self.row is not None and word.lower() in _TRUTH:
            self.row.append(_TRUTH[word.lower()])
            self.comma = False
            return None
        return self._stray(at, f"row {len(self.rows) + 1} holds {word[:20]}, not a code 0 … 255")

    def _stray(self, at: int, problem: str) -> Candidate | None:
        """Leave the open grid because of a token that cannot be in it."""
        broken = self._broken(at, problem)
        self.rows = self.row = None
        return broken

    def _broken(self, at: int, problem: str) -> Candidate | None:
        """Return the open grid with a problem, or None if no row of it has begun."""
        if self.rows is None or not (any(self.rows) or self.row):
            return None
        if self.strings and any(value > 9 for row in self.rows for value in row):
            return None
        return Candidate(self.start, at, self.rows, self.problem or problem, listed=True)


def _string_row(text: str) -> list[int] | None:
    """Return the cells of a row that is a string, or None if one of them is not a code.

    Without separators, each character is a cell.
    """
    cells = re.split(r"[\s,]+", text.strip(" ,\t"))
    if len(cells) == 1:
        cells = list(cells[0])
    row = [int(cell, 36) if len(cell) == 1 else code(cell) for cell in cells]
    known = [value for value in row if value is not None]
    return known if len(known) == len(row) else None


def nested_grids(text: str) -> Iterator[Candidate]:
    """Yield the grids that are lists in a list, in order. They do not overlap."""
    reader = _Reader()
    at = 0
    while token := _TOKEN.search(text, at):
        at = token.end()
        # A row of plain numbers is taken at once if possible, otherwise token by token.
        if token.lastgroup == "flat":
            if reader.whole_row(token["flat"]):
                continue
            at = token.start() + 1
            grid = reader.open(token.start())
            if grid is not None:
                yield grid
            continue

        # Any other token. A comment in a grid extends to the end of its line.
        if token.lastgroup == "comment" and reader.rows is not None:
            at = _line_end(text, at)
        grid = _step(reader, token)
        if grid is not None:
            is_computed = not grid.problem and _COMPUTED.match(text, grid.end)
            yield replace(grid, problem=LEFT_OUT) if is_computed else grid

    # The end of the text may cut off a grid.
    last = reader.end(len(text))
    if last is not None:
        yield last


def _line_end(text: str, at: int) -> int:
    """Return the index at which the line of an index ends."""
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _step(reader: _Reader, token: re.Match[str]) -> Candidate | None:
    """Give one token to the reader, and return the grid that ends with it, if any."""
    kind, at = token.lastgroup, token.start()
    if kind == "open":
        return reader.open(at)
    if kind == "close":
        return reader.close(at)
    if kind == "dots":
        reader.dots()
    elif kind == "comma":
        reader.separator()
    elif kind in ("string", "string_too"):
        return reader.string(token[kind], at)
    elif kind == "word":
        word = token["word"].rstrip(";")
        return reader.number(word, at) if NUMBER.fullmatch(word) else reader.word(word, at)
    return None
