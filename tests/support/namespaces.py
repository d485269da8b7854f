"""Two network namespaces with a cable between them, whose firewall redirects clients to us.

    client ── tb-client ═══ tb-router ── router: the balancer, and the servers it stands before

The servers' addresses are the router's own, on its loopback interface. What clients send to
port 80 of them is redirected to the balancer's port; what the balancer itself dials is not.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import attrs
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The servers' addresses, kept for documentation (RFC 5737, RFC 3849), and the router's.
SERVER_IPV4, SERVER_IPV6 = "203.0.113.9", "2001:db8:9::9"
ROUTER_IPV4, ROUTER_IPV6 = "198.51.100.1", "2001:db8:1::1"
_CLIENT_IPV4, _CLIENT_IPV6 = "198.51.100.2", "2001:db8:1::2"

_REDIRECT = """
table inet redirecting {{
    chain incoming {{
        type nat hook prerouting priority dstnat
        tcp dport 80 redirect to :{port}
    }}
}}
"""


@attrs.frozen
class Namespaces:
    """The names of both."""

    client: str
    router: str

    def run(self, namespace: str, *command: str, text: str = "") -> str:
        """Run a command in one of them; returns what it prints."""
        return subprocess.run(
            ["ip", "netns", "exec", namespace, *command],
            input=text,
            capture_output=True,
            check=True,
            text=True,
            timeout=20,
        ).stdout

    def redirect(self, port: int) -> None:
        """Have the router's firewall lead clients of port 80 to this port."""
        self.run(self.router, "nft", "-f", "-", text=_REDIRECT.format(port=port))


@contextmanager
def namespaces() -> Iterator[Namespaces]:
    """Make the two while the block runs; skips the test where that is not allowed."""
    _need_privileges()
    mark = f"tb{os.getpid()}"
    made = Namespaces(f"{mark}-client", f"{mark}-router")
    with ExitStack() as stack:
        for name in (made.client, made.router):
            _add(name)
            stack.callback(_ip, f"netns del {name}")
        _connect(made)
        yield made


def _need_privileges() -> None:
    for program in ("ip", "nft"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    if os.geteuid() != 0:
        pytest.skip("only root may make network namespaces")


def _add(name: str) -> None:
    try:
        _ip(f"netns add {name}")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no network namespaces here: {error.stderr.strip()}")


def _connect(made: Namespaces) -> None:
    """Lay the cable, and give everybody addresses and routes."""
    _ip(f"-n {made.client} link add tb-client type veth peer name tb-router netns {made.router}")
    for name, interface, *addresses in (
        (made.client, "tb-client", f"{_CLIENT_IPV4}/24", f"{_CLIENT_IPV6}/64"),
        (made.router, "tb-router", f"{ROUTER_IPV4}/24", f"{ROUTER_IPV6}/64"),
        (made.router, "lo", f"{SERVER_IPV4}/32", f"{SERVER_IPV6}/128"),
    ):
        for address in addresses:
            # Without "nodad" an IPv6 address is of no use for a second or two.
            _ip(f"-n {name} address add {address} dev {interface}{' nodad' * (':' in address)}")
        _ip(f"-n {name} link set {interface} up")
    _ip(f"-n {made.client} route add default via {ROUTER_IPV4}")
    _ip(f"-n {made.client} -6 route add default via {ROUTER_IPV6}")


def _ip(command: str) -> None:
    subprocess.run(["ip", *command.split()], check=True, capture_output=True, text=True)
