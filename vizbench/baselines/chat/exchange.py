"""One question to an endpoint, asked until it is answered or no patience is left.

What can happen, and what becomes of it:

an answer, a refusal, an answer without text, one over MAX_BYTES   recorded: the model gave it (`reply`
decides) a reply that holds nothing, EMPTY times                            recorded: the model ended without
a text 429, 408, 409, 5xx, a hang, a broken line, JSON that is torn or    asked again, then UserError: the
cell fails and may wrong, an error in a reply of status 200                           be resumed, for none of
these is a wrong answer a quota that is used up, 400, 401, 404 …, also named in a reply    UserError at once:
asking again would not help of status 200; a redirect, a certificate that does not hold

The key is in no message and no reason: all of them leave through `redact.redacted`.
"""

from __future__ import annotations

import email.utils
import re
import socket
import ssl
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, Final, final
from urllib.error import URLError

from vizbench.baselines.chat.endpoint import Endpoint
from vizbench.baselines.chat.redact import redacted
from vizbench.baselines.chat.reply import MAX_BYTES, Fault, http_fault, quoted, read_reply
from vizbench.errors import UserError
from vizbench.types import DecodeFailure

TRIES: Final = 6

FIRST_WAIT: Final = 2.0
"""Seconds before the second try, doubled before each further one: the minute of a rate limit goes by in six
tries."""

LONGEST_WAIT: Final = 60.0
"""Seconds, whatever Retry-After says."""

EMPTY: Final = 3
"""Replies without anything in them after which the silence is the model's: services give such while they
start."""

_PASSING = frozenset({408, 409, 425, 429})
_QUOTA = frozenset({402, 403, 429})
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)
_MAX_FAULT = 1 << 16  # bytes read of a reply that is an error


@final
@dataclass(frozen=True, slots=True)
class Trouble:
    """A fault that may pass."""

    what: str
    """What happened: the same for faults of one kind."""
    words: str = ""
    """The server's own words."""
    wait: float = 0.0
    """Seconds for which the server wants to be left alone."""
    empty: bool = False
    """Whether the reply is sound and holds nothing."""


def ask(endpoint: Endpoint, body: bytes, sleep: Callable[[float], None]) -> str | DecodeFailure:
    """Post a request's JSON; the answer's text, or why the model gave none. sleep: waits so many seconds.

    UserError if the endpoint refuses, or gave no answer in TRIES tries; it says what each try met.
    """
    try:
        reply = _patiently(endpoint, body, sleep)
    except UserError as error:
        raise UserError(redacted(str(error), endpoint.secret)) from None
    return (
        DecodeFailure(redacted(reply.reason, endpoint.secret)) if isinstance(reply, DecodeFailure) else reply
    )


def _patiently(endpoint: Endpoint, body: bytes, sleep: Callable[[float], None]) -> str | DecodeFailure:
    """Ask up to TRIES times."""
    met: Counter[str] = Counter()
    words: dict[str, str] = {}
    for again in range(1, TRIES + 1):
        reply = _once(endpoint, body)
        if not isinstance(reply, Trouble):
            return reply
        met[reply.what] += 1
        words[reply.what] = reply.words or words.get(reply.what, "")
        if reply.empty and met[reply.what] == EMPTY:
            return DecodeFailure(reply.what)
        if again < TRIES:
            sleep(min(max(reply.wait, FIRST_WAIT * 2 ** (again - 1)), LONGEST_WAIT))
    story = "; ".join(
        f"{count} x {what}" + (f": {words[what]}" if words[what] else "") for what, count in met.items()
    )
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
    sockets: list[socket.socket] = []
    try:
        with (
            _cut_after(endpoint.timeout, sockets),
            _opener(endpoint.url, sockets).open(request, timeout=endpoint.timeout) as response,
        ):
            status: int = response.status
            raw = _read(response, MAX_BYTES if 200 <= status < 300 else _MAX_FAULT)
            wait = _seconds(response.headers)
            if time.monotonic() > deadline:
                raise TimeoutError
    except (OSError, HTTPException, UnicodeError) as error:
        return _broken(endpoint, TimeoutError() if time.monotonic() > deadline else error)
    if 300 <= status < 400:
        raise UserError(
            f"{endpoint.url} answers with a redirect ({status}), which would carry the key elsewhere: "
            "set OPENAI_BASE_URL to where it leads"
        )
    if not 200 <= status < 300:
        return _trouble(endpoint, http_fault(raw or b"", endpoint.secret, f"status {status}"), status, wait)
    if raw is None:
        return DecodeFailure(f"the reply has over {MAX_BYTES:,} bytes")
    reply = read_reply(raw, endpoint.secret)
    return _trouble(endpoint, reply, reply.code, wait) if isinstance(reply, Fault) else reply


def _trouble(endpoint: Endpoint, fault: Fault, status: int, wait: float) -> Trouble:
    """The fault as one that may pass. UserError if it will not. status: of the reply, or the one it names, or
    0."""
    words = fault.words or "it does not say why"
    if fault.spent and (status in _QUOTA or not status):
        raise UserError(f"{endpoint.url} has no quota left for this key ({fault.what}): {words}")
    if status and status not in _PASSING and status < 500:
        named = "" if fault.what == f"status {status}" else f", named in {fault.what}"
        raise UserError(f"{endpoint.url} refuses the request with status {status}{named}: {words}")
    return Trouble(fault.what, fault.words, wait, fault.empty)


def _opener(url: str, sockets: list[socket.socket]) -> urllib.request.OpenerDirector:
    """Opens addresses and no more: without the handlers that follow redirects, which would take the key along
    to any host. The proxy of the environment is for https alone, where it sees no content.

    sockets: gets those of the connections that are opened.
    """

    def watched(kind: Any) -> Any:
        def make(*arguments: Any, **named: Any) -> HTTPConnection:
            connection: HTTPConnection = kind(*arguments, **named)
            connect = connection.connect

            def connect_and_note() -> None:
                connect()
                sockets.append(connection.sock)

            connection.connect = connect_and_note
            return connection

        return make

    class Plain(urllib.request.HTTPHandler):
        def do_open(self, http_class: Any, req: Any, **named: Any) -> Any:
            return super().do_open(watched(http_class), req, **named)

    class Safe(urllib.request.HTTPSHandler):
        def do_open(self, http_class: Any, req: Any, **named: Any) -> Any:
            return super().do_open(watched(http_class), req, **named)

    opener = urllib.request.OpenerDirector()
    proxy = urllib.request.ProxyHandler(None if url.startswith("https:") else {})
    for handler in (proxy, Plain(), Safe()):
        opener.add_handler(handler)
    return opener


@contextmanager
def _cut_after(seconds: float, sockets: list[socket.socket]) -> Generator[None]:
    """Within the block, break the connections after so many seconds.

    A timeout of a socket begins again with every byte: a server that drips its headers would hold a request
    for ever."""

    def cut() -> None:
        for each in sockets:
            with suppress(OSError):  # closed by now
                socket.socket.shutdown(each, socket.SHUT_RDWR)  # that of TLS would also drop what decrypts it

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _read(response: HTTPResponse, most: int) -> bytes | None:
    """The reply's body; None where it has over `most` bytes."""
    whole = bytearray()
    while piece := response.read1(1 << 16):
        whole += piece
        if len(whole) > most:
            return None
    return bytes(whole)


def _broken(endpoint: Endpoint, error: Exception) -> Trouble:
    """What a failed connection means."""
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        raise UserError(f"{endpoint.url} has a certificate that does not hold ({reason.verify_message})")
    if isinstance(reason, TimeoutError):
        return Trouble(f"no answer within {endpoint.timeout:g} s")
    return Trouble("a broken connection", quoted(str(reason), endpoint.secret) or type(reason).__name__)


def _seconds(headers: Message) -> float:
    """How long a server wants to be left alone: Retry-After-Ms, or Retry-After in seconds or as a date (RFC
    9110,
    10.2.3); 0 if it does not say."""
    asked = headers.get("Retry-After-Ms", "")
    if _NUMBER.fullmatch(asked):
        return float(asked) / 1000
    asked = headers.get("Retry-After", "")
    if _NUMBER.fullmatch(asked):
        return float(asked)
    try:
        then = email.utils.parsedate_to_datetime(asked)
    except (ValueError, TypeError, OverflowError):
        return 0.0
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max(0.0, (then - datetime.now(UTC)).total_seconds())
