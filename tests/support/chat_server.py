"""Serve a chat-completions endpoint on this machine that behaves, or fails, as a test scripts it."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-secret-0123456789"


@dataclass
class Stub:
    """A scripted endpoint."""

    act: Callable[[Any, int], None]
    """Answers a request, given the handler and the request's number from 0."""
    url: str = ""
    """Base address of the endpoint."""
    seen: list[dict[str, Any]] = field(default_factory=list)
    """Path, headers and body of every request."""

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """Return the bodies of all requests."""
        return [request["body"] for request in self.seen]


def completion(content: Any = "[[1]]", reason: str = "stop", **message: Any) -> bytes:
    """Return a chat completion with one choice."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": content, **message},
        "finish_reason": reason,
    }
    return json.dumps({"id": "x", "object": "chat.completion", "choices": [choice], "usage": {}}).encode()


def send(handler: Any, raw: bytes, status: int = 200, length: int | None = None, **headers: str) -> None:
    """Send a response. length: the Content-Length to claim."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(raw) if length is None else length))
    handler.end_headers()
    handler.wfile.write(raw)


def script(*acts: Callable[[Any], None]) -> Callable[[Any, int], None]:
    """Return an act that plays one of the acts per request, and repeats the last one."""
    return lambda handler, number: acts[min(number, len(acts) - 1)](handler)


def says(raw: bytes, status: int = 200, **headers: str) -> Callable[[Any], None]:
    """Return an act that sends a body."""
    return lambda handler: send(handler, raw, status, None, **headers)


def failed(**choice: Any) -> bytes:
    """Return a completion whose only choice has these fields."""
    return json.dumps(
        {"choices": [{"index": 0, "message": {"role": "assistant", "content": ""}, **choice}]}
    ).encode()


def beside(**fields: Any) -> bytes:
    """Return a good completion with further fields at its top level."""
    return json.dumps(json.loads(completion()) | fields).encode()


FAULTS: dict[str, Callable[[Any], None]] = {
    "error in a choice": says(failed(error={"message": "overloaded", "code": 502}, finish_reason="error")),
    "error beside choices": says(beside(error={"message": "Provider returned error", "code": 429})),
    "error as a string": says(beside(error="upstream connect error")),
    "error in the message": says(completion("[[1]]", error={"message": "lost the worker"})),
    "error as a part": says(completion([{"type": "error", "error": {"message": "lost the worker"}}])),
    "error as an object": says(b'{"object":"error","message":"the engine is dead","code":50301}'),
    "error in a list": says(
        b'[{"error":{"code":503,"message":"The model is overloaded","status":"UNAVAILABLE"}}]'
    ),
    "errors beside choices": says(beside(errors=[{"message": "lost the worker"}])),
    "no success": says(beside(success=False, message="the worker died")),
    "a status of failure": says(beside(status="failed")),
    "a code beside choices": says(beside(base_resp={"status_code": 1002, "status_msg": "too many requests"})),
    "an end with words": says(completion("[[9]]", "error: upstream connect error")),
    "failed with a text": says(completion("[[9]]", "error")),
    "no resources": says(completion("", "insufficient_system_resource")),
    "null choices": says(b'{"id":null,"choices":null}'),
    "no message": says(failed(finish_reason="stop", message=None)),
    "a legacy completion": says(b'{"choices":[{"text":"[[1]]","index":0,"finish_reason":"stop"}]}'),
    "nothing, without an end": says(failed(finish_reason=None, message={"role": "assistant", "content": ""})),
    "unknown parts": says(completion([{"type": "canvas", "text": "[[1]]"}])),
    "a stream": says(b'data: {"choices":[{"delta":{"content":"[[1]]"}}]}\n\ndata: [DONE]\n\n'),
    "torn gzip": says(gzip.compress(completion())[:-9], Content_Encoding="gzip"),
    "broken gzip": says(b"\x1f\x8b" + completion(), Content_Encoding="gzip"),
    "a bomb": says(gzip.compress(b" " * 20_000_000), Content_Encoding="gzip"),
    "201 of nothing": says(b"", 201),
    "409": says(b"", 409),
}
"""Failures of a server in replies with a status of success, by kind."""


@contextmanager
def serving(act: Callable[[Any, int], None]) -> Generator[Stub]:
    """Serve the act at `stub.url` within the block."""
    stub = Stub(act)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            stub.seen.append({"path": self.path, "headers": dict(self.headers), "body": body})
            with suppress(ConnectionError):  # the client may have given up
                stub.act(self, len(stub.seen) - 1)
            self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        stub.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield stub
        finally:
            server.shutdown()
            thread.join()
