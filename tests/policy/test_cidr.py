from __future__ import annotations

import ipaddress
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.access import listed

from trio_balancer.config.model_access import NetworkList
from trio_balancer.config.networks import IPNetwork
from trio_balancer.policy.cidr import NetworkRules, Rule
from trio_balancer.wire.address import IP, InetAddress, UnixAddress, inet_address

NOBODY = NetworkList()


def found(rules: NetworkRules, host: str) -> str:
    """Return the rule for a host as text, or "None"."""
    return str(rules.find(inet_address(host, 1)))


def test_the_longest_prefix_wins_over_both_lists() -> None:
    allow = listed("10.0.0.0/8", "10.6.6.6")
    rules = NetworkRules(allow, listed("10.6.6.0/24", "0.0.0.0/0"))
    assert found(rules, "10.1.1.1") == "allow 10.0.0.0/8"
    assert found(rules, "10.6.6.7") == "deny 10.6.6.0/24"
    assert found(rules, "10.6.6.6") == "allow 10.6.6.6/32"
    assert found(rules, "192.0.2.1") == "deny 0.0.0.0/0"


def test_at_equal_length_deny_wins() -> None:
    rules = NetworkRules(listed("10.0.0.0/8", "unix:"), listed("10.0.0.0/8", "unix:"))
    assert found(rules, "10.1.1.1") == "deny 10.0.0.0/8"
    assert str(rules.find(UnixAddress(""))) == "deny unix:"


def test_without_a_match_there_is_no_rule() -> None:
    rules = NetworkRules(listed("10.0.0.0/8"), listed("2001:db8::/32"))
    assert found(rules, "11.0.0.0") == "None"
    assert found(rules, "2001:db9::") == "None"
    assert rules.find(UnixAddress("/run/a")) is None
    assert NetworkRules(None, NOBODY).find(inet_address("::1", 1)) is None


def test_unix_clients_are_matched_by_the_word_alone() -> None:
    rules = NetworkRules(listed("unix:"), listed("0.0.0.0/0", "::/0"))
    assert rules.find(UnixAddress("/run/a")) == Rule(allow=True, network=None)
    assert found(rules, "::1") == "deny ::/0"


def test_the_ip_versions_are_apart() -> None:
    rules = NetworkRules(listed("::/0"), listed("0.0.0.0/0"))
    assert found(rules, "192.0.2.1") == "deny 0.0.0.0/0"
    assert found(rules, "::c000:201") == "allow ::/0"


def test_a_zone_is_no_part_of_an_address() -> None:
    assert found(NetworkRules(listed("fe80::/10"), NOBODY), "fe80::1%eth0") == "allow fe80::/10"


@pytest.mark.parametrize("mapped", ["::ffff:10.1.2.3", "::ffff:a01:203"])
def test_a_mapped_address_is_under_the_rule_for_ipv4(mapped: str) -> None:
    for rule in ("10.0.0.0/8", "::ffff:10.0.0.0/104"):
        assert found(NetworkRules(None, listed(rule)), mapped) == "deny 10.0.0.0/8"


# Addresses that have much in common, so that networks hold each other.
IPV4 = st.integers(0, 255).map(lambda bits: ipaddress.IPv4Address(0x0A000000 + bits * 0x10101))
IPV6 = st.integers(0, 255).map(
    lambda bits: ipaddress.IPv6Address((0x20010DB8 << 96) + (bits << 60))
)
IPS = IPV4 | IPV6


@st.composite
def networks(draw: st.DrawFn) -> IPNetwork:
    ip = draw(IPS)
    length = draw(st.integers(0, ip.max_prefixlen))
    return ipaddress.ip_network((ip, length), strict=False)


LISTS = st.lists(networks(), max_size=8).map(lambda found: NetworkList(tuple(found)))


@given(LISTS, LISTS, IPS)
def test_it_agrees_with_a_model_that_tries_all(
    allow: NetworkList, deny: NetworkList, ip: IP
) -> None:
    matching = [Rule(True, each) for each in allow.networks if ip in each]  # noqa: FBT003 - a rule
    matching += [Rule(False, each) for each in deny.networks if ip in each]  # noqa: FBT003 - a rule
    matching.sort(key=lambda rule: (rule.network.prefixlen if rule.network else 0, not rule.allow))
    expected = matching[-1] if matching else None
    assert NetworkRules(allow, deny).find(InetAddress(ip, 1)) == expected


@given(LISTS, LISTS, st.ip_addresses(v=4) | IPV4)
def test_both_ways_of_writing_an_ipv4_address_are_decided_alike(
    allow: NetworkList, deny: NetworkList, ip: ipaddress.IPv4Address
) -> None:
    """As it comes to an IPv4 listener, and to one for both versions."""
    rules = NetworkRules(allow, deny)
    assert found(rules, str(ip)) == found(rules, f"::ffff:{ip}")


def test_a_hundred_thousand_networks() -> None:
    rng = random.Random(4)
    numbers = rng.sample(range(1 << 24), 100_000)
    deny = NetworkList(tuple(ipaddress.IPv4Network((number << 8, 24)) for number in numbers))
    rules = NetworkRules(None, deny)
    hits = sum(
        rules.find(InetAddress(ipaddress.IPv4Address(number << 8 | 7), 1)) is not None
        for number in (*numbers[:1000], *range(1000))
    )
    assert hits == 1000 + len({*numbers} & {*range(1000)})
