from __future__ import annotations

import pytest
from hypothesis import given
from support.proxy_headers import IPV4, IPV6, UNIX

from trio_balancer.wire.address import InetAddress, SocketAddress, inet_address
from trio_balancer.wire.proxy_header import ProxyHeader, ProxyProtocolError
from trio_balancer.wire.proxy_v1 import MAX_LINE, encode_v1, parse_v1

CLIENT_4, SERVER_4 = inet_address("192.0.2.1", 56324), inet_address("192.0.2.2", 443)
CLIENT_6, SERVER_6 = inet_address("2001:db8::1", 1), inet_address("2001:db8::2", 65535)


@pytest.mark.parametrize(
    ("source", "destination", "line"),
    [
        (CLIENT_4, SERVER_4, b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n"),
        (CLIENT_6, SERVER_6, b"PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n"),
        (CLIENT_4, SERVER_6, b"PROXY TCP6 ::ffff:c000:201 2001:db8::2 56324 65535\r\n"),
        (CLIENT_6, SERVER_4, b"PROXY TCP6 2001:db8::1 ::ffff:c000:202 1 443\r\n"),
        (inet_address("fe80::1%eth0", 1), SERVER_6, b"PROXY TCP6 fe80::1 2001:db8::2 1 65535\r\n"),
    ],
)
def test_lines(source: InetAddress, destination: InetAddress, line: bytes) -> None:
    assert encode_v1(source, destination) == line
    assert parse_v1(line) == ProxyHeader(1, len(line), source, destination)


@given(IPV4 | IPV6, IPV4 | IPV6)
def test_a_line_reads_as_it_is_written(source: InetAddress, destination: InetAddress) -> None:
    line = encode_v1(source, destination)
    assert len(line) <= 104
    assert parse_v1(line + b"PROXY") == ProxyHeader(1, len(line), source, destination)


@given(UNIX, IPV4 | IPV6 | UNIX)
def test_unix_sockets_have_no_words(one: SocketAddress, other: SocketAddress) -> None:
    for line in (encode_v1(one, other), encode_v1(other, one)):
        assert line == b"PROXY UNKNOWN\r\n"
        assert parse_v1(line) == ProxyHeader(1, len(line))


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n", "announces port 65536, above 65535"),
        (b"PROXY TCP6 ::1 1.2.3.4 1 1\r\n", "for TCP6 announces 1.2.3.4"),
        (b"PROXY TCP4 1.2.3.4 ::1 1 1\r\n", "for TCP4 announces ::1"),
        (b"PROXY TCP4 1.2.3.4.5 1.2.3.4 1 1\r\n", "announces 1.2.3.4.5, which is no address"),
        (b"PROXY TCP4 1.2.3.4\r\n", "'PROXY TCP4 1.2.3.4' is no PROXY line"),
        (b"PROXY TCP4 1.2.3.4\rx", "must end in CR and LF, not in one of them"),
        (b"PROXY UNKNOWN ".ljust(MAX_LINE, b"x"), "did not end within 107 bytes"),
        (b"PROXY UNKNOWN ".ljust(MAX_LINE, b"x") + b"\r\n", "did not end within 107 bytes"),
        (b"PROXY TCP5 1.2.3.4", "expected a PROXY protocol header, got 'PROXY TCP5 1.2.3.4'"),
    ],
)
def test_the_error_says_what_is_wrong(line: bytes, sentence: str) -> None:
    with pytest.raises(ProxyProtocolError) as caught:
        parse_v1(line)
    assert str(caught.value).endswith(sentence)


def test_the_longest_line() -> None:
    line = b"PROXY UNKNOWN ".ljust(MAX_LINE - 2, b"f") + b"\r\n"
    assert parse_v1(line[:-1]) is None
    assert parse_v1(line) == ProxyHeader(1, MAX_LINE)
