from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from support import sample_server
from support.servers import ask, connect, echo_server, exchange

from trio_balancer import ConfigError
from trio_balancer.policy import State
from trio_balancer.testing import SyncHarness, open_balancer_sync
from trio_balancer.testing.sync_harness import SyncBackend

COMMAND = [sys.executable, "-I", sample_server.__file__, "{port}"]


@pytest.fixture
def ports() -> Iterator[list[int]]:
    with echo_server() as one, echo_server() as two:
        yield [one, two]


@pytest.fixture
def lb(ports: list[int]) -> Iterator[SyncHarness]:
    with open_balancer_sync([("127.0.0.1", port) for port in ports], seed=3) as lb:
        yield lb


def front(lb: SyncHarness) -> int:
    return lb.address[1]


def runs(server: SyncBackend) -> bool:
    """Ask anew: a type checker takes a property for a constant."""
    return server.running


def all_ended(lb: SyncHarness) -> bool:
    return all(not each.live for each in lb.connections)


def test_it_serves_and_nothing_is_left() -> None:
    with open_balancer_sync() as lb:
        port = front(lb)
        # Without a backend it is reset, perhaps before `connect` returns.
        with suppress(ConnectionResetError):
            connect(port).close()
    with pytest.raises(ConnectionRefusedError):
        connect(port)
    assert [t for t in threading.enumerate() if t.name.startswith("trio-balancer-")] == []


def test_what_went_through_it(lb: SyncHarness) -> None:
    assert [ask(front(lb)) for _ in range(4)] == [b"hello"] * 4
    lb.wait(all_ended)
    lb.assert_distribution({0: 2, 1: 2})
    assert list(lb.distribution().values()) == [2, 2]
    assert [each.ending for each in lb.connections] == ["--"] * 4
    assert sum(event.kind == "connected" for event in lb.events) == 4
    assert lb.statistics().traffic.accepted == 4
    assert lb.seed == 3
    assert "seed 3" in lb.report()
    assert any("Listening" in line for line in lb.log)
    assert [address.port for address in lb.addresses["front"]] == [front(lb)]  # type: ignore[union-attr]  # no Unix socket
    with pytest.raises(AssertionError, match="seed 3"):
        lb.assert_distribution({0: 4})


def test_a_predicate_may_ask_the_harness_that_it_closes_over(lb: SyncHarness) -> None:
    ask(front(lb))
    lb.wait(lambda _lb: all_ended(lb))
    with pytest.raises(AssertionError, match="still not so"):
        lb.wait(lambda _lb: lb.connections == (), timeout=0.05)


def test_killed(lb: SyncHarness) -> None:
    with connect(front(lb)) as live:
        live.sendall(b"x")
        assert live.recv(10) == b"x"
        with lb.backend(0).kill():
            with pytest.raises(ConnectionResetError):
                live.recv(10)
            assert [ask(front(lb)) for _ in range(3)] == [b"hello"] * 3
    lb.assert_distribution({0: 1, 1: 3})


def test_paused_and_cut_off(lb: SyncHarness) -> None:
    with connect(front(lb)) as live:
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
        ask(front(lb))
        assert time.monotonic() - began >= 0.1
        began = time.monotonic()
        ask(front(lb), bytes(20))
        assert time.monotonic() - began >= 0.2


def test_flapping(lb: SyncHarness) -> None:
    with lb.backend(0).flap(up=0.01, down=0.01):
        lb.wait(lambda lb: sum(event.kind == "fault removed" for event in lb.events) >= 2)
    assert ask(front(lb)) == b"hello"


def test_drained(lb: SyncHarness) -> None:
    with lb.backend(0).drain():
        assert lb.backend(0).state is State.DRAIN
        ask(front(lb))
        ask(front(lb))
    lb.assert_distribution({1: 2})
    lb.drain(timeout=0)
    with pytest.raises(ConnectionRefusedError):
        ask(front(lb))


def test_it_heals_also_when_the_block_fails(lb: SyncHarness) -> None:
    with pytest.raises(KeyError), lb.backend(0).kill():
        raise KeyError
    ask(front(lb))
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


def test_retargeted_live_connections_stay(lb: SyncHarness, ports: list[int]) -> None:
    with connect(front(lb)) as live:
        lb.wait(lambda lb: sum(lb.distribution().values()) == 1)
        lb.retarget(0, ("127.0.0.1", ports[1]))
        assert exchange(live, b"still there") == b"still there"
    ask(front(lb))
    ask(front(lb))
    lb.wait(all_ended)
    assert {each.backend_address for each in lb.connections[1:]} == {f"127.0.0.1:{ports[1]}"}


def test_real_servers() -> None:
    with open_balancer_sync() as lb:
        one, _two = lb.spawn(COMMAND, instances=2)
        with one.pause(), one.kill():
            assert not runs(one)
        one.restart()
        assert runs(one)
        assert one.output().count("serving") == 3


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), SystemExit(3)])
def test_what_the_block_raises_leaves_it_as_it_is(error: BaseException) -> None:
    seen: BaseException | None = None
    try:
        with open_balancer_sync():
            raise error  # noqa: TRY301 - the very point
    except BaseException as raised:  # noqa: BLE001  # the very point
        seen = raised
    assert seen is error
    assert not hasattr(error, "__notes__")


def test_one_that_cannot_serve_says_why() -> None:
    with pytest.raises(ConfigError), open_balancer_sync(["nonsense"]):
        pass
    with socket.create_server(("127.0.0.1", 0)) as taken:
        changes = [f'listeners.front.bind="127.0.0.1:{taken.getsockname()[1]}"']
        with pytest.raises(OSError, match="in use"), open_balancer_sync(overrides=changes):
            pass
