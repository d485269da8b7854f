"""How TLS ends at a running balancer, and what passes before: all of it, both ways, or a reset."""

from __future__ import annotations

import hashlib
import secrets
import socket
import ssl
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.certificates import Authority
from support.process import Process, balancer, need
from support.scale import scaled
from support.secured import HOST, originating, tables, terminating, web_server
from support.servers import connect, echo_server, silent_server
from support.web_clients import PATIENCE, curl

from trio_balancer.config.model_tls import CertificateFiles

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1 << 20


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "certificates")


@pytest.fixture
def certificate(authority: Authority) -> CertificateFiles:
    return authority.issue(HOST, "127.0.0.1")


def _end(process: Process) -> dict[str, object]:
    """Stop the balancer, and return the one record."""
    assert process.stop() == 0
    [record] = process.records()
    return record


def _socat(port: int, ca: str, data: bytes) -> bytes:
    """Say something over TLS, then the end, and wait for the answer: as few clients can."""
    need("socat")
    address = f"OPENSSL:127.0.0.1:{port},cafile={ca},commonname={HOST},snihost={HOST}"
    command = ["socat", "-t", str(PATIENCE), "-", address]
    return subprocess.run(
        command, input=data, capture_output=True, check=True, timeout=PATIENCE * 2
    ).stdout


@contextmanager
def _answering_late() -> Iterator[int]:
    """Answer one client, once it has finished, with a digest of all that it said."""

    def answer() -> None:
        client, _ = server.accept()
        with client, client.makefile("rb") as said:
            client.sendall(_digest(said.read()).encode())

    with silent_server() as server:
        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            thread.join()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_client_may_finish_and_wait_for_its_answer(
    tmp_path: Path, authority: Authority, certificate: CertificateFiles
) -> None:
    data = secrets.token_bytes(2 * MIB)
    with (
        _answering_late() as backend,
        balancer(tmp_path, terminating(backend, certificate)) as process,
    ):
        assert _socat(process.port, authority.ca, data) == _digest(data).encode()
        record = _end(process)
    assert (record["ending"], record["closed_first"]) == ("--", "client")
    assert (record["bytes_up"], record["bytes_down"]) == (len(data), 64)


def test_both_ways_at_once(
    tmp_path: Path, authority: Authority, certificate: CertificateFiles
) -> None:
    data = secrets.token_bytes(scaled(100) * MIB)
    with (
        echo_server() as backend,
        balancer(tmp_path, terminating(backend, certificate)) as process,
    ):
        assert _digest(_socat(process.port, authority.ca, data)) == _digest(data)
        record = _end(process)
    assert record["ending"] == "--"
    assert record["bytes_up"] == record["bytes_down"] == len(data)


FILES = "root FILES; client_max_body_size 0; dav_methods PUT; create_full_put_path on;"


@pytest.mark.parametrize("sides", ["client", "backend", "both"])
def test_a_large_file_down_and_up(
    tmp_path: Path, authority: Authority, certificate: CertificateFiles, sides: str
) -> None:
    need("nginx", "curl")
    data = secrets.token_bytes(scaled(200) * MIB)
    files = tmp_path / "files"
    files.mkdir(mode=0o777)
    (files / "down").write_bytes(data)
    body = FILES.replace("FILES", str(files))
    listener = f"[listeners.web.tls]\ncertificates = {tables(certificate)}\n"
    with web_server(tmp_path, body, None if sides == "client" else certificate) as backend:
        if sides == "client":
            config = terminating(backend, certificate)
        else:
            listener = listener if sides == "both" else ""
            config = originating(backend, f'ca = "{authority.ca}"', listener=listener)
        with balancer(tmp_path, config) as process:
            _transfer(process.port, "http" if sides == "backend" else "https", authority, files)
            assert process.stop() == 0
    assert [record["ending"] for record in process.records()] == ["--", "--"]
    down, up = process.records()
    assert int(str(down["bytes_down"])) > len(data)
    assert int(str(up["bytes_up"])) > len(data)


def _transfer(port: int, scheme: str, authority: Authority, files: Path) -> None:
    """Download a file, upload what came under another name, and compare."""
    trust = ("--cacert", authority.ca)
    copy = files.parent / "copy"
    down = curl(f"{scheme}://{HOST}/down", port, *trust, "-o", str(copy))
    up = curl(f"{scheme}://{HOST}/up", port, *trust, "-T", str(copy))
    assert (down.stderr, up.stderr) == (b"", b"")
    digests = {_digest(path.read_bytes()) for path in (files / "down", copy, files / "up")}
    assert len(digests) == 1


@contextmanager
def _tls_client(port: int, authority: Authority) -> Iterator[ssl.SSLSocket]:
    """Connect with Python's own TLS, which tells a truncated stream from a finished one."""
    context = ssl.create_default_context(cafile=authority.ca)
    with (
        connect(port) as plain,
        context.wrap_socket(plain, server_hostname=HOST, suppress_ragged_eofs=False) as client,
    ):
        yield client


def test_the_end_of_a_backend_is_a_close_notify(
    tmp_path: Path, authority: Authority, certificate: CertificateFiles
) -> None:
    with (
        silent_server() as server,
        balancer(tmp_path, terminating(server.getsockname()[1], certificate)) as process,
        _tls_client(process.port, authority) as client,
    ):
        backend, _ = server.accept()
        with backend:
            backend.sendall(b"answer")
        # A truncated stream would be an error.
        assert client.recv(100) == b"answer"
        assert client.recv(100) == b""
        client.unwrap().close()
        assert _end(process)["ending"] == "--"


def test_a_truncated_client_is_a_reset_for_the_backend(
    tmp_path: Path, authority: Authority, certificate: CertificateFiles
) -> None:
    with (
        silent_server() as server,
        balancer(tmp_path, terminating(server.getsockname()[1], certificate)) as process,
        _tls_client(process.port, authority) as client,
    ):
        backend, _ = server.accept()
        backend.settimeout(10)
        with backend:
            client.sendall(b"half a")
            assert backend.recv(100) == b"half a"
            client.close()  # its kernel finishes, and its TLS does not
            with pytest.raises(ConnectionResetError):
                backend.recv(100)
        record = _end(process)
    assert (record["ending"], record["bytes_up"]) == ("CD", 6)


def test_a_truncated_backend_is_a_reset_for_the_client(
    tmp_path: Path, authority: Authority, certificate: CertificateFiles
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert, certificate.key)
    with (
        silent_server() as server,
        balancer(
            tmp_path, originating(server.getsockname()[1], f'ca = "{authority.ca}"')
        ) as process,
        connect(process.port) as client,
    ):
        plain, _ = server.accept()
        with context.wrap_socket(plain, server_side=True) as backend:
            backend.sendall(b"half a")
        assert client.recv(100) == b"half a"
        with pytest.raises(ConnectionResetError):
            client.recv(100)
        record = _end(process)
    assert (record["ending"], record["bytes_down"]) == ("SD", 6)


def test_an_early_answer_reaches_a_client_that_goes_on_uploading(
    tmp_path: Path, authority: Authority, certificate: CertificateFiles
) -> None:
    answer = bytes(3 * MIB)  # more than kernels keep for a client that does not read
    with (
        silent_server() as server,
        balancer(tmp_path, terminating(server.getsockname()[1], certificate)) as process,
        _tls_client(process.port, authority) as client,
    ):
        client.settimeout(PATIENCE)
        backend, _ = server.accept()
        client.sendall(b"question")
        assert backend.recv(100) == b"question"
        with backend:
            backend.sendall(answer)
            backend.shutdown(socket.SHUT_WR)
            # Our close_notify has gone: nobody hears the client any more.
            backend.settimeout(PATIENCE)
            assert backend.recv(100) == b""
        received = 0
        while data := client.recv(MIB):
            received += len(data)
            client.sendall(bytes(1000))
        assert received == len(answer)
        client.close()
        record = _end(process)
    assert (record["ending"], record["bytes_down"]) == ("--", len(answer))
