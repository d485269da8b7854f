from __future__ import annotations

import math

import pytest

from trio_balancer.config.health import read_health, read_outlier
from trio_balancer.config.model_health import CheckType, HealthConfig, Initial, OutlierConfig
from trio_balancer.config.problems import Report
from trio_balancer.config.reader import TableReader


def _section(**table: object) -> TableReader:
    return TableReader(table, ("health",), Report("f"))


def _health(**table: object) -> tuple[HealthConfig, list[str]]:
    section = _section(**table)
    health = read_health(section)
    section.report_unknown_keys()
    return health, [f"{problem.key}: {problem.message}" for problem in section.report.problems]


def _outlier(**table: object) -> tuple[OutlierConfig, list[str]]:
    section = _section(**table)
    outlier = read_outlier(section)
    section.report_unknown_keys()
    return outlier, [problem.key for problem in section.report.problems]


def test_empty_tables_have_the_defaults() -> None:
    assert _health() == (HealthConfig(), [])
    assert _outlier() == (OutlierConfig(), [])


def test_every_key_of_a_tcp_check() -> None:
    health, problems = _health(
        type="tcp",
        interval="1s",
        timeout="500ms",
        rise=1,
        fall=1,
        initial="down",
        port=81,
        address="::1",
    )
    assert health == HealthConfig(CheckType.TCP, 1, 0.5, 1, 1, Initial.DOWN, 81, "::1")
    assert not problems


def test_an_http_check() -> None:
    health, problems = _health(type="http", path="/up", host="a.example:80", status="200")
    assert health == HealthConfig(
        CheckType.HTTP, path="/up", host="a.example:80", status=((200, 200),)
    )
    assert not problems


def test_an_expect_check() -> None:
    health, problems = _health(type="expect", send="PING\r\n", expect="+PONG")
    assert health == HealthConfig(CheckType.EXPECT, send=b"PING\r\n", expect=b"+PONG")
    assert not problems


def test_an_expect_check_expects_something() -> None:
    assert _health(type="expect")[1] == ["health.expect: is required, but missing"]


@pytest.mark.parametrize("table", [{}, {"type": "tcp"}, {"type": "none"}, {"type": "expect"}])
def test_keys_of_another_type_are_refused(table: dict[str, object]) -> None:
    problems = _health(**table, path="/", expect="x", host="a", status="200")[1]
    assert [problem for problem in problems if "expect:" not in problem] == [
        f'health.{key}: is only for a check of type = "http"' for key in ("path", "host", "status")
    ]


def test_send_is_for_expect_only() -> None:
    problems = _health(type="http", send="x")[1]
    assert problems == ['health.send: is only for a check of type = "expect"']


def test_a_misspelt_type_is_one_problem() -> None:
    [problem] = _health(type="htpp", path="/")[1]
    assert problem.startswith("health.type: expected one of 'tcp', 'http', 'expect', 'none'")


def test_without_checks_nothing_comes_up() -> None:
    problems = _health(type="none", initial="down")[1]
    assert problems == ["health.initial: without checks the backends would never come up"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("interval", "off"),
        ("interval", "0s"),
        ("timeout", "off"),
        ("rise", 0),
        ("fall", 1001),
        ("initial", "sideways"),
        ("port", 0),
        ("port", 65536),
        ("address", "a:1"),
        ("tls", "yes"),
        ("send_proxy", 1),
    ],
)
def test_wrong_values(key: str, value: object) -> None:
    [problem] = _health(**{key: value})[1]
    assert problem.startswith(f"health.{key}: ")


def test_every_key_of_outlier() -> None:
    outlier, problems = _outlier(
        failures=1, ejection="1s", max_ejection="off", max_ejected_percent=12.5
    )
    assert outlier == OutlierConfig(1, 1, math.inf, 12.5)
    assert not problems


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("failures", 0),
        ("ejection", "off"),
        ("max_ejection", "0s"),
        ("max_ejected_percent", 101),
        ("max_ejected_percent", math.nan),
        ("max_ejected", 1),
    ],
)
def test_wrong_values_of_outlier(key: str, value: object) -> None:
    assert _outlier(**{key: value})[1] == [f"health.{key}"]


@pytest.mark.parametrize("table", [{"ejection": "10m"}, {"ejection": "30s", "max_ejection": "10s"}])
def test_the_longest_ejection_is_no_shorter_than_one(table: dict[str, object]) -> None:
    assert _outlier(**table)[1] == ["health.max_ejection"]


def test_a_wrong_ejection_says_nothing_about_the_longest() -> None:
    assert _outlier(ejection=30, max_ejection="10s")[1] == ["health.ejection"]
