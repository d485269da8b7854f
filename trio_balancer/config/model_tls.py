"""What a valid configuration says about TLS, as frozen values; file names are resolved paths."""

from __future__ import annotations

from enum import Enum

import attrs


class MinVersion(Enum):
    """The oldest version of TLS that is spoken; RFC 8996 forbids those before 1.2."""

    TLS_1_2 = "1.2"
    TLS_1_3 = "1.3"


class ClientCertificates(Enum):
    """Whether clients are asked for a certificate; one that does not verify is always refused."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


@attrs.frozen
class CertificateFiles:
    """PEM files: a certificate with the chain behind it, and its private key, not encrypted."""

    cert: str
    key: str


@attrs.frozen
class ListenerTls:
    """`[listeners.NAME.tls]`: TLS ends here.

    The first certificate serves clients whose SNI fits none, unless `strict_sni` refuses them.
    `ciphers` is an OpenSSL cipher list and concerns TLS 1.2 only; `client_ca` is a PEM file.
    """

    certificates: tuple[CertificateFiles, ...]
    strict_sni: bool = False
    min_version: MinVersion = MinVersion.TLS_1_2
    alpn: tuple[str, ...] = ()
    ciphers: str | None = None
    client_certificates: ClientCertificates = ClientCertificates.NONE
    client_ca: str | None = None


@attrs.frozen
class PoolTls:
    """`[pools.NAME.tls]`: backends are spoken to in TLS.

    `ca` is a PEM file, None for the system's authorities. `server_name` is what is asked for (SNI)
    and verified; None for the host of the backend's address. `certificate` is ours, as a client.
    """

    verify: bool = True
    ca: str | None = None
    server_name: str | None = None
    certificate: CertificateFiles | None = None
    min_version: MinVersion = MinVersion.TLS_1_2
    alpn: tuple[str, ...] = ()
