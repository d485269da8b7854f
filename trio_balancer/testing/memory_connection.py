"""Both ends of an in-memory connection, and what lies between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.testing.memory_pipe import Pipe
from trio_balancer.testing.memory_stream import WINDOW, MemoryStream

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.testing.memory_history import Conversation
    from trio_balancer.testing.memory_wire import Wire
    from trio_balancer.wire.address import SocketAddress


def memory_connection(
    client: SocketAddress,
    server: SocketAddress,
    *,
    window: int = WINDOW,
    on_close: Callable[[MemoryStream], None] = lambda _stream: None,
    wires: tuple[Wire, Wire] | None = None,
    history: Conversation | None = None,
) -> tuple[MemoryStream, MemoryStream]:
    """Join two ends: the client's and the server's, `window` bytes each way.

    Each end calls `on_close` with itself, once, when it is closed. `wires` are what lies between
    them, up to the server and down to the client; `history` is told what arrives.
    """
    upward, downward = Pipe(window), Pipe(window)
    dialled = MemoryStream(downward, upward, client, server, on_close)
    accepted = MemoryStream(upward, downward, server, client, on_close)
    dialled._peer, accepted._peer = accepted, dialled  # noqa: SLF001  # neither can be first
    if wires is not None:
        upward.wire, downward.wire = wires
        upward.wire.deliver = accepted._arrive  # noqa: SLF001  # they are made here
        downward.wire.deliver = dialled._arrive  # noqa: SLF001
    if history is not None:
        upward.history, downward.history = history.up, history.down
    return dialled, accepted
