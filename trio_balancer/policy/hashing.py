"""Hashes that are the same on every machine and in every process, unlike Python's own."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from trio_balancer.wire.address import InetAddress

if TYPE_CHECKING:
    from trio_balancer.wire.address import SocketAddress

_MASK = (1 << 64) - 1


def stable_hash(data: bytes) -> int:
    """Return 64 well-mixed bits of the data."""
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")


def client_hash(client: SocketAddress) -> int:
    """Return 64 bits of who the client is: its IP address, without the port.

    All clients without an IP address are one client.
    """
    return stable_hash(client.ip.packed if isinstance(client, InetAddress) else b"unix:")


def mix(bits: int) -> int:
    """Scatter 64 bits so that each result bit depends on all of them.

    This is the finaliser of SplitMix64 (Steele, Lea and Flood, 2014), ten times faster here
    than another blake2b.
    """
    bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB & _MASK
    return bits ^ (bits >> 31)
