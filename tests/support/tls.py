"""Two ends that speak TLS with each other, over memory or any other pair of streams."""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import TYPE_CHECKING

import attrs
import trio
from support.certificates import Authority

from trio_balancer.network.tls_client import ClientTls
from trio_balancer.network.tls_errors import TlsError
from trio_balancer.network.tls_server import ServerTls
from trio_balancer.testing import memory_connection
from trio_balancer.wire.address import inet_address

if TYPE_CHECKING:
    from pathlib import Path

    from trio_balancer.config.model_tls import ListenerTls, PoolTls
    from trio_balancer.network import Stream
    from trio_balancer.network.tls_stream import TlsStream
    from trio_balancer.testing import MemoryStream

HOST = "a.example"
VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
CLIENT, SERVER = inet_address("192.0.2.1", 1111), inet_address("192.0.2.2", 443)


def memory_ends() -> tuple[MemoryStream, MemoryStream]:
    """Make a plain connection in memory: the client's end and the server's."""
    return memory_connection(CLIENT, SERVER)


@attrs.define(eq=False)
class Ends:
    """Both ends of a handshake: each the stream, or why there is none."""

    client: TlsStream | TlsError | trio.BrokenResourceError | None = None
    server: TlsStream | TlsError | trio.BrokenResourceError | None = None


async def shake_hands(
    server: ServerTls,
    client: ClientTls,
    *,
    host: str | None = HOST,
    over: tuple[Stream, Stream] | None = None,
) -> Ends:
    """Shake hands; whoever fails resets, as a balancer does."""
    dialled, accepted = over or memory_ends()
    ends = Ends()

    async def connect() -> None:
        try:
            ends.client = await client.connect(dialled, host)
        except (TlsError, trio.BrokenResourceError) as error:
            ends.client = error
            dialled.reset()

    async def accept() -> None:
        try:
            ends.server = await server.accept(accepted)
        except (TlsError, trio.BrokenResourceError) as error:
            ends.server = error
            accepted.reset()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(connect)
        nursery.start_soon(accept)
    return ends


@attrs.define(eq=False)
class Rig:
    """A server and a client that trusts it, in one version of TLS."""

    folder: Path
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    authority: Authority = attrs.field(init=False)
    server: ServerTls = attrs.field(init=False)
    client: ClientTls = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.authority = Authority(self.folder)
        self.serve(self.authority.listener(HOST))
        self.dial(self.authority.pool())

    def serve(self, config: ListenerTls) -> None:
        """Load another server."""
        self.server = ServerTls(config)

    def dial(self, config: PoolTls) -> None:
        """Load another client."""
        self.client = ClientTls(config)
        self.client._context.maximum_version = self.version

    async def shake_hands(self, *, host: str | None = HOST) -> Ends:
        """Shake hands in memory, which may fail."""
        return await shake_hands(self.server, self.client, host=host)

    async def connect(
        self, over: tuple[Stream, Stream] | None = None
    ) -> tuple[TlsStream, TlsStream]:
        """Connect a client's end and a server's."""
        ends = await shake_hands(self.server, self.client, over=over)
        for end in (ends.client, ends.server):
            if isinstance(end, Exception):
                raise end
        assert not isinstance(ends.client, Exception)
        assert not isinstance(ends.server, Exception)
        assert ends.client is not None
        assert ends.server is not None
        return ends.client, ends.server


async def half_close(stream: TlsStream) -> None:
    """Finish one direction with a close_notify and go on receiving, as some programs do."""
    with suppress(ssl.SSLWantReadError):
        stream._engine._object.unwrap()
    await stream._below.send_all(stream._engine._outgoing.read())
