from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.wire.address import UnixAddress
from trio_balancer.wire.proxy_header import ProxyHeader, SslInfo, Tlvs, readable, show


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"", ""),
        (b"www.example", "www.example"),
        ("bücher.example".encode(), "bücher.example"),
        (b"a\r\nb\x1b[31m", r"a\r\nb\x1b[31m"),
        (b'"\\', r"\"\\"),
        (b"a\xff\x00", r"a\udcff\x00"),
        (b"x" * 255, "x" * 255),
        (b"x" * 256, "x" * 255 + "..."),
        (b"x" * 254 + "ü".encode(), "x" * 254 + r"\udcc3" + "..."),
    ],
)
def test_what_was_announced_can_be_logged(value: bytes, text: str) -> None:
    assert readable(value) == text
    assert Tlvs(authority=value).authority_text == text


@given(st.binary(max_size=300))
def test_no_value_can_forge_a_line(value: bytes) -> None:
    text = readable(value)
    assert text.isprintable()
    text.encode()
    assert len(text) <= 255 * 6 + 3


@given(st.binary(max_size=255), st.binary(max_size=255))
def test_no_two_values_look_alike(one: bytes, other: bytes) -> None:
    assert (readable(one) == readable(other)) == (one == other)


def test_no_authority_has_no_text() -> None:
    assert Tlvs().authority_text is None


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n" * 9, bytearray(b"\x1b\n\xff" * 99), b""])
def test_what_is_no_header_is_shown_in_short(data: bytes | bytearray) -> None:
    assert show(data).isascii()
    assert show(data).isprintable()
    assert len(show(data)) <= 40 * 4 + 2


@pytest.mark.parametrize(
    ("client", "verify", "is_tls", "is_verified"),
    [
        (0, 0, False, False),
        (1, 0, True, False),
        (1, 1, True, False),
        (3, 0, True, True),
        (5, 0, True, True),
        (7, 19, True, False),
    ],
)
def test_a_certificate_is_verified_only_where_there_is_one(
    client: int, verify: int, *, is_tls: bool, is_verified: bool
) -> None:
    ssl = SslInfo(client, verify)
    assert (ssl.is_tls, ssl.is_verified) == (is_tls, is_verified)


def test_a_header_without_addresses_is_local() -> None:
    client = UnixAddress("")
    assert ProxyHeader(1, 15).local
    assert not ProxyHeader(2, 232, client, client).local
