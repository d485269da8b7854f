from __future__ import annotations

import pytest

from trio_balancer.config.model_proxy import (
    ProxyProtocolConfig,
    ProxyVersion,
    SendProxyConfig,
    SendProxyOption,
)
from trio_balancer.config.networks import network
from trio_balancer.config.problems import Report
from trio_balancer.config.proxy_protocol import read_proxy_protocol, read_send_proxy
from trio_balancer.config.reader import TableReader


def _read_in(**table: object) -> tuple[ProxyProtocolConfig, list[str]]:
    section = TableReader(table, ("proxy_protocol",), Report("f"))
    config = read_proxy_protocol(section)
    section.report_unknown_keys()
    return config, [str(problem) for problem in section.report.problems]


def _read_out(**table: object) -> tuple[SendProxyConfig | None, list[str]]:
    section = TableReader(table, ("pools", "app"), Report("f"))
    config = read_send_proxy(section)
    section.report_unknown_keys()
    return config, [str(problem) for problem in section.report.problems]


def test_trusted_networks_are_canonical() -> None:
    config, problems = _read_in(trusted=["10.0.0.0/8", "::ffff:192.0.2.0/120", "::1"])
    texts = ("10.0.0.0/8", "192.0.2.0/24", "::1/128")
    assert config == ProxyProtocolConfig(tuple(map(network, texts)))
    assert not problems


@pytest.mark.parametrize("trusted", ["unix:", ["unix:"]])
def test_clients_of_unix_sockets_can_be_trusted(trusted: object) -> None:
    assert _read_in(trusted=trusted) == (ProxyProtocolConfig((), trusts_unix=True), [])


@pytest.mark.parametrize("table", [{}, {"trusted": []}])
def test_nobody_is_trusted_by_default(table: dict[str, object]) -> None:
    sentence = "at least one network is needed: whose headers are believed"
    assert _read_in(**table)[1] == [f"f: proxy_protocol.trusted: {sentence}"]


def test_each_wrong_network_is_one_problem() -> None:
    config, problems = _read_in(trusted=["10.0.0.1/8", "unix", 8, "10.0.0.0/8"], trust=1)
    assert config == ProxyProtocolConfig((network("10.0.0.0/8"),))
    assert [problem.split(": ")[1] for problem in problems] == [
        "proxy_protocol.trusted[0]",
        "proxy_protocol.trusted[1]",
        "proxy_protocol.trusted[2]",
        "proxy_protocol.trust",
    ]
    assert problems[0].endswith("did you mean '10.0.0.0/8'?")


def test_no_header_is_sent_by_default() -> None:
    assert _read_out() == (None, [])


def test_a_version_without_options() -> None:
    assert _read_out(send_proxy="v1") == (SendProxyConfig(ProxyVersion.V1), [])
    assert _read_out(send_proxy="v2") == (SendProxyConfig(ProxyVersion.V2), [])


def test_every_option_of_version_2() -> None:
    options = ["crc32c", "authority", "alpn", "unique-id", "ssl"]
    config, problems = _read_out(send_proxy="v2", send_proxy_options=options)
    assert config == SendProxyConfig(ProxyVersion.V2, frozenset(SendProxyOption))
    assert not problems


@pytest.mark.parametrize("table", [{}, {"send_proxy": "v1"}])
def test_options_need_version_2(table: dict[str, object]) -> None:
    problems = _read_out(**table, send_proxy_options=["crc32c"])[1]
    sentence = 'are only for send_proxy = "v2"'
    assert problems == [f"f: pools.app.send_proxy_options: {sentence}"]


@pytest.mark.parametrize("version", ["v3", 2, True, ["v2"]])
def test_a_wrong_version_is_one_problem(version: object) -> None:
    config, problems = _read_out(send_proxy=version, send_proxy_options="ssl")
    assert config is None
    assert len(problems) == 1
    assert problems[0].startswith("f: pools.app.send_proxy: expected one of 'v1', 'v2'")


def test_a_misspelt_option_is_suggested() -> None:
    problems = _read_out(send_proxy="v2", send_proxy_options=["ssl", "crc32"])[1]
    assert len(problems) == 1
    assert problems[0].startswith("f: pools.app.send_proxy_options[1]: expected one of 'crc32c'")
    assert problems[0].endswith("did you mean 'crc32c'?")
