"""Choose the final answer among the grids of a reply.

The rules are the numbered ones of `docs/judging.md`. A grid of a section that is labelled as the answer comes
first, then the last grid that no label sets aside. A reply may still take back what it chose.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, final

from vizbench.renderers.replies import doubts
from vizbench.renderers.replies.blocks import line_grids
from vizbench.renderers.replies.candidates import Candidate, Reference, Shape, is_places
from vizbench.renderers.replies.labels import Kind, Label, boxes, labels
from vizbench.renderers.replies.nested import nested_grids

NO_GRID: Final = "the text holds no complete grid"
UNREADABLE: Final = "the text holds no complete grid in its answer"
WITHDRAWN: Final = "the text holds no answer: it takes its grid back, or gives up"
TWO: Final = "the text names two grids and does not decide"
QUESTION_ONLY: Final = "the text holds no complete grid but the question"

_FENCE: Final = re.compile(r"^[ \t>]*(?:```|~~~)[^\n`]*$", re.MULTILINE)
_CODE: Final = re.compile(
    r"^[ \t]*(?:def |import |from \w+ import|(?:for|while|if) .*[:{]|return\b|print ?\(|class |#include|"
    r"function |const |let |var |assert |console\.log)",
    re.MULTILINE,
)
"""A line that only a program has."""
_POINTER: Final = re.compile(
    r"\W*+(?:(?:is|see|as|it|given|shown|the|same|completed|filled|solved|final|grid|matrix|table|board|"
    r"answer)\W++)*+above\W*+",
    re.IGNORECASE,
)
"""A line that points at the grid above."""
_SIZE: Final = re.compile(r"\W*[0-9]{1,4}[ ]?(?:x|×|by)[ ]?[0-9]{1,4}\W*(?:grid\W*)?", re.IGNORECASE)
"""A line that names only the size of a grid."""
_OR: Final = re.compile(
    r"[\s,.;*_`]*(?:or|or else|or maybe|or perhaps|alternatively)[\s,:*_`]*", re.IGNORECASE
)
"""All that is between two grids if the reply does not decide between them."""
_VOID: Final = re.compile(r"\s*(?:\"\"|''|\[\s*\]|\{\s*\})")
"""An empty string, list or object."""
_DECISIVE: Final = (Kind.FINAL, Kind.SOLUTION)
"""Kinds of labels that decide what the answer is, even if no grid is below them."""
_ANSWERS: Final = (Kind.PLAIN, *_DECISIVE, Kind.NAMED)
"""Kinds of sections that may hold the answer at the beginning of a text."""
_EXAMPLE_LABEL: Final = re.compile(
    r"^\W*(?:for |in )?(?:training |train |demo\w* )?(?:example|pair|demonstration|training|train)"
    r"\s*(?:pair\s*)?#?[0-9]+\W*$",
    re.IGNORECASE | re.MULTILINE,
)
"""A line that is the heading of an example, as "### Example 1"."""
_EXAMPLE_NAMED: Final = re.compile(
    r"\w.*(?:\b(?:of|for|from|in|on|with)\s+|[(\[])(?:the\s+)?(?:training\s+|train\s+)?"
    r"(?:example|training|train|demo\w*)\W*(?:pair|example|input)?\W*[0-9]",
    re.IGNORECASE,
)
"""A label that names an example, as "Output of example 1"."""
_EXAMPLE_CHECK: Final = re.compile(
    r"\b(?:verif\w+|check\w*|confirm\w*|consistent|sanity|agrees?|match(?:es)?)\b[^.!?\n]{0,60}"
    r"\b(?:example|training|demo\w*|pair)\W*(?:example|pair|input)?\W*[0-9]",
    re.IGNORECASE,
)
"""Words that check a rule against an example."""
_NOTHING: Final = re.compile(
    r"[\s\"'{}\[\](),:;*_`~>#=|$\\.&-]*+(?:json|python|text|the)?[\s\"'{}\[\](),:;*_`~>#=|$\\.&-]*+",
    re.IGNORECASE,
)
"""Marks and spaces that separate a label from its grid."""


@final
@dataclass(slots=True)
class _Section:
    """Hold the text from a label to the next one.

    It is mutable, because `kind`, `grids` and `of_example` are known only after all sections are cut.
    """

    kind: Kind
    """What its label says about it."""
    start: int
    """The index of its first character after the label."""
    end: int
    """The index of the first character after it."""
    key: bool
    """Whether its label is a key of an object."""
    code: bool
    """Whether it is part of a program."""
    grids: list[Candidate]
    """The grids that begin in it, in order."""
    label: int = 0
    """The index of the first character of its label."""
    of_example: bool = False
    """Whether it repeats or checks an example that was given."""


def final_grid(text: str, shape: Shape | None) -> Candidate | str:
    """Return the grid that a plain reply gives as its answer, or the reason why it gives none.

    If the grid is incomplete, its `problem` is the reason.
    """
    reply = _Reply(text, shape)
    end = reply.run_on()
    return (reply if end is None else _Reply(text[:end], shape)).answer()


@final
class _Reply:
    """Hold the sections of a reply and the grids in them."""

    def __init__(self, text: str, shape: Shape | None) -> None:
        self.text = text
        self.codes = _code_spans(text)

        # Labels outside grids
        nested = list(nested_grids(text))
        candidates = sorted([*labels(text), *boxes(text)], key=lambda label: label.start)
        marks = [label for label in _outside(candidates, nested) if not self._is_idle(label)]
        marks = _with_ends(marks, self.codes)

        # Grids outside labels, and the sections that hold them
        masked = _masked(text, marks, nested)
        lines = list(line_grids(masked, shape, letters=_is_rows_only(masked)))
        self.grids = sorted([*nested, *lines], key=lambda grid: grid.start)
        self.starts = [grid.start for grid in self.grids]
        self.sections = self._sections(marks)
        self.reference: Reference | None = None

        # The indices of what the reply says against its grids, in order
        self.taken_back = doubts.taken_back(text)
        self.reconsidered = doubts.reconsidered(text)
        self.given_up = doubts.given_up(text)

    def _is_idle(self, label: Label) -> bool:
        """Return whether a label only points at the grid above, or names a size."""
        if label.kind not in _DECISIVE:
            return False
        line = self.text[label.end : label.end + 200].split("\n")[0]
        return bool(_POINTER.fullmatch(line) or _SIZE.fullmatch(line))

    def _sections(self, marks: Sequence[Label]) -> list[_Section]:
        """Cut the text at its labels, and give each section the grids that begin in it."""
        ends = [*(mark.start for mark in marks), len(self.text)]
        sections = [_Section(Kind.PLAIN, 0, ends[0], False, False, [])]
        for mark, end in zip(marks, ends[1:], strict=True):
            is_code = _is_within(self.codes, mark.start)
            sections.append(_Section(mark.kind, mark.end, end, mark.key, is_code, [], mark.start))
        at = 0
        for grid in self.grids:
            while at + 1 < len(sections) and sections[at + 1].start <= grid.start:
                at += 1
            sections[at].grids.append(grid)
        _find_examples(sections, self.text)
        _promote(sections, self.text)
        return sections

    def run_on(self) -> int | None:
        """Return the index at which a reply begins to ask and answer further questions.

        None if it does not, or if it holds more than a grid before that. Models that learn from examples in
        their prompt write more of these after their answer.
        """
        if not self.grids:
            return None

        # The answer is the first thing in the text
        own = next(n for n, section in enumerate(self.sections) if section.grids)
        answer = self.sections[own]
        if own > 1 or answer.kind not in _ANSWERS or not _is_nothing(self.text, 0, answer.label):
            return None

        # A question and its answer follow
        below = self.sections[own + 1 : own + 3]
        if len(below) < 2 or below[0].kind is not Kind.ASKED or below[1].kind not in _DECISIVE:
            return None
        question = below[0]
        if not question.grids or not self._is_direct(question, question.grids[0]):
            return None

        # Only marks and spaces surround the grid of the answer
        grid = self.grids[0]
        is_bare = self._is_direct(answer, grid) and _is_nothing(self.text, grid.end, question.label)
        return question.label if is_bare else None

    def answer(self) -> Candidate | str:
        """Return the grid that the rules choose, or the reason why they choose none."""
        choice = self._labelled([section for section in self.sections if not section.code])
        if choice is None:
            programs = [section for section in self.sections if section.code and section.grids]
            choice = self._labelled([section for section in programs if section.kind in _DECISIVE])
        if choice is None:
            choice = self._unlabelled()
        return choice if isinstance(choice, str) else self._confirmed(choice)

    def _labelled(self, sections: Sequence[_Section]) -> Candidate | str | None:
        """Return what the last label of an answer labels, or None if there is no such label.

        A label of the answer outranks one of a solution, which outranks a name such as "Grid:".
        """
        choice: Candidate | str | None = None
        level = 0
        for section in sections:
            if choice is not None and (section.of_example or section.kind is Kind.TARGET):
                continue

            # A name counts only with a grid directly below it
            if section.kind in (Kind.NAMED, Kind.TARGET) and choice != WITHDRAWN:
                grid = self._named(section, choice, level)
                choice = grid or choice
                level = level if grid is None else max(level, 1)
                continue
            if section.kind not in _DECISIVE:
                continue

            # A label of the answer counts also without a grid
            rank = 3 if section.kind is Kind.FINAL else 2
            grid = self._first(section)
            is_lesser = False
            if grid is not None and isinstance(choice, Candidate) and rank < level:
                is_lesser = self._is_lesser(grid, choice)
            if grid is not None and not is_lesser:
                choice, level = grid, rank
            elif rank >= level:
                given_up = _is_between(self.given_up, section.start, section.end)
                choice, level = WITHDRAWN if given_up else UNREADABLE, rank
        return choice

    def _first(self, section: _Section) -> Candidate | None:
        """Return the first grid of a section, or None if words before it say that it is not an answer."""
        if not section.grids:
            return None
        complete = [grid for grid in section.grids if not grid.weak]
        first = complete[0] if complete else section.grids[0]
        before = self.text[section.start : first.start]
        if doubts.says_none(before) or (first.weak and not self._is_direct(section, first)):
            return None
        return first

    def _is_direct(self, section: _Section, grid: Candidate) -> bool:
        """Return whether only marks and spaces are between a label and a grid."""
        return _is_nothing(self.text, section.start, grid.start)

    def _named(self, section: _Section, choice: Candidate | str | None, level: int) -> Candidate | None:
        """Return the grid directly below a label such as "Grid:", unless it lists cells of the choice."""
        grid = section.grids[0] if section.grids else None
        if grid is None or not self._is_direct(section, grid) or (section.key and level > 1):
            return None
        if grid.weak and (choice is not None or grid.listed or len(grid.rows[0]) <= 1):
            return None
        if isinstance(choice, Candidate) and self._is_lesser(grid, choice):
            return None
        return grid

    def _unlabelled(self) -> Candidate | str:
        """Return the last grid that is not the question, a check, a list of cells or part of a program.

        If there is none, return the last grid of a program.
        """
        last: Candidate | None = None
        of_explanation = False
        for section in self.sections:
            explains = section.kind is Kind.EXPLAINED
            for grid in self._unclaimed(section):
                if last is None or not explains or of_explanation or _size(grid) == _size(last):
                    nearer = self._nearer(last, grid, section.kind is Kind.ASIDE)
                    of_explanation = of_explanation if nearer is last else explains
                    last = nearer
        return self._of_programs() if last is None else last

    def _unclaimed(self, section: _Section) -> list[Candidate]:
        """Return the grids of a section that its label does not set aside."""
        if section.code:
            return []
        if not self._sets_aside(section):
            return section.grids
        others = section.grids[1:]
        if section.kind is Kind.ASKED:
            return others
        return [grid for grid in others if not self._is_directly_of(section, grid)]

    def _sets_aside(self, section: _Section) -> bool:
        """Return whether the label of a section says that its first grid is not the answer."""
        if section.kind not in (Kind.ASKED, Kind.ASIDE) or not section.grids:
            return False
        return self._is_directly_of(section, section.grids[0])

    def _of_programs(self) -> Candidate | str:
        """Return the last grid of a program, or the reason why there is no grid."""
        programs = [section for section in self.sections if section.code]
        grids = [grid for section in programs for grid in section.grids]
        complete = [grid for grid in grids if not grid.weak]
        if complete:
            return complete[-1]
        prose = [section for section in self.sections if not section.code]
        asked = any(section.kind is Kind.ASKED and self._sets_aside(section) for section in prose)
        return QUESTION_ONLY if asked else NO_GRID

    def _is_directly_of(self, section: _Section, grid: Candidate) -> bool:
        """Return whether a grid is in the paragraph of its label, or directly below it."""
        if section.kind is Kind.ASIDE and "\n\n" not in self.text[section.start : grid.start]:
            return True
        return self._is_direct(section, grid)

    def _nearer(self, last: Candidate | None, grid: Candidate, aside: bool) -> Candidate:
        """Return the one of two grids that is nearer to an answer.

        This is the later one, `grid`, unless it is clearly no answer. aside: whether its section is an aside.
        """
        if last is None:
            return grid
        if last.weak:
            is_worse = grid.weak and grid.problem != "" and last.problem == ""
            return last if is_worse else grid
        if grid.weak or self._is_lesser(grid, last) or (aside and self._reference(last).is_turned(grid)):
            return last
        before = self.text[max(0, grid.start - 160, self._end_before(grid)) : grid.start].rstrip(" :\n\t`*")
        return last if doubts.introduces_draft(before) else grid

    def _end_before(self, grid: Candidate) -> int:
        """Return the index at which the grid before a grid ends, or 0 if there is none."""
        at = bisect_left(self.starts, grid.start)
        return self.grids[at - 1].end if at else 0

    def _reference(self, grid: Candidate) -> Reference:
        """Return the grid's `Reference`. The last one is cached, because making it is slow."""
        if self.reference is None or self.reference.grid is not grid:
            self.reference = Reference(grid)
        return self.reference

    def _is_lesser(self, grid: Candidate, than: Candidate) -> bool:
        """Return whether a later grid only lists cells of another one, or repeats some of its rows."""
        return is_places(grid, than) or self._reference(than).is_cited(grid)

    def _confirmed(self, grid: Candidate) -> Candidate | str:
        """Return the grid, or a later one if the reply takes the grid back.

        A reason is returned if the reply takes it back without a later grid, or gives up.
        """
        allowed = self._allowed()
        while True:
            later = self.grids[bisect_left(self.starts, grid.end) :]
            end = later[0].start if later else len(self.text)
            if later and _OR.fullmatch(self.text[grid.end : end][:80]):
                return TWO

            # The later grids that may replace this one
            complete = [other for other in later if id(other) in allowed and not other.weak]
            fit = [other for other in complete if not is_places(other, grid)]
            if _is_between(self.taken_back, grid.end, end) or doubts.is_denied(self.text, grid.end):
                if not fit:
                    return WITHDRAWN
            else:
                fit = [other for other in fit if _size(other) == _size(grid)]
                if not fit or not _is_between(self.reconsidered, grid.end, end):
                    break
            grid = fit[-1]
        gives_up = bool(self.given_up) and self.given_up[-1] >= grid.end
        return WITHDRAWN if gives_up else grid

    def _allowed(self) -> set[int]:
        """Return the identities of the grids that are not the question and not part of a program."""
        allowed: set[int] = set()
        for section in self.sections:
            if section.kind is not Kind.ASKED and not section.code:
                allowed.update(map(id, section.grids))
        return allowed


def _is_between(places: Sequence[int], start: int, end: int) -> bool:
    """Return whether a sorted list of indices holds one from `start` up to, but not including, `end`."""
    at = bisect_left(places, start)
    return at < len(places) and places[at] < end


def _size(grid: Candidate) -> tuple[int, int]:
    """Return the number of rows, and of cells in the first row."""
    return len(grid.rows), len(grid.rows[0]) if grid.rows else 0


def _is_nothing(text: str, start: int, end: int) -> bool:
    """Return whether only marks and spaces are between two indices."""
    return end - start <= 400 and _NOTHING.fullmatch(text, start, end) is not None


def _outside(marks: Sequence[Label], nested: Sequence[Candidate]) -> list[Label]:
    """Return the labels that are not inside a grid. A comment after a row is not a label."""
    kept: list[Label] = []
    at = 0
    for mark in marks:
        while at < len(nested) and nested[at].end <= mark.start:
            at += 1
        if at == len(nested) or mark.start <= nested[at].start or nested[at].problem:
            kept.append(mark)
    return kept


def _with_ends(marks: Sequence[Label], codes: Sequence[tuple[int, int]]) -> list[Label]:
    """Return the labels, and an end for each program that holds one.

    A label in a program says nothing about the text after the program.
    """
    starts = [mark.start for mark in marks]
    ends: list[Label] = []
    for start, end in codes:
        if bisect_left(starts, start) < bisect_left(starts, end):
            ends.append(Label(Kind.END, end, end))
    return sorted([*marks, *ends], key=lambda mark: mark.start)


def _masked(text: str, marks: Sequence[Label], nested: Sequence[Candidate]) -> str:
    """Return the text with labels and nested grids blotted out. Its length stays the same.

    They are not lines of cells, and they end a grid above them. A tag, a key or a brace after the last row of
    a grid is not part of the row.
    """
    spans = [(mark.start, mark.end, True) for mark in marks]
    spans += [(grid.start, grid.end, False) for grid in nested]
    pieces: list[str] = []
    at = 0
    for start, end, is_label in sorted(spans):
        if end <= at:
            continue
        start = max(start, at)
        pieces.append(text[at:start])
        pieces.append(_blot(text[start:end]) if is_label else "\1" * (end - start))
        at = end
    return "".join([*pieces, text[at:]])


def _blot(label: str) -> str:
    """Return marks in place of a label. The line ends with it, and begins with it if it is a tag or a key."""
    blot = "\1" * len(label)
    if len(label) > 1:
        blot = blot[:-1] + "\n"
    return "\n" + blot[1:] if label.startswith(("<", '"', "'", "}")) else blot


def _is_rows_only(masked: str) -> bool:
    """Return whether the text is nothing but lines of one length, so that letters are cells too."""
    lines = [line.strip() for line in masked.strip().split("\n")]
    return len({len(line) for line in lines}) == 1 and all(
        re.fullmatch(r"[0-9a-z]+|[0-9a-z](?:[ \t]+[0-9a-z])+", line) for line in lines
    )


def _code_spans(text: str) -> list[tuple[int, int]]:
    """Return the start and end of each fenced block that is a program."""
    fences = list(_FENCE.finditer(text))
    spans: list[tuple[int, int]] = []
    for at in range(0, len(fences), 2):
        start = fences[at].end()
        end = fences[at + 1].start() if at + 1 < len(fences) else len(text)
        if _CODE.search(text, start, end):
            spans.append((start, end))
    return spans


def _is_within(spans: Sequence[tuple[int, int]], at: int) -> bool:
    """Return whether an index is in one of several sorted spans."""
    place = bisect_left(spans, (at + 1, 0)) - 1
    return place >= 0 and spans[place][0] <= at < spans[place][1]


def _find_examples(sections: Sequence[_Section], text: str) -> None:
    """Mark the answers of examples that a reply repeats, or checks, after a grid of its own."""
    shown = 0  # the end of the last grid that is neither a question nor a check
    for above, section in pairwise(sections):
        if above.grids and above.kind not in (Kind.ASKED, Kind.ASIDE):
            shown = above.grids[-1].end
        if section.kind not in (*_DECISIVE, Kind.NAMED, Kind.TARGET):
            continue
        is_named = _EXAMPLE_NAMED.match(text, section.label, section.start) is not None
        before = ""
        if shown and section.kind is not Kind.FINAL:
            before = text[max(shown, section.label - 4000) : section.label]
        section.of_example = is_named or _is_of_example(above, before)


def _is_of_example(above: _Section, before: str) -> bool:
    """Return whether the words between a grid and a label say that the label is of an example."""
    headings = list(_EXAMPLE_LABEL.finditer(before))
    if headings and _is_nothing(before, headings[-1].end(), len(before)):
        return True
    is_paired = above.kind in (Kind.ASKED, Kind.ASIDE) and bool(above.grids)
    return is_paired and (bool(headings) or _EXAMPLE_CHECK.search(before) is not None)


def _promote(sections: Sequence[_Section], text: str) -> None:
    """Give the kind of an empty section of the answer to the section below it: {"answer": {"grid": …}}."""
    waiting: Kind | None = None
    for section in sections:
        is_empty = not section.grids and _is_nothing(text, section.start, section.end)
        is_neutral = section.kind in (Kind.NAMED, Kind.TARGET) or (
            section.kind is Kind.PLAIN and not is_empty
        )
        if waiting is not None and is_neutral:
            section.kind, waiting = waiting, None
        elif section.kind in (*_DECISIVE, Kind.END):
            waiting = None
        if section.kind in _DECISIVE and is_empty and not _VOID.match(text, section.start):
            waiting = section.kind
