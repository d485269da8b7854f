from __future__ import annotations

import json

import pytest
from hypothesis import given
from support.any_json import strange
from support.control_server import Request, line
from support.ctl_bench import Bench

from trio_balancer.control.ctl.tail import write_ending
from trio_balancer.control.ctl.terminal import Terminal

ENDING: Request = {
    "number": 17,
    "client": "10.0.0.5:4242",
    "listener": "web",
    "pool": "app",
    "backend": "s1",
    "accepted_at": 1_700_000_000.0,
    "total_time": 0.25,
    "bytes_up": 12,
    "bytes_down": 1_234_567,
    "ending": "SD",
    "reason": "the backend reset the connection",
}


def test_endings_are_shown_until_the_balancer_stops(ctl: Bench) -> None:
    ctl.answers["tail"] = [line(ENDING), line({"dropped": 1})]
    assert ctl("tail") == 1
    assert ctl.asked == {"do": "tail"}
    first, second = ctl.said.splitlines()
    assert first.endswith("the backend reset the connection")
    assert second == "(1 connection left out: they ended faster than they were read)"
    assert ctl.complained == "trio-balancerctl: the balancer closed the connection\n"


def test_filters_are_the_balancers(ctl: Bench) -> None:
    filters = ["--listener=web", "--backend=app/s1", "--ending=--", "--client=::1"]
    assert ctl("tail", *filters, "--min-duration", "5s") == 1
    assert ctl.asked == {
        "do": "tail",
        "listener": "web",
        "pool": "app",
        "backend": "s1",
        "ending": "--",
        "client": "::1",
        "min_duration": 5.0,
    }


def test_a_pool_alone_is_a_filter(ctl: Bench) -> None:
    assert ctl("tail", "--pool", "app") == 1
    assert ctl.asked == {"do": "tail", "pool": "app"}


def test_endings_as_json_are_one_a_line(ctl: Bench) -> None:
    ctl.answers["tail"] = [line(ENDING), line({"dropped": 1})]
    assert ctl("tail", "--json") == 1
    assert [json.loads(each) for each in ctl.said.splitlines()] == [ENDING, {"dropped": 1}]


def test_a_line_says_who_how_long_how_much_and_why() -> None:
    time, *words = write_ending(ENDING, Terminal()).split("  ")
    assert time.endswith(".250")
    assert [word.strip() for word in words if word.strip()] == [
        "SD",
        "10.0.0.5:4242",
        "web → app/s1",
        "250 ms",
        "12 B up",
        "1.23 MB down",
        "the backend reset the connection",
    ]


def test_the_ending_is_coloured_and_nothing_else_can_be() -> None:
    shown = write_ending(ENDING | {"reason": "\x1b[2J"}, Terminal(colors=True))
    assert "\x1b[31mSD\x1b[0m" in shown
    assert shown.endswith("  \\x1b[2J")


@pytest.mark.parametrize(("pool", "shown"), [("app", "web → app  "), (None, "web → –  ")])
def test_who_had_no_backend(pool: str | None, shown: str) -> None:
    assert shown in write_ending(ENDING | {"backend": None, "pool": pool}, Terminal())


@given(strange("ending", "client", "listener", "accepted_at", "total_time", "backend", "reason"))
def test_an_ending_of_another_version_is_no_traceback(ending: Request) -> None:
    assert write_ending(ending, Terminal()).isprintable()
