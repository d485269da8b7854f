"""TLS that ends here, and where it leads."""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
import trio
from support.certificates import Authority
from support.world import BACKEND, FRONT, OTHER, World, is_reset, keep, receive_to_end
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer import Config, parse_config
from trio_balancer.network.tls_client import ClientTls
from trio_balancer.network.tls_errors import TlsError

if TYPE_CHECKING:
    from trio_balancer.network.tls_stream import TlsStream


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


def terminating(authority: Authority, *, listener: str = "", tls: str = "") -> Config:
    """Two pools of one backend each, `app` at BACKEND and `other` at OTHER."""
    files = authority.issue("a.example", "b.example")
    return parse_config(
        f'[balancer]\nmax_connections = 10\n[listeners.web]\nbind = "{FRONT}"\npool = "app"\n'
        f"{listener}\n[listeners.web.tls]\n{tls}\n"
        f'certificates = [{{ cert = "{files.cert}", key = "{files.key}" }}]\n'
        f'[pools.app]\nbackends = ["{BACKEND}"]\nhealth = {{ type = "none" }}\n'
        f'[pools.other]\nbackends = ["{OTHER}"]\nhealth = {{ type = "none" }}\n'
    )


async def secured(
    world: World,
    authority: Authority,
    host: str = "a.example",
    *,
    before: bytes = b"",
    **tls: object,
) -> TlsStream:
    """Connect, say what comes before, and shake hands."""
    client = await world.client()
    if before:
        await client.send_all(before)
    secured = await ClientTls(authority.pool(**tls)).connect(client, host)
    await wait_all_tasks_blocked()
    return secured


async def test_the_backend_gets_plain_bytes_and_the_client_its_answer(
    world: World, autojump_clock: MockClock, authority: Authority
) -> None:
    server = await world.server()
    await world.serve(terminating(authority))

    client = await secured(world, authority)
    await client.send_all(b"ping" * 50_000)
    received = bytearray()
    while len(received) < 200_000:
        received += await client.receive_some()
    await client.send_eof()
    await wait_all_tasks_blocked()

    assert bytes(received) == b"ping" * 50_000
    assert server.streams[0].received == 200_000
    [record] = world.records
    assert str(record.ending) == "--"
    assert (record.tls, record.server_name) == ("TLSv1.3", "a.example")
    assert (record.bytes_up, record.bytes_down) == (200_000, 200_000)
    world.assert_nothing_is_held()


async def test_an_end_of_file_of_the_client_goes_on_and_the_reply_comes_back(
    world: World, autojump_clock: MockClock, authority: Authority
) -> None:
    server = await world.server(behave=keep)
    await world.serve(terminating(authority))
    client = await secured(world, authority)
    [backend] = server.streams

    await client.send_all(b"question")
    await _finish_and_go_on_reading(client)

    assert await receive_to_end(backend) == b"question"
    await backend.send_all(b"answer")
    backend.close()
    assert await client.receive_some() == b"answer"
    assert await client.receive_some() == b""
    client.close()
    await wait_all_tasks_blocked()
    assert world.endings() == ["--"]
    assert world.records[0].closed_first == "client"


async def _finish_and_go_on_reading(client: TlsStream) -> None:
    """Send a close_notify as a peer does that is not through with it, unlike our own stream."""
    with suppress(ssl.SSLWantReadError):
        client._engine._object.unwrap()
    await client._below.send_all(client._engine._outgoing.read())


async def test_the_name_chooses_the_pool(
    world: World, autojump_clock: MockClock, authority: Authority
) -> None:
    other = await world.server(OTHER, keep)
    await world.serve(
        terminating(authority, listener='routes = [{ sni = "b.example", pool = "other" }]')
    )
    client = await secured(world, authority, "b.example")
    await client.send_all(b"hello")
    assert await other.streams[0].receive_some() == b"hello"


async def test_a_header_comes_before_the_handshake(
    world: World, autojump_clock: MockClock, authority: Authority
) -> None:
    server = await world.server(behave=keep)
    await world.serve(
        terminating(authority, listener='proxy_protocol = { trusted = ["127.0.0.1"] }')
    )
    client = await secured(
        world, authority, before=b"PROXY TCP4 203.0.113.9 192.0.2.1 1234 443\r\n"
    )
    await client.send_all(b"hello")
    assert await server.streams[0].receive_some() == b"hello"
    await world.crash_everybody()
    assert str(world.records[0].client) == "203.0.113.9:1234"


async def test_a_client_without_the_certificate_that_is_required(
    world: World, autojump_clock: MockClock, authority: Authority
) -> None:
    await world.server()
    tls = f'client_certificates = "required"\nclient_ca = "{authority.ca}"'
    await world.serve(terminating(authority, tls=tls))

    client = await secured(world, authority)
    with pytest.raises(trio.BrokenResourceError):
        await client.receive_some()
    known = await secured(world, authority, certificate=authority.issue("me", common_name="me"))
    await known.send_all(b"ping")
    assert await known.receive_some() == b"ping"

    assert world.endings() == ["PR"]
    assert world.records[0].reason == "TLS: the peer sent no certificate"


async def test_who_does_not_speak_tls_is_refused(
    world: World, autojump_clock: MockClock, authority: Authority
) -> None:
    await world.serve(terminating(authority))
    client = await world.client()
    await client.send_all(b"GET / HTTP/1.1\r\n\r\n")
    assert await is_reset(client)
    assert world.endings() == ["PR"]
    assert world.records[0].reason == "TLS: the peer sent plain HTTP"


async def test_a_handshake_that_takes_too_long(
    world: World, autojump_clock: MockClock, authority: Authority
) -> None:
    await world.serve(terminating(authority))
    client = await world.client()
    await client.send_all(b"\x16\x03\x01")
    assert await is_reset(client)
    assert world.endings() == ["cR"]
    assert world.records[0].total_time == pytest.approx(5)


async def test_truncated_tls_is_a_reset_for_the_backend(
    world: World, autojump_clock: MockClock, authority: Authority
) -> None:
    server = await world.server(behave=keep)
    await world.serve(terminating(authority))
    client = await secured(world, authority)
    await client.send_all(b"half a")
    await client._below.send_eof()
    await wait_all_tasks_blocked()
    assert await is_reset(server.streams[0])
    assert world.endings() == ["CD"]


async def test_an_unknown_authority_is_told_to_the_client(
    world: World,
    autojump_clock: MockClock,
    authority: Authority,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    await world.serve(terminating(authority))
    stranger = Authority(tmp_path_factory.mktemp("stranger"))
    with pytest.raises(TlsError, match="certificate verify failed"):
        await secured(world, stranger)
    world.peers[0].reset()
    await wait_all_tasks_blocked()
    assert world.endings() in (["CR"], ["PR"])
    world.assert_nothing_is_held()


async def test_the_backend_may_speak_tls_while_the_client_does_not(
    world: World, autojump_clock: MockClock, authority: Authority
) -> None:
    inner = terminating(authority)
    front = parse_config(
        '[balancer]\nmax_connections = 10\n[listeners.out]\nbind = "10.0.0.9:80"\npool = "far"\n'
        f'[pools.far]\nbackends = ["{FRONT}"]\n[pools.far.tls]\nca = "{authority.ca}"\n'
        'server_name = "a.example"\n[pools.far.health]\ntype = "tcp"\nfall = 1\ninterval = "1s"\n'
    )
    await world.server()
    await world.serve(inner)
    outer = World(world.nursery, network=world.network)
    await outer.serve(front)

    client = await outer.client(outer.balancer.addresses["out"][0])  # type: ignore[arg-type]
    await client.send_all(b"ping")
    assert await client.receive_some() == b"ping"
    world.servers[0].streams[0].close()
    assert await receive_to_end(client) == b""
    client.close()
    await wait_all_tasks_blocked()
    assert outer.endings() == ["--"]
