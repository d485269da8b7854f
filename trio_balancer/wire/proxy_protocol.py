"""The PROXY protocol, versions 1 and 2: who the client of a relayed connection is.

This is the front of the files `proxy_...` beside it. Sans-I/O.

Whether a connection begins with a header is never guessed: who reads one must know by its
configuration that the peer sends one, and must trust the peer to tell the truth.
"""

from __future__ import annotations

from trio_balancer.wire.proxy_header import ProxyHeader, ProxyProtocolError, SslInfo, Tlvs, readable
from trio_balancer.wire.proxy_v1 import encode_v1, parse_v1
from trio_balancer.wire.proxy_v2 import MAX_HEADER, encode_local, encode_v2, parse_v2

__all__ = [
    "MAX_HEADER",
    "ProxyHeader",
    "ProxyProtocolError",
    "SslInfo",
    "Tlvs",
    "encode_local",
    "encode_v1",
    "encode_v2",
    "parse_header",
    "readable",
]


def parse_header(data: bytes | bytearray) -> ProxyHeader | None:
    """Parse the header, of either version, at the beginning of `data`.

    None means that more bytes are needed; ask again with the old ones and the new ones, and never
    will more than MAX_HEADER be needed. The payload is `data[header.size:]`. Raises
    ProxyProtocolError as soon as the beginning shows that this is no header, so that a client who
    sends something else is not waited for.
    """
    if not data:
        return None
    return parse_v1(data) if data.startswith(b"P") else parse_v2(data)
