"""What a client's first bytes are, one at a time or not, and how they are refused."""

from __future__ import annotations

import ssl
from contextlib import suppress
from pathlib import Path

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from support.certificates import Authority
from support.tls import HOST, Rig, memory_ends

from trio_balancer.network import PeerReset
from trio_balancer.network.tls_errors import TlsError
from trio_balancer.network.tls_server import ServerTls


def hello(host: str | None = HOST, *, version: ssl.TLSVersion | None = None) -> bytes:
    """Return a client's first bytes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    if version is not None:
        context.maximum_version = version
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=host)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


async def refusal(server: ServerTls, data: bytes, prefix: bytes = b"") -> tuple[str, bytes]:
    """Send bytes to a server that refuses them; return why, and what it answers."""
    near, far = memory_ends()
    await near.send_all(data)
    with pytest.raises(TlsError) as excinfo:
        await server.accept(far, prefix)
    far.close()
    answer = b""
    with suppress(PeerReset):
        answer = await near.receive_some()
    return str(excinfo.value), answer


def alert(description: int) -> bytes:
    return bytes([21, 3, 3, 0, 2, 2, description])


def strict(folder: Path) -> ServerTls:
    return ServerTls(Authority(folder).listener(HOST, strict_sni=True))


async def test_strict_sni_refuses_who_asks_for_none(tmp_path: Path) -> None:
    why, answer = await refusal(strict(tmp_path), hello(None))
    assert why == "the peer asked without a server name (SNI), which no certificate has"
    assert answer == alert(112)


async def test_a_hello_in_single_bytes(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    near, far = memory_ends()
    answered: list[bytes] = []

    async def send() -> None:
        for byte in hello():
            await near.send_all(bytes([byte]))
        answered.append(await near.receive_some())
        near.reset()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        with pytest.raises(PeerReset):
            await rig.server.accept(far)
    assert answered[0].startswith(b"\x16\x03\x03")  # a ServerHello


async def test_plain_http_is_named(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    why, _ = await refusal(rig.server, b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
    assert why == "the peer sent plain HTTP"


async def test_other_bytes_are_no_tls(tmp_path: Path) -> None:
    why, _ = await refusal(Rig(tmp_path).server, b"SSH-2.0-OpenSSH_9.2\r\n")
    assert why == "the peer does not speak TLS"


async def test_a_name_that_is_none_is_refused_without_a_traceback(tmp_path: Path) -> None:
    data = hello("abc.example").replace(b"abc.example", b"a\xff\n.example")
    why, answer = await refusal(Rig(tmp_path).server, data)
    assert why.endswith(r"its server_name 'a\xff\n.example' is no host name")
    assert answer == alert(50)


async def test_a_client_that_has_gone_is_not_told(tmp_path: Path) -> None:
    near, far = memory_ends()
    await near.send_all(hello("c.example"))
    near.reset()
    with pytest.raises(TlsError, match=r"c\.example"):
        await strict(tmp_path).accept(far)


@pytest.mark.parametrize("data", [b"", b"\x16", hello()[:-1], hello()])
async def test_leaving_during_the_handshake(tmp_path: Path, data: bytes) -> None:
    near, far = memory_ends()
    await near.send_all(data)
    await near.send_eof()
    with pytest.raises(PeerReset, match="the peer left during the TLS handshake"):
        await Rig(tmp_path).server.accept(far)


async def test_a_reset_during_the_handshake(tmp_path: Path) -> None:
    near, far = memory_ends()
    await near.send_all(hello())
    near.reset()
    with pytest.raises(PeerReset, match="connection broke"):
        await Rig(tmp_path).server.accept(far)


@settings(max_examples=50)
@given(noise=st.binary(max_size=200), at=st.integers(min_value=0, max_value=200))
def test_whatever_a_client_sends_is_refused_by_a_documented_error(
    folder: Path, noise: bytes, at: int
) -> None:
    good = hello()
    server = Rig(folder).server

    async def serve(data: bytes) -> None:
        near, far = memory_ends()
        await near.send_all(data)
        await near.send_eof()
        with pytest.raises((TlsError, PeerReset)):
            await server.accept(far)

    trio.run(serve, noise)
    trio.run(serve, good[:at] + noise + good[at + len(noise) :])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")
