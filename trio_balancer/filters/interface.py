"""What a filter is, and what it is given: the interface for your own. See docs/filters.md."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs

from trio_balancer.filters.hold import Hold
from trio_balancer.wire.address import SocketAddress
from trio_balancer.wire.proxy_header import NO_TLVS, Tlvs

#: Bytes that are read at once from a client or a backend whose filters do not ask for less.
CHUNK = 64 * 1024
_LONGEST_REASON = 200


@attrs.frozen
class ConnectionInfo:
    """Whose connection it is.

    `client` is the address that access rules and logs see, announced by a PROXY header where one
    is trusted; `local` is the address that the client reached. `server_name` and `alpn` are what
    a TLS client asked for, None for anybody else.
    """

    number: int
    listener: str
    pool: str
    backend: str
    backend_address: SocketAddress
    client: SocketAddress
    local: SocketAddress
    server_name: str | None = None
    alpn: str | None = None
    tlvs: Tlvs = NO_TLVS


@attrs.define(eq=False)
class FilteredConnection:
    """A connection as one filter sees it: who it is, and what the filter can do to it.

    `filter_buffer` is how many bytes it may hold. `reset_by` is for `closed`: "client" or
    "backend" where one of them reset the connection.
    """

    info: ConnectionInfo
    filter_buffer: int
    _to_client: Callable[[bytes], bool]
    _to_backend: Callable[[bytes], bool]
    _end: Callable[[str], None]
    reset_by: str = ""

    def reply_to_client(self, data: bytes) -> bool:
        """Answer the client in the backend's place; False when its end-of-file was sent already.

        To be called by the filter's own methods, before they return: then the bytes go out,
        through those filters that are nearer to the client. Raises HoldFullError when more than
        `filter_buffer` wait.
        """
        return self._to_client(data)

    def reply_to_backend(self, data: bytes) -> bool:
        """Answer the backend in the client's place, just as `reply_to_client` does."""
        return self._to_backend(data)

    def end(self, reason: str) -> None:
        """End the connection: both sides are reset, and nothing more is passed on.

        `reason` is a sentence for the log.
        """
        self._end(reason[:_LONGEST_REASON])

    def hold(self) -> Hold:
        """Make a buffer for bytes that wait for more; it is bounded by `filter_buffer`."""
        return Hold(self.filter_buffer)


class Filter:
    """Passes everything on; derive from it, or write the methods that you need without it.

    A class (or any callable) named in the configuration is called with the connection, and with
    the options as keywords. Each method but `closed` may also be a coroutine; while it waits,
    its connection waits, and no other. It returns the bytes to pass on; those that it does not
    return are dropped, or held by the filter itself. Whatever it raises ends the connection.
    """

    #: Bytes that are read at once from either side, at most; other filters may make them more.
    client_chunk: int = CHUNK
    backend_chunk: int = CHUNK
    #: How many seconds without a byte make a side "quiet".
    quiet_after: float = 0.1

    def __init__(self, connection: FilteredConnection) -> None:
        self.connection = connection

    def from_client(self, data: bytes) -> bytes | Awaitable[bytes]:
        """See bytes on their way to the backend."""
        return data

    def from_backend(self, data: bytes) -> bytes | Awaitable[bytes]:
        """See bytes on their way to the client."""
        return data

    def client_finished(self) -> bytes | Awaitable[bytes]:
        """Return the last bytes for the backend: the client's end-of-file has come."""
        return b""

    def backend_finished(self) -> bytes | Awaitable[bytes]:
        """Return the last bytes for the client: the backend's end-of-file has come."""
        return b""

    def client_quiet(self) -> bytes | Awaitable[bytes]:
        """Return held bytes that cannot wait: the client sent nothing for `quiet_after`."""
        return b""

    def backend_quiet(self) -> bytes | Awaitable[bytes]:
        """Return held bytes that cannot wait: the backend sent nothing for `quiet_after`."""
        return b""

    def closed(self) -> None:
        """Let go of everything: the connection is over, however it ended. Called once."""
