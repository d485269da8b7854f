from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest
import trio
from support.world import FRONT, OPTIONS, World, make_config

from trio_balancer import parse_config
from trio_balancer.config.model import Config
from trio_balancer.flow.bind import BindError, Place, bind_all, close_all
from trio_balancer.testing import MemoryNetwork
from trio_balancer.wire.address import NamedAddress, inet_address, parse_address

if TYPE_CHECKING:
    from trio.testing import MockClock

TWO_LISTENERS = """
[listeners.web]
bind = ["10.0.0.1:80", "[fd00::1]:80", "10.0.0.1:0"]
pool = "app"
[listeners.mail]
bind = "10.0.0.1:25"
pool = "app"
[pools.app]
backends = ["10.0.1.1:80"]
"""


def places(config: Config) -> list[Place]:
    return [place for listener in config.listeners.values() for place in Place.of(listener)]


async def test_binds_every_address_in_order() -> None:
    network = MemoryNetwork()
    bound = await bind_all(network, places(parse_config(TWO_LISTENERS)), 10)
    assert [(each.place.listener, str(each.socket.address)) for each in bound] == [
        ("web", "10.0.0.1:80"),
        ("web", "[fd00::1]:80"),
        ("web", "10.0.0.1:20000"),
        ("mail", "10.0.0.1:25"),
    ]
    close_all(bound)


async def test_an_address_in_use_is_named_and_nothing_stays_bound() -> None:
    network = MemoryNetwork()
    config = parse_config(TWO_LISTENERS)
    taken = inet_address("10.0.0.1", 25)
    other = await network.listen(taken, backlog=1, options=OPTIONS)
    with pytest.raises(BindError) as caught:
        await bind_all(network, places(config), 10)
    assert caught.value.errno == errno.EADDRINUSE
    sentence = "listener 'mail' cannot bind 10.0.0.1:25: Address already in use"
    assert caught.value.strerror == sentence
    with pytest.raises(ConnectionRefusedError):
        network.listener_at(FRONT)
    other.close()


async def test_cancelled_nothing_stays_bound() -> None:
    network = MemoryNetwork()
    with trio.CancelScope() as scope:
        scope.cancel()
        await bind_all(network, places(parse_config(TWO_LISTENERS)), 10)
    assert scope.cancelled_caught
    with pytest.raises(ConnectionRefusedError):
        network.listener_at(FRONT)


async def test_serve_raises_it_bare(autojump_clock: MockClock, world: World) -> None:
    await world.network.listen(FRONT, backlog=1, options=OPTIONS)
    with pytest.raises(BindError, match=r"cannot bind 10\.0\.0\.1:80"):
        await world.serve(make_config())


def place(
    address: str, listener: str = "web", *, v6only: bool = False, mode: int | None = None
) -> Place:
    parsed = parse_address(address)
    assert not isinstance(parsed, NamedAddress)
    return Place(listener, parsed, v6only, mode, OPTIONS)


@pytest.mark.parametrize(
    ("made", "wanted", "serves"),
    [
        (place("10.0.0.1:80"), place("10.0.0.1:80"), True),
        (place("10.0.0.1:80"), place("10.0.0.1:80", "other"), True),
        (place("10.0.0.1:80"), place("10.0.0.1:81"), False),
        (place("10.0.0.1:80"), place("10.0.0.1:80", v6only=True), True),
        (place("[fd00::1]:80"), place("[fd00::1]:80", v6only=True), False),
        (place("10.0.0.1:0"), place("10.0.0.1:0"), True),
        (place("10.0.0.1:0"), place("10.0.0.1:0", "other"), False),
        (place("10.0.0.1:0"), place("10.0.0.1:20000", "other"), True),
        (place("10.0.0.1:20000"), place("10.0.0.1:0"), False),
        (place("unix:/a"), place("unix:/a"), True),
        (place("unix:/a"), place("unix:/a", mode=0o600), False),
        (place("[fe80::1%eth0]:80"), place("[fe80::1%eth1]:80"), False),
    ],
)
async def test_which_socket_serves_which_place(made: Place, wanted: Place, serves: bool) -> None:  # noqa: FBT001  # a table
    [bound] = await bind_all(MemoryNetwork(), [made], 10)
    assert bound.serves(wanted) is serves
