"""One question to an endpoint, asked until it is answered or no patience is left.

What can happen, and what becomes of it:

an answer, a refusal, an answer without text, one over MAX_BYTES   recorded: it is what the model did
429, 408, 5xx, a hang, a broken line, JSON that is torn or wrong   asked again, then UserError: the cell fails and may
                                                                   be resumed, for none of these is a wrong answer
400, 401, 404 …, a redirect, a certificate that does not hold      UserError at once: asking again would not help
"""

from __future__ import annotations

import email.utils
import re
import ssl
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPException, HTTPResponse
from typing import Final, final
from urllib.error import URLError

from vizbench.baselines.chat.endpoint import Endpoint
from vizbench.baselines.chat.reply import quoted, read_reply
from vizbench.errors import UserError
from vizbench.types import DecodeFailure

MAX_BYTES: Final = 10_000_000
"""Of a reply."""

TRIES: Final = 6

FIRST_WAIT: Final = 2.0
"""Seconds before the second try, doubled before each further one: the minute of a rate limit goes by in six tries."""

LONGEST_WAIT: Final = 60.0
"""Seconds, whatever Retry-After says."""

_PASSING = frozenset({408, 425, 429})
_MAX_FAULT = 1 << 16  # bytes read of a reply that is an error


@final
@dataclass(frozen=True, slots=True)
class Trouble:
    """A fault that may pass. says: what happened; wait: seconds the server wants to be left alone."""

    says: str
    wait: float = 0.0


def ask(endpoint: Endpoint, body: bytes, sleep: Callable[[float], None]) -> str | DecodeFailure:
    """Post a request's JSON; the answer's text, or why the model gave none. sleep: waits so many seconds.

    UserError where the endpoint refuses, or gave no answer in TRIES tries; it tells what each try met.
    """
    met: Counter[str] = Counter()
    for again in range(1, TRIES + 1):
        found = _once(endpoint, body)
        if not isinstance(found, Trouble):
            return found
        met[found.says] += 1
        if again < TRIES:
            sleep(min(max(found.wait, FIRST_WAIT * 2 ** (again - 1)), LONGEST_WAIT))
    story = "; ".join(f"{count} x {says}" for says, count in met.items())
    raise UserError(
        f"{endpoint.url} gave no answer in {TRIES} tries ({story}): what was answered is kept, "
        "and the same command goes on from there later"
    )


def _once(endpoint: Endpoint, body: bytes) -> str | DecodeFailure | Trouble:
    """One try."""
    headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "vizbench"}
    if endpoint.key:
        headers["Authorization"] = f"Bearer {endpoint.key}"
    request = urllib.request.Request(f"{endpoint.url}/chat/completions", body, headers, method="POST")
    deadline = time.monotonic() + endpoint.timeout
    try:
        with _opener(endpoint.url).open(request, timeout=endpoint.timeout) as response:
            status: int = response.status
            raw = _read(response, MAX_BYTES if status == 200 else _MAX_FAULT, deadline)
            wait = _seconds(response.headers.get("Retry-After", ""))
        if raw and endpoint.secret:  # some servers repeat the key in their complaints
            raw = raw.replace(endpoint.secret.encode(), b"***")
    except (OSError, HTTPException, UnicodeError) as error:
        return _broken(endpoint, error)
    if status == 200:
        if raw is None:
            return DecodeFailure(f"the reply has over {MAX_BYTES:,} bytes")
        try:
            return read_reply(raw)
        except ValueError as error:
            return Trouble(f"a reply that is no chat completion ({error})")
    said = quoted((raw or b"").decode("utf-8", "replace"))
    if status in _PASSING or status >= 500:
        return Trouble(f"status {status}", wait)
    if 300 <= status < 400:
        raise UserError(
            f"{endpoint.url} answers with a redirect ({status}), which would carry the key elsewhere: "
            "set OPENAI_BASE_URL to where it leads"
        )
    raise UserError(f"{endpoint.url} refuses the request with status {status}: {said or 'it does not say why'}")


def _opener(url: str) -> urllib.request.OpenerDirector:
    """Opens addresses and no more: without the handlers that follow redirects, which would take the key along to any
    host. The proxy of the environment is for https alone, where it sees no content."""
    opener = urllib.request.OpenerDirector()
    proxy = urllib.request.ProxyHandler(None if url.startswith("https:") else {})
    for handler in (proxy, urllib.request.HTTPHandler(), urllib.request.HTTPSHandler()):
        opener.add_handler(handler)
    return opener


def _read(response: HTTPResponse, most: int, deadline: float) -> bytes | None:
    """The reply's body; None where it has over `most` bytes. TimeoutError for one that trickles past the deadline."""
    whole = bytearray()
    while piece := response.read1(1 << 16):
        whole += piece
        if len(whole) > most:
            return None
        if time.monotonic() > deadline:
            raise TimeoutError
    return bytes(whole)


def _broken(endpoint: Endpoint, error: Exception) -> Trouble:
    """What a failed connection means."""
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        raise UserError(f"{endpoint.url} has a certificate that does not hold ({reason.verify_message})")
    if isinstance(reason, TimeoutError):
        return Trouble(f"no answer within {endpoint.timeout:g} s")
    return Trouble(f"a broken connection ({quoted(str(reason), endpoint.secret) or type(reason).__name__})")


def _seconds(retry_after: str) -> float:
    """What a Retry-After header asks for: whole seconds or a date (RFC 9110, 10.2.3); 0 for anything else."""
    if re.fullmatch(r"[0-9]{1,9}", retry_after):
        return float(retry_after)
    try:
        then = email.utils.parsedate_to_datetime(retry_after)
    except (ValueError, TypeError, OverflowError):
        return 0.0
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max(0.0, (then - datetime.now(UTC)).total_seconds())
