from __future__ import annotations

import gc
import resource
import signal
import threading

import pytest
import trio
import trio.lowlevel
from support.eventually import eventually
from support.harness_site import settle
from support.world import BACKEND, OPTIONS, World, is_reset, trade
from trio.testing import MockClock

from trio_balancer import BindError, ConfigError
from trio_balancer.testing import Harness, LeakError, MemoryNetwork, open_balancer
from trio_balancer.testing.runner import Runner
from trio_balancer.wire.address import inet_address


async def test_in_the_block_it_serves_and_after_it_nothing_is_left(
    autojump_clock: MockClock, world: World
) -> None:
    server = await world.server(BACKEND)
    async with open_balancer([BACKEND], network=world.network) as lb:
        address = inet_address(*lb.address)
        client = await world.client(address)
        assert await trade(client) == b"ping"
    assert trio.current_time() == 0, "nobody was waited for"
    assert await is_reset(client)
    await settle()
    assert server.live == []
    with pytest.raises(ConnectionRefusedError):
        await world.network.connect(address, options=OPTIONS)


async def test_entered_each_backend_was_checked_once(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    changes = ["pools.app.health.type=tcp", "pools.app.health.rise=1", "pools.app.health.fall=1"]
    backends = [str(BACKEND), "10.0.1.9:80"]
    async with open_balancer(backends, network=world.network, overrides=changes) as lb:
        assert [handle.state.value for handle in lb.backends] == ["up", "down"]


class _TestOutcome(BaseException):
    """As pytest's own outcomes are."""


@pytest.mark.parametrize(
    "error",
    [
        ValueError("the test's"),
        ExceptionGroup("the test's own group", [ValueError("inside")]),
        KeyboardInterrupt(),
        _TestOutcome("skipped"),
        StopAsyncIteration(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_the_block_raises_leaves_it_as_it_is(
    autojump_clock: MockClock, error: BaseException
) -> None:
    seen: BaseException | None = None
    try:
        async with open_balancer(network=MemoryNetwork()):
            raise error  # noqa: TRY301 - the very point
    except BaseException as raised:  # noqa: BLE001  # the very point
        seen = raised
    assert seen is error
    assert not hasattr(error, "__notes__")


async def test_a_skip_leaves_it_as_it_is(autojump_clock: MockClock) -> None:
    with pytest.raises(pytest.skip.Exception, match="not here"):
        async with open_balancer(network=MemoryNetwork()):
            pytest.skip("not here")


async def test_cancelled_from_outside_it_ends_and_stays_cancelled(
    autojump_clock: MockClock,
) -> None:
    network = MemoryNetwork()
    with trio.move_on_after(2) as scope:
        async with open_balancer(network=network) as lb:
            address = inet_address(*lb.address)
            await trio.sleep_forever()
    assert scope.cancelled_caught
    with pytest.raises(ConnectionRefusedError):
        await network.connect(address, options=OPTIONS)


async def _break(lb: Harness) -> None:
    """Let the balancer fail, as by a bug."""

    async def fail() -> None:
        await trio.lowlevel.checkpoint()
        raise ZeroDivisionError("a bug")

    lb._runner.nursery.start_soon(fail)
    await settle()


async def test_a_bug_of_the_balancer_is_raised_where_the_block_passed(
    autojump_clock: MockClock,
) -> None:
    with pytest.raises(ZeroDivisionError, match="a bug"):
        async with open_balancer(network=MemoryNetwork()) as lb:
            await _break(lb)


async def _break_and_fail() -> None:
    async with open_balancer(network=MemoryNetwork()) as lb:
        await _break(lb)
        raise KeyError


async def test_a_bug_of_the_balancer_is_a_note_where_the_block_failed(
    autojump_clock: MockClock,
) -> None:
    with pytest.raises(KeyError) as caught:
        await _break_and_fail()
    assert caught.value.__notes__ == ["the balancer under test: ZeroDivisionError: a bug"]


async def test_a_leak_is_raised_where_the_block_passed(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    with pytest.raises(LeakError, match=r"a connection between .* is open"):
        async with open_balancer([BACKEND], network=world.network) as lb:
            await lb._network.connect(BACKEND, options=OPTIONS)


async def test_a_balancer_that_cannot_serve_says_why(autojump_clock: MockClock) -> None:
    network = MemoryNetwork()
    with pytest.raises(ConfigError):
        async with open_balancer(["nonsense"], network=network):
            pass
    async with open_balancer(network=network) as lb:
        host, port = lb.address
        changes = [f'listeners.front.bind="{host}:{port}"']
        with pytest.raises(BindError):
            async with open_balancer(network=network, overrides=changes):
                pass


async def test_several_at_once_do_not_know_of_each_other(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    async with (
        open_balancer([BACKEND], network=world.network) as one,
        open_balancer([BACKEND], network=world.network) as two,
    ):
        async with one.backend(0).kill():
            assert await trade(await world.client(inet_address(*two.address))) == b"ping"
        assert len(one.connections) == 0
        assert len(two.connections) == 1


async def test_over_real_sockets_the_port_is_held_and_nothing_is_left() -> None:
    before = threading.enumerate()
    async with open_balancer() as lb, open_balancer() as other:
        assert lb.address[0] == "127.0.0.1"
        assert lb.address[1] != other.address[1]
        async with await trio.open_tcp_stream(*lb.address) as client:
            with pytest.raises(trio.BrokenResourceError):
                await _until_broken(client)
    with pytest.raises(OSError, match="failed"):
        await trio.open_tcp_stream(*lb.address)
    await eventually(lambda: {t.name for t in threading.enumerate()} <= {t.name for t in before})


async def _until_broken(client: trio.SocketStream) -> None:
    while True:
        await client.send_all(b"x")
        await trio.lowlevel.checkpoint()


async def test_nothing_global_is_touched() -> None:
    def look() -> tuple[object, ...]:
        return (
            [signal.getsignal(number) for number in signal.valid_signals()],
            resource.getrlimit(resource.RLIMIT_NOFILE),
            gc.get_threshold(),
            gc.isenabled(),
            gc.get_freeze_count(),
        )

    before = look()
    async with open_balancer():
        assert look() == before
    assert look() == before


async def test_the_body_runs_in_the_callers_own_task(autojump_clock: MockClock) -> None:
    # A hidden nursery would be one more child nursery of this task.
    task = trio.lowlevel.current_task()
    nurseries = len(task.child_nurseries)
    async with open_balancer(network=MemoryNetwork()) as lb:
        assert len(task.child_nurseries) == nurseries
        assert isinstance(lb._runner, Runner)
