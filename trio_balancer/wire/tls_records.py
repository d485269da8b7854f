"""TLS records, as far as they carry a client's first message (RFC 8446, section 5.1).

The versions before TLS 1.3 have the same records.
"""

from __future__ import annotations

from trio_balancer.wire.tls_fields import ClientHelloError

#: Bytes of a record's header: type, version (2), length (2).
RECORD_HEADER = 5
#: Bytes of what one record carries, at most.
MAX_FRAGMENT = 2**14

_HANDSHAKE = 22
# The type of the first record and the first half of its version, which is 3 in SSL 3.0 and in
# every TLS; the second half means nothing.
_BEGINNING = bytes([_HANDSHAKE, 3])


class NotTlsError(ValueError):
    """The client does not speak TLS; a sentence for people."""


def looks_like_tls(beginning: bytes | bytearray) -> bool | None:
    """Tell from a client's first two bytes whether it speaks TLS; None while that is open.

    The SSL 2.0 form of a ClientHello is not TLS: RFC 6176 forbids it.
    """
    head = bytes(beginning[: len(_BEGINNING)])
    if not _BEGINNING.startswith(head):
        return False
    return True if head == _BEGINNING else None


def next_fragment(data: bytearray, at: int) -> bytes | None:
    """Return what the record that begins at `at` carries; None while not all of it has come.

    Raises ClientHelloError as soon as its header is no handshake record's. A record without
    content is one: RFC 8446 forbids them here, and any number of them would say nothing.
    """
    content = at + RECORD_HEADER
    if len(data) < content:
        return None
    kind, size = data[at : at + 2], int.from_bytes(data[content - 2 : content], "big")
    if kind != _BEGINNING:
        raise ClientHelloError("the ClientHello is interrupted by something else than itself")
    if not 0 < size <= MAX_FRAGMENT:
        raise ClientHelloError(f"a TLS record of {size} bytes; 1 to {MAX_FRAGMENT} are allowed")
    end = content + size
    return bytes(data[content:end]) if end <= len(data) else None
