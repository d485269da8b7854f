"""OpenSSL's side of one connection, with what trio.SSLStream leaves undone."""

from __future__ import annotations

import ssl
from typing import final

from trio_balancer.network.tls_info import TlsInfo, tls_info


@final
class Engine:
    """Stands between trio.SSLStream and `ssl`, and is driven by SSLStream alone.

    SSLStream calls `wrap_bio` of what it takes for a context, then the four methods below of what
    it takes for an SSLObject; the Engine is both. SSLStream is right about the order of sending
    and receiving, but when OpenSSL fails it drops what OpenSSL still wants to be sent.
    """

    server_side: bool
    _incoming: ssl.MemoryBIO
    _outgoing: ssl.MemoryBIO
    _object: ssl.SSLObject

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._failure: ssl.SSLError | None = None
        #: Whether our close_notify was written.
        self.notified = False

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        *,
        server_side: bool,
        server_hostname: str | bytes | None,
    ) -> Engine:
        """Make the real SSLObject; called once."""
        self.server_side = server_side
        self._incoming = incoming
        self._outgoing = outgoing
        self._object = self._context.wrap_bio(
            incoming, outgoing, server_side=server_side, server_hostname=server_hostname
        )
        return self

    def version(self) -> str | None:
        """Return the version of TLS."""
        return self._object.version()

    def do_handshake(self) -> None:
        """Shake hands; a failure is told after the alert, which says why, has been sent."""
        self._raise_failure()
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            raise
        except ssl.SSLError as error:
            if not self._outgoing.pending:
                raise
            self._failure = error
            # What SSLStream does about this is to send, and then to ask again.
            raise ssl.SSLWantReadError from None

    def read(self, size: int) -> bytes:
        """Decrypt what has come, up to `size` bytes: OpenSSL gives one record (16 KiB) a call."""
        self._raise_failure()
        chunks = [self._read_record(size)]
        size -= len(chunks[0])
        while size and self._incoming.pending and (more := self._read_more(size)):
            chunks.append(more)
            size -= len(more)
        return b"".join(chunks)

    def _read_record(self, size: int) -> bytes:
        try:
            return self._object.read(size)
        except ssl.SSLZeroReturnError:
            return b""  # as the peer's close_notify is told once ours was written too

    def _read_more(self, size: int) -> bytes:
        try:
            return self._read_record(size)
        except ssl.SSLWantReadError:
            return b""
        except ssl.SSLError as error:
            # After the bytes before it, please.
            self._failure = error
            return b""

    def write(self, data: memoryview) -> int:
        """Encrypt."""
        return self._object.write(data)

    def unwrap(self) -> None:
        """Write our close_notify, and do not wait for the peer's."""
        try:
            self._object.unwrap()
        except ssl.SSLError:
            # It also looks for the peer's, and fails when it finds none, or bytes instead.
            if not self._outgoing.pending:
                raise
        self.notified = True

    def has_unread(self) -> bool:
        """Whether bytes that were received wait here, decrypted or not."""
        return self._object.pending() > 0 or self._incoming.pending > 0

    def info(self, server_name: str | None) -> TlsInfo:
        """Tell about the connection, for which the client asked by this name."""
        return tls_info(self._object, server_name)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
