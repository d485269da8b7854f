"""The kernel's names for our values: socket addresses, options, error texts."""

from __future__ import annotations

import errno
import math
import os
import socket
import sys
from functools import lru_cache
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trio_balancer.network.seam import PeerReset
from trio_balancer.wire.address import (
    IP,
    MAX_PORT,
    InetAddress,
    SocketAddress,
    UnixAddress,
    canonical_ip,
)

if TYPE_CHECKING:
    from trio_balancer.network.seam import SocketOptions

PROBE_INTERVAL = 10  # seconds between keepalive probes,
PROBES = 3  # and how many unanswered ones break the connection
MAX_KEEPALIVE = 32767  # seconds; MAX_TCP_KEEPIDLE in Linux's tcp.h
MAX_USER_TIMEOUT = 2**31 - 1  # milliseconds; the option is a C int

# macOS calls the idle time TCP_KEEPALIVE, and has no TCP_USER_TIMEOUT.
_TCP_KEEPIDLE: int = getattr(socket, "TCP_KEEPIDLE", 0) or getattr(socket, "TCP_KEEPALIVE", 0)
_TCP_USER_TIMEOUT: int = getattr(socket, "TCP_USER_TIMEOUT", 0)
# In linux/in.h since 4.2; Python's socket module has no name for it.
_IP_BIND_ADDRESS_NO_PORT = 24


def family_of(address: SocketAddress) -> socket.AddressFamily:
    """Return the family of a socket that can bind or dial this address."""
    if isinstance(address, UnixAddress):
        return socket.AF_UNIX
    return socket.AF_INET if isinstance(address.ip, IPv4Address) else socket.AF_INET6


def to_kernel(address: SocketAddress) -> str | tuple[str, int] | tuple[str, int, int, int]:
    """Write an address as bind and connect take it; OSError for a zone unknown here."""
    if isinstance(address, UnixAddress):
        return address.path
    if isinstance(address.ip, IPv4Address):
        return address.text, address.port
    return address.text, address.port, 0, _scope(address.zone)


def from_kernel(name: Any) -> SocketAddress:  # noqa: ANN401  # as typeshed types accept's address
    """Read what accept, getsockname and getaddrinfo give: canonical, the zone as its number.

    A Unix peer without a path, or with an abstract name (bytes), has the empty path.
    """
    if not isinstance(name, tuple):
        return UnixAddress(name if isinstance(name, str) else "")
    host, port = name[0], name[1]
    scope = name[3] if len(name) > 2 else 0  # noqa: PLR2004  # IPv6 adds flow label and scope
    return InetAddress(canonical_ip(host), port, str(scope) if scope else "")


def set_options(sock: socket.socket, options: SocketOptions) -> None:
    """Set what every TCP stream has; on a listening socket, accepted ones inherit it."""
    for level, option, value in _settings(options.keepalive, options.user_timeout):
        sock.setsockopt(level, option, value)


@lru_cache(maxsize=16)  # for every dial, and a configuration has few of them
def _settings(keepalive: float, user_timeout: float) -> list[tuple[int, int, int]]:
    """Write options (in seconds) as `setsockopt` takes them: level, option and value."""
    settings = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
    if math.isfinite(keepalive):
        idle = min(max(round(keepalive), 1), MAX_KEEPALIVE)
        settings.append((socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1))
        settings.append((socket.IPPROTO_TCP, _TCP_KEEPIDLE, idle))
        settings.append((socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, PROBE_INTERVAL))
        settings.append((socket.IPPROTO_TCP, socket.TCP_KEEPCNT, PROBES))
    if math.isfinite(user_timeout) and _TCP_USER_TIMEOUT:
        timeout = min(max(round(user_timeout * 1000), 1), MAX_USER_TIMEOUT)
        settings.append((socket.IPPROTO_TCP, _TCP_USER_TIMEOUT, timeout))
    return settings


def change_options(sock: socket.socket, options: SocketOptions) -> None:
    """Set them on a socket that may have others."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0)
    if _TCP_USER_TIMEOUT:
        sock.setsockopt(socket.IPPROTO_TCP, _TCP_USER_TIMEOUT, 0)
    set_options(sock, options)


def bind_source(sock: socket.socket, source: IP) -> None:
    """Let a socket dial from this address; its port is chosen when it dials.

    A port chosen by `bind` would have to be free for every destination (ip(7),
    IP_BIND_ADDRESS_NO_PORT), and they would soon run out.
    """
    if sys.platform == "linux":
        sock.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
    sock.bind((str(source), 0))


def ephemeral_ports() -> range:
    """Return the ports that the kernel picks from for a dialling socket; all where it won't say."""
    try:
        first, last = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
        return range(int(first), int(last) + 1)
    except (OSError, ValueError):
        return range(MAX_PORT + 1)


def os_error(code: int, text: str = "") -> OSError:
    """Build the OSError (of the fitting subclass) of an errno, with the system's text or ours."""
    return OSError(code, text or os.strerror(code))


def peer_reset(exc: OSError) -> PeerReset:
    """Say what broke the connection; to be raised from the OSError, whose errno stays reachable."""
    return PeerReset(f"the connection broke: {exc.strerror}")


def check_path(path: str) -> None:
    """Raise OSError (ENAMETOOLONG) where Python's own has no errno.

    A path takes 107 bytes on Linux (sun_path is 108 with its NUL), 103 on macOS.
    """
    longest = 107 if hasattr(socket, "SOCK_NONBLOCK") else 103
    if len(os.fsencode(path)) > longest:
        text = f"the path of a Unix socket takes at most {longest} bytes: {path!r}"
        raise os_error(errno.ENAMETOOLONG, text)


def _scope(zone: str) -> int:
    if not zone:
        return 0
    return int(zone) if zone.isdigit() else socket.if_nametoindex(zone)
