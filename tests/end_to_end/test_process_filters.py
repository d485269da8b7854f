"""Filters at work in a running balancer: on real answers of nginx, read by tshark."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.certificates import Authority
from support.process import ROOT, balancer, config_text, need, wait_until
from support.secured import HOST, tables, web_server
from support.servers import ask, connect, echo_server
from support.tshark import conversation, fields, needs_tshark, tshark
from support.visits import visit
from support.web_clients import curl

JSON = 'format = "json"'
GET = b"GET / HTTP/1.0\r\n\r\n"


def _filters(*tables: str) -> str:
    return "".join(f"[[listeners.web.filters]]\n{table}\n" for table in tables)


@needs_tshark
def test_tshark_follows_what_was_said(tmp_path: Path) -> None:
    need("nginx")
    capture = _filters('use = "pcap"\nfile = "web.pcapng"')
    file = tmp_path / "web.pcapng"
    with (
        web_server(tmp_path, 'return 200 "hello\\n";') as backend,
        balancer(tmp_path, config_text(backend, listener=capture, log=JSON)) as process,
    ):
        visits = [visit(process.port, source=f"127.0.0.{n}", data=GET) for n in (1, 2, 3)]
        # As somebody would who looks at it while the balancer goes on.
        wait_until(lambda: len(process.records()) == len(visits))
        for stream, each in enumerate(visits):
            _judge_conversation(file, stream, each.client, each.answer)
        assert process.stop() == 0
    assert fields(file, "_ws.expert.message", only="_ws.expert.severity >= 0x600000") == []
    assert [record["ending"] for record in process.records()] == ["--"] * 3


def _judge_conversation(file: Path, stream: int, client: str, answer: bytes | None) -> None:
    """The whole of it stands in the file, between the client's own address and the listener's."""
    said = conversation(file, stream)
    assert b"".join(data for who, data in said if who == "client") == GET
    assert b"".join(data for who, data in said if who == "server") == answer
    [first, *_] = fields(file, "ip.src", "tcp.srcport", only=f"tcp.stream == {stream}")
    assert ":".join(first) == client


@needs_tshark
def test_tshark_sees_the_http_inside_of_tls(tmp_path: Path) -> None:
    need("nginx", "curl")
    authority = Authority(tmp_path / "certificates")
    listener = f"tls = {{ certificates = {tables(authority.issue(HOST))} }}\n" + _filters(
        'use = "pcap"\nfile = "web.pcapng"'
    )
    file = tmp_path / "web.pcapng"
    with (
        web_server(tmp_path, 'return 200 "hello\\n";') as backend,
        balancer(tmp_path, config_text(backend, listener=listener, log=JSON)) as process,
    ):
        done = curl(f"https://{HOST}/x", process.port, "--cacert", authority.ca)
        assert process.stop() == 0
    assert done.stdout == b"hello\n"
    # The capture shows what was decrypted, whatever the port says about it.
    as_http = ("-d", f"tcp.port=={process.port},http")
    assert "GET /x HTTP/1.1" in tshark(file, *as_http, "-Y", "http.request")
    assert "200 OK" in tshark(file, *as_http, "-Y", "http.response")


REPLACED = [
    ('pattern = "http://old.example"\nwith = "https://new.example"', b"https://new.example/shop"),
    ('regex = "old(\\\\.example/)(sh)op"\nwith = "\\\\2\\\\1"', b"http://sh.example/"),
]


@pytest.mark.parametrize(("replace", "wanted"), REPLACED)
def test_an_answer_of_nginx_is_rewritten(tmp_path: Path, replace: str, wanted: bytes) -> None:
    need("nginx", "curl")
    text = _filters(f'use = "replace"\ndirection = "from-backend"\n{replace}')
    body = 'return 301 "http://old.example/shop";'
    with (
        web_server(tmp_path, body) as backend,
        balancer(tmp_path, config_text(backend, listener=text, log=JSON)) as process,
    ):
        done = curl("http://any.example/", process.port, "-i", "-H", "Connection: close")
        assert process.stop() == 0
    [location] = [line for line in done.stdout.splitlines() if line.startswith(b"Location: ")]
    assert location == b"Location: " + wanted
    assert [record["ending"] for record in process.records()] == ["--"]


def test_a_page_longer_than_any_buffer_is_rewritten_all_over(tmp_path: Path) -> None:
    need("nginx", "curl")
    (tmp_path / "files").mkdir(mode=0o755)
    page = b"-- needle in a haystack --\n" * 200_000
    (tmp_path / "files" / "page").write_bytes(page)
    text = _filters('use = "replace"\npattern = "needle"\nwith = "NEEDLE"')
    with (
        web_server(tmp_path, f"root {tmp_path / 'files'};") as backend,
        balancer(tmp_path, config_text(backend, listener=text, log=JSON)) as process,
    ):
        done = curl("http://any.example/page", process.port)
        assert process.stop() == 0
    assert (done.returncode, done.stdout) == (0, page.replace(b"needle", b"NEEDLE"))
    assert [record["ending"] for record in process.records()] == ["--"]


OWN = """
from trio_balancer.filters import Filter

class Touchy(Filter):
    def __init__(self, connection, *, word):
        super().__init__(connection)
        self.word = word.encode()

    async def from_client(self, data):
        if self.word in data:
            raise RuntimeError("I did not expect that")
        return data.upper()
"""


def test_a_filter_that_fails_leaves_other_connections_alone(tmp_path: Path) -> None:
    (tmp_path / "house").mkdir()
    (tmp_path / "house" / "touchy_filters.py").write_text(OWN)
    text = _filters('use = "touchy_filters:Touchy"\nword = "boo"')
    path = ("env", f"PYTHONPATH={ROOT}:{tmp_path / 'house'}")
    with (
        echo_server() as backend,
        balancer(tmp_path, config_text(backend, listener=text, log=JSON), prefix=path) as process,
        connect(process.port) as other,
    ):
        other.sendall(b"before ")
        assert other.recv(100) == b"BEFORE "
        victim = visit(process.port, data=b"boo")
        assert victim.answer is None
        other.sendall(b"after")
        assert other.recv(100) == b"AFTER"
        assert ask(process.port) == b"HELLO"
        other.close()
        assert process.stop() == 0
    endings = {record["client"]: record["ending"] for record in process.records()}
    assert endings.pop(victim.client) == "ID"
    assert list(endings.values()) == ["--", "--"]
    [warning] = [line for line in process.log() if line["level"] == "warning"]
    assert warning["message"] == "A filter failed, which ended its connection"
    assert "RuntimeError: I did not expect that" in str(warning["trace"])


def test_who_says_what_is_denied_is_reset(tmp_path: Path) -> None:
    text = _filters('use = "deny"\npattern = "DROP TABLE"\ndirection = "from-client"')
    with (
        echo_server() as backend,
        balancer(tmp_path, config_text(backend, listener=text, log=JSON)) as process,
    ):
        assert visit(process.port, data=b"... DROP TABLE users").answer is None
        assert visit(process.port, data=b"DROP no TABLE").answer == b"DROP no TABLE"
        assert process.stop() == 0
    assert [record["ending"] for record in process.records()] == ["PD", "--"]
