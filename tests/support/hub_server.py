"""A hub of one repository on this machine: the routes that huggingface_hub asks for a snapshot."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """repo: what it holds; files: path -> bytes; status, code: set to refuse everything; sizes: told in place
    of the true ones; asked: every path that was asked for."""

    repo: str
    files: Mapping[str, bytes]
    status: int = 200
    code: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict[str, int])
    asked: list[str] = field(default_factory=list[str])
    url: str = ""

    def listing(self) -> list[dict[str, object]]:
        return [
            {
                "type": "file",
                "path": path,
                "size": self.sizes.get(path, len(data)),
                "oid": _oid(data),
            }
            for path, data in self.files.items()
        ]


def _oid(data: bytes) -> str:
    """The hash by which git names a file."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


@contextmanager
def serving(hub: Hub) -> Generator[Hub]:
    """The hub at `hub.url` within the block."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None: ...

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            hub.asked.append(path)
            resolve = f"/{hub.repo}/resolve/{COMMIT}/"
            if hub.status != 200:
                self._send(hub.status, b"{}", {"X-Error-Code": hub.code, "X-Error-Message": "no"})
            elif path.startswith(f"/api/models/{hub.repo}/tree/"):
                self._send(200, json.dumps(hub.listing()).encode())
            elif path == f"/api/models/{hub.repo}" or path.startswith(f"/api/models/{hub.repo}/revision/"):
                self._send(200, json.dumps({"id": hub.repo, "sha": COMMIT, "siblings": []}).encode())
            elif path.startswith(resolve) and path.removeprefix(resolve) in hub.files:
                data = hub.files[path.removeprefix(resolve)]
                self._send(200, data, {"X-Repo-Commit": COMMIT, "ETag": f'"{_oid(data)}"'})
            else:
                self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})

        def _send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
