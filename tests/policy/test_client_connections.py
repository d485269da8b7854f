from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.policy.client_connections import ClientConnections
from trio_balancer.policy.client_key import Key, address_key, network_key
from trio_balancer.wire.address import UnixAddress, inet_address

HOSTS = ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "2001:db9::1"]
KEYS = [address_key(UnixAddress("")), *(address_key(inet_address(host, 1)) for host in HOSTS)]


def test_connections_come_and_go() -> None:
    connections = ClientConnections(64)
    connections.join(KEYS[1])
    connections.join(KEYS[1])
    assert (connections.of(KEYS[1]), connections.of(KEYS[2])) == (2, 0)
    assert (len(connections), connections.total) == (1, 2)
    connections.leave(KEYS[1])
    assert connections.of(KEYS[1]) == 1


def test_who_never_joined_cannot_leave() -> None:
    connections = ClientConnections(64)
    connections.join(KEYS[1])
    with pytest.raises(KeyError):
        connections.leave(KEYS[2])
    assert connections.total == 1


@given(st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from([64, 48, 32, 128]))))
def test_all_that_joined_are_counted_whatever_the_network(steps: list[tuple[Key, int]]) -> None:
    connections, there = ClientConnections(64), Counter[Key]()
    for key, ipv6_prefix in steps:
        connections.regroup(ipv6_prefix)
        connections.join(key)
        there[key] += 1
        grouped = Counter(network_key(each, ipv6_prefix) for each in there.elements())
        assert all(connections.of(each) == grouped[network_key(each, ipv6_prefix)] for each in KEYS)
        assert (len(connections), connections.total) == (len(grouped), grouped.total())
    for key, ipv6_prefix in steps:
        connections.regroup(ipv6_prefix)
        connections.leave(key)
    assert (len(connections), connections.total) == (0, 0)
