from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import pytest
from support import sample_server
from support.servers import ask, connect

from trio_balancer.policy import State
from trio_balancer.testing import ServerError, SyncBackend, SyncHarness, open_balancer_sync

COMMAND = [sys.executable, "-I", sample_server.__file__, "{port}"]


@pytest.fixture
def lb(ports: list[int]) -> Iterator[SyncHarness]:
    with open_balancer_sync([("127.0.0.1", port) for port in ports]) as lb:
        yield lb


def runs(server: SyncBackend) -> bool:
    """Ask anew: a type checker takes a property for a constant."""
    return server.running


def test_killed(lb: SyncHarness) -> None:
    with connect(lb.address[1]) as live:
        live.sendall(b"x")
        assert live.recv(10) == b"x"
        with lb.backend(0).kill():
            with pytest.raises(ConnectionResetError):
                live.recv(10)
            assert [ask(lb.address[1]) for _ in range(3)] == [b"hello"] * 3
    lb.assert_distribution({0: 1, 1: 3})


def test_paused_and_cut_off(lb: SyncHarness) -> None:
    with connect(lb.address[1]) as live:
        lb.wait(lambda lb: lb.distribution()[lb.backend(0).name] == 1)
        for block in (lb.backend(0).pause(), lb.backend(0).partition()):
            with block:
                live.sendall(b"x")
                live.settimeout(0.05)
                with pytest.raises(TimeoutError):
                    live.recv(10)
            live.settimeout(10)
            assert live.recv(10) == b"x"


def test_slow(lb: SyncHarness) -> None:
    with lb.backend(0).slow(latency=0.1), lb.backend(1).slow(rate=100):
        began = time.monotonic()
        ask(lb.address[1])
        assert time.monotonic() - began >= 0.1
        began = time.monotonic()
        ask(lb.address[1], bytes(20))
        assert time.monotonic() - began >= 0.2


def test_flapping(lb: SyncHarness) -> None:
    with lb.backend(0).flap(up=0.01, down=0.01):
        lb.wait(lambda lb: sum(event.kind == "fault removed" for event in lb.events) >= 2)
    assert ask(lb.address[1]) == b"hello"


def test_drained(lb: SyncHarness) -> None:
    with lb.backend(0).drain():
        assert lb.backend(0).state is State.DRAIN
        ask(lb.address[1])
        ask(lb.address[1])
    lb.assert_distribution({1: 2})


def test_it_heals_also_when_the_block_fails(lb: SyncHarness) -> None:
    with pytest.raises(KeyError), lb.backend(0).kill():
        raise KeyError
    ask(lb.address[1])
    lb.assert_distribution({0: 1})


def test_backends(lb: SyncHarness, ports: list[int]) -> None:
    first = lb.backend(0)
    assert (first.name, first.pool) == (f"127.0.0.1:{ports[0]}", "app")
    assert (str(first.address), first.state, first.active) == (first.name, State.UP, 0)
    assert repr(first) == f"<backend {first.name} of pool app: up>"
    added = lb.add_backend("127.0.0.1:1", name="late")
    assert [each.name for each in lb.backends] == [first.name, lb.backend(1).name, added.name]
    with pytest.raises(TypeError, match="was not started by spawn"):
        first.restart()


def test_real_servers() -> None:
    with open_balancer_sync() as lb:
        one, _two = lb.spawn(COMMAND, instances=2)
        with one.pause(), one.kill():
            assert not runs(one)
        one.restart()
        assert runs(one)
        assert one.output().count("serving") == 3


def test_one_that_does_not_come_back_is_told() -> None:
    with open_balancer_sync() as lb:
        [server] = lb.spawn(COMMAND)
        with pytest.raises(ServerError, match="No such file"), server.kill():
            server._server._process._command = ["/nowhere/at-all"]
        with pytest.raises(ServerError, match="No such file"):
            server.restart()
        with pytest.raises(ValueError, match="above 0"), server.flap(up=0, down=1):
            pass
