"""Serve one repository on this machine by the routes that huggingface_hub uses for a snapshot."""

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
    """A hub with one repository."""

    repo: str
    """Name of the repository."""
    files: Mapping[str, bytes]
    """Content by path."""
    status: int = 200
    """Another status refuses every request."""
    code: str = ""
    """Error code of the refusals."""
    sizes: Mapping[str, int] = field(default_factory=dict[str, int])
    """Sizes to report in place of the true ones, by path."""
    asked: list[str] = field(default_factory=list[str])
    """Every path that was requested."""
    url: str = ""
    """Address of the hub."""

    def listing(self) -> list[dict[str, object]]:
        """Return the files as the hub lists them."""
        entries: list[dict[str, object]] = []
        for path, data in self.files.items():
            size = self.sizes.get(path, len(data))
            entries.append({"type": "file", "path": path, "size": size, "oid": _oid(data)})
        return entries

    def respond(self, path: str) -> tuple[int, bytes, dict[str, str]]:
        """Return status, body and headers for a path."""
        if self.status != 200:
            return self.status, b"{}", {"X-Error-Code": self.code, "X-Error-Message": "no"}
        models = f"/api/models/{self.repo}"
        if path.startswith(f"{models}/tree/"):
            return 200, json.dumps(self.listing()).encode(), {}
        if path == models or path.startswith(f"{models}/revision/"):
            return 200, json.dumps({"id": self.repo, "sha": COMMIT, "siblings": []}).encode(), {}
        resolve = f"/{self.repo}/resolve/{COMMIT}/"
        if path.startswith(resolve) and path.removeprefix(resolve) in self.files:
            data = self.files[path.removeprefix(resolve)]
            return 200, data, {"X-Repo-Commit": COMMIT, "ETag": f'"{_oid(data)}"'}
        return 404, b"{}", {"X-Error-Code": "RepoNotFound"}


def _oid(data: bytes) -> str:
    """Return the hash by which git names a file."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


@contextmanager
def serving(hub: Hub) -> Generator[Hub]:
    """Serve the hub at `hub.url` within the block."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None: ...

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            hub.asked.append(path)
            status, body, headers = hub.respond(path)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
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
