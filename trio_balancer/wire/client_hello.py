"""What a TLS client says in its first message, read without decrypting anything.

Sans-I/O. Formats: RFC 8446, section 4.1.2 (ClientHello; older versions differ in nothing that
is read here), RFC 6066, section 3 (server_name) and RFC 7301, section 3.1 (ALPN).

With Encrypted Client Hello (RFC 9849) this is the outer message, whose name is the public one
of the client-facing server; the inner one is for the key's owner alone.
"""

from __future__ import annotations

import attrs

from trio_balancer.wire.escape import escape
from trio_balancer.wire.host_name import canonical_host_name, is_ip_address
from trio_balancer.wire.tls_fields import ClientHelloError, Fields
from trio_balancer.wire.tls_records import (
    RECORD_HEADER,
    NotTlsError,
    looks_like_tls,
    next_fragment,
)

__all__ = [
    "MAX_HELLO",
    "MAX_LISTED",
    "MAX_RECORDS",
    "ClientHello",
    "ClientHelloError",
    "HelloReader",
    "NotTlsError",
    "looks_like_tls",
    "parse_client_hello",
]

#: Bytes of a ClientHello, its records' headers not counted. The largest that are seen, with
#: post-quantum key shares and Encrypted Client Hello, have 2 to 4 KiB.
MAX_HELLO = 65536
#: TLS records of a ClientHello; nearly all clients send one. Each record costs five bytes of
#: memory and a step of ours, so this bounds both where all records carry a single byte.
MAX_RECORDS = 4096
#: Extensions, and protocols: no client has sent a tenth of this. As many as fit into MAX_HELLO
#: would keep every other connection waiting for 20 ms.
MAX_LISTED = 256

_CLIENT_HELLO = 1
_MESSAGE_HEADER = 4
_VERSION_AND_RANDOM = 2 + 32

_SERVER_NAME = 0
_ALPN = 16
_HOST_NAME = 0
# Protocols that nobody speaks, sent to keep servers tolerant (RFC 8701).
_GREASE = frozenset(bytes([each, each]) for each in range(0x0A, 0x100, 0x10))

_ANY = range(2**16)
_SOME = range(1, 2**16)

_SHOWN = 40


@attrs.frozen
class ClientHello:
    """What a client asks for.

    `server_name` is a host name in small letters without a trailing dot, or None: it is ASCII
    and safe to log. An IP address, which RFC 6066 forbids there, counts as no name; anything
    else that is no host name is an error, so that the backend never sees another name than the
    one that chose it.

    `alpn` are the protocols that the client offers, in its order, as it sent them: they may
    hold any bytes, so log `alpn_text`.
    """

    server_name: str | None
    alpn: tuple[bytes, ...]

    @property
    def alpn_text(self) -> tuple[str, ...]:
        """The protocols as text that is safe to log."""
        return tuple(escape(each.decode(errors="surrogateescape")) for each in self.alpn)


class HelloReader:
    """Finds the ClientHello, however it is cut into pieces and into TLS records."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._at = 0
        self._records = 0
        self._message = bytearray()

    @property
    def received(self) -> bytes:
        """All bytes so far, for the backend to read them again.

        They stay below 100 KiB: the message, the headers of all its records, and one record
        more. What came with the last piece may exceed that.
        """
        return bytes(self._received)

    def feed(self, data: bytes) -> ClientHello | None:
        """Take the next bytes; return the ClientHello, or None when more are needed.

        What follows its last record is left alone. Raises NotTlsError as soon as this is no
        TLS, ClientHelloError once a record shows that it is no ClientHello or a malformed one.
        """
        self._received += data
        if looks_like_tls(self._received) is False:
            raise NotTlsError("the client does not speak TLS")
        while not _is_whole(self._message):
            if not self._take_record():
                return None
        return _parse_message(bytes(self._message[_MESSAGE_HEADER:]))

    def _take_record(self) -> bool:
        """Add what the next record carries; False while not all of it has come."""
        if self._records == MAX_RECORDS:
            raise ClientHelloError(f"a ClientHello in more than {MAX_RECORDS} TLS records")
        fragment = next_fragment(self._received, self._at)
        if fragment is None:
            return False
        self._records += 1
        self._at += RECORD_HEADER + len(fragment)
        self._message += fragment
        return True


def parse_client_hello(data: bytes) -> ClientHello | None:
    """Read the ClientHello at the beginning of `data`; None when more bytes are needed.

    Raises NotTlsError and ClientHelloError, as `HelloReader.feed` does.
    """
    return HelloReader().feed(data)


def _is_whole(message: bytearray) -> bool:
    """Tell whether the whole message is there; raises where it cannot be a ClientHello."""
    if message and message[0] != _CLIENT_HELLO:
        raise ClientHelloError(f"expected a ClientHello, got the TLS message {message[0]}")
    if len(message) < _MESSAGE_HEADER:
        return False
    size = _MESSAGE_HEADER + int.from_bytes(message[1:_MESSAGE_HEADER], "big")
    if size > MAX_HELLO:
        raise ClientHelloError(f"a ClientHello of {size} bytes; {MAX_HELLO} are allowed")
    # The client must hear from the server before it says more in the clear.
    if len(message) > size:
        raise ClientHelloError("malformed ClientHello: its last record goes on after its end")
    return len(message) == size


def _parse_message(body: bytes) -> ClientHello:
    fields = Fields(body, "the message")
    fields.take(_VERSION_AND_RANDOM)
    fields.vector(1, range(33))  # session id
    fields.vector(2, range(2, 2**16, 2))  # cipher suites
    fields.vector(1, range(1, 2**8))  # compression methods
    # A client of TLS 1.2 or older may end here.
    extensions = _parse_extensions(fields.vector(2, _ANY)) if fields.left else {}
    fields.finish()
    return ClientHello(
        server_name=_parse_server_name(extensions.get(_SERVER_NAME)),
        alpn=_parse_alpn(extensions.get(_ALPN)),
    )


def _parse_extensions(data: bytes) -> dict[int, bytes]:
    """Return the content of each extension by its type; most types mean nothing to us."""
    fields = Fields(data, "its list of extensions")
    extensions: dict[int, bytes] = {}
    while fields.left:
        kind = fields.number(2)
        if len(extensions) == MAX_LISTED:
            raise ClientHelloError(f"a ClientHello with more than {MAX_LISTED} extensions")
        if kind in extensions:
            raise ClientHelloError(f"malformed ClientHello: extension {kind} comes twice")
        extensions[kind] = fields.vector(2, _ANY)
    return extensions


def _parse_server_name(data: bytes | None) -> str | None:
    """Return the name of the one entry that every TLS library allows in this list."""
    if data is None:
        return None
    names = _only_vector(data, "its server_name")
    kind = names.number(1)
    if kind != _HOST_NAME:
        raise ClientHelloError(f"malformed ClientHello: a server_name of the unknown type {kind}")
    name = names.vector(2, _SOME)
    names.finish()
    return _host_name(name)


def _host_name(sent: bytes) -> str | None:
    text = sent.decode("latin-1")
    if is_ip_address(text):
        return None
    name = canonical_host_name(text)
    if name is None:
        shown = repr(sent[:_SHOWN])[1:]
        raise ClientHelloError(f"malformed ClientHello: its server_name {shown} is no host name")
    return name


def _parse_alpn(data: bytes | None) -> tuple[bytes, ...]:
    if data is None:
        return ()
    protocols = _only_vector(data, "its list of protocols (ALPN)")
    found: list[bytes] = []
    while protocols.left:
        if len(found) == MAX_LISTED:
            raise ClientHelloError(f"a ClientHello with more than {MAX_LISTED} protocols (ALPN)")
        found.append(protocols.vector(1, range(1, 2**8)))
    return tuple(each for each in found if each not in _GREASE)


def _only_vector(data: bytes, name: str) -> Fields:
    """Return the fields of the vector that is all there is in an extension."""
    extension = Fields(data, name)
    content = extension.vector(2, _SOME)
    extension.finish()
    return Fields(content, name)
