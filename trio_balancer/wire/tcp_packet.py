"""A conversation written down as the TCP packets that could have carried it.

Sources: RFC 9293 (TCP), RFC 791 (IPv4), RFC 8200 (IPv6), RFC 7323 (window scaling), RFC 1071
(checksums). These packets never were on a wire: they say who said what in which order.
"""

from __future__ import annotations

import struct
from enum import IntFlag
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, final

import attrs

from trio_balancer.wire.address import IP, InetAddress

if TYPE_CHECKING:
    from collections.abc import Iterator

_TCP = 6
_HOPS = 64
_DO_NOT_FRAGMENT = 0x4000
# A whole gigabyte may be on its way unacknowledged: nobody acknowledges bulk here.
_WINDOW = 0xFFFF
_SCALE = 14
# No operation, then the window scale; in a packet with SYN.
_SYN_OPTIONS = struct.pack("!BBBB", 1, 3, 3, _SCALE)
#: Bytes in a packet at most; an IPv4 packet has at most 65535, headers included.
SEGMENT = 32 * 1024
_SEQUENCES = 1 << 32


class Flag(IntFlag):
    """The flags of a packet."""

    FIN = 0x01
    SYN = 0x02
    RST = 0x04
    PSH = 0x08
    ACK = 0x10


@final
@attrs.define(eq=False)
class Speaker:
    """One end: its address, the number of its next byte, and whether it has said its last."""

    address: InetAddress
    sequence: int
    finished: bool = False


@final
class Conversation:
    """Who said what, as packets: each method returns those of one event, in their order.

    Addresses of two IP versions become IPv6 ones; `sequence` should differ between conversations
    of the same addresses.
    """

    def __init__(self, client: InetAddress, server: InetAddress, sequence: int = 0) -> None:
        ips = client.ip, server.ip
        self._is_ipv4 = all(isinstance(ip, IPv4Address) for ip in ips)
        self.client = Speaker(client, sequence % _SEQUENCES)
        self.server = Speaker(server, (sequence + _SEQUENCES // 2) % _SEQUENCES)

    def handshake(self) -> list[bytes]:
        """SYN, SYN with ACK, ACK."""
        return [
            self._packet(self.client, Flag.SYN),
            self._packet(self.server, Flag.SYN | Flag.ACK),
            self._packet(self.client, Flag.ACK),
        ]

    def data(self, speaker: Speaker, data: bytes) -> list[bytes]:
        """Say something, in segments."""
        return [self._packet(speaker, Flag.PSH | Flag.ACK, segment) for segment in _segments(data)]

    def finish(self, speaker: Speaker) -> list[bytes]:
        """Say an end-of-file; once both have, the last one is acknowledged."""
        packets = [self._packet(speaker, Flag.FIN | Flag.ACK)]
        speaker.finished = True
        if self.is_over:
            packets.append(self._packet(self._other(speaker), Flag.ACK))
        return packets

    def reset(self, speaker: Speaker) -> list[bytes]:
        """Break off."""
        return [self._packet(speaker, Flag.RST | Flag.ACK)]

    @property
    def is_over(self) -> bool:
        """Whether both have finished."""
        return self.client.finished and self.server.finished

    def _other(self, speaker: Speaker) -> Speaker:
        return self.server if speaker is self.client else self.client

    def _packet(self, speaker: Speaker, flags: Flag, data: bytes = b"") -> bytes:
        hearer = self._other(speaker)
        options = _SYN_OPTIONS if Flag.SYN in flags else b""
        head = struct.pack(
            "!HHIIBBHHH",
            speaker.address.port,
            hearer.address.port,
            speaker.sequence,
            hearer.sequence if Flag.ACK in flags else 0,
            (20 + len(options)) // 4 << 4,
            flags,
            _WINDOW,
            0,
            0,
        )
        # SYN and FIN are numbered like bytes.
        numbered = len(data) + bool(flags & (Flag.SYN | Flag.FIN))
        speaker.sequence = (speaker.sequence + numbered) % _SEQUENCES
        return self._to_ip(speaker, hearer, head + options + data)

    def _to_ip(self, speaker: Speaker, hearer: Speaker, segment: bytes) -> bytes:
        source, target = self._octets(speaker.address.ip), self._octets(hearer.address.ip)
        pseudo = source + target + struct.pack("!II", len(segment), _TCP)
        segment = _with_checksum(segment, 16, pseudo)
        if self._is_ipv4:
            return _ipv4_header(source, target, len(segment)) + segment
        head = struct.pack("!IHBB", 6 << 28, len(segment), _TCP, _HOPS)
        return head + source + target + segment

    def _octets(self, ip: IP) -> bytes:
        if self._is_ipv4 or isinstance(ip, IPv6Address):
            return ip.packed
        return bytes(10) + b"\xff\xff" + ip.packed  # RFC 4291, 2.5.5.2


def _segments(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), SEGMENT):
        yield data[start : start + SEGMENT]


def _ipv4_header(source: bytes, target: bytes, length: int) -> bytes:
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 0, _DO_NOT_FRAGMENT, _HOPS, _TCP, 0)
    return _with_checksum(head + source + target, 10)


def _with_checksum(data: bytes, offset: int, pseudo: bytes = b"") -> bytes:
    """Fill in the checksum, whose place holds zeros; `pseudo` is counted too."""
    checksum = struct.pack("!H", _checksum(pseudo + data))
    return data[:offset] + checksum + data[offset + 2 :]


def _checksum(data: bytes) -> int:
    """Return the one's complement of the one's complement sum of the 16-bit words.

    That sum is a remainder by 65535, since 65536 leaves 1: so one division does for all words.
    """
    padded = data + bytes(len(data) % 2)
    return 0xFFFF - int.from_bytes(padded, "big") % 0xFFFF
