from __future__ import annotations

import weakref

from trio_balancer.relay import Pair
from trio_balancer.testing import memory_connection
from trio_balancer.wire.address import inet_address

CLIENT, LISTENER = inet_address("192.0.2.1", 1111), inet_address("192.0.2.2", 80)
BALANCER, BACKEND = inet_address("192.0.2.2", 2222), inet_address("192.0.2.3", 8080)


def make_pair() -> Pair:
    _client, client_leg = memory_connection(CLIENT, LISTENER)
    backend_leg, _backend = memory_connection(BALANCER, BACKEND)
    return Pair(client_leg, backend_leg)


def test_each_way_leads_from_one_leg_to_the_other() -> None:
    pair = make_pair()
    assert (pair.up.source, pair.up.sink) == (pair.client, pair.backend)
    assert (pair.down.source, pair.down.sink) == (pair.backend, pair.client)
    assert pair.way_from(pair.client) is pair.up
    assert pair.way_from(pair.backend) is pair.down
    assert pair.up.pair is pair.down.pair is pair


def test_other_leg() -> None:
    pair = make_pair()
    assert pair.other(pair.client) is pair.backend
    assert pair.other(pair.backend) is pair.client


def test_a_pair_that_has_parted_is_freed_without_the_collector() -> None:
    pair = make_pair()
    remembered = weakref.ref(pair)
    pair.part()
    del pair
    assert remembered() is None


def test_first_broken_leg_is_remembered() -> None:
    pair = make_pair()
    assert pair.broken is None
    pair.mark_broken(pair.backend)
    pair.mark_broken(pair.client)
    assert pair.broken is pair.backend


async def test_progress_counts_every_byte_on_either_leg() -> None:
    client, client_leg = memory_connection(CLIENT, LISTENER)
    backend_leg, backend = memory_connection(BALANCER, BACKEND)
    pair = Pair(client_leg, backend_leg)
    seen = [pair.progress()]
    for near, leg in ((client, client_leg), (backend, backend_leg)):
        await leg.send_all(b"x")
        seen.append(pair.progress())
        await near.send_all(b"x")
        await leg.receive_some()
        seen.append(pair.progress())
    assert seen == [0, 1, 2, 3, 4]


def test_a_way_does_not_print_its_pair_without_end() -> None:
    assert "pair" not in repr(make_pair().up)
