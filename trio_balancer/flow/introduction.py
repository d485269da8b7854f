"""Introduce a client to a backend: the PROXY header that goes before its bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.config.model_proxy import ProxyVersion, SendProxyOption
from trio_balancer.wire.proxy_header import NO_TLVS
from trio_balancer.wire.proxy_protocol import SslInfo, Tlvs, encode_v1, encode_v2

if TYPE_CHECKING:
    from trio_balancer.config.model_proxy import SendProxyConfig
    from trio_balancer.flow.live import Connection, Greeting
    from trio_balancer.network.tls_info import TlsInfo

# Bits of SslInfo.client (section 2.2.6 of the specification): over TLS; with a certificate in this
# very connection; in this connection or an earlier one of the same TLS session.
_OVER_TLS, _CERTIFICATE_NOW, _CERTIFICATE_EVER = 0x01, 0x02, 0x04
_VERIFIED, _NOT_VERIFIED = 0, 1


def introduction(connection: Connection, config: SendProxyConfig | None) -> bytes:
    """Return the header that announces a connection's client; b"" where none is wished."""
    if config is None:
        return b""
    source, destination = connection.client_address, connection.client.local_address
    greeting = connection.greeting
    if greeting is not None and greeting.header is not None:
        destination = greeting.header.destination or destination
    if config.version is ProxyVersion.V1:
        return encode_v1(source, destination)
    checked = SendProxyOption.CRC32C in config.options
    return encode_v2(source, destination, _tlvs(connection, config.options), crc32c=checked)


def _tlvs(connection: Connection, wanted: frozenset[SendProxyOption]) -> Tlvs:
    """Tell what is known of the client, as far as the backend wants to hear it.

    What was announced to us goes before what we have seen: a proxy in front saw the client itself.
    """
    greeting = connection.greeting
    heard = NO_TLVS if greeting is None or greeting.header is None else greeting.header.tlvs
    return Tlvs(
        authority=_when(wanted, SendProxyOption.AUTHORITY, heard.authority or _name(greeting)),
        alpn=_when(wanted, SendProxyOption.ALPN, heard.alpn or _alpn(greeting)),
        unique_id=_when(wanted, SendProxyOption.UNIQUE_ID, connection.unique_id()),
        ssl=(heard.ssl or _ssl(greeting)) if SendProxyOption.SSL in wanted else None,
    )


def _when(
    wanted: frozenset[SendProxyOption], option: SendProxyOption, value: bytes | None
) -> bytes | None:
    return value if option in wanted else None


def _name(greeting: Greeting | None) -> bytes | None:
    if greeting is None or greeting.server_name is None:
        return None
    return greeting.server_name.encode()


def _alpn(greeting: Greeting | None) -> bytes | None:
    """Return the protocol that was agreed on; a client that we do not decrypt only offers some."""
    if greeting is None or greeting.tls is None or greeting.tls.alpn is None:
        return None
    return greeting.tls.alpn.encode()


def _ssl(greeting: Greeting | None) -> SslInfo | None:
    if greeting is None or greeting.tls is None:
        return None
    tls = greeting.tls
    return SslInfo(
        client=_client_bits(tls),
        # Also for a client without a certificate: zero is for one that is good, and nothing else.
        verify=_VERIFIED if tls.client_verified else _NOT_VERIFIED,
        version=tls.version.encode(),
        cn=None if tls.client_common_name is None else tls.client_common_name.encode(),
        cipher=tls.cipher.encode(),
    )


def _client_bits(tls: TlsInfo) -> int:
    if not tls.client_verified:
        return _OVER_TLS
    return _OVER_TLS | _CERTIFICATE_EVER | (0 if tls.resumed else _CERTIFICATE_NOW)
