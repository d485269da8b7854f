"""Addresses as a configuration writes them; paths are relative to the folder of its file."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from trio_balancer.config.values import Parser, expected, is_plain
from trio_balancer.wire.address import (
    IP,
    Address,
    AddressError,
    InheritedAddress,
    ListenAddress,
    NamedAddress,
    SocketAddress,
    UnixAddress,
    canonical_ip,
    inet_address,
    parse_address,
)

if TYPE_CHECKING:
    from pathlib import PurePath

# Linux keeps 108 bytes for the path of a Unix socket, with the zero that ends it (unix(7)).
_LONGEST_UNIX_PATH = 107
_INHERITED_NAME = re.compile(r"[!-9;-~]{1,255}\Z")  # visible ASCII without the colon
# A host name is shorter, and so is a Unix path; error texts need not repeat a whole novel.
_LONGEST = 300


def bind_address(base: PurePath) -> Parser[SocketAddress]:
    """Make a parser of addresses to listen on: numeric, or a Unix socket."""

    def parse(value: object) -> SocketAddress:
        address = _resolved(_any_address(value), base)
        if isinstance(address, NamedAddress):
            raise expected("a numeric address like '127.0.0.1:80' or 'unix:/path'", value)
        return address

    return parse


def listen_address(base: PurePath) -> Parser[ListenAddress]:
    """Make a parser of what a listener binds: an address, or "fd@NAME" for an inherited socket."""
    parse_bind = bind_address(base)

    def parse(value: object) -> ListenAddress:
        if not isinstance(value, str) or not value.startswith("fd@"):
            return parse_bind(value)
        name = value.removeprefix("fd@")
        # What systemd takes as a name, FileDescriptorName= in systemd.socket(5).
        if not _INHERITED_NAME.match(name):
            raise expected("the name or number of an inherited socket, like 'fd@web'", value)
        return InheritedAddress(name)

    return parse


def backend_address(base: PurePath) -> Parser[Address]:
    """Make a parser of addresses to connect to: numeric, a host name, or a Unix socket."""

    def parse(value: object) -> Address:
        address = _resolved(_any_address(value), base)
        if not isinstance(address, UnixAddress) and address.port == 0:
            raise expected("a port from 1 to 65535", value)
        return address

    return parse


def host(value: object) -> str:
    """Parse a numeric IP address or a host name, without a port; numeric ones are canonical."""
    error = expected("an IP address or a host name, without a port", value)
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise error
    try:
        return inet_address(value, 0).host
    except ValueError:
        return _host_name(value, error)


def _host_name(value: str, error: ValueError) -> str:
    with suppress(AddressError):
        if isinstance(parse_address(f"{value}:0"), NamedAddress):
            return value
    raise error


def ip(value: object) -> IP:
    """Parse a numeric IP address without a port; an IPv4-mapped one becomes IPv4."""
    with suppress(ValueError):
        if isinstance(value, str) and len(value) <= _LONGEST:
            return canonical_ip(value)
    raise expected("an IP address, without a port", value)


def log_file(base: PurePath) -> Parser[str]:
    """Make a parser of where the log goes: "-", a path, or "syslog:" and the path of a socket."""

    def parse(value: object) -> str:
        if not isinstance(value, str) or not value.isprintable():
            raise expected('"-", a path or "syslog:/dev/log"', value)
        if value == "-":
            return value
        scheme = "syslog:" if value.startswith("syslog:") else ""
        path = value.removeprefix(scheme)
        if not path:
            raise expected('"-", a path or "syslog:/dev/log"', value)
        return f"{scheme}{base / path}"

    return parse


def _any_address(value: object) -> Address:
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise expected("an address like '127.0.0.1:8080' or 'unix:/path'", value)
    address = parse_address(value)
    # The log writes addresses, and a configuration may not forge its lines either.
    if not is_plain(value):
        raise expected("an address without spaces or control characters", value)
    return address


def _resolved(address: Address, base: PurePath) -> Address:
    if not isinstance(address, UnixAddress):
        return address
    path = str(base / address.path)
    if len(os.fsencode(path)) > _LONGEST_UNIX_PATH:
        raise expected(f"a Unix socket path of at most {_LONGEST_UNIX_PATH} bytes", path)
    return UnixAddress(path)
