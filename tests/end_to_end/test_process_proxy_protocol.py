"""PROXY headers that HAProxy, nginx and curl send to a running balancer."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest
from support.certificates import Authority
from support.process import Process, balancer, config_text, need
from support.proxy_programs import haproxy, listening_at, nginx
from support.servers import connect, echo_server, free_port, silent_server
from support.visits import Visit, visit
from support.web_clients import curl

from trio_balancer.wire.proxy_protocol import ProxyHeader, parse_header

JSON = 'format = "json"'
TRUSTING = 'proxy_protocol = { trusted = ["127.0.0.1"] }'
RULES = 'access = { deny = ["127.6.6.0/24"] }'


def _relay(listening: socket.socket, port: int, options: str, *, tls: str = "") -> str:
    """Write a section of HAProxy that leads to a port; `options` are those of its server."""
    return f"""
listen relay
    mode tcp
    unique-id-format connection-%[src_port]
    bind fd@{listening.fileno()} {tls}
    server one 127.0.0.1:{port} {options}
"""


@pytest.mark.parametrize(
    "options",
    [
        "send-proxy",
        "send-proxy-v2",
        "send-proxy-v2 proxy-v2-options unique-id,crc32c",
    ],
)
def test_haproxy_in_front(tmp_path: Path, options: str) -> None:
    need("haproxy")
    with (
        echo_server() as backend,
        balancer(tmp_path, config_text(backend, listener=f"{TRUSTING}\n{RULES}", log=JSON)) as it,
        listening_at() as listening,
        haproxy(tmp_path, _relay(listening, it.port, options), listening),
    ):
        port = listening.getsockname()[1]
        good, bad = visit(port, source="127.9.9.9"), visit(port, source="127.6.6.6")
        assert it.stop() == 0
    served = _judge(it, good, bad)
    number = good.client.rpartition(":")[2]
    assert served["unique_id"] == (f"connection-{number}" if "unique-id" in options else None)


def _judge(it: Process, good: Visit, bad: Visit) -> dict[str, object]:
    """The rules are for who is announced: the proxy itself, at 127.0.0.1, is on no list."""
    assert good.answer == b"hello"
    assert not bad.answer  # a proxy makes an end-of-file of our reset
    records = {record["client"]: record for record in it.records()}
    assert records.keys() == {good.client, bad.client}
    served, refused = records[good.client], records[bad.client]
    assert served["ending"] == "--"
    assert (refused["ending"], refused["refusal"]) == ("PR", "denied")
    assert {str(record["peer"]).rpartition(":")[0] for record in it.records()} == {"127.0.0.1"}
    return served


def test_nginx_in_front(tmp_path: Path) -> None:
    need("nginx")
    front = free_port()
    with (
        echo_server() as backend,
        balancer(tmp_path, config_text(backend, listener=f"{TRUSTING}\n{RULES}", log=JSON)) as it,
        nginx(
            tmp_path,
            stream=f"""server {{
                listen 127.0.0.1:{front};
                proxy_protocol on;
                proxy_half_close on;
                proxy_pass 127.0.0.1:{it.port};
            }}""",
        ),
    ):
        good, bad = visit(front, source="127.9.9.9"), visit(front, source="127.6.6.6")
        assert it.stop() == 0
    _judge(it, good, bad)


def test_curl_with_a_header_of_its_own(tmp_path: Path) -> None:
    need("curl", "nginx")
    backend = free_port()
    with (
        nginx(tmp_path, http=_told_by_nginx(backend)),
        balancer(
            tmp_path,
            config_text(backend, listener=TRUSTING, pool='send_proxy = "v1"', log=JSON),
        ) as it,
    ):
        done = curl("http://a.example/", it.port, "--haproxy-protocol")
        assert it.stop() == 0
    assert (done.stderr, done.returncode) == (b"", 0)
    [record] = it.records()
    assert record["ending"] == "--"
    # nginx behind us was told by us what curl told us.
    assert done.stdout.decode() == record["client"] == record["peer"]


def _told_by_nginx(port: int) -> str:
    return f"""
        server {{
            listen 127.0.0.1:{port} proxy_protocol;
            location / {{ return 200 "$proxy_protocol_addr:$proxy_protocol_port"; }}
        }}
    """


def test_a_stranger_is_not_believed(tmp_path: Path) -> None:
    with (
        silent_server() as server,
        balancer(tmp_path, config_text(server.getsockname()[1], listener=TRUSTING, log=JSON)) as it,
    ):
        stranger = visit(it.port, source="127.0.0.2")
        assert it.stop() == 0
    assert stranger.answer is None
    [record] = it.records()
    assert (record["client"], record["ending"]) == (stranger.client, "PR")
    assert record["refusal"] == "untrusted"


def test_what_haproxy_says_of_a_tls_client_reaches_the_backend(tmp_path: Path) -> None:
    need("haproxy")
    authority = Authority(tmp_path / "certificates")
    wanted = 'send_proxy = "v2"\nsend_proxy_options = ["ssl", "authority", "alpn", "crc32c"]'
    with (
        silent_server() as server,
        balancer(
            tmp_path,
            config_text(server.getsockname()[1], listener=TRUSTING, pool=wanted, log=JSON),
        ) as it,
        listening_at() as listening,
    ):
        options = "send-proxy-v2-ssl-cn proxy-v2-options ssl,cert-cn,authority"
        sections = _relay(listening, it.port, options, tls=_haproxy_tls(tmp_path, authority))
        with haproxy(tmp_path, sections, listening):
            own, header = _tls_header(authority, listening.getsockname()[1], server)
        assert it.stop() == 0
    assert str(header.source) == own
    assert (header.tlvs.authority, header.tlvs.alpn) == (b"www.example", b"h2")
    told = header.tlvs.ssl
    assert told is not None
    assert (told.is_tls, told.is_verified, told.cn) == (True, True, b"client.example")
    assert told.version == b"TLSv1.3"
    [record] = it.records()
    assert (record["client"], record["authority"]) == (own, "www.example")


def _haproxy_tls(directory: Path, authority: Authority) -> str:
    """Write the one file that HAProxy wants, and return the words for its `bind`."""
    files = authority.issue("www.example")
    pem = directory / "haproxy.pem"
    pem.write_text(Path(files.cert).read_text() + Path(files.key).read_text())
    return f"ssl crt {pem} ca-file {authority.ca} verify required alpn h2"


def _tls_header(authority: Authority, port: int, server: socket.socket) -> tuple[str, ProxyHeader]:
    """Shake hands with HAProxy, and read what the backend gets to hear of it."""
    context = ssl.create_default_context(cafile=authority.ca)
    context.set_alpn_protocols(["h2"])
    files = authority.issue("client@example", common_name="client.example")
    context.load_cert_chain(files.cert, files.key)
    with (
        connect(port) as plain,
        context.wrap_socket(plain, server_hostname="www.example") as client,
    ):
        own = "{}:{}".format(*client.getsockname())
        client.sendall(b"hello")
        header = _read_header_and_answer(server)
        assert client.recv(100) == b"answer"
    return own, header


def _read_header_and_answer(server: socket.socket) -> ProxyHeader:
    """Take the one connection, read all that it says, and answer."""
    connection, _ = server.accept()
    with connection:
        connection.settimeout(10)
        said = bytearray()
        while not said.endswith(b"hello"):
            data = connection.recv(4096)
            assert data, f"it finished after {bytes(said)!r}"
            said += data
        connection.sendall(b"answer")
    header = parse_header(said)
    assert header is not None
    return header
