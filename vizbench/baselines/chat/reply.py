"""Read a chat completion, and decide whether it is the model's reply or the server's failure.

Replies are hostile: they are bounded, checked and never evaluated. `read_reply` decides once, by all fields.

The server's failure, which is asked again, or fails the trial:

- a body that is not a JSON object: HTML, a stream of events, incomplete, empty
- `error` or `errors` in the body, the choice, the message or a part
- `object: error`, `success: false`, a `status` in FAILED, a `base_resp` code
- `choices` missing, null or empty, or a first choice without a message
- a `finish_reason` in FAILED, also with words behind it, whatever the text
- text only in parts of unknown types, or content that is neither text nor parts
- no text and no `finish_reason`: the reply did not end
- no text and nothing else: an empty reply

The model's reply:

- text, also beside a refusal, a tool call or reasoning
- text with a `finish_reason` in CUT or FILTERED, marked as cut

No answer, with the reason:

- no text and a `finish_reason` in CUT: cut by length
- no text, but a refusal, a tool call, reasoning, or a filter's `finish_reason`

Null parts and null texts are ignored. Reasoning, in a field or in parts of its own, is never an answer.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias, TypeGuard, cast, final

from vizbench._util.text import replace_surrogates
from vizbench.baselines.chat.redact import redacted
from vizbench.model import CutText
from vizbench.types import DecodeFailure

MAX_BYTES: Final = 10_000_000
"""Most bytes of a reply, before and after unpacking."""

MAX_QUOTE: Final = 200
"""Most characters of a server's own words in a message."""

FAILED: Final = frozenset(
    {
        "error", "failed", "failure", "timeout", "cancelled", "canceled", "abort", "aborted", "network_error",
        "server_error", "internal_error", "engine_error", "overloaded", "insufficient_system_resource",
    }
)  # fmt: skip
"""Values of `finish_reason` that report a failure of the server."""

CUT: Final = frozenset(
    {"length", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded"}
)
"""Values of `finish_reason` that report a reply cut by a limit."""

FILTERED: Final = frozenset(
    {
        "content_filter", "content_filtered", "safety", "sensitive", "recitation", "prohibited_content",
        "blocklist",
    }
)  # fmt: skip
"""Values of `finish_reason` that report a reply withheld by a filter."""

_TEXTS: Final = frozenset({"", "text", "output_text"})
"""Types of parts that hold the text of a reply."""

_THOUGHTS: Final = ("reasoning_content", "reasoning", "reasoning_details", "thinking")
"""Fields of a message that hold the model's reasoning."""

_EVENT: Final = re.compile(r"\s*(?::[^\n]*\n\s*)*")
"""Blank lines and comments of event streams, which gateways send to keep a connection open."""

_QUOTA: Final = re.compile(
    r"insufficient[_ ]?\w*(quota|balance|credit|fund)|exceeded_current_quota|billing|arrear|payment_required"
    r"|out_of_credit|credits?[_ ](exhausted|balance)|quota[_ ]exhausted|account_(deactivated|suspended)",
    re.IGNORECASE,
)
_QUOTA_WORDS: Final = re.compile(
    r"exceeded your (current|monthly) quota|(insufficient|not enough) (quota|balance|credits?|funds)"
    r"|out of credits|credit balance is too low|billing details|余额不足|欠费",
    re.IGNORECASE,
)
_LATER: Final = re.compile(
    r"try again in|retry|per (second|minute|hour|day)|requests? per|tokens per|rate[_ -]?limit", re.IGNORECASE
)

Object: TypeAlias = Mapping[str, Any]


@final
@dataclass(frozen=True, slots=True)
class Fault:
    """A failure of the server. It is not an answer."""

    what: str
    """What happened, in our words. It is the same text for failures of one kind."""
    words: str = ""
    """The server's own words: one short line without the key."""
    code: int = 0
    """The HTTP status that the body names, 0 if it names none."""
    spent: bool = False
    """Whether a quota is used up, so that waiting does not help."""
    empty: bool = False
    """Whether the reply is well-formed but has no content."""

    def __str__(self) -> str:
        return f"{self.what}: {self.words}" if self.words else self.what


def read_reply(raw: bytes, secret: str = "") -> str | DecodeFailure | Fault:
    """Return the text of the first choice, why the model gave none, or the failure of the server.

    secret: removed from everything that is returned.
    """
    try:
        body = _parsed(raw)
    except ValueError as error:
        return Fault(
            f"a reply that is not a chat completion ({error})", quoted(_plain(_decoded(raw)), secret)
        )

    # Find the first choice and its message. Each may report a failure.
    if not _is_object(body) or _failing(body) or body.get("object") == "error":
        return _fault(raw, body, secret, "an error in place of a reply")
    choices = body.get("choices")
    choice = cast("list[object]", choices)[0] if isinstance(choices, list) and choices else None
    if not _is_object(choice):
        return _fault(raw, body, secret, "a reply that is not a chat completion (it has no choices)")
    message = choice.get("message")
    for part in (choice, message):
        if _is_object(part) and _failing(part):
            return fault_of(part, secret, "an error in place of a reply")

    # Read why the reply ended, then its message.
    ended = _word(choice.get("finish_reason"))
    if _is_failure(ended):
        return fault_of(choice, secret, f"a reply that failed (finish_reason {quoted(ended)[:40]})")
    if not _is_object(message):
        return _fault(raw, choice, secret, "a reply that is not a chat completion (it has no message)")
    return _message(body, message, ended, secret)


def _message(body: Object, message: Object, ended: str, secret: str) -> str | DecodeFailure | Fault:
    """Read the message of a reply without a failure. ended: its `finish_reason`."""
    parts = _Parts()
    if not parts.read(message.get("content")):
        return Fault("a reply whose content is neither text nor parts")
    if parts.errors:
        return fault_of(parts.errors[0], secret, "an error in place of a reply")
    text = replace_surrogates("".join(parts.texts))
    if not text.strip():
        return _without_text(body, message, parts, ended, secret)
    text = _shown(text, secret)
    if ended.lower() in CUT:
        return CutText(text, "length")
    return CutText(text, "a filter") if ended.lower() in FILTERED else text


def _without_text(
    body: Object, message: Object, parts: _Parts, ended: str, secret: str
) -> DecodeFailure | Fault:
    """Decide what a message without text is."""
    if parts.unknown:
        kinds = ", ".join(dict.fromkeys(quoted(kind, secret)[:40] for kind in parts.unknown))
        return Fault(f"a reply whose text is in parts of unknown types ({kinds})")
    reason = _reason(message, parts, ended, secret)
    if reason:
        return DecodeFailure(reason)
    if not ended:
        return Fault("a reply without text that did not end (it has no finish_reason)")
    reason = f"the model ended without a text ({quoted(ended, secret)[:40]})"
    thoughts = parts.thoughts or any(map(message.get, _THOUGHTS))
    if thoughts or parts.others or _tokens(body) > 1:
        return DecodeFailure(reason)
    return Fault(reason, empty=True)


def _reason(message: Object, parts: _Parts, ended: str, secret: str) -> str:
    """Return why the model gave no text, as far as the reply says so, else ""."""
    refusal = _word(message.get("refusal")) or "".join(parts.refusals)
    if refusal:
        return f"the model refused: {quoted(replace_surrogates(refusal), secret)}"
    if ended.lower() in CUT:
        return "the reply was cut by length before it had an answer"
    if ended.lower() in FILTERED:
        return f"a filter withheld the reply ({quoted(ended)[:40]})"
    if message.get("tool_calls") or message.get("function_call") or parts.calls:
        return "the model called a tool and gave no text"
    return ""


@final
class _Parts:
    """The pieces of a message's content, sorted by their type."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.refusals: list[str] = []
        self.errors: list[Object] = []
        self.unknown: list[str] = []
        """Types of parts with a text whose type is not known."""
        self.thoughts = self.calls = self.others = False

    def read(self, content: object) -> bool:
        """Sort the content. Return False if it is neither text nor parts."""
        if content is None or isinstance(content, str):
            self.texts.append(content or "")
            return True
        pieces = cast("list[object]", content) if isinstance(content, list) else [content]
        return all(self._sort(piece) for piece in pieces)

    def _sort(self, piece: object) -> bool:
        """Sort one piece. Return False if it is neither text nor a part."""
        if piece is None or isinstance(piece, str):
            self.texts.append(piece or "")
            return True
        if not _is_object(piece):
            return False

        # Servers name types in many ways: words in the name decide before the known names do.
        kind = _word(piece.get("type")).lower()
        text = piece.get("text")
        if _is_object(text):  # as {"value": ..., "annotations": [...]}
            text = text.get("value")
        if kind == "error" or _failing(piece):
            self.errors.append(piece)
        elif "think" in kind or "reason" in kind or piece.get("thought") is True:
            self.thoughts = True
        elif kind == "refusal":
            self.refusals.append(_word(piece.get("refusal")) or _word(text))
        elif "tool" in kind or "function" in kind:
            self.calls = True
        elif kind in _TEXTS:
            self.texts.append(_word(text))
        elif _word(text):
            self.unknown.append(kind)
        else:  # such as a picture
            self.others = True
        return True


def fault_of(body: object, secret: str, what: str) -> Fault:
    """Return the failure that a body reports: the server's words, its status, whether a quota is used up."""
    objects = list(_objects(body))
    words = next((word for one in objects for word in _words(one)), "")
    marks = [_word(one.get(key)) for one in objects for key in ("code", "type", "status", "reason")]
    statuses = (_status(one.get(key)) for one in objects for key in ("code", "status", "status_code"))
    code = next(filter(None, statuses), 0)
    spent = any(map(_QUOTA.search, marks)) or _spent(words)
    shown = words or " ".join(dict.fromkeys(filter(None, marks)))
    return Fault(what, quoted(shown, secret), code, spent)


def http_fault(raw: bytes, secret: str, what: str) -> Fault:
    """Return the failure that the body of an HTTP error reports.

    Its words are the body itself if that is not JSON.
    """
    try:
        body = _parsed(raw)
    except ValueError:
        words = _plain(_decoded(raw))
        return Fault(what, quoted(words, secret), spent=_spent(words))
    return _fault(raw, body, secret, what)


def _fault(raw: bytes, body: object, secret: str, what: str) -> Fault:
    """Return the failure that a body reports. Its words are the body itself if it contains none."""
    fault = fault_of(body, secret, what)
    return fault if fault.words else replace(fault, words=quoted(_decoded(raw), secret))


def _spent(words: str) -> bool:
    """Return whether the message reports a used-up quota and names no time of renewal."""
    if " " not in words.strip() and _QUOTA.search(words):  # an error code, not a sentence
        return True
    return bool(_QUOTA_WORDS.search(words)) and not _LATER.search(words)


def _plain(text: str) -> str:
    """Remove the tags of a web page. Other text is returned unchanged."""
    if not text.lstrip().startswith("<"):
        return text
    return re.sub(r"<(script|style)\b.{0,9999}?</\1>|<[^<>]{0,9999}>", " ", text[:100_000], flags=re.S | re.I)


def quoted(text: str, secret: str = "") -> str:
    """Return foreign text as one short line, without control characters and the secret."""
    text = redacted(text[: 50 * MAX_QUOTE], secret)
    return " ".join(re.findall(r"[^\x00-\x20\x7f-\x9f\u2028\u2029\ud800-\udfff]+", text))[:MAX_QUOTE]


def _parsed(raw: bytes) -> Any:
    """Parse the body as JSON. Raises ValueError with what it is instead.

    Accepted, because servers send it: byte order marks, UTF-16, comments of event streams before the reply,
    gzip that was not asked for, bytes that are not UTF-8, NaN, control characters in strings, and lone
    surrogates.
    """
    text = _decoded(raw)
    text = text[_EVENT.match(text).end() :]  # pyright: ignore[reportOptionalMemberAccess] it matches an empty text too
    if not text:
        raise ValueError("it is empty")
    if text.startswith(("data:", "event:", "id:")):
        raise ValueError("it is a stream of events, which was not asked for")
    if text.startswith("<"):
        raise ValueError("it is a web page")
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON, or incomplete") from None


def _decoded(raw: bytes) -> str:
    """Unpack and decode the body."""
    if raw.startswith(b"\x1f\x8b"):  # JSON never begins with these bytes
        unpacker = zlib.decompressobj(wbits=31)
        try:
            raw = unpacker.decompress(raw, MAX_BYTES)
        except zlib.error:
            return "gzip that cannot be unpacked"
        if not unpacker.eof:
            return "gzip that is incomplete or too large"
    encoding = json.detect_encoding(raw)
    return raw.decode("utf-8-sig" if encoding == "utf-8" else encoding, "replace")


def _objects(body: object, depth: int = 0) -> Iterator[Object]:
    """Yield the innermost error, then the objects around it, at most four levels deep."""
    if isinstance(body, list) and body:
        body = cast("list[object]", body)[0]
    if not _is_object(body) or depth > 3:
        return
    for key in ("error", "detail", "errors", "base_resp"):
        yield from _objects(body.get(key), depth + 1)
    yield body


def _failing(one: Object) -> bool:
    """Return whether an object reports a failure, in its errors, its status or `success: false`.

    An error with only empty fields does not count: some servers send one beside a good reply.
    """
    if any(map(_is_filled, (one.get("error"), one.get("errors")))):
        return True
    base = one.get("base_resp")
    if _is_object(base) and base.get("status_code"):
        return True
    return one.get("success") is False or _is_failure(_word(one.get("status")))


def _is_filled(error: object) -> bool:
    """Return whether an error has any content."""
    return any(cast("Object", error).values()) if isinstance(error, dict) else bool(error)


def _is_failure(word: str) -> bool:
    """Return whether a status or `finish_reason` begins with a word of FAILED, as in `error: timed out`."""
    return (re.split(r"[^a-z_]", word.strip().lower(), maxsplit=1)[0] or word) in FAILED


def _words(body: Object) -> Iterator[str]:
    """Yield the sentences in which an object describes an error."""
    for key in ("message", "msg", "error", "error_message", "status_msg", "detail", "reason", "title"):
        word = body.get(key)
        if isinstance(word, str) and word.strip():
            yield word


def _status(code: object) -> int:
    """Return the HTTP status of an error, from a number or its text, or 0 for anything else."""
    text = str(code) if isinstance(code, int | str) and not isinstance(code, bool) else ""
    return int(text) if re.fullmatch("[45][0-9]{2}", text, re.ASCII) else 0


def _tokens(body: Object) -> int:
    """Return how many tokens the model wrote, by the server's count, or 0 if it does not say."""
    usage = body.get("usage")
    count = usage.get("completion_tokens") if _is_object(usage) else 0
    return count if isinstance(count, int) else 0


def _shown(text: str, secret: str) -> str:
    """Remove the whole secret from a reply. Parts of it remain, because its digits may be cells of a grid."""
    return redacted(text, secret, len(secret)) if any(map(str.isalpha, secret)) else text


def _word(value: object) -> str:
    """Return the value if it is a string, else ""."""
    return value if isinstance(value, str) else ""


def _is_object(value: object) -> TypeGuard[Object]:
    """Return whether the value is a JSON object."""
    return isinstance(value, dict)
