"""The real network: listen, accept, dial and look up with the kernel's sockets."""

from __future__ import annotations

import errno
import math
import socket
from functools import partial
from typing import TYPE_CHECKING, final

import attrs
import trio

from trio_balancer.network.inherited import InheritedListener, InheritedSockets
from trio_balancer.network.kernel import (
    bind_source,
    check_path,
    ephemeral_ports,
    family_of,
    from_kernel,
    os_error,
    set_options,
    to_kernel,
)
from trio_balancer.network.original import original_destination
from trio_balancer.network.pausing import CAN_PAUSE
from trio_balancer.network.poller import HAVE_EPOLL, Poller
from trio_balancer.network.seam import DialTimeoutError, Network, SocketOptions, Stream
from trio_balancer.network.socket_listener import SocketListener
from trio_balancer.network.socket_stream import SocketStream
from trio_balancer.network.unix import bind_unix
from trio_balancer.wire.address import IP, InetAddress, NamedAddress, SocketAddress, UnixAddress

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SocketListener", "SocketNetwork", "SocketStream"]

_NONBLOCK: int = getattr(socket, "SOCK_NONBLOCK", 0)  # saves Linux a system call
LOOKUPS = 16  # name look-ups at a time; an abandoned one holds its place until it ends


@final
class SocketNetwork(Network):
    """TCP and Unix sockets, and the system's resolver.

    `inherited` are sockets that this process was started with, for `adopt`.

    While `run` runs, `Stream.call_on_reset` works (on Linux).
    """

    def __init__(self, inherited: InheritedSockets | None = None) -> None:
        self._inherited = InheritedSockets({}) if inherited is None else inherited
        self.poller = Poller()
        # Only a port that the kernel may choose for our own end can be our own end.
        self._own_ports = ephemeral_ports()
        self._looking_up = trio.CapacityLimiter(LOOKUPS)

    async def listen(
        self,
        address: SocketAddress,
        *,
        backlog: int,
        v6only: bool = False,
        mode: int | None = None,
        options: SocketOptions,
    ) -> SocketListener:
        """Bind and listen; `mode` is the file mode of a Unix socket (None: as umask says)."""
        await trio.lowlevel.checkpoint()
        if isinstance(address, UnixAddress):
            sock, path = await bind_unix(address.path, mode, backlog)
            return SocketListener(sock, self.poller, backlog, path)
        sock = _bind_inet(address, options, v6only=v6only)
        if address.port == 0 and CAN_PAUSE:
            sock = _bind_by_number(sock, address, options, v6only=v6only)
        _listen(sock, backlog)
        return SocketListener(sock, self.poller, backlog)

    async def adopt(self, name: str, *, backlog: int, options: SocketOptions) -> SocketListener:
        """Listen with a socket of `inherited`."""
        await trio.lowlevel.checkpoint()
        sock = self._inherited.take(name)
        try:
            if sock.family != socket.AF_UNIX:
                set_options(sock, options)
            sock.listen(backlog)
        except OSError:
            sock.close()
            raise
        return InheritedListener(sock, self.poller, backlog)

    async def connect(
        self,
        address: SocketAddress,
        *,
        options: SocketOptions,
        deadline: float = math.inf,
        source: IP | None = None,
    ) -> SocketStream:
        """Dial; gives up at `deadline` (trio's clock) with DialTimeoutError."""
        sock = _new_socket(address)
        try:
            if isinstance(address, InetAddress):
                set_options(sock, options)
                if source is not None:
                    bind_source(sock, source)
            await _connect(sock, address, deadline)
            if isinstance(address, InetAddress) and address.port in self._own_ports:
                _refuse_own_end(sock, address.port)
        except BaseException:
            sock.close()
            raise
        return SocketStream(sock, address, self.poller)

    def original_destination(self, client: Stream) -> InetAddress:
        """Ask the kernel's connection tracking."""
        if client.socket is None:
            raise os_error(errno.ENOPROTOOPT, "only plain sockets know an original destination")
        return original_destination(client.socket)

    async def resolve(self, address: NamedAddress) -> Sequence[InetAddress]:
        """Ask the system's resolver, in a thread that is abandoned when cancelled."""
        found = await trio.to_thread.run_sync(
            partial(_look_up, address),
            limiter=self._looking_up,
            abandon_on_cancel=True,
            thread_name=f"trio-balancer-resolve-{address.name}",
        )
        return list(dict.fromkeys(found))

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Tell streams that are ready, or reset by their peers, until cancelled."""
        if HAVE_EPOLL:
            await self.poller.run(task_status)
        else:
            await super().run(task_status)


def _new_socket(address: SocketAddress) -> socket.socket:
    sock = socket.socket(family_of(address), socket.SOCK_STREAM | _NONBLOCK)
    if not _NONBLOCK:
        sock.settimeout(0)
    return sock


def _bind_inet(address: InetAddress, options: SocketOptions, *, v6only: bool) -> socket.socket:
    sock = _new_socket(address)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
        set_options(sock, options)
        sock.bind(to_kernel(address))
    except BaseException:
        sock.close()
        raise
    return sock


def _bind_by_number(
    picked: socket.socket, address: InetAddress, options: SocketOptions, *, v6only: bool
) -> socket.socket:
    # A port that the kernel has picked would be lost whenever the listener is paused.
    with picked:
        numbered = attrs.evolve(address, port=picked.getsockname()[1])
        return _bind_inet(numbered, options, v6only=v6only)


def _listen(sock: socket.socket, backlog: int) -> None:
    try:
        sock.listen(backlog)
    except OSError:
        sock.close()
        raise


async def _connect(sock: socket.socket, address: SocketAddress, deadline: float) -> None:
    if isinstance(address, UnixAddress):
        check_path(address.path)
    await trio.lowlevel.checkpoint_if_cancelled()
    name = to_kernel(address)
    code = sock.connect_ex(name)
    if code == errno.EINPROGRESS:
        # On this machine the answer is there already; asking costs less than a wait.
        code = sock.connect_ex(name)
    if code in {errno.EALREADY, errno.EINPROGRESS}:
        with trio.move_on_at(deadline) as patience:
            await trio.lowlevel.wait_writable(sock)
        if patience.cancelled_caught:
            raise DialTimeoutError(errno.ETIMEDOUT, "no answer in time")
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code not in {0, errno.EISCONN}:
        raise os_error(code)


def _refuse_own_end(sock: socket.socket, port: int) -> None:
    # Dialling a free port of this machine from that very port is TCP's simultaneous open.
    own = sock.getsockname()
    if own[1] == port and own == sock.getpeername():
        raise os_error(errno.ECONNREFUSED, "the connection reached only itself")


def _look_up(address: NamedAddress) -> list[InetAddress]:
    try:
        found = socket.getaddrinfo(address.name, address.port, type=socket.SOCK_STREAM)
    except UnicodeError:
        text = f"{address.name!r} is not a host name"
        raise socket.gaierror(socket.EAI_NONAME, text) from None
    names = [from_kernel(name) for *_, name in found]
    return [name for name in names if isinstance(name, InetAddress)]
