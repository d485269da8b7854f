"""What a PROXY protocol header says, as values.

Source of this and of the files `proxy_...` beside it: "The PROXY protocol", versions 1 and 2, by
Willy Tarreau (doc/proxy-protocol.txt of HAProxy); section 2.1 is version 1, 2.2 version 2.
"""

from __future__ import annotations

import attrs

from trio_balancer.wire.address import SocketAddress
from trio_balancer.wire.escape import escape

_SHOWN = 40
# No host name is longer (RFC 1035, section 2.3.4), nor is any other text that belongs here.
_READABLE = 255

_CLIENT_TLS = 0x01
_CLIENT_CERTIFICATE = 0x02 | 0x04


class ProxyProtocolError(ValueError):
    """What arrived is no PROXY protocol header; the message is a sentence for people."""


def no_header(data: bytes | bytearray) -> ProxyProtocolError:
    """Build the error of data that does not even begin like a header."""
    return ProxyProtocolError(f"expected a PROXY protocol header, got {show(data)}")


def show(data: bytes | bytearray) -> str:
    """Write what a peer sent on one line, in ASCII, at most 40 bytes of it."""
    return repr(bytes(data[:_SHOWN]))[1:]


def readable(value: bytes) -> str:
    r"""Write a text that was announced, at most 255 bytes of it, harmless within one line.

    It should be UTF-8; a byte that is not appears as `\udcXX`, so that no two values look alike.
    """
    text = escape(value[:_READABLE].decode("utf-8", "surrogateescape"))
    return text if len(value) <= _READABLE else f"{text}..."


@attrs.frozen
class SslInfo:
    """How the client spoke TLS to whoever sent the header.

    `client` and `verify` are the numbers of the format. The texts are as announced: ASCII, and
    UTF-8 for `cn`, if the sender keeps to its rules. `client_cert` is a certificate in DER.
    `others` are the parts of types that have no field here, in their order.
    """

    client: int
    verify: int
    version: bytes | None = None
    cn: bytes | None = None
    cipher: bytes | None = None
    sig_alg: bytes | None = None
    key_alg: bytes | None = None
    group: bytes | None = None
    sig_scheme: bytes | None = None
    client_cert: bytes | None = None
    others: tuple[tuple[int, bytes], ...] = ()

    @property
    def is_tls(self) -> bool:
        """Whether the client connected over TLS at all."""
        return bool(self.client & _CLIENT_TLS)

    @property
    def is_verified(self) -> bool:
        """Whether the client gave a certificate, now or earlier in its session, that was good.

        HAProxy announces `verify` 0 for a client without a certificate, too.
        """
        return bool(self.client & _CLIENT_CERTIFICATE) and self.verify == 0


@attrs.frozen
class Tlvs:
    """What a header of version 2 says beside the addresses: type-length-value vectors.

    Values are the bytes as announced; `others` are (type, value) of those that have no field
    here, in their order. `readable` makes a text of a value.
    """

    authority: bytes | None = None
    alpn: bytes | None = None
    unique_id: bytes | None = None
    netns: bytes | None = None
    ssl: SslInfo | None = None
    others: tuple[tuple[int, bytes], ...] = ()

    @property
    def authority_text(self) -> str | None:
        """The host name that the client asked for, harmless within a log line."""
        return None if self.authority is None else readable(self.authority)


NO_TLVS = Tlvs()


@attrs.frozen
class ProxyHeader:
    """One header: `size` bytes on the wire, after which the payload begins.

    The addresses are canonical, and both None where the header announces none: those of the
    socket hold then.
    """

    version: int
    size: int
    source: SocketAddress | None = None
    destination: SocketAddress | None = None
    tlvs: Tlvs = NO_TLVS

    @property
    def local(self) -> bool:
        """Whether those of the socket hold: LOCAL, UNKNOWN, or no stream over IP or Unix."""
        return self.source is None
