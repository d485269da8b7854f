"""What a backend of a balancer in another thread can be asked without waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.testing.server_handle import ServerHandle

if TYPE_CHECKING:
    from trio_balancer.policy import State
    from trio_balancer.testing.nemesis import BackendHandle
    from trio_balancer.testing.portal import Portal
    from trio_balancer.wire.address import Address


class RemoteBackend:
    """A backend of a balancer in another thread."""

    def __init__(self, handle: BackendHandle, portal: Portal) -> None:
        self._handle = handle
        self._portal = portal

    def __repr__(self) -> str:
        return repr(self._handle)

    @property
    def name(self) -> str:
        """Its name in the pool."""
        return self._handle.name

    @property
    def pool(self) -> str:
        """The name of its pool."""
        return self._handle.pool

    @property
    def address(self) -> Address:
        """Where connections to it go now."""
        return self._handle.address

    @property
    def state(self) -> State:
        """What the balancer thinks of it."""
        return self._handle.state

    @property
    def active(self) -> int:
        """Connections that hold one of its slots now."""
        return self._handle.active

    @property
    def running(self) -> bool:
        """Whether the process of a server of `spawn` is there, be it paused."""
        return self._server.running

    def output(self) -> str:
        """Return what a server of `spawn` has printed so far."""
        return self._server.output()

    @property
    def _server(self) -> ServerHandle:
        if not isinstance(self._handle, ServerHandle):
            raise TypeError(f"{self!r} was not started by spawn")
        return self._handle
