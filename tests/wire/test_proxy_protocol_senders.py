"""Headers that HAProxy, nginx and curl send."""

from __future__ import annotations

import socket
import ssl
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import trustme
from support.process import need
from support.proxy_programs import address_of, haproxy, listening_at, nginx
from support.servers import connect, free_port, silent_server

from trio_balancer.wire.address import InetAddress, inet_address
from trio_balancer.wire.proxy_protocol import ProxyHeader, Tlvs, parse_header

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAYLOAD = b"hello"


def _accept_header(server: socket.socket, payload: bytes = PAYLOAD) -> ProxyHeader:
    """Accept a connection, read its header as it comes, and check what follows."""
    connection, _ = server.accept()
    with connection:
        connection.settimeout(10)
        data = bytearray()
        while (header := parse_header(data)) is None or len(data) < header.size + len(payload):
            chunk = connection.recv(4096)
            assert chunk, f"the sender finished after {bytes(data)!r}"
            data += chunk
    assert data[header.size :].startswith(payload)
    return header


def _relay(listening: socket.socket, server: socket.socket, options: str, *, tls: str = "") -> str:
    """Write a section of HAProxy; `options` are those of its server, `tls` those of its `bind`."""
    port = server.getsockname()[1]
    return f"""
listen relay
    mode tcp
    unique-id-format connection-%[src_port]
    bind fd@{listening.fileno()} {tls}
    server one 127.0.0.1:{port} {options}
"""


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize(
    ("options", "version"),
    [
        ("send-proxy", 1),
        ("send-proxy-v2", 2),
        ("send-proxy-v2 proxy-v2-options crc32c", 2),
        ("send-proxy-v2 proxy-v2-options unique-id,crc32c", 2),
    ],
)
def test_a_header_of_haproxy(tmp_path: Path, host: str, options: str, version: int) -> None:
    need("haproxy")
    with silent_server() as server, listening_at(host) as listening:
        name = listening.getsockname()
        sections = _relay(listening, server, options)
        with (
            haproxy(tmp_path, sections, listening),
            socket.create_connection(name[:2], 10) as client,
        ):
            client.sendall(PAYLOAD)
            header = _accept_header(server)
            own = address_of(client.getsockname())
    assert (header.version, header.source, header.destination) == (version, own, address_of(name))
    unique_id = f"connection-{own.port}".encode() if "unique-id" in options else None
    assert header.tlvs == Tlvs(unique_id=unique_id)


@pytest.mark.parametrize("options", ["send-proxy", "send-proxy-v2"])
def test_a_header_of_haproxy_for_a_client_without_an_ip_address(
    tmp_path: Path, options: str
) -> None:
    need("haproxy")
    path = str(tmp_path / "listening")
    with silent_server() as server, socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        sections = _relay(listening, server, options)
        with haproxy(tmp_path, sections, listening), socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            client.sendall(PAYLOAD)
            header = _accept_header(server)
    assert header.local


def test_a_health_check_of_haproxy_is_local(tmp_path: Path) -> None:
    need("haproxy")
    with silent_server() as server, listening_at() as listening:
        options = "send-proxy-v2 check inter 100ms"
        sections = _relay(listening, server, options)
        with haproxy(tmp_path, sections, listening):
            header = _accept_header(server, payload=b"")
    assert header.version == 2
    assert header.local


# What HAProxy can say of a TLS client, and whether that has the name in its certificate.
TLS_EVERYTHING = "ssl,cert-cn,ssl-cipher,cert-sig,cert-key,authority,crc32c"
TLS_CASES = {
    "send-proxy-v2-ssl": False,
    "send-proxy-v2-ssl-cn": True,
    f"send-proxy-v2 proxy-v2-options {TLS_EVERYTHING}": True,
}


@pytest.mark.parametrize("options", TLS_CASES)
def test_a_header_of_haproxy_for_a_tls_client(tmp_path: Path, options: str) -> None:
    need("haproxy")
    authority = trustme.CA()
    with silent_server() as server, listening_at() as listening:
        sections = _relay(listening, server, options, tls=_haproxy_tls(tmp_path, authority))
        with (
            haproxy(tmp_path, sections, listening),
            _tls_client(authority, listening.getsockname()[1]) as client,
        ):
            client.sendall(PAYLOAD)
            header = _accept_header(server)
            own = address_of(client.getsockname())
            cipher = client.cipher()
    assert header.source == own
    assert header.tlvs.alpn == b"h2"
    told = header.tlvs.ssl
    assert told is not None
    assert (told.is_tls, told.is_verified, told.version) == (True, True, b"TLSv1.3")
    assert told.cn == (b"client.example" if TLS_CASES[options] else None)
    if TLS_EVERYTHING in options:
        assert cipher is not None
        assert told.cipher == cipher[0].encode()
        assert told.sig_alg
        assert told.key_alg
        assert header.tlvs.authority == b"www.example"


def _haproxy_tls(directory: Path, authority: trustme.CA) -> str:
    """Write what HAProxy needs to speak TLS, and return the words for its `bind`."""
    pem, ca = directory / "server.pem", directory / "ca.pem"
    authority.issue_cert("www.example").private_key_and_cert_chain_pem.write_to_path(str(pem))
    authority.cert_pem.write_to_path(str(ca))
    return f"ssl crt {pem} ca-file {ca} verify required alpn h2"


@contextmanager
def _tls_client(authority: trustme.CA, port: int) -> Iterator[ssl.SSLSocket]:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h2"])
    authority.configure_trust(context)
    authority.issue_cert(common_name="client.example").configure_cert(context)
    with (
        connect(port) as plain,
        context.wrap_socket(plain, server_hostname="www.example") as client,
    ):
        yield client


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_a_header_of_nginx(tmp_path: Path, host: str) -> None:
    need("nginx")
    port = free_port()
    with silent_server() as server:
        backend = server.getsockname()[1]
        stream = f"""
            server {{
                listen {host}:{port};
                proxy_protocol on;
                proxy_pass 127.0.0.1:{backend};
            }}
        """
        with nginx(tmp_path, stream=stream):
            name = (host.strip("[]"), port)
            with socket.create_connection(name, 10) as client:
                client.sendall(PAYLOAD)
                header = _accept_header(server)
                own = address_of(client.getsockname())
    assert (header.version, header.source, header.destination) == (1, own, address_of(name))


def test_a_header_of_curl() -> None:
    need("curl")
    with silent_server() as server:
        port = server.getsockname()[1]
        url = f"http://127.0.0.1:{port}/"
        with subprocess.Popen(
            ["curl", "-s", "--max-time", "10", "--haproxy-protocol", url]
        ) as curl:
            header = _accept_header(server, payload=b"GET / HTTP/1.1\r\n")
            curl.kill()
    assert header.version == 1
    assert isinstance(header.source, InetAddress)
    assert str(header.source.ip) == "127.0.0.1"
    assert header.destination == inet_address("127.0.0.1", port)
