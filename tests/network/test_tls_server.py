from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any, cast

import attrs
import pytest
import trio
from support.certificates import Authority
from support.tls import HOST, VERSIONS, Ends, Rig, memory_ends, shake_hands

from trio_balancer.config.model_tls import (
    ListenerTls,
    MinVersion,
    PoolTls,
)
from trio_balancer.network.tls_client import ClientTls
from trio_balancer.network.tls_server import ServerTls, best_match
from trio_balancer.network.tls_stream import TlsStream

ANYBODY = ClientTls(PoolTls(verify=False))


@pytest.fixture(params=VERSIONS)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Rig:
    return Rig(tmp_path, request.param)


def names(ends: Ends) -> list[str]:
    """Return the DNS names of the certificate that the client was given."""
    assert isinstance(ends.client, TlsStream)
    certificate = cast("dict[str, Any]", ends.client._engine._object.getpeercert())
    return [value for _, value in certificate["subjectAltName"]]


def several(authority: Authority, *, strict: bool) -> ServerTls:
    certificates = [
        authority.issue(*each) for each in (["a.example"], ["*.b.example", "a.example"])
    ]
    return ServerTls(ListenerTls(tuple(certificates), strict_sni=strict))


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("a.example", "a.example"),
        ("A.Example", "a.example"),
        ("x.b.example", "*.b.example"),
    ],
)
async def test_the_name_chooses_the_certificate(rig: Rig, asked: str, given: str) -> None:
    rig.server = several(rig.authority, strict=True)
    assert names(await rig.shake_hands(host=asked))[0] == given


@pytest.mark.parametrize("asked", ["c.example", "x.y.b.example", "b.example", None])
async def test_without_a_match_the_first_certificate_serves(rig: Rig, asked: str | None) -> None:
    rig.server = several(rig.authority, strict=False)
    rig.client._context.check_hostname = False
    rig.client._config = attrs.evolve(rig.client._config, verify=False)
    assert names(await rig.shake_hands(host=asked)) == ["a.example"]


async def test_strict_sni_refuses_other_names(rig: Rig) -> None:
    rig.server = several(rig.authority, strict=True)
    ends = await rig.shake_hands(host="c.example")
    assert str(ends.client) == 'the peer sent the alert "unrecognized name"'
    assert str(ends.server) == "the peer asked for the name 'c.example', which no certificate has"


def test_best_match() -> None:
    one, other = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    contexts = {"*.example": one, "a.example": other}
    assert best_match(contexts, "a.example") is other
    assert best_match(contexts, "b.example") is one
    assert best_match(contexts, "example") is None
    assert best_match({"*": one}, "localhost") is one


async def test_a_prefix_that_was_read_before(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    dialled, accepted = memory_ends()

    async def accept() -> None:
        prefix = await accepted.receive_some(100)
        server = await rig.server.accept(accepted, prefix)
        await server.send_all(b"hello")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(accept)
        client = await rig.client.connect(dialled, HOST)
        assert await client.receive_some() == b"hello"


async def test_the_lowest_version(tmp_path: Path) -> None:
    rig = Rig(tmp_path, ssl.TLSVersion.TLSv1_2)
    rig.serve(rig.authority.listener(HOST, min_version=MinVersion.TLS_1_3))
    ends = await rig.shake_hands()
    assert str(ends.client) == 'the peer sent the alert "protocol version"'
    assert str(ends.server) == "no version of TLS in common"


async def test_ciphers(tmp_path: Path) -> None:
    rig = Rig(tmp_path, ssl.TLSVersion.TLSv1_2)
    rig.serve(rig.authority.listener(HOST, ciphers="ECDHE-ECDSA-CHACHA20-POLY1305"))
    _client, server = await rig.connect()
    assert server.info.cipher == "ECDHE-ECDSA-CHACHA20-POLY1305"
    rig.client._context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    ends = await rig.shake_hands()
    assert str(ends.client) == 'the peer sent the alert "handshake failure"'
    assert str(ends.server) == "no cipher in common"


@pytest.mark.parametrize(
    ("ours", "theirs", "agreed"),
    [
        (("h2", "http/1.1"), ("http/1.1", "h2"), "h2"),
        (("h2", "http/1.1"), ("http/1.1",), "http/1.1"),
        (("h2",), ("spdy/3",), None),
        (("h2",), (), None),
        ((), ("h2",), None),
    ],
)
async def test_alpn(
    rig: Rig, ours: tuple[str, ...], theirs: tuple[str, ...], agreed: str | None
) -> None:
    rig.serve(rig.authority.listener(HOST, alpn=ours))
    rig.dial(rig.authority.pool(alpn=theirs))
    client, server = await rig.connect()
    assert client.info.alpn == server.info.alpn == agreed


async def test_anybody_may_connect_to_a_server_that_asks_for_nothing(tmp_path: Path) -> None:
    ends = await shake_hands(Rig(tmp_path).server, ANYBODY, host=None)
    assert isinstance(ends.server, TlsStream)
    assert ends.server.info.server_name is None
