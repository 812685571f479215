"""Test that the key appears in no output, however a text spells it."""

from __future__ import annotations

import base64
import json
from string import ascii_letters, digits
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.chat_server import KEY, completion
from vizbench.baselines.chat.endpoint import endpoint_from
from vizbench.baselines.chat.redact import LONGEST, PART, redacted
from vizbench.baselines.chat.reply import quoted, read_reply
from vizbench.errors import UserError

KEYS = st.text(f"{ascii_letters}{digits}-._~+/=", min_size=PART, max_size=60)
"""What a bearer token may be (RFC 6750, 2.1)."""
AROUND = st.text(max_size=12)


def every(pattern: str):
    """Spells each character by a number."""
    return lambda key: "".join(pattern.format(ord(letter)) for letter in key)


SPELLINGS = {
    "plain": str,
    "upper": str.upper,
    "JSON": every("\\u{:04x}"),
    "JSON twice": every("\\\\u{:04X}"),
    "Python": every("\\x{:02x}"),
    "braces": every("\\u{{{:x}}}"),
    "URL": lambda key: quote(key, safe=""),
    "URL, every character": every("%{:02x}"),
    "URL twice": every("%25{:02X}"),
    "HTML": every("&#{};"),
    "HTML in hexadecimal": every("&#x{:x};"),
    "lines": "\n".join,
    "escaped lines": "\\n".join,
    "zero width": "\u200b".join,
    "hexadecimal": lambda key: key.encode().hex(),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64 of a header": lambda key: base64.b64encode(f"Bearer {key}".encode()).decode(),
    "base64 of a login": lambda key: base64.urlsafe_b64encode(f"me:{key}\n".encode()).decode(),
    "JSON string": json.dumps,
    "its middle": lambda key: key[len(key) // 2 - PART // 2 :][:PART],
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@given(key=KEYS, before=AROUND, after=AROUND)
@settings(max_examples=25, deadline=None)
def test_the_key_is_found_in_every_spelling(spelling, key, before, after):
    spelled = SPELLINGS[spelling](key)
    shown = redacted(f"{before} {spelled} {after}", key)
    assert "***" in shown
    assert key.lower() not in shown.lower()
    if spelling not in ("base64 of a header", "base64 of a login"):  # what is beside the key there may remain
        assert spelled not in shown
    assert redacted(shown, key).count("*") >= 3  # once more changes nothing that would show it


@given(text=st.text(), key=KEYS)
@settings(max_examples=50, deadline=None)
def test_other_text_is_left_as_it_is(text, key):
    shown = redacted(text, key)
    assert shown == text or "***" in shown
    assert redacted(text, "") == text


@pytest.mark.parametrize(
    "key", ["pass\\word\\n0", "100%41%42%43", "a&#45;b&#45;c", "\\u0041\\u0042", "abcd", "~" * 40]
)
def test_odd_keys_are_found_as_they_are(key):
    assert "***" in redacted(f"<{key}>", key) and key not in redacted(f"<{key}>", key)
    assert key not in redacted(every("\\u{:04x}")(key), key)


def test_time_and_memory_stay_bounded():
    assert redacted("\\u0031" * 200_000, KEY) == "\\u0031" * 200_000
    assert redacted(f"{KEY} , " * 1_000, KEY) == "*** , " * 1_000
    assert redacted("x" * LONGEST + KEY, KEY) == "***"


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_servers_words_are_quoted_without_it(spelling):
    spelled = SPELLINGS[spelling](KEY)
    body = json.dumps({"error": {"message": f"bad key {spelled} here"}}).encode()
    fault = read_reply(body, KEY)
    assert spelled not in str(fault) and KEY not in str(fault) and "***" in str(fault)
    raw = b'{"error":{"message":"bad key ' + SPELLINGS["JSON"](KEY).encode() + b'"}}'
    assert str(read_reply(raw, KEY)) == "an error in place of a reply: bad key ***"
    assert quoted(f"bad key {spelled} here", KEY).startswith("bad key ")


def test_digits_of_a_key_remain_in_an_answer():
    assert read_reply(completion("[[1,2,3,4],[5,6,7,8]]"), "12345678") == "[[1,2,3,4],[5,6,7,8]]"
    assert read_reply(completion("[[1,2,3,4],[5,6,7,8]]"), "sk-12345678") == "[[1,2,3,4],[5,6,7,8]]"
    assert read_reply(completion(f"{KEY} [[1]]"), KEY) == "*** [[1]]"


@pytest.mark.parametrize(
    ("variables", "model", "name"),
    [
        ({"OPENAI_BASE_URL": f"https://x/{KEY}/v1"}, "m", "OPENAI_BASE_URL"),
        ({"VIZBENCH_API_BODY": json.dumps({"user": KEY})}, "m", "VIZBENCH_API_BODY"),
        ({}, f"m-{KEY}", "--checkpoint"),
    ],
)
def test_a_key_in_what_is_recorded_is_refused(variables, model, name):
    with pytest.raises(UserError, match=f"{name} holds the key") as caught:
        endpoint_from({"OPENAI_BASE_URL": "https://x/v1", "OPENAI_API_KEY": KEY} | variables, model)
    assert KEY not in str(caught.value)
