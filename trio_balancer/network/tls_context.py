"""Builds an SSLContext from files; notes what is wrong with each instead of raising.

`problems` takes a sentence for the key of the configuration that is to blame.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING

from trio_balancer.config.model_tls import MinVersion
from trio_balancer.network.tls_errors import describe_tls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trio_balancer.config.model_tls import CertificateFiles
    from trio_balancer.config.problems import KeyPath

    Problems = dict[KeyPath, str]

_VERSIONS = {
    MinVersion.TLS_1_2: ssl.TLSVersion.TLSv1_2,
    MinVersion.TLS_1_3: ssl.TLSVersion.TLSv1_3,
}


def new_context(side: ssl._SSLMethod, version: MinVersion, alpn: Sequence[str]) -> ssl.SSLContext:
    """Make a context for PROTOCOL_TLS_SERVER or PROTOCOL_TLS_CLIENT, with nothing loaded yet."""
    context = ssl.SSLContext(side)
    context.minimum_version = _VERSIONS[version]
    # A client could have our processor work for it, in TLS 1.2, for the price of a few bytes.
    context.options |= ssl.OP_NO_RENEGOTIATION
    # With this option, which some builds set, a cut connection looks as if it had ended.
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


def load_certificate(
    context: ssl.SSLContext, files: CertificateFiles, at: KeyPath, problems: Problems
) -> bool:
    """Load our certificate and its key; say whether that went well.

    `at` is where `cert` and `key` stand.
    """
    cert_key, key_key = (*at, "cert"), (*at, "key")
    has_cert = _has_pem(files.cert, "CERTIFICATE", cert_key, problems)
    has_key = _has_pem(files.key, "PRIVATE KEY", key_key, problems)
    if not (has_cert and has_key):
        return False
    try:
        context.load_cert_chain(files.cert, files.key, password=_refuse)
    except _EncryptedError:
        problems[key_key] = f"the private key in {files.key!r} is encrypted, and nobody is asked"
    except ssl.SSLError as error:
        problems[key_key] = _why_not(files, error)
    else:
        return True
    return False


class _EncryptedError(Exception):
    """OpenSSL has asked for a pass phrase."""


def _refuse() -> str:
    # Left alone, OpenSSL would ask at the terminal.
    raise _EncryptedError


def _why_not(files: CertificateFiles, error: ssl.SSLError) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"the private key in {files.key!r} is not that of the certificate in {files.cert!r}"
    return f"{files.cert!r} with the key in {files.key!r} cannot be used: {describe_tls(error)}"


def load_authorities(context: ssl.SSLContext, path: str, key: str, problems: Problems) -> None:
    """Trust the certificates of a file."""
    if not _has_pem(path, "CERTIFICATE", (key,), problems):
        return
    try:
        context.load_verify_locations(cafile=path)
    except ssl.SSLError as error:
        problems[(key,)] = f"{path!r} cannot be used: {describe_tls(error)}"


def _has_pem(path: str, what: str, key: KeyPath, problems: Problems) -> bool:
    """Say whether a file can be read and has such a part; OpenSSL would not say which lacks."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        problems[key] = f"{path!r} cannot be read: {error.strerror or error}"
        return False
    # "BEGIN RSA PRIVATE KEY", "BEGIN TRUSTED CERTIFICATE" and the like count.
    if f"{what}-----".encode() not in content:
        problems[key] = f"{path!r} has no {what.lower()} in it (in PEM form)"
        return False
    return True
