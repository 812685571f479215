"""Choose the final answer among the grids of a reply, by the numbered rules of `docs/judging.md`."""

from __future__ import annotations

import itertools
import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

from vizbench.renderers.replies import doubts
from vizbench.renderers.replies.blocks import line_grids
from vizbench.renderers.replies.candidates import Candidate, Reference, is_places
from vizbench.renderers.replies.labels import Kind, Label, boxes, labels
from vizbench.renderers.replies.lines import Shape
from vizbench.renderers.replies.nested import nested_grids

NO_GRID: Final = "the text holds no complete grid"
UNREADABLE: Final = "the text holds no complete grid where it gives its answer"
WITHDRAWN: Final = "the text holds no answer: it takes its grid back, or gives up"
TWO: Final = "the text names two grids and does not decide"
QUESTION_ONLY: Final = "the text holds no complete grid but the question"

_FENCE: Final = re.compile(r"^[ \t>]*(?:```|~~~)[^\n`]*$", re.MULTILINE)
_CODE: Final = re.compile(
    r"^[ \t]*(?:def |import |from \w+ import|(?:for|while|if) .*[:{]|return\b|print ?\(|class |#include|"
    r"function |"
    r"const |let |var |assert |console\.log)",
    re.MULTILINE,
)
_POINTER: Final = re.compile(
    r"\W*+(?:(?:is|see|as|it|given|shown|the|same|completed|filled|solved|final|grid|matrix|table|board|"
    r"answer)\W++)*+"
    r"above\W*+",
    re.IGNORECASE,
)
_SIZE: Final = re.compile(r"\W*[0-9]{1,4}[ ]?(?:x|×|by)[ ]?[0-9]{1,4}\W*(?:grid\W*)?", re.IGNORECASE)
_OR: Final = re.compile(
    r"[\s,.;*_`]*(?:or|or else|or maybe|or perhaps|alternatively)[\s,:*_`]*", re.IGNORECASE
)
_VOID: Final = re.compile(r"\s*(?:\"\"|''|\[\s*\]|\{\s*\})")
"""An empty value."""
_ANSWERS: Final = (Kind.PLAIN, Kind.FINAL, Kind.SOLUTION, Kind.NAMED)
_EXAMPLE_LABEL: Final = re.compile(
    r"^\W*(?:for |in )?(?:training |train |demo\w* )?(?:example|pair|demonstration|training|"
    r"train)\s*(?:pair\s*)?"
    r"#?[0-9]+\W*$",
    re.IGNORECASE | re.MULTILINE,
)
_EXAMPLE_NAMED: Final = re.compile(
    r"\w.*(?:\b(?:of|for|from|in|on|with)\s+|[(\[])(?:the\s+)?(?:training\s+|train\s+)?"
    r"(?:example|training|train|demo\w*)"
    r"\W*(?:pair|example|input)?\W*[0-9]",
    re.IGNORECASE,
)
_EXAMPLE_CHECK: Final = re.compile(
    r"\b(?:verif\w+|check\w*|confirm\w*|consistent|sanity|agrees?|match(?:es)?)\b[^.!?\n]{0,60}"
    r"\b(?:example|training|demo\w*|pair)\W*(?:example|pair|input)?\W*[0-9]",
    re.IGNORECASE,
)
_PLAIN_ROW: Final = re.compile(r"[0-9a-z]+|[0-9a-z](?:[ \t]+[0-9a-z])+")
_NOTHING: Final = re.compile(
    r"[\s\"'{}\[\](),:;*_`~>#=|$\\.&-]*+(?:json|python|text|the)?[\s\"'{}\[\](),:;*_`~>#=|$\\.&-]*+",
    re.IGNORECASE,
)


@final
@dataclass(slots=True)
class _Section:
    """The text below a label, up to the next label."""

    kind: Kind
    """What the label says."""
    start: int
    """The first character that is labelled."""
    end: int
    """The first character after it."""
    key: bool
    """Whether the label is a key of an object."""
    code: bool
    """Whether it is part of a program."""
    grids: list[Candidate]
    """The grids in it."""
    label: int = 0
    """Where its label begins."""
    of_example: bool = False
    """Whether it repeats an example that was given, or checks one."""


def final_grid(text: str, shape: Shape | None) -> Candidate | str:
    """Return the grid that a plain reply answers, which may have a problem, or why it answers none."""
    reply = _Reply(text, shape)
    end = reply.run_on()
    return (reply if end is None else _Reply(text[:end], shape)).answer()


@final
class _Reply:
    """The sections of a reply and the grids in them."""

    def __init__(self, text: str, shape: Shape | None) -> None:
        self.text = text
        self.codes = _code_spans(text)
        nested = list(nested_grids(text))
        all_labels = sorted([*labels(text), *boxes(text)], key=lambda label: label.start)
        marks = [label for label in _outside(all_labels, nested) if not self._is_idle(label)]
        marks = _with_ends(marks, self.codes)
        self.labelled = bool(marks)
        masked = _masked(text, marks, nested)
        lines = list(line_grids(masked, shape, letters=_is_rows_only(masked)))
        self.grids = sorted([*nested, *lines], key=lambda grid: grid.start)
        self.starts = [grid.start for grid in self.grids]
        self.sections = self._sections(marks)
        self.reference: Reference | None = None
        self.taken_back = doubts.taken_back(text)
        self.reconsidered = doubts.reconsidered(text)
        self.given_up = doubts.given_up(text)

    def _is_idle(self, label: Label) -> bool:
        """Return whether a label only points at the grid above, or names a size."""
        if label.kind not in (Kind.FINAL, Kind.SOLUTION):
            return False
        line = self.text[label.end : label.end + 200].split("\n")[0]
        return bool(_POINTER.fullmatch(line) or _SIZE.fullmatch(line))

    def _sections(self, marks: Sequence[Label]) -> list[_Section]:
        """Cut the text at the labels, and sort the grids into the sections."""
        ends = [*(mark.start for mark in marks), len(self.text)]
        sections = [_Section(Kind.PLAIN, 0, ends[0], False, False, [])]
        for mark, end in zip(marks, ends[1:], strict=True):
            code = _is_within(self.codes, mark.start)
            sections.append(_Section(mark.kind, mark.end, end, mark.key, code, [], mark.start))
        at = 0
        for grid in self.grids:
            while at + 1 < len(sections) and sections[at + 1].start <= grid.start:
                at += 1
            sections[at].grids.append(grid)
        _find_examples(sections, self.text)
        return _promoted(sections, self.text)

    def run_on(self) -> int | None:
        """Return where a reply that is only a grid goes on with further questions and answers, else None.

        Models that learn from examples in their prompt write more of these after their answer.
        """
        if not self.grids:
            return None
        # The reply begins with its own grid.
        first = self.grids[0]
        own = next(n for n, section in enumerate(self.sections) if section.grids)
        answer = self.sections[own]
        if own > 1 or answer.kind not in _ANSWERS or not _is_nothing(self.text, 0, answer.label):
            return None

        # A question and an answer follow.
        following = self.sections[own + 1 : own + 3]
        if len(following) < 2 or following[0].kind is not Kind.ASKED:
            return None
        if following[1].kind not in (Kind.FINAL, Kind.SOLUTION):
            return None

        # Only marks are between the parts.
        asked = following[0]
        bare = _is_nothing(self.text, answer.start, first.start)
        bare = bare and _is_nothing(self.text, first.end, asked.label)
        return asked.label if bare and asked.grids and self._is_direct(asked, asked.grids[0]) else None

    # --- The rules ---

    def answer(self) -> Candidate | str:
        """Return the answer, or why there is none."""
        choice = self._labelled([section for section in self.sections if not section.code])
        if choice is None:
            programs = [section for section in self.sections if section.code and section.grids]
            answers = [section for section in programs if section.kind in (Kind.FINAL, Kind.SOLUTION)]
            choice = self._labelled(answers)
        if choice is None:
            choice = self._unlabelled()
        return choice if isinstance(choice, str) else self._confirmed(choice)

    def _labelled(self, sections: Sequence[_Section]) -> Candidate | str | None:
        """Return what the last label of an answer labels. None if there is no such label."""
        choice: Candidate | str | None = None
        level = 0
        for section in sections:
            if choice is not None and (section.of_example or section.kind is Kind.TARGET):
                continue
            if section.kind in (Kind.NAMED, Kind.TARGET) and choice != WITHDRAWN:
                grid = self._named(section, choice, level)
                choice = grid or choice
                level = level if grid is None else max(level, 1)
                continue
            if section.kind not in (Kind.FINAL, Kind.SOLUTION):
                continue
            rank = 3 if section.kind is Kind.FINAL else 2
            grid = self._first(section)
            if grid is not None and not (
                isinstance(choice, Candidate) and rank < level and self._is_lesser(grid, choice)
            ):
                choice, level = grid, rank
            elif rank >= level:
                given_up = _is_between(self.given_up, section.start, section.end)
                choice, level = WITHDRAWN if given_up else UNREADABLE, rank
        return choice

    def _first(self, section: _Section) -> Candidate | None:
        """Return the first grid of a section, unless the words before it say that there is no answer."""
        if not section.grids:
            return None
        whole = [grid for grid in section.grids if not grid.weak]
        first = whole[0] if whole else section.grids[0]
        before = self.text[section.start : first.start]
        if doubts.says_none(before) or (first.weak and not self._is_direct(section, first)):
            return None
        return first

    def _is_direct(self, section: _Section, grid: Candidate) -> bool:
        """Return whether only marks are between a label and a grid."""
        return _is_nothing(self.text, section.start, grid.start)

    def _named(self, section: _Section, choice: Candidate | str | None, level: int) -> Candidate | None:
        """Return the whole grid directly below a label like "Grid:", unless it lists places."""
        grid = section.grids[0] if section.grids else None
        if grid is None or not self._is_direct(section, grid) or (section.key and level > 1):
            return None
        if grid.weak and not (choice is None and not grid.listed and len(grid.rows[0]) > 1):
            return None
        if isinstance(choice, Candidate) and self._is_lesser(grid, choice):
            return None
        return grid

    def _unlabelled(self) -> Candidate | str:
        """Return the last grid that is not the question, a check, a list of places or a program."""
        last: Candidate | None = None
        of_explanation = False
        asked = False
        for section in self.sections:
            grids = [] if section.code else section.grids
            if grids and section.kind in (Kind.ASKED, Kind.ASIDE) and self._is_directly_of(section, grids[0]):
                asked = asked or section.kind is Kind.ASKED
                grids = self._beside_first(section)
            explains = section.kind is Kind.EXPLAINED
            for grid in grids:
                if last is None or not explains or of_explanation or _size(grid) == _size(last):
                    replaced = self._later(last, grid, section.kind is Kind.ASIDE)
                    of_explanation = explains if replaced is not last else of_explanation
                    last = replaced
        if last is not None:
            return last
        programs = [section.grids for section in self.sections if section.code]
        whole = [grid for grid in itertools.chain(*programs) if not grid.weak]
        if whole:
            return whole[-1]
        return QUESTION_ONLY if asked else NO_GRID

    def _beside_first(self, section: _Section) -> list[Candidate]:
        """Return the grids of a question or an aside after its first, which may be an answer."""
        if section.kind is Kind.ASKED:
            return section.grids[1:]
        return [grid for grid in section.grids[1:] if not self._is_directly_of(section, grid)]

    def _is_directly_of(self, section: _Section, grid: Candidate) -> bool:
        """Return whether a grid is in the paragraph of its label, or directly below it."""
        if section.kind is Kind.ASIDE and "\n\n" not in self.text[section.start : grid.start]:
            return True
        return self._is_direct(section, grid)

    def _later(self, last: Candidate | None, grid: Candidate, aside: bool) -> Candidate:
        """Return the grid that is more likely the answer: the later one, unless the text says otherwise."""
        if last is None or last.weak:
            return last if last and grid.weak and last.problem == "" and grid.problem else grid
        if grid.weak or self._is_lesser(grid, last) or (aside and self._reference(last).is_turned(grid)):
            return last
        before = self.text[max(0, grid.start - 160, self._end_before(grid)) : grid.start].rstrip(" :\n\t`*")
        return last if doubts.introduces_draft(before) else grid

    def _end_before(self, grid: Candidate) -> int:
        """Return where the grid before a grid ends."""
        at = bisect_left(self.starts, grid.start)
        return self.grids[at - 1].end if at else 0

    def _reference(self, grid: Candidate) -> Reference:
        """Return the rows and columns of a grid. The latest one is kept, because they take time."""
        if self.reference is None or self.reference.grid is not grid:
            self.reference = Reference(grid)
        return self.reference

    def _is_lesser(self, grid: Candidate, than: Candidate) -> bool:
        """Return whether a later grid only lists places of a grid, or cites parts of it."""
        return is_places(grid, than) or self._reference(than).is_cited(grid)

    def _confirmed(self, grid: Candidate) -> Candidate | str:
        """Return the grid, or a later one if the reply takes it back, or a reason if there is none."""
        allowed: set[int] = set()
        for section in self.sections:
            if section.kind is not Kind.ASKED and not section.code:
                allowed |= {id(other) for other in section.grids}
        while True:
            later = self.grids[bisect_left(self.starts, grid.end) :]
            end = later[0].start if later else len(self.text)
            if later and _OR.fullmatch(self.text[grid.end : end][:80]):
                return TWO
            whole = [other for other in later if id(other) in allowed and not other.weak]
            fit = [other for other in whole if not is_places(other, grid)]
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


def _is_between(places: Sequence[int], start: int, end: int) -> bool:
    """Return whether one of the sorted places is in start … end - 1."""
    at = bisect_left(places, start)
    return at < len(places) and places[at] < end


def _size(grid: Candidate) -> tuple[int, int]:
    """Return the number of rows, and of cells in the first row."""
    return len(grid.rows), len(grid.rows[0]) if grid.rows else 0


def _is_nothing(text: str, start: int, end: int) -> bool:
    """Return whether only marks and spaces are between two places."""
    return end - start <= 400 and _NOTHING.fullmatch(text, start, end) is not None


def _outside(marks: Sequence[Label], nested: Sequence[Candidate]) -> list[Label]:
    """Return the labels that are not inside a grid, such as a comment after a row."""
    kept: list[Label] = []
    at = 0
    for mark in marks:
        while at < len(nested) and nested[at].end <= mark.start:
            at += 1
        if at == len(nested) or mark.start <= nested[at].start or nested[at].problem:
            kept.append(mark)
    return kept


def _with_ends(marks: Sequence[Label], codes: Sequence[tuple[int, int]]) -> list[Label]:
    """Return the labels, with an end after each program that has labels: they do not reach beyond it."""
    starts = [mark.start for mark in marks]
    ends: list[Label] = []
    for start, end in codes:
        if bisect_left(starts, start) < bisect_left(starts, end):
            ends.append(Label(Kind.END, end, end))
    return sorted([*marks, *ends], key=lambda mark: mark.start)


def _masked(text: str, marks: Sequence[Label], nested: Sequence[Candidate]) -> str:
    """Return the text with labels and nested grids blotted out, so that they end the lines above them.

    A tag, a key or a brace after the last row of a grid is not part of the row.
    """
    spans = [(mark.start, mark.end, True) for mark in marks]
    spans += [(grid.start, grid.end, False) for grid in nested]
    spans.sort()
    pieces: list[str] = []
    at = 0
    for start, end, label in spans:
        if end <= at:
            continue
        start = max(start, at)
        pieces.append(text[at:start])
        pieces.append(_blot(text[start:end]) if label else "\1" * (end - start))
        at = end
    return "".join([*pieces, text[at:]])


def _blot(label: str) -> str:
    """Return characters that are no cells, of the length of a label. Most end the line."""
    blot = "\1" * (len(label) - 1) + "\n" if len(label) > 1 else "\1" * len(label)
    return "\n" + blot[1:] if label.startswith(("<", '"', "'", "}")) else blot


def _is_rows_only(masked: str) -> bool:
    """Return whether the text is only rows of one length, so that letters are cells too."""
    lines = [line.strip() for line in masked.strip().split("\n")]
    return len({len(line) for line in lines}) == 1 and all(map(_PLAIN_ROW.fullmatch, lines))


def _code_spans(text: str) -> list[tuple[int, int]]:
    """Return the start and end of the fenced blocks that are programs."""
    fences = list(_FENCE.finditer(text))
    spans: list[tuple[int, int]] = []
    for at in range(0, len(fences), 2):
        start = fences[at].end()
        end = fences[at + 1].start() if at + 1 < len(fences) else len(text)
        if _CODE.search(text, start, end):
            spans.append((start, end))
    return spans


def _is_within(spans: Sequence[tuple[int, int]], at: int) -> bool:
    """Return whether a place is in one of the sorted spans."""
    place = bisect_left(spans, (at + 1, 0)) - 1
    return place >= 0 and spans[place][0] <= at < spans[place][1]


def _find_examples(sections: Sequence[_Section], text: str) -> None:
    """Mark the answers of examples that a reply repeats or checks, after a grid of its own."""
    shown = 0  # the end of the last grid that is neither a question nor a check
    for above, section in itertools.pairwise(sections):
        if above.grids and above.kind not in (Kind.ASKED, Kind.ASIDE):
            shown = above.grids[-1].end
        if section.kind in (Kind.FINAL, Kind.SOLUTION, Kind.NAMED, Kind.TARGET):
            named = _EXAMPLE_NAMED.match(text, section.label, section.start) is not None
            before = ""
            if shown and section.kind is not Kind.FINAL:
                before = text[max(shown, section.label - 4000) : section.label]
            section.of_example = named or _is_of_example(above, before)


def _is_of_example(above: _Section, before: str) -> bool:
    """Return whether the words between a grid and a label name an example: `### Example 1`."""
    labels = list(_EXAMPLE_LABEL.finditer(before))
    if labels and _is_nothing(before, labels[-1].end(), len(before)):
        return True
    paired = above.kind in (Kind.ASKED, Kind.ASIDE) and bool(above.grids)
    return paired and (bool(labels) or _EXAMPLE_CHECK.search(before) is not None)


def _promoted(sections: list[_Section], text: str) -> list[_Section]:
    """Return the sections, where a label without text gives its kind to the next: {"answer": {"grid": …}}."""
    waiting: Kind | None = None
    kept: list[_Section] = []
    for section in sections:
        empty = not section.grids and _is_nothing(text, section.start, section.end)
        inherits = section.kind in (Kind.NAMED, Kind.TARGET) or (section.kind is Kind.PLAIN and not empty)
        if waiting and inherits:
            section.kind, waiting = waiting, None
        elif section.kind in (Kind.FINAL, Kind.SOLUTION, Kind.END):
            waiting = None
        void = _VOID.match(text, section.start)
        if section.kind in (Kind.FINAL, Kind.SOLUTION) and empty and not void:
            waiting = section.kind
        kept.append(section)
    return kept
