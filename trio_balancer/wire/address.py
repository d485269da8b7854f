"""Addresses as values: parsed once, canonical ever after.

Rules, hashing and logs must all see the same object, so an IPv4-mapped IPv6 address is
unmapped here and nowhere else, and an IPv6 zone is kept for dialling but is no part of what
rules compare.
"""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress
from functools import cached_property, lru_cache

import attrs

IP = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_PORT = 65535
# RFC 1123 host names, plus the underscore that container networks use.
_HOST_NAME = re.compile(r"(?=.{1,253}\Z)(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?\Z")

# The name or number of an interface; Linux allows more, but nothing that could forge a log line.
_ZONE = re.compile(r"[A-Za-z0-9._~@-]{1,64}\Z")
_SHOWN = 60


class AddressError(ValueError):
    """The text is not an address; the message is a sentence for people."""


@attrs.frozen
class InetAddress:
    """A numeric IPv4 or IPv6 address with its port (0 to 65535)."""

    ip: IP
    port: int
    zone: str = attrs.field(default="", eq=False)

    @cached_property
    def text(self) -> str:
        """The numeric host without its zone; cached, as it is wanted for every dial."""
        return str(self.ip)

    @property
    def host(self) -> str:
        """The numeric host as the kernel wants it, zone included."""
        return f"{self.text}%{self.zone}" if self.zone else self.text

    def __str__(self) -> str:
        is_ipv6 = isinstance(self.ip, ipaddress.IPv6Address)
        return f"[{self.host}]:{self.port}" if is_ipv6 else f"{self.host}:{self.port}"


@attrs.frozen
class UnixAddress:
    """The path of a Unix socket; empty for a client that is bound to no path."""

    path: str

    def __str__(self) -> str:
        return f"unix:{self.path}"


@attrs.frozen
class NamedAddress:
    """A host name, to be resolved, with its port."""

    name: str
    port: int

    def __str__(self) -> str:
        return f"{self.name}:{self.port}"


@attrs.frozen
class InheritedAddress:
    """A listening socket that this process was started with, by its name or its descriptor."""

    name: str

    def __str__(self) -> str:
        return f"fd@{self.name}"


Address = InetAddress | UnixAddress | NamedAddress
SocketAddress = InetAddress | UnixAddress
#: What a listener may be asked to listen at.
ListenAddress = SocketAddress | InheritedAddress


@lru_cache(maxsize=4096)
def canonical_ip(text: str) -> IP:
    """Parse a numeric IP address without a zone; an IPv4-mapped one becomes IPv4.

    Raises ValueError for anything else, leading zeros ("010.0.0.1") included.
    """
    if "%" in text:
        raise ValueError(f"{_shown(text)} has a zone")
    ip = ipaddress.ip_address(text)
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    return ip


def inet_address(host: str, port: int) -> InetAddress:
    """Build the canonical address of a numeric host ("::1", "fe80::1%eth0") and a port.

    Raises ValueError when the host is not numeric, or has a zone that cannot be one.
    """
    bare, percent, zone = host.partition("%")
    ip = canonical_ip(bare)
    is_ipv4 = isinstance(ip, ipaddress.IPv4Address)
    if percent and (is_ipv4 or not _ZONE.match(zone)):
        raise ValueError(f"{_shown(host)} has a zone that is none")
    return InetAddress(ip, port, zone)


def parse_address(text: str) -> Address:
    """Parse "127.0.0.1:80", "[::1]:80", "name.example:80" or "unix:/path".

    Raises AddressError with a sentence that says what is wrong.
    """
    if text.startswith("unix:"):
        return _parse_unix(text)
    host, port = _split_port(text)
    if text.startswith("["):
        return _parse_bracketed(text, host, port)
    return _parse_host(text, host, port)


def _parse_unix(text: str) -> UnixAddress:
    path = text.removeprefix("unix:")
    if not path or "\0" in path:
        raise AddressError(f"{_shown(text)} names no path after 'unix:'")
    return UnixAddress(path)


def _split_port(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    told = _shown(text)
    if not colon or not host:
        raise AddressError(f"{told} is not an address: expected HOST:PORT, like '127.0.0.1:8080'")
    if not (port.isascii() and port.isdigit()):
        raise AddressError(f"{told} has no port number: {_shown(port)} is not one")
    if len(port) > len(str(MAX_PORT)) or int(port) > MAX_PORT:
        raise AddressError(f"{told} has a port above {MAX_PORT}, the last one there is")
    return host, int(port)


def _parse_bracketed(text: str, host: str, port: int) -> InetAddress:
    if not host.endswith("]"):
        raise AddressError(f"{_shown(text)} lacks the ']' after its IPv6 address")
    bare = host[1:-1]
    # An IPv4-mapped address is IPv4 once parsed, yet it was written as IPv6.
    if ":" in bare:
        with suppress(ValueError):
            return inet_address(bare, port)
    raise AddressError(f"{_shown(text)} has no IPv6 address between its brackets")


def _parse_host(text: str, host: str, port: int) -> InetAddress | NamedAddress:
    told = _shown(text)
    if ":" in host:
        raise AddressError(f"{told}: an IPv6 address is written in brackets, like '[::1]:80'")
    with suppress(ValueError):
        return inet_address(host, port)
    if host.replace(".", "").isdigit() or not _HOST_NAME.match(host):
        raise AddressError(f"{told}: {_shown(host)} is neither an IP address nor a host name")
    return NamedAddress(host, port)


def _shown(text: str) -> str:
    """Quote a text in at most about 60 characters: what a peer sent may be endless."""
    return repr(text) if len(text) <= _SHOWN else repr(f"{text[: _SHOWN - 3]}...")
