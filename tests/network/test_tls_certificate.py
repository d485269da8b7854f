from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.certificates import Authority, self_signed_for_clients

from trio_balancer.config.model_tls import CertificateFiles
from trio_balancer.network.tls_certificate import Certificate, read_certificate


def _read(files: CertificateFiles) -> Certificate:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.cert, files.key)
    return read_certificate(files.cert, context)


def test_names_and_expiry(tmp_path: Path) -> None:
    files = Authority(tmp_path).issue("A.example", "*.b.example", "192.0.2.1")
    certificate = _read(files)
    assert certificate.path == files.cert
    assert certificate.names == ("a.example", "*.b.example")
    assert certificate.expires > 4_000_000_000  # trustme's last for ever


def test_an_expired_certificate_is_read_too(tmp_path: Path) -> None:
    end = datetime(2020, 2, 3, tzinfo=UTC)
    certificate = _read(Authority(tmp_path).issue("a.example", expired_at=end))
    assert certificate.names == ("a.example",)
    assert certificate.expires == end.timestamp()


def test_a_common_name_where_there_is_no_other(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    assert _read(authority.issue("192.0.2.1", common_name="Old.example")).names == ("old.example",)
    both = authority.issue("a.example", common_name="old.example")
    assert _read(both).names == ("a.example",)
    assert _read(authority.issue("192.0.2.1")).names == ()


def test_a_certificate_that_is_not_for_servers(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="purpose"):
        _read(self_signed_for_clients(tmp_path))
