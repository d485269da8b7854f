"""What a reload plans for sockets that it has inherited."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import pytest
import trio
from support.world import make_config

from trio_balancer import Balancer, serve
from trio_balancer.config.model import Config
from trio_balancer.flow.bind import BindError
from trio_balancer.flow.log_sink import MemorySink
from trio_balancer.network import SocketNetwork
from trio_balancer.network.inherited import InheritedSockets
from trio_balancer.wire.address import InheritedAddress, ListenAddress, SocketAddress, inet_address

ANY = inet_address("127.0.0.1", 0)
INHERITED = InheritedAddress("web")


def config(*bind: ListenAddress) -> Config:
    whole = make_config()
    listener = attrs.evolve(whole.listeners["web"], bind=bind)
    return attrs.evolve(whole, listeners={"web": listener})


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[Balancer, SocketAddress]]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        network = SocketNetwork(InheritedSockets({sock.fileno(): "web"}))
        async with trio.open_nursery() as nursery:
            balancer = await nursery.start(
                lambda task_status: serve(
                    config(INHERITED),
                    network=network,
                    log_sink=MemorySink(),
                    task_status=task_status,
                )
            )
            yield balancer, inet_address(*sock.getsockname())
            nursery.cancel_scope.cancel()


async def test_the_same_name_keeps_the_socket() -> None:
    async with serving() as (balancer, _address):
        [before] = balancer.gates["web"].sockets
        await balancer.reload(config(INHERITED, ANY))
        assert balancer.gates["web"].sockets[0] is before


async def test_it_comes_back_after_it_was_let_go() -> None:
    async with serving() as (balancer, address):
        await balancer.reload(config(ANY))
        assert address not in balancer.addresses["web"]
        await balancer.reload(config(INHERITED))
        assert balancer.addresses["web"] == (address,)


async def test_its_address_cannot_be_bound_by_ourselves_and_nothing_is_lost() -> None:
    async with serving() as (balancer, address):
        with pytest.raises(BindError, match="Address already in use"):
            await balancer.reload(config(address))
        assert balancer.addresses["web"] == (address,)
        assert (
            not balancer.gates["web"]
            .bound[0]
            .serves(attrs.evolve(balancer.gates["web"].bound[0].place, address=ANY))
        )
