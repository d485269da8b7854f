"""The type-length-value vectors of the PROXY protocol: one byte, two bytes, as many as these say.

Sections 2.2.1 to 2.2.8 of the specification that `proxy_header.py` names; the types from 0x26 to
0x28 are HAProxy's later ones.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from trio_balancer.wire.crc32c import checksum
from trio_balancer.wire.proxy_header import ProxyProtocolError, SslInfo, Tlvs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_ALPN = 0x01
_AUTHORITY = 0x02
_CRC32C = 0x03
_NOOP = 0x04
_UNIQUE_ID = 0x05
_SSL = 0x20
_NETNS = 0x30
_KNOWN = frozenset({_ALPN, _AUTHORITY, _CRC32C, _UNIQUE_ID, _SSL, _NETNS})

# Within the value of _SSL. One of these cannot hold more of them: whatever is nested deeper
# stays bytes.
_SSL_VERSION = 0x21
_SSL_CN = 0x22
_SSL_CIPHER = 0x23
_SSL_SIG_ALG = 0x24
_SSL_KEY_ALG = 0x25
_SSL_GROUP = 0x26
_SSL_SIG_SCHEME = 0x27
_SSL_CLIENT_CERT = 0x28
_KNOWN_IN_SSL = frozenset(range(_SSL_VERSION, _SSL_CLIENT_CERT + 1))

_BEGINNING = struct.Struct("!BH")
_SSL_BEGINNING = struct.Struct("!BI")
_LONGEST_UNIQUE_ID = 128
_CHECKSUM_SIZE = 4
_LONGEST = 0xFFFF

_Vectors = tuple[tuple[int, bytes], ...]


def parse_tlvs(header: bytes, start: int) -> Tlvs:
    """Parse the vectors of a whole header, from `start` to its end, and check its CRC32C if given.

    Raises ProxyProtocolError: for vectors that do not end where the header does, and for two of
    one type that has a field in `Tlvs`, of which others may believe another one.
    """
    vectors = tuple(_split(header, start))
    known, others = _sort(vectors, _KNOWN)
    if _CRC32C in known:
        _check_crc32c(header, start, vectors)
    ssl = known.get(_SSL)
    return Tlvs(
        authority=known.get(_AUTHORITY),
        alpn=known.get(_ALPN),
        unique_id=_check_unique_id(known.get(_UNIQUE_ID)),
        netns=known.get(_NETNS),
        ssl=None if ssl is None else _parse_ssl(ssl),
        others=others,
    )


def _split(data: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    while start < len(data):
        if len(data) - start < _BEGINNING.size:
            raise ProxyProtocolError("a PROXY header ends within the beginning of a TLV")
        kind, length = _BEGINNING.unpack_from(data, start)
        value = data[start + _BEGINNING.size : start + _BEGINNING.size + length]
        if len(value) < length:
            raise ProxyProtocolError(f"the TLV 0x{kind:02x} goes on after its PROXY header's end")
        yield kind, value
        start += _BEGINNING.size + length


def _sort(vectors: _Vectors, fields: frozenset[int]) -> tuple[dict[int, bytes], _Vectors]:
    """Part those that have a field from the others; what is for padding is dropped."""
    known = {kind: value for kind, value in vectors if kind in fields}
    others = tuple(each for each in vectors if each[0] not in fields and each[0] != _NOOP)
    _check_unique([kind for kind, _ in vectors if kind in fields])
    return known, others


def _check_unique(kinds: list[int]) -> None:
    for kind in set(kinds):
        if kinds.count(kind) > 1:
            raise ProxyProtocolError(f"a PROXY header has the TLV 0x{kind:02x} twice")


def _check_crc32c(header: bytes, start: int, vectors: _Vectors) -> None:
    at = start
    for kind, value in vectors:
        at += _BEGINNING.size
        if kind == _CRC32C:
            _check_checksum(header, at, value)
        at += len(value)


def _check_checksum(header: bytes, at: int, value: bytes) -> None:
    if len(value) != _CHECKSUM_SIZE:
        raise ProxyProtocolError(f"a CRC32C has {_CHECKSUM_SIZE} bytes, not {len(value)}")
    # It is taken over the header with zeros in its own place.
    zeroed = header[:at] + bytes(_CHECKSUM_SIZE) + header[at + _CHECKSUM_SIZE :]
    if checksum(zeroed) != int.from_bytes(value):
        raise ProxyProtocolError("the CRC32C of a PROXY header is wrong")


def _check_unique_id(value: bytes | None) -> bytes | None:
    if value is not None and len(value) > _LONGEST_UNIQUE_ID:
        raise ProxyProtocolError(f"a unique id has at most {_LONGEST_UNIQUE_ID} bytes")
    return value


def _parse_ssl(value: bytes) -> SslInfo:
    if len(value) < _SSL_BEGINNING.size:
        raise ProxyProtocolError("the SSL TLV of a PROXY header is too short")
    client, verify = _SSL_BEGINNING.unpack_from(value)
    known, others = _sort(tuple(_split(value, _SSL_BEGINNING.size)), _KNOWN_IN_SSL)
    return SslInfo(
        client,
        verify,
        version=known.get(_SSL_VERSION),
        cn=known.get(_SSL_CN),
        cipher=known.get(_SSL_CIPHER),
        sig_alg=known.get(_SSL_SIG_ALG),
        key_alg=known.get(_SSL_KEY_ALG),
        group=known.get(_SSL_GROUP),
        sig_scheme=known.get(_SSL_SIG_SCHEME),
        client_cert=known.get(_SSL_CLIENT_CERT),
        others=others,
    )


def encode_tlvs(tlvs: Tlvs) -> bytes:
    """Write the vectors, without a checksum.

    Raises ValueError for a value of more than 65535 bytes.
    """
    fields = (
        (_ALPN, tlvs.alpn),
        (_AUTHORITY, tlvs.authority),
        (_UNIQUE_ID, tlvs.unique_id),
        (_SSL, None if tlvs.ssl is None else _encode_ssl(tlvs.ssl)),
        (_NETNS, tlvs.netns),
        *tlvs.others,
    )
    return _encode(fields)


def _encode_ssl(ssl: SslInfo) -> bytes:
    fields = (
        (_SSL_VERSION, ssl.version),
        (_SSL_CN, ssl.cn),
        (_SSL_CIPHER, ssl.cipher),
        (_SSL_SIG_ALG, ssl.sig_alg),
        (_SSL_KEY_ALG, ssl.key_alg),
        (_SSL_GROUP, ssl.group),
        (_SSL_SIG_SCHEME, ssl.sig_scheme),
        (_SSL_CLIENT_CERT, ssl.client_cert),
        *ssl.others,
    )
    return _SSL_BEGINNING.pack(ssl.client, ssl.verify) + _encode(fields)


def _encode(fields: Iterable[tuple[int, bytes | None]]) -> bytes:
    return b"".join(_vector(kind, value) for kind, value in fields if value is not None)


def _vector(kind: int, value: bytes) -> bytes:
    if len(value) > _LONGEST:
        raise ValueError(f"a TLV of {len(value)} bytes does not fit into a PROXY header")
    return _BEGINNING.pack(kind, len(value)) + value


def add_crc32c(header: bytes) -> bytes:
    """Append the checksum to a whole header, whose length counts those seven bytes already."""
    zeroed = header + _vector(_CRC32C, bytes(_CHECKSUM_SIZE))
    return zeroed[:-_CHECKSUM_SIZE] + checksum(zeroed).to_bytes(_CHECKSUM_SIZE)


CRC32C_SIZE = _BEGINNING.size + _CHECKSUM_SIZE
"""The bytes that `add_crc32c` adds."""
