from __future__ import annotations

from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.config.model_tls import (
    CertificateFiles,
    ClientCertificates,
    ListenerTls,
    MinVersion,
    PoolTls,
)
from trio_balancer.config.problems import Report
from trio_balancer.config.reader import TableReader
from trio_balancer.config.tls import read_listener_tls, read_pool_tls

BASE = PurePath("/etc/balancer")
CERTIFICATES = [{"cert": "a.pem", "key": "/keys/a.pem"}]


def _listener(table: dict[str, object]) -> tuple[ListenerTls, list[str]]:
    section = TableReader(table, ("tls",), Report("f"))
    tls = read_listener_tls(section, BASE)
    section.report_unknown_keys()
    return tls, [f"{problem.key}: {problem.message}" for problem in section.report.problems]


def _pool(table: dict[str, object]) -> tuple[PoolTls, list[str]]:
    section = TableReader(table, ("tls",), Report("f"))
    tls = read_pool_tls(section, BASE)
    section.report_unknown_keys()
    return tls, [f"{problem.key}: {problem.message}" for problem in section.report.problems]


def test_a_listener_needs_a_certificate_and_no_more() -> None:
    tls, problems = _listener({"certificates": CERTIFICATES})
    assert tls == ListenerTls((CertificateFiles("/etc/balancer/a.pem", "/keys/a.pem"),))
    assert not problems


def test_every_key_of_a_listener() -> None:
    tls, problems = _listener(
        {
            "certificates": [*CERTIFICATES, {"cert": "both.pem"}],
            "strict_sni": True,
            "min_version": "1.3",
            "alpn": ["h2", "http/1.1"],
            "ciphers": "ECDHE+AESGCM",
            "client_certificates": "optional",
            "client_ca": "ca.pem",
        }
    )
    both = "/etc/balancer/both.pem"
    assert tls == ListenerTls(
        certificates=(
            CertificateFiles("/etc/balancer/a.pem", "/keys/a.pem"),
            CertificateFiles(both, both),
        ),
        strict_sni=True,
        min_version=MinVersion.TLS_1_3,
        alpn=("h2", "http/1.1"),
        ciphers="ECDHE+AESGCM",
        client_certificates=ClientCertificates.OPTIONAL,
        client_ca="/etc/balancer/ca.pem",
    )
    assert not problems


@pytest.mark.parametrize("table", [{}, {"certificates": []}])
def test_a_listener_without_a_certificate(table: dict[str, object]) -> None:
    _, problems = _listener(table)
    [problem] = problems
    assert problem.startswith("tls.certificates: at least one is needed")


@pytest.mark.parametrize(
    ("key", "value", "where"),
    [
        ("certificates", ["a.pem"], "certificates[0]"),
        ("certificates", [{"key": "a.pem"}], "certificates[0].cert"),
        ("certificates", [{"cert": ""}], "certificates[0].cert"),
        ("certificates", [{"cert": "a.pem", "key": 1}], "certificates[0].key"),
        ("certificates", [{"cert": "a.pem", "name": "a"}], "certificates[0].name"),
        ("strict_sni", "yes", "strict_sni"),
        ("min_version", "1.1", "min_version"),
        ("min_version", 1.2, "min_version"),
        ("alpn", ["h2", ""], "alpn[1]"),
        ("alpn", "x" * 256, "alpn"),
        ("alpn", "é", "alpn"),
        ("ciphers", "", "ciphers"),
        ("client_certificates", "maybe", "client_certificates"),
        ("sni", "a.example", "sni"),
    ],
)
def test_wrong_values_of_a_listener(key: str, value: object, where: str) -> None:
    _, problems = _listener({"certificates": CERTIFICATES, "client_ca": "ca.pem"} | {key: value})
    problems = [problem for problem in problems if not problem.startswith("tls.client_ca: ")]
    assert problems[0].startswith(f"tls.{where}: ")


def test_whose_clients_are_accepted_must_be_said() -> None:
    _, problems = _listener({"certificates": CERTIFICATES, "client_certificates": "required"})
    assert problems == ["tls.client_certificates: needs client_ca, which says whose are accepted"]


@pytest.mark.parametrize("more", [{}, {"client_certificates": "none"}])
def test_an_authority_for_clients_who_are_not_asked(more: dict[str, object]) -> None:
    _, problems = _listener({"certificates": CERTIFICATES, "client_ca": "ca.pem", **more})
    [problem] = problems
    assert problem.startswith("tls.client_ca: is for client_certificates")


def test_a_pool_needs_nothing() -> None:
    assert _pool({}) == (PoolTls(), [])


def test_every_key_of_a_pool() -> None:
    tls, problems = _pool(
        {
            "verify": True,
            "ca": "ca.pem",
            "server_name": "b.example",
            "cert": "client.pem",
            "key": "client-key.pem",
            "min_version": "1.3",
            "alpn": "h2",
        }
    )
    assert tls == PoolTls(
        verify=True,
        ca="/etc/balancer/ca.pem",
        server_name="b.example",
        certificate=CertificateFiles("/etc/balancer/client.pem", "/etc/balancer/client-key.pem"),
        min_version=MinVersion.TLS_1_3,
        alpn=("h2",),
    )
    assert not problems


def test_a_pool_with_certificate_and_key_in_one_file() -> None:
    tls, _ = _pool({"cert": "client.pem"})
    assert tls.certificate == CertificateFiles(
        "/etc/balancer/client.pem", "/etc/balancer/client.pem"
    )


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"verify": 0}, "tls.verify: expected"),
        ({"ca": "a\nb"}, "tls.ca: expected"),
        ({"server_name": "a b"}, "tls.server_name: expected"),
        ({"cert": 1}, "tls.cert: expected"),
        ({"key": "k.pem"}, "tls.key: is the key of no certificate: give cert too"),
        ({"verify": False, "ca": "ca.pem"}, "tls.ca: verifies nothing while verify = false"),
        ({"sni": "x"}, "tls.sni: unknown key"),
    ],
)
def test_wrong_values_of_a_pool(table: dict[str, object], problem: str) -> None:
    _, problems = _pool(table)
    assert len(problems) == 1
    assert problems[0].startswith(problem)


_VALUES = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["cert", "key", "x"]), inner, max_size=3)
    ),
    max_leaves=5,
)
_KEYS = st.sampled_from(
    ["certificates", "alpn", "client_ca", "client_certificates", "verify", "cert", "key", "ca"]
)


@given(st.dictionaries(_KEYS, _VALUES, max_size=5))
def test_whatever_is_written_is_read_or_reported(table: dict[str, object]) -> None:
    for tls, problems in (_listener(dict(table)), _pool(dict(table))):
        assert isinstance(tls, (ListenerTls, PoolTls))
        assert all(problem.startswith("tls") for problem in problems)
