"""Run a server of the S3 protocol in this process, which can go away and come back with what it holds."""

from __future__ import annotations

import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, final

KEY, SECRET = "AKIA0SOMEBODYS0KEY", "wJalrXUtnFEMI-K7MDENG-somebodys-secret"


@final
class S3Server:
    """A server of moto on a free port of this machine."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._server: Any = None
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def settings(self) -> dict[str, str]:
        """The environment variables of a user of the server."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",  # else its keys are asked for at an address of the network
        }

    def start(self) -> None:
        from moto.server import ThreadedMotoServer

        self._server = ThreadedMotoServer("127.0.0.1", self._port, verbose=False)
        self._server.start()

    def stop(self) -> None:
        """Refuse all connections. What the server holds stays."""
        self._server.stop()

    @contextmanager
    def guarded(self) -> Generator[None]:
        """Within the block, refuse requests without the keys of a user. It has none."""
        from moto import settings

        before = settings.INITIAL_NO_AUTH_ACTION_COUNT
        settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
        try:
            yield
        finally:
            settings.INITIAL_NO_AUTH_ACTION_COUNT = before

    def make_bucket(self, name: str) -> None:
        from pyarrow.fs import S3FileSystem

        S3FileSystem(endpoint_override=self.url, allow_bucket_creation=True).create_dir(name)

    def objects(self, bucket: str, prefix: str) -> dict[str, bytes]:
        """Return all objects below a prefix by their names after it. Markers of folders are left out."""
        from moto.core.models import DEFAULT_ACCOUNT_ID
        from moto.s3.models import s3_backends

        keys = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[bucket].keys
        named = {str(name): key for name, key in keys.items() if str(name).startswith(prefix)}
        return {name[len(prefix) :]: key.value for name, key in named.items() if not name.endswith("/")}

    def change(self, bucket: str, name: str, data: bytes) -> None:
        """Replace an object."""
        from pyarrow.fs import S3FileSystem

        system = S3FileSystem(endpoint_override=self.url)
        with system.open_output_stream(f"{bucket}/{name}") as file:
            file.write(data)
