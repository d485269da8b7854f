"""The program with Toxiproxy's API and no configuration, and a client that keeps its connection."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import attrs
from support.process import PATIENCE, environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ANYWHERE = ("--toxiproxy-bind", "127.0.0.1:0")


def command(*options: str) -> Sequence[str]:
    """Return the command that runs the program."""
    return [sys.executable, "-m", "trio_balancer", *options]


@contextmanager
def without_file(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the program without a configuration; gives the process and the API's URL."""
    reading, writing = os.pipe()
    with subprocess.Popen(
        command("--ready-fd", str(writing), *ANYWHERE, *options),
        env=environment(),
        pass_fds=[writing],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.close(writing)
        try:
            with open(reading, encoding="utf-8") as ready:  # noqa: PTH123 - a descriptor
                told = json.loads(ready.read())
            assert told["listeners"] == {}
            yield process, told["toxiproxy"]
        finally:
            process.kill()


@attrs.frozen
class Api:
    """Asks over one connection, as clients do that ask often."""

    http: http.client.HTTPConnection

    @classmethod
    @contextmanager
    def of(cls, url: str) -> Iterator[Api]:
        """Connect to the API at an URL."""
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
        try:
            yield cls(connection)
        finally:
            connection.close()

    def __call__(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        """Ask, and return what is answered; anything but success is an error of the test."""
        self.http.request(method, path, None if body is None else json.dumps(body))
        answer = self.http.getresponse()
        told = answer.read()
        assert answer.status < http.client.BAD_REQUEST, told
        return json.loads(told or b"null")
