from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.proxy_headers import IPV4, IPV6, TLVS, UNIX

from trio_balancer.wire.address import SocketAddress, UnixAddress, inet_address
from trio_balancer.wire.proxy_header import ProxyHeader, ProxyProtocolError, Tlvs
from trio_balancer.wire.proxy_v2 import MAX_HEADER, encode_local, encode_v2, parse_v2

SIGNATURE = bytes.fromhex("0d0a0d0a000d0a515549540a")
IPV4_CLIENT, IPV4_SERVER = inet_address("192.0.2.1", 56324), inet_address("192.0.2.2", 443)
IPV6_CLIENT = inet_address("2001:db8::1", 1)
INET = IPV4 | IPV6


@given(source=INET, destination=INET, tlvs=TLVS, crc32c=st.booleans())
def test_a_header_reads_as_it_is_written(
    source: SocketAddress, destination: SocketAddress, tlvs: Tlvs, *, crc32c: bool
) -> None:
    header = encode_v2(source, destination, tlvs, crc32c=crc32c)
    assert parse_v2(header + b"payload") == ProxyHeader(2, len(header), source, destination, tlvs)


@given(unix=UNIX, other=INET | UNIX, tlvs=TLVS, crc32c=st.booleans())
def test_without_two_ip_addresses_nothing_is_announced(
    unix: SocketAddress, other: SocketAddress, tlvs: Tlvs, *, crc32c: bool
) -> None:
    for source, destination in ((unix, other), (other, unix)):
        assert encode_v2(source, destination, tlvs, crc32c=crc32c) == encode_local()


@given(UNIX, UNIX)
def test_unix_sockets_are_understood(source: UnixAddress, destination: UnixAddress) -> None:
    paths = [os.fsencode(each.path).ljust(108, b"\0") for each in (source, destination)]
    header = SIGNATURE + bytes.fromhex("21 31 00d8") + b"".join(paths)
    assert parse_v2(header) == ProxyHeader(2, 232, source, destination)


@pytest.mark.parametrize(
    ("source", "destination", "rest"),
    [
        (IPV4_CLIENT, IPV4_SERVER, "21 11 000c c0000201 c0000202 dc04 01bb"),
        (
            IPV6_CLIENT,
            IPV4_SERVER,
            "21 21 0024 20010db8" + "00" * 11 + "01" + "00" * 10 + "ffffc0000202 0001 01bb",
        ),
        (IPV4_CLIENT, UnixAddress("/a"), "20 00 0000"),
    ],
)
def test_headers(source: SocketAddress, destination: SocketAddress, rest: str) -> None:
    assert encode_v2(source, destination) == SIGNATURE + bytes.fromhex(rest)


def test_our_own_connections_are_local() -> None:
    assert encode_local() == SIGNATURE + bytes.fromhex("20 00 0000")
    assert parse_v2(encode_local()) == ProxyHeader(2, 16)


def test_a_header_that_does_not_fit_is_refused() -> None:
    fits = Tlvs(alpn=bytes(65535 - 12 - 3))
    assert len(encode_v2(IPV4_CLIENT, IPV4_SERVER, fits)) == 16 + 65535
    with pytest.raises(ValueError, match="cannot have 65542 bytes after its first 16"):
        encode_v2(IPV4_CLIENT, IPV4_SERVER, fits, crc32c=True)


def test_the_longest_header_that_is_read() -> None:
    longest = encode_v2(IPV4_CLIENT, IPV4_SERVER, Tlvs(alpn=bytes(MAX_HEADER - 31)))
    too_long = encode_v2(IPV4_CLIENT, IPV4_SERVER, Tlvs(alpn=bytes(MAX_HEADER - 30)))
    assert parse_v2(longest[:-1]) is None
    header = parse_v2(longest)
    assert header is not None
    assert header.size == MAX_HEADER
    # Refused for what it declares, before that arrives.
    with pytest.raises(ProxyProtocolError, match="a PROXY header of 16385 bytes is too long"):
        parse_v2(too_long[:16])


@pytest.mark.parametrize(
    ("rest", "sentence"),
    [
        ("11", "0x11 is no version and command"),
        ("22", "0x22 is no version and command"),
        ("21 41", "0x41 is no address family"),
        ("21 13", "0x13 is no address family"),
        ("21 11 000b", "has no room for addresses in 11 bytes"),
    ],
)
def test_the_first_wrong_byte_is_enough(rest: str, sentence: str) -> None:
    beginning = SIGNATURE + bytes.fromhex(rest)
    with pytest.raises(ProxyProtocolError, match=sentence):
        parse_v2(beginning)
    if len(beginning) < 16:
        assert parse_v2(beginning[:-1]) is None
