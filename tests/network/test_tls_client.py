from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.certificates import Authority, remove, replace
from support.tls import HOST, VERSIONS, Rig, memory_ends

from trio_balancer.config.model_tls import (
    CertificateFiles,
    ClientCertificates,
    ListenerTls,
    MinVersion,
    PoolTls,
)
from trio_balancer.network import PeerReset
from trio_balancer.network.tls_client import ClientTls
from trio_balancer.network.tls_errors import TlsConfigError, TlsError
from trio_balancer.network.tls_server import ServerTls
from trio_balancer.network.tls_stream import TlsStream


@pytest.fixture(params=VERSIONS)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Rig:
    return Rig(tmp_path, request.param)


async def test_an_authority_of_our_own(rig: Rig) -> None:
    client, server = await rig.connect()
    await client.send_all(b"x")
    assert await server.receive_some() == b"x"


async def test_an_unknown_authority(rig: Rig) -> None:
    rig.dial(PoolTls())  # the system's
    ends = await rig.shake_hands()
    assert str(ends.client).startswith("certificate verify failed: unable to get")
    assert str(ends.server) == 'the peer sent the alert "unknown ca"'


async def test_another_name(rig: Rig) -> None:
    ends = await rig.shake_hands(host="b.example")
    assert isinstance(ends.client, TlsError)
    assert "certificate is not valid for 'b.example'" in str(ends.client)


async def test_an_expired_certificate(rig: Rig) -> None:
    old = rig.authority.issue(HOST, expired_at=datetime(2020, 1, 1, tzinfo=UTC))
    rig.serve(ListenerTls((old,)))
    ends = await rig.shake_hands()
    assert str(ends.client) == "certificate verify failed: certificate has expired"
    assert str(ends.server) == 'the peer sent the alert "certificate expired"'


async def test_verification_can_be_turned_off(rig: Rig) -> None:
    rig.dial(PoolTls(verify=False))
    for host in ("b.example", None):
        ends = await rig.shake_hands(host=host)
        assert isinstance(ends.client, TlsStream)
        assert isinstance(ends.server, TlsStream)
        assert ends.server.info.server_name == ends.client.info.server_name == host


async def test_the_configured_name_comes_first(rig: Rig) -> None:
    rig.dial(rig.authority.pool(server_name=HOST))
    for host in ("b.example", "192.0.2.2", None):
        ends = await rig.shake_hands(host=host)
        assert isinstance(ends.server, TlsStream)
        assert ends.server.info.server_name == HOST


@pytest.mark.parametrize("host", ["192.0.2.2", "2001:db8::1"])
async def test_an_address_is_verified_but_not_asked_for(rig: Rig, host: str) -> None:
    rig.serve(rig.authority.listener(host))
    ends = await rig.shake_hands(host=host)
    assert isinstance(ends.server, TlsStream)
    assert ends.server.info.server_name is None
    ends = await rig.shake_hands(host="192.0.2.3")
    assert "IP address mismatch" in str(ends.client)


@pytest.mark.parametrize("host", ["a.example.", "my_service", "-x.example"])
async def test_names_that_hosts_have(rig: Rig, host: str) -> None:
    rig.dial(PoolTls(verify=False))
    ends = await rig.shake_hands(host=host)
    assert isinstance(ends.server, TlsStream)
    assert ends.server.info.server_name == host.removesuffix(".")


async def test_a_unix_socket_has_no_name_to_verify(tmp_path: Path) -> None:
    near, far = memory_ends()
    with pytest.raises(TlsError, match="no server_name is given"):
        await Rig(tmp_path).client.connect(near, None)
    assert far.received == near.sent == 0


async def test_a_certificate_of_our_own(rig: Rig) -> None:
    rig.serve(
        rig.authority.listener(
            HOST, client_certificates=ClientCertificates.REQUIRED, client_ca=rig.authority.ca
        )
    )
    ours = rig.authority.issue("balancer@example", common_name="balancer")
    rig.dial(rig.authority.pool(certificate=ours))
    _client, server = await rig.connect()
    assert server.info.client_common_name == "balancer"


async def test_the_lowest_version(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.server._choice.default.maximum_version = ssl.TLSVersion.TLSv1_2
    rig.dial(rig.authority.pool(min_version=MinVersion.TLS_1_3))
    ends = await rig.shake_hands()
    assert str(ends.client) == 'the peer sent the alert "protocol version"'


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "the peer does not speak TLS"),
        (bytes([21, 3, 3, 0, 2, 2, 40]), 'the peer sent the alert "handshake failure"'),
    ],
)
async def test_a_backend_that_does_not_want_to(tmp_path: Path, answer: bytes, why: str) -> None:
    near, far = memory_ends()
    await far.send_all(answer)
    far.close()
    with pytest.raises(TlsError) as excinfo:
        await Rig(tmp_path).client.connect(near, HOST)
    assert str(excinfo.value) == why


async def test_a_backend_that_refuses_and_resets_at_once(tmp_path: Path) -> None:
    near, far = memory_ends()
    await far.send_all(bytes([21, 3, 3, 0, 2, 2, 40]))
    far.reset()
    with pytest.raises(TlsError, match="handshake failure"):
        await Rig(tmp_path).client.connect(near, HOST)


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_backend_that_leaves(tmp_path: Path, how: str) -> None:
    near, far = memory_ends()
    getattr(far, how)()
    with pytest.raises(PeerReset):
        await Rig(tmp_path).client.connect(near, HOST)


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    files = CertificateFiles(str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"))
    with pytest.raises(TlsConfigError) as excinfo:
        ClientTls(PoolTls(ca=str(tmp_path / "ca.pem"), certificate=files))
    assert set(excinfo.value.problems) == {("ca",), ("cert",), ("key",)}


async def test_reload(rig: Rig) -> None:
    client, server = await rig.connect()
    ca = rig.authority.ca
    remove(ca)
    with pytest.raises(TlsConfigError, match=r"ca: .* cannot be read"):
        rig.client.reload()
    await rig.connect()
    other = Authority(rig.folder / "other")
    replace(ca, other.ca)
    rig.client.reload()
    rig.client._context.maximum_version = rig.version
    ends = await rig.shake_hands()
    assert isinstance(ends.client, TlsError)
    rig.server = ServerTls(other.listener(HOST))
    await rig.connect()
    await client.send_all(b"still here")
    assert await server.receive_some() == b"still here"
