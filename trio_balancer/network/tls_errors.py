"""What goes wrong with TLS, in sentences for people."""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING

from trio_balancer.config.problems import dotted
from trio_balancer.network.seam import PeerReset

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trio_balancer.config.problems import KeyPath

# OpenSSL's reasons that a person would not understand, or would understand wrongly.
_SENTENCES = {
    "HTTP_REQUEST": "the peer sent plain HTTP",
    "HTTPS_PROXY_REQUEST": "the peer sent plain HTTP, for a proxy",
    "WRONG_VERSION_NUMBER": "the peer does not speak TLS",
    "PACKET_LENGTH_TOO_LONG": "the peer does not speak TLS",
    "NO_SHARED_CIPHER": "no cipher in common",
    "UNSUPPORTED_PROTOCOL": "no version of TLS in common",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "the peer sent no certificate",
}
# How OpenSSL names the alerts that a peer has sent: TLSV1_ALERT_UNKNOWN_CA.
_ALERT = re.compile(r"(?:SSLV3|TLSV1|TLSV13)_(?:ALERT_)?(\w+)\Z")


class TlsError(OSError):
    """A handshake failed; the message is a sentence. An OSError, as a failed dial is."""


class TlsConfigError(ValueError):
    """Files or names of a TLS section cannot be used.

    `problems` has a sentence for each key path within that section, such as
    `("certificates", 0, "key")`.
    """

    def __init__(self, problems: Mapping[KeyPath, str]) -> None:
        super().__init__("\n".join(f"{dotted(key)}: {text}" for key, text in problems.items()))
        self.problems = dict(problems)


def describe_tls(error: ssl.SSLError) -> str:
    """Say in a few words what OpenSSL did not like; nothing of it is the peer's own text."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {error.verify_message.rstrip('.')}"
    reason = getattr(error, "reason", None) or ""  # `ssl` raises a few that have none
    alert = _ALERT.match(reason)
    if alert is not None:
        return f'the peer sent the alert "{_words(alert[1])}"'
    return _SENTENCES.get(reason) or _words(reason) or error.strerror or str(error)


def handshake_error(error: ssl.SSLError) -> TlsError | PeerReset:
    """Build what a failed handshake raises."""
    if is_truncation(error):
        return PeerReset("the peer left during the TLS handshake")
    return TlsError(describe_tls(error))


def stream_error(error: BaseException | None) -> PeerReset:
    """Build what an established stream raises, from the cause that trio's error gives."""
    if not isinstance(error, ssl.SSLError):
        return PeerReset("the TLS connection is broken since an earlier call")
    if is_truncation(error):
        return PeerReset("the peer's bytes ended without TLS's close_notify: they may be cut")
    return PeerReset(f"the TLS connection broke: {describe_tls(error)}")


def is_truncation(error: ssl.SSLError) -> bool:
    """Whether the peer's bytes ended in the middle of TLS."""
    return isinstance(error, (ssl.SSLEOFError, ssl.SSLSyscallError))


def _words(reason: str) -> str:
    return reason.replace("_", " ").lower()
