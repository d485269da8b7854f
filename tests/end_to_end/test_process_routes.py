"""Clients led to pools by what they say in clear: by real programs, and never decrypted."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs
import pytest
from support.certificates import Authority
from support.process import Process, balancer, need
from support.proxy_programs import nginx
from support.servers import free_port
from support.slow_lines import slow_line
from support.visits import visit
from support.web_clients import chromium, curl, s_client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = ("a", "b", "h2", "plain", "default")
ROUTES = """
[[listeners.web.routes]]
sni = "a.example"
pool = "a"
[[listeners.web.routes]]
sni = ["*.b.example", "b.example"]
pool = "b"
[[listeners.web.routes]]
alpn = "h2"
pool = "h2"
[[listeners.web.routes]]
plain = true
pool = "plain"
"""


@attrs.frozen
class Site:
    """A balancer in front of servers that answer with the names of their pools."""

    process: Process
    authority: Authority

    @property
    def port(self) -> int:
        """The balancer's."""
        return self.process.port

    def routes(self) -> list[tuple[object, object]]:
        """Stop the balancer; return the pool and the ending of each connection, in order."""
        assert self.process.stop() == 0
        records = sorted(self.process.records(), key=lambda record: int(str(record["number"])))
        return [(record["pool"], record["ending"]) for record in records]


def _servers(ports: dict[str, int], authority: Authority) -> str:
    """Write the servers: nobody but them has the keys."""
    files = authority.issue("a.example", "*.b.example", "b.example", "other.example")
    tls = (
        "ssl_protocols TLSv1.2 TLSv1.3;"
        f" ssl_certificate {files.cert}; ssl_certificate_key {files.key};"
    )
    return "".join(
        f"server {{ listen 127.0.0.1:{port} {'' if name == 'plain' else 'ssl http2'};"
        f' {"" if name == "plain" else tls} return 200 "pool {name}\\n"; }}\n'
        for name, port in ports.items()
    )


def _config(ports: dict[str, int], default: str) -> str:
    pools = "".join(
        f'[pools.{name}]\nbackends = ["127.0.0.1:{port}"]\nhealth = {{ type = "none" }}\n'
        for name, port in ports.items()
    )
    head = f'[log]\nformat = "json"\n[listeners.web]\nbind = "127.0.0.1:0"\n{default}\n'
    return head + ROUTES + pools


@contextmanager
def _site(directory: Path, default: str = 'pool = "default"') -> Iterator[Site]:
    need("nginx")
    authority = Authority(directory / "certificates")
    ports = {name: free_port() for name in (NAMES if default else NAMES[:-1])}
    with (
        nginx(directory, http=_servers(ports, authority)),
        balancer(directory, _config(ports, default)) as process,
    ):
        yield Site(process, authority)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with _site(tmp_path) as site:
        yield site


CURLS = {
    "https://a.example/": "a",
    "https://A.Example./": "a",
    "https://b.example/": "b",
    "https://deep.er.b.example/": "b",
    "https://other.example/ --http1.1": "default",
    "https://other.example/ --http2": "h2",
    "http://a.example/": "plain",
    "https://127.0.0.1/ --no-alpn": "default",
}


def test_curl(site: Site) -> None:
    for words, pool in CURLS.items():
        url, *options = words.split()
        done = curl(url, site.port, "--insecure", *options)
        assert (done.stdout, done.stderr) == (f"pool {pool}\n".encode(), b""), words
    assert site.routes() == [(pool, "--") for pool in CURLS.values()]


def test_curl_verifies_the_server_behind_us(site: Site) -> None:
    done = curl("https://a.example/", site.port, "--cacert", site.authority.ca)
    assert (done.returncode, done.stdout) == (0, b"pool a\n")
    assert site.routes() == [("a", "--")]


def test_what_the_client_said_is_recorded(site: Site) -> None:
    curl("https://a.example/", site.port, "--insecure", "--http2")
    assert site.process.stop() == 0
    [record] = site.process.records()
    assert (record["server_name"], record["alpn"]) == ("a.example", "h2,http/1.1")
    assert record["tls"] is None  # it was not for us to decrypt


S_CLIENTS = {
    "-servername a.example -tls1_2": "a",
    "-servername a.example -tls1_3": "a",
    "-servername www.b.example": "b",
    "-servername other.example -alpn http/1.1": "default",
    "-noservername": "default",
}
REQUEST = b"GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n"


def test_s_client(site: Site) -> None:
    for options, pool in S_CLIENTS.items():
        done = s_client(site.port, *options.split(), say=REQUEST)
        assert done.stdout.endswith(f"\r\n\r\npool {pool}\n".encode()), options
    # It answers nginx's end with a close_notify of its own, for which it may be too late: then
    # nginx is gone, its kernel resets, and that is told as it was.
    assert [pool for pool, _ in site.routes()] == list(S_CLIENTS.values())


def test_chromium(site: Site, tmp_path: Path) -> None:
    assert "pool a\n" in chromium("https://a.example/", site.port, tmp_path)
    assert site.process.stop() == 0
    # It may open more connections than it needs, and breaks off what it has no more use for.
    records = site.process.records()
    assert {(record["pool"], record["server_name"]) for record in records} == {("a", "a.example")}
    assert "h2,http/1.1" in {record["alpn"] for record in records}


def test_the_same_clients_a_byte_at_a_time(site: Site) -> None:
    with slow_line(site.port) as port:
        for words, pool in CURLS.items():
            url, *options = words.split()
            done = curl(url, port, "--insecure", *options)
            assert (done.stdout, done.stderr) == (f"pool {pool}\n".encode(), b""), words
        for words, pool in S_CLIENTS.items():
            done = s_client(port, *words.split(), say=REQUEST)
            assert done.stdout.endswith(f"\r\n\r\npool {pool}\n".encode()), words
    pools = [*CURLS.values(), *S_CLIENTS.values()]
    assert [pool for pool, _ in site.routes()] == pools


def test_chromium_a_byte_at_a_time(site: Site, tmp_path: Path) -> None:
    with slow_line(site.port) as port:
        assert "pool a\n" in chromium("https://a.example/", port, tmp_path)


def test_without_a_default_pool_a_client_without_a_route_is_refused(tmp_path: Path) -> None:
    with _site(tmp_path, default="") as site:
        refused = curl("https://other.example/", site.port, "--insecure", "--http1.1")
        served = curl("https://a.example/", site.port, "--insecure")
        assert (refused.returncode, served.stdout) == (35, b"pool a\n")
        assert site.routes() == [(None, "PR"), ("a", "--")]


def test_who_speaks_nothing_that_is_known(site: Site) -> None:
    # Not TLS, so plain; and something that begins like TLS and is none.
    assert visit(site.port, data=b"SSH-2.0-x\r\n").answer
    assert visit(site.port, data=b"\x16\x03\x01\x00\x04\x02\x00\x00\x00").answer is None
    pools = site.routes()
    assert pools[1] == (None, "PR")
    assert pools[0][0] == "plain"
