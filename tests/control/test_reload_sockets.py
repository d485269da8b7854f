"""Which listening sockets a reload keeps, moves, binds and lets go."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import attrs
import pytest
import trio
from support.troubled_network import TroubledNetwork
from support.world import BACKEND, FRONT, NO_CHECKS, OPTIONS, World, finish, trade
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer import BindError, Config, parse_config
from trio_balancer.control.reload import ReloadError
from trio_balancer.network.kernel import os_error
from trio_balancer.wire.address import inet_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.network.seam import Listener, SocketOptions
    from trio_balancer.wire.address import SocketAddress

SIDE = inet_address("10.0.0.1", 81)
NARROW, WIDE = inet_address("10.0.0.1", 90), inet_address("0.0.0.0", 90)


def two_listeners(
    web: object = FRONT, side: object = SIDE, *, names: str = "web side", more: str = ""
) -> Config:
    first, second = names.split()
    return parse_config(f"""
[listeners.{first}]
bind = "{web}"
pool = "app"
{more}
[listeners.{second}]
bind = "{side}"
pool = "app"
[pools.app]
backends = ["{BACKEND}"]
{NO_CHECKS}""")


async def test_a_new_listener_serves_and_a_removed_one_refuses(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    one = attrs.evolve(two_listeners(), listeners={"web": two_listeners().listeners["web"]})
    balancer = await world.serve(one)
    old = await world.client()
    changes = await balancer.reload(two_listeners())
    assert changes.listeners.added == 1
    assert balancer.addresses["side"] == (SIDE,)
    side = await world.client(SIDE)
    await balancer.reload(one)
    with pytest.raises(ConnectionRefusedError):
        await world.client(SIDE)
    assert [await trade(each) for each in (old, side)] == [b"ping", b"ping"]
    assert list(balancer.addresses) == ["web"]
    assert len(world.lines(f"Listening listener=side address={SIDE}")) == 1
    assert len(world.lines(f"Listening no more listener=side address={SIDE}")) == 1
    await finish(side)
    await finish(old)
    assert world.endings() == ["--", "--"]
    world.assert_nothing_is_held()


async def test_the_last_clients_of_a_removed_listener_have_until_the_drain_s_deadline(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    balancer = await world.serve(two_listeners())
    client = await world.client(SIDE)
    one = attrs.evolve(two_listeners(), listeners={"web": two_listeners().listeners["web"]})
    await balancer.reload(one)
    await trio.sleep(100)
    assert await trade(client) == b"ping"
    balancer.drain(5)
    await trio.sleep(6)
    assert world.returned
    assert world.endings() == ["KD"]


async def test_a_renamed_listener_keeps_its_socket_and_who_waits_there(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    balancer = await world.serve(two_listeners())
    socket = world.network.listener_at(FRONT)
    socket.fail_accepts(os_error(errno.EMFILE))
    waiting = await world.clients(5)
    assert world.runtime.totals.accepted == 0
    await balancer.reload(two_listeners(names="new side"))
    assert world.network.listener_at(FRONT) is socket
    assert [await trade(each) for each in waiting] == [b"ping"] * 5
    assert balancer.gates["new"].listener.active == 5
    assert "web" not in balancer.gates
    assert world.lines("Listening no more") == []


async def test_two_listeners_swap_their_sockets(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    balancer = await world.serve(two_listeners())
    sockets = [world.network.listener_at(each) for each in (FRONT, SIDE)]
    await balancer.reload(two_listeners(SIDE, FRONT))
    assert [world.network.listener_at(each) for each in (FRONT, SIDE)] == sockets
    await world.client(FRONT)
    assert balancer.gates["side"].listener.active == 1
    await world.client(SIDE)
    assert balancer.gates["web"].listener.active == 1
    assert balancer.addresses == {"web": (SIDE,), "side": (FRONT,)}


async def test_addresses_stay_in_the_order_of_the_file(
    autojump_clock: MockClock, world: World
) -> None:
    config = two_listeners()
    balancer = await world.serve(config)
    third = inet_address("10.0.0.1", 82)
    web = attrs.evolve(config.listeners["web"], bind=(third, SIDE, FRONT))
    await balancer.reload(attrs.evolve(config, listeners={"web": web}))
    assert balancer.addresses == {"web": (third, SIDE, FRONT)}


async def test_a_port_that_was_picked_is_kept(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    balancer = await world.serve(two_listeners("10.0.0.1:0", "10.0.0.1:0"))
    before = balancer.addresses
    await balancer.reload(two_listeners("10.0.0.1:0", "10.0.0.1:0"))
    assert balancer.addresses == before
    await balancer.reload(two_listeners(before["web"][0], SIDE))
    assert balancer.addresses == {"web": before["web"], "side": (SIDE,)}


async def test_an_overlapping_address_takes_the_place_of_the_old_one(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    balancer = await world.serve(two_listeners(NARROW))
    old = world.network.listener_at(NARROW)
    old.fail_accepts(os_error(errno.EMFILE))
    waiting = [await world.client(NARROW) for _ in range(3)]
    await balancer.reload(two_listeners(WIDE))
    assert world.network.listener_at(NARROW) is not old
    assert [await trade(each) for each in waiting] == [b"ping"] * 3
    assert await trade(await world.client(inet_address("10.9.9.9", 90))) == b"ping"


async def test_an_overlap_that_cannot_be_bound_is_taken_back(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    balancer = await world.serve(two_listeners(NARROW))
    elsewhere = inet_address("10.7.7.7", 90)
    other = await world.network.listen(elsewhere, backlog=1, options=OPTIONS)
    client = await world.client(NARROW)
    with pytest.raises(BindError, match=r"cannot bind 0\.0\.0\.0:90"):
        await balancer.reload(two_listeners(WIDE))
    assert await trade(client) == b"ping"
    assert await trade(await world.client(NARROW)) == b"ping"
    other.close()
    await balancer.reload(two_listeners(WIDE))
    assert await trade(await world.client(elsewhere)) == b"ping"


async def test_an_address_that_somebody_takes_meanwhile_is_lost_and_told(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(BACKEND)
    network = Listening(world.network)
    balancer = await world.serve(two_listeners(NARROW), network=network)
    network.fails = lambda address: address in {NARROW, WIDE}
    with pytest.raises(BindError):
        await balancer.reload(two_listeners(WIDE))
    (line,) = world.lines("An address is lost")
    assert str(NARROW) in line
    assert balancer.addresses == {"web": (), "side": (SIDE,)}
    network.fails = lambda _address: False
    await balancer.reload(two_listeners(NARROW))
    assert await trade(await world.client(NARROW)) == b"ping"


async def test_a_drain_in_the_middle_of_a_reload_comes_first(
    autojump_clock: MockClock, world: World
) -> None:
    network = Listening(world.network)
    balancer = await world.serve(two_listeners(NARROW), network=network)
    network.on_listen = balancer.drain
    with pytest.raises(ReloadError, match="stopping"):
        await balancer.reload(two_listeners(WIDE))
    await wait_all_tasks_blocked()
    assert world.returned
    with pytest.raises(ConnectionRefusedError):
        world.network.listener_at(NARROW)


async def test_backlog_and_options_hold_at_once(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    config = two_listeners()
    balancer = await world.serve(config)
    socket = world.network.listener_at(FRONT)
    socket.fail_accepts(os_error(errno.EMFILE), times=2)
    shorter = attrs.evolve(config.balancer, backlog=1)
    await balancer.reload(attrs.evolve(config, balancer=shorter))
    await world.client()
    assert socket.is_full
    await balancer.reload(two_listeners(more='keepalive = "9s"'))
    assert balancer.gates["web"].listener.terms.options.keepalive == 9


async def test_options_that_cannot_be_set_are_told_and_stop_nothing(
    autojump_clock: MockClock, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.server(BACKEND)
    balancer = await world.serve(two_listeners())

    def refuse(_self: object, **_settings: object) -> None:
        raise os_error(errno.EACCES)

    monkeypatch.setattr(type(world.network.listener_at(FRONT)), "configure", refuse)
    await balancer.reload(two_listeners(names="new side"))
    assert len(world.lines("A listening socket keeps its old options")) == 2
    assert await trade(await world.client()) == b"ping"


class Listening(TroubledNetwork):
    """A network in which binding may fail, or something may happen."""

    fails: Callable[[SocketAddress], bool] = staticmethod(lambda _address: False)
    on_listen: Callable[[], None] = staticmethod(lambda: None)

    async def listen(
        self,
        address: SocketAddress,
        *,
        backlog: int,
        v6only: bool = False,
        mode: int | None = None,
        options: SocketOptions,
    ) -> Listener:
        self.on_listen()
        if self.fails(address):
            raise os_error(errno.EADDRINUSE)
        return await super().listen(
            address, backlog=backlog, v6only=v6only, mode=mode, options=options
        )
