from __future__ import annotations

from typing import TYPE_CHECKING

from support.world import NO_CHECKS

from trio_balancer import parse_config
from trio_balancer.control.sockets import plan_sockets

if TYPE_CHECKING:
    from support.world import World
    from trio.testing import MockClock

    from trio_balancer import Config
    from trio_balancer.control.sockets import SocketPlan


def listeners(**bind: str) -> Config:
    made = "".join(
        f'[listeners.{name}]\nbind = {addresses.split()}\npool = "app"\n'
        for name, addresses in bind.items()
    )
    return parse_config(f'{made}[pools.app]\nbackends = ["10.0.1.1:9999"]\n{NO_CHECKS}')


async def plan(world: World, old: Config, new: Config) -> SocketPlan:
    balancer = await world.serve(old)
    return plan_sockets(balancer.gates.values(), new.listeners.values())


def told(found: SocketPlan) -> dict[str, list[str]]:
    """Write a plan down; kept sockets as old and new listener."""
    return {
        "kept": [f"{old.gate.listener.name} {place.listener}" for place, old in found.kept],
        "early": [str(place.address) for place in found.early],
        "late": [str(place.address) for place in found.late],
        "in the way": [str(old.bound.socket.address) for old in found.in_the_way],
        "left over": [str(old.bound.socket.address) for old in found.left_over],
    }


async def test_the_same(autojump_clock: MockClock, world: World) -> None:
    config = listeners(a="10.0.0.1:80 10.0.0.1:81", b="10.0.0.1:82")
    assert told(await plan(world, config, config)) == {
        "kept": ["a a", "a a", "b b"],
        "early": [],
        "late": [],
        "in the way": [],
        "left over": [],
    }


async def test_names_move_and_addresses_come_and_go(
    autojump_clock: MockClock, world: World
) -> None:
    old = listeners(a="10.0.0.1:80 10.0.0.1:81", b="10.0.0.1:82")
    new = listeners(b="10.0.0.1:80", c="10.0.0.1:82 10.0.0.1:90")
    assert told(await plan(world, old, new)) == {
        "kept": ["a b", "b c"],
        "early": ["10.0.0.1:90"],
        "late": [],
        "in the way": [],
        "left over": ["10.0.0.1:81"],
    }


async def test_overlaps_come_late(autojump_clock: MockClock, world: World) -> None:
    old = listeners(a="10.0.0.1:80 10.0.0.2:80 10.0.0.1:81")
    new = listeners(a="0.0.0.0:80 10.0.0.1:90")
    assert told(await plan(world, old, new)) == {
        "kept": [],
        "early": ["10.0.0.1:90"],
        "late": ["0.0.0.0:80"],
        "in the way": ["10.0.0.1:80", "10.0.0.2:80"],
        "left over": ["10.0.0.1:81"],
    }
