from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from trio_balancer.config.access import read_access
from trio_balancer.config.model_access import AccessConfig, NetworkList, RateLimit, Window
from trio_balancer.config.networks import network
from trio_balancer.config.problems import Report
from trio_balancer.config.reader import TableReader

HERE = Path()
HOURS = {"days": "sun", "from": "08:00", "to": "09:00"}


def read(base: Path, **table: object) -> tuple[AccessConfig, list[str]]:
    section = TableReader(table, ("access",), Report(""))
    access = read_access(section, base)
    section.report_unknown_keys()
    return access, [str(problem) for problem in section.report.problems]


def test_an_empty_table_has_the_defaults() -> None:
    assert read(HERE) == (AccessConfig(), [])


def test_every_key(tmp_path: Path) -> None:
    (tmp_path / "allowed").write_text("10.0.0.0/8\n")
    (tmp_path / "denied").write_text("10.6.6.0/24\n")
    access, problems = read(
        tmp_path,
        allow=["unix:"],
        allow_file="allowed",
        deny=["::/0"],
        deny_file="denied",
        hours=[HOURS],
        close_outside_hours=True,
        max_per_client=20,
        rate_per_client="50/s",
        rate_per_client_burst=70,
        rate="20/m",
        rate_burst=5,
        ipv6_prefix=56,
        max_clients=1000,
        tarpit="10s",
    )
    assert not problems
    assert access == AccessConfig(
        allow=NetworkList((network("10.0.0.0/8"),), unix=True),
        deny=NetworkList((network("::/0"), network("10.6.6.0/24"))),
        hours=(Window(frozenset({6}), 480, 540, dt.UTC),),
        close_outside_hours=True,
        max_per_client=20,
        rate_per_client=RateLimit(50, 1.0, 70),
        rate=RateLimit(20, 60.0, 5),
        ipv6_prefix=56,
        max_clients=1000,
        tarpit=10.0,
    )


@pytest.mark.parametrize(
    ("rate", "burst"), [("50/s", 50), ("1/s", 1), ("20/m", 1), ("90/m", 2), ("1/h", 1)]
)
@pytest.mark.parametrize("key", ["rate", "rate_per_client"])
def test_the_default_burst_is_one_seconds_worth(key: str, rate: str, burst: int) -> None:
    access, problems = read(HERE, **{key: rate})
    limit = {"rate": access.rate, "rate_per_client": access.rate_per_client}[key]
    assert limit is not None
    assert (limit.burst, problems) == (burst, [])


@pytest.mark.parametrize("key", ["rate", "rate_per_client"])
def test_a_burst_needs_its_rate(key: str) -> None:
    burst = f"{key}_burst"
    assert read(HERE, **{burst: 5})[1] == [f"access.{burst}: is of no use without {key}"]
    # A rate that is wrong is one problem.
    [problem] = read(HERE, **{burst: 5, key: 5})[1]
    assert problem.startswith(f"access.{key}: expected a rate")


def test_closing_needs_hours() -> None:
    problem = "access.close_outside_hours: is of no use without hours"
    assert read(HERE, close_outside_hours=True)[1] == [problem]
    assert read(HERE, close_outside_hours=False)[1] == []
    assert len(read(HERE, close_outside_hours=True, hours=[])[1]) == 1


@pytest.mark.parametrize(("text", "seconds"), [("off", 0.0), ("500ms", 0.5)])
def test_the_tarpit_may_be_off(text: str, seconds: float) -> None:
    assert read(HERE, tarpit=text) == (AccessConfig(tarpit=seconds), [])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("allow", ["a.example"]),
        ("deny", 4),
        ("hours", "always"),
        ("close_outside_hours", "yes"),
        ("max_per_client", 0),
        ("rate_per_client", "0/s"),
        ("rate", 100),
        ("ipv6_prefix", 0),
        ("ipv6_prefix", 129),
        ("max_clients", 0),
        ("tarpit", "0s"),
        ("tarpit", 10),
        ("max_per_clients", 4),
    ],
)
def test_wrong_values(key: str, value: object) -> None:
    problems = read(HERE, **{key: value})[1]
    assert problems[0].startswith(f"access.{key}")
