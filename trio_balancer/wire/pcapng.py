"""Blocks of a pcapng file, as bytes; Wireshark and tshark read them.

Source: "PCAP Now Generic (pcapng) Capture File Format", draft-ietf-opsawg-pcapng, sections 4.1
(section header), 4.2 (interface description) and 4.3 (enhanced packet). All numbers are little
endian, which the byte-order magic says. Blocks stand for themselves: a file may be cut or
continued between any two, and a new section may begin anywhere.
"""

from __future__ import annotations

import struct

_SECTION_HEADER = 0x0A0D0D0A
_INTERFACE = 1
_ENHANCED_PACKET = 6
_BYTE_ORDER_MAGIC = 0x1A2B3C4D
_UNKNOWN_LENGTH = -1
#: Packets that begin with their IPv4 or IPv6 header (https://www.tcpdump.org/linktypes.html).
LINKTYPE_RAW = 101
_COMMENT = 1
_USER_APPLICATION = 4
_NO_LIMIT = 0
_LONGEST_OPTION = 0xFFFF


def file_header(application: str) -> bytes:
    """Begin a file, or a section of one: who writes it, and that packets are raw IP."""
    return _section_header(application) + _interface()


def _section_header(application: str) -> bytes:
    body = struct.pack("<IHHq", _BYTE_ORDER_MAGIC, 1, 0, _UNKNOWN_LENGTH)
    return _block(_SECTION_HEADER, body + _options((_USER_APPLICATION, application)))


def _interface() -> bytes:
    # Without the option `if_tsresol`, times are in microseconds.
    return _block(_INTERFACE, struct.pack("<HHI", LINKTYPE_RAW, 0, _NO_LIMIT))


def packet(data: bytes, wall: float, comment: str = "") -> bytes:
    """Write a packet that was seen at `wall` (Unix seconds; 1970 for what was before)."""
    microseconds = max(0, round(wall * 1_000_000))
    high, low = divmod(microseconds, 1 << 32)
    head = struct.pack("<IIIII", 0, high, low, len(data), len(data))
    options = _options((_COMMENT, comment)) if comment else b""
    return _block(_ENHANCED_PACKET, head + _padded(data) + options)


def _options(*options: tuple[int, str]) -> bytes:
    """Write options and the one that ends them (section 3.5)."""
    written = []
    for code, text in options:
        value = text.encode("utf-8", "backslashreplace")[:_LONGEST_OPTION]
        written.append(struct.pack("<HH", code, len(value)) + _padded(value))
    return b"".join([*written, bytes(4)])


def _block(kind: int, body: bytes) -> bytes:
    """Wrap a body, of a length that four divides, into its type and twice its total length."""
    length = len(body) + 12
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
