from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.config.model_proxy import ProxyProtocolConfig
from trio_balancer.config.networks import IPNetwork, network
from trio_balancer.policy.trust import Trust
from trio_balancer.wire.address import UnixAddress, inet_address

IPS = st.ip_addresses()
# Few bits in many places, so that networks often hold each other's addresses.
CLOSE_IPS = st.builds(
    lambda version, number: (
        ipaddress.IPv4Address(number) if version == 4 else ipaddress.IPv6Address(number)
    ),
    st.sampled_from([4, 6]),
    st.integers(0, 15).map(lambda bits: bits << 28),
)


@st.composite
def networks(draw: st.DrawFn) -> IPNetwork:
    ip = draw(IPS | CLOSE_IPS)
    length = draw(st.integers(0, ip.max_prefixlen))
    return ipaddress.ip_network((ip, length), strict=False)


@given(st.lists(networks(), max_size=5), IPS | CLOSE_IPS)
def test_who_is_in_a_trusted_network_is_trusted(
    trusted: list[IPNetwork], ip: ipaddress.IPv4Address | ipaddress.IPv6Address
) -> None:
    # Canonical on both sides, as everywhere.
    own = [network(str(each)) for each in trusted]
    client = inet_address(str(ip), 1)
    expected = any(client.ip in each for each in own)
    assert Trust(ProxyProtocolConfig(tuple(own))).trusts(client) == expected


@pytest.mark.parametrize(
    ("address", "trusted"),
    [("10.1.2.3", True), ("::ffff:10.1.2.3", True), ("11.0.0.1", False), ("::a01:203", False)],
)
def test_an_ipv4_network_trusts_its_mapped_addresses(address: str, *, trusted: bool) -> None:
    trust = Trust(ProxyProtocolConfig((network("10.0.0.0/8"),)))
    assert trust.trusts(inet_address(address, 1)) == trusted


@pytest.mark.parametrize("trusts_unix", [True, False])
def test_clients_without_an_ip_address_are_trusted_by_a_word_of_their_own(
    *, trusts_unix: bool
) -> None:
    everybody = (network("0.0.0.0/0"), network("::/0"))
    trust = Trust(ProxyProtocolConfig(everybody, trusts_unix))
    assert trust.trusts(UnixAddress("")) == trusts_unix
    assert trust.trusts(UnixAddress("/run/a")) == trusts_unix
    assert trust.trusts(inet_address("::1", 1))


def test_nobody_is_trusted_by_an_empty_list() -> None:
    assert not Trust(ProxyProtocolConfig(())).trusts(inet_address("127.0.0.1", 1))
