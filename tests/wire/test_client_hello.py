from __future__ import annotations

import ssl

import pytest
from support.hellos import (
    alpn,
    body,
    extension,
    hello_with,
    host_name,
    message,
    message_of,
    real_hello,
    record,
    records,
    server_name,
    vector,
)

from trio_balancer.wire.client_hello import (
    MAX_HELLO,
    MAX_LISTED,
    MAX_RECORDS,
    ClientHello,
    ClientHelloError,
    HelloReader,
    NotTlsError,
    parse_client_hello,
)

BOTH = (b"h2", b"http/1.1")
NAME = server_name(host_name(b"a.example"))
NOTHING = ClientHello(None, ())


def memory_hello(name: str | None, version: ssl.TLSVersion, protocols: list[str]) -> bytes:
    """Return what this Python's own TLS library sends first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(protocols)
    sent = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return sent.read()


@pytest.mark.parametrize(
    ("program", "hello"),
    [
        ("chromium", ClientHello("a.example", BOTH)),
        ("curl", ClientHello("a.example", BOTH)),
        ("gnutls", ClientHello("a.example", BOTH)),
        ("openssl_alpn", ClientHello("a.example", BOTH)),
        ("openssl_no_name", NOTHING),
        ("openssl_tls12_only", ClientHello("a.example", ())),
        ("openssl_tls13_only", ClientHello("a.example", ())),  # not seen by Envoy: CVE-2020-8660
    ],
)
def test_what_real_programs_say(program: str, hello: ClientHello) -> None:
    assert parse_client_hello(real_hello(program)) == hello


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_what_python_says(version: ssl.TLSVersion) -> None:
    sent = memory_hello("A.Example", version, ["x", "http/1.1"])
    assert parse_client_hello(sent) == ClientHello("a.example", (b"x", b"http/1.1"))
    assert parse_client_hello(memory_hello(None, version, ["h2"])) == ClientHello(None, (b"h2",))


def test_the_largest_name() -> None:
    name = ".".join(["a" * 63] * 3 + ["b" * 61])
    assert parse_client_hello(hello_with(server_name(host_name(name.encode() + b".")))) == (
        ClientHello(name, ())
    )


@pytest.mark.parametrize("rest", [b"", vector(2, b"")])
def test_a_client_without_extensions(rest: bytes) -> None:
    assert parse_client_hello(record(message(body(rest)))) == NOTHING


@pytest.mark.parametrize("address", [b"127.0.0.1", b"::1"])
def test_an_ip_address_counts_as_no_name(address: bytes) -> None:
    assert parse_client_hello(hello_with(server_name(host_name(address)))) == NOTHING


def test_what_nobody_knows_means_nothing() -> None:
    grease = extension(0x0A0A, b""), extension(0xFAFA, b"\0"), alpn(b"\x1a\x1a", b"h2", b"\xfa\xfa")
    assert parse_client_hello(hello_with(*grease)) == ClientHello(None, (b"h2",))


def test_protocols_may_be_any_bytes_and_are_logged_safely() -> None:
    hello = parse_client_hello(hello_with(alpn(b"h2", b"\xff\n", "ä".encode())))
    assert hello == ClientHello(None, (b"h2", b"\xff\n", b"\xc3\xa4"))
    assert hello.alpn_text == ("h2", r"\udcff\n", "ä")


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n", b"\x80\x2e\x01\x03\x01", b"\x16\x16"])
def test_another_protocol(data: bytes) -> None:
    with pytest.raises(NotTlsError, match="does not speak TLS"):
        parse_client_hello(data)


@pytest.mark.parametrize(
    ("hello", "problem"),
    [
        (record(b"\x02"), "expected a ClientHello, got the TLS message 2"),
        (record(b"\x01") + record(b"\0", kind=21), "interrupted by something else"),
        (record(b"\x01") + record(b""), "a TLS record of 0 bytes"),
        (record(message(body()) + b"x"), "its last record goes on after its end"),
        (record(message(b"")), "the message is cut short"),
        (record(message(bytes(34))), "the message is cut short"),
        (record(message(body(session=bytes(33)))), "a field of 33 bytes"),
        (record(message(body(ciphers=b""))), "a field of 0 bytes"),
        (record(message(body(ciphers=b"\x13"))), "a field of 1 bytes"),
        (record(message(body(compression=b""))), "a field of 0 bytes"),
        (record(message(body(b"\0"))), "the message is cut short"),
        (record(message(body(b"\0\x01"))), "the message is cut short"),
        (record(message(body(vector(2, NAME) + b"x"))), "the message goes on for 1 bytes"),
        (hello_with(NAME[:-1]), "its list of extensions is cut short"),
        (hello_with(NAME, b"\0"), "its list of extensions is cut short"),
        (hello_with(NAME, NAME), "extension 0 comes twice"),
        (hello_with(extension(7, b""), extension(7, b"")), "extension 7 comes twice"),
        (hello_with(extension(0, b"")), "its server_name is cut short"),
        (hello_with(server_name()), "its server_name has a field of 0 bytes"),
        (hello_with(server_name(host_name(b""))), "its server_name has a field of 0 bytes"),
        (hello_with(server_name(host_name(b"a")[:-1])), "its server_name is cut short"),
        (hello_with(server_name(host_name(b"a"), host_name(b"b"))), "goes on for 4 bytes"),
        (hello_with(server_name(b"\x01" + vector(2, b"a"))), "server_name of the unknown type 1"),
        (hello_with(extension(0, vector(2, host_name(b"a")) + b"x")), "goes on for 1 bytes"),
        (hello_with(extension(16, b"\0")), r"its list of protocols \(ALPN\) is cut short"),
        (hello_with(alpn()), r"\(ALPN\) has a field of 0 bytes"),
        (hello_with(alpn(b"h2", b"")), r"\(ALPN\) has a field of 0 bytes"),
        (hello_with(extension(16, vector(2, b"\x03h2"))), r"\(ALPN\) is cut short"),
    ],
)
def test_what_is_malformed_is_refused(hello: bytes, problem: str) -> None:
    with pytest.raises(ClientHelloError, match=problem):
        parse_client_hello(hello)


@pytest.mark.parametrize(
    "name",
    [b".", b"a..", b"a b", b"a\0", b"a\n2026 forged line", b"\x1b[31m", b"b\xfccher", b"a" * 300],
)
def test_what_is_no_host_name_is_refused_and_shown_safely(name: bytes) -> None:
    with pytest.raises(ClientHelloError, match="is no host name") as caught:
        parse_client_hello(hello_with(server_name(host_name(name))))
    assert str(caught.value).isascii()
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 250


def padded(size: int) -> bytes:
    """Return the message of a ClientHello that has this many bytes in all."""
    rest = size - len(message(body(vector(2, NAME + extension(21, b"")))))
    return message(body(vector(2, NAME + extension(21, bytes(rest)))))


def test_the_longest_hello() -> None:
    full = padded(MAX_HELLO)
    assert len(full) == MAX_HELLO
    assert parse_client_hello(records(full, 2**14)) == ClientHello("a.example", ())


def test_a_longer_one_is_refused_by_the_length_that_it_declares() -> None:
    declared = b"\x01" + (MAX_HELLO - 3).to_bytes(3, "big")
    with pytest.raises(ClientHelloError, match="a ClientHello of 65537 bytes; 65536 are allowed"):
        parse_client_hello(record(declared))


def test_records_are_bounded() -> None:
    most = records(padded(MAX_RECORDS), 1)
    assert parse_client_hello(most) == ClientHello("a.example", ())
    one_more = records(padded(MAX_RECORDS + 1), 1)
    assert parse_client_hello(one_more[: 6 * MAX_RECORDS - 1]) is None
    with pytest.raises(ClientHelloError, match="in more than 4096 TLS records"):
        parse_client_hello(one_more[: 6 * MAX_RECORDS])


def test_lists_are_bounded() -> None:
    protocols = [b"x"] * MAX_LISTED
    others = [extension(at, b"") for at in range(100, 100 + MAX_LISTED)]
    assert parse_client_hello(hello_with(alpn(*protocols))) == ClientHello(None, tuple(protocols))
    assert parse_client_hello(hello_with(*others)) == NOTHING
    with pytest.raises(ClientHelloError, match=r"more than 256 protocols \(ALPN\)"):
        parse_client_hello(hello_with(alpn(*protocols, b"x")))
    with pytest.raises(ClientHelloError, match="more than 256 extensions"):
        parse_client_hello(hello_with(*others, NAME))


def test_the_backend_reads_all_of_it_again() -> None:
    hello, early_data = hello_with(NAME), record(b"GET /", kind=23)
    reader = HelloReader()
    assert reader.feed(hello[:9]) is None
    assert reader.received == hello[:9]
    assert reader.feed(hello[9:] + early_data) == ClientHello("a.example", ())
    assert reader.received == hello + early_data


def test_what_is_kept_before_an_answer_is_bounded() -> None:
    """Nothing is longer than the longest message in the most records, and one record more."""
    full = padded(MAX_HELLO)
    tiny = records(full[: MAX_RECORDS - 5], 1)
    large = records(full[MAX_RECORDS - 5 : -1], 2**14)
    reader = HelloReader()
    assert reader.feed(tiny + large + record(bytes(2**14))[:-1]) is None
    assert 99 * 1024 < len(reader.received) < 100 * 1024


def test_a_real_hello_may_need_several_segments() -> None:
    hello = real_hello("chromium")
    assert len(message_of(hello)) > 1460
    assert b"\x11\xec\x04\xc0" in hello  # a key share of X25519MLKEM768 and its length
