from __future__ import annotations

import math
from pathlib import PurePath

import pytest

from trio_balancer.config.listeners import read_bind, read_listener
from trio_balancer.config.model import ListenerConfig, Overflow
from trio_balancer.config.problems import Report
from trio_balancer.config.reader import TableReader
from trio_balancer.wire.address import UnixAddress, parse_address

BASE = PurePath("/run")


def _read(**table: object) -> tuple[ListenerConfig, list[str]]:
    section = TableReader(table, ("listeners", "web"), Report("f"))
    listener = read_listener("web", section, read_bind(section, BASE).values(), BASE)
    section.report_unknown_keys()
    return listener, [f"{problem.key}: {problem.message}" for problem in section.report.problems]


def test_a_listener_needs_little() -> None:
    listener, problems = _read(bind="127.0.0.1:80", pool="app")
    address = parse_address("127.0.0.1:80")
    assert not isinstance(address, UnixAddress)
    assert listener.bind == (address,)
    assert listener.idle_timeout == 600
    assert not problems


def test_every_key() -> None:
    listener, problems = _read(
        bind=["unix:web.sock"],
        pool="app",
        mode="0660",
        max_connections=1,
        overflow="reject",
        idle_timeout="2s",
        half_close_timeout="3s",
        lifetime="4s",
        lifetime_jitter=0.5,
        v6only=True,
        user_timeout="5s",
        keepalive="off",
        close_when_down=True,
    )
    assert listener == ListenerConfig(
        name="web",
        bind=(UnixAddress("/run/web.sock"),),
        pool="app",
        mode=0o660,
        max_connections=1,
        overflow=Overflow.REJECT,
        idle_timeout=2,
        half_close_timeout=3,
        lifetime=4,
        lifetime_jitter=0.5,
        v6only=True,
        user_timeout=5,
        keepalive=math.inf,
        close_when_down=True,
    )
    assert not problems


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("pool", ""),
        ("mode", 660),
        ("max_connections", math.nan),
        ("overflow", "Wait"),
        ("idle_timeout", "0s"),
        ("half_close_timeout", "0s"),
        ("lifetime", math.inf),
        ("lifetime_jitter", 1.1),
        ("v6only", 1),
        ("user_timeout", "0.1ms"),
        ("user_timeout", "600h"),
        ("keepalive", "500ms"),
        ("keepalive", "10h"),
    ],
)
def test_wrong_values(key: str, value: object) -> None:
    _, problems = _read(**{"bind": "127.0.0.1:0", "pool": "app", key: value})
    [problem] = problems
    assert problem.startswith(f"listeners.web.{key}: ")


@pytest.mark.parametrize("table", [{}, {"bind": []}])
def test_at_least_one_address(table: dict[str, object]) -> None:
    _, problems = _read(pool="app", **table)
    assert problems == ["listeners.web.bind: at least one address is needed"]


def test_each_wrong_address_is_reported_and_the_others_keep_their_paths() -> None:
    report = Report("f")
    section = TableReader({"bind": ["x", "127.0.0.1:1", "localhost:1"]}, (), report)
    assert list(read_bind(section, PurePath())) == [("bind", 1)]
    assert [problem.key for problem in report.problems] == ["bind[0]", "bind[2]"]


def test_a_pool_is_required() -> None:
    _, problems = _read(bind="127.0.0.1:0")
    assert problems == ["listeners.web.pool: is required, but missing"]


def test_a_mode_needs_a_unix_socket() -> None:
    _, problems = _read(bind=["127.0.0.1:0"], pool="app", mode="0660")
    expected = "listeners.web.mode: is for Unix sockets, and this listener binds none"
    assert problems == [expected]
