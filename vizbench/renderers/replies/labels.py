"""Find the labels of a reply, such as "Answer:", `"output":`, `## Solution` and `<answer>`."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, final


class Kind(enum.Enum):
    """What a label says of the text below it."""

    FINAL = "the answer"
    SOLUTION = "the answer, or how it was found"
    NAMED = "the answer, if a whole grid is directly below"
    TARGET = "the answer, if a whole grid is directly below and nothing before it is called the answer"
    ASKED = "the question, or an example"
    ASIDE = "a check, a list of cells, a draft: never the answer"
    EXPLAINED = "an explanation: the answer only if nothing else is"
    PLAIN = "nothing"
    END = "what was labelled ends"


@final
@dataclass(frozen=True, slots=True)
class Label:
    """A label in a text."""

    kind: Kind
    """What it says of the text below."""
    start: int
    """Its first character."""
    end: int
    """The first character that it labels."""
    key: bool = False
    """Whether it is a key of an object."""


def _words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


_WORDS: Final[dict[Kind, str]] = {
    Kind.FINAL: "answer answers final submission mine respuesta antwort endergebnis réponse resposta "
    "risposta "
    "ответ antwoord svar odpowiedź odpověď cevap yanıt απάντηση jawaban vastaus válasz răspuns відповідь",
    Kind.SOLUTION: "solution solutions output outputs prediction predictions solved corrected correction "
    "completed predicted revised revision response update edit lösung lösungsgitter solución solução "
    "soluzione "
    "sortie salida ausgabe решение oplossing lösning løsning rozwiązanie řešení çözüm λύση solusi ratkaisu "
    "megoldás",
    Kind.NAMED: "grid after result results board matrix state generation table ergebnis resultado résultat",
    Kind.TARGET: "target expected",
    Kind.ASKED: "input inputs question questions puzzle problem given original initial starting current clue "
    "clues task example examples before prompt unsolved training train demonstration entrada entrée eingabe "
    "frage aufgabe rätsel pregunta вход вопрос задача",
    Kind.ASIDE: "work working scratchwork check checks checking verify verifying verification validation "
    "validate change changes changed difference differences differing modified modifications coordinates "
    "coordinate cell cells position positions place places placements path paths route moves move "
    "transposed transpose transposing column columns col cols confidence draft drafts wrong incorrect "
    "previous earlier invalid rejected discarded intermediate legend size sizes shape dimensions "
    "dimension counts neighbours neighbors counting box boxes block blocks subgrid subgrids start goal "
    "end mistake diff quadrant quadrants sum sums goals locations location indices index sanity closest "
    "partial tentative alternative alternatives fallback format palette code",
    Kind.EXPLAINED: "explanation explanations explain reasoning rationale note notes analysis approach "
    "method "
    "pattern thinking thoughts scratch summary strategy observation observations rule rules logic "
    "justification comment comments commentary idea",
}
_KINDS: Final = {word: kind for kind, words in _WORDS.items() for word in words.split()}
_PHRASES: Final = {
    phrase: kind
    for kind, phrases in {
        Kind.FINAL: "答案 | 最终答案 | 最終回答 | 回答 | 答え | 正解 | 정답 | 해답 | 답변 | 답 | "
        "คำตอบ | उत्तर | উত্তর | الإجابة | الجواب | إجابة | תשובה | câu trả lời | trả lời | đáp án",
        Kind.SOLUTION: "输出 | 解答 | 解 | 出力 | 출력 | 풀이",
        Kind.NAMED: "结果 | 結果 | 결과",
        Kind.ASKED: "输入 | 入力 | 입력 | 问题 | 問題 | 문제 | 질문",
    }.items()
    for phrase in phrases.split(" | ")
}
"""Labels in scripts without spaces, and labels of several words."""
_PROMOTE: Final = _words(
    "final solved corrected completed complete filled finished revised resulting next updated"
)
_ADJECTIVES: Final = _words(
    "input given original initial starting current example examples training train unsolved transposed draft "
    "wrong incorrect previous earlier invalid rejected discarded intermediate changed closest "
    "partial tentative alternative fallback"
)
"""Words that decide before the noun: an input grid is not the grid that was asked for."""
_SOLVABLE: Final = _words("puzzle problem task")
_ORDINALS: Final = _words("first initially originally guess attempt attempts try trial tried step")
_FILLERS: Final = _words(
    "the a an my our your is are was so thus therefore hence then and here it s this that as follows "
    "below now "
    "complete full test"
)
_OF: Final = re.compile(r"\b(?:of|for|in|with|from|after|to|by|on|using|that|which|where|when|without)\b")
_JOINT: Final = re.compile(
    r",\s+(?=(?:so|thus|hence|therefore|the|which|we|i|my|our|and|giving|it|this|here|then|final|answer)\b)"
    r"|\s--?\s",
    re.IGNORECASE,
)
_ACTS: Final = re.compile(r"\s*[a-z]{2,20}ing\b")
_WORD: Final = re.compile(r"[^\W\d_]+")
_PHRASE: Final = re.compile("|".join(sorted(_PHRASES, key=len, reverse=True)))
_NOT: Final = re.compile(
    r"(?:\bnot|n't|\bnever)\s+(?:(?:the|a|an|my|our|yet|valid|final|correct|right)\s+)*+"
    r"(?:answer|solution|output|result|prediction|grid)\b"
)
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])|_")

_SEGMENT: Final = re.compile(
    r"\"(?P<key>[^\W\d][\w \-]{0,60})\"\s{0,3}:|'(?P<key_too>[^\W\d][\w \-]{0,60})'\s{0,3}:"
    r"|<\|?(?P<close>/)?(?:[A-Za-z]\w{0,15}:)?(?P<tag>[A-Za-z][A-Za-z_\-]{1,30})(?:\s[^<>\n]{0,200})?\|?>"
    r"|(?P<boxed>\\{1,2}boxed\s?\{)"
    r"|(?P<arrow>->|→|⇒|=>|➡|⟶|⟹)"
    r"|(?P<words>[^\W\d_][^\n.!?;:=\[\]{}|\"<>\\→⇒➡⟶⟹]*+)"
    r"(?P<stop>[*_`~' \t]*+(?:=(?![=>])|:(?!:|//)|-?=))?"
)
_VERB: Final = re.compile(
    r"\b(?:(?P<plain>is|are|was|as follows|below|equals|lautet|ist|es|est|be|reads)"
    r"|(?P<yields>becomes|become|gives|give|yields|produces|get|obtain|turns into|results in|maps to|"
    r"transforms into))"
    r"[\s*_`~$]*+(?=$|[0-9(])",
    re.IGNORECASE,
)
_ROW_NAME: Final = re.compile(
    r"(?:row|line|r|reihe|fila|zeile)?[ _#-]{0,2}\d{0,4}|[a-z]\d{0,3}", re.IGNORECASE
)
_REJECTED: Final = re.compile(
    r"\([^()]*\b(?:wrong|incorrect|invalid|rejected|draft|discarded|previous)\b", re.IGNORECASE
)
_BRACE: Final = re.compile(r"\\{1,2}boxed\s?\{|[{}]")
_MOST: Final = 160
"""Most characters of a phrase that may be a label."""


def labels(text: str) -> Iterator[Label]:
    """Yield the labels of a plain text in order."""
    for match in _SEGMENT.finditer(text):
        label = _label(text, match)
        if label is not None:
            yield label


def boxes(text: str) -> Iterator[Label]:
    """Yield the ends of boxes: text after the closing brace is not part of the answer."""
    opened: list[bool] = []
    for brace in _BRACE.finditer(text) if "boxed" in text else ():
        if brace.group() != "}":
            opened.append(brace.group() != "{")
        elif opened and opened.pop():
            yield Label(Kind.END, brace.start(), brace.end())


def _label(text: str, match: re.Match[str]) -> Label | None:
    """Return the label that a segment is: a key, a tag, a box, an arrow or a phrase."""
    start, end = match.span()
    if key := match["key"] or match["key_too"]:
        if _ROW_NAME.fullmatch(key):
            return None
        return Label(_kind(_CAMEL.sub(" ", key)) or Kind.PLAIN, start, end, key=True)
    if match["tag"]:
        kind = _kind(_CAMEL.sub(" ", match["tag"]))
        return kind and Label(Kind.END if match["close"] else kind, start, end)
    if match["boxed"]:
        return Label(Kind.FINAL, start, end)
    if match["arrow"]:
        line = text[max(text.rfind("\n", 0, start) + 1, start - 20) : start].strip(" \t*_`|>-")
        return None if line and _ROW_NAME.fullmatch(line) else Label(Kind.NAMED, start, end)
    return _phrase(text, match)


def _phrase(text: str, match: re.Match[str]) -> Label | None:
    """Return the label that a phrase of prose is: by a colon, by a verb before a grid, or as a heading."""
    words, start = match["words"], match.start()
    if len(words) > _MOST:
        cut = len(words) - _MOST
        words, start = words[cut:], start + cut
    if joints := list(_JOINT.finditer(words)):
        start += joints[-1].end()
        words = words[joints[-1].end() :]
    if match["stop"]:
        if _ROW_NAME.fullmatch(words.strip()):
            return None
        kind = _yielded(words, _VERB.search(words)) or _kind(_CAMEL.sub(" ", words))
        return kind and Label(kind, start, match.end())
    following = text[match.end() : match.end() + 1]
    if following in (".", "!", "?", ";", "=", ">"):
        return None
    if verb := _VERB.search(words):
        kind = _yielded(words, verb) or _kind(words[: verb.start()])
        return kind and Label(kind, start, start + verb.end())
    return _heading(text, match) if following in ("", "\n") else None


def _yielded(words: str, verb: re.Match[str] | None) -> Kind | None:
    """Return what a verb of change labels: "applying the rule to the input gives" is not an input."""
    if verb is None or not verb["yields"] or words[verb.end() :].strip(" *_`~"):
        return None
    kinds = {_KINDS.get(word) for word in _WORD.findall(words.lower())}
    return Kind.ASIDE if Kind.ASIDE in kinds else Kind.NAMED


def _heading(text: str, match: re.Match[str]) -> Label | None:
    """Return the label that a separate line is: marked as a heading, or only words of a label."""
    words = match["words"]
    line_start = text.rfind("\n", max(0, match.start() - 40), match.start()) + 1
    before = text[line_start : match.start()] if line_start or match.start() < 40 else "?"
    if len(words) > 60 or any(c.isalnum() or c in '.,;:!?()[]{}|"<>=\\' for c in before):
        return None
    bare = words.rstrip("*_`~ \t")
    marked = "#" in before or (before.rstrip(" ").endswith(("*", "_")) and bare != words)
    kind = _kind(bare)
    if kind is None or len(bare.split()) > 6:
        return None
    known = all(w in _KINDS or w in _FILLERS or w in _PROMOTE for w in _WORD.findall(bare.lower()))
    if not marked and (not known or kind not in (Kind.FINAL, Kind.SOLUTION)):
        return None
    return Label(kind, match.start(), match.end())


def _kind(phrase: str) -> Kind | None:
    """Return what the head of a phrase says. None if the phrase is not a label."""
    head = phrase.partition("(")[0].lower()
    if _REJECTED.search(phrase) or _NOT.search(head):
        return Kind.ASIDE
    if phrases := _PHRASE.findall(head):
        return _PHRASES[phrases[-1]]
    of = _OF.search(head, 1)
    for part in (head[: of.start()], head) if of else (head,):
        known = [word for word in _WORD.findall(part) if word in _KINDS or word in _PROMOTE]
        if known:
            return _head_kind(part, known)
    return None


def _head_kind(head: str, known: list[str]) -> Kind | None:
    """Return what a head with known words says."""
    words = frozenset(_WORD.findall(head))
    noun = _KINDS.get(known[-1])
    acts = _ACTS.match(head)
    if acts and acts[0].strip() not in _KINDS and noun is Kind.ASIDE:
        return Kind.NAMED  # "swapping two cells:" shows the result
    adjectives = words & _ADJECTIVES - ({"example", "examples"} if "test" in words else set())
    if adjectives and not words & _PROMOTE:
        return _KINDS[min(adjectives)]
    if "final" in words and noun in (Kind.FINAL, Kind.SOLUTION, Kind.NAMED, Kind.TARGET, Kind.ASKED, None):
        return Kind.FINAL
    can_be_solved = noun in (Kind.NAMED, Kind.TARGET, Kind.SOLUTION) or known[-1] in _SOLVABLE
    if words & _PROMOTE and can_be_solved:
        return Kind.SOLUTION
    if words & _ORDINALS and noun in (Kind.FINAL, Kind.SOLUTION, Kind.NAMED, Kind.TARGET):
        return Kind.PLAIN
    return noun
