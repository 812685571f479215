"""Find what a reply says against its own grids.

It may call a grid a draft, take it back, think again, or give up. `choice` decides what follows from that.
"""

from __future__ import annotations

import re
from typing import Final

_DRAFT: Final = re.compile(
    # "I first tried …", and every kind of transposing
    r"\b(?:first|initially|originally|earlier)[, ]+(?:\w+[, ]+){0,3}?"
    r"(?:tried|try|thought|attempt\w*|guess\w*|had|considered)\b[^.!?\n]*$"
    r"|\b(?:transposed?|transposing)\b[^.!?\n]*$"
    # "A wrong grid is …"
    r"|\b(?:an?|the|one|another) (?:invalid|wrong|incorrect|na[iï]ve|bad|illegal) (?:\w+ )?"
    r"(?:grid|answer|solution|output|board|fill) "
    r"(?:is|reads|(?:would|might|could) be|(?:would )?looks? like)(?: this)?$"
    # "You suggested …"
    r"|(?:^|[.!?]\s+)you (?:suggested|proposed)\b[^.!?\n]*$",
    re.IGNORECASE,
)
"""Words directly before a grid that call it an earlier try or a transposed copy."""

_WRONG: Final = r"(?:wrong|incorrect|invalid|illegal|impossible|a mistake|a contradiction|not allowed)"
_RIGHT: Final = r"(?:right|correct|valid|possible)"
_IS: Final = r"(?:\s+(?:is|was|looks|seems|cannot be|can't be)|'s)(?: not|n't)?"
_FAILS: Final = (
    r"\s+(?:breaks|broke|violates|violated|fails|failed|contradicts|contradicted|crosses|conflicts|clashes|"
    r"(?:doesn't|does not|did not|didn't) (?:work|satisfy|fit))\b"
)
_SUBJECT: Final = r"(?:that|this|it|which|(?:but|however|no,|unfortunately)\b[^.!?\n]{0,60})"
"""What a statement that a grid is wrong begins with."""
_PLACE: Final = (
    r"(?:(?:row|column|col|cell|line|digit|entry|value|corner)s?\s*(?:#|\()?\s*(?:[0-9]|[A-I]\b)|r[0-9]+c[0-9]+|"
    r"(?:first|second|third|fourth|last|final|top|bottom|middle|left|right|upper|lower|centre|center)[- ]"
    r"(?:\w+[- ]){0,2}?(?:row|column|col|cell|line|digit|entry|value|corner)s?)\b"
)
_EDIT: Final = (
    # A cell that should hold another value, as in "wait, row 2 should be"
    r"\b(?:wait|actually|oops|sorry|hold on)\b[^.!?\n]{0,30}?"
    rf"\b{_PLACE}[^.!?\n]{{0,30}}?\b(?:should|must|ought to|needs? to|has to) (?:be|become|read|have|hold)\b"
    r"(?! (?:checked|verified|right|correct|fine|ok)\b)"
    # A correction of a cell
    rf"|\b(?:correction|edit)\W[^.!?\n]{{0,30}}?\b{_PLACE}[^.!?\n]{{0,30}}?\b(?:is|are|becomes?|=|to)\s"
    # An order to change or swap cells
    rf"|^(?:now|then|finally|please),? (?:change|replace|swap|exchange|set)\s[^.!?\n]{{0,20}}?\b{_PLACE}"
)
"""A change to the grid above that is only described, so that the answer is not written yet."""
_TAKEN_BACK: Final = re.compile(
    # A grid that is wrong, is not right, or breaks a rule
    rf"\b{_SUBJECT}(?:(?P<fault>{_IS}\s+(?:\w+\s+)?(?:{_WRONG}|{_RIGHT})\b)|{_FAILS})"
    # A mistake that the reply admits, or a grid that it discards
    r"|\bi (?:made|see) (?:a|an|my) (?:mistake|error)|\bscratch that\b"
    r"|\b(?:ignore|disregard|discard) (?:that|this|the above|it)\b"
    # A denial
    r"|\bnot (?:a )?(?:valid|correct|right) (?:solution|answer|grid)\b"
    rf"|\bwrong (?:grid|answer|solution)\b|^\W{{0,3}}no[,.]|{_EDIT}",
    re.IGNORECASE | re.MULTILINE,
)
"""A statement that the grid above is wrong."""

_AFFIRMED: Final = re.compile(rf"\b{_RIGHT}$", re.IGNORECASE)
_NEGATION: Final = re.compile(r"n't\b|\bnot\b|\bcannot\b", re.IGNORECASE)
_EXCUSED: Final = re.compile(
    r"\b(?:no(?!,)|nothing|none|never|neither|without|if|would)\b[^.!?\n]*$", re.IGNORECASE
)
"""Words before "is wrong" that turn it into the statement that nothing is wrong."""

_DENIED: Final = re.compile(
    # "… is not it", "… fails"
    r"\W{0,4}(?:is|was)(?:n't| not|\s+(?:wrong|incorrect|invalid|impossible))\b"
    r"|\W{0,4}(?:fails|breaks|violates)\b"
    # "… but with two cells swapped"
    r"|\W{0,4}(?:except|but with)\b"
    r"|\W{0,4}with\b[^.!?\n]{0,40}\b(?:swapped|exchanged|replaced|flipped|changed|reversed)\b",
    re.IGNORECASE,
)
"""Words directly after a grid that say it is not the answer."""
_RECONSIDERED: Final = re.compile(
    r"\b(?:wait|hold on|hmm+|oops|actually|sorry|on second thought|instead(?! of)|correction|no(?=[:,!]\s)|"
    r"let me (?:fix|correct|redo|try again|retry|start over))\b",
    re.IGNORECASE,
)
"""Words with which a reply thinks again."""

_UNABLE: Final = (
    r"(?:cannot|can't|can not|could not|couldn't|(?:am|was|'m) (?:unable|not able) to|failed to|"
    r"do not|don't|did not|didn't)"
)
_FLAW: Final = (
    r"(?:errors?|mistakes?|faults?|violations?|conflicts?|other|problems?|contradictions?|issues?|another|more|"
    r"duplicates?|why)"
)
"""What a reply may fail to find without giving up."""
_GIVEN_UP: Final = re.compile(
    # "I cannot find …", but not "I cannot find any mistake"
    rf"\bi\s+{_UNABLE}\s+"
    r"(?:find|see|give|produce|determine|tell|solve|complete|work out|provide|know|decide|finish|"
    r"come up with|identify|derive|compute|"
    r"answer|figure|have (?:one|an?|any|it))\b"
    rf"(?!\W+(?:\w+\W+){{0,3}}{_FLAW}\b)"
    # "I give up", "I found no solution"
    r"|\bi(?:'m| am)? (?:give|giving|gave) up\b"
    r"|\bi (?:found|find|have|see) no (?:valid )?(?:solution|answer|grid|way)\b"
    # "There is no solution", "cannot be solved"
    r"|\b(?:there is|there's|has|have|with) no (?:valid |possible |correct )?(?:solution|answer)s?\b"
    r"|^\W{0,9}no (?:valid |possible )?(?:solution|answer)\b|\bno (?:valid )?solution exists\b"
    r"|\bunsolvable\b|\bcannot be (?:solved|determined|completed|answered)\b"
    r"|\bimpossible to (?:solve|determine|complete|answer)\b|\bno idea\b"
    r"|\b(?:not sure|unsure) (?:of|what) the (?:answer|solution)\b",
    re.IGNORECASE | re.MULTILINE,
)
"""A statement that the reply has no answer."""
_NONE: Final = re.compile(
    # "none", "unknown", "… not"
    r"(?:none|unknown|n/?a|null|nan|undefined|undetermined|unclear|"
    r"unsure|tbd|todo|pending|not sure|not (?:found|known|possible)|no\b|\?)|.*\bnot$"
    # "the transpose of"
    r"|.*\b(?:transpose|transposition|reverse|mirror(?: image)?|inverse|opposite|complement|rotation) of$",
    re.IGNORECASE,
)


def taken_back(text: str) -> list[int]:
    """Return the indices at which a text says that what it just showed is wrong."""
    return [phrase.start() for phrase in _TAKEN_BACK.finditer(text) if not _is_excused(text, phrase)]


def reconsidered(text: str) -> list[int]:
    """Return the indices at which a text thinks again.

    A grid of the same size after such a place replaces the grid before it.
    """
    return [phrase.start() for phrase in _RECONSIDERED.finditer(text)]


def given_up(text: str) -> list[int]:
    """Return the indices at which a text says that it has no answer."""
    return [phrase.start() for phrase in _GIVEN_UP.finditer(text)]


def is_denied(text: str, at: int) -> bool:
    """Return whether the words directly after a grid say that it is not the answer.

    at: the index of the first character after the grid.
    """
    return _DENIED.match(text, at) is not None


def introduces_draft(before: str) -> bool:
    """Return whether the words before a grid call it an earlier try or a transposed copy."""
    return _DRAFT.search(before) is not None


def says_none(before: str) -> bool:
    """Return whether the words between a label and a grid say that there is no answer."""
    return _GIVEN_UP.search(before) is not None or _NONE.match(before.strip(" \t*_`\n>")) is not None


def _is_excused(text: str, match: re.Match[str]) -> bool:
    """Return whether a phrase says that all is right: "that is correct", "nothing is wrong"."""
    phrase = match.group()
    is_negated = _NEGATION.search(phrase) is not None
    if match["fault"] and is_negated != bool(_AFFIRMED.search(phrase)):
        return True
    if phrase.lower().lstrip().startswith("no"):
        return False
    subject = phrase if match["fault"] is None else phrase[: match.start("fault") - match.start()]
    before = text[max(0, match.start() - 30) : match.start()]
    return _EXCUSED.search(f"{before} {subject}") is not None
