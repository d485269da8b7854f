from __future__ import annotations

import pytest

from trio_balancer.config import ConfigError, parse_config
from trio_balancer.config.faults import faults_of, read_faults, refuse_unwanted_faults
from trio_balancer.config.model_effects import Latency, Noop, Refuse, Reset
from trio_balancer.config.model_faults import Fault, FaultStream, Match
from trio_balancer.config.networks import network
from trio_balancer.config.problems import Report
from trio_balancer.config.reader import TableReader

ABOUT_CONNECTING = "is not for a fault of the type 'delay', which is about connecting"


def read(*tables: object, backends: tuple[str, ...] = ()) -> tuple[tuple[Fault, ...], list[str]]:
    section = TableReader({"faults": list(tables)}, ("listeners", "web"), Report("f"))
    faults = read_faults(section, backends=backends)
    section.report_unknown_keys()
    return faults, [
        str(problem).removeprefix("f: listeners.web.faults") for problem in section.report.problems
    ]


def test_none() -> None:
    section = TableReader({}, (), Report("f"))
    assert read_faults(section) == ()


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ({"type": "noop"}, Fault("noop_downstream", Noop())),
        (
            {"type": "reset", "stream": "upstream"},
            Fault("reset_upstream", Reset(), FaultStream.UPSTREAM),
        ),
        (
            {
                "name": "slow",
                "type": "latency",
                "attributes": {"latency": 100, "jitter": 0.5},
                "toxicity": 0.5,
                "match": {"first": 3, "client": "10.0.0.0/8", "after_bytes": 10},
                "backend": "app-1",
            },
            Fault(
                "slow",
                Latency(100, 0.5),
                toxicity=0.5,
                match=Match(first=3, client=network("10.0.0.0/8"), after_bytes=10, backend="app-1"),
            ),
        ),
        (
            {"type": "refuse", "match": {"nth": 2, "client": "unix:", "backend": "b"}},
            Fault("refuse_downstream", Refuse(), match=Match(nth=2, client="unix:", backend="b")),
        ),
    ],
)
def test_read(table: dict[str, object], fault: Fault) -> None:
    assert read(table) == ((fault,), [])


@pytest.mark.parametrize(
    ("table", "problems"),
    [
        ({}, ["[0].type: is required, but missing"]),
        ({"type": 1, "attributes": {"x": 1}}, ["[0].type: expected the type of a fault, got 1"]),
        (
            {"type": "noop", "attributes": {"x": 1}},
            ["[0].attributes.x: unknown key"],
        ),
        (
            {"type": "noop", "name": "a\nb", "stream": "up", "toxicity": 1.5},
            [
                "[0].stream: expected one of 'upstream', 'downstream', got 'up'",
                "[0].name: expected a name without control characters, got 'a\\nb'",
                "[0].toxicity: expected a number from 0 to 1, got 1.5",
            ],
        ),
        (
            {"type": "noop", "match": {"first": 1, "nth": 0, "client": "x"}},
            [
                "[0].match.nth: expected a whole number from 1 to 2147483647, got 0",
                "[0].match.client: expected a network like '10.0.0.0/8' or an IP address, got 'x'",
                "[0].match.nth: goes instead of first, not with it",
            ],
        ),
        (
            {"type": "noop", "backend": "a", "match": {"backend": "b"}},
            ["[0].match.backend: is given twice, here and beside the type"],
        ),
        (
            {"type": "delay", "stream": "upstream", "match": {"after_bytes": 1}},
            [
                f"[0].stream: {ABOUT_CONNECTING}",
                f"[0].match.after_bytes: {ABOUT_CONNECTING}",
            ],
        ),
    ],
)
def test_mistakes(table: dict[str, object], problems: list[str]) -> None:
    assert read(table)[1] == problems


def test_two_of_one_name() -> None:
    assert read({"type": "noop"}, {"type": "noop"})[1] == [
        "[1].name: there is a fault 'noop_downstream' already"
    ]


def test_backends_of_a_pool() -> None:
    assert read({"type": "noop", "backend": "app-1"}, backends=("app-1",))[1] == []
    assert read({"type": "noop", "backend": "app-2"}, backends=("app-1",))[1] == [
        "[0].backend: there is no backend 'app-2' in this pool; did you mean 'app-1'?"
    ]
    assert read({"type": "noop", "match": {"backend": "x"}}, backends=("app-1",))[1] == [
        "[0].match: there is no backend 'x' in this pool"
    ]


CONFIG = """
[balancer]
{balancer}
[listeners.web]
bind = "127.0.0.1:0"
pool = "app"
[[listeners.web.faults]]
type = "noop"
[pools.app]
backends = ["127.0.0.1:1"]
[[pools.app.faults]]
type = "reset"
backend = "127.0.0.1:1"
"""


def test_a_whole_configuration() -> None:
    config = parse_config(CONFIG.format(balancer='faults = true\nfault_buffer = "1MB"'))
    assert config.balancer.fault_buffer == 1_000_000
    found = faults_of(config)
    assert [*found] == [("listeners", "web"), ("pools", "app")]
    assert found["pools", "app"][0].match.backend == "127.0.0.1:1"
    refuse_unwanted_faults(config)


def test_nothing_is_broken_by_accident() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(CONFIG.format(balancer=""))
    assert [problem.key for problem in caught.value.problems] == [
        "listeners.web.faults",
        "pools.app.faults",
    ]
    assert "faults = true in [balancer]" in caught.value.problems[0].message
