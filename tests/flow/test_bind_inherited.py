from __future__ import annotations

import socket
from contextlib import closing

import pytest
from support.world import OPTIONS

from trio_balancer.flow.bind import BindError, Bound, Place, bind_all
from trio_balancer.network import SocketNetwork
from trio_balancer.network.inherited import InheritedSockets
from trio_balancer.wire.address import InheritedAddress, ListenAddress, inet_address


def place(address: ListenAddress, listener: str = "web") -> Place:
    return Place(listener, address, v6only=False, mode=None, options=OPTIONS)


async def bind() -> Bound:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        network = SocketNetwork(InheritedSockets({sock.fileno(): "web"}))
        [bound] = await bind_all(network, [place(InheritedAddress("web"))], 10)
        return bound


async def test_it_serves_who_asks_for_it_by_the_same_name() -> None:
    bound = await bind()
    with closing(bound.socket):
        assert bound.is_inherited
        assert bound.serves(place(InheritedAddress("web")))
        assert bound.serves(place(InheritedAddress("web"), listener="other"))
        assert not bound.serves(place(InheritedAddress("admin")))


async def test_it_does_not_become_ours_by_its_address() -> None:
    bound = await bind()
    with closing(bound.socket):
        address = bound.socket.address
        assert not bound.serves(place(address))
        numeric = Bound(place(address), bound.socket)
        assert not numeric.is_inherited
        assert not numeric.serves(place(InheritedAddress("web")))


async def test_one_that_is_not_there_is_named() -> None:
    with pytest.raises(BindError) as caught:
        await bind_all(SocketNetwork(), [place(InheritedAddress("web"))], 10)
    assert (caught.value.strerror or "").startswith(
        "listener 'web' cannot bind fd@web: this process has inherited no sockets"
    )


async def test_the_others_are_closed_again() -> None:
    places = [place(inet_address("127.0.0.1", 0)), place(InheritedAddress("web"))]
    with pytest.raises(BindError):
        await bind_all(SocketNetwork(), places, 10)
