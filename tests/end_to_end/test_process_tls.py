"""TLS that ends at a running balancer, for curl, `openssl s_client` and Chromium."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs
import pytest
from support.certificates import Authority
from support.process import Process, balancer, need
from support.secured import HOST, terminating, web_server
from support.web_clients import chromium, curl, s_client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HELLO = 'return 200 "hello\\n";'
URL = f"https://{HOST}/"
# nginx ends such a connection first, and any other lasts as long as its client wants.
GET = f"GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()


@attrs.frozen
class Site:
    """A balancer that ends TLS in front of a plain nginx."""

    process: Process
    authority: Authority

    def curl(self, *options: str, url: str = URL) -> subprocess.CompletedProcess[bytes]:
        """Ask, and trust the authority."""
        return curl(url, self.process.port, "--cacert", self.authority.ca, *options)

    def s_client(self, *options: str) -> subprocess.CompletedProcess[bytes]:
        """Ask, and trust the authority."""
        trust = ("-CAfile", self.authority.ca, "-verify_return_error")
        return s_client(self.process.port, *trust, *options, say=GET)

    def records(self) -> list[dict[str, object]]:
        """Stop the balancer; return what it has recorded, in the order in which they came."""
        assert self.process.stop() == 0
        return sorted(self.process.records(), key=lambda record: int(str(record["number"])))

    def endings(self) -> list[object]:
        """Stop the balancer; return how its connections have ended."""
        return [record["ending"] for record in self.records()]


@contextmanager
def _site(directory: Path, tls: str = "", *names: str) -> Iterator[Site]:
    need("nginx")
    authority = Authority(directory / "certificates")
    certificates = [authority.issue(name) for name in names or (HOST,)]
    ca = tls.replace("CA", authority.ca)
    with (
        web_server(directory, HELLO) as backend,
        balancer(directory, terminating(backend, *certificates, tls=ca)) as process,
    ):
        yield Site(process, authority)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_curl_is_served(tmp_path: Path, version: str) -> None:
    with _site(tmp_path) as site:
        done = site.curl(f"--tlsv{version}", "--tls-max", version)
        again = site.curl(f"--tlsv{version}", "--tls-max", version, "-H", "Connection: close")
        [record, last] = site.records()
    for each in (done, again):
        assert (each.returncode, each.stdout, each.stderr) == (0, b"hello\n", b"")
    assert record["tls"] == f"TLSv{version}"
    assert record["server_name"] == HOST
    assert (record["ending"], last["ending"]) == ("--", "--")
    assert record["closed_first"] == "client"


def test_many_ordinary_runs_of_curl_end_as_they_should(tmp_path: Path) -> None:
    with _site(tmp_path) as site:
        for _ in range(20):
            assert site.curl().stdout == b"hello\n"
            assert site.curl("-H", "Connection: close").stdout == b"hello\n"
            assert site.curl("--http1.0").stdout == b"hello\n"
            # Several requests on one connection.
            assert site.curl("--next", "--cacert", site.authority.ca, URL).returncode == 0
        assert set(site.endings()) == {"--"}


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_s_client_is_served(tmp_path: Path, version: str) -> None:
    with _site(tmp_path) as site:
        done = site.s_client(version, "-servername", HOST, "-verify_hostname", HOST)
        assert done.returncode == 0
        assert done.stdout.endswith(b"\r\n\r\nhello\n")
        assert site.endings() == ["--"]


def test_chromium_is_served(tmp_path: Path) -> None:
    with _site(tmp_path, 'alpn = ["http/1.1"]') as site:
        assert "hello\n" in chromium(URL, site.process.port, tmp_path)
        records = site.records()
    assert {record["server_name"] for record in records} == {HOST}
    assert "TLSv1.3" in {record["tls"] for record in records}


def test_the_name_chooses_the_certificate(tmp_path: Path) -> None:
    with _site(tmp_path, "", HOST, "*.b.example", "c.example") as site:
        for name in (HOST, "www.b.example", "c.example"):
            # curl verifies that the certificate is for the name.
            assert site.curl(url=f"https://{name}/").stdout == b"hello\n"
        stranger = site.curl(url="https://d.example/")
        assert stranger.returncode == 60  # the first one, which is not for that name
        records = site.records()
    names = [record["server_name"] for record in records]
    assert names == [HOST, "www.b.example", "c.example", "d.example"]
    assert [record["ending"] for record in records][:3] == ["--"] * 3


def test_nobody_is_served_in_the_name_of_another(tmp_path: Path) -> None:
    with _site(tmp_path, "strict_sni = true") as site:
        assert site.curl().stdout == b"hello\n"
        stranger = site.curl(url="https://d.example/")
        assert b"unrecognized name" in stranger.stderr
        assert site.endings() == ["--", "PR"]


def test_a_protocol_is_agreed_on(tmp_path: Path) -> None:
    with _site(tmp_path, 'alpn = ["spdy/1", "http/1.1"]') as site:
        assert site.curl("--http2").stdout == b"hello\n"
        assert site.curl("--no-alpn").stdout == b"hello\n"
        records = site.records()
    assert [record["alpn"] for record in records] == ["http/1.1", None]


def test_an_old_version_is_refused(tmp_path: Path) -> None:
    with _site(tmp_path, 'min_version = "1.3"') as site:
        assert b"alert protocol version" in site.curl("--tls-max", "1.2").stderr
        assert site.curl().stdout == b"hello\n"
        assert site.endings() == ["PR", "--"]


ASKING = 'client_certificates = "{}"\nclient_ca = "CA"'


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("wanted", ["required", "optional"])
def test_client_certificates(tmp_path: Path, wanted: str, version: str) -> None:
    limit = ("--tls-max", version)
    with _site(tmp_path, ASKING.format(wanted)) as site:
        alice = site.authority.issue("alice@example", common_name="alice")
        mallory = Authority(tmp_path / "other").issue("mallory@example")
        good = site.curl("--cert", alice.cert, "--key", alice.key, *limit)
        bad = site.curl("--cert", mallory.cert, "--key", mallory.key, *limit)
        none = site.curl(*limit)
        endings = site.endings()
    assert good.stdout == b"hello\n"
    assert (bad.stdout, none.stdout) == (b"", b"" if wanted == "required" else b"hello\n")
    assert bad.returncode in {35, 55, 56}  # in TLS 1.3 the client learns it after its handshake
    # Within a second a second refusal has no line.
    assert endings == ["--", "PR", *([] if wanted == "required" else ["--"])]


def test_who_does_not_speak_tls(tmp_path: Path) -> None:
    with _site(tmp_path) as site:
        plain = site.curl(url=f"http://{HOST}/")
        assert plain.returncode != 0
        assert plain.stdout == b""
        [record] = site.records()
    assert (record["ending"], record["reason"]) == ("PR", "TLS: the peer sent plain HTTP")
