"""Terminates TLS: the certificates of a listener, and the handshake with its clients."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, final

import attrs

from trio_balancer.config.model_tls import ClientCertificates
from trio_balancer.network.seam import PeerReset
from trio_balancer.network.tls_certificate import Certificate, read_certificate
from trio_balancer.network.tls_context import load_authorities, load_certificate, new_context
from trio_balancer.network.tls_errors import TlsConfigError, TlsError, describe_tls
from trio_balancer.network.tls_stream import TlsStream, start_tls
from trio_balancer.wire.client_hello import ClientHelloError, HelloReader, NotTlsError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trio_balancer.config.model_tls import ListenerTls
    from trio_balancer.network.seam import Stream
    from trio_balancer.network.tls_context import Problems
    from trio_balancer.wire.client_hello import ClientHello

_VERIFY_MODES = {
    ClientCertificates.NONE: ssl.CERT_NONE,
    ClientCertificates.OPTIONAL: ssl.CERT_OPTIONAL,
    ClientCertificates.REQUIRED: ssl.CERT_REQUIRED,
}


@final
class ServerTls:
    """What `[listeners.NAME.tls]` says, loaded and ready.

    Raises TlsConfigError with everything that is wrong with the files.
    """

    def __init__(self, config: ListenerTls) -> None:
        self._config = config
        self._choice = _load(config)

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """The certificates in use, in the order of the configuration."""
        return self._choice.certificates

    def reload(self) -> None:
        """Read the files again, for new connections; a few milliseconds for each certificate.

        Another thread may call it, too. Raises TlsConfigError, and goes on with what was loaded
        before.
        """
        self._choice = _load(self._config)

    async def accept(self, stream: Stream, prefix: bytes = b"") -> TlsStream:
        """Shake hands with a client; `prefix` is what was already read from it.

        Raises TlsError or PeerReset; then, and when cancelled, the stream is to be reset.
        """
        hello, prefix = await _read_hello(stream, prefix)
        name = None if hello is None else hello.server_name
        context = self._choice.by_name(name)
        if context is None:
            await _send_alert(stream, ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME)
            asked = "without a server name (SNI)" if name is None else f"for the name {name!r}"
            raise TlsError(f"the peer asked {asked}, which no certificate has")
        return await start_tls(stream, context, server_side=True, server_name=name, prefix=prefix)


async def _read_hello(stream: Stream, prefix: bytes) -> tuple[ClientHello | None, bytes]:
    """Read the ClientHello, None where this is no TLS; return it with all bytes that were read.

    Not left to the callback that `ssl` has for SNI: a name with a byte above 127 makes that print
    a traceback, whenever a client likes.
    """
    reader = HelloReader()
    data = prefix or await stream.receive_some()
    while data:
        try:
            hello = reader.feed(bytes(data))
        except NotTlsError:
            return None, reader.received  # OpenSSL knows best what else it may be
        except ClientHelloError as error:
            await _send_alert(stream, ssl.ALERT_DESCRIPTION_DECODE_ERROR)
            raise TlsError(str(error)) from None
        if hello is not None:
            return hello, reader.received
        data = await stream.receive_some()
    raise PeerReset("the peer left during the TLS handshake")


async def _send_alert(stream: Stream, description: int) -> None:
    """Send a fatal alert in the clear (RFC 8446, sections 5.1 and 6), before any handshake."""
    with suppress(PeerReset):
        await stream.send_all(bytes([21, 3, 3, 0, 2, 2, description]))


@attrs.frozen(eq=False)
class _Choice:
    """The certificates, each in a context of its own; the first is the default unless strict."""

    default: ssl.SSLContext
    contexts: Mapping[str, ssl.SSLContext]
    certificates: tuple[Certificate, ...]
    strict: bool

    def by_name(self, server_name: str | None) -> ssl.SSLContext | None:
        """Return the context for a client that asks for this name, None to refuse it."""
        context = None if server_name is None else best_match(self.contexts, server_name)
        return context or (None if self.strict else self.default)


def best_match(contexts: Mapping[str, ssl.SSLContext], server_name: str) -> ssl.SSLContext | None:
    """Find a name as it is, or with a "*" for its first label (RFC 6125, section 6.4.3)."""
    _, dot, parent = server_name.partition(".")
    return contexts.get(server_name) or contexts.get(f"*{dot}{parent}")


def _load(config: ListenerTls) -> _Choice:
    problems: Problems = {}
    loaded = [_load_one(config, number, problems) for number in range(len(config.certificates))]
    good = [pair for pair in loaded if pair is not None]
    if problems:
        raise TlsConfigError(problems)
    return _Choice(
        default=good[0][0],
        contexts=_by_name(good),
        certificates=tuple(certificate for _, certificate in good),
        strict=config.strict_sni,
    )


def _load_one(
    config: ListenerTls, number: int, problems: Problems
) -> tuple[ssl.SSLContext, Certificate] | None:
    context = new_context(ssl.PROTOCOL_TLS_SERVER, config.min_version, config.alpn)
    files, at = config.certificates[number], ("certificates", number)
    certificate = None
    if load_certificate(context, files, at, problems):
        try:
            certificate = read_certificate(files.cert, context)
        except ssl.SSLError as error:
            problems[*at, "cert"] = f"{files.cert!r} is not for servers: {describe_tls(error)}"
    _set_ciphers(context, config, problems)
    _ask_clients(context, config, problems)
    return None if certificate is None else (context, certificate)


def _set_ciphers(context: ssl.SSLContext, config: ListenerTls, problems: Problems) -> None:
    if config.ciphers is None:
        return
    try:
        context.set_ciphers(config.ciphers)
    except ssl.SSLError:
        problems[("ciphers",)] = f"OpenSSL knows none of the ciphers in {config.ciphers!r}"


def _ask_clients(context: ssl.SSLContext, config: ListenerTls, problems: Problems) -> None:
    # Whoever is asked and verified without an authority is refused.
    context.verify_mode = _VERIFY_MODES[config.client_certificates]
    if config.client_ca is not None:
        load_authorities(context, config.client_ca, "client_ca", problems)


def _by_name(
    loaded: Iterable[tuple[ssl.SSLContext, Certificate]],
) -> dict[str, ssl.SSLContext]:
    contexts: dict[str, ssl.SSLContext] = {}
    for context, certificate in loaded:
        for name in certificate.names:
            contexts.setdefault(name, context)  # of two certificates for a name, the first
    return contexts
