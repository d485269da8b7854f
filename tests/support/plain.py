"""Peers of plain sockets: nothing of the balancer's own stands between a test and the kernel."""

from __future__ import annotations

import errno
import fcntl
import select
import socket
import struct
import termios
from contextlib import suppress
from typing import TYPE_CHECKING

import attrs
import trio
from support.eventually import eventually

from trio_balancer.wire.address import InetAddress

if TYPE_CHECKING:
    from trio.socket import SocketType

    from trio_balancer.wire.address import SocketAddress

CHUNK = 64 * 1024
# What a peer's reset may look like, on whichever call meets it: EPIPE where a FIN came before.
RESETS = frozenset({errno.ECONNRESET, errno.EPIPE})


@attrs.frozen
class End:
    """What was received until the end, and the errno of a broken one (0: a clean end)."""

    data: bytes
    errno: int = 0


def listen(address: SocketAddress, *, backlog: int = 512) -> SocketType:
    """Bind and listen; port 0 picks one."""
    sock = trio.socket.socket(_family(address), socket.SOCK_STREAM)
    # No await in between: binding a numeric address does not block.
    raw = sock._sock  # type: ignore[attr-defined]
    raw.bind(_name(address))
    sock.listen(backlog)
    return sock


async def dial(
    address: SocketAddress, *, source: str | None = None, window: int | None = None
) -> SocketType:
    """Connect to a numeric address or a Unix path.

    From the local IP address `source`; with a receive buffer of `window` bytes.
    """
    sock = trio.socket.socket(_family(address), socket.SOCK_STREAM)
    if window is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    try:
        if source is not None:
            await sock.bind((source, 0))
        await sock.connect(_name(address))
    except BaseException:
        sock.close()
        raise
    return sock


async def accept(listener: SocketType) -> SocketType:
    """Accept one connection."""
    sock, _peer = await listener.accept()
    return sock


async def send(sock: SocketType, data: bytes | memoryview) -> None:
    """Send all of it."""
    with memoryview(data) as view:
        done = 0
        while done < len(view):
            done += await sock.send(view[done:])


async def send_until_broken(sock: SocketType) -> int:
    """Send and send; returns the errno of the send that failed."""
    try:
        while True:
            await sock.send(bytes(CHUNK))
    except OSError as error:
        return error.errno or 0


async def receive_exactly(sock: SocketType, count: int) -> bytes:
    """Receive so many bytes; fewer only when they end before."""
    received = bytearray()
    while len(received) < count and (data := await sock.recv(count - len(received))):
        received += data
    return bytes(received)


async def receive_to_end(sock: SocketType) -> End:
    """Receive until the end, whichever it is."""
    received = bytearray()
    try:
        while data := await sock.recv(CHUNK):
            received += data
    except OSError as error:
        return End(bytes(received), error.errno or 0)
    return End(bytes(received))


async def clog(sock: SocketType) -> int:
    """Send until nothing more is taken for a while; returns how much was."""
    sent = 0
    while True:
        with trio.move_on_after(0.1) as patience:
            sent += await sock.send(bytes(CHUNK))
        if patience.cancelled_caught:
            return sent


def reset(sock: SocketType) -> None:
    """Close with a RST."""
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


async def all_acknowledged(sock: SocketType) -> None:
    """Wait until all that was sent has left this kernel's buffer for the peer's."""
    await eventually(lambda: _ask(sock, termios.TIOCOUTQ) == 0)


def unread(sock: SocketType) -> int:
    """Count the bytes that wait to be received."""
    return _ask(sock, termios.FIONREAD)


def is_broken(sock: SocketType | socket.socket) -> bool:
    """Whether a reset has arrived that nobody was told yet; nothing is consumed."""
    poll = select.poll()
    poll.register(sock.fileno(), 0)
    return any(event & select.POLLERR for _number, event in poll.poll(0))


def _family(address: SocketAddress) -> socket.AddressFamily:
    if not isinstance(address, InetAddress):
        return socket.AF_UNIX
    return socket.AF_INET if address.ip.version == 4 else socket.AF_INET6


def _name(address: SocketAddress) -> str | tuple[str, int]:
    return (str(address.ip), address.port) if isinstance(address, InetAddress) else address.path


def _ask(sock: SocketType, request: int) -> int:
    answer: int = struct.unpack("i", fcntl.ioctl(sock.fileno(), request, bytes(4)))[0]
    return answer
