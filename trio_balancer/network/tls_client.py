"""Originates TLS: whom a pool trusts, and the handshake with its backends."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, final

from trio_balancer.network.tls_context import load_authorities, load_certificate, new_context
from trio_balancer.network.tls_errors import TlsConfigError, TlsError
from trio_balancer.network.tls_stream import TlsStream, start_tls

if TYPE_CHECKING:
    from trio_balancer.config.model_tls import PoolTls
    from trio_balancer.network.seam import Stream
    from trio_balancer.network.tls_context import Problems


@final
class ClientTls:
    """What `[pools.NAME.tls]` says, loaded and ready.

    Raises TlsConfigError with everything that is wrong with the files.
    """

    def __init__(self, config: PoolTls) -> None:
        self._config = config
        self._context = _load(config)

    def reload(self) -> None:
        """Read the files again, for new connections.

        Another thread may call it, too. Raises TlsConfigError, and goes on with what was loaded
        before.
        """
        self._context = _load(self._config)

    async def connect(self, stream: Stream, host: str | None) -> TlsStream:
        """Shake hands with a backend.

        `host` is the host name or numeric IP address of its configured address, None for a Unix
        socket; the configuration's `server_name` comes before it. A name is asked for (SNI) and
        verified, an IP address only verified.

        Raises TlsError or PeerReset; then, and when cancelled, the stream is to be reset. In
        TLS 1.3 a backend that does not want our certificate says so only later: the stream breaks.
        """
        name = self._config.server_name or host
        if name is None and self._config.verify:
            raise TlsError("no server_name is given, so there is no name to verify")
        return await start_tls(
            stream,
            self._context,
            server_side=False,
            # In TLS a name has no dot at its end (RFC 6066, section 3).
            server_name=None if name is None else name.removesuffix("."),
        )


def _load(config: PoolTls) -> ssl.SSLContext:
    problems: Problems = {}
    context = new_context(ssl.PROTOCOL_TLS_CLIENT, config.min_version, config.alpn)
    if not config.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif config.ca is None:
        context.load_default_certs()
    else:
        load_authorities(context, config.ca, "ca", problems)
    if config.certificate is not None:
        load_certificate(context, config.certificate, (), problems)
    if problems:
        raise TlsConfigError(problems)
    return context
