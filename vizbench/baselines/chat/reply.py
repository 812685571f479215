"""What a chat completion says. Replies are hostile until read: typed, bounded by their reader, never evaluated."""

from __future__ import annotations

import re
from typing import Annotated, Final, final

import msgspec
from msgspec import Meta

from vizbench.types import DecodeFailure

MAX_QUOTE: Final = 200
"""Characters of a server's own words that a message repeats."""


@final
class _Part(msgspec.Struct, frozen=True):
    """A piece of a message; pieces of other types than text have none."""

    text: str = ""


@final
class _Message(msgspec.Struct, frozen=True):
    content: str | list[_Part] | None = None
    refusal: str | None = None


@final
class _Choice(msgspec.Struct, frozen=True):
    message: _Message
    finish_reason: str | None = None


@final
class _Completion(msgspec.Struct, frozen=True):
    choices: Annotated[list[_Choice], Meta(min_length=1)]


def read_reply(raw: bytes) -> str | DecodeFailure:
    """The text of the first choice, or why the model gave none. ValueError where this is no chat completion at all,
    which is the server's fault and no answer."""
    try:
        choice = msgspec.json.decode(raw, type=_Completion).choices[0]
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ValueError(quoted(str(error))) from None
    content = choice.message.content or ""
    text = content if isinstance(content, str) else "".join(part.text for part in content)
    if text:  # also where the limit cut it off: a grid that is whole counts, one that is torn says so itself
        return text
    if choice.message.refusal:
        return DecodeFailure(f"the model refused: {quoted(choice.message.refusal)}")
    why = f" ({quoted(choice.finish_reason)[:40]})" if choice.finish_reason else ""
    return DecodeFailure(f"the model ended without a text{why}")


def quoted(text: str, secret: str = "") -> str:
    """Foreign text as it may stand in a message: one line, no control characters, short, without the secret."""
    if secret:
        text = text.replace(secret, "***")
    return " ".join(re.findall(r"[^\x00-\x20\x7f-\x9f\ud800-\udfff]+", text))[:MAX_QUOTE]
