"""TLS that begins at a running balancer: toward nginx, verified, and with our certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.certificates import Authority
from support.process import Process, balancer, need, wait_until
from support.secured import HOST, originating, tables, web_server
from support.visits import visit
from support.web_clients import curl

from trio_balancer.config.model_tls import CertificateFiles

if TYPE_CHECKING:
    from pathlib import Path

TELL = 'return 200 "$ssl_protocol,$ssl_server_name,$ssl_client_verify,$ssl_client_s_dn\\n";'
URL = f"http://{HOST}/"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    need("nginx")
    return Authority(tmp_path / "certificates")


@pytest.fixture
def certificate(authority: Authority) -> CertificateFiles:
    return authority.issue(HOST, "127.0.0.1")


def _endings(process: Process) -> list[object]:
    assert process.stop() == 0
    return [record["ending"] for record in process.records()]


@pytest.mark.parametrize("name", [HOST, None])
def test_a_backend_is_verified(
    tmp_path: Path, authority: Authority, certificate: CertificateFiles, name: str | None
) -> None:
    asked = "" if name is None else f'server_name = "{name}"'
    with (
        web_server(tmp_path, TELL, certificate) as backend,
        balancer(tmp_path, originating(backend, f'ca = "{authority.ca}"\n{asked}')) as process,
    ):
        done = curl(URL, process.port)
        # nginx finishes first here, and curl first there.
        closing = curl(URL, process.port, "-H", "Connection: close")
        assert _endings(process) == ["--", "--"]
    # An IP address is verified, but not asked for.
    assert done.stdout.decode() == f"TLSv1.3,{name or ''},NONE,\n"
    assert closing.stdout == done.stdout


@pytest.mark.parametrize(
    ("reason", "tls"),
    [
        ("unable to get local issuer certificate", 'ca = "OTHER"'),
        ("Hostname mismatch", 'ca = "CA"\nserver_name = "b.example"'),
    ],
)
def test_a_backend_that_cannot_be_trusted(
    tmp_path: Path, authority: Authority, certificate: CertificateFiles, reason: str, tls: str
) -> None:
    other = Authority(tmp_path / "other")
    tls = tls.replace("CA", authority.ca).replace("OTHER", other.ca)
    with (
        web_server(tmp_path, TELL, certificate) as backend,
        balancer(tmp_path, originating(backend, tls)) as process,
    ):
        assert visit(process.port).answer is None
        assert _endings(process) == ["SC"]
    [record] = process.records()
    assert reason in str(record["reason"])
    assert record["bytes_up"] == 0


def test_a_backend_need_not_be_verified(
    tmp_path: Path, authority: Authority, certificate: CertificateFiles
) -> None:
    with (
        web_server(tmp_path, TELL, certificate) as backend,
        balancer(tmp_path, originating(backend, "verify = false")) as process,
    ):
        assert curl(URL, process.port).returncode == 0
        assert _endings(process) == ["--"]


def test_a_backend_that_speaks_no_tls(tmp_path: Path, authority: Authority) -> None:
    with (
        web_server(tmp_path, TELL) as backend,
        balancer(tmp_path, originating(backend, "verify = false")) as process,
    ):
        assert visit(process.port).answer is None
        assert _endings(process) == ["SC"]


def test_our_own_certificate(
    tmp_path: Path, authority: Authority, certificate: CertificateFiles
) -> None:
    ours = authority.issue("balancer@example", common_name="balancer")
    body = f"ssl_verify_client on; ssl_client_certificate {authority.ca}; {TELL}"
    common = f'ca = "{authority.ca}"'
    with web_server(tmp_path, body, certificate) as backend:
        with_it = originating(backend, f'{common}\ncert = "{ours.cert}"\nkey = "{ours.key}"')
        with balancer(tmp_path, with_it) as process:
            known = curl(URL, process.port)
            assert _endings(process) == ["--"]
        with balancer(tmp_path, originating(backend, common), name="without") as process:
            unknown = curl(URL, process.port)
            process.stop()
    assert ",SUCCESS,CN=balancer" in known.stdout.decode()
    # nginx asks, goes on without, and says so in HTTP.
    assert b"No required SSL certificate was sent" in unknown.stdout


def test_checks_begin_as_connections_do(
    tmp_path: Path, authority: Authority, certificate: CertificateFiles
) -> None:
    other = Authority(tmp_path / "other")
    check = '\n[pools.app.health]\ntype = "http"\ninterval = "50ms"\nfall = 1\nrise = 1'
    errors = tmp_path / "nginx.err"
    with web_server(tmp_path, TELL, certificate) as backend:
        trusting = originating(backend, f'ca = "{authority.ca}"').replace(
            '\n[pools.app.health]\ntype = "none"', check
        )
        with balancer(tmp_path, trusting) as process:
            assert curl(URL, process.port).returncode == 0
            assert _endings(process) == ["--"]
        assert not [line for line in process.log() if line.get("message") == "Backend is DOWN"]
        assert errors.read_text() == ""
        with balancer(tmp_path, trusting.replace(authority.ca, other.ca), name="not") as process:
            wait_until(lambda: "Backend is DOWN" in process.stdout())
            assert process.stop() == 0
    [down] = [line for line in process.log() if line.get("message") == "Backend is DOWN"]
    assert "certificate verify failed" in str(down["reason"])


def test_tls_on_both_sides(
    tmp_path: Path, authority: Authority, certificate: CertificateFiles
) -> None:
    listener = f"[listeners.web.tls]\ncertificates = {tables(authority.issue('b.example'))}\n"
    config = 'ca = "CA"\nserver_name = "a.example"'.replace("CA", authority.ca)
    trust = ("--cacert", authority.ca)
    with (
        web_server(tmp_path, TELL, certificate) as backend,
        balancer(tmp_path, originating(backend, config, listener=listener)) as process,
    ):
        for _ in range(10):
            done = curl("https://b.example/", process.port, *trust)
            assert (done.stderr, done.stdout) == (b"", b"TLSv1.3,a.example,NONE,\n")
            closing = curl("https://b.example/", process.port, *trust, "-H", "Connection: close")
            assert closing.stdout == done.stdout
        assert set(_endings(process)) == {"--"}
