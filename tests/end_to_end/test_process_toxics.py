"""Toxics that are taken away, by the API, from connections that are stuck in them."""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import attrs
import pytest
from support.process import PATIENCE
from support.scale import scaled
from support.toxiproxy_program import Api, without_file

if TYPE_CHECKING:
    from collections.abc import Callable

# Seconds in which 99 of 100 toxics are gone.
PROMPT = 0.05
CHUNK = bytes(64 * 1024)
LONG = 10**9

TOXICS = {
    "noop": {},
    "latency": {"latency": LONG},
    "bandwidth": {"rate": 0},
    "slow_close": {"delay": LONG},
    "timeout": {"timeout": 0},
    "reset_peer": {"timeout": LONG},
    "slicer": {"average_size": 1, "delay": LONG},
    "limit_data": {"bytes": 1},
    "packet_loss": {"loss_rate": 1},
    "corrupt": {"probability": 1},
    "reset": {"timeout": LONG},
    "half_close": {},
    "stall": {},
}


@attrs.frozen
class Site:
    """A proxy, and the listening socket of what is behind it."""

    api: Api
    backends: socket.socket
    port: int

    @contextmanager
    def joined(self) -> Iterator[tuple[socket.socket, socket.socket]]:
        """Connect through the proxy; gives the client's end and the backend's."""
        with ExitStack() as stack:
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(PATIENCE)
            client.connect(("127.0.0.1", self.port))
            backend = stack.enter_context(self.backends.accept()[0])
            yield client, backend


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with (
        without_file() as (_, url),
        Api.of(url) as api,
        socket.create_server(("127.0.0.1", 0)) as backends,
    ):
        backends.settimeout(PATIENCE)
        upstream = f"127.0.0.1:{backends.getsockname()[1]}"
        proxy = api("POST", "/proxies", {"name": "stuck", "upstream": upstream})
        yield Site(api, backends, int(proxy["listen"].rpartition(":")[2]))


def say_little(backend: socket.socket) -> None:
    """Leave it to the toxic to be stuck."""
    backend.sendall(b"stuck")


def say_much(backend: socket.socket) -> None:
    """Send until nothing more is taken: the client does not read."""
    backend.settimeout(0)
    try:
        while True:
            backend.send(CHUNK)
    except (BlockingIOError, ConnectionError):
        return


@pytest.mark.heavy
@pytest.mark.parametrize("say", [say_little, say_much])
@pytest.mark.parametrize("kind", TOXICS)
def test_taking_a_toxic_away_never_hangs(
    site: Site, kind: str, say: Callable[[socket.socket], None]
) -> None:
    took = []
    for _ in range(scaled(1000)):
        with site.joined() as (client, backend):
            site.api("POST", "/proxies/stuck/toxics", {"type": kind, "attributes": TOXICS[kind]})
            say(backend)
            start = time.perf_counter()
            site.api("DELETE", f"/proxies/stuck/toxics/{kind}_downstream")
            took.append(time.perf_counter() - start)
            client.recv(1)  # what was held, or the end: that it is not stuck any more
    assert sorted(took)[math.ceil(len(took) * 0.99) - 1] < PROMPT
