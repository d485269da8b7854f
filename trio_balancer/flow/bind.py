"""Bind every address of a configuration, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.network.errors import describe
from trio_balancer.network.seam import Listener, Network, SocketOptions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trio_balancer.config.model import ListenerConfig
    from trio_balancer.wire.address import SocketAddress


class BindError(OSError):
    """An address could not be bound; the message is a sentence that names it."""


async def bind_all(
    network: Network, listeners: Iterable[ListenerConfig], backlog: int
) -> dict[str, list[Listener]]:
    """Listen on every address, by the listener's name.

    Raises BindError; what was bound until then is closed again.
    """
    bound: dict[str, list[Listener]] = {}
    try:
        for config in listeners:
            sockets = bound.setdefault(config.name, [])
            for address in config.bind:
                sockets.append(await _bind(network, config, address, backlog))
    except BaseException:
        close_all(bound)
        raise
    return bound


async def _bind(
    network: Network, config: ListenerConfig, address: SocketAddress, backlog: int
) -> Listener:
    try:
        return await network.listen(
            address,
            backlog=backlog,
            v6only=config.v6only,
            mode=config.mode,
            options=SocketOptions(config.keepalive, config.user_timeout),
        )
    except OSError as error:
        reason = describe(error)
        raise BindError(
            error.errno, f"listener {config.name!r} cannot bind {address}: {reason}"
        ) from error


def close_all(bound: dict[str, list[Listener]]) -> None:
    """Close all listening sockets."""
    for sockets in bound.values():
        for socket in sockets:
            socket.close()
