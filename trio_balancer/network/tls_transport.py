"""The stream below TLS, as trio.SSLStream is to see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import trio

from trio_balancer.network.seam import PeerReset

if TYPE_CHECKING:
    from trio_balancer.network.seam import Stream


@final
class TlsTransport(trio.abc.Stream):
    """Passes bytes on to `stream`, but is not closed with TLS; `prefix` was read from it before.

    A reset that a send meets is kept in `broken` instead of being raised: SSLStream would not
    decrypt any more what the peer had delivered before, such as the alert that says why.
    """

    def __init__(self, stream: Stream, prefix: bytes) -> None:
        self.stream = stream
        self.prefix = prefix
        self.broken: PeerReset | None = None
        self._receiving = trio.CancelScope()
        self._stopped = False

    async def receive_some(self, _max_bytes: int | None = None) -> bytes | bytearray:
        """Receive as much as the stream gives at a time; b"" at its end, or once stopped."""
        if self.prefix:
            await trio.lowlevel.checkpoint()
            prefix, self.prefix = self.prefix, b""
            return prefix
        with trio.CancelScope() as self._receiving:
            if not self._stopped:
                return await self.stream.receive_some()
        return b""

    def stop_receiving(self) -> None:
        """Let whoever receives, now or later, have an end-of-file."""
        self._stopped = True
        self._receiving.cancel()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send; see `broken`."""
        try:
            await self.stream.send_all(data)
        except PeerReset as error:
            self.broken = error

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the stream takes bytes."""
        await self.stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Leave the stream open: after the close_notify come the kernel's FIN or RST."""
        await trio.lowlevel.checkpoint()

    def raise_broken(self) -> None:
        """Raise the reset that a send has met."""
        if self.broken is not None:
            raise PeerReset(*self.broken.args) from self.broken.__cause__
