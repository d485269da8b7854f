"""The checksum CRC32C (Castagnoli), a byte at a time by a table.

Source: RFC 3720, section 12.1 and appendix B.4 (its examples). What is checked here has some tens
of bytes; zlib has only the other CRC32.
"""

from __future__ import annotations

# The polynomial 0x1EDC6F41 with its bits reversed, as the lowest bit comes first.
_POLYNOMIAL = 0x82F63B78
_ALL_ONES = 0xFFFFFFFF


def _entry(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (_POLYNOMIAL if byte & 1 else 0)
    return byte


_TABLE = tuple(map(_entry, range(256)))


def checksum(data: bytes) -> int:
    """Return the 32 bits of the checksum of `data`."""
    crc = _ALL_ONES
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ _ALL_ONES
