from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from support.certificates import Authority, openssl

from trio_balancer.config.model_tls import CertificateFiles, MinVersion
from trio_balancer.config.problems import KeyPath
from trio_balancer.network.tls_context import load_authorities, load_certificate, new_context


def _server() -> ssl.SSLContext:
    return new_context(ssl.PROTOCOL_TLS_SERVER, MinVersion.TLS_1_2, ())


def _problems(cert: str, key: str) -> dict[KeyPath, str]:
    problems: dict[KeyPath, str] = {}
    files = CertificateFiles(cert, key)
    assert load_certificate(_server(), files, ("at", 0), problems) is not bool(problems)
    return problems


def test_a_new_context_is_strict() -> None:
    context = new_context(ssl.PROTOCOL_TLS_SERVER, MinVersion.TLS_1_3, ("h2",))
    assert context.minimum_version is ssl.TLSVersion.TLSv1_3
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert not context.options & ssl.OP_IGNORE_UNEXPECTED_EOF
    assert _server().minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_certificate_is_loaded(tmp_path: Path) -> None:
    files = Authority(tmp_path).issue("a.example")
    assert _problems(files.cert, files.key) == {}


def test_both_missing_files_are_told_at_once() -> None:
    assert _problems("/no/cert.pem", "/no/key.pem") == {
        ("at", 0, "cert"): "'/no/cert.pem' cannot be read: No such file or directory",
        ("at", 0, "key"): "'/no/key.pem' cannot be read: No such file or directory",
    }


def test_swapped_files(tmp_path: Path) -> None:
    files = Authority(tmp_path).issue("a.example")
    assert _problems(files.key, files.cert) == {
        ("at", 0, "cert"): f"{files.key!r} has no certificate in it (in PEM form)",
        ("at", 0, "key"): f"{files.cert!r} has no private key in it (in PEM form)",
    }


def test_a_key_of_another_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    one, other = authority.issue("a.example"), authority.issue("a.example")
    [(key, problem)] = _problems(one.cert, other.key).items()
    assert key == ("at", 0, "key")
    assert problem == (
        f"the private key in {other.key!r} is not that of the certificate in {one.cert!r}"
    )


def test_a_key_that_is_none(tmp_path: Path) -> None:
    files = Authority(tmp_path).issue("a.example")
    Path(files.key).write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    [(key, problem)] = _problems(files.cert, files.key).items()
    assert key == ("at", 0, "key")
    assert "cannot be used" in problem


def test_an_encrypted_key_asks_nobody(tmp_path: Path) -> None:
    files = Authority(tmp_path).issue("a.example")
    encrypted = tmp_path / "encrypted.pem"
    openssl("pkey -aes128 -passout pass:x", "-in", files.key, "-out", str(encrypted))
    assert _problems(files.cert, str(encrypted)) == {
        ("at", 0, "key"): f"the private key in {str(encrypted)!r} is encrypted, and nobody is asked"
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file or directory"),
        ("nothing", "has no certificate in it (in PEM form)"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be used: "),
    ],
)
def test_authorities_that_cannot_be_loaded(
    tmp_path: Path, content: str | None, message: str
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    problems: dict[KeyPath, str] = {}
    load_authorities(_server(), str(path), "ca", problems)
    assert problems[("ca",)].startswith(f"{str(path)!r} {message}")


def test_authorities_are_loaded(tmp_path: Path) -> None:
    context = _server()
    problems: dict[KeyPath, str] = {}
    load_authorities(context, Authority(tmp_path).ca, "ca", problems)
    assert len(context.get_ca_certs()) == 1
    assert not problems
