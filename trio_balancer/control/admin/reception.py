"""Accepting the admin server's clients, a bounded number, and Hypercorn for each of them.

The accept loop is ours: Hypercorn's takes any number of connections, and its end waits for
whoever does not read what he was sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import attrs
import trio
from hypercorn.config import Config
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIFramework, ConnectionState
from hypercorn.utils import wrap_app
from starlette.types import ASGIApp

from trio_balancer.config.model import LogLevel
from trio_balancer.control.admin.errors import report_bug
from trio_balancer.control.admin.http1 import Http1Server
from trio_balancer.control.admin.stream import PatientStream
from trio_balancer.control.places import Places
from trio_balancer.flow.log import Log
from trio_balancer.network.errors import describe

if TYPE_CHECKING:
    from trio_balancer.network.seam import Listener

#: Connections at a time, event streams included. The reserve of descriptors in the limit of
#: connections has room for them.
MOST_CONNECTIONS = 32
#: Seconds for which one must have been idle to be closed for a new one. More than an answer takes
#: among as many others, and less than a probe of an orchestrator waits.
GRACE = 0.5
#: Seconds to wait after `accept` failed.
PAUSE = 0.1
#: Seconds in which a client must have asked for something.
IDLE_TIMEOUT = 15.0


def _hypercorn() -> Config:
    config = Config()
    # Our log says what matters; nothing of Python's global logging is touched.
    config.accesslog = config.errorlog = None
    config.include_server_header = False
    config.keep_alive_timeout = IDLE_TIMEOUT
    return config


@attrs.define(eq=False)
class Reception:
    """All clients of one admin server, on all its addresses."""

    app: ASGIApp
    log: Log
    _config: Config = attrs.Factory(_hypercorn)
    _places: Places[PatientStream] = attrs.Factory(lambda: Places(MOST_CONNECTIONS, GRACE))

    async def accept_forever(self, listener: Listener, connections: trio.Nursery) -> None:
        """Accept until cancelled, or until the listener is closed."""
        try:
            while True:
                await self._accept_or_pause(listener, connections)
        except trio.ClosedResourceError:
            return
        finally:
            # Hypercorn shields what it sends, so nobody else could end it.
            for stream in self._places.present:
                stream.send_away()

    async def _accept_or_pause(self, listener: Listener, connections: trio.Nursery) -> None:
        try:
            await listener.wait_ready()
            await self._accept(listener, connections)
        except BlockingIOError:
            # Ready, and yet nobody: who it was is gone. A kernel that goes on like that must not
            # make us spin.
            await trio.sleep(PAUSE)
        except OSError as error:
            reason = describe(error)
            text = "The admin server cannot accept; trying again"
            self.log.limited("accept admin", LogLevel.ERROR, text, reason=reason)
            await trio.sleep(PAUSE)

    async def _accept(self, listener: Listener, connections: trio.Nursery) -> None:
        await self._places.make_room()
        client = listener.accept_nowait()
        if client.socket is None:
            raise TypeError("Hypercorn serves plain sockets only")
        stream = PatientStream(client, client.socket)
        self._places.enter(stream)
        connections.start_soon(self._serve, stream, name="admin client")

    async def _serve(self, stream: PatientStream) -> None:
        """Let Hypercorn serve a client; a bug ends this connection and no other."""
        try:
            await self._hypercorn(stream)
        except* Exception as bugs:  # noqa: BLE001 - the balancer goes on whatever breaks in here
            report_bug(self.log, bugs)
        finally:
            stream.send_away()
            self._places.leave(stream)

    async def _hypercorn(self, stream: PatientStream) -> None:
        context = WorkerContext(None)
        context.terminated = stream.gone
        await Http1Server(
            wrap_app(cast("ASGIFramework", self.app), self._config.wsgi_max_body_size, "asgi"),
            self._config,
            context,
            ConnectionState({}),
            # It knows trio's own streams, and wants of them what this one has.
            cast("trio.SSLStream[trio.SocketStream]", stream),
        )
