"""How connections to backends begin: headers, TLS, source addresses, original destinations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import trio
from support.certificates import Authority
from support.troubled_network import TroubledNetwork
from support.world import FRONT, OTHER, World, finish, is_reset, keep, make_config, trade
from trio.testing import MockClock, wait_all_tasks_blocked

from trio_balancer.config.model_tls import ListenerTls
from trio_balancer.network.seam import SocketOptions
from trio_balancer.network.tls_server import ServerTls
from trio_balancer.testing import MemoryStream
from trio_balancer.wire.address import InetAddress, inet_address
from trio_balancer.wire.proxy_protocol import ProxyHeader, Tlvs, parse_header

Behaviour = Callable[[MemoryStream], Awaitable[None]]

TRUSTING = 'proxy_protocol = { trusted = ["127.0.0.1"] }\n'
CHECKED = '[pools.app.health]\ninterval = "1s"\nfall = 1\n'


async def header_of(stream: MemoryStream) -> tuple[ProxyHeader, bytes]:
    """Receive a header; return it with what came in the same piece."""
    data = bytes(await stream.receive_some())
    header = parse_header(data)
    assert header is not None
    return header, data[header.size :]


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_the_header_announces_the_client_before_its_first_byte(
    world: World, autojump_clock: MockClock, version: str
) -> None:
    server = await world.server(behave=keep)
    await world.serve(make_config(pool=f'send_proxy = "{version}"'))

    client = await world.client()
    [backend] = server.streams
    header, rest = await header_of(backend)
    await client.send_all(b"hello")

    assert (header.source, header.destination) == (client.local_address, FRONT)
    assert f"v{header.version}" == version
    assert rest == b""  # in one write, and nothing else in it
    assert await backend.receive_some() == b"hello"


async def test_an_announced_client_is_announced_further(
    world: World, autojump_clock: MockClock
) -> None:
    server = await world.server(behave=keep)
    options = 'send_proxy_options = ["unique-id", "authority", "crc32c"]'
    await world.serve(make_config(listener=TRUSTING, pool=f'send_proxy = "v2"\n{options}'))
    client = await world.client()
    await client.send_all(b"PROXY TCP4 203.0.113.9 192.0.2.1 1234 443\r\n")
    await wait_all_tasks_blocked()

    header, _ = await header_of(server.streams[0])

    assert header.source == inet_address("203.0.113.9", 1234)
    assert header.destination == inet_address("192.0.2.1", 443)
    assert header.tlvs.unique_id is not None
    await world.crash_everybody()
    assert world.records[0].unique_id == header.tlvs.unique_id.decode()


async def test_only_what_is_wished_is_told(world: World, autojump_clock: MockClock) -> None:
    server = await world.server(behave=keep)
    await world.serve(make_config(pool='send_proxy = "v2"'))
    await world.client()
    header, _ = await header_of(server.streams[0])
    assert header.tlvs == Tlvs()


@pytest.mark.parametrize(("version", "local"), [("v1", False), ("v2", True)])
async def test_a_check_speaks_for_itself(
    world: World, autojump_clock: MockClock, version: str, *, local: bool
) -> None:
    server = await world.server(behave=keep)
    await world.serve(make_config(pool=f'send_proxy = "{version}"', more=CHECKED))
    header, _ = await header_of(server.streams[0])
    assert header.local is local
    if not local:
        assert header.source == server.streams[0].remote_address


async def test_a_check_elsewhere_sends_no_header(world: World, autojump_clock: MockClock) -> None:
    server = await world.server(OTHER, keep)
    health = f'{CHECKED}address = "{OTHER.ip}"\nport = {OTHER.port}\n'
    await world.serve(make_config(pool='send_proxy = "v2"', more=health))
    assert server.streams[0].received == 0
    assert not server.streams[0].has_unread()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


def speaking(authority: Authority, config: ListenerTls | None = None) -> Behaviour:
    """Return the behaviour of a backend that speaks TLS and echoes."""
    tls = ServerTls(config or authority.listener("10.0.1.1"))

    async def behave(stream: MemoryStream) -> None:
        secured = await tls.accept(stream)
        while data := await secured.receive_some():
            await secured.send_all(data)
        await secured.aclose()

    return behave


async def test_a_backend_that_speaks_tls_is_verified_by_its_address(
    world: World, autojump_clock: MockClock, authority: Authority
) -> None:
    await world.server(behave=speaking(authority))
    await world.serve(make_config(pool=f'tls = {{ ca = "{authority.ca}" }}', more=CHECKED))
    client = await world.client()
    await client.send_all(b"ping")
    assert await client.receive_some() == b"ping"
    await finish(client)
    assert world.endings() == ["--"]
    assert world.records[0].bytes_up == 4


async def test_a_backend_whose_certificate_is_wrong_is_as_good_as_down(
    world: World, autojump_clock: MockClock, authority: Authority
) -> None:
    await world.server(behave=swallow_errors(speaking(authority, authority.listener("b.example"))))
    tls = f'connect_attempts = 1\ntls = {{ ca = "{authority.ca}" }}'
    await world.serve(make_config(pool=tls))
    assert await is_reset(await world.client())
    assert world.endings() == ["SC"]
    assert "certificate verify failed" in world.records[0].reason


async def test_its_check_fails_too(
    world: World, autojump_clock: MockClock, authority: Authority
) -> None:
    await world.server(behave=swallow_errors(speaking(authority, authority.listener("b.example"))))
    await world.serve(make_config(pool=f'tls = {{ ca = "{authority.ca}" }}', more=CHECKED))
    [line] = world.lines("Backend is DOWN")
    assert "certificate verify failed" in line


def swallow_errors(behave: Behaviour) -> Behaviour:
    """Return the same behaviour of a backend whose clients may be at odds with it."""

    async def quiet(stream: MemoryStream) -> None:
        try:
            await behave(stream)
        except (OSError, trio.BrokenResourceError):
            stream.reset()

    return quiet


async def test_a_handshake_counts_as_dialling(
    world: World, autojump_clock: MockClock, authority: Authority
) -> None:
    await world.server(behave=keep)
    tls = f'connect_attempts = 1\nconnect_timeout = "3s"\ntls = {{ ca = "{authority.ca}" }}'
    await world.serve(make_config(pool=tls))
    assert await is_reset(await world.client())
    assert world.endings() == ["sC"]
    assert world.records[0].total_time == pytest.approx(3)
    world.assert_nothing_is_held()


async def test_a_source_address(world: World, autojump_clock: MockClock) -> None:
    server = await world.server(behave=keep)
    await world.serve(make_config(pool='source = ["10.9.9.9", "fd00::9"]', more=CHECKED))
    await world.client()
    assert {str(stream.remote_address.ip) for stream in server.streams} == {"10.9.9.9"}  # type: ignore[union-attr]


async def test_a_redirected_client_goes_where_it_was_going(
    world: World, autojump_clock: MockClock
) -> None:
    server = await world.server(OTHER)
    await world.serve(ORIGINAL_DESTINATION)
    client = await redirected(world, OTHER)
    assert await trade(client) == b"ping"
    assert len(server.streams) == 1
    await finish(client)
    [record] = world.records
    assert (record.backend, record.backend_address) == ("original-destination", str(OTHER))


async def redirected(world: World, address: InetAddress) -> MemoryStream:
    """Dial an address through a firewall that sends us to the balancer, and only us."""
    world.network.redirects[address] = FRONT
    client = await world.network.connect(address, options=SocketOptions())
    del world.network.redirects[address]
    world.peers.append(client)
    await wait_all_tasks_blocked()
    return client


async def test_a_client_that_comes_straight_to_us_would_loop_and_is_refused(
    world: World, autojump_clock: MockClock
) -> None:
    await world.serve(ORIGINAL_DESTINATION)
    assert await is_reset(await world.client())
    assert world.endings() == ["PR"]
    assert world.records[0].attempts == 0


async def test_where_nobody_knows_the_original_destination(
    world: World, autojump_clock: MockClock
) -> None:
    await world.serve(ORIGINAL_DESTINATION, network=TroubledNetwork(world.network))
    assert await is_reset(await world.client())
    assert world.endings() == ["PR"]
    assert world.records[0].reason.startswith("no original destination: ")


ORIGINAL_DESTINATION = make_config(pool='backends = "original-destination"', more="", backends=())
