from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.policy.client_key import Key, address_key, network_key
from trio_balancer.wire.address import InetAddress, UnixAddress, inet_address


def key(host: str, ipv6_prefix: int = 64) -> Key:
    return network_key(address_key(inet_address(host, 1)), ipv6_prefix)


def test_a_port_and_a_zone_make_no_other_client() -> None:
    assert address_key(inet_address("fe80::1%eth0", 1)) == address_key(inet_address("fe80::1", 2))


def test_a_mapped_address_is_the_plain_one() -> None:
    assert key("::ffff:192.0.2.1") == key("192.0.2.1")


def test_all_unix_clients_are_one() -> None:
    keys = {network_key(address_key(UnixAddress(path)), 64) for path in ("", "/run/a", "/run/b")}
    assert keys == {None}


@pytest.mark.parametrize(
    ("one", "other", "ipv6_prefix", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", 64, True),
        ("2001:db8::1", "2001:db8:0:1::1", 64, False),
        ("2001:db8::1", "2001:db8:0:1::1", 48, True),
        ("2001:db8::1", "2001:db8::2", 128, False),
        ("2001:db8::1", "3fff::1", 1, True),
        ("2001:db8::1", "8000::1", 1, False),
        ("192.0.2.1", "192.0.2.2", 1, False),
    ],
)
def test_an_ipv6_client_is_a_network(one: str, other: str, ipv6_prefix: int, same: bool) -> None:  # noqa: FBT001 - a column of the table
    assert (key(one, ipv6_prefix) == key(other, ipv6_prefix)) is same


@given(st.ip_addresses(v=6), st.ip_addresses(v=6), st.integers(1, 128))
def test_the_networks_are_those_of_the_library(
    one: ipaddress.IPv6Address, other: ipaddress.IPv6Address, ipv6_prefix: int
) -> None:
    keys, networks = set(), set()
    for ip in (one, other):
        keys.add(network_key(address_key(InetAddress(ip, 1)), ipv6_prefix))
        networks.add(ipaddress.ip_network((ip, ipv6_prefix), strict=False))
    assert len(keys) == len(networks)


@given(st.ip_addresses(v=4), st.ip_addresses(v=6), st.integers(1, 128))
def test_no_ipv6_network_is_taken_for_an_ipv4_address(
    ipv4: ipaddress.IPv4Address, ipv6: ipaddress.IPv6Address, ipv6_prefix: int
) -> None:
    one, other = (network_key(address_key(InetAddress(ip, 1)), ipv6_prefix) for ip in (ipv4, ipv6))
    assert one != other
