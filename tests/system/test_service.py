"""What a service manager hears of a whole balancer, in virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import trio
from support.manager import Manager
from support.world import make_config
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer import Balancer, Config, serve
from trio_balancer.control.phase import Phase
from trio_balancer.flow.log_sink import MemorySink
from trio_balancer.system.notify import Notifier
from trio_balancer.system.service import STATUS_INTERVAL, Service
from trio_balancer.testing import MemoryNetwork

if TYPE_CHECKING:
    from pathlib import Path

MINUTE = make_config(balancer='drain_timeout = "60s"\npre_stop_delay = "5s"')
CHECKED = make_config(more='[pools.app.health]\ninterval = "1s"\nfall = 1')


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    with Manager(str(tmp_path / "notify")) as manager:
        yield manager


@asynccontextmanager
async def serving(
    manager: Manager, config: Config = MINUTE, *, watchdog: float | None = None
) -> AsyncIterator[Balancer]:
    async with trio.open_nursery() as nursery:
        balancer = await nursery.start(
            lambda task_status: serve(
                config, network=MemoryNetwork(), log_sink=MemorySink(), task_status=task_status
            )
        )
        service = Service(balancer, Notifier(manager.address, watchdog))
        nursery.start_soon(service.run)
        await wait_all_tasks_blocked()
        yield balancer
        nursery.cancel_scope.cancel()


def ready(message: dict[str, str]) -> bool:
    return "READY" in message


async def test_it_says_that_it_serves(manager: Manager, autojump_clock: MockClock) -> None:
    async with serving(manager):
        message = manager.read_until(ready)
        assert message == {"READY": "1", "STATUS": "Serving 0 connections, 1 of 1 backends up"}


async def test_a_reload_is_announced_and_over(manager: Manager, autojump_clock: MockClock) -> None:
    async with serving(manager) as balancer:
        manager.read_until(ready)
        await balancer.reload(MINUTE)
        await wait_all_tasks_blocked()
        reloading = manager.read_until(lambda message: "RELOADING" in message)
        assert reloading["RELOADING"] == "1"
        assert int(reloading["MONOTONIC_USEC"]) > 0
        assert "READY" in manager.read()


async def test_a_reload_that_fails_is_over_too(manager: Manager, autojump_clock: MockClock) -> None:
    async with serving(manager) as balancer:
        manager.read_until(ready)
        with pytest.raises(Exception, match="no file to reload"):
            await balancer.reload()
        await wait_all_tasks_blocked()
        manager.read_until(lambda message: "RELOADING" in message)
        assert manager.read()["STATUS"].endswith(", the last reload has failed and changed nothing")


async def test_a_stop_is_told_once_and_asks_for_time(
    manager: Manager, autojump_clock: MockClock
) -> None:
    async with serving(manager) as balancer:
        manager.read_all()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(balancer.stop)
            await wait_all_tasks_blocked()
            stopping = manager.read_until(lambda message: "STOPPING" in message)
            assert stopping["STATUS"].startswith("Draining 0 connections")
            assert stopping["EXTEND_TIMEOUT_USEC"] == "75000000"
            await balancer.reload(MINUTE)
        told = [message for message in manager.read_all() if "READY" in message]
        assert told == []


async def test_no_time_is_asked_for_where_there_is_no_end(
    manager: Manager, autojump_clock: MockClock
) -> None:
    endless = make_config(balancer='drain_timeout = "off"')
    async with serving(manager, endless) as balancer:
        balancer.drain()
        await wait_all_tasks_blocked()
        stopping = manager.read_until(lambda message: "STOPPING" in message)
        assert stopping.keys() == {"STOPPING", "STATUS"}


async def test_the_status_follows_what_happens(manager: Manager, autojump_clock: MockClock) -> None:
    async with serving(manager, CHECKED):
        await trio.sleep(2 * STATUS_INTERVAL)
        told = [message["STATUS"] for message in manager.read_all() if "STATUS" in message]
        assert told[-1] == "Serving 0 connections, 0 of 1 backends up"
        await trio.sleep(10 * STATUS_INTERVAL)
        assert manager.read_all() == []  # nothing has changed


async def test_the_watchdog_hears_of_it_in_half_its_time(
    manager: Manager, autojump_clock: MockClock
) -> None:
    async with serving(manager, watchdog=4):
        manager.read_all()
        await trio.sleep(20.5)
        assert manager.read_all() == [{"WATCHDOG": "1"}] * 10


async def test_phases_that_nobody_takes_do_not_pile_up(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    with Manager(str(tmp_path / "stuck")) as stuck:
        async with serving(stuck) as balancer:
            for _ in range(1000):
                for follower in balancer.followers:
                    follower(Phase.RELOADING)
            await wait_all_tasks_blocked()
            reloading = [each for each in stuck.read_all() if "RELOADING" in each]
            assert 0 < len(reloading) <= 100


async def test_one_that_stops_already_says_so(tmp_path: Path, autojump_clock: MockClock) -> None:
    with Manager(str(tmp_path / "late")) as late:
        async with serving(late) as balancer:
            balancer.ready = False
            async with trio.open_nursery() as nursery:
                nursery.start_soon(Service(balancer, Notifier(late.address)).run)
                await wait_all_tasks_blocked()
                nursery.cancel_scope.cancel()
            assert any("STOPPING" in message for message in late.read_all())
