"""Find what a reply says about its own grids: that one is a draft or wrong, or that it gives up."""

from __future__ import annotations

import re
from typing import Final

_DRAFT: Final = re.compile(
    r"\b(?:first|initially|originally|earlier)[, ]+(?:\w+[, ]+){0,3}?"
    r"(?:tried|try|thought|attempt\w*|guess\w*|had|considered)\b[^.!?\n]*$"
    r"|\b(?:transposed?|transposing)\b[^.!?\n]*$"
    r"|\b(?:an?|the|one|another) (?:invalid|wrong|incorrect|na[iï]ve|bad|illegal) (?:\w+ )?"
    r"(?:grid|answer|solution|output|board|fill) "
    r"(?:is|reads|(?:would|might|could) be|(?:would )?looks? like)(?: this)?$"
    r"|(?:^|[.!?]\s+)you (?:suggested|proposed)\b[^.!?\n]*$",
    re.IGNORECASE,
)

_WRONG: Final = r"(?:wrong|incorrect|invalid|illegal|impossible|a mistake|a contradiction|not allowed)"
_RIGHT: Final = r"(?:right|correct|valid|possible)"
_IS: Final = r"(?:\s+(?:is|was|looks|seems|cannot be|can't be)|'s)(?: not|n't)?"
_FAILS: Final = (
    r"\s+(?:breaks|broke|violates|violated|fails|failed|contradicts|contradicted|crosses|conflicts|clashes|"
    r"(?:doesn't|does not|did not|didn't) (?:work|satisfy|fit))\b"
)
_SUBJECT: Final = r"(?:that|this|it|which|(?:but|however|no,|unfortunately)\b[^.!?\n]{0,60})"
_PLACE: Final = (
    r"(?:(?:row|column|col|cell|line|digit|entry|value|corner)s?\s*(?:#|\()?\s*(?:[0-9]|[A-I]\b)|"
    r"r[0-9]+c[0-9]+|"
    r"(?:first|second|third|fourth|last|final|top|bottom|middle|left|right|upper|lower|centre|center)[- ]"
    r"(?:\w+[- ]){0,2}?(?:row|column|col|cell|line|digit|entry|value|corner)s?)\b"
)
_EDIT: Final = (
    r"\b(?:wait|actually|oops|sorry|hold on)\b[^.!?\n]{0,30}?"
    rf"\b{_PLACE}[^.!?\n]{{0,30}}?\b(?:should|must|ought to|needs? to|has to) (?:be|become|read|have|hold)\b"
    r"(?! (?:checked|verified|right|correct|fine|ok)\b)"
    rf"|\b(?:correction|edit)\W[^.!?\n]{{0,30}}?\b{_PLACE}[^.!?\n]{{0,30}}?\b(?:is|are|becomes?|=|to)\s"
    rf"|^(?:now|then|finally|please),? (?:change|replace|swap|exchange|set)\s[^.!?\n]{{0,20}}?\b{_PLACE}"
)
"""A change in words to the grid above, so that the answer is still to be written."""
_TAKEN_BACK: Final = re.compile(
    rf"\b{_SUBJECT}(?:(?P<fault>{_IS}\s+(?:\w+\s+)?(?:{_WRONG}|{_RIGHT})\b)|{_FAILS})"
    r"|\bi (?:made|see) (?:a|an|my) (?:mistake|error)|\bscratch that\b"
    r"|\b(?:ignore|disregard|discard) (?:that|this|the above|it)\b"
    r"|\bnot (?:a )?(?:valid|correct|right) (?:solution|answer|grid)\b"
    rf"|\bwrong (?:grid|answer|solution)\b|^\W{{0,3}}no[,.]|{_EDIT}",
    re.IGNORECASE | re.MULTILINE,
)
_AFFIRMED: Final = re.compile(rf"\b{_RIGHT}$", re.IGNORECASE)
_NEGATION: Final = re.compile(r"n't\b|\bnot\b|\bcannot\b", re.IGNORECASE)
_EXCUSED: Final = re.compile(
    r"\b(?:no(?!,)|nothing|none|never|neither|without|if|would)\b[^.!?\n]*$", re.IGNORECASE
)
"""Words before "is wrong" that turn it into "nothing is wrong"."""

_DENIED: Final = re.compile(
    r"\W{0,4}(?:is|was)(?:n't| not|\s+(?:wrong|incorrect|invalid|impossible))\b"
    r"|\W{0,4}(?:fails|breaks|violates)\b"
    r"|\W{0,4}(?:except|but with)\b"
    r"|\W{0,4}with\b[^.!?\n]{0,40}\b(?:swapped|exchanged|replaced|flipped|changed|reversed)\b",
    re.IGNORECASE,
)
_RECONSIDERED: Final = re.compile(
    r"\b(?:wait|hold on|hmm+|oops|actually|sorry|on second thought|instead(?! of)|correction|no(?=[:,!]\s)|"
    r"let me (?:fix|correct|redo|try again|retry|start over))\b",
    re.IGNORECASE,
)

_UNABLE: Final = (
    r"(?:cannot|can't|can not|could not|couldn't|(?:am|was|'m) (?:unable|not able) to|failed to|"
    r"do not|don't|did not|didn't)"
)
_FLAW: Final = (
    r"(?:errors?|mistakes?|faults?|violations?|conflicts?|other|problems?|contradictions?|issues?|"
    r"another|more|"
    r"duplicates?|why)"
)
_GIVEN_UP: Final = re.compile(
    rf"\bi\s+{_UNABLE}\s+(?:find|see|give|produce|determine|tell|solve|complete|work out|provide|know|"
    rf"decide|finish|"
    r"come up with|identify|derive|compute|"
    r"answer|figure|have (?:one|an?|any|it))\b"
    rf"(?!\W+(?:\w+\W+){{0,3}}{_FLAW}\b)"
    r"|\bi(?:'m| am)? (?:give|giving|gave) up\b"
    r"|\bi (?:found|find|have|see) no (?:valid )?(?:solution|answer|grid|way)\b"
    r"|\b(?:there is|there's|has|have|with) no (?:valid |possible |correct )?(?:solution|answer)s?\b"
    r"|^\W{0,9}no (?:valid |possible )?(?:solution|answer)\b|\bno (?:valid )?solution exists\b"
    r"|\bunsolvable\b|\bcannot be (?:solved|determined|completed|answered)\b"
    r"|\bimpossible to (?:solve|determine|complete|answer)\b|\bno idea\b"
    r"|\b(?:not sure|unsure) (?:of|what) the (?:answer|solution)\b",
    re.IGNORECASE | re.MULTILINE,
)
_NONE: Final = re.compile(
    r"(?:none|unknown|n/?a|null|nan|undefined|undetermined|unclear|"
    r"unsure|tbd|todo|pending|not sure|not (?:found|known|possible)|no\b|\?)|.*\bnot$"
    r"|.*\b(?:transpose|transposition|reverse|mirror(?: image)?|inverse|opposite|complement|rotation) of$",
    re.IGNORECASE,
)


def taken_back(text: str) -> list[int]:
    """Return where a text says that what it just showed is wrong."""
    return [match.start() for match in _TAKEN_BACK.finditer(text) if not _is_excused(text, match)]


def reconsidered(text: str) -> list[int]:
    """Return where a text reconsiders: a later grid of the same size replaces the one before."""
    return [match.start() for match in _RECONSIDERED.finditer(text)]


def given_up(text: str) -> list[int]:
    """Return where a text says that it has no answer."""
    return [match.start() for match in _GIVEN_UP.finditer(text)]


def is_denied(text: str, at: int) -> bool:
    """Return whether the words directly after a grid say that it is not the answer."""
    return _DENIED.match(text, at) is not None


def introduces_draft(before: str) -> bool:
    """Return whether the words before a grid call it an earlier attempt or a transposed copy."""
    return _DRAFT.search(before) is not None


def says_none(before: str) -> bool:
    """Return whether the words between an answer's label and a grid say that there is no answer."""
    return _GIVEN_UP.search(before) is not None or _NONE.match(before.strip(" \t*_`\n>")) is not None


def _is_excused(text: str, match: re.Match[str]) -> bool:
    """Return whether the phrase says that all is right: "that is correct", "nothing is wrong"."""
    phrase = match.group()
    negated = _NEGATION.search(phrase) is not None
    if match["fault"] and negated != bool(_AFFIRMED.search(phrase)):
        return True
    if phrase.lower().lstrip().startswith("no"):
        return False
    inside = phrase if match["fault"] is None else phrase[: match.start("fault") - match.start()]
    return _EXCUSED.search(f"{text[max(0, match.start() - 30) : match.start()]} {inside}") is not None
