from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.access import (
    ALICE,
    BOB,
    CAROL,
    DAY,
    NIGHT,
    NOON,
    OPEN_AT_NIGHT,
    UNIX,
    admitted,
    burst_of,
    listed,
    start,
)

from trio_balancer.config.model_access import AccessConfig, NetworkList
from trio_balancer.policy.access import Access, AccessStatistics
from trio_balancer.policy.refusal import Refusal
from trio_balancer.wire.address import InetAddress, SocketAddress, inet_address


def test_without_rules_everybody_is_admitted() -> None:
    access = start()
    for client in (ALICE, inet_address("::1", 1), UNIX):
        assert access.admit(client, 0.0, NOON) is None
        assert str(access.explain(client, 0.0, NOON)) == "admitted by default: no rule matches"
    assert access.statistics() == AccessStatistics(3, 3, 0, 100_000)


@pytest.mark.parametrize(
    ("allow", "deny", "refusal"),
    [
        (None, listed("192.0.2.0/24"), Refusal.DENIED),
        (listed(), listed(), Refusal.NOT_ALLOWED),
        (listed("10.0.0.0/8"), listed(), Refusal.NOT_ALLOWED),
        (listed("192.0.2.1"), listed("192.0.2.0/24"), None),
        (None, listed("10.0.0.0/8"), None),
    ],
)
def test_networks(allow: NetworkList | None, deny: NetworkList, refusal: Refusal | None) -> None:
    assert start(allow=allow, deny=deny).admit(ALICE, 0.0, NOON) is refusal


def test_an_allow_list_is_for_unix_clients_too() -> None:
    assert start(allow=listed("0.0.0.0/0")).admit(UNIX, 0.0, NOON) is Refusal.NOT_ALLOWED
    assert start(allow=listed("unix:")).admit(UNIX, 0.0, NOON) is None


def test_hours() -> None:
    access = start(hours=(OPEN_AT_NIGHT,))
    assert access.is_open(NIGHT)
    assert access.next_change(NIGHT) == NIGHT + DAY / 4
    assert access.admit(ALICE, 0.0, NIGHT) is None
    assert not access.is_open(NOON)
    assert access.admit(ALICE, 0.0, NOON) is Refusal.OUTSIDE_HOURS
    assert access.next_change(NOON) == NIGHT + DAY


def test_a_client_has_so_many_connections_at_once() -> None:
    access = start(max_per_client=2)
    assert admitted(access, ALICE) == 2
    assert access.admit(ALICE, 0.0, NOON) is Refusal.PER_CLIENT_LIMIT
    assert admitted(access, BOB) == 2
    access.leave(ALICE)
    assert admitted(access, ALICE) == 1


def test_a_client_connects_so_often() -> None:
    access = start(rate_per_client=burst_of(3))
    assert admitted(access, ALICE) == 3
    assert access.admit(ALICE, 0.0, NOON) is Refusal.PER_CLIENT_RATE
    assert [admitted(access, client, 2.0) for client in (ALICE, BOB)] == [2, 3]


def test_all_together_connect_so_often() -> None:
    access = start(rate=burst_of(3))
    assert [admitted(access, client) for client in (ALICE, BOB)] == [3, 0]
    assert access.admit(BOB, 0.0, NOON) is Refusal.RATE
    assert admitted(access, BOB, 1.0) == 1


def test_an_ipv6_client_is_a_network() -> None:
    one, neighbour, other = (
        inet_address(host, 1) for host in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1")
    )
    access = start(max_per_client=1, rate_per_client=burst_of(5))
    assert [admitted(access, client) for client in (one, neighbour, other)] == [1, 0, 1]


def test_the_first_reason_in_order_is_given() -> None:
    access = start(
        allow=listed("192.0.2.1", "192.0.2.2"),
        hours=(OPEN_AT_NIGHT,),
        max_per_client=1,
        rate_per_client=burst_of(1),
        rate=burst_of(2),
    )
    assert access.admit(ALICE, 0.0, NIGHT) is None
    assert access.admit(CAROL, 0.0, NOON) is Refusal.NOT_ALLOWED
    assert access.admit(ALICE, 0.0, NOON) is Refusal.OUTSIDE_HOURS
    assert access.admit(ALICE, 0.0, NIGHT) is Refusal.PER_CLIENT_LIMIT
    access.leave(ALICE)
    assert access.admit(ALICE, 0.0, NIGHT) is Refusal.PER_CLIENT_RATE
    assert access.admit(BOB, 0.0, NIGHT) is None


def test_who_is_refused_takes_nothing() -> None:
    access = start(
        deny=listed("192.0.2.3"), max_per_client=1, rate_per_client=burst_of(2), rate=burst_of(4)
    )
    assert access.admit(ALICE, 0.0, NIGHT) is None
    for _ in range(10):
        assert access.admit(CAROL, 0.0, NIGHT) is Refusal.DENIED
        assert access.admit(ALICE, 0.0, NIGHT) is Refusal.PER_CLIENT_LIMIT
    access.leave(ALICE)
    assert access.admit(ALICE, 0.0, NIGHT) is None
    access.leave(ALICE)
    for _ in range(10):
        assert access.admit(ALICE, 0.0, NIGHT) is Refusal.PER_CLIENT_RATE
    # Two of four tokens of the listener are left.
    clients = [inet_address(f"198.51.100.{number}", 1) for number in range(1, 5)]
    refusals = [access.admit(client, 0.0, NIGHT) for client in clients]
    assert refusals == [None, None, Refusal.RATE, Refusal.RATE]
    # Those who met an empty bucket of the listener kept what is theirs.
    assert access.statistics() == AccessStatistics(2, 2, 3, 100_000)


def test_leaving_without_having_come_is_a_bug() -> None:
    with pytest.raises(KeyError):
        start().leave(ALICE)


@pytest.mark.parametrize(
    ("settings", "client", "wall", "text"),
    [
        ({"allow": listed("192.0.2.0/24")}, ALICE, NOON, "admitted by allow 192.0.2.0/24"),
        (
            {"deny": listed("unix:")},
            UNIX,
            NOON,
            "refused by deny unix:: the client is on the deny list",
        ),
        (
            {"allow": listed()},
            ALICE,
            NOON,
            "refused by allow: the client is not on the allow list",
        ),
        (
            {"hours": (OPEN_AT_NIGHT,)},
            ALICE,
            NOON,
            "refused by hours: the listener is closed at this hour",
        ),
        (
            {"max_per_client": 1},
            ALICE,
            NIGHT,
            "refused by max_per_client: the client has as many connections as one may have",
        ),
        (
            {"rate_per_client": burst_of(1)},
            ALICE,
            NIGHT,
            "refused by rate_per_client: the client connects faster than one may",
        ),
        (
            {"rate": burst_of(1)},
            BOB,
            NIGHT,
            "refused by rate: all clients together connect faster than they may",
        ),
    ],
)
def test_an_explanation_names_the_rule(
    settings: dict[str, object], client: SocketAddress, wall: float, text: str
) -> None:
    access = start(**settings)
    access.admit(ALICE, 0.0, NIGHT)
    assert str(access.explain(client, 0.0, wall)) == text


CLIENTS = st.sampled_from(
    [UNIX, *(inet_address(f"10.0.0.{n}", 1) for n in range(4)), inet_address("::1", 1)]
)
CONFIGS = st.builds(
    AccessConfig,
    allow=st.sampled_from([None, None, listed("10.0.0.0/8", "unix:")]),
    deny=st.sampled_from([listed(), listed("10.0.0.3")]),
    hours=st.sampled_from([(), (OPEN_AT_NIGHT,)]),
    max_per_client=st.none() | st.integers(1, 3),
    rate_per_client=st.none() | st.builds(burst_of, st.integers(1, 3)),
    rate=st.none() | st.builds(burst_of, st.integers(1, 6)),
)


@given(CONFIGS, st.lists(st.tuples(CLIENTS, st.sampled_from([0.0, 0.1, 5.0]), st.booleans())))
def test_an_explanation_says_what_happens_next(
    config: AccessConfig, steps: list[tuple[SocketAddress, float, bool]]
) -> None:
    access, now, there = Access(config, 0.0), 0.0, list[SocketAddress]()
    for client, step, at_night in steps:
        now += step
        wall = NIGHT if at_night else NOON
        told = access.explain(client, now, wall)
        assert access.explain(client, now, wall) == told
        assert access.admit(client, now, wall) is told.refusal
        if told.refusal is None:
            there.append(client)
        if len(there) > 4:
            access.leave(there.pop(0))
        assert access.statistics().connections == len(there)


@given(CONFIGS, st.lists(st.tuples(st.ip_addresses(v=4), st.booleans())))
def test_ipv4_clients_are_the_same_at_a_listener_for_both_versions(
    config: AccessConfig, visits: list[tuple[object, bool]]
) -> None:
    plain, dual = Access(config, 0.0), Access(config, 0.0)
    for ip, at_night in visits:
        wall = NIGHT if at_night else NOON
        mapped: InetAddress = inet_address(f"::ffff:{ip}", 1)
        assert plain.admit(inet_address(str(ip), 1), 0.0, wall) is dual.admit(mapped, 0.0, wall)
