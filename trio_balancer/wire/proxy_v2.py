"""Version 2 of the PROXY protocol: 16 bytes, the addresses, then type-length-value vectors.

Section 2.2 of the specification that `proxy_header.py` names.
"""

from __future__ import annotations

import ipaddress
import os
import struct

from trio_balancer.wire.address import IP, InetAddress, SocketAddress, UnixAddress
from trio_balancer.wire.proxy_header import (
    NO_TLVS,
    ProxyHeader,
    ProxyProtocolError,
    Tlvs,
    no_header,
)
from trio_balancer.wire.proxy_tlv import CRC32C_SIZE, add_crc32c, encode_tlvs, parse_tlvs

MAX_HEADER = 16 * 1024
"""The longest header that is read, of the 65551 bytes that one could declare.

Real ones have some tens of bytes, and a few thousand with a client's certificate. HAProxy's
buffer has this size by default, so that it sends none that is longer.
"""

_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
# The signature; version and command; address family and transport; how many bytes follow.
_HEAD = struct.Struct("!12sBBH")
_COMMAND, _FAMILY = 12, 13
_LOCAL, _PROXY = 0x20, 0x21

_UNSPEC, _INET, _INET6, _UNIX = range(4)
_STREAM = 1
_LAST_TRANSPORT = 2

_INET_BLOCK = struct.Struct("!4s4sHH")
_INET6_BLOCK = struct.Struct("!16s16sHH")
_UNIX_BLOCK = struct.Struct("!108s108s")
_BLOCK_SIZES = (0, _INET_BLOCK.size, _INET6_BLOCK.size, _UNIX_BLOCK.size)
_LONGEST = 0xFFFF
_MAPPED = bytes(10) + b"\xff\xff"


def parse_v2(data: bytes | bytearray) -> ProxyHeader | None:
    """Parse the header at the beginning of `data`; None when more bytes are needed.

    The first 16 bytes are checked as they arrive, and what they declare before it arrives.
    Raises ProxyProtocolError.
    """
    _check_beginning(data)
    if len(data) < _HEAD.size:
        return None
    _, command, family, length = _HEAD.unpack_from(data)
    _check_length(command, family, length)
    size = _HEAD.size + length
    if len(data) < size:
        return None
    if command == _LOCAL:
        # Whatever follows describes no client; the specification has it discarded.
        return ProxyHeader(2, size)
    return _parse_body(bytes(data[:size]), family)


def _check_beginning(data: bytes | bytearray) -> None:
    if not data.startswith(_SIGNATURE[: len(data)]):
        raise no_header(data)
    if len(data) <= _COMMAND:
        return
    command = data[_COMMAND]
    if command not in (_LOCAL, _PROXY):
        raise ProxyProtocolError(f"0x{command:02x} is no version and command of a PROXY header")
    # The family of LOCAL is to be ignored, whatever it is.
    if command == _PROXY and len(data) > _FAMILY:
        _check_family(data[_FAMILY])


def _check_family(byte: int) -> None:
    family, transport = divmod(byte, 16)
    if family > _UNIX or transport > _LAST_TRANSPORT:
        raise ProxyProtocolError(f"0x{byte:02x} is no address family of a PROXY header")


def _check_length(command: int, family: int, length: int) -> None:
    if _HEAD.size + length > MAX_HEADER:
        raise ProxyProtocolError(f"a PROXY header of {_HEAD.size + length} bytes is too long")
    if command == _PROXY and length < _BLOCK_SIZES[family >> 4]:
        raise ProxyProtocolError(f"a PROXY header has no room for addresses in {length} bytes")


def _parse_body(header: bytes, byte: int) -> ProxyHeader:
    family, transport = divmod(byte, 16)
    tlvs = parse_tlvs(header, _HEAD.size + _BLOCK_SIZES[family])
    if family == _UNSPEC or transport != _STREAM:
        return ProxyHeader(2, len(header), tlvs=tlvs)
    source, destination = _parse_addresses(header, family)
    return ProxyHeader(2, len(header), source, destination, tlvs)


def _parse_addresses(header: bytes, family: int) -> tuple[SocketAddress, SocketAddress]:
    if family == _UNIX:
        paths = _UNIX_BLOCK.unpack_from(header, _HEAD.size)
        return _unix_address(paths[0]), _unix_address(paths[1])
    block = _INET_BLOCK if family == _INET else _INET6_BLOCK
    source, destination, source_port, destination_port = block.unpack_from(header, _HEAD.size)
    return (
        InetAddress(_canonical_ip(source), source_port),
        InetAddress(_canonical_ip(destination), destination_port),
    )


def _canonical_ip(packed: bytes) -> IP:
    if len(packed) == ipaddress.IPV4LENGTH // 8:
        return ipaddress.IPv4Address(packed)
    if packed.startswith(_MAPPED):
        return ipaddress.IPv4Address(packed[len(_MAPPED) :])
    return ipaddress.IPv6Address(packed)


def _unix_address(padded: bytes) -> UnixAddress:
    # An abstract name begins with a zero byte: like no name at all, it is no path.
    return UnixAddress(os.fsdecode(padded.partition(b"\0")[0]))


def encode_v2(
    source: SocketAddress,
    destination: SocketAddress,
    tlvs: Tlvs = NO_TLVS,
    *,
    crc32c: bool = False,
) -> bytes:
    """Write the header that announces a client at `source`, who connected to `destination`.

    Where one address is IPv6, the other is written as an IPv4-mapped one, as the two have one
    family. Without two IP addresses it is LOCAL and says nothing, neither the vectors: there is a
    family for Unix sockets, but HAProxy 2.6 refuses it, and writes LOCAL for such clients. Raises
    ValueError where the vectors are longer than the format allows.
    """
    if not isinstance(source, InetAddress) or not isinstance(destination, InetAddress):
        return encode_local()
    family, block = _encode_addresses(source, destination)
    body = block + encode_tlvs(tlvs)
    length = len(body) + (CRC32C_SIZE if crc32c else 0)
    if length > _LONGEST:
        raise ValueError(f"a PROXY header cannot have {length} bytes after its first 16")
    header = _HEAD.pack(_SIGNATURE, _PROXY, family << 4 | _STREAM, length) + body
    return add_crc32c(header) if crc32c else header


def _encode_addresses(source: InetAddress, destination: InetAddress) -> tuple[int, bytes]:
    """Return the family and the block of addresses."""
    ips, ports = (source.ip, destination.ip), (source.port, destination.port)
    if any(isinstance(ip, ipaddress.IPv6Address) for ip in ips):
        return _INET6, _INET6_BLOCK.pack(*map(_as_ipv6, ips), *ports)
    return _INET, _INET_BLOCK.pack(*(ip.packed for ip in ips), *ports)


def _as_ipv6(ip: IP) -> bytes:
    return ip.packed if isinstance(ip, ipaddress.IPv6Address) else _MAPPED + ip.packed


def encode_local() -> bytes:
    """Write the header of a connection of our own, such as a health check: no client's."""
    return _HEAD.pack(_SIGNATURE, _LOCAL, 0, 0)
