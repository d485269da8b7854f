"""`[listeners.NAME.tls]` and `[pools.NAME.tls]`. That the files are good is seen when loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.config.addresses import host
from trio_balancer.config.model_tls import (
    CertificateFiles,
    ClientCertificates,
    ListenerTls,
    MinVersion,
    PoolTls,
)
from trio_balancer.config.values import Parser, boolean, choice, expected, visible_ascii

if TYPE_CHECKING:
    from pathlib import PurePath

    from trio_balancer.config.reader import TableReader

_LISTENER = ListenerTls(certificates=())
_POOL = PoolTls()
_LONGEST_PROTOCOL = 255  # bytes (RFC 7301, section 3.1)


def read_listener_tls(section: TableReader, base: PurePath) -> ListenerTls:
    """Read `[listeners.NAME.tls]`; files are relative to `base`."""
    take = section.take
    tls = ListenerTls(
        certificates=_read_certificates(section, base),
        strict_sni=take("strict_sni", boolean, _LISTENER.strict_sni),
        min_version=take("min_version", choice(MinVersion), _LISTENER.min_version),
        alpn=_read_alpn(section),
        ciphers=take("ciphers", visible_ascii, _LISTENER.ciphers),
        client_certificates=take(
            "client_certificates", choice(ClientCertificates), _LISTENER.client_certificates
        ),
        client_ca=take("client_ca", _file(base), _LISTENER.client_ca),
    )
    _report_half_a_client_check(section)
    return tls


def read_pool_tls(section: TableReader, base: PurePath) -> PoolTls:
    """Read `[pools.NAME.tls]`; files are relative to `base`."""
    take = section.take
    tls = PoolTls(
        verify=take("verify", boolean, _POOL.verify),
        ca=take("ca", _file(base), _POOL.ca),
        server_name=take("server_name", host, _POOL.server_name),
        certificate=_read_certificate(section, base) if "cert" in section else None,
        min_version=take("min_version", choice(MinVersion), _POOL.min_version),
        alpn=_read_alpn(section),
    )
    if "key" in section and "cert" not in section:
        section.problem("key", "is the key of no certificate: give cert too")
    if tls.ca is not None and not tls.verify:
        section.problem("ca", "verifies nothing while verify = false")
    return tls


def _read_certificates(section: TableReader, base: PurePath) -> tuple[CertificateFiles, ...]:
    items = section.items("certificates")
    if not items:
        section.problem("certificates", 'at least one is needed: [{ cert = "…", key = "…" }]')
    read = [_read_certificate(section.within(path, item), base) for path, item in items]
    return tuple(files for files in read if files is not None)


def _read_certificate(section: TableReader, base: PurePath) -> CertificateFiles | None:
    """Read `cert` and `key`; a lone `cert` holds both, as HAProxy's files do."""
    cert = section.require("cert", _file(base), None)
    key = section.take("key", _file(base), cert)
    return None if cert is None or key is None else CertificateFiles(cert, key)


def _read_alpn(section: TableReader) -> tuple[str, ...]:
    read = [section.parse(path, item, _protocol, None) for path, item in section.items("alpn")]
    return tuple(protocol for protocol in read if protocol is not None)


def _protocol(value: object) -> str:
    protocol = visible_ascii(value)
    if len(protocol) > _LONGEST_PROTOCOL:
        raise expected(f"the name of a protocol, of at most {_LONGEST_PROTOCOL} bytes", value)
    return protocol


def _file(base: PurePath) -> Parser[str]:
    """Make a parser of file names."""

    def parse(value: object) -> str:
        if not isinstance(value, str) or not value or not value.isprintable():
            raise expected("the name of a PEM file", value)
        return str(base / value)

    return parse


def _report_half_a_client_check(section: TableReader) -> None:
    # By what is written, so that a misspelt value is one problem and not two.
    asks = section.table.get("client_certificates", "none") != "none"
    if asks and "client_ca" not in section:
        section.problem("client_certificates", "needs client_ca, which says whose are accepted")
    if "client_ca" in section and not asks:
        message = 'is for client_certificates = "required" or "optional", and nobody is asked'
        section.problem("client_ca", message)
