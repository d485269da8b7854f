"""Access rules on the path of a connection: who is turned away, how, and at what price."""

from __future__ import annotations

import attrs
import pytest
import trio
from support.troubled_network import TroubledNetwork
from support.world import FRONT, World, finish, is_reset, keep, make_config, trade
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer.network.seam import SocketOptions
from trio_balancer.testing import MemoryStream
from trio_balancer.wire.address import inet_address

STRANGER = inet_address("203.0.113.7", 4000)
GUEST = inet_address("10.1.2.3", 4000)
RULES = 'access = { allow = ["10.0.0.0/8"], deny = ["10.6.6.0/24"] }'


async def come_from(world: World, source: object) -> MemoryStream:
    """Connect from an address, and let the balancer do what it can do at once."""
    assert isinstance(source, type(GUEST))
    client = await world.network.connect(FRONT, options=SocketOptions(), source=source)
    world.peers.append(client)
    await wait_all_tasks_blocked()
    return client


async def test_a_refused_client_is_reset_and_nothing_is_dialled(
    world: World, autojump_clock: MockClock
) -> None:
    await world.server()
    network = TroubledNetwork(world.network)
    await world.serve(make_config(listener=RULES), network=network)

    assert await is_reset(await come_from(world, STRANGER))
    assert await is_reset(await come_from(world, inet_address("10.6.6.1", 1)))

    assert network.dialled == []
    assert world.endings() == ["PR", "PR"]
    assert [record.refusal for record in world.records] == ["not-allowed", "denied"]
    assert world.records[0].reason == "the client is not on the allow list"
    traffic = world.balancer.statistics().traffic
    assert traffic.refusals == {"not-allowed": 1, "denied": 1}
    assert (traffic.accepted, traffic.refused) == (2, 2)
    world.assert_nothing_is_held()


async def test_an_admitted_client_is_served(world: World, autojump_clock: MockClock) -> None:
    await world.server()
    await world.serve(make_config(listener=RULES))

    client = await come_from(world, GUEST)
    assert await trade(client) == b"ping"
    await finish(client)

    assert world.endings() == ["--"]
    assert world.balancer.statistics().traffic.refusals == {}


async def test_so_many_connections_of_one_client_and_no_more(
    world: World, autojump_clock: MockClock
) -> None:
    await world.server()
    await world.serve(make_config(listener="access = { max_per_client = 2 }"))

    mine = [await come_from(world, attrs.evolve(GUEST, port=port)) for port in (1, 2, 3)]
    other = await come_from(world, attrs.evolve(STRANGER, port=1))

    assert [each.refusal for each in world.records] == ["per-client-limit"]
    assert await is_reset(mine[2])
    await finish(other)
    await finish(mine[0])
    again = await come_from(world, attrs.evolve(GUEST, port=4))
    assert await trade(again) == b"ping"


async def test_lines_of_refused_clients_are_bounded_but_records_are_not(
    world: World, autojump_clock: MockClock
) -> None:
    await world.serve(make_config(listener=RULES))

    for port in range(1, 101):
        await come_from(world, attrs.evolve(STRANGER, port=port))

    assert len(world.records) == 100
    assert len(world.lines("ending=PR")) == 1


async def test_the_tarpit_keeps_a_refused_client_waiting(
    world: World, autojump_clock: MockClock
) -> None:
    await world.serve(make_config(listener='access = { allow = [], tarpit = "10s" }'))

    client = await come_from(world, STRANGER)
    began = trio.current_time()
    assert await is_reset(client)

    assert trio.current_time() - began == pytest.approx(10)
    assert world.endings() == ["PT"]
    assert world.records[0].refusal == "not-allowed"
    world.assert_nothing_is_held()
    assert world.runtime.tarpitted == 0


async def test_the_tarpit_takes_five_in_a_hundred_and_the_others_are_reset(
    world: World, autojump_clock: MockClock
) -> None:
    # The configuration of these tests has max_connections = 100.
    await world.serve(make_config(listener='access = { allow = [], tarpit = "10s" }'))

    for port in range(1, 9):
        await come_from(world, attrs.evolve(STRANGER, port=port))

    assert world.endings() == ["PR"] * 3
    assert world.runtime.tarpitted == 5
    await trio.sleep(11)
    assert world.endings() == ["PR"] * 3 + ["PT"] * 5


@pytest.mark.parametrize(("limit", "most"), [(60, 3), (40, 2), (7, 1), (1, 0)])
async def test_the_tarpit_leaves_a_small_listener_its_tokens(
    world: World, autojump_clock: MockClock, limit: int, most: int
) -> None:
    rules = f'max_connections = {limit}\naccess = {{ deny = ["203.0.113.0/24"], tarpit = "10s" }}'
    await world.server()
    await world.serve(make_config(listener=rules))

    for port in range(1, 9):
        await come_from(world, attrs.evolve(STRANGER, port=port))

    [gate] = world.balancer.gates.values()
    assert gate.listener.tarpitted == most
    if limit > 1:
        assert await trade(await come_from(world, GUEST)) == b"ping"
    await trio.sleep(11)
    assert (world.runtime.tarpitted, gate.listener.tarpitted) == (0, 0)
    assert world.endings() == ["PR"] * (8 - most) + ["PT"] * most


async def test_a_client_may_leave_the_tarpit(world: World, autojump_clock: MockClock) -> None:
    await world.serve(make_config(listener='access = { allow = [], tarpit = "10s" }'))

    (await come_from(world, STRANGER)).reset()
    await wait_all_tasks_blocked()

    assert world.endings() == ["CT"]
    assert world.runtime.tarpitted == 0


async def test_a_drain_ends_the_tarpit(world: World, autojump_clock: MockClock) -> None:
    await world.serve(make_config(listener='access = { allow = [], tarpit = "1h" }'))
    await come_from(world, STRANGER)

    began = trio.current_time()
    world.balancer.drain(5)
    await world.until(lambda: world.returned)

    assert world.endings() == ["KT"]
    assert trio.current_time() - began < 1


async def test_rules_are_for_the_announced_client_and_headers_for_the_trusted(
    world: World, autojump_clock: MockClock
) -> None:
    await world.server(behave=keep)
    proxy = 'proxy_protocol = { trusted = ["10.0.0.0/8"] }\n'
    await world.serve(make_config(listener=f'{proxy}access = {{ deny = ["203.0.113.0/24"] }}'))

    untrusted = await come_from(world, STRANGER)
    denied = await come_from(world, GUEST)
    await denied.send_all(b"PROXY TCP4 203.0.113.9 10.0.0.1 1234 80\r\n")
    served = await come_from(world, attrs.evolve(GUEST, port=4001))
    await served.send_all(b"PROXY TCP4 198.51.100.9 10.0.0.1 1234 80\r\nhello")
    await wait_all_tasks_blocked()

    assert await is_reset(untrusted)
    assert await is_reset(denied)
    assert [record.refusal for record in world.records] == ["untrusted", "denied"]
    assert str(world.records[1].client) == "203.0.113.9:1234"
    assert world.records[1].peer == GUEST
    [backend] = world.servers[0].streams
    assert await backend.receive_some() == b"hello"


async def test_an_announced_client_may_sit_in_the_tarpit_longer_than_a_handshake_takes(
    world: World, autojump_clock: MockClock
) -> None:
    listener = (
        'proxy_protocol = { trusted = ["10.0.0.0/8"] }\n'
        'handshake_timeout = "1s"\naccess = { allow = [], tarpit = "10s" }'
    )
    await world.serve(make_config(listener=listener))
    client = await come_from(world, GUEST)
    await client.send_all(b"PROXY UNKNOWN\r\n")

    assert await is_reset(client)
    assert world.endings() == ["PT"]
    assert world.records[0].total_time == pytest.approx(10)
