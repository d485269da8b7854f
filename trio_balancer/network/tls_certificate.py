"""What a certificate says: for which names it is good, and until when.

`ssl` reads a certificate for us only when a peer has sent it and it was verified. So a server
that has it and a client that trusts nothing else shake hands, in memory.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, cast

import attrs

from trio_balancer.network.tls_info import common_name

if TYPE_CHECKING:
    from trio_balancer.network.tls_info import Name

# X509_V_FLAG_NO_CHECK_TIME of OpenSSL's x509_vfy.h: an expired certificate has names too.
_NO_CHECK_TIME = 0x200000


@attrs.frozen
class Certificate:
    """A certificate that was loaded from the file `path`.

    `names` are its DNS names in small letters, such as "*.example"; `expires` is Unix seconds.
    """

    path: str
    names: tuple[str, ...]
    expires: float


def read_certificate(path: str, server: ssl.SSLContext) -> Certificate:
    """Read the certificate of a server's context, which was loaded from the file `path`.

    Raises ssl.SSLError when no client would take it for a server's.
    """
    content = _present(server, _trusting(path))
    names = [str(value) for kind, value in content.get("subjectAltName", ()) if kind == "DNS"]
    subject: Name = content.get("subject", ())
    # A common name counts only where there are no other names (RFC 6125, section 6.4.4).
    if not names and (name := common_name(subject)):
        names = [name]
    expires = ssl.cert_time_to_seconds(content["notAfter"])
    return Certificate(path, tuple(name.lower() for name in names), expires)


def _trusting(path: str) -> ssl.SSLContext:
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.set_ciphers("ALL:@SECLEVEL=0")  # how strong it is, is for real clients to judge
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
    client.load_verify_locations(cafile=path)
    return client


def _present(server: ssl.SSLContext, client: ssl.SSLContext) -> dict[str, Any]:
    """Return what the client sees of the server's certificate."""
    upward, downward = ssl.MemoryBIO(), ssl.MemoryBIO()
    accepting = server.wrap_bio(upward, downward, server_side=True)
    connecting = client.wrap_bio(downward, upward)
    while not _has_shaken_hands(connecting):
        _has_shaken_hands(accepting)
    return cast("dict[str, Any]", connecting.getpeercert())


def _has_shaken_hands(side: ssl.SSLObject) -> bool:
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True
