"""What is known of a TLS connection once its handshake is over."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, cast

import attrs

if TYPE_CHECKING:
    import ssl

Name = tuple[tuple[tuple[str, str], ...], ...]
"""A distinguished name as `ssl` gives it: sets of attributes, the most general one first."""

# Short names of RFC 4514, section 3; other attributes keep the long one.
_SHORT = {
    "commonName": "CN",
    "countryName": "C",
    "domainComponent": "DC",
    "localityName": "L",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "stateOrProvinceName": "ST",
    "streetAddress": "STREET",
    "userId": "UID",
}
_SPECIAL = re.compile(r'([,+"\\<>;=]|^[ #]| $)')


@attrs.frozen
class TlsInfo:
    """A connection's TLS, for records, filters and PROXY headers.

    Names come from the peer, verified or not: escape them before they reach a log line.
    """

    #: As OpenSSL writes it: "TLSv1.2" or "TLSv1.3".
    version: str
    cipher: str
    #: The name that the client asked for (SNI), and the protocol that was agreed on.
    server_name: str | None
    alpn: str | None
    #: Of the client's certificate, where we are the server and it has sent one.
    client_subject: str | None = None
    client_common_name: str | None = None
    client_verified: bool = False
    #: The handshake took up an earlier session, whose client certificate this then is.
    resumed: bool = False


def tls_info(ssl_object: ssl.SSLObject, server_name: str | None) -> TlsInfo:
    """Ask OpenSSL after a handshake; `server_name` is what the client dialled or asked for."""
    # The certificate of whoever failed the verification never gets here: the handshake fails.
    certificate = cast("dict[str, Any]", ssl_object.getpeercert() or {})
    subject: Name = certificate.get("subject", ()) if ssl_object.server_side else ()
    cipher = ssl_object.cipher()
    return TlsInfo(
        version=ssl_object.version() or "",
        cipher=cipher[0] if cipher else "",
        # An IP address is verified, but never asked for (RFC 6066, section 3).
        server_name=None if server_name is None or _is_ip_address(server_name) else server_name,
        alpn=ssl_object.selected_alpn_protocol(),
        client_subject=write_name(subject) or None,
        client_common_name=common_name(subject),
        client_verified=ssl_object.server_side and bool(certificate),
        resumed=bool(ssl_object.session_reused),
    )


def _is_ip_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def write_name(name: Name) -> str:
    r"""Write a distinguished name as RFC 4514 does: "CN=alice,O=Example\, Inc."."""
    return ",".join("+".join(map(_write_attribute, part)) for part in reversed(name))


def _write_attribute(attribute: tuple[str, str]) -> str:
    key, value = attribute
    escaped = _SPECIAL.sub(r"\\\1", value)
    return f"{_SHORT.get(key, key)}={escaped}"


def common_name(name: Name) -> str | None:
    """Return the most specific common name."""
    values = [value for part in name for key, value in part if key == "commonName"]
    return values[-1] if values else None
