"""From accept until the pool is known: headers, ClientHellos, TLS, and the one deadline."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence

import pytest
import trio
from support.world import (
    BACKEND,
    FRONT,
    OTHER,
    World,
    finish,
    is_reset,
    keep,
    make_config,
    receive_to_end,
)
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer import Config, parse_config
from trio_balancer.testing import MemoryStream
from trio_balancer.wire.proxy_header import Tlvs
from trio_balancer.wire.proxy_protocol import encode_local, encode_v2

TRUSTING = 'proxy_protocol = { trusted = ["127.0.0.1"] }\n'
V1 = b"PROXY TCP4 203.0.113.9 192.0.2.1 1234 443\r\n"


def routed(routes: str, *, pool: str = "") -> Config:
    """Two pools of one backend each, `app` at BACKEND and `other` at OTHER."""
    return parse_config(
        f'[balancer]\nmax_connections = 10\n[listeners.web]\nbind = "{FRONT}"\n{pool}\n'
        f"routes = [{routes}]\n"
        f'[pools.app]\nbackends = ["{BACKEND}"]\nhealth = {{ type = "none" }}\n'
        f'[pools.other]\nbackends = ["{OTHER}"]\nhealth = {{ type = "none" }}\n'
    )


def client_hello(server_name: str | None, alpn: Sequence[str] = ()) -> bytes:
    """Return what OpenSSL says first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    if alpn:
        context.set_alpn_protocols(alpn)
    said = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), said, server_hostname=server_name)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return said.read()


async def greeted(world: World, *pieces: bytes) -> MemoryStream:
    """Connect and say this, a piece at a time."""
    client = await world.client()
    for piece in pieces:
        await client.send_all(piece)
        await wait_all_tasks_blocked()
    return client


def whole(data: bytes) -> list[bytes]:
    return [data]


def one_at_a_time(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


@pytest.mark.parametrize("cut", [whole, one_at_a_time])
async def test_a_header_announces_the_client(
    world: World, autojump_clock: MockClock, cut: Callable[[bytes], list[bytes]]
) -> None:
    server = await world.server(behave=keep)
    await world.serve(make_config(listener=TRUSTING))

    client = await greeted(world, *cut(V1), b"hello")
    await client.send_eof()

    assert await receive_to_end(server.streams[0]) == b"hello"
    server.streams[0].close()
    await wait_all_tasks_blocked()
    [record] = world.records
    assert str(record.client) == "203.0.113.9:1234"
    assert record.peer == client.local_address
    assert str(record.ending) == "--"


async def test_what_a_header_says_beside_the_addresses_is_kept(
    world: World, autojump_clock: MockClock
) -> None:
    await world.server()
    await world.serve(make_config(listener=TRUSTING))
    tlvs = Tlvs(authority=b"shop.example", unique_id=b"id-1", alpn=b"h2")

    client = await greeted(world, encode_v2(OTHER, FRONT, tlvs))
    await finish(client)

    [record] = world.records
    assert record.client == OTHER
    assert record.tlvs == tlvs
    assert record.unique_id == "id-1"


@pytest.mark.parametrize("header", [b"PROXY UNKNOWN\r\n", encode_local()])
async def test_a_header_for_nobody_leaves_the_address_of_the_socket(
    world: World, autojump_clock: MockClock, header: bytes
) -> None:
    await world.server()
    await world.serve(make_config(listener=TRUSTING))
    client = await greeted(world, header)
    await finish(client)
    assert world.records[0].client == client.local_address


@pytest.mark.parametrize(
    ("said", "ending", "reason"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "PR", "PROXY header: expected a PROXY protocol header"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n", "PR", "PROXY header: "),
        (b"PROXY TCP4 1.2.3", "cR", "no complete handshake within 5 s"),
        (b"", "cR", "no complete handshake within 5 s"),
    ],
)
async def test_a_header_that_is_none_or_does_not_come(
    world: World, autojump_clock: MockClock, said: bytes, ending: str, reason: str
) -> None:
    await world.serve(make_config(listener=TRUSTING))
    client = await greeted(world, *([said] if said else []))
    assert await is_reset(client)
    assert world.endings() == [ending]
    assert world.records[0].reason.startswith(reason)
    world.assert_nothing_is_held()


async def test_no_byte_rearms_the_deadline(world: World, autojump_clock: MockClock) -> None:
    await world.serve(make_config(listener=f'{TRUSTING}handshake_timeout = "2s"'))
    client = await world.client()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trickle, client, V1)
        await world.until(lambda: bool(world.records))
        nursery.cancel_scope.cancel()

    assert world.endings() == ["cR"]
    assert world.records[0].total_time == pytest.approx(2)


async def trickle(client: MemoryStream, data: bytes) -> None:
    for octet in data:
        await client.send_all(bytes([octet]))
        await trio.sleep(0.3)


async def test_the_deadline_may_be_off(world: World, autojump_clock: MockClock) -> None:
    await world.server()
    await world.serve(make_config(listener=f'{TRUSTING}handshake_timeout = "off"'))
    client = await world.client()
    await trio.sleep(3600)
    await client.send_all(V1)
    await finish(client)
    assert world.endings() == ["--"]


@pytest.mark.parametrize("leave", ["finish", "reset"])
async def test_a_client_that_leaves_within_its_handshake(
    world: World, autojump_clock: MockClock, leave: str
) -> None:
    await world.serve(make_config(listener=TRUSTING))
    client = await greeted(world, V1[:10])
    if leave == "finish":
        await client.send_eof()
    else:
        client.reset()
    await wait_all_tasks_blocked()
    assert world.endings() == ["CR"]


async def test_the_hello_chooses_the_pool_and_reaches_it_whole(
    world: World, autojump_clock: MockClock
) -> None:
    app, other = await world.server(BACKEND, keep), await world.server(OTHER, keep)
    await world.serve(
        routed(
            '{ sni = "a.example", pool = "other" }, { alpn = "h2", pool = "other" }',
            pool='pool = "app"',
        )
    )
    hellos = [client_hello("a.example"), client_hello("b.example"), client_hello(None, ["h2"])]

    for hello in hellos:
        await greeted(world, *one_at_a_time(hello))

    assert [await stream.receive_some() for stream in other.streams] == [hellos[0], hellos[2]]
    assert [await stream.receive_some() for stream in app.streams] == [hellos[1]]
    await world.crash_everybody()
    told = {(record.pool, record.server_name, record.alpn) for record in world.records}
    assert told == {("other", "a.example", None), ("app", "b.example", None), ("other", None, "h2")}


async def test_who_does_not_speak_tls_has_a_route_of_its_own(
    world: World, autojump_clock: MockClock
) -> None:
    other = await world.server(OTHER, keep)
    await world.serve(routed('{ plain = true, pool = "other" }'))
    await greeted(world, b"GET / HTTP/1.1\r\n")
    assert await other.streams[0].receive_some() == b"GET / HTTP/1.1\r\n"


@pytest.mark.parametrize("said", [client_hello("b.example"), b"GET / HTTP/1.1\r\n\r\n"])
async def test_without_a_route_and_without_a_default_the_client_is_refused(
    world: World, autojump_clock: MockClock, said: bytes
) -> None:
    await world.serve(routed('{ sni = "a.example", pool = "other" }'))
    assert await is_reset(await greeted(world, said))
    assert world.endings() == ["PR"]
    assert world.records[0].reason == "no route leads to a pool"


async def test_a_hello_that_is_malformed_or_never_ends(
    world: World, autojump_clock: MockClock
) -> None:
    await world.serve(routed('{ sni = "a.example", pool = "other" }', pool='pool = "app"'))
    malformed = await greeted(world, bytes.fromhex("16 0301 0005 02 000001 00"))
    assert await is_reset(malformed)
    assert await is_reset(await greeted(world, client_hello("a.example")[:-1]))
    assert world.endings() == ["PR", "cR"]
    assert world.records[0].reason.startswith("TLS ClientHello: ")
