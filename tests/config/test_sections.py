from __future__ import annotations

import math
from pathlib import PurePath

import pytest

from trio_balancer.config.model import (
    BalancerConfig,
    LogConfig,
    LogFormat,
    LogLevel,
    Overflow,
    RelayKind,
)
from trio_balancer.config.problems import Report
from trio_balancer.config.reader import TableReader
from trio_balancer.config.sections import read_balancer, read_log


def _section(**table: object) -> TableReader:
    return TableReader(table, ("section",), Report("f"))


def test_empty_sections_have_the_defaults() -> None:
    assert read_balancer(_section()) == BalancerConfig()
    assert read_log(_section(), PurePath()) == LogConfig()


def test_every_key_of_balancer() -> None:
    section = _section(
        max_connections=4000,
        overflow="reject",
        backlog=1,
        drain_timeout="off",
        pre_stop_delay="250ms",
        relay="portable",
        splice=False,
    )
    assert read_balancer(section) == BalancerConfig(
        4000, Overflow.REJECT, 1, math.inf, 0.25, RelayKind.PORTABLE, splice=False
    )
    section.report_unknown_keys()
    assert not section.report.problems


def test_every_key_of_log() -> None:
    section = _section(format="haproxy", level="debug", file="a.log", connections=False)
    expected = LogConfig(LogFormat.HAPROXY, LogLevel.DEBUG, "/etc/a.log", connections=False)
    assert read_log(section, PurePath("/etc")) == expected
    section.report_unknown_keys()
    assert not section.report.problems


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("max_connections", 0),
        ("overflow", "drop"),
        ("backlog", 65536),
        ("drain_timeout", 30),
        ("pre_stop_delay", "off"),
        ("relay", "streams"),
        ("relay", True),
        ("splice", "yes"),
        ("splice", 1),
    ],
)
def test_wrong_values_of_balancer(key: str, value: object) -> None:
    section = _section(**{key: value})
    assert read_balancer(section) == BalancerConfig()
    assert [problem.key for problem in section.report.problems] == [f"section.{key}"]


@pytest.mark.parametrize(
    ("key", "value"),
    [("format", "xml"), ("level", 1), ("file", ""), ("connections", "yes")],
)
def test_wrong_values_of_log(key: str, value: object) -> None:
    section = _section(**{key: value})
    assert read_log(section, PurePath()) == LogConfig()
    assert [problem.key for problem in section.report.problems] == [f"section.{key}"]
