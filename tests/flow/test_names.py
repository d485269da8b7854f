from __future__ import annotations

import math
import random
import socket
from itertools import pairwise
from typing import TYPE_CHECKING

import attrs
import pytest
import trio
import trio.testing

from trio_balancer.config.model import LogConfig
from trio_balancer.flow.log import Log
from trio_balancer.flow.log_sink import MemorySink
from trio_balancer.flow.names import FIRST_RETRY, LOOKUP_TIMEOUT, MAX_ADDRESSES, Names
from trio_balancer.network.seam import Listener, Network, SocketOptions, Stream
from trio_balancer.testing import MemoryNetwork
from trio_balancer.wire.address import (
    IP,
    InetAddress,
    NamedAddress,
    SocketAddress,
    UnixAddress,
    inet_address,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trio.testing import MockClock

ONE = inet_address("192.0.2.1", 5432)
TWO = inet_address("192.0.2.2", 5432)
DB = NamedAddress("db.example", 5432)
UNKNOWN = socket.gaierror(socket.EAI_NONAME, "Name or service not known")


class Resolver(Network):
    """Answers each look-up with what `answer` is by then: addresses, an error, or never."""

    def __init__(self, answer: Sequence[InetAddress] | OSError | None) -> None:
        self.answer = answer
        self.asked_at: list[float] = []

    async def resolve(self, address: NamedAddress) -> Sequence[InetAddress]:
        assert address == DB
        self.asked_at.append(trio.current_time())
        await trio.lowlevel.checkpoint()
        if self.answer is None:
            await trio.sleep_forever()
        if isinstance(self.answer, OSError):
            raise self.answer
        return self.answer or ()

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

    async def connect(
        self,
        address: SocketAddress,
        *,
        options: SocketOptions,
        deadline: float = math.inf,
        source: IP | None = None,
    ) -> Stream:
        raise NotImplementedError


@attrs.define(eq=False)
class Desk:
    """Names over a scripted resolver, and what they log."""

    resolver: Resolver
    sink: MemorySink = attrs.Factory(MemorySink)
    names: Names = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        log = Log(LogConfig(), self.sink, wall_clock=lambda: 0.0, pid=1)
        self.names = Names(self.resolver, rng=random.Random(3), log=log)

    async def wait_asked(self, times: int) -> None:
        """Let virtual time pass until so many look-ups were begun and answered."""
        # In virtual time; the resolver has nobody to tell.
        while len(self.resolver.asked_at) < times:  # noqa: ASYNC110 - see above
            await trio.sleep(0.25)
        await trio.testing.wait_all_tasks_blocked()

    def pauses(self) -> list[float]:
        return [later - earlier for earlier, later in pairwise(self.resolver.asked_at)]


@pytest.mark.parametrize("address", [ONE, inet_address("::1", 80), UnixAddress("/run/db.sock")])
async def test_numeric_and_unix_addresses_pass_straight_through(address: SocketAddress) -> None:
    desk = Desk(Resolver(UNKNOWN))
    assert list(desk.names.lookup(address)) == [address]
    await desk.names.wait_first_answer(address)
    assert desk.resolver.asked_at == []


def test_a_name_that_was_never_looked_up_has_no_addresses() -> None:
    assert list(Desk(Resolver([ONE])).names.lookup(DB)) == []


async def test_a_name_is_resolved_before_the_service_counts_as_started(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    desk = Desk(Resolver([TWO, ONE]))
    await nursery.start(desk.names.keep_resolving, DB, 30.0)
    assert list(desk.names.lookup(DB)) == [TWO, ONE]
    assert trio.current_time() == 0
    assert len(desk.sink.lines) == 1
    assert "db.example" in desk.sink.lines[0]
    assert "192.0.2.2:5432,192.0.2.1:5432" in desk.sink.lines[0]


async def test_look_ups_come_at_the_interval_with_jitter(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    desk = Desk(Resolver([ONE]))
    await nursery.start(desk.names.keep_resolving, DB, 30.0)
    await desk.wait_asked(50)
    pauses = desk.pauses()
    assert 27 <= min(pauses) < 28
    assert 32 < max(pauses) <= 33
    assert len(desk.sink.lines) == 1


async def test_the_last_good_answer_is_kept_and_failing_is_told_once(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    desk = Desk(Resolver([ONE]))
    await nursery.start(desk.names.keep_resolving, DB, 30.0)
    desk.resolver.answer = UNKNOWN
    await desk.wait_asked(4)
    assert list(desk.names.lookup(DB)) == [ONE]
    assert all(27 <= pause <= 33 for pause in desk.pauses())
    assert len(desk.sink.lines) == 2
    assert "does not resolve" in desk.sink.lines[1]
    assert "Name or service not known" in desk.sink.lines[1]
    assert "192.0.2.1:5432" in desk.sink.lines[1]
    desk.resolver.answer = [ONE]
    await desk.wait_asked(6)
    assert len(desk.sink.lines) == 3
    assert "A host name resolves" in desk.sink.lines[2]


async def test_changed_addresses_are_used_and_told(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    desk = Desk(Resolver([ONE]))
    await nursery.start(desk.names.keep_resolving, DB, 30.0)
    desk.resolver.answer = [TWO]
    await desk.wait_asked(3)
    assert list(desk.names.lookup(DB)) == [TWO]
    assert len(desk.sink.lines) == 2


async def test_another_order_of_the_same_addresses_is_used_but_is_no_news(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    desk = Desk(Resolver([ONE, TWO]))
    await nursery.start(desk.names.keep_resolving, DB, 30.0)
    desk.resolver.answer = [TWO, ONE]
    await desk.wait_asked(2)
    assert list(desk.names.lookup(DB)) == [TWO, ONE]
    assert len(desk.sink.lines) == 1


@pytest.mark.parametrize("answer", [UNKNOWN, OSError("resolver down"), []])
async def test_a_name_that_never_resolved_is_asked_for_again_soon(
    autojump_clock: MockClock, nursery: trio.Nursery, answer: Sequence[InetAddress] | OSError
) -> None:
    desk = Desk(Resolver(answer))
    await nursery.start(desk.names.keep_resolving, DB, 30.0)
    assert list(desk.names.lookup(DB)) == []
    await desk.wait_asked(10)
    assert all(0.9 * FIRST_RETRY <= pause <= 1.1 * FIRST_RETRY for pause in desk.pauses())
    assert len(desk.sink.lines) == 1
    desk.resolver.answer = [ONE]
    await desk.wait_asked(11)
    assert list(desk.names.lookup(DB)) == [ONE]


async def test_a_stuck_resolver_counts_as_failing_and_stops_nobody(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    desk = Desk(Resolver(None))
    await nursery.start(desk.names.keep_resolving, DB, 30.0)
    assert trio.current_time() == LOOKUP_TIMEOUT
    assert list(desk.names.lookup(DB)) == []
    assert "no answer within 30s" in desk.sink.lines[0]
    desk.resolver.answer = [ONE]
    await desk.wait_asked(2)
    assert list(desk.names.lookup(DB)) == [ONE]


async def test_a_resolver_that_gets_stuck_later_takes_nothing_away(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    desk = Desk(Resolver([ONE]))
    await nursery.start(desk.names.keep_resolving, DB, 30.0)
    desk.resolver.answer = None
    await desk.wait_asked(3)
    assert list(desk.names.lookup(DB)) == [ONE]
    assert len(desk.sink.lines) == 2


async def test_an_endless_answer_is_cut(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    many = [inet_address(f"10.0.{n // 256}.{n % 256}", 5432) for n in range(1000)]
    desk = Desk(Resolver(many))
    await nursery.start(desk.names.keep_resolving, DB, 30.0)
    assert list(desk.names.lookup(DB)) == many[:MAX_ADDRESSES]


@pytest.mark.parametrize("answer", [[ONE], UNKNOWN])
async def test_one_can_wait_for_the_first_answer_or_failure(
    autojump_clock: MockClock, nursery: trio.Nursery, answer: Sequence[InetAddress] | OSError
) -> None:
    desk = Desk(Resolver(answer))
    answered = trio.Event()

    async def wait() -> None:
        await desk.names.wait_first_answer(DB)
        answered.set()

    nursery.start_soon(wait)
    await trio.testing.wait_all_tasks_blocked()
    assert not answered.is_set()
    nursery.start_soon(desk.names.keep_resolving, DB, 30.0)
    await answered.wait()
    assert trio.current_time() == 0
    await desk.names.wait_first_answer(DB)  # and does not wait again


async def test_two_services_for_one_name_share_what_is_known(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    desk = Desk(Resolver([ONE]))
    await nursery.start(desk.names.keep_resolving, DB, 30.0)
    await nursery.start(desk.names.keep_resolving, DB, 60.0)
    assert list(desk.names.lookup(DB)) == [ONE]
    assert len(desk.sink.lines) == 1


async def test_what_is_known_outlives_the_service(autojump_clock: MockClock) -> None:
    network, sink = MemoryNetwork(), MemorySink()
    network.names["db.example"] = [ONE]
    log = Log(LogConfig(), sink, wall_clock=lambda: 0.0, pid=1)
    names = Names(network, rng=random.Random(3), log=log)
    async with trio.open_nursery() as nursery:
        await nursery.start(names.keep_resolving, DB, 30.0)
        nursery.cancel_scope.cancel()
    assert list(names.lookup(DB)) == [ONE]
