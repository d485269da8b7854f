from __future__ import annotations

from pathlib import Path

import pytest
from support.control_server import control_server, ok, status_of
from support.ctl_bench import Bench

from trio_balancer.control.ctl.client import Client
from trio_balancer.control.ctl.errors import ControlError
from trio_balancer.control.ctl.top import Feed


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s"


@pytest.fixture
def feed(path: Path) -> Feed:
    return Feed(Client(str(path), 10), 1.0)


def test_the_status_is_asked_for_once_an_interval(path: Path, feed: Feed) -> None:
    with control_server(path, lambda _: ok(status_of())) as server:
        for now in (100.0, 100.5, 100.99, 101.0):
            feed.refresh(now)
        assert len(server.lines) == 2
    assert feed.status == status_of()
    assert feed.trouble == ""


def test_the_last_status_stays_while_the_balancer_is_away(path: Path, feed: Feed) -> None:
    with control_server(path, lambda _: ok(status_of())):
        feed.refresh(100.0)
    feed.refresh(101.0)
    assert feed.status == status_of()
    assert feed.trouble.startswith("Not live, trying again: cannot reach the balancer at ")
    with control_server(path, lambda _: ok(status_of(1))):
        feed.refresh(102.0)
    assert feed.status == status_of(1)
    assert feed.trouble == ""


def test_a_balancer_that_cannot_be_asked_at_all(feed: Feed) -> None:
    with pytest.raises(ControlError):
        feed.look()


def test_top_needs_a_terminal(ctl: Bench) -> None:
    ctl.will("status", status_of())
    assert ctl("top") == 2
    assert "top needs a terminal" in ctl.complained


def test_top_does_not_begin_without_a_balancer(ctl: Bench) -> None:
    assert ctl("top") == 1
    assert "there is no status" in ctl.complained
