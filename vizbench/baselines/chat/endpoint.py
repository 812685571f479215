"""Read the endpoint of the family `api` from environment variables. No connection is opened here.

- OPENAI_BASE_URL: address, such as https://api.openai.com/v1. There is no default, so that nothing is paid
  for by accident.
- OPENAI_API_KEY: sent as a bearer token. Optional, because local servers need none.
- VIZBENCH_API_BODY: JSON object merged into every request. null leaves a key out.
- VIZBENCH_API_TIMEOUT: seconds per request, 300 by default.
- VIZBENCH_API_PROMPT: characters per prompt, data URLs of pictures included, 400,000 by default.
- VIZBENCH_API_HTTP: 1 allows plain http to other machines.
- VIZBENCH_OFFLINE: set by `--offline`; the family `api` is then refused.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, final
from urllib.parse import urlsplit

import msgspec

from vizbench.baselines.chat.redact import redacted
from vizbench.errors import UserError

FIXED: Final = ("messages", "model", "n", "stream")
"""Keys of a request that VIZBENCH_API_BODY may not set."""

_NO_KEYS = frozenset(
    {
        "dummy", "empty", "fake", "key", "lm-studio", "local", "no-key", "none", "not-needed", "null",
        "ollama", "test", "token",
    }
)  # fmt: skip
"""Words that users of local servers give in place of a key."""

_VISIBLE = re.compile(r"[\x21-\x7e]+")


@final
@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address, the model and the settings of its requests."""

    url: str
    """The base address, without a slash at the end."""
    model: str
    """The model's name at the endpoint."""
    key: str = field(default="", repr=False)
    """The bearer token, shown nowhere. "" if there is none."""
    body: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Merged into every request."""
    timeout: float = 300.0
    """Seconds per request."""
    longest: int = 400_000
    """Characters per prompt."""

    @property
    def secret(self) -> str:
        """The text that no message and no record may contain.

        It is the key, unless the key is short or a word such as `EMPTY` that means no key.
        """
        return "" if len(self.key) < 4 or self.key.lower() in _NO_KEYS else self.key

    @property
    def identity(self) -> str:
        """The address and settings on which answers depend, for the record. The key is not included."""
        settings = msgspec.json.encode(dict(self.body), order="sorted").decode()
        return f"{self.url} {settings}"


def endpoint_from(environ: Mapping[str, str], model: str) -> Endpoint:
    """Return the endpoint that the variables describe.

    Raises UserError if a variable is missing or wrong. No message contains a value that might be secret.
    """
    if environ.get("VIZBENCH_OFFLINE"):
        raise UserError(
            "api asks an endpoint over the network, which --offline forbids: leave one of the two out"
        )
    if not _VISIBLE.fullmatch(model) or len(model) > 200:
        raise UserError(
            "api needs the name of a model, 1 … 200 visible ASCII characters: --checkpoint gpt-4o-mini"
        )
    endpoint = Endpoint(
        _url(environ.get("OPENAI_BASE_URL", ""), environ.get("VIZBENCH_API_HTTP") == "1"),
        model,
        _key(environ.get("OPENAI_API_KEY", "")),
        _body(environ.get("VIZBENCH_API_BODY", "")),
        _number(environ, "VIZBENCH_API_TIMEOUT", 300, 86_400),
        _number(environ, "VIZBENCH_API_PROMPT", 400_000, 100_000_000),
    )
    _check_recorded(endpoint)
    return endpoint


def _check_recorded(endpoint: Endpoint) -> None:
    """Raise UserError if text that will be recorded contains the key."""
    recorded = {
        "OPENAI_BASE_URL": endpoint.url,
        "VIZBENCH_API_BODY": msgspec.json.encode(dict(endpoint.body)).decode(),
        "--checkpoint": endpoint.model,
    }
    for name, text in recorded.items():
        if redacted(text, endpoint.secret, len(endpoint.secret)) != text:
            raise UserError(
                f"{name} holds the key of OPENAI_API_KEY, and would be recorded: leave the key out of it"
            )


def _url(text: str, anywhere: bool) -> str:
    """Return the checked base address. No message contains it, because it may hold a password.

    anywhere: whether plain http to other machines is allowed.
    """
    text = text.strip()
    if not text:
        raise UserError(
            "api needs the address of an endpoint: "
            "OPENAI_BASE_URL=https://api.openai.com/v1 (and OPENAI_API_KEY)"
        )

    # Is it an address?
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port  # the port is checked when it is read
    except ValueError:
        host, parts = None, urlsplit("")
    if not host or parts.scheme not in ("http", "https") or not _VISIBLE.fullmatch(text):
        raise UserError("OPENAI_BASE_URL is not a web address: write it as https://api.openai.com/v1")

    # The address is recorded, and must not give the key away.
    if parts.username is not None or parts.password is not None or "?" in text or "#" in text:
        raise UserError(
            "OPENAI_BASE_URL holds a user, a query or a fragment, which would be recorded: "
            "leave it out, and give the key in OPENAI_API_KEY"
        )
    if parts.scheme == "http" and not anywhere and not _local(host):
        raise UserError(
            "OPENAI_BASE_URL is plain http to another machine, so others on the network can read key and "
            "questions: use https, or set VIZBENCH_API_HTTP=1"
        )
    return text.rstrip("/").removesuffix("/chat/completions").rstrip("/")


def _local(host: str) -> bool:
    """Return whether the host is this machine, without a look-up of names."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _key(text: str) -> str:
    """Return the key.

    A key that no header can carry is refused here, because `http.client` would show it in its error.
    """
    text = text.strip()
    if text and not _VISIBLE.fullmatch(text):
        raise UserError("OPENAI_API_KEY holds a space or a character outside ASCII: copy the key again")
    return text


def _body(text: str) -> dict[str, Any]:
    """Return the settings in VIZBENCH_API_BODY."""
    if not text.strip():
        return {}
    try:
        settings = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise UserError(
            """VIZBENCH_API_BODY is not a JSON object: write it as '{"temperature": 1, "max_tokens": null}'"""
        ) from None
    for key in FIXED:
        if key in settings:
            raise UserError(f"VIZBENCH_API_BODY may not set {key!r}: leave {', '.join(FIXED)} out")
    return settings


def _number(environ: Mapping[str, str], name: str, default: int, most: int) -> int:
    """Return a whole number of 1 … `most` from a variable."""
    text = environ.get(name, "").strip() or str(default)
    if not re.fullmatch(r"[0-9]{1,12}", text) or not 1 <= int(text) <= most:
        raise UserError(
            f"{name} {text[:40]!r} is outside 1 … {most:,}: give a whole number there, such as {default}"
        )
    return int(text)
