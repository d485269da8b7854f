from __future__ import annotations

from trio_balancer.config.model_tls import (
    CertificateFiles,
    ClientCertificates,
    ListenerTls,
    MinVersion,
    PoolTls,
)


def test_the_defaults_are_safe() -> None:
    assert PoolTls().verify
    assert PoolTls().min_version is MinVersion.TLS_1_2
    listener = ListenerTls((CertificateFiles("cert", "key"),))
    assert listener.min_version is MinVersion.TLS_1_2
    assert listener.client_certificates is ClientCertificates.NONE


def test_no_older_version_can_be_asked_for() -> None:
    assert [version.value for version in MinVersion] == ["1.2", "1.3"]
