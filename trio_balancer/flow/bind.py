"""Bind addresses of a configuration: all, or none."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

import attrs

from trio_balancer.network.errors import describe
from trio_balancer.network.seam import Listener, Network, SocketOptions
from trio_balancer.wire.address import InetAddress, InheritedAddress, ListenAddress, UnixAddress

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trio_balancer.config.model import ListenerConfig


class BindError(OSError):
    """An address could not be bound; the message is a sentence that names it."""


@attrs.frozen
class Place:
    """An address that a listener wants, and what its socket must be like from the beginning."""

    listener: str
    address: ListenAddress
    v6only: bool
    mode: int | None
    options: SocketOptions

    @classmethod
    def of(cls, config: ListenerConfig) -> list[Self]:
        """List what a listener wants, in the file's order."""
        options = SocketOptions(config.keepalive, config.user_timeout)
        return [
            cls(config.name, address, config.v6only, config.mode, options)
            for address in config.bind
        ]


@attrs.define(eq=False)
class Bound:
    """A listening socket and what it is for."""

    place: Place
    socket: Listener

    @property
    def is_inherited(self) -> bool:
        """Whether the address stays taken when we close the socket, and cannot be bound again."""
        return isinstance(self.place.address, InheritedAddress)

    def serves(self, place: Place) -> bool:
        """Whether it is what would be bound there: another listener's name is no difference.

        Where the kernel picked the port, the same listener may go on with it, and whoever asks
        for that very port.
        """
        if not self._is_like(place):
            return False
        # The text, not the value: equality leaves out the zone, but the kernel does not.
        wanted = str(place.address)
        if isinstance(place.address, InetAddress) and place.address.port == 0:
            return (place.listener, wanted) == (self.place.listener, str(self.place.address))
        if self.is_inherited:
            return wanted == str(self.place.address)
        return wanted in {str(self.place.address), str(self.socket.address)}

    def _is_like(self, place: Place) -> bool:
        if isinstance(place.address, UnixAddress):
            return place.mode == self.place.mode
        if isinstance(place.address, InheritedAddress):
            return True
        return place.v6only == self.place.v6only or place.address.ip.version == 4  # noqa: PLR2004  # IPv4


async def bind_all(network: Network, places: Iterable[Place], backlog: int) -> list[Bound]:
    """Listen at every place, in order.

    Raises BindError; what was bound until then is closed again.
    """
    with ExitStack() as undo:
        bound = []
        for place in places:
            new = await _bind(network, place, backlog)
            undo.callback(new.socket.close)
            bound.append(new)
        undo.pop_all()
    return bound


async def _bind(network: Network, place: Place, backlog: int) -> Bound:
    try:
        socket = await _listen(network, place, backlog)
    except OSError as error:
        reason = describe(error)
        raise BindError(
            error.errno, f"listener {place.listener!r} cannot bind {place.address}: {reason}"
        ) from error
    return Bound(place, socket)


async def _listen(network: Network, place: Place, backlog: int) -> Listener:
    if isinstance(place.address, InheritedAddress):
        return await network.adopt(place.address.name, backlog=backlog, options=place.options)
    return await network.listen(
        place.address,
        backlog=backlog,
        v6only=place.v6only,
        mode=place.mode,
        options=place.options,
    )


def close_all(bound: Iterable[Bound]) -> None:
    """Close all listening sockets."""
    for each in bound:
        each.socket.close()
