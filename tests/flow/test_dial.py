from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest
import trio
from support.troubled_network import TroubledNetwork
from support.world import BACKEND, OPTIONS, OTHER, World

from trio_balancer.flow.dial import DialFailure, dial
from trio_balancer.flow.record import Who
from trio_balancer.network.seam import Stream

if TYPE_CHECKING:
    from trio.testing import MockClock


async def test_returns_the_stream(autojump_clock: MockClock, world: World) -> None:
    await world.server(BACKEND)
    stream = await dial(world.network, [BACKEND], 5, OPTIONS)
    assert isinstance(stream, Stream)
    assert stream.remote_address == BACKEND
    stream.close()


async def test_a_refusal_is_a_value(autojump_clock: MockClock, world: World) -> None:
    failure = await dial(world.network, [BACKEND], 5, OPTIONS)
    assert failure == DialFailure(Who.BACKEND, "Connection refused")


async def test_the_addresses_of_a_name_are_tried_in_turn(
    autojump_clock: MockClock, world: World
) -> None:
    await world.server(OTHER)
    stream = await dial(world.network, [BACKEND, OTHER], 5, OPTIONS)
    assert isinstance(stream, Stream)
    assert stream.remote_address == OTHER
    stream.close()


async def test_all_addresses_share_one_timeout(autojump_clock: MockClock, world: World) -> None:
    world.network.blackhole(BACKEND)
    world.network.blackhole(OTHER)
    failure = await dial(world.network, [BACKEND, OTHER], 3, OPTIONS)
    assert failure == DialFailure(Who.BACKEND_TIMEOUT, "no answer within 3 s")
    assert trio.current_time() == 3


async def test_a_silent_address_leaves_time_for_the_next(
    autojump_clock: MockClock, world: World
) -> None:
    world.network.blackhole(BACKEND)
    await world.server(OTHER)
    stream = await dial(world.network, [BACKEND, OTHER], 3, OPTIONS)
    assert isinstance(stream, Stream)
    assert stream.remote_address == OTHER
    assert trio.current_time() == 1.5
    stream.close()


async def test_a_name_that_never_resolved_is_a_failure(
    autojump_clock: MockClock, world: World
) -> None:
    failure = await dial(world.network, [], 5, OPTIONS)
    assert failure == DialFailure(Who.BACKEND, "its name does not resolve")


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
async def test_without_descriptors_no_other_address_is_tried(
    autojump_clock: MockClock, world: World, code: int
) -> None:
    network = TroubledNetwork(world.network)
    network.fail_next(code)
    failure = await dial(network, [BACKEND, OTHER], 5, OPTIONS)
    assert isinstance(failure, DialFailure)
    assert (failure.who, failure.hopeless) == (Who.RESOURCE, True)
    assert network.dialled == [BACKEND]


async def test_without_ports_toward_one_address_the_next_may_do(
    autojump_clock: MockClock, world: World
) -> None:
    network = TroubledNetwork(world.network)
    network.fail(BACKEND, errno.EADDRNOTAVAIL)
    failure = await dial(network, [BACKEND], 5, OPTIONS)
    assert isinstance(failure, DialFailure)
    assert (failure.who, failure.hopeless) == (Who.RESOURCE, False)
    await world.server(OTHER)
    stream = await dial(network, [BACKEND, OTHER], 5, OPTIONS)
    assert isinstance(stream, Stream)
    stream.close()
