from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.wire.address import (
    Address,
    AddressError,
    InetAddress,
    NamedAddress,
    UnixAddress,
    canonical_ip,
    inet_address,
    parse_address,
)

if TYPE_CHECKING:
    import ipaddress

IPS = st.ip_addresses()
PORTS = st.integers(0, 65535)


@given(IPS, PORTS)
def test_a_numeric_address_reads_as_it_is_written(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int
) -> None:
    address = inet_address(str(ip), port)
    assert address.port == port
    assert parse_address(str(address)) == address
    assert str(parse_address(str(address))) == str(address)


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_the_ipv4_one(ip: ipaddress.IPv4Address) -> None:
    assert canonical_ip(f"::ffff:{ip}") == ip
    assert parse_address(f"[::ffff:{ip}]:80") == InetAddress(ip, 80)


@pytest.mark.parametrize(
    "text", ["", "010.0.0.1", "1.2.3", "::1%eth0", "1.2.3.4/8", "a", "\uff11.2.3.4"]
)
def test_what_is_no_ip(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        canonical_ip(text)


def test_a_zone_is_kept_for_dialling_and_not_compared() -> None:
    address = parse_address("[fe80::1%eth0]:80")
    assert isinstance(address, InetAddress)
    assert address.host == "fe80::1%eth0"
    assert str(address) == "[fe80::1%eth0]:80"
    assert address == inet_address("fe80::1", 80)
    assert hash(address) == hash(inet_address("fe80::1", 80))


@pytest.mark.parametrize(
    "host",
    ["fe80::1%", "fe80::1%a%b", "fe80::1%a\nb", "fe80::1%a b", "1.2.3.4%eth0", "::ffff:1.2.3.4%a"],
)
def test_what_is_no_zone(host: str) -> None:
    with pytest.raises(ValueError, match="has a zone that is none"):
        inet_address(host, 80)
    with pytest.raises(AddressError):
        parse_address(f"[{host}]:80" if host.count(":") else f"{host}:80")


@pytest.mark.parametrize("name", ["localhost", "a.example.", "my_app", "app-1", "1a.example"])
def test_a_host_name(name: str) -> None:
    address = parse_address(f"{name}:80")
    assert address == NamedAddress(name, 80)
    assert str(address) == f"{name}:80"


def test_a_unix_path() -> None:
    address = parse_address("unix:/run/a:b.sock")
    assert address == UnixAddress("/run/a:b.sock")
    assert str(address) == "unix:/run/a:b.sock"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not an address: expected HOST:PORT"),
        ("localhost", "is not an address: expected HOST:PORT"),
        (":80", "is not an address: expected HOST:PORT"),
        ("a:", "has no port number: '' is not one"),
        ("a:http", "has no port number: 'http' is not one"),
        ("a:\u0663", "has no port number"),
        ("a:-1", "has no port number"),
        ("a:65536", "has a port above 65535"),
        ("a:999999", "has a port above 65535"),
        ("[::1:80", r"lacks the '\]' after its IPv6 address"),
        ("[a]:80", "has no IPv6 address between its brackets"),
        ("[127.0.0.1]:80", "has no IPv6 address between its brackets"),
        ("[]:80", "has no IPv6 address between its brackets"),
        ("[::g]:80", "has no IPv6 address between its brackets"),
        ("::1:80", "an IPv6 address is written in brackets"),
        ("1.2.3:80", "is neither an IP address nor a host name"),
        ("1.2.3.256:80", "is neither an IP address nor a host name"),
        ("-a:80", "is neither an IP address nor a host name"),
        ("a..b:80", "is neither an IP address nor a host name"),
        ("a b:80", "is neither an IP address nor a host name"),
        (f"{'a' * 64}:80", "is neither an IP address nor a host name"),
        ("unix:", "names no path after 'unix:'"),
        ("unix:a\0b", "names no path after 'unix:'"),
    ],
)
def test_what_is_no_address(text: str, message: str) -> None:
    with pytest.raises(AddressError, match=message):
        parse_address(text)


def _parsed(text: str) -> Address | None:
    try:
        return parse_address(text)
    except AddressError:
        return None


@given(st.text() | st.text(st.sampled_from("[]:.%/1af unix-"), max_size=20))
def test_any_text_is_an_address_that_reads_the_same_or_an_address_error(text: str) -> None:
    address = _parsed(text)
    assert address is None or parse_address(str(address)) == address


@pytest.mark.parametrize(
    "text", ["x" * 10**6, "x" * 10**6 + ":80", f"a:{'y' * 10**6}"], ids=str.__len__
)
def test_an_endless_text_is_not_repeated_in_the_error(text: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse_address(text)
    assert len(str(caught.value)) < 250
