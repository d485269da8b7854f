from __future__ import annotations

import errno
import http.client
import socket
import struct
import threading
from urllib.request import urlopen

import pytest
from support.servers import free_port

from trio_balancer import Config, parse_config
from trio_balancer.demo import DemoError, invitation, stand_ins
from trio_balancer.wire.address import NamedAddress, parse_address


def _config(*addresses: str) -> Config:
    backends = "".join(
        f'[[pools.app.backends]]\nname = "backend-{number}"\naddress = "{address}"\n'
        for number, address in enumerate(addresses)
    )
    return parse_config(
        f'[listeners.web]\nbind = "127.0.0.1:0"\npool = "app"\n[pools.app]\n{backends}'
    )


def _answer(url: str) -> bytes:
    with urlopen(url, timeout=10) as answer:  # noqa: S310 - a URL of ours
        data: bytes = answer.read()
        return data


def test_each_loopback_backend_answers_with_its_own_name() -> None:
    first, second = free_port(), free_port()
    config = _config(f"127.0.0.1:{first}", f"[::1]:{second}", "192.0.2.1:80", "unix:/no/where")
    with stand_ins(config):
        assert _answer(f"http://127.0.0.1:{first}/") == b"Hello from backend-0\n"
        assert _answer(f"http://[::1]:{second}/any/path") == b"Hello from backend-1\n"


def test_a_connection_is_kept_for_the_next_request() -> None:
    port = free_port()
    with stand_ins(_config(f"127.0.0.1:{port}")):
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        for _ in range(2):
            client.request("GET", "/")
            assert client.getresponse().read() == b"Hello from backend-0\n"
            assert client.sock is not None
        client.close()


@pytest.mark.parametrize(
    ("bound", "command"),
    [
        ("127.0.0.1:8080", "curl http://127.0.0.1:8080/"),
        ("[::1]:80", "curl http://[::1]:80/"),
        ("unix:/run/web.sock", "curl --unix-socket /run/web.sock http://localhost/"),
    ],
)
def test_a_newcomer_is_told_what_to_try(bound: str, command: str) -> None:
    address = parse_address(bound)
    assert not isinstance(address, NamedAddress)
    text = invitation(_config("127.0.0.1:9001", "127.0.0.1:9002"), {"web": [address]})
    assert text == f"Stand-ins answer as backend-0, backend-1. Try, a few times: {command}"


def test_nothing_runs_afterwards() -> None:
    port = free_port()
    before = threading.active_count()
    with stand_ins(_config(f"127.0.0.1:{port}")):
        assert threading.active_count() == before + 1
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    assert not [one for one in threading.enumerate() if one.name.endswith("demo-backend-0")]


def test_a_client_that_resets_is_not_spoken_of(capfd: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    with stand_ins(_config(f"127.0.0.1:{port}")):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x")
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # Accepted after the one that has reset.
        assert _answer(f"http://127.0.0.1:{port}/")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("address", ["192.0.2.1:80", "unix:/no/where", "localhost:80"])
def test_no_loopback_backend(address: str) -> None:
    with pytest.raises(DemoError, match="no backend with a loopback address"):
        stand_ins(_config(address)).__enter__()


def test_an_address_that_is_taken() -> None:
    first = free_port()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        second = taken.getsockname()[1]
        config = _config(f"127.0.0.1:{first}", f"127.0.0.1:{second}")
        with pytest.raises(DemoError) as caught:
            stand_ins(config).__enter__()
    assert caught.value.errno == errno.EADDRINUSE
    assert caught.value.strerror == (
        f"the stand-in for backend backend-1 cannot bind 127.0.0.1:{second}: Address already in use"
    )
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", first))
