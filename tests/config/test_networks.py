from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.config.networks import network
from trio_balancer.config.values import MisspeltError


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("192.0.2.1", "192.0.2.1/32"),
        ("192.0.2.1/32", "192.0.2.1/32"),
        ("::1", "::1/128"),
        ("2001:DB8:0::/32", "2001:db8::/32"),
        ("::/0", "::/0"),
        ("::/100", "::/100"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
        ("::ffff:192.0.2.1", "192.0.2.1/32"),
    ],
)
def test_networks(text: str, canonical: str) -> None:
    assert str(network(text)) == canonical


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("10.0.0.1/8", "10.0.0.0/8"),
        ("2001:db8::1/32", "2001:db8::/32"),
        ("::ffff:10.0.0.1/104", "10.0.0.0/8"),
        ("::ffff:10.0.0.0/90", "::ffc0:0:0/90"),
    ],
)
def test_bits_after_the_prefix_are_a_mistake(text: str, suggestion: str) -> None:
    with pytest.raises(MisspeltError, match="without bits after its prefix") as caught:
        network(text)
    assert caught.value.suggestion == suggestion


@pytest.mark.parametrize(
    "value",
    [
        8,
        True,
        [],
        "",
        "/8",
        "a.example",
        "10.0.0.0:80",
        "unix:",
        "010.0.0.0/8",
        "10.0.0/8",
        "9" * 9999,
    ],
)
def test_what_is_no_network_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"expected a network like '10\.0\.0\.0/8'"):
        network(value)


@pytest.mark.parametrize(
    "length", ["", "33", "08", "-1", "+8", " 8", "8 ", "8/8", "255.0.0.0", "٨", "9" * 5000]
)
def test_what_is_no_prefix_length_is_refused(length: str) -> None:
    with pytest.raises(ValueError, match="expected a prefix length from 0 to 32"):
        network(f"10.0.0.0/{length}")


def test_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a network without a zone"):
        network("fe80::1%eth0")


@given(st.text() | st.text(st.sampled_from("0123456789abcf:./%")))
def test_any_text_is_a_network_or_a_short_sentence(text: str) -> None:
    try:
        answer = str(network(text))
    except ValueError as error:
        answer = str(error)
    assert answer.isprintable()
    assert len(answer) < 200


@given(st.ip_addresses(v=4), st.integers(0, 32))
def test_a_mapped_network_is_the_ipv4_one(ip: ipaddress.IPv4Address, length: int) -> None:
    plain = ipaddress.IPv4Network((ip, length), strict=False)
    assert network(str(plain)) == plain
    assert network(f"::ffff:{plain.network_address}/{length + 96}") == plain
