"""Ask an endpoint one question, with repeated tries until there is an answer.

Recorded as the model's answer:

- an answer, a refusal, an answer without text, a reply over MAX_BYTES (`reply` decides)
- a reply without any content, after EMPTY of them

Asked again, up to TRIES times; then UserError, and the trial can be resumed, because none of these is a wrong
answer:

- status 429, 408, 409, 425 or 5xx
- a timeout or a broken connection
- JSON that is incomplete or unexpected, or an error in a reply of status 200

UserError at once, because asking again would not help:

- a used-up quota, status 400, 401, 404 …, also if a reply of status 200 names them
- a redirect, an invalid certificate

No message and no reason contains the key: all pass through `redact.redacted`.
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
"""Most tries per question."""

FIRST_WAIT: Final = 2.0
"""Seconds before the second try, doubled before each further one.

Six tries outlast a rate limit per minute.
"""

LONGEST_WAIT: Final = 60.0
"""Most seconds between two tries, whatever Retry-After says."""

EMPTY: Final = 3
"""Empty replies after which the question counts as unanswered. Services send some while they start."""

_PASSING = frozenset({408, 409, 425, 429})
_QUOTA = frozenset({402, 403, 429})
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)
_MAX_FAULT = 1 << 16  # bytes read of a reply that is an error


@final
@dataclass(frozen=True, slots=True)
class Trouble:
    """A failure that may pass."""

    what: str
    """What happened. It is the same text for failures of one kind."""
    words: str = ""
    """The server's own words."""
    wait: float = 0.0
    """Seconds that the server asks to wait."""
    empty: bool = False
    """Whether the reply is well-formed but has no content."""


def ask(endpoint: Endpoint, body: bytes, sleep: Callable[[float], None]) -> str | DecodeFailure:
    """Post a request's JSON. Return the answer's text, or why the model gave none.

    sleep: waits for a number of seconds. Raises UserError if the endpoint refuses, or gave no answer in TRIES
    tries. The message lists what each try met.
    """
    try:
        reply = _with_retries(endpoint, body, sleep)
    except UserError as error:
        raise UserError(redacted(str(error), endpoint.secret)) from None
    if isinstance(reply, DecodeFailure):
        return DecodeFailure(redacted(reply.reason, endpoint.secret))
    return reply


def _with_retries(endpoint: Endpoint, body: bytes, sleep: Callable[[float], None]) -> str | DecodeFailure:
    """Ask up to TRIES times."""
    counts: Counter[str] = Counter()
    words: dict[str, str] = {}
    for number in range(1, TRIES + 1):
        reply = _once(endpoint, body)
        if not isinstance(reply, Trouble):
            return reply
        counts[reply.what] += 1
        words[reply.what] = reply.words or words.get(reply.what, "")
        if reply.empty and counts[reply.what] == EMPTY:
            return DecodeFailure(reply.what)
        if number < TRIES:
            sleep(min(max(reply.wait, FIRST_WAIT * 2 ** (number - 1)), LONGEST_WAIT))
    story: list[str] = []
    for what, count in counts.items():
        quote = f": {words[what]}" if words[what] else ""
        story.append(f"{count} x {what}{quote}")
    raise UserError(
        f"{endpoint.url} gave no answer in {TRIES} tries ({'; '.join(story)}): what was answered is kept, "
        "and the same command resumes from there later"
    )


def _once(endpoint: Endpoint, body: bytes) -> str | DecodeFailure | Trouble:
    """Ask once."""
    # A server that keeps sending a byte now and then must not postpone the deadline.
    deadline = time.monotonic() + endpoint.timeout
    sockets: list[socket.socket] = []
    try:
        with (
            _cut_after(endpoint.timeout, sockets),
            _opener(endpoint.url, sockets).open(
                _request(endpoint, body), timeout=endpoint.timeout
            ) as response,
        ):
            status: int = response.status
            raw = _read(response, MAX_BYTES if 200 <= status < 300 else _MAX_FAULT)
            wait = _seconds(response.headers)
            if time.monotonic() > deadline:
                raise TimeoutError
    except (OSError, HTTPException, UnicodeError) as error:
        return _broken(endpoint, TimeoutError() if time.monotonic() > deadline else error)

    # Sort what came: only a reply of the model, or its failure, is an answer.
    if 300 <= status < 400:
        raise UserError(
            f"{endpoint.url} answers with a redirect ({status}), which would send the key elsewhere: "
            "set OPENAI_BASE_URL to the address it leads to"
        )
    if not 200 <= status < 300:
        return _trouble(endpoint, http_fault(raw or b"", endpoint.secret, f"status {status}"), status, wait)
    if raw is None:
        return DecodeFailure(f"the reply has over {MAX_BYTES:,} bytes")
    reply = read_reply(raw, endpoint.secret)
    return _trouble(endpoint, reply, reply.code, wait) if isinstance(reply, Fault) else reply


def _request(endpoint: Endpoint, body: bytes) -> urllib.request.Request:
    """Return the request, with the key in its header."""
    headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "vizbench"}
    if endpoint.key:
        headers["Authorization"] = f"Bearer {endpoint.key}"
    return urllib.request.Request(f"{endpoint.url}/chat/completions", body, headers, method="POST")


def _trouble(endpoint: Endpoint, fault: Fault, status: int, wait: float) -> Trouble:
    """Return the fault as one that may pass. Raises UserError if waiting will not help.

    status: the status of the reply, or the one that it names, or 0.
    """
    words = fault.words or "it does not say why"
    if fault.spent and (status in _QUOTA or not status):
        raise UserError(f"{endpoint.url} has no quota left for this key ({fault.what}): {words}")
    if status and status not in _PASSING and status < 500:
        named = "" if fault.what == f"status {status}" else f", named in {fault.what}"
        raise UserError(f"{endpoint.url} refuses the request with status {status}{named}: {words}")
    return Trouble(fault.what, fault.words, wait, fault.empty)


def _opener(url: str, sockets: list[socket.socket]) -> urllib.request.OpenerDirector:
    """Return an opener that follows no redirects, which would send the key to any host.

    The proxy of the environment is used only for https, where it sees no content. The socket of every
    connection is appended to `sockets`.
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

    # Not `build_opener`, which adds a handler that follows redirects.
    opener = urllib.request.OpenerDirector()
    proxy = urllib.request.ProxyHandler(None if url.startswith("https:") else {})
    for handler in (proxy, Plain(), Safe()):
        opener.add_handler(handler)
    return opener


@contextmanager
def _cut_after(seconds: float, sockets: list[socket.socket]) -> Generator[None]:
    """Break the connections after so many seconds within the block.

    The timeout of a socket starts again with every byte, so a server that sends its headers byte by byte
    could hold a request for ever.
    """

    def cut() -> None:
        for each in sockets:
            with suppress(OSError):  # already closed
                # The method of a TLS socket would also drop the object that decrypts.
                socket.socket.shutdown(each, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _read(response: HTTPResponse, most: int) -> bytes | None:
    """Return the reply's body, or None if it has over `most` bytes."""
    body = bytearray()
    while piece := response.read1(1 << 16):
        body += piece
        if len(body) > most:
            return None
    return bytes(body)


def _broken(endpoint: Endpoint, error: Exception) -> Trouble:
    """Return a failed connection as trouble. Raises UserError if the certificate is invalid."""
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        raise UserError(f"{endpoint.url} has an invalid certificate ({reason.verify_message})")
    if isinstance(reason, TimeoutError):
        return Trouble(f"no answer within {endpoint.timeout:g} s")
    return Trouble("a broken connection", quoted(str(reason), endpoint.secret) or type(reason).__name__)


def _seconds(headers: Message) -> float:
    """Return the seconds that the server asks to wait, 0 if it does not say.

    Read are Retry-After-Ms, and Retry-After in seconds or as a date (RFC 9110, 10.2.3).
    """
    milliseconds = headers.get("Retry-After-Ms", "")
    if _NUMBER.fullmatch(milliseconds):
        return float(milliseconds) / 1000
    after = headers.get("Retry-After", "")
    if _NUMBER.fullmatch(after):
        return float(after)
    try:
        then = email.utils.parsedate_to_datetime(after)
    except (ValueError, TypeError, OverflowError):
        return 0.0
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max(0.0, (then - datetime.now(UTC)).total_seconds())
