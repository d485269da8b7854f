from __future__ import annotations

import pytest
import trio
from support.world import FRONT, OPTIONS
from trio.testing import MockClock

from trio_balancer import BindError, Config, serve
from trio_balancer.testing import MemoryNetwork, runner
from trio_balancer.testing.harness_config import make_config
from trio_balancer.testing.observer import Observer
from trio_balancer.testing.runner import PATIENCE, Runner
from trio_balancer.testing.watched_network import WatchedNetwork

TABLES = {
    "listeners": {"web": {"bind": str(FRONT), "pool": "app"}},
    "pools": {"app": {"backends": ["10.0.1.1:80"], "health": {"type": "none"}}},
}


def make_runner(network: MemoryNetwork | None = None) -> Runner:
    observer = Observer()
    watched = WatchedNetwork(network or MemoryNetwork(), observer)
    return Runner(make_config(TABLES), watched, observer, seed=7)


async def test_started_it_serves_and_stopped_it_does_not(autojump_clock: MockClock) -> None:
    network = MemoryNetwork()
    running = make_runner(network)
    await running.start()
    (await network.connect(FRONT, options=OPTIONS)).close()
    assert running.balancer.ready
    assert running.runtime.wall_clock is trio.current_time, "in virtual time"
    assert await running.stop()
    assert running.failure is None
    with pytest.raises(ConnectionRefusedError):
        await network.connect(FRONT, options=OPTIONS)


async def test_what_keeps_it_from_serving_is_raised_as_it_is(autojump_clock: MockClock) -> None:
    network = MemoryNetwork()
    await network.listen(FRONT, backlog=1, options=OPTIONS)
    with pytest.raises(BindError, match="in use"):
        await make_runner(network).start()


async def test_cancelled_while_it_starts_nothing_runs_on(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never_ready(_config: Config, **_rest: object) -> None:
        await trio.sleep_forever()

    monkeypatch.setattr(runner, "serve", never_ready)
    running = make_runner()
    with trio.move_on_after(3) as patience:
        await running.start()
    assert patience.cancelled_caught
    assert running.ended.is_set()
    assert running.failure is None


async def test_drained_it_ends_with_all_that_belongs_to_it(autojump_clock: MockClock) -> None:
    running = make_runner()
    await running.start()
    running.nursery.start_soon(trio.sleep_forever)
    running.balancer.drain(0)
    await running.ended.wait()
    assert running.failure is None


async def test_a_failure_later_on_is_kept(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = serve

    async def fail_soon(config: Config, **rest: object) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_fail)
            await real(config, **rest)  # type: ignore[arg-type]  # passed on as it came

    async def _fail() -> None:
        await trio.sleep(1)
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(runner, "serve", fail_soon)
    running = make_runner()
    await running.start()
    await running.ended.wait()
    assert isinstance(running.failure, ZeroDivisionError), "bare"


async def test_it_says_so_when_it_does_not_end(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = trio.Event()
    real = serve

    async def stubborn(config: Config, **rest: object) -> None:
        try:
            await real(config, **rest)  # type: ignore[arg-type]  # passed on as it came
        finally:
            with trio.CancelScope(shield=True):
                await stuck.wait()

    monkeypatch.setattr(runner, "serve", stubborn)
    running = make_runner()
    await running.start()
    began = trio.current_time()
    assert not await running.stop()
    assert trio.current_time() - began == PATIENCE
    stuck.set()
    assert await running.stop()
