from __future__ import annotations

import ssl

import pytest

from trio_balancer.network import PeerReset
from trio_balancer.network.errors import describe, is_local_trouble
from trio_balancer.network.tls_errors import (
    TlsConfigError,
    TlsError,
    describe_tls,
    handshake_error,
    stream_error,
)


def _error(reason: str | None, kind: type[ssl.SSLError] = ssl.SSLError) -> ssl.SSLError:
    error = kind(1, "[SSL] what OpenSSL says")
    error.reason = reason  # type: ignore[assignment]  # OpenSSL does not always know one
    return error


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("HTTP_REQUEST", "the peer sent plain HTTP"),
        ("NO_SHARED_CIPHER", "no cipher in common"),
        ("TLSV1_ALERT_UNKNOWN_CA", 'the peer sent the alert "unknown ca"'),
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", 'the peer sent the alert "certificate required"'),
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", 'the peer sent the alert "handshake failure"'),
        ("TLSV1_UNRECOGNIZED_NAME", 'the peer sent the alert "unrecognized name"'),
        ("BAD_RECORD_TYPE", "bad record type"),
        (None, "[SSL] what OpenSSL says"),
    ],
)
def test_sentences(reason: str | None, sentence: str) -> None:
    assert describe_tls(_error(reason)) == sentence


def test_an_error_without_a_reason() -> None:
    assert "No cipher" in describe_tls(ssl.SSLError("No cipher can be selected."))


def test_a_failed_handshake_is_like_a_failed_dial() -> None:
    error = handshake_error(_error("UNSUPPORTED_PROTOCOL"))
    assert isinstance(error, TlsError)
    assert describe(error) == "no version of TLS in common"
    assert not is_local_trouble(error)


def test_leaving_is_no_disagreement() -> None:
    error = handshake_error(_error(None, ssl.SSLEOFError))
    assert isinstance(error, PeerReset)
    assert str(error) == "the peer left during the TLS handshake"


def test_a_stream_breaks_by_what_it_was() -> None:
    assert "without TLS's close_notify" in str(stream_error(_error(None, ssl.SSLEOFError)))
    assert str(stream_error(_error("BAD_MAC"))) == "the TLS connection broke: bad mac"
    assert "since an earlier call" in str(stream_error(None))


def test_a_config_error_names_each_key() -> None:
    error = TlsConfigError({("certificates", 0, "key"): "is wrong", ("client_ca",): "is gone"})
    assert str(error) == "certificates[0].key: is wrong\nclient_ca: is gone"
    assert error.problems[("client_ca",)] == "is gone"
