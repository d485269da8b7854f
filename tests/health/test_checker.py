from __future__ import annotations

import errno
import math
import random
from itertools import pairwise
from typing import TYPE_CHECKING

import attrs
import pytest
import trio
import trio.testing

from trio_balancer.config.model import BackendConfig, PoolConfig
from trio_balancer.config.model_health import CheckType, HealthConfig, Initial
from trio_balancer.flow.log import Log
from trio_balancer.flow.names import Names
from trio_balancer.health.checker import keep_checking
from trio_balancer.network import Listener, Network, SocketOptions, Stream
from trio_balancer.policy import Change, Pool, State
from trio_balancer.testing import MemoryNetwork
from trio_balancer.wire.address import IP, InetAddress, NamedAddress, SocketAddress, inet_address

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trio.testing import MockClock

    from trio_balancer.flow.log_sink import MemorySink

APP = inet_address("192.0.2.1", 80)


@attrs.define(eq=False)
class Dials(Network):
    """Each dial has the next of these outcomes (an errno, 0: connected), the last one for ever."""

    outcomes: list[int]
    times: list[float] = attrs.Factory(list)
    duration: float = 0.0
    memory: MemoryNetwork = attrs.Factory(MemoryNetwork)

    async def connect(
        self,
        address: SocketAddress,
        *,
        options: SocketOptions,
        deadline: float = math.inf,
        source: IP | None = None,
    ) -> Stream:
        self.times.append(trio.current_time())
        await trio.sleep(self.duration)
        code = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if code == 0:
            return await self.memory.connect(address, options=options)
        raise OSError(code, errno.errorcode[code])

    async def listen(
        self,
        address: SocketAddress,
        *,
        backlog: int,
        v6only: bool = False,
        mode: int | None = None,
        options: SocketOptions,
    ) -> Listener:
        raise NotImplementedError

    async def resolve(self, address: NamedAddress) -> Sequence[InetAddress]:
        raise NotImplementedError


@attrs.define(eq=False)
class Desk:
    """One pool of one backend, its checks, and what became of its state."""

    network: Network
    names: Names
    log: Log
    rng: random.Random
    health: HealthConfig
    changes: list[Change] = attrs.Factory(list)
    pool: Pool = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        config = PoolConfig("app", (BackendConfig("a", APP),), health=self.health)
        self.pool = Pool(config, now=0.0, rng=self.rng, notify=self.changes.append)

    async def check(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        await keep_checking(
            self.pool,
            self.pool.backends[0],
            network=self.network,
            names=self.names,
            rng=self.rng,
            log=self.log,
            legs={},
            task_status=task_status,
        )


@pytest.fixture
def desk(names: Names, log: Log, rng: random.Random) -> Callable[..., Desk]:
    def make(network: Network, health: HealthConfig | None = None) -> Desk:
        return Desk(network, names, log, rng, health or HealthConfig())

    return make


async def test_the_first_check_comes_at_once_and_the_service_starts_with_its_result(
    autojump_clock: MockClock, nursery: trio.Nursery, desk: Callable[..., Desk]
) -> None:
    network = Dials([errno.ECONNREFUSED], duration=0.5)
    at = desk(network, HealthConfig(rise=1, fall=1))
    await nursery.start(at.check)
    assert trio.current_time() == 0.5
    assert network.times == [0.0]
    assert at.pool.backends[0].state is State.DOWN


async def test_the_service_starts_within_the_timeout_whatever_the_backend_does(
    autojump_clock: MockClock, nursery: trio.Nursery, desk: Callable[..., Desk]
) -> None:
    at = desk(Dials([errno.ECONNREFUSED], duration=60.0), HealthConfig(timeout=0.7))
    await nursery.start(at.check)
    assert trio.current_time() == 0.7


async def test_checks_begin_an_interval_apart_with_jitter(
    autojump_clock: MockClock, nursery: trio.Nursery, desk: Callable[..., Desk]
) -> None:
    network = Dials([errno.ECONNREFUSED], duration=0.9)
    nursery.start_soon(desk(network, HealthConfig(interval=2.0)).check)
    await trio.sleep(200)
    pauses = [later - earlier for earlier, later in pairwise(network.times)]
    assert len(pauses) > 90
    assert 1.8 <= min(pauses) < 1.85
    assert 2.15 < max(pauses) < 2.2 + 1e-9


async def test_a_check_that_takes_longer_than_the_interval_is_not_overtaken(
    autojump_clock: MockClock, nursery: trio.Nursery, desk: Callable[..., Desk]
) -> None:
    network = Dials([errno.ECONNREFUSED], duration=60.0)
    nursery.start_soon(desk(network, HealthConfig(interval=0.1, timeout=1.0)).check)
    await trio.sleep(10.5)
    assert network.times == pytest.approx([float(second) for second in range(11)])


async def test_fall_and_rise_count_checks_in_a_row(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
    desk: Callable[..., Desk],
    network: Network,
) -> None:
    at = desk(network, HealthConfig(interval=1.0, rise=2, fall=3))
    listener = await network.listen(APP, backlog=1000, options=SocketOptions())
    await nursery.start(at.check)
    assert at.changes == []
    listener.close()
    await trio.sleep(10)
    await network.listen(APP, backlog=1000, options=SocketOptions())
    await trio.sleep(10)
    down, up = at.changes
    assert (down.before, down.after, down.reason) == (State.UP, State.DOWN, "Connection refused")
    assert 2.7 <= down.at <= 3.3 + 1e-9
    assert (up.before, up.after, up.detail) == (State.DOWN, State.UP, "connected")
    assert 10.9 <= up.at <= 12.2 + 1e-9


async def test_a_backend_that_starts_down_comes_up_by_its_first_check(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
    desk: Callable[..., Desk],
    network: Network,
) -> None:
    await network.listen(APP, backlog=10, options=SocketOptions())
    at = desk(network, HealthConfig(initial=Initial.DOWN))
    await nursery.start(at.check)
    assert [(change.before, change.after) for change in at.changes] == [(State.DOWN, State.UP)]
    assert trio.current_time() == 0


async def test_local_trouble_changes_nothing_and_its_line_is_limited(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
    desk: Callable[..., Desk],
    sink: MemorySink,
) -> None:
    network = Dials([errno.EMFILE])
    at = desk(network, HealthConfig(interval=0.1, fall=1))
    await nursery.start(at.check)
    await trio.sleep(10)
    assert len(network.times) > 80
    backend = at.pool.backends[0]
    assert (at.changes, backend.checks_failed, backend.checks_passed) == ([], 0, 0)
    assert 8 <= len(sink.lines) <= 12
    assert "A health check could not be made" in sink.lines[0]
    assert "EMFILE" in sink.lines[0]


async def test_local_trouble_does_not_interrupt_a_row_of_failures(
    autojump_clock: MockClock, nursery: trio.Nursery, desk: Callable[..., Desk]
) -> None:
    refused, trouble = errno.ECONNREFUSED, errno.EMFILE
    network = Dials([0, refused, refused, trouble, trouble, refused])
    await network.memory.listen(APP, backlog=1, options=SocketOptions())
    at = desk(network, HealthConfig(interval=1.0, fall=3))
    await nursery.start(at.check)
    while len(network.times) < 5:
        assert at.changes == []
        await trio.sleep(0.1)
    await trio.sleep(1.2)
    assert [change.after for change in at.changes] == [State.DOWN]


async def test_type_none_checks_nothing_and_returns(
    autojump_clock: MockClock, nursery: trio.Nursery, desk: Callable[..., Desk]
) -> None:
    network = Dials([errno.ECONNREFUSED])
    await nursery.start(desk(network, HealthConfig(CheckType.NONE)).check)
    assert network.times == []
    assert not nursery.child_tasks


async def test_a_changed_configuration_holds_from_the_next_check_on(
    autojump_clock: MockClock, nursery: trio.Nursery, desk: Callable[..., Desk]
) -> None:
    network = Dials([errno.ECONNREFUSED])
    at = desk(network, HealthConfig(interval=1.0))
    await nursery.start(at.check)
    slower = attrs.evolve(at.pool.config, health=HealthConfig(interval=100.0))
    at.pool.reconfigure(slower, 0.0)
    await trio.sleep(80)
    assert len(network.times) == 2
    without = attrs.evolve(slower, health=HealthConfig(CheckType.NONE))
    at.pool.reconfigure(without, 80.0)
    await trio.sleep(50)
    assert len(network.times) == 2
    assert not nursery.child_tasks


async def test_the_last_result_is_remembered(
    autojump_clock: MockClock, nursery: trio.Nursery, desk: Callable[..., Desk]
) -> None:
    at = desk(Dials([errno.ECONNREFUSED, errno.EMFILE]), HealthConfig(interval=1.0))
    await nursery.start(at.check)
    first = at.pool.backends[0].last_check
    assert first is not None
    assert (first.passed, first.detail, first.at) == (False, "ECONNREFUSED", 0.0)
    await trio.sleep(1.5)
    # What says nothing of the backend is no result.
    assert at.pool.backends[0].last_check is first
