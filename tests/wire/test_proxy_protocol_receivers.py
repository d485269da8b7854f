"""What HAProxy and nginx make of our headers, and of everybody else's."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from support.process import need
from support.proxy_programs import address_of, haproxy, listening_at, nginx
from support.proxy_vectors import ACCEPTED, REFUSED
from support.servers import connect, exchange, free_port

from trio_balancer.wire.address import InetAddress, UnixAddress, inet_address
from trio_balancer.wire.proxy_protocol import Tlvs, encode_local, encode_v1, encode_v2

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CLIENT, SERVER = inet_address("192.0.2.1", 56324), inet_address("192.0.2.2", 443)
CLIENT_6, SERVER_6 = inet_address("2001:db8::1", 56324), inet_address("2001:db8::2", 443)


# Our headers, and what each should make a receiver believe.
NAMED = Tlvs(authority=b"www.example", unique_id=b"17")
OURS = {
    "v1": (encode_v1(CLIENT, SERVER), CLIENT, SERVER),
    "v1 IPv6": (encode_v1(CLIENT_6, SERVER_6), CLIENT_6, SERVER_6),
    "v1 from IPv4 to IPv6": (encode_v1(CLIENT, SERVER_6), CLIENT, SERVER_6),
    "v1 from IPv6 to IPv4": (encode_v1(CLIENT_6, SERVER), CLIENT_6, SERVER),
    "v2": (encode_v2(CLIENT, SERVER), CLIENT, SERVER),
    "v2 IPv6": (encode_v2(CLIENT_6, SERVER_6), CLIENT_6, SERVER_6),
    "v2 from IPv4 to IPv6": (encode_v2(CLIENT, SERVER_6), CLIENT, SERVER_6),
    "v2 from IPv6 to IPv4": (encode_v2(CLIENT_6, SERVER), CLIENT_6, SERVER),
    "v2 CRC32C": (encode_v2(CLIENT, SERVER, crc32c=True), CLIENT, SERVER),
    "v2 TLVs": (encode_v2(CLIENT, SERVER, NAMED, crc32c=True), CLIENT, SERVER),
}
# Those that announce nobody: the receiver takes the addresses of the socket.
OURS_LOCAL = {
    "v1 UNKNOWN": encode_v1(UnixAddress(""), UnixAddress("/run/a")),
    "v2 LOCAL": encode_local(),
    "v2 of a Unix socket": encode_v2(UnixAddress(""), UnixAddress("/run/a"), NAMED, crc32c=True),
}
REQUEST = b"GET / HTTP/1.0\r\n\r\n"


def _told(port: int, header: bytes) -> tuple[list[str], InetAddress]:
    """Send a header and a request; return what is told, and our own address.

    Raises ConnectionError where the header is refused.
    """
    with connect(port) as client:
        own = address_of(client.getsockname())
        head, _, body = exchange(client, header + REQUEST).partition(b"\r\n\r\n")
    if b" 200 " not in head:
        raise ConnectionError(f"refused: {head!r}")
    return body.decode(errors="replace").split(","), own


@contextmanager
def _haproxy_receiver(directory: Path) -> Iterator[int]:
    """Run an HAProxy that accepts headers only, and answers with what it has learnt."""
    need("haproxy")
    facts = "%[src],%[src_port],%[dst],%[dst_port],%[fc_pp_authority],%[fc_pp_unique_id]"
    with listening_at() as listening:
        sections = f"""
frontend receiver
    mode http
    bind fd@{listening.fileno()} accept-proxy
    http-request return status 200 content-type text/plain lf-string "{facts}"
"""
        with haproxy(directory, sections, listening):
            yield listening.getsockname()[1]


def test_haproxy_understands_ours(tmp_path: Path) -> None:
    with _haproxy_receiver(tmp_path) as port:
        for name, (header, source, destination) in OURS.items():
            words, _ = _told(port, header)
            addresses = [inet_address(words[at], int(words[at + 1])) for at in (0, 2)]
            assert addresses == [source, destination], name
            assert words[4:] == (["www.example", "17"] if name == "v2 TLVs" else ["", ""]), name


def test_haproxy_takes_our_own_connections_for_such(tmp_path: Path) -> None:
    with _haproxy_receiver(tmp_path) as port:
        for name, header in OURS_LOCAL.items():
            words, own = _told(port, header)
            assert inet_address(words[0], int(words[1])) == own, name


# HAProxy reads numbers with atoi(), which takes what the specification refuses.
HAPROXY_BELIEVES = {
    "v1 port 65536",
    "v1 port 99999",
    "v1 leading zero in a port",
    "v1 leading zero in an address",
    "v1 address of three numbers",
    "v1 address of a number",
    "v1 address above 255",
}


def test_haproxy_and_we_never_believe_in_different_clients(tmp_path: Path) -> None:
    # It may refuse: the specification leaves open what becomes of Unix sockets and UDP.
    with _haproxy_receiver(tmp_path) as port:
        for name, (data, header) in ACCEPTED.items():
            assert _client_for_haproxy(port, data) in {header.source, "refused"}, name
        believed = {
            name for name, data in REFUSED.items() if _client_for_haproxy(port, data) != "refused"
        }
    assert believed <= HAPROXY_BELIEVES


def _client_for_haproxy(port: int, header: bytes) -> InetAddress | str | None:
    """Return who is the client, None where that is ourselves."""
    try:
        told, own = _told(port, header)
    except TimeoutError:
        raise
    except OSError:
        return "refused"
    # It does not print a port 0.
    client = inet_address(told[0], int(told[1] or 0))
    return None if client == own else client


@contextmanager
def _nginx_receiver(directory: Path) -> Iterator[int]:
    """Run an nginx that accepts headers only, and answers with what it has learnt."""
    need("nginx")
    port = free_port()
    client = "$proxy_protocol_addr,$proxy_protocol_port"
    server = "$proxy_protocol_server_addr,$proxy_protocol_server_port"
    http = f"""
        server {{
            listen 127.0.0.1:{port} proxy_protocol;
            location / {{ return 200 "{client},{server}"; }}
        }}
    """
    with nginx(directory, http=http):
        yield port


def test_nginx_understands_ours(tmp_path: Path) -> None:
    with _nginx_receiver(tmp_path) as port:
        for name, (header, source, destination) in OURS.items():
            words, _ = _told(port, header)
            addresses = [inet_address(words[at], int(words[at + 1])) for at in (0, 2)]
            assert addresses == [source, destination], name


def test_nginx_takes_our_own_connections_for_such(tmp_path: Path) -> None:
    with _nginx_receiver(tmp_path) as port:
        for name, header in OURS_LOCAL.items():
            assert _told(port, header)[0] == [""] * 4, name
