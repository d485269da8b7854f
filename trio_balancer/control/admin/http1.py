"""Hypercorn's server of one connection, kept to HTTP/1.1.

Hypercorn also speaks HTTP/2 where a client begins with it, or asks to upgrade. Browsers do so only
over TLS, and here it does harm: what a stream has not sent when its connection ends waits for ever
(Hypercorn 0.18), so that a hundred such streams would keep everybody else out for good.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypercorn.protocol.h11 import H11Protocol
from hypercorn.trio.tcp_server import TCPServer

if TYPE_CHECKING:
    from h11 import Request
    from hypercorn.protocol import ProtocolWrapper


class Http1Protocol(H11Protocol):
    """HTTP/1.1 that stays so: a wish to upgrade is ignored, as RFC 9110, section 7.8, allows."""

    async def _check_protocol(self, event: Request) -> None:
        pass


class Http1Server(TCPServer):
    """A server whose protocol never changes."""

    _protocol: Http1Protocol

    @property  # type: ignore[override]  # it has the methods that are asked for
    def protocol(self) -> Http1Protocol:
        """What the connection speaks."""
        return self._protocol

    @protocol.setter
    def protocol(self, wrapper: ProtocolWrapper) -> None:
        # Hypercorn sets one that would change to HTTP/2; it is told the same.
        self._protocol = Http1Protocol(
            wrapper.app,
            wrapper.config,
            wrapper.context,
            wrapper.task_group,
            wrapper.state,
            wrapper.ssl,
            wrapper.client,
            wrapper.server,
            wrapper.send,
        )
