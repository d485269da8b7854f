"""Original destinations; the firewall itself is in an end-to-end test."""

from __future__ import annotations

import socket
from struct import pack

import pytest

from trio_balancer.network.original import original_destination
from trio_balancer.wire.address import InetAddress, inet_address


class Redirected:
    """As much of a socket as is asked, with what a kernel answered (nftables `redirect`)."""

    def __init__(self, family: socket.AddressFamily, own: str, answer: bytes) -> None:
        self.family = family
        self._own = own
        self._answer = answer

    def getsockname(self) -> tuple[str, int]:
        return self._own, 15001

    def getsockopt(self, _level: int, option: int, size: int) -> bytes:
        assert option == 80
        assert size == len(self._answer)
        return self._answer


V4 = bytes.fromhex("0200 1f90 cb007109 0000000000000000")
V6 = bytes.fromhex("0a00 1f90 00000000 20010db8000000000000000000000001 00000000")
LINK_LOCAL = bytes.fromhex("0a00 1f90 00000000 fe800000000000000000000000000001") + pack("=I", 3)


@pytest.mark.parametrize(
    ("family", "own", "answer", "destination"),
    [
        (socket.AF_INET, "127.0.0.1", V4, inet_address("203.0.113.9", 8080)),
        (socket.AF_INET6, "::ffff:127.0.0.1", V4, inet_address("203.0.113.9", 8080)),
        (socket.AF_INET6, "::1", V6, inet_address("2001:db8::1", 8080)),
        (socket.AF_INET6, "fe80::2%eth0", LINK_LOCAL, inet_address("fe80::1%3", 8080)),
    ],
)
def test_what_the_kernel_says(
    family: socket.AddressFamily, own: str, answer: bytes, destination: InetAddress
) -> None:
    sock = Redirected(family, own, answer)
    # The text too: equality leaves out the zone of an address, dialling does not.
    found = original_destination(sock)  # type: ignore[arg-type]  # as much as is asked
    assert (found, str(found)) == (destination, str(destination))


def test_a_socket_that_nobody_redirected_has_none() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(OSError, match=r"."):
        original_destination(ours)
