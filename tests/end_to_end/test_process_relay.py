"""The relay is chosen at the start, as configured or as detected, and said once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.process import balancer, config_text
from support.relays import over
from support.servers import ask, echo_server

from trio_balancer.network.poller import HAVE_EPOLL
from trio_balancer.relay.pipes import HAVE_SPLICE

if TYPE_CHECKING:
    from pathlib import Path

needs_epoll = pytest.mark.skipif(not HAVE_EPOLL, reason="this system has no epoll")
JSON = 'format = "json"'


def chosen(directory: Path, lines: str = "") -> list[tuple[object, object]]:
    """Run a balancer for one connection; returns what its log says of relays."""
    with echo_server() as port:
        text = config_text(port, balancer=lines, log=JSON)
        with balancer(directory, text) as process:
            assert ask(process.port) == b"hello"
            assert process.stop() == 0
            events = [line for line in process.log() if line.get("message") == "Relay chosen"]
    return [(event["relay"], event["splice"]) for event in events]


@needs_epoll
def test_fastest_there_is(tmp_path: Path) -> None:
    assert chosen(tmp_path) == [("epoll", HAVE_SPLICE)]


@needs_epoll
def test_without_splice(tmp_path: Path) -> None:
    assert chosen(tmp_path, 'relay = "epoll"\nsplice = false') == [("epoll", False)]


def test_portable(tmp_path: Path) -> None:
    assert chosen(tmp_path, 'relay = "portable"') == [("portable", False)]


@needs_epoll
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("splice", ("epoll", HAVE_SPLICE)),
        ("epoll", ("epoll", False)),
        ("portable", ("portable", False)),
    ],
)
def test_tests_over_each_relay_do_use_it(
    tmp_path: Path, name: str, expected: tuple[str, bool]
) -> None:
    with over(name):
        assert chosen(tmp_path) == [expected]
