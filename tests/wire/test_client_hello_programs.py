"""The ClientHello of the programs that are installed here, whatever their version."""

from __future__ import annotations

import shutil
import socket
import subprocess

import pytest

from trio_balancer.wire.client_hello import ClientHello, HelloReader

PATIENCE = 15
BOTH = (b"h2", b"http/1.1")

S_CLIENT = ("openssl", "s_client", "-connect", "127.0.0.1:{port}")
CURL = ("curl", "--insecure", "--silent", "--connect-to", "::127.0.0.1:{port}")


def _hello_of(command: tuple[str, ...]) -> ClientHello:
    """Run a program against a server that only reads; return what it said first."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with subprocess.Popen(
            [word.replace("{port}", str(port)) for word in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as program:
            try:
                return _read_hello(listener)
            finally:
                program.kill()


def _read_hello(listener: socket.socket) -> ClientHello:
    listener.settimeout(PATIENCE)
    client, _ = listener.accept()
    reader = HelloReader()
    with client:
        client.settimeout(PATIENCE)
        while True:
            data = client.recv(65536)
            assert data, "the program left before it had said who it wants"
            hello = reader.feed(data)
            if hello is not None:
                return hello


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_openssl(version: str) -> None:
    options = ("-servername", "A.Example", "-alpn", "h2,http/1.1", version)
    assert _hello_of((*S_CLIENT, *options)) == ClientHello("a.example", BOTH)


def test_openssl_without_a_name() -> None:
    assert _hello_of((*S_CLIENT, "-noservername")) == ClientHello(None, ())


def test_curl() -> None:
    hello = _hello_of((*CURL, "https://a.example/"))
    assert hello.server_name == "a.example"
    assert b"http/1.1" in hello.alpn
    assert _hello_of((*CURL, "--no-alpn", "https://a.example./")).alpn == ()
