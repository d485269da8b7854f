"""What a connection to a backend begins with: our PROXY header, then TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import trio

from trio_balancer.config.model_proxy import ProxyVersion, SendProxyConfig
from trio_balancer.flow.dial import DialFailure
from trio_balancer.flow.introduction import introduction
from trio_balancer.flow.record import Who
from trio_balancer.network.tls_client import ClientTls
from trio_balancer.network.tls_errors import TlsError
from trio_balancer.wire.address import Address, InetAddress, NamedAddress, UnixAddress
from trio_balancer.wire.proxy_protocol import encode_local, encode_v1

if TYPE_CHECKING:
    from trio_balancer.config.model import PoolConfig
    from trio_balancer.flow.live import Connection
    from trio_balancer.network.seam import Stream


@attrs.frozen
class Leg:
    """How the connections of a pool begin, checks included."""

    send_proxy: SendProxyConfig | None
    tls: ClientTls | None

    async def begin(self, stream: Stream, header: bytes, backend: Address) -> Stream:
        """Send the header, in one write before anything else, and shake hands.

        Returns the stream to go on with. Raises PeerReset, and TlsError where there is no
        understanding; the caller bounds the time and closes `stream` then.
        """
        if header:
            await stream.send_all(header)
        if self.tls is None:
            return stream
        return await self.tls.connect(stream, _host(backend))

    def header_of_check(self, stream: Stream) -> bytes:
        """Return the header of a health check: it speaks for nobody but us."""
        if self.send_proxy is None:
            return b""
        if self.send_proxy.version is ProxyVersion.V1:
            # Version 1 has no LOCAL, and some servers refuse its UNKNOWN.
            return encode_v1(stream.local_address, stream.remote_address)
        return encode_local()


def make_leg(pool: PoolConfig) -> Leg | None:
    """Return how the connections of a pool begin; None: with the client's bytes.

    Raises TlsConfigError for files that do not serve.
    """
    if pool.send_proxy is None and pool.tls is None:
        return None
    return Leg(pool.send_proxy, None if pool.tls is None else ClientTls(pool.tls))


async def begin_leg(
    connection: Connection, leg: Leg, stream: Stream, deadline: float
) -> Stream | DialFailure:
    """Begin a client's connection to a backend, until `deadline` (trio's clock)."""
    header, target = introduction(connection, leg.send_proxy), connection.target
    address: Address = stream.remote_address
    if target is not None and not connection.destinations:
        address = target.address
    failure = DialFailure(Who.BACKEND_TIMEOUT, "no TLS handshake in time")
    begun = None
    try:
        with trio.move_on_at(deadline):
            begun = await leg.begin(stream, header, address)
    except (TlsError, trio.BrokenResourceError) as error:
        failure = DialFailure(Who.BACKEND, str(error))
    finally:
        if begun is None:
            stream.reset()
    return begun or failure


def _host(backend: Address) -> str | None:
    """Return what the backend's certificate is to be for; a path is no host."""
    match backend:
        case NamedAddress():
            return backend.name
        case InetAddress():
            return backend.text
        case UnixAddress():
            return None
