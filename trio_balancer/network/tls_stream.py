"""A TLS connection over any stream of the seam; trio.SSLStream does the work."""

from __future__ import annotations

import ssl
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, cast, final

import trio

from trio_balancer.network.conflict import OneTask
from trio_balancer.network.seam import PeerReset, Stream
from trio_balancer.network.tls_engine import Engine
from trio_balancer.network.tls_errors import handshake_error, is_truncation, stream_error
from trio_balancer.network.tls_transport import TlsTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trio_balancer.network.tls_info import TlsInfo
    from trio_balancer.wire.address import SocketAddress

#: Bytes that are encrypted at a time: four full records.
SEND_SIZE = 64 * 1024


async def start_tls(
    stream: Stream,
    context: ssl.SSLContext,
    *,
    server_side: bool,
    server_name: str | None = None,
    prefix: bytes = b"",
) -> TlsStream:
    """Shake hands over `stream`; `prefix` is what was already read from it.

    `server_name` is the host that the client wants to speak to: a client verifies it, where its
    context says so; a server has chosen the context by it.

    Raises TlsError with a sentence when the two cannot agree, the peer's alert included, and
    PeerReset when it breaks or leaves. Then, and when cancelled, the stream is to be reset.
    """
    engine = Engine(context)
    transport = TlsTransport(stream, prefix)
    ssl_stream = trio.SSLStream(
        transport,
        cast("ssl.SSLContext", engine),  # as much of one as SSLStream uses
        server_side=server_side,
        # Bytes, which are taken as they are: trio would refuse the underscore of "my_service".
        server_hostname=None if server_side or server_name is None else server_name.encode("ascii"),
    )
    try:
        await ssl_stream.do_handshake()
    except trio.BrokenResourceError as error:
        if not isinstance(error.__cause__, ssl.SSLError):
            raise
        if is_truncation(error.__cause__):
            transport.raise_broken()
        raise handshake_error(error.__cause__) from error.__cause__
    transport.raise_broken()
    return TlsStream(ssl_stream, engine, engine.info(server_name))


@final
class TlsStream(Stream):
    """A connection whose handshake is over; `start_tls` makes it.

    The peer's close_notify is its end-of-file, and the other direction goes on. Ours ends the
    connection: whoever receives then gets b"". Anything else that ends a direction is a
    `PeerReset`, a FIN without close_notify included, because bytes may have been cut off.

    `received` and `sent` count plaintext. A cancelled `send_all` or `send_eof` leaves a record
    half-sent, so that the stream can only be closed or reset; receiving then drops what comes
    and raises PeerReset at its end.
    """

    def __init__(
        self, ssl_stream: trio.SSLStream[TlsTransport], engine: Engine, info: TlsInfo
    ) -> None:
        self.socket = None  # plain bytes must not get there
        self.info = info
        self.received = 0
        self.sent = 0
        self._ssl = ssl_stream
        self._engine = engine
        self._transport = ssl_stream.transport_stream
        self._below = self._transport.stream
        self.remote_address = self._below.remote_address
        self._sending = OneTask("another task is using this stream for sending")
        #: A send was cancelled, within a record for all we know: SSLStream gives up then.
        self._cut = False
        #: We have begun to send our close_notify, and it has gone.
        self._ended = False
        #: The peer's close_notify has come.
        self._peer_finished = False
        self._on_reset: Callable[[], None] | None = None
        self._finished = False
        self._closed = False

    @property
    def local_address(self) -> SocketAddress:  # type: ignore[override]  # as lazy as that below
        """Our end of the connection below."""
        return self._below.local_address

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Receive at least one byte; b"" at the peer's close_notify, or after ours."""
        if max_bytes is not None and max_bytes < 1:
            raise ValueError("max_bytes must be at least 1")
        self._check_open()
        if self._ended:
            await trio.lowlevel.checkpoint()
            return b""
        if self._cut:
            await self._drop_the_rest()
        data = await self._receive(max_bytes)
        self.received += len(data)
        return data

    async def _receive(self, max_bytes: int | None) -> bytes | bytearray:
        try:
            with _broken_is_reset():
                data = await self._ssl.receive_some(max_bytes)
        except PeerReset:
            self._check_open()
            if self._ended:
                return b""
            raise
        self._peer_finished = not data
        return data

    async def _drop_the_rest(self) -> None:
        """Take what the peer still sends, so that it can go on and read what it was sent."""
        while await self._below.receive_some():
            pass

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of it."""
        with self._sending, memoryview(data) as view, view.cast("B") as octets:
            self._check_sending()
            await self._send(octets[:SEND_SIZE])
            for start in range(SEND_SIZE, len(octets), SEND_SIZE):
                await self._send(octets[start : start + SEND_SIZE])

    async def _send(self, chunk: memoryview) -> None:
        self._transport.raise_broken()
        try:
            with _broken_is_reset():
                await self._ssl.send_all(chunk)
        except trio.Cancelled:
            self._cut = True
            raise
        self._transport.raise_broken()
        self.sent += len(chunk)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the stream below takes bytes, or the connection broke."""
        with self._sending:
            self._check_sending()
            with _broken_is_reset():
                await self._ssl.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        """Send our close_notify after what was sent, which ends the connection; once.

        It is in the kernel when this returns; the FIN is left to `close`.
        """
        with self._sending:
            self._check_open()
            await trio.lowlevel.checkpoint()
            self._check_open()
            if not self._finished:
                await self._notify()

    async def _notify(self) -> None:
        if self._ended:
            raise stream_error(None)  # the first attempt was cancelled
        # SSLStream's `unwrap` would refuse to work while somebody receives. Its `aclose` does not,
        # it sends behind whatever is being sent, and all that it closes is our TlsTransport.
        self._ended = True
        self._transport.stop_receiving()
        await self._ssl.aclose()
        if self._peer_finished:
            return  # it may be gone already, having all that it wanted
        self._transport.raise_broken()
        if not self._engine.notified:
            raise stream_error(None)
        self._finished = True

    def left_below(self) -> Stream | None:
        """Return the stream below once our close_notify has gone, unless the peer's has come."""
        return self._below if self._finished and not self._closed else None

    def reset(self) -> None:
        """Close at once with a reset of the stream below."""
        self._closed = True
        self._below.reset()

    def close(self) -> None:
        """Close the stream below at once; without `send_eof` before, the peer takes it for cut."""
        self._closed = True
        self._below.close()

    async def aclose(self) -> None:
        """Send our close_notify, if the peer is still there, and close."""
        try:
            if not self._closed:
                with suppress(trio.BrokenResourceError, trio.BusyResourceError):
                    await self.send_eof()
        finally:
            self.close()
        await trio.lowlevel.checkpoint()

    def call_on_reset(self, callback: Callable[[], None] | None) -> None:
        """Call back when the stream below was reset, unless that is no news.

        A peer that has finished and closed resets when our close_notify arrives, and one that
        needs no end-of-file, knowing how much it wanted, when it closes with ours unread.
        """
        self._on_reset = callback
        self._below.call_on_reset(None if callback is None else self._reset_below)

    def _reset_below(self) -> None:
        over = self._engine.notified or (self._ended and self._peer_finished)
        if self._on_reset is not None and not over:
            self._on_reset()

    def unsent(self) -> int:
        """Bytes, encrypted, that the peer's kernel has not acknowledged yet."""
        return self._below.unsent()

    def has_unread(self) -> bool:
        """Whether bytes wait to be received, here or below; False when closed."""
        if self._closed:
            return False
        waiting = self._transport.prefix or self._engine.has_unread()
        return bool(waiting) or self._below.has_unread()

    def moved(self) -> int:
        """Bytes that moved below: a handshake or a part of a record is progress too."""
        return self._below.moved()

    def _check_open(self) -> None:
        if self._closed:
            raise trio.ClosedResourceError("this stream was closed")

    def _check_sending(self) -> None:
        self._check_open()
        if self._ended:
            raise trio.ClosedResourceError("this stream has sent its end-of-file")


@contextmanager
def _broken_is_reset() -> Iterator[None]:
    """Turn SSLStream's error into ours; the stream's below is ours already."""
    try:
        yield
    except PeerReset:
        raise
    except trio.BrokenResourceError as error:
        raise stream_error(error.__cause__) from error.__cause__
