from __future__ import annotations

from contextlib import AbstractAsyncContextManager

import pytest
import trio
from support.harness_site import Site, is_silent, settle
from support.world import BACKEND, OTHER, THIRD, finish, is_reset, trade
from trio.testing import MockClock

from trio_balancer.network import PeerReset
from trio_balancer.policy import State
from trio_balancer.testing import BackendHandle, MemoryStream

VERBS = ["kill", "pause", "partition", "slow", "flap", "drain"]


def block(backend: BackendHandle, verb: str) -> AbstractAsyncContextManager[None]:
    """Return the context manager of a verb."""
    if verb == "slow":
        return backend.slow(latency=1)
    if verb == "flap":
        return backend.flap(up=1, down=1)
    verbs = (backend.kill, backend.pause, backend.partition, backend.drain)
    return {each.__name__: each for each in verbs}[verb]()


async def test_a_handle_knows_its_backend(autojump_clock: MockClock, site: Site) -> None:
    backend = site.lb.backend(1)
    await site.client()
    await site.client()
    assert (backend.name, backend.pool) == (str(OTHER), "app")
    assert (backend.address, backend.state, backend.active) == (OTHER, State.UP, 1)
    assert repr(backend) == "<backend 10.0.1.2:80 of pool app: up>"


async def test_killed_it_refuses_and_resets_until_it_heals(
    autojump_clock: MockClock, site: Site
) -> None:
    live = await site.client()
    await trade(live)
    async with site.lb.backend(0).kill():
        assert await is_reset(live)
        assert site.servers[0].live == []
        assert site.endings() == ["SD"]
        for _ in range(4):
            await trade(await site.client())
        site.lb.assert_distribution({0: 1, 1: 2, 2: 2})
    for _ in range(3):
        await trade(await site.client())
    assert site.lb.distribution()[str(BACKEND)] == 2


async def test_killed_while_nobody_speaks_its_clients_are_reset_at_once(
    autojump_clock: MockClock, site: Site
) -> None:
    live = await site.client()
    async with site.lb.backend(0).kill():
        assert await is_reset(live)
        assert trio.current_time() < 1


async def test_paused_it_accepts_and_is_silent_until_it_heals(
    autojump_clock: MockClock, site: Site
) -> None:
    live = await site.client()
    async with site.lb.backend(0).pause():
        for _ in range(2):
            await finish(await site.client())
        new = await site.client()
        assert site.lb.distribution()[str(BACKEND)] == 2, "dials succeed"
        for client in (live, new):
            await client.send_all(b"ping")
            assert await is_silent(client)
    began = trio.current_time()
    for client in (live, new):
        assert await client.receive_some() == b"ping"
    assert trio.current_time() == began, "at once"


async def test_cut_off_dials_time_out_and_connections_are_silent(
    autojump_clock: MockClock, site: Site
) -> None:
    live = await site.client()
    async with site.lb.backend(0).partition():
        await live.send_all(b"ping")
        assert await is_silent(live)
        for _ in range(2):
            await finish(await site.client())
        began = trio.current_time()
        client = await site.client()
        assert await trade(client) == b"ping"
        assert trio.current_time() - began == 5, "the connect_timeout, then another backend"
    assert await live.receive_some() == b"ping"


async def test_cut_off_a_backend_does_not_hear_of_a_client_that_leaves(
    autojump_clock: MockClock, site: Site
) -> None:
    live = await site.client()
    await trade(live)
    [served] = site.servers[0].streams
    async with site.lb.backend(0).partition():
        live.reset()
        await settle()
        assert site.endings() == ["CD"]
        assert not served.closed
    await settle()
    assert served.closed, "it hears of it when the partition heals"


async def test_a_partition_that_outlives_its_connections_leaves_nothing(
    autojump_clock: MockClock, site: Site
) -> None:
    live = await site.client()
    async with site.lb.backend(0).partition():
        live.reset()
        await settle()
        assert await site.lb.stop() == []


async def test_slow_is_late_by_exactly_its_latency(autojump_clock: MockClock, site: Site) -> None:
    client = await site.client()
    backend = site.lb.backend(0)
    async with backend.slow(latency=0.1):
        assert await _time_of_a_trade(client) == pytest.approx(0.1)
        async with backend.slow(latency=0.1):
            assert await _time_of_a_trade(client) == pytest.approx(0.2)
        assert await _time_of_a_trade(client) == pytest.approx(0.1)
    assert await _time_of_a_trade(client) == 0


async def test_slow_moves_so_many_bytes_a_second(autojump_clock: MockClock, site: Site) -> None:
    client = await site.client()
    async with site.lb.backend(0).slow(rate=1000):
        took = await _time_of_a_trade(client, bytes(2000))
    assert took == pytest.approx(2, rel=0.05), "both ways at the same time"


async def _time_of_a_trade(client: MemoryStream, data: bytes = b"ping") -> float:
    began = trio.current_time()
    assert await trade(client, data) == data
    return trio.current_time() - began


async def test_flapping_it_is_there_and_not_there_in_turn(
    autojump_clock: MockClock, site: Site
) -> None:
    async with site.lb.backend(1).drain(), site.lb.backend(2).drain():
        async with site.lb.backend(0).flap(up=30, down=20):
            seen = [await _serves(site) for _ in range(10)]
            began = trio.current_time()
        assert trio.current_time() == began, "healed at once"
        assert await _serves(site)
    assert seen == [False, False, True, True, True] * 2


async def _serves(site: Site) -> bool:
    """Say whether a client is served in the middle of these ten seconds."""
    began = trio.current_time()
    await trio.sleep_until(began + 5)
    client = await site.client()
    try:
        served = await trade(client) == b"ping"
    except PeerReset:
        served = False
    client.reset()
    await trio.sleep_until(began + 10)
    return served


async def test_draining_it_keeps_whom_it_has(autojump_clock: MockClock, site: Site) -> None:
    live = await site.client()
    backend = site.lb.backend(0)
    async with backend.drain():
        assert [backend.state] == [State.DRAIN]
        for _ in range(4):
            await site.client()
        site.lb.assert_distribution({0: 1, 1: 2, 2: 2})
        assert await trade(live) == b"ping"
        async with backend.drain():
            pass
        assert [backend.state] == [State.DRAIN], "the outer block has not ended"
    assert [backend.state] == [State.UP]


async def _fail_in(nemesis: AbstractAsyncContextManager[None]) -> None:
    async with nemesis:
        await trio.sleep(0.5)
        raise KeyError


@pytest.mark.parametrize("verb", VERBS)
async def test_it_heals_also_when_the_block_fails(
    autojump_clock: MockClock, site: Site, verb: str
) -> None:
    backend = site.lb.backend(0)
    with pytest.raises(KeyError):
        await _fail_in(block(backend, verb))
    client = await site.client()
    assert await _time_of_a_trade(client) == 0
    site.lb.assert_distribution({0: 1})
    assert backend.state is State.UP


@pytest.mark.parametrize("verb", VERBS)
async def test_the_timeline_tells(autojump_clock: MockClock, site: Site, verb: str) -> None:
    async with block(site.lb.backend(0), verb):
        await settle()
        assert site.lb.events[-1].kind in {"fault added", "backend"}
    told = [event for event in site.lb.events if event.kind.startswith("fault")]
    assert [str(event.kind) for event in told] == ["fault added", "fault removed"]
    assert {event.backend for event in told} == {str(BACKEND)}


async def test_each_backend_has_its_own_nemesis(autojump_clock: MockClock, site: Site) -> None:
    async with site.lb.backend(0).kill(), site.lb.backend(1).pause():
        assert await trade(await _client_at(site, THIRD)) == b"ping"


async def _client_at(site: Site, backend: object) -> MemoryStream:
    """Connect until a client is at this backend."""
    while True:
        client = await site.client()
        if site.lb.connections[-1].backend == str(backend):
            return client


async def test_retargeted_new_ones_go_elsewhere_and_live_ones_stay(
    autojump_clock: MockClock, site: Site
) -> None:
    live = await site.client()
    site.lb.backend(0).retarget(THIRD)
    assert site.lb.backend(0).address == THIRD
    for _ in range(3):
        await trade(await site.client())
    assert [len(server.streams) for server in site.servers] == [1, 1, 2]
    assert await trade(live) == b"ping"
    assert site.lb.distribution()[str(BACKEND)] == 2, "it is still the same backend"
    assert site.lb.connections[-1].backend_address == str(THIRD)
    assert site.lb.backend(str(BACKEND)).address == THIRD


async def test_parameters_that_make_no_sense(autojump_clock: MockClock, site: Site) -> None:
    backend = site.lb.backend(0)
    for bad in (backend.slow(latency=-1), backend.slow(rate=0), backend.flap(up=0, down=1)):
        with pytest.raises(ValueError, match="0"):
            await bad.__aenter__()
