r"""Version 1 of the PROXY protocol: one line, "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n".

Section 2.1 of the specification that `proxy_header.py` names.
"""

from __future__ import annotations

import ipaddress
import re

from trio_balancer.wire.address import IP, MAX_PORT, InetAddress, SocketAddress, canonical_ip
from trio_balancer.wire.proxy_header import ProxyHeader, ProxyProtocolError, no_header, show

MAX_LINE = 107
"""The most bytes that a line has, its CRLF included."""

_END = b"\r\n"
_BEGINNINGS = (b"PROXY TCP4 ", b"PROXY TCP6 ", b"PROXY UNKNOWN ")
_UNKNOWN = re.compile(rb"PROXY UNKNOWN( [^\r\n]*)?\Z")
_TCP = re.compile(
    r"PROXY TCP(?P<family>[46])"
    r" (?P<source>[0-9A-Fa-f.:]+) (?P<destination>[0-9A-Fa-f.:]+)"
    r" (?P<source_port>0|[1-9][0-9]{0,4}) (?P<destination_port>0|[1-9][0-9]{0,4})\Z"
)


def parse_v1(data: bytes | bytearray) -> ProxyHeader | None:
    """Parse the line at the beginning of `data`; None when more bytes are needed.

    How it begins is checked as it arrives, and the rest once it is whole. Whatever follows
    UNKNOWN is skipped unread. Raises ProxyProtocolError.
    """
    line, end, _ = bytes(data[:MAX_LINE]).partition(_END)
    if not end:
        _check_unfinished(line)
        return None
    size = len(line) + len(_END)
    if _UNKNOWN.match(line):
        return ProxyHeader(1, size)
    source, destination = _parse_addresses(line)
    return ProxyHeader(1, size, source, destination)


def _check_unfinished(begun: bytes) -> None:
    """Raise ProxyProtocolError as soon as this cannot become a line any more."""
    # The last byte may be the first half of the end.
    line = begun.removesuffix(b"\r")
    if not any(each.startswith(line[: len(each)]) for each in _BEGINNINGS):
        raise no_header(begun)
    if b"\r" in line or b"\n" in line:
        raise ProxyProtocolError("a PROXY line must end in CR and LF, not in one of them")
    if len(begun) == MAX_LINE:
        raise ProxyProtocolError(f"a PROXY line did not end within {MAX_LINE} bytes")


def _parse_addresses(line: bytes) -> tuple[InetAddress, InetAddress]:
    match = _TCP.match(line.decode("ascii", "replace"))
    if match is None:
        raise ProxyProtocolError(f"{show(line)} is no PROXY line")
    is_ipv6 = match["family"] == "6"
    return (
        _parse_address(match["source"], match["source_port"], is_ipv6=is_ipv6),
        _parse_address(match["destination"], match["destination_port"], is_ipv6=is_ipv6),
    )


def _parse_address(ip: str, port: str, *, is_ipv6: bool) -> InetAddress:
    # An IPv4-mapped address is written as IPv6, whatever it becomes.
    if (":" in ip) != is_ipv6:
        raise ProxyProtocolError(f"a PROXY line for TCP{6 if is_ipv6 else 4} announces {ip}")
    if int(port) > MAX_PORT:
        raise ProxyProtocolError(f"a PROXY line announces port {port}, above {MAX_PORT}")
    try:
        return InetAddress(canonical_ip(ip), int(port))
    except ValueError:
        raise ProxyProtocolError(f"a PROXY line announces {ip}, which is no address") from None


def encode_v1(source: SocketAddress, destination: SocketAddress) -> bytes:
    """Write the line that announces a client at `source`, who connected to `destination`.

    Where one address is IPv6, the other is written as an IPv4-mapped one, as the two have one
    family. Unix sockets have no words here: they are UNKNOWN.
    """
    if not isinstance(source, InetAddress) or not isinstance(destination, InetAddress):
        return b"PROXY UNKNOWN\r\n"
    ports = f"{source.port} {destination.port}"
    if any(isinstance(each.ip, ipaddress.IPv6Address) for each in (source, destination)):
        ips = f"{_as_ipv6(source.ip)} {_as_ipv6(destination.ip)}"
        return f"PROXY TCP6 {ips} {ports}\r\n".encode()
    return f"PROXY TCP4 {source.text} {destination.text} {ports}\r\n".encode()


def _as_ipv6(ip: IP) -> str:
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ip)
    # In hexadecimal digits only: the specification knows no dots in an IPv6 address.
    high, low = divmod(int(ip), 0x10000)
    return f"::ffff:{high:x}:{low:x}"
