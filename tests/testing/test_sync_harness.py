from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import httpx
import pytest
from support.servers import ask, connect, exchange

from trio_balancer import ConfigError
from trio_balancer.testing import FaultError, SyncHarness, open_balancer_sync


@pytest.fixture
def lb(ports: list[int]) -> Iterator[SyncHarness]:
    with open_balancer_sync([("127.0.0.1", port) for port in ports], seed=3) as lb:
        yield lb


def front(lb: SyncHarness) -> int:
    return lb.address[1]


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


def test_retargeted_live_connections_stay(lb: SyncHarness, ports: list[int]) -> None:
    with connect(front(lb)) as live:
        lb.wait(lambda lb: sum(lb.distribution().values()) == 1)
        lb.retarget(0, ("127.0.0.1", ports[1]))
        assert exchange(live, b"still there") == b"still there"
    ask(front(lb))
    ask(front(lb))
    lb.wait(all_ended)
    assert {each.backend_address for each in lb.connections[1:]} == {f"127.0.0.1:{ports[1]}"}


def test_drained_nobody_is_accepted(lb: SyncHarness) -> None:
    address = lb.address
    lb.drain(timeout=0)
    assert lb.address == address
    with pytest.raises(ConnectionRefusedError):
        ask(front(lb))


def test_a_fault_for_as_long_as_a_block_runs(lb: SyncHarness) -> None:
    with lb.fault("latency", backend=1, latency=100) as slow:
        slow.update(latency=150)
        for least in (0, 0.15):
            began = time.monotonic()
            ask(front(lb))
            assert time.monotonic() - began >= least
    with pytest.raises(KeyError), lb.fault("stall"):
        raise KeyError
    assert ask(front(lb)) == b"hello"
    with pytest.raises(FaultError), lb.fault("latncy"):
        pass


def test_a_fault_that_outlives_the_balancer(ports: list[int]) -> None:
    with ExitStack() as stack, open_balancer_sync() as lb:
        stack.enter_context(lb.fault("stall"))
    assert lb.events[-1].kind == "fault removed"


def test_toxiproxys_clients_can_ask_it(lb: SyncHarness) -> None:
    address = lb.serve_toxiproxy()
    proxies = httpx.get(f"{address.url}/proxies").json()
    assert proxies["front"]["upstream"] == ",".join(each.name for each in lb.backends)


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
