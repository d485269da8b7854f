"""The header that announces a client: whom, and what else is known of it."""

from __future__ import annotations

from collections.abc import Iterable

import attrs
import pytest
from support.world import BACKEND, FRONT, World, keep, make_config
from trio.testing import MockClock

from trio_balancer.config.model_proxy import ProxyVersion, SendProxyConfig, SendProxyOption
from trio_balancer.flow.introduction import introduction
from trio_balancer.flow.live import Connection, Greeting
from trio_balancer.network.tls_info import TlsInfo
from trio_balancer.wire.address import inet_address
from trio_balancer.wire.proxy_protocol import ProxyHeader, SslInfo, Tlvs, parse_header

CLIENT, SITE = inet_address("203.0.113.9", 1234), inet_address("192.0.2.1", 443)
EVERYTHING = frozenset(SendProxyOption)
TLS = TlsInfo("TLSv1.3", "TLS_AES_128_GCM_SHA256", server_name="a.example", alpn="h2")
HEARD = Tlvs(
    authority=b"shop.example",
    alpn=b"http/1.1",
    unique_id=b"id-1",
    ssl=SslInfo(client=1, verify=1, version=b"TLSv1.2"),
)


async def connection_of(world: World, greeting: Greeting | None = None) -> Connection:
    """Connect a client, which is taken to have told this."""
    await world.server(BACKEND, keep)
    await world.serve(make_config())
    await world.client()
    connection = world.runtime.connections[1]
    connection.greeting = greeting
    return connection


def introduced(
    connection: Connection,
    options: Iterable[SendProxyOption] = EVERYTHING,
    version: ProxyVersion = ProxyVersion.V2,
) -> ProxyHeader:
    """Return what a backend learns."""
    data = introduction(connection, SendProxyConfig(version, frozenset(options)))
    header = parse_header(data)
    assert header is not None
    assert header.size == len(data)
    return header


async def test_nobody_is_introduced_where_no_header_is_wished(
    world: World, autojump_clock: MockClock
) -> None:
    assert introduction(await connection_of(world), None) == b""


@pytest.mark.parametrize("version", ProxyVersion)
async def test_a_client_that_came_straight_to_us(
    world: World, autojump_clock: MockClock, version: ProxyVersion
) -> None:
    connection = await connection_of(world)
    header = introduced(connection, (), version)
    assert (header.source, header.destination) == (connection.client.remote_address, FRONT)
    assert f"v{header.version}" == version.value
    assert header.tlvs == Tlvs()


@pytest.mark.parametrize("version", ProxyVersion)
async def test_a_client_that_was_announced_to_us(
    world: World, autojump_clock: MockClock, version: ProxyVersion
) -> None:
    announced = ProxyHeader(1, 0, source=CLIENT, destination=SITE)
    connection = await connection_of(world, Greeting(header=announced))
    connection.client_address = CLIENT
    header = introduced(connection, (), version)
    assert (header.source, header.destination) == (CLIENT, SITE)


async def test_a_proxy_that_speaks_for_itself(world: World, autojump_clock: MockClock) -> None:
    connection = await connection_of(world, Greeting(header=ProxyHeader(2, 16)))
    header = introduced(connection, ())
    assert (header.source, header.destination) == (connection.client.remote_address, FRONT)


async def test_what_was_announced_goes_before_what_we_saw(
    world: World, autojump_clock: MockClock
) -> None:
    announced = ProxyHeader(2, 0, source=CLIENT, destination=SITE, tlvs=HEARD)
    greeting = Greeting(header=announced, server_name="a.example", tls=TLS)
    assert introduced(await connection_of(world, greeting)).tlvs == HEARD


async def test_what_we_saw_ourselves(world: World, autojump_clock: MockClock) -> None:
    connection = await connection_of(world, Greeting(server_name="a.example", tls=TLS))
    told = introduced(connection).tlvs
    assert (told.authority, told.alpn) == (b"a.example", b"h2")
    assert told.unique_id == connection.unique_id()
    assert told.ssl == SslInfo(1, 1, version=b"TLSv1.3", cipher=b"TLS_AES_128_GCM_SHA256")


@pytest.mark.parametrize(
    "greeting",
    [
        None,
        Greeting(),
        Greeting(alpn=(b"h2", b"http/1.1")),
        Greeting(tls=attrs.evolve(TLS, alpn=None)),
    ],
)
async def test_what_nobody_knows_is_not_told(
    world: World, autojump_clock: MockClock, greeting: Greeting | None
) -> None:
    told = introduced(await connection_of(world, greeting)).tlvs
    # A client that we do not decrypt offers protocols; which one is agreed on, we never see.
    assert (told.authority, told.alpn) == (None, None)
    assert (told.ssl is None) == (greeting is None or greeting.tls is None)


@pytest.mark.parametrize("option", SendProxyOption)
async def test_only_what_is_wished_is_told(
    world: World, autojump_clock: MockClock, option: SendProxyOption
) -> None:
    connection = await connection_of(world, Greeting(server_name="a.example", tls=TLS))
    told = attrs.asdict(introduced(connection, [option]).tlvs, recurse=False)
    field = option.value.replace("-", "_")
    assert [name for name, value in told.items() if value] == ([field] if field in told else [])


async def test_a_checksum_is_there_when_wished(world: World, autojump_clock: MockClock) -> None:
    connection = await connection_of(world)
    without, checked = introduced(connection, ()), introduced(connection, [SendProxyOption.CRC32C])
    assert checked.size == without.size + 7  # type, length and the 4 bytes


@pytest.mark.parametrize(
    ("resumed", "bits"),
    [(False, 0x07), (True, 0x05)],
)
async def test_a_client_with_a_certificate(
    world: World, autojump_clock: MockClock, bits: int, *, resumed: bool
) -> None:
    tls = attrs.evolve(TLS, client_common_name="alice", client_verified=True, resumed=resumed)
    told = introduced(await connection_of(world, Greeting(tls=tls))).tlvs.ssl
    assert told is not None
    assert (told.client, told.verify, told.cn) == (bits, 0, b"alice")
    assert told.is_verified


async def test_a_certificate_without_a_common_name_is_one(
    world: World, autojump_clock: MockClock
) -> None:
    tls = attrs.evolve(TLS, client_subject="O=Example", client_verified=True)
    told = introduced(await connection_of(world, Greeting(tls=tls))).tlvs.ssl
    assert told is not None
    assert told.is_verified
    assert told.cn is None


async def test_a_client_without_a_certificate_is_not_verified(
    world: World, autojump_clock: MockClock
) -> None:
    told = introduced(await connection_of(world, Greeting(tls=TLS))).tlvs.ssl
    assert told is not None
    assert (told.is_tls, told.is_verified, told.verify) == (True, False, 1)
