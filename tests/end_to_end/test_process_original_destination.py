"""Clients that a firewall redirects to a running balancer go where they were going."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import attrs
import pytest
from support.namespaces import (
    ROUTER_IPV4,
    ROUTER_IPV6,
    SERVER_IPV4,
    SERVER_IPV6,
    Namespaces,
    namespaces,
)
from support.process import Process, balancer, need, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIG = """
[log]
format = "json"
[listeners.web]
bind = "[::]:0"
pool = "app"
[pools.app]
backends = "original-destination"
connect_attempts = 1
"""


@attrs.frozen
class Network:
    """Servers, each of which answers with its own address, and a balancer before them."""

    places: Namespaces
    process: Process

    def curl(self, url: str) -> subprocess.CompletedProcess[str]:
        """Ask from the client's namespace."""
        command = ["ip", "netns", "exec", self.places.client, "curl", "-sS", "--max-time", "10"]
        return subprocess.run([*command, url], capture_output=True, check=False, text=True)


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    need("curl")
    with namespaces() as places, ExitStack() as stack:
        for address in (SERVER_IPV4, SERVER_IPV6):
            stack.enter_context(_server(places, tmp_path, address))
        inside = ("ip", "netns", "exec", places.router)
        process = stack.enter_context(balancer(tmp_path, CONFIG, prefix=inside))
        places.redirect(process.port)
        yield Network(places, process)


@contextmanager
def _server(places: Namespaces, directory: Path, address: str) -> Iterator[None]:
    """Serve one file, in which stands the server's own address."""
    own = directory / address.replace(":", "-")
    own.mkdir()
    (own / "index.html").write_text(f"I am {address}\n")
    log = own / "log"
    command = [sys.executable, "-u", "-m", "http.server", "80", "--bind", address]
    with (
        log.open("wb") as told,
        subprocess.Popen(
            ["ip", "netns", "exec", places.router, *command], cwd=own, stdout=told, stderr=told
        ) as server,
    ):
        try:
            wait_until(lambda: "Serving HTTP" in log.read_text())
            yield
        finally:
            server.kill()


@pytest.mark.parametrize(
    ("address", "url"),
    [(SERVER_IPV4, f"http://{SERVER_IPV4}/"), (SERVER_IPV6, f"http://[{SERVER_IPV6}]/")],
)
def test_a_redirected_client_reaches_whom_it_wanted(
    network: Network, address: str, url: str
) -> None:
    done = network.curl(url)
    assert (done.stdout, done.stderr) == (f"I am {address}\n", "")
    assert network.process.stop() == 0
    [record] = network.process.records()
    host = f"[{address}]" if ":" in address else address
    assert (record["ending"], record["backend_address"]) == ("--", f"{host}:80")
    assert record["backend"] == "original-destination"


def test_nobody_is_there_where_a_client_wanted_to_go(network: Network) -> None:
    assert network.curl(f"http://{ROUTER_IPV4}/").returncode != 0
    assert network.process.stop() == 0
    [record] = network.process.records()
    assert record["ending"] == "SC"
    assert str(record["reason"]).endswith("Connection refused")


@pytest.mark.parametrize("host", [ROUTER_IPV4, f"[{ROUTER_IPV6}]"])
def test_a_client_that_comes_straight_to_us_is_refused(network: Network, host: str) -> None:
    refused = network.curl(f"http://{host}:{network.process.port}/")
    # Reset, while curl was reading already or was still finding out that it is connected.
    assert refused.returncode in {7, 56}
    assert network.process.stop() == 0
    [record] = network.process.records()
    assert (record["ending"], record["attempts"]) == ("PR", 0)
    assert "original destination" in str(record["reason"])
