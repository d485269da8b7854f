"""The seam: everything that comes from outside the process comes through a `Network`.

There are two: the real one (`network/sockets.py`) and the in-memory one (`testing/`). What runs
over this seam alone runs in virtual time, with no port and no sleep.
"""

from __future__ import annotations

import errno
import math
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING

import attrs
import trio

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from trio_balancer.wire.address import IP, InetAddress, NamedAddress, SocketAddress


class PeerReset(trio.BrokenResourceError):
    """The peer aborted the connection (RST), which is not an end-of-file."""


class DialTimeoutError(TimeoutError):
    """A dial had no answer by its deadline."""


@attrs.frozen
class SocketOptions:
    """What every stream of a listener, on both legs, is given (seconds; inf: off)."""

    keepalive: float = 60.0
    user_timeout: float = math.inf


class Stream(trio.abc.HalfCloseableStream):
    """A trio stream that can be reset, tells a reset from an end-of-file, and counts.

    `receive_some` returns b"" at an end-of-file. It and `send_all` raise `PeerReset` when the
    connection broke. A reset is told once, to whoever asks first, as kernels do; bytes that the
    peer delivered before it are received first.
    """

    __slots__ = ()

    local_address: SocketAddress
    remote_address: SocketAddress
    #: The plain socket below, for those who move bytes faster than `receive_some` can.
    socket: socket.socket | None
    #: Bytes taken from and given to the kernel so far; a partial send counts at once.
    received: int
    sent: int

    def moved(self) -> int:
        """Return a number that grows with every byte the kernel took or gave, for idle timeouts."""
        return self.received + self.sent

    def left_below(self) -> Stream | None:
        """Return the stream below, where our end-of-file has ended both ways of this one.

        The peer may still send there. Closed before it has taken what it was sent, the kernel
        resets because of that, and throws away the rest.
        """
        return None

    async def drop_the_rest(self) -> None:
        """Take and drop what the peer still sends, until it has ended or broken."""
        with suppress(trio.BrokenResourceError):
            while await self.receive_some():
                pass

    @abstractmethod
    def reset(self) -> None:
        """Close at once with a reset (RST) that the peer sees; a no-op on a closed stream."""

    @abstractmethod
    def close(self) -> None:
        """Close at once without waiting: a FIN after what was sent; idempotent."""

    @abstractmethod
    def call_on_reset(self, callback: Callable[[], None] | None) -> None:
        """Call back, once, when the peer has reset; None takes the wish back.

        It is told without anything being received, also while nobody reads. An end-of-file is
        not a reset. The callback is synchronous and must not raise.
        """

    @abstractmethod
    def unsent(self) -> int:
        """Bytes given to the kernel that the peer's kernel has not acknowledged yet."""

    @abstractmethod
    def has_unread(self) -> bool:
        """Whether bytes that the peer delivered wait to be received."""


class Listener(ABC):
    """A bound, listening address."""

    address: SocketAddress

    @abstractmethod
    async def wait_ready(self) -> None:
        """Wait until `accept_nowait` may succeed.

        Raises trio.ClosedResourceError once `close` was called.
        """

    @abstractmethod
    def accept_nowait(self) -> Stream:
        """Accept one connection without blocking.

        Raises BlockingIOError when nobody waits, another OSError when accepting failed, and
        trio.ClosedResourceError once `close` was called: that flag alone ends an accept loop.
        """

    @abstractmethod
    def close(self) -> None:
        """Stop listening; idempotent. Whoever waits unaccepted is reset."""

    @abstractmethod
    def pause(self) -> None:
        """Refuse whoever dials (ECONNREFUSED), but keep the address from others; idempotent.

        Whoever waits unaccepted is reset. Until `resume`, `wait_ready` waits and `accept_nowait`
        finds nobody. Raises OSError where the system cannot do it, and listens on then.
        """

    @abstractmethod
    def resume(self) -> None:
        """Listen again after `pause`; idempotent. Raises OSError, and stays paused then."""

    @abstractmethod
    def configure(self, *, backlog: int, options: SocketOptions) -> None:
        """Give those who come from now on another backlog and other options; raises OSError."""


class Network(ABC):
    """Where streams come from. All methods may be called from any task."""

    @abstractmethod
    async def listen(
        self,
        address: SocketAddress,
        *,
        backlog: int,
        v6only: bool = False,
        mode: int | None = None,
        options: SocketOptions,
    ) -> Listener:
        """Bind and listen; raises OSError. Port 0 picks one: read `Listener.address`."""

    async def adopt(
        self,
        name: str,  # noqa: ARG002  # no default
        *,
        backlog: int,  # noqa: ARG002
        options: SocketOptions,  # noqa: ARG002
    ) -> Listener:
        """Listen with a socket that this process was started with; raises OSError.

        `name` is the socket's, or the number of its descriptor.
        """
        raise OSError(errno.EOPNOTSUPP, "this network has no inherited sockets")

    @abstractmethod
    async def connect(
        self,
        address: SocketAddress,
        *,
        options: SocketOptions,
        deadline: float = math.inf,
        source: IP | None = None,
    ) -> Stream:
        """Dial a numeric address or a Unix path; raises OSError with its errno.

        From `source`, where that is given; the kernel picks the port.

        At `deadline` (trio's clock) it gives up with `DialTimeoutError`; a parameter, because most
        dials are answered at once, and a cancel scope around each would cost more than they do.
        A connection to itself (a loopback port where nobody listens can do that) is refused
        with ECONNREFUSED. Cancelled, nothing stays open.
        """

    def original_destination(self, client: Stream) -> InetAddress:  # noqa: ARG002  # no default
        """Return where an accepted client was going before a firewall redirected it to us.

        That may be our own address where nothing was redirected. Raises OSError where nobody knows.
        """
        raise OSError(errno.EOPNOTSUPP, "this network redirects nobody")

    @abstractmethod
    async def resolve(self, address: NamedAddress) -> Sequence[InetAddress]:
        """Look a host name up; raises OSError (socket.gaierror) when it cannot be resolved."""

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve the network's own needs until cancelled; a network may have none."""
        task_status.started()
