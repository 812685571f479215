"""Find the labels of a reply, such as "Answer:", `"output":`, `## Solution` or `<answer>`.

A label says what the text below it is, up to the next label.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, final


class Kind(enum.Enum):
    """Classify what a label says about the text below it. The value of each member describes it."""

    FINAL = "the answer"
    SOLUTION = "the answer, or how it was found"
    NAMED = "the answer, if a whole grid is directly below"
    TARGET = "the answer, if a whole grid is directly below and nothing before it is called the answer"
    ASKED = "the question, or an example"
    ASIDE = "a check, a list of cells, a draft: never the answer"
    EXPLAINED = "an explanation: the answer only if nothing else is"
    PLAIN = "nothing"
    END = "nothing: the labelled text ends"


@final
@dataclass(frozen=True, slots=True)
class Label:
    """Hold a label in a text."""

    kind: Kind
    """What it says about the text below it."""
    start: int
    """The index of its first character."""
    end: int
    """The index of the first character that it labels."""
    key: bool = False
    """Whether it is a key of an object."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# --- Words

_WORDS: Final[dict[Kind, str]] = {
    Kind.FINAL: """
        answer answers final submission mine respuesta antwort endergebnis réponse resposta risposta
        ответ antwoord svar odpowiedź odpověď cevap yanıt απάντηση jawaban vastaus válasz răspuns
        відповідь
    """,
    Kind.SOLUTION: """
        solution solutions output outputs prediction predictions solved corrected correction
        completed predicted revised revision response update edit lösung lösungsgitter solución
        solução soluzione sortie salida ausgabe решение oplossing lösning løsning rozwiązanie řešení
        çözüm λύση solusi ratkaisu megoldás
    """,
    Kind.NAMED: """
        grid after result results board matrix state generation table ergebnis resultado résultat
    """,
    Kind.TARGET: "target expected",
    Kind.ASKED: """
        input inputs question questions puzzle problem given original initial starting current clue
        clues task example examples before prompt unsolved training train demonstration entrada
        entrée eingabe frage aufgabe rätsel pregunta вход вопрос задача
    """,
    Kind.ASIDE: """
        work working scratchwork check checks checking verify verifying verification validation
        validate change changes changed difference differences differing modified modifications
        coordinates coordinate cell cells position positions place places placements path paths
        route moves move transposed transpose transposing column columns col cols confidence draft
        drafts wrong incorrect previous earlier invalid rejected discarded intermediate legend size
        sizes shape dimensions dimension counts neighbours neighbors counting box boxes block blocks
        subgrid subgrids start goal end mistake diff quadrant quadrants sum sums goals locations
        location indices index sanity closest partial tentative alternative alternatives fallback
        format palette code
    """,
    Kind.EXPLAINED: """
        explanation explanations explain reasoning rationale note notes analysis approach method
        pattern thinking thoughts scratch summary strategy observation observations rule rules logic
        justification comment comments commentary idea
    """,
}
"""The words of labels in several languages, by what they say."""
_KINDS: Final = {word: kind for kind, words in _WORDS.items() for word in words.split()}
_PHRASES_OF: Final[dict[Kind, str]] = {
    Kind.FINAL: "答案 | 最终答案 | 最終回答 | 回答 | 答え | 正解 | 정답 | 해답 | 답변 | 답 | "
    "คำตอบ | उत्तर | উত্তর | الإجابة | الجواب | إجابة | תשובה | câu trả lời | trả lời | đáp án",
    Kind.SOLUTION: "输出 | 解答 | 解 | 出力 | 출력 | 풀이",
    Kind.NAMED: "结果 | 結果 | 결과",
    Kind.ASKED: "输入 | 入力 | 입력 | 问题 | 問題 | 문제 | 질문",
}
"""Labels of several words, and of scripts that do not separate words."""
_PHRASES: Final = {phrase: kind for kind, phrases in _PHRASES_OF.items() for phrase in phrases.split(" | ")}
_PROMOTE: Final = _words(
    "final solved corrected completed complete filled finished revised resulting next updated"
)
"""Words that make a solution of a noun such as grid."""
_ADJECTIVES: Final = _words(
    "input given original initial starting current example examples training train unsolved transposed draft "
    "wrong incorrect previous earlier invalid rejected discarded intermediate changed closest "
    "partial tentative alternative fallback"
)
"""Words that outrank the noun: an input grid is not the grid that was asked for."""
_ORDINALS: Final = _words("first initially originally guess attempt attempts try trial tried step")
"""Words of a first attempt."""
_FILLERS: Final = _words(
    "the a an my our your is are was so thus therefore hence then and here it s this that as follows below "
    "now complete full test"
)
"""Words that a label may hold besides its own."""

# --- Parts of a phrase

_OF: Final = re.compile(r"\b(?:of|for|in|with|from|after|to|by|on|using|that|which|where|when|without)\b")
_JOINT: Final = re.compile(
    r",\s+(?=(?:so|thus|hence|therefore|the|which|we|i|my|our|and|giving|it|this|here|then|final|answer)\b)"
    r"|\s--?\s",
    re.IGNORECASE,
)
"""What joins a clause to the one before."""
_ACTS: Final = re.compile(r"\s*[a-z]{2,20}ing\b")
"""A verb such as swapping at the beginning."""
_WORD: Final = re.compile(r"[^\W\d_]+")
_PHRASE: Final = re.compile("|".join(sorted(_PHRASES, key=len, reverse=True)))
_NOT: Final = re.compile(
    r"(?:\bnot|n't|\bnever)\s+(?:(?:the|a|an|my|our|yet|valid|final|correct|right)\s+)*+"
    r"(?:answer|solution|output|result|prediction|grid)\b"
)
"""A denial such as "not the answer"."""
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])|_")
"""What separates the words of a name such as finalAnswer or final_answer."""

# --- Labels

_SEGMENT: Final = re.compile(
    # A key of an object
    r"\"(?P<key>[^\W\d][\w \-]{0,60})\"\s{0,3}:|'(?P<key_too>[^\W\d][\w \-]{0,60})'\s{0,3}:"
    # A tag
    r"|<\|?(?P<close>/)?(?:[A-Za-z]\w{0,15}:)?(?P<tag>[A-Za-z][A-Za-z_\-]{1,30})(?:\s[^<>\n]{0,200})?\|?>"
    # A box of LaTeX, and an arrow
    r"|(?P<boxed>\\{1,2}boxed\s?\{)"
    r"|(?P<arrow>->|→|⇒|=>|➡|⟶|⟹)"
    # Words, and a colon or equals sign after them
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
"""A verb directly before a grid or the end of the words."""
_ROW_NAME: Final = re.compile(
    r"(?:row|line|r|reihe|fila|zeile)?[ _#-]{0,2}\d{0,4}|[a-z]\d{0,3}", re.IGNORECASE
)
"""The name of a row, which labels only that row."""
_REJECTED: Final = re.compile(
    r"\([^()]*\b(?:wrong|incorrect|invalid|rejected|draft|discarded|previous)\b", re.IGNORECASE
)
"""A remark in parentheses that rejects a grid."""
_BRACE: Final = re.compile(r"\\{1,2}boxed\s?\{|[{}]")
_MOST: Final = 160
"""The length in characters of the end of a phrase that may be a label."""


def labels(text: str) -> Iterator[Label]:
    """Yield the labels of a plain text in order."""
    for segment in _SEGMENT.finditer(text):
        label = _label(text, segment)
        if label is not None:
            yield label


def boxes(text: str) -> Iterator[Label]:
    """Yield the ends of boxes of LaTeX, because the text after a box is not an answer."""
    if "boxed" not in text:
        return
    opened: list[bool] = []  # for each open brace, whether it is the one of a box
    for brace in _BRACE.finditer(text):
        if brace.group() != "}":
            opened.append(brace.group() != "{")
        elif opened and opened.pop():
            yield Label(Kind.END, brace.start(), brace.end())


def _label(text: str, segment: re.Match[str]) -> Label | None:
    """Return the label that a segment of the text is, or None if it is none."""
    start, end = segment.span()
    if key := segment["key"] or segment["key_too"]:
        if _ROW_NAME.fullmatch(key):
            return None
        return Label(_kind(_CAMEL.sub(" ", key)) or Kind.PLAIN, start, end, key=True)
    if segment["tag"]:
        kind = _kind(_CAMEL.sub(" ", segment["tag"]))
        return kind and Label(Kind.END if segment["close"] else kind, start, end)
    if segment["boxed"]:
        return Label(Kind.FINAL, start, end)
    if segment["arrow"]:
        nearby = max(0, start - 20)
        line = text[max(text.rfind("\n", nearby, start) + 1, nearby) : start].strip(" \t*_`|>-")
        return None if line and _ROW_NAME.fullmatch(line) else Label(Kind.NAMED, start, end)
    return _phrase(text, segment)


def _phrase(text: str, segment: re.Match[str]) -> Label | None:
    """Return the label that ends a phrase of prose: by a colon, by a verb, or as a heading."""
    # The last clause
    words, start = segment["words"], segment.start()
    if len(words) > _MOST:
        cut = len(words) - _MOST
        words, start = words[cut:], start + cut
    if joints := list(_JOINT.finditer(words)):
        start += joints[-1].end()
        words = words[joints[-1].end() :]

    # A colon or an equals sign makes a label of it
    if segment["stop"]:
        if _ROW_NAME.fullmatch(words.strip()):
            return None
        kind = _yielded(words, _VERB.search(words)) or _kind(_CAMEL.sub(" ", words))
        return kind and Label(kind, start, segment.end())

    # Otherwise a verb does, or a line of its own
    following = text[segment.end() : segment.end() + 1]
    if following in (".", "!", "?", ";", "=", ">"):
        return None
    if verb := _VERB.search(words):
        kind = _yielded(words, verb) or _kind(words[: verb.start()])
        return kind and Label(kind, start, start + verb.end())
    return _heading(text, segment) if following in ("", "\n") else None


def _yielded(words: str, verb: re.Match[str] | None) -> Kind | None:
    """Return what a verb of change at the end of words says, or None if there is none.

    "Applying the rule to the input gives" is not a label of an input.
    """
    if verb is None or not verb["yields"] or words[verb.end() :].strip(" *_`~"):
        return None
    kinds = {_KINDS.get(word) for word in _WORD.findall(words.lower())}
    return Kind.ASIDE if Kind.ASIDE in kinds else Kind.NAMED


def _heading(text: str, segment: re.Match[str]) -> Label | None:
    """Return the label that a line of its own is: marked as a heading, or only of words of labels."""
    words = segment["words"]
    line_start = text.rfind("\n", max(0, segment.start() - 40), segment.start()) + 1
    before = text[line_start : segment.start()] if line_start or segment.start() < 40 else "?"
    if len(words) > 60 or any(char.isalnum() or char in '.,;:!?()[]{}|"<>=\\' for char in before):
        return None
    bare = words.rstrip("*_`~ \t")
    is_marked = "#" in before or (before.rstrip(" ").endswith(("*", "_")) and bare != words)
    kind = _kind(bare)
    if kind is None or len(bare.split()) > 6:
        return None
    all_words = _WORD.findall(bare.lower())
    are_known = all(word in _KINDS or word in _FILLERS or word in _PROMOTE for word in all_words)
    if not is_marked and (not are_known or kind not in (Kind.FINAL, Kind.SOLUTION)):
        return None
    return Label(kind, segment.start(), segment.end())


def _kind(phrase: str) -> Kind | None:
    """Return what the head of a phrase says, or None if the phrase is not a label."""
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
    """Return what a head with words of labels says.

    known: the words of labels in it, in order. The last one is the noun.
    """
    words = frozenset(_WORD.findall(head))
    noun = _KINDS.get(known[-1])
    acts = _ACTS.match(head)
    if acts and acts[0].strip() not in _KINDS and noun is Kind.ASIDE:
        return Kind.NAMED  # "swapping two cells:" shows the result

    # Words before the noun
    adjectives = words & _ADJECTIVES - ({"example", "examples"} if "test" in words else set())
    if adjectives and not words & _PROMOTE:
        return _KINDS[min(adjectives)]
    if "final" in words and noun in (Kind.FINAL, Kind.SOLUTION, Kind.NAMED, Kind.TARGET, Kind.ASKED, None):
        return Kind.FINAL
    is_promotable = noun in (Kind.NAMED, Kind.TARGET, Kind.SOLUTION)
    if words & _PROMOTE and (is_promotable or known[-1] in ("puzzle", "problem", "task")):
        return Kind.SOLUTION
    if words & _ORDINALS and noun in (Kind.FINAL, Kind.SOLUTION, Kind.NAMED, Kind.TARGET):
        return Kind.PLAIN
    return noun
