from __future__ import annotations

import math
from pathlib import PurePath

import pytest

from trio_balancer.config.model import BackendConfig, Policy, PoolConfig, WhenDown
from trio_balancer.config.model_health import CheckType, HealthConfig, OutlierConfig
from trio_balancer.config.pools import read_pool
from trio_balancer.config.problems import Report
from trio_balancer.config.reader import TableReader
from trio_balancer.wire.address import NamedAddress

BACKENDS = (BackendConfig("a:1", NamedAddress("a", 1)),)


def _read(**table: object) -> tuple[PoolConfig, list[str]]:
    section = TableReader({"backends": ["a:1"], **table}, (), Report("f"))
    pool = read_pool("app", section, PurePath())
    section.report_unknown_keys()
    return pool, [f"{problem.key}: {problem.message}" for problem in section.report.problems]


def test_a_pool_needs_little() -> None:
    assert _read() == (PoolConfig("app", BACKENDS), [])


def test_every_key() -> None:
    pool, problems = _read(
        policy="peak-ewma",
        connect_timeout="1s",
        connect_attempts="all",
        when_down="hold",
        hold_timeout="2s",
        queue_timeout="3s",
        queue_limit=0,
        slow_start="4s",
        drop_when_down=True,
        required=True,
        resolve_interval="off",
        health={"type": "none"},
        outlier={},
    )
    assert pool == PoolConfig(
        name="app",
        backends=BACKENDS,
        policy=Policy.PEAK_EWMA,
        connect_timeout=1,
        connect_attempts=None,
        when_down=WhenDown.HOLD,
        hold_timeout=2,
        queue_timeout=3,
        queue_limit=0,
        slow_start=4,
        drop_when_down=True,
        required=True,
        resolve_interval=math.inf,
        health=HealthConfig(CheckType.NONE),
        outlier=OutlierConfig(),
    )
    assert not problems


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("backends", []),
        ("policy", "fastest"),
        ("connect_timeout", "off"),
        ("connect_attempts", 0),
        ("when_down", "retry"),
        ("queue_timeout", "0s"),
        ("queue_limit", -1),
        ("slow_start", "off"),
        ("drop_when_down", 0),
        ("resolve_interval", "0s"),
        ("health", "tcp"),
        ("outlier", True),
    ],
)
def test_wrong_values(key: str, value: object) -> None:
    [problem] = _read(**{key: value})[1]
    assert problem.startswith(f"{key}: ")


@pytest.mark.parametrize("table", [{}, {"when_down": "panic"}])
def test_hold_timeout_needs_hold(table: dict[str, object]) -> None:
    problems = _read(hold_timeout="5s", **table)[1]
    assert problems == ['hold_timeout: is only for when_down = "hold"']


def test_a_misspelt_hold_is_one_problem() -> None:
    [problem] = _read(hold_timeout="5s", when_down="hodl")[1]
    assert problem.startswith("when_down: ")


@pytest.mark.parametrize("health", [{"port": 1}, {"address": "a"}])
def test_a_path_has_neither_port_nor_address_to_replace(health: dict[str, object]) -> None:
    assert _read(health=health)[1] == []
    [problem] = _read(health=health, backends=["unix:/a"])[1]
    assert problem.startswith("health: to check a Unix socket's backend elsewhere, give both")


def test_a_path_can_be_checked_elsewhere() -> None:
    assert _read(health={"port": 1, "address": "a"}, backends=["unix:/a"])[1] == []
