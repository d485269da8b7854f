"""The runtime socket: a Unix socket on which an operator's programs give commands.

Its file mode is there from the beginning: nobody but the owner can connect, unless the
configuration says otherwise. Whatever a client does, or does not do, costs nobody else anything:
there are few of them, what each sends and is sent is bounded, and silence ends.
"""

from __future__ import annotations

import math
import traceback
from typing import TYPE_CHECKING

import attrs
import trio

from trio_balancer.config.model import LogLevel
from trio_balancer.config.model_control import ControlConfig
from trio_balancer.control.operations import Operations
from trio_balancer.control.places import Places
from trio_balancer.control.runtime_client import RuntimeClient
from trio_balancer.control.turns import Turns
from trio_balancer.flow.bind import BindError
from trio_balancer.network.errors import describe
from trio_balancer.network.seam import Listener, SocketOptions

if TYPE_CHECKING:
    from trio_balancer.network.seam import Network, Stream

BACKLOG = 1024
#: Clients at a time.
MOST_CLIENTS = 32
#: Seconds for which one must have been idle to be sent away for a new one: programs send their
#: command at once, and it waits in the socket already when they are let in.
GRACE = 0.1
# Seconds before accepting is tried again after it failed.
PAUSE = 0.1

_OPTIONS = SocketOptions(keepalive=math.inf)


async def open_runtime_socket(network: Network, config: ControlConfig | None) -> RuntimeSocket:
    """Bind the socket, if there is to be one; raises BindError."""
    if config is None:
        return RuntimeSocket(None, None)
    try:
        listener = await network.listen(
            config.socket, backlog=BACKLOG, mode=config.mode, options=_OPTIONS
        )
    except OSError as error:
        message = f"[control] cannot bind {config.socket}: {describe(error)}"
        raise BindError(error.errno, message) from error
    return RuntimeSocket(listener, config)


@attrs.define(eq=False)
class RuntimeSocket:
    """A bound socket, or none: `run` serves until cancelled, `close` lets go of the path."""

    listener: Listener | None
    config: ControlConfig | None

    async def run(self, operations: Operations) -> None:
        """Serve the clients."""
        if self.listener is None or self.config is None:
            return
        async with trio.open_nursery() as nursery:
            server = _Server(self.listener, self.config, operations, nursery)
            await server.accept_forever()

    def close(self) -> None:
        """Stop listening; idempotent."""
        if self.listener is not None:
            self.listener.close()


@attrs.define(eq=False)
class _Server:
    listener: Listener
    config: ControlConfig
    operations: Operations
    nursery: trio.Nursery
    places: Places[RuntimeClient] = attrs.Factory(lambda: Places(MOST_CLIENTS, GRACE))
    turns: Turns = attrs.Factory(Turns)

    async def accept_forever(self) -> None:
        while True:
            try:
                await self.listener.wait_ready()
                await self.places.make_room()
                stream = self.listener.accept_nowait()
            except BlockingIOError:
                continue
            except OSError as error:
                await self._back_off(error)
            else:
                self._welcome(stream)

    async def _back_off(self, error: OSError) -> None:
        log = self.operations.balancer.log
        message = "Accepting on the runtime socket failed; trying again"
        log.limited("accept control", LogLevel.ERROR, message, reason=describe(error))
        await trio.sleep(PAUSE)

    def _welcome(self, stream: Stream) -> None:
        client = RuntimeClient(stream, self.operations, self.config, self.turns)
        self.places.enter(client)
        self.nursery.start_soon(self._serve, client, name="control client")

    async def _serve(self, client: RuntimeClient) -> None:
        """Serve a client; the one boundary for bugs, so that none reaches the connections."""
        try:
            await client.serve()
        except Exception:  # noqa: BLE001 - any bug at all must stay in here
            message = "A bug ended a client of the runtime socket; please report it"
            trace = traceback.format_exc()
            self.operations.balancer.log.event(LogLevel.ERROR, message, trace=trace)
        finally:
            self.places.leave(client)
