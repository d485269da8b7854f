from __future__ import annotations

import socket

import pytest

from trio_balancer.config.model import BackendConfig
from trio_balancer.network import SocketNetwork
from trio_balancer.testing.toxiproxy.addresses import (
    ApiAddress,
    joined,
    keep_known,
    read_listen,
    read_upstream,
)
from trio_balancer.testing.toxiproxy.errors import ApiError


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "127.0.0.1:0"),
        ("localhost:22222", "127.0.0.1:22222"),
        ("LOCALHOST:22222", "127.0.0.1:22222"),
        ("127.0.0.2:1, [::1]:2", "127.0.0.2:1,[::1]:2"),
        ("unix:/run/a.sock", "unix:/run/a.sock"),
    ],
)
async def test_where_to_listen(text: str, found: str) -> None:
    assert joined(await read_listen(text, SocketNetwork())) == found


@pytest.mark.parametrize(("both", "host"), [(True, "[::]"), (False, "0.0.0.0")])
async def test_no_host_is_every_address(
    monkeypatch: pytest.MonkeyPatch,
    both: bool,  # noqa: FBT001 - a parameter of the test
    host: str,
) -> None:
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: both)
    assert joined(await read_listen(":22222", SocketNetwork())) == f"{host}:22222"


async def test_a_name_is_looked_up() -> None:
    name = socket.gethostname()
    try:
        socket.getaddrinfo(name, 1)
    except OSError:
        pytest.skip("this machine does not know its own name")
    [found] = await read_listen(f"{name}:1", SocketNetwork())
    assert name not in str(found)


@pytest.mark.parametrize("text", ["a", "a:99999", "no.such.host.invalid:1"])
async def test_what_is_no_place_to_listen(text: str) -> None:
    with pytest.raises(ApiError) as caught:
        await read_listen(text, SocketNetwork())
    assert caught.value.status == 500
    assert text in caught.value.message


def test_upstreams() -> None:
    found = read_upstream("localhost:1, 127.0.0.1:2,:3")
    assert [each.name for each in found] == ["localhost:1", "127.0.0.1:2", "127.0.0.1:3"]


@pytest.mark.parametrize("text", ["", "a", "a:0", "a:1,", "a:1,a:1"])
def test_what_is_no_upstream(text: str) -> None:
    with pytest.raises(ApiError, match="bad request body: upstream: "):
        read_upstream(text)


def test_known_backends_stay_as_they_are() -> None:
    [first, second] = read_upstream("a:1,a:2")
    known = BackendConfig("heavy", first.address, weight=5)
    assert keep_known((first, second), (known,)) == (known, second)


@pytest.mark.parametrize(
    ("host", "url"), [("127.0.0.1", "http://127.0.0.1:1"), ("::1", "http://[::1]:1")]
)
def test_the_address_of_the_api(host: str, url: str) -> None:
    assert ApiAddress(host, 1).url == url
