"""The table of endings in the design, row by row."""

from __future__ import annotations

import errno
from collections.abc import Awaitable, Callable

import attrs
import pytest
import trio
from support.troubled_network import TroubledNetwork
from support.world import BACKEND, NO_CHECKS, World, finish, keep, make_config
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer import Config

CHECKS = '[pools.app.health]\ninterval = "1s"\nfall = 1\n'
ONE_SLOT = f'[[pools.app.backends]]\naddress = "{BACKEND}"\nmax_connections = 1\n'


@attrs.frozen
class Row:
    """An event of the table; `play` lets it happen to the connection that is recorded last."""

    event: str
    ending: str
    play: Callable[[World, TroubledNetwork], Awaitable[None]]
    config: Config = make_config()  # noqa: RUF009  # frozen, and the same for most


async def both_sides_finish(world: World, _network: TroubledNetwork) -> None:
    await world.server(BACKEND)
    await finish(await world.client())


async def arrive(world: World, _network: TroubledNetwork) -> None:
    await world.client()


async def dial_in_vain(world: World, _network: TroubledNetwork) -> None:
    world.network.blackhole(BACKEND)
    await world.client()


async def queue(world: World, _network: TroubledNetwork) -> None:
    await world.server(BACKEND, keep)
    await world.clients(2)


async def reset_while_queued(world: World, network: TroubledNetwork) -> None:
    await queue(world, network)
    world.peers[-1].reset()


async def reset_while_held(world: World, _network: TroubledNetwork) -> None:
    client = await world.client()
    await trio.sleep(1)
    client.reset()


async def reset_while_dialling(world: World, network: TroubledNetwork) -> None:
    await dial_in_vain(world, network)
    world.peers[-1].reset()


async def reset_in_data(world: World, _network: TroubledNetwork) -> None:
    await world.server(BACKEND, keep)
    (await world.client()).reset()


async def backend_resets(world: World, _network: TroubledNetwork) -> None:
    server = await world.server(BACKEND, keep)
    await world.client()
    server.crash()


async def client_speaks_last(world: World, _network: TroubledNetwork) -> None:
    await world.server(BACKEND, keep)
    await (await world.client()).send_all(b"hello?")


async def backend_speaks_last(world: World, _network: TroubledNetwork) -> None:
    server = await world.server(BACKEND, keep)
    await world.client()
    await server.streams[0].send_all(b"hello?")


async def live_on(world: World, _network: TroubledNetwork) -> None:
    await world.server(BACKEND, keep)
    await world.client()


async def no_descriptor(world: World, network: TroubledNetwork) -> None:
    network.fail_next(errno.EMFILE)
    await world.client()


async def no_port(world: World, network: TroubledNetwork) -> None:
    network.fail_next(errno.EADDRNOTAVAIL, times=3)
    await world.client()


async def backend_goes_down(world: World, _network: TroubledNetwork) -> None:
    await trio.sleep(2)
    server = await world.server(BACKEND, keep)
    await trio.sleep(5)
    await world.client()
    server.stop()


async def drain(world: World, network: TroubledNetwork) -> None:
    await live_on(world, network)
    world.balancer.drain(1)


async def drain_while_dialling(world: World, network: TroubledNetwork) -> None:
    await dial_in_vain(world, network)
    world.balancer.drain(1)


HOLD = 'when_down = "hold"\nhold_timeout = "2s"'
IDLE = make_config(listener='idle_timeout = "2s"')
ROWS = [
    Row("both sides finished", "--", both_sides_finish),
    Row(
        "no backend up",
        "SC",
        arrive,
        make_config(more='[pools.app.health]\ninitial = "down"\n'),
    ),
    Row("dial refused", "SC", arrive),
    Row("dial timed out", "sC", dial_in_vain),
    Row(
        "queue timeout",
        "sQ",
        queue,
        make_config(backends=(), pool='queue_timeout = "1s"', more=ONE_SLOT + NO_CHECKS),
    ),
    Row("hold timeout", "sQ", arrive, make_config(pool=HOLD)),
    Row(
        "queue full",
        "PQ",
        queue,
        make_config(backends=(), pool="queue_limit = 0", more=ONE_SLOT + NO_CHECKS),
    ),
    Row(
        "limit with reject",
        "PR",
        queue,
        make_config(listener='max_connections = 1\noverflow = "reject"'),
    ),
    Row(
        "client reset while queued",
        "CQ",
        reset_while_queued,
        make_config(backends=(), more=ONE_SLOT + NO_CHECKS),
    ),
    Row("client reset while held", "CQ", reset_while_held, make_config(pool=HOLD)),
    Row("client reset while dialling", "CC", reset_while_dialling),
    Row("client reset in data", "CD", reset_in_data),
    Row("backend reset in data", "SD", backend_resets),
    Row("idle, client spoke last", "sD", client_speaks_last, IDLE),
    Row("idle, backend spoke last", "cD", backend_speaks_last, IDLE),
    Row("lifetime", "PD", live_on, make_config(listener='lifetime = "2s"')),
    Row("no descriptor left", "RC", no_descriptor),
    Row("no port left", "RC", no_port),
    Row(
        "backend down with drop_when_down",
        "DD",
        backend_goes_down,
        make_config(pool="drop_when_down = true", more=CHECKS),
    ),
    Row("drain deadline in data", "KD", drain),
    Row("drain deadline while dialling", "KC", drain_while_dialling),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.event)
async def test_each_event_has_its_ending(autojump_clock: MockClock, world: World, row: Row) -> None:
    network = TroubledNetwork(world.network)
    await world.serve(row.config, network=network)
    await row.play(world, network)
    await trio.sleep(20)
    await wait_all_tasks_blocked()
    assert world.endings()[0] == row.ending
    assert world.balancer.statistics().traffic.endings[row.ending] == 1
    assert len(world.lines(f"ending={row.ending} ")) == 1
